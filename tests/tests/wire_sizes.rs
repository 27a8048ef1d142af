//! What an update costs on the wire and in flash: the example fleet grown to forty devices, compiled from git, one field changed.
//!
//! Counted are the bodies of polls, answers and objects, both ways, between the production driver and the production server; HTTP's own
//! heads are left out. The health round trip and the report are printed apart.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use steadfast::compile::Compiled;
use steadfast::fleet::At;
use steadfast_tests::figures::tell;
use steadfast_tests::flash::SERIAL;
use steadfast_tests::fleet_folder::FleetFolder;
use steadfast_tests::meddling::{Leg, Meddled, Who};
use steadfast_tests::sensors::{DEVICES, Sensors, device, seed};

/// A changed field at forty devices, everything that is sent until it is staged: 1.1 KiB.
const UPDATE_BYTES_MAX: usize = 1126;

/// A poll without news, each way.
const IDLE_BYTES_MAX: usize = 64;

/// Record writes of an update: the trial begins, its boot is counted, it is confirmed.
const RECORD_WRITES_MAX: u32 = 3;

/// Bytes programmed for an update, records apart, over those of the slot.
const PROGRAMMED_MAX: f64 = 1.1;

/// What was sent on each leg, message by message.
type Heard = Rc<RefCell<Vec<(Leg, usize)>>>;

/// The example fleet with its layers and schemas, and forty sensors.
fn forty() -> FleetFolder {
    let folder = FleetFolder::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/fleet");
    folder.copy(&example);
    folder.remove("inventory/gateways.toml");
    let mut inventory = "device,name,model,site,public_key\n".to_owned();
    for number in 1..=DEVICES {
        let site = if number % 2 == 0 { "berlin" } else { "boston" };
        let key = seed(number).public_key();
        let digits: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(inventory, "{},sensor-{number},sensor,{site},{digits}", device(number)).expect("text grows");
    }
    folder.write("inventory/sensors.csv", inventory);
    folder.init();
    folder
}

/// The checked-out commit.
fn compiled(folder: &FleetFolder) -> Compiled {
    folder.compile_at(&At::Head).expect("the fleet compiles")
}

fn listen(device: &mut Meddled) -> Heard {
    let heard = Heard::default();
    let ear = Rc::clone(&heard);
    device.meddle(move |leg, bytes| ear.borrow_mut().push((leg, bytes.len())));
    heard
}

fn sum(heard: &[(Leg, usize)], legs: &[Leg]) -> usize {
    heard.iter().filter(|(leg, _)| legs.contains(leg)).map(|(_, bytes)| bytes).sum()
}

#[test]
fn one_changed_field_at_forty_devices_takes_at_most_1126_bytes_and_three_record_writes_and_nothing_new_64_bytes_each_way()
 {
    let (sensors, folder) = (Sensors::default(), forty());
    let first = compiled(&folder);
    assert_eq!(first.leaves.len(), DEVICES as usize);
    let schema = first.leaves[0].schema;
    let who = Who { device: device(2), seed: seed(2), schema, keyring: sensors.keyring(1) };
    let before = Rc::new(sensors.world(vec![sensors.release_of(&first)], 1));
    let mut device = Meddled::start(&before, who.clone(), None);
    let heard = listen(&mut device);
    device.run_until(|device| device.record().confirmed.is_some());
    tell(&format!(
        "first configuration, whole: {} bytes",
        sum(&heard.borrow(), &[Leg::Poll, Leg::Answer, Leg::Object])
    ));
    let (flash, generation) = (device.image().clone(), device.record().generation);

    folder.replace("layers/region/eu.toml", "period_ms = 2000", "period_ms = 2500");
    folder.commit("sample less often in the region");
    let releases = [first, compiled(&folder)].map(|compiled| sensors.release_of(&compiled));
    let world = Rc::new(sensors.world(releases.into(), 1));
    let mut device = Meddled::start(&world, who, Some(flash));
    let heard = listen(&mut device);
    device.run_until(|device| device.record().accepted.sequence == 2);
    let messages = heard.borrow().clone();
    let staged = messages.iter().position(|(leg, _)| *leg == Leg::Report).unwrap_or(messages.len());
    let update = sum(&messages[..staged], &[Leg::Poll, Leg::Answer, Leg::Object]);
    tell(&format!(
        "one changed field at {DEVICES} devices: {update} bytes, of at most {UPDATE_BYTES_MAX}: {messages:?}"
    ));
    assert!(update <= UPDATE_BYTES_MAX, "{update} bytes: {messages:?}");
    assert_eq!(sum(&messages, &[Leg::Object]), 0, "what is small comes along");

    let commits = device.record().generation - generation;
    let slots = SERIAL.layout.a.start;
    let written: Vec<_> = device.programmed().into_iter().filter(|range| range.start >= slots).collect();
    let from = written.iter().map(|range| range.start).min().expect("a slot was filled");
    let slot = written.iter().map(|range| range.end).max().expect("a slot was filled") - from;
    let programmed: u32 = written.iter().map(|range| range.end - range.start).sum();
    tell(&format!("one update: {commits} record writes, {programmed} bytes programmed for a slot of {slot}"));
    assert!(commits <= RECORD_WRITES_MAX, "{commits}");
    assert!(f64::from(programmed) <= PROGRAMMED_MAX * f64::from(slot), "{programmed} of {slot}");

    // Once it has told everything, the device asks for no signature, and there is nothing to say.
    device.run_for_polls(3);
    heard.borrow_mut().clear();
    device.run_for_polls(1);
    let idle = heard.borrow().clone();
    tell(&format!("nothing new: {idle:?}, of at most {IDLE_BYTES_MAX} bytes each way"));
    assert_eq!(idle.iter().map(|(leg, _)| *leg).collect::<Vec<_>>(), [Leg::Poll, Leg::Answer]);
    assert!(idle.iter().all(|(_, bytes)| *bytes <= IDLE_BYTES_MAX), "{idle:?}");
}
