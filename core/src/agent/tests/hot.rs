//! Changes that restart no more than tasks.

use super::*;

/// Runs content 1; content 2 changes only what a task can take.
fn hot() -> Device {
    Device { scope: Restart::Task, server: Server::Wants(2, 1), ..Device::new(settled()) }
}

#[test]
fn a_hot_change_is_recorded_counted_and_confirmed_without_a_restart() {
    let mut device = hot();
    device.live(300);
    assert_eq!((device.runs(), device.commits, device.boots), (2, 3, 0));
    assert_eq!((device.flash.confirmed, device.ending().0), (Some(Slot::B), Ending::Confirmed));
}

#[test]
fn a_hot_change_that_fails_returns_with_a_restart_and_is_rejected() {
    let mut device = hot();
    device.checks = two_is_sick;
    device.live(300);
    assert_eq!((device.runs(), device.boots), (1, 1));
    assert_eq!(device.ending(), (Ending::RolledBack, Refusal::CHECK_FAILED));
}

#[test]
fn a_crash_in_a_hot_change_is_one_of_its_boots() {
    let mut device = hot();
    device.checks = nothing_said;
    device.live(1);
    assert_eq!((device.runs(), device.flash.trial.unwrap().boots_left), (2, 1));
    device.firmware.reset = ResetCause::Crash;
    device.boot();
    device.live(1);
    assert_eq!((device.runs(), device.flash.trial.unwrap().boots_left), (2, 0));
    device.boot();
    device.live(1);
    assert_eq!((device.runs(), device.ending()), (1, (Ending::RolledBack, Refusal::CRASH_LOOP)));
}

#[test]
fn a_crash_before_a_hot_change_is_not_held_against_it() {
    let mut device = hot();
    device.firmware.reset = ResetCause::Crash;
    device.boot();
    device.checks = nothing_said;
    device.live(1);
    assert_eq!(device.runs(), 2);
    assert!(!device.flash.trial.unwrap().crashed);
}

#[test]
fn a_hot_change_that_flash_lost_leaves_the_application_where_it_was() {
    let mut device = hot();
    device.intact = |slot| slot == Slot::A;
    device.live(60);
    assert_eq!((device.runs(), device.boots), (1, 0));
    assert_eq!(device.ending(), (Ending::RolledBack, Refusal::READ_BACK));
}
