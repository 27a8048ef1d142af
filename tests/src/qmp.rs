//! QEMU's own protocol (QMP), as far as tests order anything: JSON, a line each, over a socket.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// QEMU listens a moment after it was started; one that does not in this time never will.
const START: Duration = Duration::from_secs(20);

/// Between two attempts.
const LOOK: Duration = Duration::from_millis(2);

/// Resets the machine.
///
/// # Errors
/// When nobody listens, or QEMU does not obey.
pub(crate) fn system_reset(socket: &Path) -> io::Result<()> {
    let mut stream = connect(socket)?;
    stream.set_read_timeout(Some(START))?;
    let mut answers = BufReader::new(stream.try_clone()?).lines();
    for order in ["qmp_capabilities", "system_reset"] {
        writeln!(stream, "{{\"execute\":\"{order}\"}}")?;
        // A greeting and events come between.
        let answer = answers.find(|line| line.as_ref().map_or(true, |line| is_answer(line)));
        let answer = answer.unwrap_or(Err(io::ErrorKind::UnexpectedEof.into()))?;
        if !answer.contains("\"return\"") {
            return Err(io::Error::other(answer));
        }
    }
    Ok(())
}

fn is_answer(line: &str) -> bool {
    line.contains("\"return\"") || line.contains("\"error\"")
}

/// Connects to QEMU, which may just have been started.
pub(crate) fn connect(socket: &Path) -> io::Result<UnixStream> {
    let end = Instant::now() + START;
    loop {
        match UnixStream::connect(socket) {
            Err(_) if Instant::now() < end => thread::sleep(LOOK),
            outcome => return outcome,
        }
    }
}
