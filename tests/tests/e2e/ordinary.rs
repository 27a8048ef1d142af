//! What happens on ordinary days.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use steadfast::demo::machine::Machine;
use steadfast::demo::relay::{Tally, Treatment};
use steadfast::demo::watch::Order;
use steadfast::demo::world::{Model, PATIENCE};
use steadfast_tests::contents::Contents;
use steadfast_tests::on_each_board;
use steadfast_tests::stage::{Actor, Stage, nothing_inline};

use super::{Outcome, both, both_off};

on_each_board!(
    what_is_flashed_boots_and_runs_without_a_server,
    an_update_is_taken_and_nothing_unchanged_is_sent_or_fetched_again,
    an_unrelated_release_writes_nothing_and_a_higher_floor_one_record,
    a_server_that_is_killed_and_comes_back_is_found_again,
);

/// Polls after which a release has certainly been heard of.
const POLLS: usize = 3;

fn what_is_flashed_boots_and_runs_without_a_server(machine: Machine) -> Outcome {
    let stage = Stage::new(machine, &[("board", Model::Sensor)])?;
    let pack = stage.world.text("first.pack");
    stage.world.steadfast(&["build", "--out", &pack])?;
    stage.world.steadfast(&["sign", &pack, "--key", &stage.world.text("keys/publisher.key")])?;
    stage.world.kill_server();
    let mut board = stage.actor_with("board", Model::Sensor, Some(Path::new(&pack)))?;
    let record = board.contents().record().expect("a record was flashed");
    let confirmed = record.confirmed_slot().expect("a configuration was flashed").content.id();

    board.switch_on();
    board.log().wait_for(&format!("running {confirmed}")).expect("it boots");
    board.log().wait_for("sampling every 100 ms").expect("it runs its configuration");
    stage.world.serve()?;
    let why = stage.wait_until_current("board")?;
    assert_eq!(why.device.desired, Some(confirmed.to_string()), "it is what git wants");
    assert_eq!(board.device.relay.tally().objects.exchanges, 0, "nothing had to be fetched");
    Ok(())
}

fn an_update_is_taken_and_nothing_unchanged_is_sent_or_fetched_again(machine: Machine) -> Outcome {
    let (stage, actors) = both(machine)?;
    // Each object by itself: the one that changed.
    for actor in &actors {
        actor.device.relay.follow(nothing_inline);
    }
    stage.publish_period(200)?;
    for actor in &actors {
        stage.wait_until_current(&actor.device.name)?;
        let fetched = actor.device.relay.tally().objects.exchanges;
        assert_eq!(fetched, 1, "{} fetched what it had", actor.device.name);
    }
    // Objects with the answer: the one that changed.
    let inline = actors.each_ref().map(|actor| {
        let bytes = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&bytes);
        actor.device.relay.follow(move |passing| {
            bytes.fetch_max(Order::of(passing).map_or(0, |order| order.inline.len()), Ordering::Relaxed);
            Treatment::Pass
        });
        seen
    });
    stage.publish_period(300)?;
    for (actor, inline) in actors.iter().zip(inline) {
        stage.wait_until_current(&actor.device.name)?;
        let section = match actor.device.model {
            Model::Sensor => 3,
            Model::Gateway => sampling_in_force(actor).len(),
        };
        assert_eq!(inline.load(Ordering::Relaxed), 1 + section, "{}: its place and its bytes", actor.device.name);
        assert_eq!(actor.device.relay.tally().objects.exchanges, 1, "nothing more was fetched");
    }
    assert!(sampling_in_force(&actors[1]).contains("\"period_ms\": 300"));
    Ok(())
}

/// The gateway's section `sampling` as its application reads it.
fn sampling_in_force(gateway: &Actor) -> String {
    fs::read_to_string(gateway.device.file("configuration/current/sampling.json")).expect("it is in force")
}

fn an_unrelated_release_writes_nothing_and_a_higher_floor_one_record(machine: Machine) -> Outcome {
    let (stage, actors) = both(machine)?;
    let floor = stage.world.git(&["rev-parse", "HEAD"])?;
    let before = actors.each_ref().map(|actor| actor.contents());

    stage.publish_period_for("boston-1", 5000)?;
    for (actor, before) in actors.iter().zip(&before) {
        hear(actor);
        let why = stage.wait_until_current(&actor.device.name)?;
        assert_eq!(why.desired.map(|release| release.sequence), Some(3), "the newest release is another one");
        assert!(before.equals_outside(&actor.contents(), &[]), "{} wrote to its flash", actor.device.name);
    }

    stage.world.edit("steadfast.toml", "name = \"example\"", &format!("name = \"example\"\nfloor = \"{floor}\""))?;
    stage.publish("raise the floor")?;
    for (actor, before) in actors.iter().zip(&before) {
        stage.world.wait_for_device(&actor.device.name, "has the higher floor", |why| {
            why.reports.first().is_some_and(|report| report.floor == 2)
        })?;
        hear(actor);
        demand_one_record(before, &actor.contents(), &actor.device.name);
    }
    Ok(())
}

/// Waits until a device has certainly heard of what is published now.
fn hear(actor: &Actor) {
    let polls = actor.device.relay.tally().polls.exchanges;
    let heard = actor.device.relay.wait(PATIENCE, |exchanges| Tally::of(exchanges).polls.exchanges >= polls + POLLS);
    assert!(heard, "{} polls no more", actor.device.name);
}

fn demand_one_record(before: &Contents, after: &Contents, name: &str) {
    assert!(before.equals_outside(after, &[before.record_region()]), "{name} wrote outside its record");
    let [old, new] = [before, after].map(|contents| contents.record().expect("there is a record"));
    assert_eq!(new.generation, old.generation + 1, "{name}: one record write");
    assert_eq!((new.floor.sequence, new.confirmed, new.trial), (2, old.confirmed, None), "{name}");
}

fn a_server_that_is_killed_and_comes_back_is_found_again(machine: Machine) -> Outcome {
    let (stage, mut actors) = both_off(machine)?;
    stage.world.kill_server();
    for actor in &mut actors {
        actor.switch_on();
    }
    actors[0].log().wait_for("no answer").expect("it asks in vain");
    stage.world.serve()?;
    for actor in &actors {
        stage.wait_until_current(&actor.device.name)?;
    }
    Ok(())
}
