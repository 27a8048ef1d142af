//! A debugger at a running board: turns bits of its flash, lets its time leap, crashes it. The firmware knows nothing of it.
//!
//! QEMU takes gdb's remote protocol, as far as it is needed here: reading and writing physical memory, in which every access to a device is one
//! to its registers. The machine stands still while a [`Session`] lasts.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use object::{Object as _, ObjectSymbol as _};
use steadfast::demo::machine::Machine;

use crate::qmp;

/// QEMU answers at once; this is for hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the emulated Cortex-M3 calls its count of milliseconds.
const CLOCK: &str = "5clock5CLOCK";

/// How a message begins that nobody asked for: the machine stands still.
const STOPPED: char = 'T';

/// What a debugger must know of a board.
#[derive(Debug)]
pub struct Debugger {
    machine: Machine,
    board: toml::Table,
    /// The emulated Cortex-M3's count of milliseconds.
    clock: Option<u32>,
    socket: PathBuf,
}

impl Debugger {
    /// A debugger of a board with this description and firmware, whose port is `socket`.
    ///
    /// # Panics
    /// When a file is not what it should be.
    #[must_use]
    pub fn new(machine: Machine, board: &Path, firmware: &Path, socket: &Path) -> Self {
        let board = fs::read_to_string(board).expect("a board's description").parse().expect("TOML");
        let elf = fs::read(firmware).expect("a firmware");
        let elf = object::File::parse(&*elf).expect("an ELF file");
        let clock = elf.symbols().find(|symbol| symbol.name().is_ok_and(|name| name.ends_with(CLOCK)));
        Self { machine, board, clock: clock.map(|symbol| symbol.address() as u32), socket: socket.into() }
    }

    /// Clears those bits of a byte of the flash, through the chip, while the board runs. The board must not be using its flash.
    ///
    /// # Errors
    /// When QEMU does not obey.
    pub fn clear_bits(&self, offset: u32, byte: u8, bits: u8) -> io::Result<()> {
        let mut session = Session::begin(&self.socket)?;
        match self.machine {
            Machine::RiscvVirt => {
                let word = self.number("flash", "base") + (offset & !3);
                let shift = 8 * (offset & 3);
                let value = session.read(word)? & !(u32::from(bits) << shift);
                // Intel's commands for both chips: program one word, then read again.
                [0x0040_0040, value, 0x00FF_00FF].iter().try_for_each(|command| session.write(word, *command))?;
            }
            Machine::EmcraftSf2 => {
                let spi = self.number("spi", "base");
                let [_, high, middle, low] = offset.to_be_bytes();
                session.transact(spi, &[0x06])?;
                session.transact(spi, &[0x02, high, middle, low, byte & !bits])?;
            }
        }
        session.end()
    }

    /// So much time has passed at once. Less than the watchdog allows.
    ///
    /// # Errors
    /// When QEMU does not obey.
    ///
    /// # Panics
    /// When the firmware has no clock.
    pub fn leap(&self, time: Duration) -> io::Result<()> {
        let mut session = Session::begin(&self.socket)?;
        let (low, ticks) = match self.machine {
            Machine::RiscvVirt => (self.number("clock", "clint") + 0xBFF8, self.number("clock", "hertz").into()),
            Machine::EmcraftSf2 => (self.clock.expect("the firmware's clock"), 1000_u64),
        };
        let now = u64::from(session.read(low)?) | u64::from(session.read(low + 4)?) << 32;
        let then = now + ticks * time.as_millis() as u64 / 1000;
        session.write(low, then as u32)?;
        session.write(low + 4, (then >> 32) as u32)?;
        session.end()
    }

    /// Sends the processor to where there is no program: a fault, as any firmware can have.
    ///
    /// # Errors
    /// When QEMU does not obey.
    pub fn crash(&self) -> io::Result<()> {
        let mut session = Session::begin(&self.socket)?;
        // Nobody may write a register who has not asked what registers there are.
        session.ask("qXfer:features:read:target.xml:0,1")?;
        session.demand(match self.machine {
            Machine::RiscvVirt => "P20=00000000",
            Machine::EmcraftSf2 => "Pf=000000e0",
        })?;
        session.end()
    }

    fn number(&self, table: &str, key: &str) -> u32 {
        self.board[table][key].as_integer().expect("a number") as u32
    }
}

/// The time in which the machine stands still.
struct Session {
    stream: UnixStream,
}

impl Session {
    fn begin(socket: &Path) -> io::Result<Self> {
        let stream = qmp::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut session = Self { stream };
        session.demand("Qqemu.PhyMemMode:1")?;
        Ok(session)
    }

    /// The machine goes on.
    fn end(mut self) -> io::Result<()> {
        self.demand("D")
    }

    fn read(&mut self, address: u32) -> io::Result<u32> {
        let answer = self.ask(&format!("m{address:x},4"))?;
        let value = u32::from_str_radix(&answer, 16).map_err(|_| io::Error::other(answer))?;
        Ok(value.swap_bytes())
    }

    fn write(&mut self, address: u32, value: u32) -> io::Result<()> {
        self.demand(&format!("M{address:x},4:{:08x}", value.swap_bytes()))
    }

    /// One transaction of the SPI controller at this address, as the board's driver does it.
    fn transact(&mut self, spi: u32, bytes: &[u8]) -> io::Result<()> {
        const ENABLED: u32 = 1 | 1 << 1 | 1 << 26 | 1 << 29;
        for (register, value) in [(0, 0), (0x04, 8), (0x1C, 1), (0, ENABLED | (bytes.len() as u32) << 8)] {
            self.write(spi + register, value)?;
        }
        for byte in bytes {
            self.write(spi + 0x14, (*byte).into())?;
            self.read(spi + 0x10)?;
        }
        Ok(())
    }

    fn demand(&mut self, order: &str) -> io::Result<()> {
        let answer = self.ask(order)?;
        if answer == "OK" { Ok(()) } else { Err(io::Error::other(format!("`{order}` gave `{answer}`"))) }
    }

    fn ask(&mut self, order: &str) -> io::Result<String> {
        let sum = order.bytes().fold(0_u8, u8::wrapping_add);
        write!(self.stream, "${order}#{sum:02x}")?;
        loop {
            let answer = self.answer()?;
            if !answer.starts_with(STOPPED) {
                return Ok(answer);
            }
        }
    }

    /// An acknowledgement, the answer in its frame, its sum in two digits.
    fn answer(&mut self) -> io::Result<String> {
        while self.byte()? != b'$' {}
        let mut answer = String::new();
        loop {
            match self.byte()? {
                b'#' => break,
                byte => answer.push(byte.into()),
            }
        }
        let _ = [self.byte()?, self.byte()?];
        self.stream.write_all(b"+")?;
        Ok(answer)
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}
