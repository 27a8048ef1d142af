//! Firmware and configuration change together: the next firmware finds its configuration, and the former one finds its own.
//!
//! QEMU is given its firmware, so the test is the bootloader: it starts one ELF file or the other on the same flash, and keeps the head of the
//! region where the next firmware would lie.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use steadfast::demo::DemoError;
use steadfast::demo::machine::Machine;
use steadfast::demo::relay::Relay;
use steadfast::demo::world::Model;
use steadfast::schema;
use steadfast::serve::api::{self, Why};
use steadfast_core::outcome::Ending;
use steadfast_core::record::Standing;
use steadfast_tests::on_each_board;
use steadfast_tests::qemu;
use steadfast_tests::stage::{Actor, Stage};

use super::Outcome;

on_each_board!(the_next_firmware_finds_its_configuration_and_the_former_one_its_own,);

const NAME: &str = "board";
const LAYER: &str = "layers/model/sensor.toml";

/// The relay that only the configuration names: whoever asks there has its network values from git.
struct Elsewhere {
    relay: Relay,
    /// How a board reaches it.
    address: String,
}

impl Elsewhere {
    fn start(stage: &Stage) -> Result<Self, DemoError> {
        let relay = Relay::start(stage.world.address()).map_err(DemoError::Network)?;
        let address = format!("{}:{}", Model::Sensor.loopback(), relay.address().port());
        Ok(Self { relay, address })
    }
}

/// Both firmwares, and where the head of the next one lies in flash.
struct Bootloader {
    next: PathBuf,
    offset: u64,
}

impl Bootloader {
    fn new(machine: Machine, project: &Path) -> Self {
        let text = std::fs::read_to_string(machine.description(project)).expect("a board's description");
        let board: toml::Table = text.parse().expect("TOML");
        let offset = board["next_firmware"]["offset"].as_integer().expect("an offset");
        Self { next: qemu::next_firmware(machine).expect("the next firmware"), offset: offset as u64 }
    }

    /// The next firmware has arrived, and the present one starts.
    fn deliver(&self, board: &mut Actor) {
        let schema = schema::load(&self.next).expect("its schema is in the ELF file").id;
        self.write_head(board, &schema.0);
        board.switch_on();
    }

    /// What was prepared; the next firmware starts with it.
    fn swap(&self, board: &mut Actor) -> String {
        let line =
            board.log().wait_for_any(&["start the next firmware", "nothing is prepared"]).expect("it tries").text;
        assert!(line.starts_with("prepared "), "at the first attempt: {line}");
        board.pull_the_plug();
        board.switch_on_with(&self.next);
        line.split([' ', ':']).nth(1).expect("a content").to_owned()
    }

    /// Gives the next firmware up, and starts the former one.
    fn go_back(&self, board: &mut Actor) {
        board.pull_the_plug();
        self.write_head(board, &[0xFF; 32]);
        board.switch_on();
    }

    fn write_head(&self, board: &Actor, head: &[u8; 32]) {
        let image = File::options().write(true).open(board.device.image()).expect("the image is there");
        image.write_all_at(head, self.offset).expect("the image can be written");
    }
}

