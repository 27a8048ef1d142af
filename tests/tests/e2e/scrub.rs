//! Flash that loses a bit while the board runs: found, told, and replaced, without anybody's hand.
//!
//! A part of the running slot is read no oftener than once a minute, so a debugger lets the board's clock leap.

use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use steadfast::demo::machine::Machine;
use steadfast::demo::relay::{Passing, Relay, Subject, Tally, Treatment};
use steadfast::demo::world::{Model, PATIENCE};
use steadfast::serve::api::Standing;
use steadfast_core::codec;
use steadfast_core::id::ContentId;
use steadfast_core::poll::Poll;
use steadfast_core::refusal::Refusal;
use steadfast_tests::debugger::Debugger;
use steadfast_tests::on_each_board;
use steadfast_tests::stage::{Actor, Stage, nothing_inline};

use super::Outcome;

on_each_board!(a_bit_lost_while_the_board_runs_is_found_told_and_replaced,);

const NAME: &str = "board";

/// What loses a bit: a text of the section that is scrubbed first.
const VICTIM: &[u8] = b"ops@example.org";

/// Half of what the watchdog allows.
const LEAP: Duration = Duration::from_secs(5);

/// Leaps in which every part of the slot is read more than twice.
const LEAPS_MAX: usize = 120;

fn a_bit_lost_while_the_board_runs_is_found_told_and_replaced(machine: Machine) -> Outcome {
    let stage = Stage::new(machine, &[(NAME, Model::Sensor)])?;
    let mut board = stage.actor(NAME, Model::Sensor)?;
    let debugger = board.switch_on_debugged();
    let running = stage.wait_until_current(NAME)?.device.running;
    lose_a_bit(&stage, &board, &debugger)?;

    // The copy does not come through as yet, so that there is time to look.
    let deaf = watch(&board.device.relay);
    leap_until_it_asks_anew(&board, &debugger, &deaf);
    let why = stage.world.wait_for_device(NAME, "tells what its flash has lost", |why| {
        why.device.refusal.as_ref().is_some_and(|reason| reason.number == Refusal::READ_BACK.0)
    })?;
    assert_eq!((&why.device.running, why.device.standing), (&running, Standing::Current), "it runs with what it has");
    assert_eq!(why.device.health, "healthy, but its flash has lost what it runs");
    assert!(why.waiting_for.starts_with("a sound copy"), "{}", why.waiting_for);
    let lost = board.contents().record().expect("there is a record");

    board.device.relay.be_honest();
    let why = stage.world.wait_for_device(NAME, "is healthy again", |why| {
        (why.device.standing, why.device.health.as_str()) == (Standing::Current, "healthy")
    })?;
    assert_eq!((why.device.running, why.device.refusal), (running.clone(), None));
    let (contents, confirmed) = (board.contents(), lost.confirmed.expect("something was confirmed").other());
    let record = contents.record().expect("there is a record");
    assert_eq!((record.confirmed, record.trial, record.rejected.len()), (Some(confirmed), None, 0), "the other slot");
    assert_eq!(contents.intact(&record, confirmed).map(|content| content.to_string()), running, "holds it whole");
    let causes = board.log().rest_of_log();
    assert!(!causes.contains("after Watchdog") && !causes.contains("after Fault"), "it restarted by itself:\n{causes}");
    Ok(())
}

/// Clears a bit of what runs, while the board waits for an answer and so leaves its flash alone.
fn lose_a_bit(stage: &Stage, board: &Actor, debugger: &Debugger) -> Outcome {
    let contents = board.contents();
    let record = contents.record().expect("there is a record");
    let slot = record.confirmed.expect("something is confirmed");
    let at = contents.find(slot, VICTIM).expect("its bytes are in the slot");
    let (asked, go) = hold_next_poll(&board.device.relay);
    asked.recv_timeout(PATIENCE).expect("it polls");
    debugger.clear_bits(at, VICTIM[0], 1).expect("the debugger reaches the flash");
    drop(go);
    board.device.relay.be_honest();
    // QEMU writes the image a moment after the chip has taken the order.
    stage
        .world
        .wait("the slot is not what it was", |_| Ok(board.contents().intact(&record, slot).is_none().then_some(())))
}

/// The next answer to a poll waits until the sender is dropped.
fn hold_next_poll(relay: &Relay) -> (Receiver<()>, Sender<()>) {
    let (tell, asked) = mpsc::channel();
    let (go, wait) = mpsc::channel();
    relay.follow(move |passing| {
        if passing.subject == Subject::Poll && tell.send(()).is_ok() {
            // Nothing is ever sent.
            let _ = wait.recv();
        }
        Treatment::Pass
    });
    (asked, go)
}

/// From now on no object passes; tells of each poll that says that nothing intact runs.
fn watch(relay: &Relay) -> Receiver<()> {
    let (tell, deaf) = mpsc::channel();
    relay.follow(move |passing| match passing.subject {
        Subject::Object => Treatment::Drop,
        _ => {
            if runs_nothing(passing) {
                // The test may have heard enough.
                let _ = tell.send(());
            }
            nothing_inline(passing)
        }
    });
    deaf
}

fn runs_nothing(passing: &Passing<'_>) -> bool {
    let poll = (passing.subject == Subject::Poll).then(|| codec::decode::<Poll>(passing.question));
    poll.is_some_and(|poll| poll.is_ok_and(|poll| poll.running == ContentId::NONE))
}

/// Each leap is followed by a poll, during which the watchdog is fed.
fn leap_until_it_asks_anew(board: &Actor, debugger: &Debugger, asks: &Receiver<()>) {
    let relay = &board.device.relay;
    for _ in 0..LEAPS_MAX {
        if asks.try_recv().is_ok() {
            return;
        }
        let polls = relay.tally().polls.exchanges;
        debugger.leap(LEAP).expect("the debugger reaches the clock");
        assert!(relay.wait(PATIENCE, |exchanges| Tally::of(exchanges).polls.exchanges > polls), "it polls");
    }
    panic!("the slot was never read again");
}
