//! What a device does without an order: lost contact, repair, suspended trials, scrubbing.

use super::*;

/// Runs content 1, and content 2 was confirmed before it in slot B.
fn with_former() -> BootRecord {
    let mut record = with_trial(Stage::Running);
    record.trial = None;
    record.b.as_mut().unwrap().standing = Standing::Confirmed;
    record
}

const DAY_SECONDS: u32 = 24 * 3600;

#[test]
fn without_contact_the_former_configuration_is_tried_once_and_never_again() {
    let mut device = Device::new(with_former());
    device.live(DAY_SECONDS - 60);
    assert_eq!((device.runs(), device.commits), (1, 0));
    device.live(120);
    assert_eq!((device.runs(), device.flash.trial.unwrap().cause), (2, crate::record::Cause::LostContact));
    for _ in 0..7 {
        device.live(DAY_SECONDS);
    }
    // Begin, one boot, back to ask, suspend.
    assert_eq!((device.runs(), device.boots, device.commits), (1, 2, 4));
    assert_eq!(device.flash.trial.unwrap().stage, Stage::Suspended);
    assert_eq!(device.ending(), (Ending::Inconclusive, Refusal::UNREACHABLE));

    device.server = Server::Wants(1, 1);
    device.live(3600);
    assert_eq!((device.runs(), device.boots, device.flash.trial), (1, 2, None));
    assert_eq!(device.ending(), (Ending::Inconclusive, Refusal::UNREACHABLE));
    assert!(device.flash.rejected.is_empty());
}

#[test]
fn a_configuration_that_lost_its_server_gives_way_to_the_one_that_finds_it() {
    let mut device = Device::new(with_former());
    device.flash.accepted = position(3);
    device.agent = Agent::new(DeviceId([1; 16]), FIRMWARE, device.flash.clone(), 7);
    device.connects = |number| number == 2;
    device.server = Server::Wants(1, 1);
    device.live(DAY_SECONDS + 60);
    assert_eq!(device.flash.confirmed, Some(Slot::B));
    assert_eq!(device.flash.accepted, position(3), "nobody assigned an older release");
    // What git wants is tried again by the usual rules, and found guilty.
    device.live(3600);
    assert_eq!((device.runs(), device.flash.trial), (2, None));
    assert_eq!(device.ending(), (Ending::RolledBack, Refusal::UNREACHABLE));
    for _ in 0..7 {
        let boots = device.boots;
        device.live(DAY_SECONDS);
        assert_eq!((device.runs(), device.boots), (2, boots));
    }
}

#[test]
fn a_former_configuration_in_whose_boots_power_failed_is_tried_again() {
    let mut device = Device::new(with_former());
    device.connects = |number| number == 2;
    device.live(DAY_SECONDS + 60);
    assert_eq!(device.runs(), 2);
    while device.flash.trial.unwrap().stage == Stage::Running {
        device.boot();
        device.live(1);
    }
    assert_eq!((device.runs(), device.ending()), (1, (Ending::Inconclusive, Refusal::CRASH_LOOP)));
    device.server = Server::Wants(2, 1);
    device.live(DAY_SECONDS + 60);
    assert_eq!((device.runs(), device.flash.trial, device.flash.confirmed), (2, None, Some(Slot::B)));
}

#[test]
fn what_was_never_confirmed_is_not_tried_for_lost_contact() {
    let mut record = with_former();
    record.b.as_mut().unwrap().standing = Standing::Staged;
    let mut device = Device::new(record);
    for _ in 0..3 {
        device.live(DAY_SECONDS);
    }
    assert_eq!((device.runs(), device.commits), (1, 0));
}

#[test]
fn a_former_configuration_that_the_flash_lost_is_tried_once_for_lost_contact() {
    let mut device = Device::new(with_former());
    device.intact = |slot| slot == Slot::A;
    for _ in 0..7 {
        device.live(DAY_SECONDS);
    }
    assert_eq!((device.runs(), device.boots, device.flash.b), (1, 1, None));
    assert_eq!(device.ending(), (Ending::RolledBack, Refusal::READ_BACK));
}

