//! The trial rules, told as days in the life of one device whose flash is the record alone.

mod faults;
mod hot;
mod prepare;
mod unordered;

use super::*;
use crate::answer::Unchanged;
use crate::content::Content;
use crate::digest::Digest;
use crate::id::{FirmwareId, SchemaId};
use crate::keyring::{Director, Keyring, Role};
use crate::manifest::Reach;
use crate::outcome::Ending;
use crate::ports::ResetCause;
use crate::position::Position;
use crate::record::{SlotRecord, Standing};
use crate::statement::PublicKey;
use crate::time::Span;

const SCHEMA: SchemaId = SchemaId([3; 32]);
const TRIAL_SECONDS: u32 = 100;
const POLICY: Policy = Policy { reach: Reach::Server, trial_seconds: TRIAL_SECONDS, boots: 2 };
const SETTINGS: Settings = Settings { poll_seconds: 60, freshness_seconds: 3600, lost_contact_seconds: 0, attempt: 0 };
const FACTS: Facts = Facts { settings: SETTINGS, policy: POLICY };
const FIRMWARE: Firmware =
    Firmware { id: FirmwareId([9; 8]), schema: SCHEMA, sections: &[], reset: ResetCause::Ordinary };

fn position(sequence: u32) -> Position {
    Position { epoch: 1, sequence }
}

fn content(number: u8) -> Content {
    Content { manifest: Digest([number; 32]), private: None }
}

fn offer(number: u8, floor: u32) -> Offer {
    offer_for(SCHEMA, number, floor)
}

fn offer_for(schema: SchemaId, number: u8, floor: u32) -> Offer {
    Offer {
        verified: Verified::forge(content(number), schema, position(u32::from(number)), position(floor)),
        facts: FACTS,
    }
}

fn fresh() -> Fresh {
    let challenge = Challenge { issued_seconds: 1, code: [0; 8] };
    Fresh::forge(Unchanged { poll_after_seconds: 60, report_wanted: false, challenge })
}

fn keyring() -> Keyring {
    let role = |seed: u8| Role { threshold: 1, keys: [PublicKey([seed; 32])].into_iter().collect() };
    Keyring {
        version: 1,
        root: role(1),
        publisher: role(2),
        director: Director::Assignments([PublicKey([3; 32])].into_iter().collect()),
        publisher_epoch: 1,
    }
}

/// Runs content 1, confirmed in slot A by release 1.
fn settled() -> BootRecord {
    let mut record = BootRecord::new(keyring(), position(1));
    record.a = Some(SlotRecord {
        content: content(1),
        schema: SCHEMA.prefix(),
        position: position(1),
        standing: Standing::Confirmed,
    });
    record.confirmed = Some(Slot::A);
    record
}

/// The server as the device meets it.
#[derive(Clone, Copy)]
enum Server {
    Silent,
    /// Somebody on the way answers in its place, with nothing or with anything.
    Usurped(fn() -> News),
    Wants(u8, u32),
}

struct Device {
    agent: Agent,
    flash: BootRecord,
    commits: u32,
    boots: u32,
    now: Instant,
    firmware: Firmware,
    checks: fn(u8) -> Examined,
    /// Whether a content reaches the server.
    connects: fn(u8) -> bool,
    intact: fn(Slot) -> bool,
    /// What the change to what was ordered restarts.
    scope: Restart,
    server: Server,
    /// Why staging fails, of which contents.
    hindered: fn(u8) -> Option<Refusal>,
    staged: u32,
    polls: u32,
    scrubs: u32,
}

fn healthy(_: u8) -> Examined {
    Examined { checks: Checks { passed: 1, failed: 0 }, expected: 1, ..Examined::default() }
}

fn two_is_sick(number: u8) -> Examined {
    if number != 2 {
        return healthy(number);
    }
    let failure = Detail::try_from("sensor: too fast").unwrap();
    Examined { checks: Checks { passed: 0, failed: 1 }, expected: 1, failure, unread: false }
}

fn nothing_said(_: u8) -> Examined {
    Examined { expected: 1, ..Examined::default() }
}

impl Device {
    fn new(record: BootRecord) -> Self {
        Self {
            agent: Agent::new(DeviceId([1; 16]), FIRMWARE, record.clone(), 7),
            flash: record,
            commits: 0,
            boots: 0,
            now: Instant::from_milliseconds(0),
            firmware: FIRMWARE,
            checks: healthy,
            connects: |_| true,
            intact: |_| true,
            scope: Restart::Device,
            server: Server::Silent,
            hindered: |_| None,
            staged: 0,
            polls: 0,
            scrubs: 0,
        }
    }

