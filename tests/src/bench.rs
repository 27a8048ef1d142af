//! The emulated board on the bench: flashed, with a server that can be told what to order.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use steadfast::demo::machine::Machine;
use steadfast_core::flash::layout::Layout;
use steadfast_core::manifest::{Flags, Restart, Risk};

use crate::authority::{Authority, Published, Wanted};
use crate::debugger::Debugger;
use crate::qemu::{Board, QemuError, Running, description, firmware, write_erased_flash};
use crate::server::Server;

/// Name of the flash image in the bench's folder.
const FLASH: &str = "flash.img";

/// Name of the debugger's socket in it.
const DEBUGGER: &str = "debugger";

/// Inside the manifest in a slot, behind its header.
const MANIFEST_OFFSET: u32 = 160;

/// The sample application's sections with these values.
#[must_use]
pub fn wanted(sequence: u32, server: &str, period_ms: u32) -> Wanted {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    Wanted {
        sequence,
        sections: vec![
            ("alarms", Flags::new(Restart::Nothing, Risk::Low), [&[0, 2], varint(60_000).as_slice(), &[0]].concat()),
            ("network", Flags::new(Restart::Device, Risk::Connectivity), text(server)),
            ("sampling", Flags::new(Restart::Task, Risk::Low), [varint(period_ms).as_slice(), &[4]].concat()),
        ],
        checks: vec!["alarms", "sensor"],
        trial_seconds: 30,
    }
}

/// postcard's unsigned numbers.
fn varint(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A board, its flash image and its server; all gone when this is dropped.
#[derive(Debug)]
pub struct Bench {
    folder: tempfile::TempDir,
    layout: Layout,
    authority: Authority,
    /// The server that the board was flashed with.
    pub server: Server,
    /// The board.
    pub board: Board,
    /// A debugger at it.
    pub debugger: Debugger,
}

impl Bench {
    /// A board that was flashed with an identity and nothing else; its server orders `first`.
    ///
    /// # Errors
    /// When there is no firmware or no flash image can be written.
    ///
    /// # Panics
    /// When this machine gives no port, or the firmware carries no schema.
    pub fn new(machine: Machine, first: &Wanted) -> Result<Self, QemuError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let flash = folder.path().join(FLASH);
        write_erased_flash(machine, &flash)?;
        let socket = folder.path().join(DEBUGGER);
        let board = Board::new(machine, &flash)?.with_debugger(&socket);
        let project = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let debugger = Debugger::new(machine, &machine.description(project), &firmware(machine)?, &socket);

        let elf = fs::read(firmware(machine)?).expect("the firmware is readable");
        let schema = steadfast::schema::from_file("firmware", &elf).expect("the firmware carries its schema");
        let authority = Authority::new(schema.id);
        let first = authority.publish(first);
        let server = Server::start(authority.clone(), first).expect("a server");

        let mut image = fs::OpenOptions::new().write(true).open(&flash).expect("the image is there");
        image.seek(SeekFrom::Start(0)).expect("the identity region is the first");
        image.write_all(&authority.identity(&server.address())).expect("the image is writable");
        Ok(Self { folder, layout: description(machine).layout, authority, server, board, debugger })
    }

    /// From now on the server orders this.
    pub fn order(&self, wanted: &Wanted) -> Published {
        let published = self.authority.publish(wanted);
        self.server.order(published.clone());
        published
    }

    /// Flips a bit of the manifest in slot A, which holds the first configuration.
    ///
    /// # Panics
    /// When the image cannot be written.
    pub fn flip_a_bit_of_slot_a(&self) {
        let at = SeekFrom::Start((self.layout.a.start + MANIFEST_OFFSET).into());
        let mut image = fs::OpenOptions::new().read(true).write(true).open(self.flash()).expect("the image is there");
        let mut byte = [0];
        image.seek(at).expect("inside");
        image.read_exact(&mut byte).expect("the image is readable");
        image.seek(at).expect("inside");
        image.write_all(&[byte[0] ^ 1]).expect("the image is writable");
    }

    fn flash(&self) -> PathBuf {
        self.folder.path().join(FLASH)
    }

    /// Starts the board and waits until it has confirmed what was ordered first.
    ///
    /// # Errors
    /// When the board does not get there.
    pub fn confirmed(&self) -> Result<Running, QemuError> {
        let mut running = self.board.start()?;
        running.wait_for("confirmed")?;
        Ok(running)
    }
}

/// What the log calls it.
#[must_use]
pub fn id(published: &Published) -> String {
    published.content().id().to_string()
}
