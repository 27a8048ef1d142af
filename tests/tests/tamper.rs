//! Whatever travels between device and server, changed in every bit and cut at every length: never taken for genuine, and no
//! lasting harm.
//!
//! The device is the production driver, the answers are the production server's. An answer that was changed must leave the flash as
//! it is, byte for byte; only objects that come along with it lie outside what is signed, and are judged by their digests.

use std::ops::Range;
use std::rc::Rc;

use steadfast::serve::report;
use steadfast::serve::world::World;
use steadfast_core::answer::Answer;
use steadfast_core::codec;
use steadfast_core::content::Content;
use steadfast_core::envelope::{Envelope, Trust};
use steadfast_core::position::Position;
use steadfast_tests::figures::tell;
use steadfast_tests::flash::Image;
use steadfast_tests::meddling::{Leg, Meddled, Who};
use steadfast_tests::samples;
use steadfast_tests::sensors::{FLEET, Plan, SCHEMA, Sensors, device, seed};

/// The device's number in the fleet.
const NUMBER: u32 = 17;

/// After each so many damaged objects the device is also seen to mend: that takes most of the time.
const MENDED_EACH: usize = 32;

/// One change to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// This bit is turned round.
    Flip(usize),
    /// Only so many bytes arrive.
    Cut(usize),
}

impl Damage {
    fn apply(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Flip(bit) => bytes[bit / 8] ^= 1 << (bit % 8),
            Self::Cut(length) => bytes.truncate(length),
        }
    }

    /// Whether only bytes in `range` are hit.
    fn is_in(self, range: &Range<usize>) -> bool {
        matches!(self, Self::Flip(bit) if range.contains(&(bit / 8)))
    }
}

/// Every bit of a message, and every length but the whole and none at all: an empty answer is a genuine one, see below.
fn damages(bytes: &[u8]) -> impl Iterator<Item = Damage> {
    (0..bytes.len() * 8).map(Damage::Flip).chain((1..bytes.len()).map(Damage::Cut))
}

fn who(sensors: &Sensors) -> Who {
    Who { device: device(NUMBER), seed: seed(NUMBER), schema: SCHEMA, keyring: sensors.keyring(1) }
}

/// A device that runs release 1, and a server that has something else for it.
struct Setting {
    sensors: Sensors,
    flash: Image,
    runs: Content,
    world: Rc<World>,
}