    fn boot(&mut self) {
        self.boots += 1;
        self.agent = Agent::new(DeviceId([1; 16]), self.firmware, self.flash.clone(), 7);
    }

    fn runs(&self) -> u8 {
        self.agent.running.map_or(0, |running| self.flash.slot(running.slot).unwrap().content.manifest.0[0])
    }

    fn offer(&self, number: u8, floor: u32) -> Offer {
        offer_for(self.firmware.schema, number, floor)
    }

    fn answer(&self) -> News {
        let (number, floor) = match self.server {
            Server::Silent => return News::Silence,
            Server::Usurped(says) => return says(),
            Server::Wants(number, floor) => (number, floor),
        };
        if !(self.connects)(self.runs()) {
            return News::Silence;
        }
        let runs_it = self.agent.poll(PollFlags::default(), [0; 8]).running == content(number).id();
        if runs_it && floor > self.flash.floor.sequence {
            return News::Adopt(fresh(), self.offer(number, floor).verified);
        }
        if runs_it { News::Unchanged(fresh()) } else { News::Changed(fresh(), Ok(self.offer(number, floor))) }
    }

    /// Lives for so many seconds.
    fn live(&mut self, seconds: u32) {
        let end = self.now.after(Span::from_seconds(seconds));
        let mut event = Event::Tick((self.checks)(self.runs()));
        for _ in 0..10_000 {
            let action = self.agent.handle(event, self.now);
            event = match action {
                Action::Wait(until) if until > end => {
                    self.now = end;
                    return;
                }
                Action::Wait(until) => {
                    self.now = self.now.max(until);
                    Event::Tick((self.checks)(self.runs()))
                }
                Action::Restart => {
                    self.boot();
                    Event::Started
                }
                Action::Commit => {
                    self.commits += 1;
                    self.flash = self.agent.record.clone();
                    Event::Committed
                }
                Action::ReadBack(slot) => Event::Read((self.intact)(slot).then_some(FACTS)),
                Action::Activate(_) => Event::Activated,
                Action::Poll(_) => {
                    self.polls += 1;
                    Event::Answer(self.answer())
                }
                Action::Report(_) => Event::Reported(Ok(())),
                Action::Scrub => {
                    self.scrubs += 1;
                    let slot = self.agent.running.unwrap().slot;
                    if (self.intact)(slot) { Event::Sound } else { Event::Rotten }
                }
                Action::Stage(slot) => {
                    self.staged += 1;
                    let Server::Wants(number, floor) = self.server else { panic!("nothing was ordered") };
                    let refuse = |reason| Refused { content: content(number).id(), reason };
                    let intact = Intact::forge(slot, content(number));
                    let offer = self.offer(number, floor);
                    Event::Staged(
                        (self.hindered)(number)
                            .map_or(Ok(Staged { offer, intact, scope: self.scope }), |why| Err(refuse(why))),
                    )
                }
            };
        }
        panic!("the device does not come to rest");
    }

    fn ending(&self) -> (Ending, Refusal) {
        (self.flash.outcome.ending, self.flash.outcome.reason)
    }
}

#[test]
fn a_healthy_configuration_is_confirmed_with_three_commits_and_one_restart() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(2, 2);
    device.live(300);
    assert_eq!((device.runs(), device.commits, device.boots), (2, 3, 1));
    assert_eq!(device.ending(), (Ending::Confirmed, Refusal(0)));
    assert_eq!((device.flash.accepted, device.flash.floor), (position(2), position(2)));
    assert_eq!(device.flash.confirmed, Some(Slot::B));
}

#[test]
fn the_floor_does_not_rise_before_the_confirm() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(2, 2);
    device.checks = nothing_said;
    device.live(TRIAL_SECONDS / 2);
    assert_eq!((device.runs(), device.flash.floor, device.flash.accepted), (2, position(1), position(1)));
}

#[test]
fn a_failing_check_rolls_back_at_once_and_is_not_tried_again() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(2, 1);
    device.checks = two_is_sick;
    device.live(TRIAL_SECONDS / 2);
    assert_eq!((device.runs(), device.staged), (1, 1));
    assert_eq!(device.ending(), (Ending::RolledBack, Refusal::CHECK_FAILED));
    assert_eq!(device.flash.outcome.detail, "sensor: too fast");
    device.live(3600);
    assert_eq!((device.runs(), device.staged), (1, 1));
    let refused = Some(Refused { content: content(2).id(), reason: Refusal::REJECTED_BEFORE });
    assert_eq!(device.agent.refused, refused);
    assert_eq!(device.agent.poll(PollFlags::default(), [0; 8]).refused, Some(content(2).id().prefix()));
}

