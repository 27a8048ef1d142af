//! Flash that fails to keep what it is given, and slots that do not read back.

use super::*;

#[test]
fn a_failed_commit_begins_no_trial() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, settled(), 7);
    let now = Instant::from_milliseconds(0);
    let events = [Event::Started, Event::Read(Some(FACTS)), Event::Activated];
    for event in events {
        agent.handle(event, now);
    }
    agent.staged =
        Some(Staged { offer: offer(2, 1), intact: Intact::forge(Slot::B, content(2)), scope: Restart::Device });
    assert_eq!(agent.handle(Event::Tick(healthy(1)), now), Action::Commit);
    *agent.record_mut() = settled();
    assert_eq!(agent.handle(Event::CommitFailed, now), Action::Wait(now));
    let Action::Wait(until) = agent.handle(Event::Tick(healthy(1)), now) else { panic!("nothing should happen") };
    assert!(until > now && agent.record.trial.is_none());
}

#[test]
fn a_trial_whose_boot_cannot_be_recorded_waits_on_the_confirmed_slot_and_is_tried_again() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, with_trial(Stage::Running), 7);
    let now = Instant::from_milliseconds(0);
    assert_eq!(agent.handle(Event::Started, now), Action::Commit);
    *agent.record_mut() = with_trial(Stage::Running);
    assert_eq!(agent.handle(Event::CommitFailed, now), Action::ReadBack(Slot::A));
    assert_eq!(agent.handle(Event::Read(Some(FACTS)), now), Action::Activate(Some(Slot::A)));
    agent.handle(Event::Activated, now);
    assert!(matches!(agent.handle(Event::Tick(healthy(1)), now), Action::Poll(_)));
    agent.handle(Event::Answer(News::Silence), now);
    let Action::Wait(until) = agent.handle(Event::Tick(healthy(1)), now) else { panic!("it should pause") };
    assert!(until > now);
    // Flash that keeps failing must not stop the application over and over.
    assert_eq!(agent.handle(Event::Tick(healthy(1)), until), Action::Commit);
    assert!(matches!(agent.handle(Event::CommitFailed, until), Action::Wait(_)));
    let Action::Wait(again) = agent.handle(Event::Tick(healthy(1)), until) else { panic!("it should pause again") };
    assert_eq!(agent.handle(Event::Tick(healthy(1)), again), Action::Commit);
    assert_eq!(agent.handle(Event::Committed, again), Action::Restart);
}

#[test]
fn a_rejection_that_is_in_force_although_its_commit_failed_is_carried_out() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, with_trial(Stage::Running), 7);
    let now = Instant::from_milliseconds(0);
    for event in [Event::Started, Event::Committed, Event::Read(Some(FACTS)), Event::Activated] {
        agent.handle(event, now);
    }
    assert_eq!(agent.handle(Event::Tick(two_is_sick(2)), now), Action::ReadBack(Slot::B));
    assert_eq!(agent.handle(Event::Read(Some(FACTS)), now), Action::Commit);
    assert_eq!((agent.record.trial, agent.running.unwrap().slot), (None, Slot::B));
    // The second copy did not read back, yet the first one wins: the record that was loaded is the new one.
    agent.handle(Event::CommitFailed, now);
    let later = agent.pace.paused_until();
    assert_eq!(agent.handle(Event::Tick(two_is_sick(2)), later), Action::Restart);
}

#[test]
fn a_repair_that_cannot_be_recorded_leaves_the_defaults_running() {
    let mut record = with_trial(Stage::Running);
    record.trial = None;
    record.b.as_mut().unwrap().standing = Standing::Confirmed;
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, record.clone(), 7);
    let now = Instant::from_milliseconds(5);
    assert_eq!(agent.handle(Event::Started, now), Action::ReadBack(Slot::A));
    assert_eq!(agent.handle(Event::Read(None), now), Action::Commit);
    *agent.record_mut() = record;
    assert_eq!(agent.handle(Event::CommitFailed, now), Action::ReadBack(Slot::A));
    assert_eq!(agent.handle(Event::Read(None), now), Action::Activate(None));
}