#[test]
fn no_order_ends_a_repair_before_it_is_confirmed() {
    let mut device = Device::new(with_former());
    device.intact = |slot| slot == Slot::B;
    device.checks = nothing_said;
    device.server = Server::Wants(1, 1);
    device.live(1);
    assert_eq!((device.runs(), device.commits, device.staged), (2, 2, 0), "the trial is not superseded");
    device.checks = healthy;
    // The loop that feeds the agent tells it when a check changes.
    device.server = Server::Silent;
    device.live(1);
    assert_eq!((device.runs(), device.flash.confirmed), (2, Some(Slot::B)));
    assert_eq!(device.ending(), (Ending::Confirmed, Refusal(0)));
}

#[test]
fn an_answer_that_cannot_be_taken_ends_a_suspended_trial_all_the_same() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, with_trial(Stage::Suspended), 7);
    let now = Instant::from_milliseconds(0);
    for event in [Event::Started, Event::Read(Some(FACTS)), Event::Activated] {
        agent.handle(event, now);
    }
    assert!(matches!(agent.handle(Event::Tick(healthy(1)), now), Action::Poll(_)));
    let refused = Refused { content: ContentId::NONE, reason: Refusal::BELOW_FLOOR };
    assert_eq!(agent.handle(Event::Answer(News::Changed(fresh(), Err(refused))), now), Action::Commit);
    assert_eq!((agent.record.trial, agent.record.outcome.ending), (None, Ending::Superseded));
}

#[test]
fn a_suspended_trial_of_another_firmware_ends_with_it() {
    let mut record = with_trial(Stage::Suspended);
    record.b.as_mut().unwrap().schema = SchemaId([4; 32]).prefix();
    let mut device = Device::new(record);
    device.live(1);
    assert_eq!((device.runs(), device.flash.trial, device.ending().0), (1, None, Ending::FirmwareReverted));
}

#[test]
fn a_return_that_is_superseded_leaves_the_former_configuration_fit_to_run() {
    let mut device = Device::new(with_former());
    device.checks = nothing_said;
    device.server = Server::Wants(2, 1);
    device.live(1);
    assert_eq!(device.runs(), 2);
    device.server = Server::Wants(1, 1);
    device.live(60);
    assert_eq!((device.runs(), device.ending().0), (1, Ending::Superseded));
    assert!(device.flash.may_run(Slot::B, &FIRMWARE.id));
}

#[test]
fn a_slot_that_rots_while_it_runs_is_mended_from_the_server_without_a_trial() {
    let mut device = Device::new(with_former());
    device.server = Server::Wants(1, 1);
    device.live(3600);
    assert_eq!((device.commits, device.boots), (0, 0));
    device.intact = |slot| slot == Slot::B;
    // Even where its check fails by now: it is the confirmed configuration.
    device.checks = |_| two_is_sick(2);
    device.live(300);
    assert_eq!((device.runs(), device.flash.confirmed, device.staged), (1, Some(Slot::B), 1));
    assert_eq!((device.commits, device.boots, device.flash.rejected.len()), (1, 1, 0));
    device.live(3600);
    assert_eq!((device.commits, device.boots), (1, 1));
}

#[test]
fn a_rotten_slot_goes_on_running_while_the_server_is_silent_and_says_what_it_runs() {
    let mut device = Device::new(settled());
    device.live(60);
    device.intact = |_| false;
    device.live(3600);
    assert_eq!((device.runs(), device.commits, device.boots), (1, 0, 0));
    assert_eq!(device.agent.poll(PollFlags::default(), [0; 8]).running, ContentId::NONE);
    let report = device.agent.report(Challenge { issued_seconds: 1, code: [0; 8] });
    assert_eq!(report.running, content(1).id());
    assert_eq!(report.refused, Some(Refused { content: content(1).id(), reason: Refusal::READ_BACK }));
}