#[test]
fn content_that_only_failed_on_its_way_is_not_named_as_refused() {
    let mut device = Device::new(settled());
    for (reason, named) in [(Refusal::OBJECT_MISMATCH, None), (Refusal::DOES_NOT_FIT, Some(content(2).id().prefix()))] {
        device.agent.refused = Some(Refused { content: content(2).id(), reason });
        assert_eq!(device.agent.poll(PollFlags::default(), [0; 8]).refused, named);
    }
}

#[test]
fn whoever_hinders_staging_for_ever_wears_flash_no_faster_than_once_an_hour() {
    for reason in [Refusal::OBJECT_UNAVAILABLE, Refusal::OBJECT_MISMATCH, Refusal::READ_BACK] {
        let mut device = Device::new(settled());
        device.server = Server::Wants(2, 1);
        device.hindered = match reason {
            Refusal::OBJECT_UNAVAILABLE => |_| Some(Refusal::OBJECT_UNAVAILABLE),
            Refusal::OBJECT_MISMATCH => |_| Some(Refusal::OBJECT_MISMATCH),
            _ => |_| Some(Refusal::READ_BACK),
        };
        device.live(60);
        assert!((4..=9).contains(&device.staged), "{reason:?}: {} attempts in the first minute", device.staged);
        device.live(12 * 3600);
        assert!((15..=40).contains(&device.staged), "{reason:?}: {} attempts in half a day", device.staged);

        // It polls on all the while, so another order is taken at once.
        device.hindered = |number| (number == 2).then_some(Refusal::OBJECT_UNAVAILABLE);
        device.server = Server::Wants(3, 1);
        device.live(120);
        assert_eq!((device.runs(), device.ending().0), (3, Ending::Confirmed));
    }
}

#[test]
fn an_order_that_cannot_be_taken_is_reported_once() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, settled(), 7);
    let now = Instant::from_milliseconds(0);
    for event in [Event::Started, Event::Read(Some(FACTS)), Event::Activated] {
        agent.handle(event, now);
    }
    let mut later = now;
    let mut reports = 0;
    for _ in 0..8 {
        let action = agent.handle(Event::Tick(healthy(1)), later);
        match action {
            Action::Poll(_) => {
                let refused = Refused { content: ContentId::NONE, reason: Refusal::BELOW_FLOOR };
                agent.handle(Event::Answer(News::Changed(fresh(), Err(refused))), later);
            }
            Action::Report(challenge) => {
                reports += 1;
                assert_eq!(agent.report(challenge).refused.unwrap().reason, Refusal::BELOW_FLOOR);
                agent.handle(Event::Reported(Ok(())), later);
            }
            Action::Wait(until) => later = until,
            Action::Scrub => {
                agent.handle(Event::Sound, later);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(reports, 1);
}

#[test]
fn a_configuration_that_loses_the_server_is_rejected_after_two_pairs() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(2, 1);
    device.connects = |number| number != 2;
    device.live(TRIAL_SECONDS * 2);
    assert_eq!((device.runs(), device.flash.trial.unwrap().unreachable), (2, 1));
    device.live(TRIAL_SECONDS * 2);
    assert_eq!((device.runs(), device.flash.trial), (1, None));
    assert_eq!(device.ending(), (Ending::RolledBack, Refusal::UNREACHABLE));
}

#[test]
fn an_answer_that_proves_nothing_does_not_cost_a_trial_its_round_trip() {
    for says in [(|| News::Nothing) as fn() -> News, || News::Refused(Refusal::MALFORMED)] {
        let mut device = Device::new(with_trial(Stage::Running));
        device.server = Server::Usurped(says);
        device.live(10);
        assert!((3..=15).contains(&device.polls), "{} polls", device.polls);
        device.server = Server::Wants(2, 1);
        device.live(10);
        assert_eq!((device.boots, device.runs(), device.ending().0), (0, 2, Ending::Confirmed));
    }
}

#[test]
fn a_suspended_trial_asks_at_the_ordinary_pace() {
    for says in [(|| News::Silence) as fn() -> News, || News::Nothing, || News::Refused(Refusal::MALFORMED)] {
        let mut device = Device::new(with_trial(Stage::Suspended));
        device.server = Server::Usurped(says);
        device.live(3600);
        assert!((60..=130).contains(&device.polls), "{} polls in an hour", device.polls);
    }
}

#[test]
fn a_server_that_is_down_for_all_proves_nothing_and_the_trial_resumes() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(2, 1);
    device.live(1);
    assert_eq!(device.runs(), 2);
    // It goes down before the trial's poll was answered.
    let mut device = Device { server: Server::Silent, ..Device::new(with_trial(Stage::Running)) };
    device.live(TRIAL_SECONDS * 3);
    assert_eq!((device.runs(), device.flash.trial.unwrap().stage), (1, Stage::Suspended));
    assert_eq!(device.ending(), (Ending::Inconclusive, Refusal::UNREACHABLE));
    device.server = Server::Wants(2, 1);
    device.live(TRIAL_SECONDS);
    assert_eq!((device.runs(), device.ending()), (2, (Ending::Confirmed, Refusal(0))));
}