/// What is small comes inline, what is large has to be fetched.
fn sections(period: u8) -> [(&'static str, Vec<u8>); 3] {
    [("alarms", samples::bytes(period, 3000)), ("network", vec![9; 30]), ("sampling", vec![period; 5])]
}

fn plan<'a>(sequence: u32, floor: u32, sections: &'a [(&'a str, Vec<u8>)]) -> Plan<'a> {
    Plan { sequence, floor, sections }
}

impl Setting {
    fn new(next: &Plan<'_>, keyrings: u32) -> Self {
        let sensors = Sensors::default();
        let first = || sensors.release(&plan(1, 0, &sections(1)));
        let before = Rc::new(sensors.world(vec![first()], 1));
        let mut device = Meddled::start(&before, who(&sensors), None);
        device.run_until(|device| device.record().confirmed.is_some());
        device.run_for_polls(2);
        let runs = device.running().expect("it runs release 1");
        let flash = device.image().clone();
        let world = Rc::new(sensors.world(vec![first(), sensors.release(next)], keyrings));
        Self { sensors, flash, runs, world }
    }

    fn start(&self) -> Meddled {
        Meddled::start(&self.world, who(&self.sensors), Some(self.flash.clone()))
    }

    /// The first message of that leg, as it travels undamaged.
    fn listen(&self, wanted: Leg) -> Vec<u8> {
        let heard = Rc::new(std::cell::RefCell::new(None));
        let mut device = self.start();
        let ear = Rc::clone(&heard);
        device.meddle(move |leg, bytes| {
            if leg == wanted {
                ear.borrow_mut().get_or_insert(bytes.clone());
            }
        });
        let ear = Rc::clone(&heard);
        device.run_until(move |_| ear.borrow().is_some());
        heard.take().expect("it was heard")
    }

    /// The device after the first message of that leg was damaged and whatever came of it was done.
    fn damaged(&self, hit: Leg, damage: Damage) -> Meddled {
        let mut device = self.start();
        let mut left = true;
        device.meddle(move |leg, bytes| {
            if leg == hit && std::mem::take(&mut left) {
                damage.apply(bytes);
            }
        });
        device.run_for_polls(1);
        device
    }

    /// The device as it was: not one byte of its flash differs.
    fn demand_untouched(&self, device: &mut Meddled, damage: Damage) {
        assert_eq!(device.running(), Some(self.runs), "{damage:?}");
        assert!(device.image().digest() == self.flash.digest(), "{damage:?}: something was written");
    }

    /// Damages every message of that leg in every way; the device must not move.
    fn demand_untouched_by_all(&self, leg: Leg) -> usize {
        let message = self.listen(leg);
        let mut cases = 0;
        for damage in damages(&message) {
            let mut device = self.damaged(leg, damage);
            self.demand_untouched(&mut device, damage);
            cases += 1;
        }
        cases
    }

    fn wanted(&self) -> Content {
        let pack = &self.world.newest.as_ref().expect("there is one").pack;
        pack.content(&pack.leaves().find(&device(NUMBER), SCHEMA.prefix()).expect("the device has a leaf"))
    }

    fn demand_recovery(&self, device: &mut Meddled) {
        let wanted = self.wanted();
        device.meddle(|_, _| {});
        device.run_until(|device| device.record().trial.is_none() && device.running() == Some(wanted));
        assert!(device.record().confirmed_slot().is_some_and(|held| held.content == wanted));
    }
}

fn update() -> Setting {
    Setting::new(&plan(2, 0, &sections(2)), 1)
}

#[test]
fn every_damaged_answer_with_an_update_is_refused_before_anything_is_written() {
    let setting = update();
    let answer = setting.listen(Leg::Answer);
    let Ok(Answer::Changed { inline, .. }) = Answer::decode(&answer) else { panic!("an update was expected") };
    let inline = answer.len() - inline.len()..answer.len();
    assert_eq!(inline.len(), 6, "the changed `sampling` section comes along, after its place");

    let mut cases = 0;
    for damage in damages(&answer).filter(|damage| !damage.is_in(&inline)) {
        let mut device = setting.damaged(Leg::Answer, damage);
        setting.demand_untouched(&mut device, damage);
        cases += 1;
    }
    tell(&format!("{cases} damaged answers of {} bytes: all refused, nothing written", answer.len()));
}

#[test]
fn a_damaged_inline_object_never_runs_and_the_next_answer_mends_it() {
    let setting = update();
    let answer = setting.listen(Leg::Answer);
    for bit in (answer.len() - 6) * 8..answer.len() * 8 {
        let mut device = setting.damaged(Leg::Answer, Damage::Flip(bit));
        // The place may have been hit instead of the bytes: then the object was fetched, and is the genuine one.
        assert!([setting.runs, setting.wanted()].map(Some).contains(&device.running()), "bit {bit}");
        setting.demand_recovery(&mut device);
        assert_eq!(device.section("sampling"), [2; 5], "bit {bit}");
    }
}

#[test]
fn every_damaged_object_is_refused_and_fetched_again() {
    let setting = update();
    let object = setting.listen(Leg::Object);
    assert_eq!(object, sections(2)[0].1, "the large section is the one that is fetched");
    let flips = (0..object.len()).map(|byte| Damage::Flip(byte * 8 + byte % 8));
    let mut cases = 0;
    for damage in flips.chain((0..object.len()).map(Damage::Cut)) {
        // Every answer to a fetch is damaged alike, so that no honest retry hides it.
        let mut device = setting.start();
        device.meddle(move |leg, bytes| {
            if leg == Leg::Object {
                damage.apply(bytes);
            }
        });
        device.run_for_polls(1);
        assert_eq!(device.running(), Some(setting.runs), "{damage:?}");
        assert!(device.record().trial.is_none(), "{damage:?}");
        if cases % MENDED_EACH == 0 {
            setting.demand_recovery(&mut device);
        }
        cases += 1;
    }
    tell(&format!("{cases} damaged objects of {} bytes: all refused, all that were looked at mended", object.len()));
}

#[test]
fn every_damaged_answer_with_a_higher_floor_is_refused() {
    let setting = Setting::new(&plan(2, 1, &sections(1)), 1);
    let answer = setting.listen(Leg::Answer);
    assert!(matches!(Answer::decode(&answer), Ok(Answer::Adopt { .. })));
    tell(&format!("{} damaged adoptions: all refused", setting.demand_untouched_by_all(Leg::Answer)));
    let mut device = setting.start();
    device.run_for_polls(1);
    assert_eq!(device.record().floor.sequence, 1, "undamaged, it is adopted");
}

#[test]
fn every_damaged_answer_without_news_is_refused() {
    let setting = Setting::new(&plan(2, 0, &sections(1)), 1);
    let answer = setting.listen(Leg::Answer);
    assert!(matches!(Answer::decode(&answer), Ok(Answer::Unchanged(_))));
    tell(&format!("{} damaged answers without news: nothing written", setting.demand_untouched_by_all(Leg::Answer)));
}

#[test]
fn every_damaged_keyring_is_refused() {
    let setting = Setting::new(&plan(2, 0, &sections(2)), 2);
    let answer = setting.listen(Leg::Answer);
    assert!(matches!(Answer::decode(&answer), Ok(Answer::Keyring(_))));
    tell(&format!("{} damaged keyrings: all refused", setting.demand_untouched_by_all(Leg::Answer)));
    let mut device = setting.start();
    setting.demand_recovery(&mut device);
    assert_eq!(device.record().keyring.version, 2, "undamaged, it is taken");
}

#[test]
fn no_answer_to_a_damaged_poll_is_taken() {
    tell(&format!("{} damaged polls: no answer to them was taken", update().demand_untouched_by_all(Leg::Poll)));
}

#[test]
fn an_answer_that_is_swallowed_or_empty_changes_nothing_and_delays_only() {
    let setting = update();
    let mut device = setting.damaged(Leg::Answer, Damage::Cut(0));
    setting.demand_untouched(&mut device, Damage::Cut(0));
    setting.demand_recovery(&mut device);
}

#[test]
fn every_damaged_report_is_turned_away_by_the_server() {
    let setting = update();
    let body = setting.listen(Leg::Report);
    let now_seconds = 1_800_000_000;
    assert!(report::check(&body, &setting.world, now_seconds).is_ok());
    for damage in damages(&body).chain([Damage::Cut(0)]) {
        let mut damaged = body.clone();
        damage.apply(&mut damaged);
        assert!(report::check(&damaged, &setting.world, now_seconds).is_err(), "{damage:?}");
    }
}

#[test]
fn every_damaged_envelope_from_a_stick_is_refused() {
    let setting = update();
    let newest = setting.world.newest.as_ref().expect("there is one");
    let place = newest.pack.leaves().find(&device(NUMBER), SCHEMA.prefix()).expect("the device has a leaf");
    let envelope = newest.pack.envelope(&place, &newest.signatures);
    let keyring = setting.sensors.keyring(1);
    let trust = Trust {
        fleet: FLEET,
        device: device(NUMBER),
        schema: SCHEMA,
        keyring: &keyring,
        accepted: Position::ZERO,
        floor: Position::ZERO,
    };
    assert_eq!(trust.verify(&envelope, None).expect("undamaged, it verifies").content(), setting.wanted());
    assert!(codec::decode::<Envelope<'_>>(&envelope).is_ok());
    for damage in damages(&envelope).chain([Damage::Cut(0)]) {
        let mut damaged = envelope.clone();
        damage.apply(&mut damaged);
        assert!(trust.verify(&damaged, None).is_err(), "{damage:?}");
    }
}
