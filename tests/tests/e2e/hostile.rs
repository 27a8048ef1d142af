//! A relay that lies: whatever it does to answers and objects, nothing wrong runs, and honesty mends everything.

use steadfast::demo::machine::Machine;
use steadfast::demo::relay::{Passing, Subject, Tally, Treatment};
use steadfast::demo::watch::Order;
use steadfast::demo::world::PATIENCE;
use steadfast_tests::on_each_board;
use steadfast_tests::stage::{Actor, nothing_inline};

use super::{Outcome, both};

on_each_board!(
    damaged_answers_are_refused_and_write_nothing_and_an_honest_one_is_taken,
    damaged_objects_never_run_and_honest_ones_are_fetched_again,
);

/// Damaged answers to sit through.
const ANSWERS: usize = 8;

/// Damaged objects to sit through: after each, a device waits twice as long before it tries again.
const OBJECTS: usize = 3;

/// Numbers that look random and are the same in each run (splitmix64).
fn draw(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed >> 33) as usize
}

/// A bit turned round, or a cut, in turns.
fn damage(random: &mut u64, bytes: usize) -> Treatment {
    let (way, at) = (draw(random), draw(random));
    if way.is_multiple_of(2) { Treatment::FlipBit(at % (bytes * 8)) } else { Treatment::Truncate(at % bytes) }
}

fn count(tally: Tally, subject: Subject) -> usize {
    if subject == Subject::Poll { tally.polls.exchanges } else { tally.objects.exchanges }
}

/// Waits until a device has met so many exchanges of a subject. They are counted from the relay's start: what fails is asked for less
/// and less often, and one device goes on while another one is waited for.
fn sit_through(actor: &Actor, subject: Subject, wanted: usize) {
    let met = actor.device.relay.wait(PATIENCE, |exchanges| count(Tally::of(exchanges), subject) >= wanted);
    assert!(met, "{} asks no more", actor.device.name);
}

/// How many exchanges of a subject each device has met.
fn met(actors: &[Actor; 2], subject: Subject) -> [usize; 2] {
    actors.each_ref().map(|actor| count(actor.device.relay.tally(), subject))
}

fn damaged_answers_are_refused_and_write_nothing_and_an_honest_one_is_taken(machine: Machine) -> Outcome {
    let (stage, actors) = both(machine)?;
    let before = actors.each_ref().map(|actor| actor.contents());
    for (seed, actor) in (1..).zip(&actors) {
        let mut random = seed;
        actor.device.relay.follow(move |passing| match (signed_bytes(passing), passing.answer.len()) {
            (0, 0) => Treatment::Pass,
            // Objects that come along are not signed; they have a test of their own.
            (0, all) => damage(&mut random, all),
            (signed, _) => damage(&mut random, signed),
        });
    }
    let polls = met(&actors, Subject::Poll);
    stage.publish_period(200)?;
    for ((actor, before), polls) in actors.iter().zip(&before).zip(polls) {
        sit_through(actor, Subject::Poll, polls + ANSWERS);
        assert!(before.equals_outside(&actor.contents(), &[]), "{} wrote something", actor.device.name);
    }
    for actor in &actors {
        actor.device.relay.be_honest();
        stage.wait_until_current(&actor.device.name)?;
    }
    Ok(())
}

/// The bytes of an answer with an update that are signed, in one way or another; 0 for other answers.
fn signed_bytes(passing: &Passing<'_>) -> usize {
    Order::of(passing).map_or(0, |order| passing.answer.len() - order.inline.len())
}

fn damaged_objects_never_run_and_honest_ones_are_fetched_again(machine: Machine) -> Outcome {
    let (stage, actors) = both(machine)?;
    let before = actors.each_ref().map(|actor| actor.contents().record().expect("there is a record"));
    for (seed, actor) in (1..).zip(&actors) {
        let mut random = seed;
        actor.device.relay.follow(move |passing| match passing.subject {
            Subject::Object => damage(&mut random, passing.answer.len()),
            _ => nothing_inline(passing),
        });
    }
    let objects = met(&actors, Subject::Object);
    stage.publish_period(200)?;
    for ((actor, before), objects) in actors.iter().zip(&before).zip(objects) {
        sit_through(actor, Subject::Object, objects + OBJECTS);
        let after = actor.contents().record().expect("there is a record");
        assert_eq!(after, *before, "{}: nothing was tried, nothing is rejected", actor.device.name);
    }
    for actor in &actors {
        actor.device.relay.be_honest();
        stage.wait_until_current(&actor.device.name)?;
    }
    Ok(())
}