/// Content 2 staged in slot B and on trial.
fn with_trial(stage: Stage) -> BootRecord {
    let mut record = settled();
    record.b = Some(SlotRecord {
        content: content(2),
        position: position(2),
        standing: Standing::Staged,
        ..record.a.unwrap()
    });
    record.trial = Some(crate::record::Trial {
        slot: Slot::B,
        stage,
        boots_left: 2,
        unreachable: 0,
        crashed: false,
        spent: false,
        cause: crate::record::Cause::Ordered,
        floor: 1,
    });
    record
}

#[test]
fn a_check_that_says_nothing_is_missing_at_the_deadline() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(2, 1);
    device.checks = |number| if number == 2 { nothing_said(2) } else { healthy(1) };
    device.live(TRIAL_SECONDS + 10);
    assert_eq!((device.runs(), device.ending()), (1, (Ending::RolledBack, Refusal::CHECK_MISSING)));
}

#[test]
fn a_crash_loop_ends_by_itself() {
    let mut device = Device::new(with_trial(Stage::Running));
    device.firmware.reset = ResetCause::Crash;
    device.checks = nothing_said;
    for _ in 0..2 {
        device.boot();
        device.live(1);
        assert_eq!(device.runs(), 2);
    }
    device.boot();
    device.live(1);
    assert_eq!((device.runs(), device.ending()), (1, (Ending::RolledBack, Refusal::CRASH_LOOP)));
}

#[test]
fn lost_power_alone_is_inconclusive_once() {
    let mut device = Device::new(with_trial(Stage::Running));
    device.checks = nothing_said;
    let mut endings = Vec::new();
    for _ in 0..8 {
        device.boot();
        device.server = Server::Wants(2, 1);
        device.live(1);
        endings.push(device.ending().0);
    }
    let first = endings.iter().position(|ending| *ending == Ending::Inconclusive);
    let last = endings.iter().position(|ending| *ending == Ending::RolledBack);
    assert!(first.is_some() && first < last, "{endings:?}");
}

#[test]
fn a_newer_order_ends_the_trial_without_a_judgement() {
    let mut device = Device::new(with_trial(Stage::Running));
    device.checks = nothing_said;
    device.server = Server::Wants(3, 1);
    device.live(1);
    assert!(device.flash.rejected.is_empty());
    device.checks = healthy;
    device.live(60);
    assert_eq!((device.runs(), device.ending().0), (3, Ending::Confirmed));
}

#[test]
fn an_unchanged_device_writes_nothing_until_the_floor_rises() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(1, 1);
    device.live(24 * 3600);
    assert_eq!((device.commits, device.boots), (0, 0));
    device.server = Server::Wants(1, 5);
    device.live(3600);
    assert_eq!((device.commits, device.boots, device.flash.floor), (1, 0, position(5)));
}

#[test]
fn a_rotten_confirmed_slot_makes_way_for_the_other_as_a_trial() {
    let mut record = with_trial(Stage::Running);
    record.trial = None;
    record.b.as_mut().unwrap().standing = Standing::Confirmed;
    let mut device = Device::new(record);
    device.intact = |slot| slot == Slot::B;
    device.server = Server::Wants(2, 1);
    device.live(TRIAL_SECONDS);
    assert_eq!((device.runs(), device.flash.confirmed), (2, Some(Slot::B)));
}

#[test]
fn a_slot_that_was_never_confirmed_is_not_started_instead() {
    let mut record = with_trial(Stage::Running);
    record.trial = None;
    let mut device = Device::new(record);
    device.intact = |slot| slot == Slot::B;
    device.live(TRIAL_SECONDS);
    assert_eq!((device.runs(), device.commits), (0, 0));
}
