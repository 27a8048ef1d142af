//! The emulated board runs the agent: first configuration, update, a failing check, a wrong server, power cuts.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use steadfast_core::manifest::{Flags, Restart, Risk};
use steadfast_tests::authority::{Authority, Published, Wanted};
use steadfast_tests::qemu::{Board, QemuError, Running, write_erased_flash};
use steadfast_tests::server::{Mood, Server};

/// The sample application's sections with these values.
fn wanted(sequence: u32, server: &str, period_ms: u32) -> Wanted {
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

struct Bench {
    _folder: tempfile::TempDir,
    authority: Authority,
    server: Server,
    board: Board,
}

impl Bench {
    /// A board that was flashed with an identity and nothing else.
    fn new() -> Result<Self, QemuError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let flash = folder.path().join("flash.img");
        write_erased_flash(&flash)?;
        let board = Board::new(&flash)?;

        let elf = std::env::var_os("STEADFAST_BOARD_ELF").map(PathBuf::from).ok_or(QemuError::NoFirmware)?;
        let description = fs::read(elf).expect("the firmware is readable");
        let schema = steadfast::schema::from_file("firmware", &description).expect("the firmware carries its schema");
        let authority = Authority::new(schema.id);
        let first = authority.publish(&wanted(1, "", 100));
        let server = Server::start(authority.clone(), first).expect("a server");

        let mut image = fs::OpenOptions::new().write(true).open(&flash).expect("the image is there");
        image.seek(SeekFrom::Start(0)).expect("the identity region is the first");
        image.write_all(&authority.identity(&server.address())).expect("the image is writable");
        Ok(Self { _folder: folder, authority, server, board })
    }

    fn order(&self, wanted: &Wanted) -> Published {
        let published = self.authority.publish(wanted);
        self.server.order(published.clone());
        published
    }

    /// A board that has confirmed its first configuration.
    fn confirmed(&self) -> Result<Running, QemuError> {
        let mut running = self.board.start()?;
        running.wait_for("confirmed")?;
        Ok(running)
    }
}

fn id(published: &Published) -> String {
    published.content().id().to_string()
}

#[test]
fn a_board_takes_an_update_and_fetches_only_what_changed() -> Result<(), QemuError> {
    let bench = Bench::new()?;
    let mut board = bench.confirmed()?;
    assert_eq!(bench.server.asked().objects.len(), 3, "the first configuration is fetched whole");

    let second = bench.order(&wanted(2, "", 200));
    board.wait_for(&format!("staged {}", id(&second)))?;
    board.wait_for("booted after Asked")?;
    board.wait_for(&format!("running {}", id(&second)))?;
    board.wait_for("sampling every 200 ms")?;
    board.wait_for(&format!("confirmed {}", id(&second)))?;
    assert_eq!(bench.server.asked().objects.len(), 4, "one section changed, one object is fetched");
    board.pull_the_plug()?;

    let mut again = bench.board.start()?;
    again.wait_for(&format!("running {}", id(&second)))?;
    again.pull_the_plug()
}

#[test]
fn a_period_that_the_sensor_cannot_serve_is_rolled_back() -> Result<(), QemuError> {
    let bench = Bench::new()?;
    let mut board = bench.confirmed()?;
    let bad = bench.order(&wanted(2, "", 20));
    board.wait_for(&format!("running {}", id(&bad)))?;
    let line = board.wait_for(&format!("rolled back {}", id(&bad)))?;
    assert!(line.text.contains("sensor: the sensor needs 50 ms"), "{}", line.text);
    board.wait_for("sampling every 100 ms")?;
    board.pull_the_plug()
}

#[test]
fn a_wrong_server_address_is_rejected_as_unreachable() -> Result<(), QemuError> {
    let bench = Bench::new()?;
    let mut board = bench.confirmed()?;
    let bad = bench.order(&wanted(2, "10.0.2.2:1", 100));
    board.wait_for(&format!("staged {}", id(&bad)))?;
    board.wait_for("asking from the confirmed one")?;
    let line = board.wait_for(&format!("rolled back {}", id(&bad)))?;
    assert!(line.text.contains("refusal 63"), "{}", line.text);
    board.pull_the_plug()
}

#[test]
fn a_server_that_is_down_for_all_is_not_blamed_on_the_configuration() -> Result<(), QemuError> {
    let bench = Bench::new()?;
    let mut board = bench.confirmed()?;
    let second = bench.order(&wanted(2, "", 200));
    board.wait_for(&format!("staged {}", id(&second)))?;
    bench.server.set_mood(Mood::Silent);
    board.wait_for(&format!("inconclusive {}", id(&second)))?;
    bench.server.set_mood(Mood::Ordinary);
    board.wait_for(&format!("confirmed {}", id(&second)))?;
    board.pull_the_plug()
}