#[test]
fn a_repair_that_is_not_healthy_runs_all_the_same_and_is_never_rejected() {
    let mut device = Device::new(settled());
    device.intact = |slot| slot == Slot::B;
    device.checks = |_| two_is_sick(2);
    device.server = Server::Wants(1, 1);
    device.live(12 * 3600);
    assert_eq!((device.runs(), device.flash.confirmed), (1, Some(Slot::B)));
    assert_eq!((device.staged, device.commits, device.flash.rejected.len()), (1, 1, 0));
}

#[test]
fn what_flash_loses_before_each_trial_is_not_tried_over_and_over() {
    let mut device = Device::new(settled());
    device.intact = |slot| slot == Slot::A;
    device.server = Server::Wants(2, 1);
    device.live(12 * 3600);
    assert!((4..=14).contains(&device.staged), "{} trials in half a day", device.staged);
    assert_eq!((device.runs(), device.ending()), (1, (Ending::RolledBack, Refusal::READ_BACK)));
}

#[test]
fn a_machine_that_cannot_hand_a_configuration_over_does_not_blame_it() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, with_trial(Stage::Running), 7);
    let now = Instant::from_milliseconds(0);
    for event in [Event::Started, Event::Committed, Event::Read(Some(FACTS)), Event::Activated] {
        agent.handle(event, now);
    }
    let words = Detail::try_from("no space left").unwrap();
    assert_eq!(agent.handle(Event::NotGiven(words), now), Action::Commit);
    assert_eq!(agent.handle(Event::Committed, now), Action::Restart);
    let outcome = &agent.record.outcome;
    assert_eq!((outcome.ending, outcome.reason), (Ending::RolledBack, Refusal::FLASH_FAILED));
    assert_eq!((agent.record.trial, agent.record.rejected.len()), (None, 0));

    // It is tried again, but not at once.
    let mut device = Device::new(agent.record.clone());
    device.server = Server::Wants(2, 1);
    device.live(1800);
    assert_eq!((device.runs(), device.staged), (1, 0));
    device.live(3600);
    assert_eq!((device.runs(), device.ending().0), (2, Ending::Confirmed));
}

/// Slot A has rotted; slot B was confirmed before it.
fn rotten() -> Device {
    let mut record = with_trial(Stage::Running);
    record.trial = None;
    record.b.as_mut().unwrap().standing = Standing::Confirmed;
    Device { intact: |slot| slot == Slot::B, ..Device::new(record) }
}

#[test]
fn a_repair_without_a_server_ends_on_what_was_confirmed_once_and_not_on_defaults() {
    let mut device = rotten();
    device.live(300 * TRIAL_SECONDS);
    assert_eq!((device.runs(), device.flash.confirmed, device.flash.trial), (2, Some(Slot::B), None));
    assert_eq!(device.ending(), (Ending::Inconclusive, Refusal::UNREACHABLE));
    assert!(device.commits < 10, "{}", device.commits);
}

#[test]
fn a_repair_whose_boots_are_lost_to_bad_power_stays_too() {
    let mut device = rotten();
    device.checks = nothing_said;
    for _ in 0..9 {
        device.boot();
        device.live(1);
        assert_eq!(device.runs(), 2);
    }
    assert_eq!((device.flash.confirmed, device.flash.trial), (Some(Slot::B), None));
}

/// Content 2 on trial, whose slot loses it before the trial fails, for whatever reason.
fn loses_its_slot(checks: fn(u8) -> Examined, connects: fn(u8) -> bool) -> Device {
    let mut device = Device::new(with_trial(Stage::Running));
    (device.checks, device.connects) = (nothing_said, connects);
    device.server = Server::Wants(2, 1);
    device.live(1);
    assert_eq!(device.runs(), 2);
    (device.intact, device.checks) = (|slot| slot == Slot::A, checks);
    device.live(TRIAL_SECONDS * 3);
    device
}

#[test]
fn what_fails_in_a_slot_that_changed_is_not_rejected() {
    let mute = loses_its_slot(nothing_said, |_| true);
    let sick = loses_its_slot(two_is_sick, |_| true);
    let lonely = loses_its_slot(healthy, |number| number != 2);
    for device in [mute, sick, lonely] {
        assert_eq!((device.runs(), device.ending()), (1, (Ending::RolledBack, Refusal::READ_BACK)));
        assert!(device.flash.rejected.is_empty(), "the flash is to blame");
    }
}