fn the_next_firmware_finds_its_configuration_and_the_former_one_its_own(machine: Machine) -> Outcome {
    let (stage, mut board, elsewhere) = stage_with_elsewhere(machine)?;
    let bootloader = Bootloader::new(machine, &stage.world.tools().project);
    let own = board.contents().record().and_then(|record| Some(record.confirmed_slot()?.content.id()));
    let own = own.expect("something is confirmed").to_string();
    live_with_two_schemas(&stage, &bootloader.next)?;
    board.pull_the_plug();

    // Nobody answers the next firmware, so its trial is still under way when the former one comes back.
    bootloader.deliver(&mut board);
    let prepared = bootloader.swap(&mut board);
    elsewhere.relay.refuse();
    assert_ne!(prepared, own, "each schema has bytes of its own");
    wait_for_run(&mut board, &prepared, &elsewhere.address);
    bootloader.go_back(&mut board);
    wait_for_run(&mut board, &own, &elsewhere.address);
    elsewhere.relay.be_honest();
    let why = stage.world.wait_for_device(NAME, "tells how the trial ended", |why| {
        why.reports.first().is_some_and(|report| report.words.contains("the former firmware came back"))
    })?;
    assert_eq!(why.device.running, Some(own.clone()), "it runs its own");
    assert_eq!((why.device.desired, why.device.refusal), (Some(own.clone()), None), "and refuses nothing");
    let record = board.contents().record().expect("there is a record");
    assert_eq!(
        (record.outcome.ending, record.outcome.content.to_string()),
        (Ending::FirmwareReverted, prepared.clone())
    );
    assert_eq!((record.trial, record.rejected.len()), (None, 0), "nothing is held against it");
    board.pull_the_plug();

    // Once more, and now it is answered.
    bootloader.deliver(&mut board);
    assert_eq!(bootloader.swap(&mut board), prepared, "it is still there");
    board.log().wait_for(&format!("trial of {prepared}, boots left")).expect("it is tried");
    wait_for_run(&mut board, &prepared, &elsewhere.address);
    board.log().wait_for(&format!("confirmed {prepared}")).expect("it is confirmed");
    let why = wait_until_it_says_that_it_runs(&stage, &prepared)?;
    assert_eq!(why.device.desired, Some(prepared.clone()), "which git wants of this firmware");
    let record = board.contents().record().expect("there is a record");
    let kept = record.confirmed.and_then(|slot| record.slot(slot.other())).expect("the other slot is on record");
    assert_eq!((kept.standing, kept.content.id().to_string()), (Standing::Confirmed, own.clone()), "the former one's");

    bootloader.go_back(&mut board);
    wait_for_run(&mut board, &own, &elsewhere.address);
    board.log().wait_for(&format!("confirmed {own}")).expect("it is confirmed again");
    let why = wait_until_it_says_that_it_runs(&stage, &own)?;
    assert_eq!(why.device.desired, Some(own.clone()), "which git wants of that one");

    // An edit of the field, by its new name, reaches the former firmware under the old name, and then the next one.
    let third = Elsewhere::start(&stage)?;
    stage.world.edit(LAYER, &elsewhere.address, &third.address)?;
    stage.publish("a third server")?;
    let former = stage.wait_until_current(NAME)?.device.desired.expect("git wants something of it");
    assert_ne!(former, own, "its value is another");
    wait_for_run(&mut board, &former, &third.address);
    board.pull_the_plug();
    bootloader.deliver(&mut board);
    let next = bootloader.swap(&mut board);
    assert!(next != former && next != prepared, "each schema has bytes of its own, and other ones than before");
    wait_for_run(&mut board, &next, &third.address);
    wait_until_it_says_that_it_runs(&stage, &next)?;
    Ok(())
}

/// What the server shows may be the word of the firmware before, which was as current.
fn wait_until_it_says_that_it_runs(stage: &Stage, content: &str) -> Result<Why, DemoError> {
    stage.world.wait_for_device(NAME, &format!("says that it runs {content}"), |why| {
        (why.device.standing, why.device.running.as_deref()) == (api::Standing::Current, Some(content))
    })
}

/// A board whose configuration names another server than the one that it was flashed with.
fn stage_with_elsewhere(machine: Machine) -> Result<(Stage, Actor, Elsewhere), DemoError> {
    let stage = Stage::new(machine, &[(NAME, Model::Sensor)])?;
    let elsewhere = Elsewhere::start(&stage)?;
    stage.world.edit(LAYER, "server = \"\"", &format!("server = \"{}\"", elsewhere.address))?;
    stage.publish("another server")?;
    let mut board = stage.actor(NAME, Model::Sensor)?;
    board.switch_on();
    stage.wait_until_current(NAME)?;
    Ok((stage, board, elsewhere))
}

/// From now on the fleet has the next firmware's schema beside the present one's, and names the field as the next one does.
fn live_with_two_schemas(stage: &Stage, next: &Path) -> Outcome {
    let (world, model) = (&stage.world, Model::Sensor.word());
    world.steadfast(&["schema", "add", &next.to_string_lossy(), "--model", model])?;
    let schema = schema::load(next).expect("its schema is in the ELF file");
    let file = schema::place(&world.fleet(), model, &schema).expect("a file in the fleet");
    let file = file.file_name().expect("a name").to_string_lossy();
    let head = format!("[models.{model}]\n");
    world.edit("steadfast.toml", &head, &format!("{head}schemas = [\"thermometer.toml\", \"{file}\"]\n"))?;
    world.edit(LAYER, "server = ", "address = ")?;
    stage.publish("the next firmware's schema")
}

/// Waits until the board runs this content, and asks the server that it names.
fn wait_for_run(board: &mut Actor, content: &str, server: &str) {
    board.log().wait_for(&format!("running {content}")).expect("it runs");
    board.log().wait_for(&format!("server {server}")).expect("it has its network values");
}
