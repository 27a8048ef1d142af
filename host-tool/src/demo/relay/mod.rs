//! A relay on loopback between a device and its server: counts what passes, and does to answers what its script says.
//!
//! It understands as much of HTTP/1.1 as devices and server use, so that it can tell heads from bodies and polls from objects.
//! Whoever holds it sees each exchange as it ends, which is also how one knows where an update stands.
//!
//! Bounds: so many connections at once, so long a head and a body, so long a silence. Dropping it closes everything.

mod message;
mod tally;

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use message::{Message, read_request, read_response};
pub use tally::{Exchange, Subject, Tally, Traffic};

/// Connections at once; a device has one, a gateway a few.
const CONNECTIONS_MAX: usize = 32;

/// A connection on which nothing happens for so long is closed.
const SILENCE: Duration = Duration::from_secs(120);

/// An answer on its way to a device.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// What was asked for.
    pub subject: Subject,
    /// The path that was asked for.
    pub path: &'a str,
    /// The body of the question.
    pub question: &'a [u8],
    /// The body of the answer.
    pub answer: &'a [u8],
}

/// What the relay does to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Hands it on as it is.
    Pass,
    /// Turns one bit of the body round; counted modulo the body's length.
    FlipBit(usize),
    /// Breaks off after so many bytes of the body.
    Truncate(usize),
    /// Hands on another body instead.
    Replace(Vec<u8>),
    /// Waits, and then hands it on.
    Delay(Duration),
    /// Closes the connection without an answer.
    Drop,
}

/// Decides on each answer.
type Script = Box<dyn FnMut(&Passing<'_>) -> Treatment + Send>;

/// Whether connections are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    /// Closed at once, as if nobody listened.
    Shut,
    Stopped,
}

struct State {
    server: SocketAddr,
    door: Door,
    script: Script,
    exchanges: Vec<Exchange>,
    /// Open connections from devices, by number.
    connections: HashMap<u64, TcpStream>,
}

struct Shared {
    state: Mutex<State>,
    /// Something was added to `exchanges`.
    passed: Condvar,
}

/// See the module.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Relay {
    /// Listens on a free port of loopback, for a server that may start later.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = State {
            server,
            door: Door::Open,
            script: Box::new(|_| Treatment::Pass),
            exchanges: Vec::new(),
            connections: HashMap::new(),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), passed: Condvar::new() });
        let listening = Some(thread::spawn({
            let shared = Arc::clone(&shared);
            move || listen(&listener, &shared)
        }));
        Ok(Self { address, shared, listening })
    }

    /// Where devices find it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the next connection on, this is the server.
    pub fn lead_to(&self, server: SocketAddr) {
        self.shared.lock().server = server;
    }

    /// From the next answer on, this decides what becomes of it.
    pub fn follow(&self, script: impl FnMut(&Passing<'_>) -> Treatment + Send + 'static) {
        self.shared.lock().script = Box::new(script);
    }

    /// Hands everything on as it is, and takes connections.
    pub fn be_honest(&self) {
        self.follow(|_| Treatment::Pass);
        self.shared.lock().door = Door::Open;
    }

    /// Closes all connections and takes none, as if the server were gone.
    pub fn refuse(&self) {
        self.shared.shut(Door::Shut);
    }

    /// What passed so far.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.lock().exchanges.clone()
    }

    /// The sums of what passed so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(&self.shared.lock().exchanges)
    }

    /// Waits until what passed satisfies `condition`; whether it did within `limit`.
    #[must_use]
    pub fn wait(&self, limit: Duration, condition: impl Fn(&[Exchange]) -> bool) -> bool {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        while !condition(&state.exchanges) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.passed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.shut(Door::Stopped);
        // Wakes the listener, so that it sees that it is over.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            drop(listening.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A script that panicked fails its test by itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shut(&self, door: Door) {
        let mut state = self.lock();
        state.door = door;
        for connection in state.connections.values() {
            drop(connection.shutdown(Shutdown::Both));
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, device) in (0..).zip(listener.incoming()) {
        let mut state = shared.lock();
        if state.door == Door::Stopped {
            return;
        }
        let Ok(device) = device else { continue };
        let Ok(handle) = device.try_clone() else { continue };
        if state.door == Door::Shut || state.connections.len() >= CONNECTIONS_MAX {
            continue;
        }
        state.connections.insert(number, handle);
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // However it ended: the device will connect again.
            drop(serve(device, &shared));
            shared.lock().connections.remove(&number);
        });
    }
}

/// One connection of a device, until either side closes it.
fn serve(mut device: TcpStream, shared: &Shared) -> io::Result<()> {
    let address = shared.lock().server;
    let mut server = TcpStream::connect(address)?;
    for stream in [&device, &server] {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
    }
    while let Some(request) = read_request(&mut device)? {
        server.write_all(&request.bytes)?;
        let response = read_response(&mut server)?;
        if !hand_on(&mut device, shared, &request, response)? {
            break;
        }
    }
    Ok(())
}

/// Hands an answer on as the script says; whether the connection is still of use.
fn hand_on(device: &mut TcpStream, shared: &Shared, request: &Message, mut response: Message) -> io::Result<bool> {
    let path = request.path();
    let subject = Subject::of(path);
    let passing = Passing { subject, path, question: request.body(), answer: response.body() };
    let treatment = (shared.lock().script)(&passing);
    let whole = !matches!(treatment, Treatment::Truncate(_) | Treatment::Drop);
    match treatment {
        Treatment::Pass => {}
        Treatment::FlipBit(bit) => response.flip(bit),
        Treatment::Truncate(bytes) => response.cut(bytes),
        Treatment::Replace(body) => response.replace(&body),
        Treatment::Delay(pause) => thread::sleep(pause),
        Treatment::Drop => response.bytes.clear(),
    }
    device.write_all(&response.bytes)?;
    let exchange = Exchange {
        subject,
        path: path.to_owned(),
        status: response.status(),
        head_up: request.head_bytes,
        body_up: request.body().len(),
        head_down: response.head_bytes.min(response.bytes.len()),
        body_down: response.body().len(),
    };
    shared.lock().exchanges.push(exchange);
    shared.passed.notify_all();
    Ok(whole && !request.closes() && !response.closes())
}

#[cfg(test)]
mod tests;