#[test]
fn what_the_application_finds_altered_ends_its_trial_without_a_rejection() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, with_trial(Stage::Running), 7);
    let now = Instant::from_milliseconds(0);
    for event in [Event::Started, Event::Committed, Event::Read(Some(FACTS)), Event::Activated] {
        agent.handle(event, now);
    }
    assert_eq!(agent.handle(Event::Rotten, now), Action::Commit);
    assert_eq!((agent.record.trial, agent.record.b.as_ref(), agent.record.rejected.len()), (None, None, 0));
    assert_eq!((agent.record.outcome.ending, agent.record.outcome.reason), (Ending::RolledBack, Refusal::READ_BACK));
}

#[test]
fn what_the_application_finds_altered_is_mended_from_the_server() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, settled(), 7);
    let now = Instant::from_milliseconds(0);
    for event in [Event::Started, Event::Read(Some(FACTS)), Event::Activated, Event::Rotten] {
        agent.handle(event, now);
    }
    assert_eq!(agent.poll(PollFlags::default(), [0; 8]).running, ContentId::NONE);
    assert_eq!(agent.refused(), Some(Refused { content: content(1).id(), reason: Refusal::READ_BACK }));
}

#[test]
fn scrubbing_is_slow_and_keeps_nobody_waiting() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(1, 1);
    device.live(3600);
    assert!((50..=70).contains(&device.polls), "{} polls", device.polls);
    assert!((25..=60).contains(&device.scrubs), "{} parts", device.scrubs);
}

#[test]
fn a_newer_order_for_a_rotten_slot_goes_on_trial_as_ever() {
    let mut device = Device::new(settled());
    device.live(60);
    device.intact = |slot| slot == Slot::B;
    device.server = Server::Wants(2, 1);
    device.live(600);
    assert_eq!((device.runs(), device.ending().0), (2, Ending::Confirmed));
}

/// Content 1 has crashed so often that the firmware does not start it; the next start is an ordinary one.
fn in_a_crash_loop() -> Device {
    let mut device = Device::new(settled());
    device.firmware.reset = ResetCause::CrashLoop;
    device.boot();
    device.firmware.reset = ResetCause::Ordinary;
    device
}

#[test]
fn what_crashed_again_and_again_makes_way_for_another_order_and_the_server_hears_why() {
    let mut device = in_a_crash_loop();
    device.server = Server::Wants(1, 1);
    device.live(120);
    assert_eq!((device.runs(), device.commits, device.staged), (0, 0, 0));
    let report = device.agent.report(fresh().unchanged().challenge);
    let refused = Refused { content: content(1).id(), reason: Refusal::CRASH_LOOP };
    assert_eq!((report.running, report.confirmed, report.refused), (ContentId::NONE, refused.content, Some(refused)));
    let poll = device.agent.poll(PollFlags::default(), [0; 8]);
    assert_eq!((poll.running, poll.refused), (ContentId::NONE, Some(refused.content.prefix())));

    device.server = Server::Wants(2, 1);
    device.live(120);
    assert_eq!((device.runs(), device.boots, device.ending().0), (2, 2, Ending::Confirmed));
    assert!(device.flash.rejected.is_empty(), "nothing is rejected for good");
}

#[test]
fn what_crashed_again_and_again_is_tried_again_after_a_while_even_without_a_server() {
    let mut device = in_a_crash_loop();
    device.live(599);
    assert_eq!((device.runs(), device.boots, device.commits), (0, 1, 0));
    device.live(2);
    assert_eq!((device.runs(), device.boots, device.commits), (1, 2, 0));
}