#[test]
fn a_crash_loop_ends_without_a_read_of_its_slot_which_may_be_what_crashes() {
    let mut record = with_trial(Stage::Running);
    record.trial.as_mut().unwrap().boots_left = 0;
    for reset in [ResetCause::Crash, ResetCause::CrashLoop] {
        let mut device = Device::new(record.clone());
        device.firmware.reset = reset;
        device.intact = |slot| if slot == Slot::A { true } else { panic!("reading crashes") };
        device.boot();
        device.live(1);
        assert_eq!((device.runs(), device.ending()), (1, (Ending::RolledBack, Refusal::CRASH_LOOP)));
    }
}

#[test]
fn a_device_that_takes_no_orders_does_not_stand_aside() {
    let mut record = settled();
    record.keyring.director = Director::None;
    let mut device = Device::new(record);
    device.firmware.reset = ResetCause::CrashLoop;
    device.boot();
    device.live(1);
    assert_eq!(device.runs(), 1);
}

#[test]
fn a_rejection_in_force_does_not_wait_for_the_next_poll() {
    let mut agent = Agent::new(DeviceId([1; 16]), FIRMWARE, with_trial(Stage::Running), 7);
    let mut now = Instant::from_milliseconds(0);
    for event in [Event::Started, Event::Committed, Event::Read(Some(FACTS)), Event::Activated] {
        agent.handle(event, now);
    }
    assert!(matches!(agent.handle(Event::Tick(nothing_said(2)), now), Action::Poll(_)));
    let challenge = Challenge { issued_seconds: 1, code: [0; 8] };
    let day = Unchanged { poll_after_seconds: 86_400, report_wanted: false, challenge };
    agent.handle(Event::Answer(News::Unchanged(Fresh::forge(day))), now);
    assert!(matches!(agent.handle(Event::Tick(nothing_said(2)), now), Action::Report(_)));
    agent.handle(Event::Reported(Ok(())), now);
    assert!(matches!(agent.handle(Event::Tick(nothing_said(2)), now), Action::Wait(_)));
    now = now.after(Span::from_seconds(10));
    assert_eq!(agent.handle(Event::Tick(two_is_sick(2)), now), Action::ReadBack(Slot::B));
    assert_eq!(agent.handle(Event::Read(Some(FACTS)), now), Action::Commit);
    // It failed, and is in force all the same.
    agent.handle(Event::CommitFailed, now);
    let Action::Wait(until) = agent.handle(Event::Tick(two_is_sick(2)), now) else { panic!("it should pause") };
    let seconds = until.since(now).milliseconds() / 1000;
    assert!(seconds <= 60, "runs what is rejected for {seconds} s more");
}

#[test]
fn two_orders_in_turns_that_both_fail_wear_flash_no_faster_than_one() {
    let mut device = Device::new(settled());
    device.hindered = |_| Some(Refusal::OBJECT_MISMATCH);
    for second in 0..12 * 3600_u32 {
        device.server = Server::Wants(2 + (second % 2) as u8, 1);
        device.live(1);
    }
    assert!((15..=60).contains(&device.staged), "{} attempts in half a day", device.staged);
}

#[test]
fn checks_that_nobody_can_name_are_not_held_against_a_configuration() {
    let mut device = Device::new(settled());
    device.server = Server::Wants(2, 1);
    device.checks = |number| Examined { unread: number == 2, ..healthy(number) };
    device.live(TRIAL_SECONDS * 3);
    assert_eq!((device.runs(), device.ending()), (1, (Ending::RolledBack, Refusal::READ_BACK)));
    assert!(device.flash.rejected.is_empty());
}

#[test]
fn a_confirmed_slot_that_reads_again_runs_again() {
    let mut device = Device::new(settled());
    device.intact = |_| false;
    device.live(600);
    assert_eq!((device.runs(), device.boots), (0, 0));
    device.intact = |_| true;
    device.live(120);
    assert_eq!((device.runs(), device.boots, device.commits), (1, 1, 0));
}