#[test]
fn a_server_that_wants_to_be_left_alone_does_not_keep_it_aside_for_longer() {
    let mut device = in_a_crash_loop();
    device.server = Server::Usurped(|| {
        let challenge = Challenge { issued_seconds: 1, code: [0; 8] };
        News::Unchanged(Fresh::forge(Unchanged { poll_after_seconds: DAY_SECONDS, report_wanted: false, challenge }))
    });
    device.live(601);
    assert_eq!((device.runs(), device.boots), (1, 2));
}

#[test]
fn an_answer_that_cannot_be_taken_is_contact() {
    let mut device = Device::new(with_former());
    device.server = Server::Usurped(|| {
        News::Changed(fresh(), Err(Refused { content: ContentId::NONE, reason: Refusal::BELOW_FLOOR }))
    });
    for _ in 0..3 {
        device.live(DAY_SECONDS + 600);
        assert_eq!((device.runs(), device.boots, device.commits), (1, 0, 0));
    }
}

#[test]
fn what_ran_when_the_floor_rose_is_still_a_way_back_after_the_next_update() {
    let mut device = Device::new(settled());
    device.server =
        Server::Usurped(|| News::Adopt(fresh(), Verified::forge(content(1), SCHEMA, position(5), position(5))));
    device.live(3600);
    assert_eq!((device.flash.floor, device.commits), (position(5), 1));
    device.server = Server::Wants(6, 5);
    device.live(600);
    assert_eq!((device.runs(), device.flash.confirmed), (6, Some(Slot::B)));
    assert!(device.flash.may_run(Slot::A, &FIRMWARE.id));
}

#[test]
fn a_confirmed_slot_that_rots_while_a_trial_is_suspended_gives_way_to_it() {
    let mut record = with_former();
    let waiting = with_trial(Stage::Suspended).trial;
    record.trial = waiting.map(|trial| crate::record::Trial { cause: crate::record::Cause::LostContact, ..trial });
    let mut device = Device::new(record);
    device.intact = |slot| slot == Slot::B;
    device.live(DAY_SECONDS / 2);
    assert_eq!((device.runs(), device.flash.confirmed, device.flash.trial), (2, Some(Slot::B), None));
    assert!(device.commits < 10, "{} commits", device.commits);
}

#[test]
fn a_report_that_hangs_does_not_keep_a_device_from_its_update() {
    const QUICK: Facts = Facts { settings: Settings { poll_seconds: 10, ..SETTINGS }, policy: POLICY };
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, settled(), 7);
    let mut now = Instant::from_milliseconds(0);
    let (mut event, mut polls, mut stagings, mut reports) = (Event::Started, 0, 0, 0);
    let order = || {
        let challenge = Challenge { issued_seconds: 1, code: [0; 8] };
        Fresh::forge(Unchanged { poll_after_seconds: 0, report_wanted: true, challenge })
    };
    for _ in 0..2000 {
        event = match agent.handle(event, now) {
            Action::ReadBack(_) => Event::Read(Some(QUICK)),
            Action::Activate(_) => Event::Activated,
            Action::Poll(_) => {
                polls += 1;
                Event::Answer(News::Changed(order(), Ok(offer(2, 1))))
            }
            Action::Stage(slot) => {
                stagings += 1;
                let intact = Intact::forge(slot, content(2));
                Event::Staged(Ok(Staged { offer: offer(2, 1), intact, scope: Restart::Device }))
            }
            Action::Report(_) => {
                reports += 1;
                // What the link of the microcontrollers gives up after: 10 s to connect, 15 s for the answer.
                now = now.after(Span::from_seconds(25));
                Event::Reported(Err(LinkFailed))
            }
            Action::Wait(until) => {
                now = now.max(until);
                Event::Tick(healthy(1))
            }
            Action::Scrub => Event::Sound,
            Action::Commit => {
                assert!(agent.record.trial.is_some());
                return;
            }
            Action::Restart => panic!("no"),
        };
    }
    panic!("no trial after {} s, {polls} polls, {stagings} stagings, {reports} reports", now.milliseconds() / 1000);
}
