//! Trials that do not end well, or not at once.

use std::sync::atomic::{AtomicBool, Ordering};

use steadfast::demo::machine::Machine;
use steadfast::demo::relay::Treatment;
use steadfast::demo::watch::Order;
use steadfast::demo::world::Model;
use steadfast::serve::api::Why;
use steadfast_core::outcome::Ending;
use steadfast_core::record::Stage as TrialStage;
use steadfast_core::refusal::Refusal;
use steadfast_tests::on_each_board;

use super::{Outcome, both};

on_each_board!(
    a_configuration_whose_check_fails_is_rolled_back_and_why_says_so,
    a_wrong_server_address_is_rejected_as_unreachable,
    a_server_that_is_down_for_everyone_makes_a_trial_inconclusive_and_its_return_confirms_it,
);

/// The number and the detail of the last refusal.
fn reason(why: &Why) -> (Refusal, &str) {
    why.device.refusal.as_ref().map_or((Refusal(0), ""), |reason| (Refusal(reason.number), &*reason.detail))
}

fn a_configuration_whose_check_fails_is_rolled_back_and_why_says_so(machine: Machine) -> Outcome {
    let (stage, actors) = both(machine)?;
    let good = stage.wait_until_current("board")?.device.running;
    stage.publish_period(20)?;
    for actor in &actors {
        let name = &actor.device.name;
        let why = stage.wait_until_refused(name)?;
        assert_eq!(reason(&why), (Refusal::CHECK_FAILED, "sensor: the sensor needs 50 ms"), "{name}");
        assert_ne!(why.device.running, why.device.desired, "{name} does not run it");
        let record = actor.contents().record().expect("there is a record");
        assert_eq!((record.trial, record.rejected.len()), (None, 1), "{name}");
    }
    assert_eq!(stage.world.why("board")?.device.running, good);
    let screen = stage.world.steadfast(&["why", "board", "--server", &stage.world.url()])?;
    for words in ["a health check failed", "sensor: the sensor needs 50 ms", "sample every 20 ms", "Ada Example"] {
        assert!(screen.contains(words), "`{words}` is not in:\n{screen}");
    }

    stage.publish_period(200)?;
    for actor in &actors {
        stage.wait_until_current(&actor.device.name)?;
    }
    Ok(())
}

fn a_wrong_server_address_is_rejected_as_unreachable(machine: Machine) -> Outcome {
    let (stage, actors) = both(machine)?;
    for model in [Model::Sensor, Model::Gateway] {
        let file = format!("layers/model/{}.toml", model.word());
        // A port on which nobody listens.
        stage.world.edit(&file, "server = \"\"", &format!("server = \"{}:1\"", model.loopback()))?;
    }
    stage.publish("a wrong server")?;
    for actor in &actors {
        let why = stage.wait_until_refused(&actor.device.name)?;
        assert_eq!(reason(&why).0, Refusal::UNREACHABLE, "{}", actor.device.name);
    }
    Ok(())
}

fn a_server_that_is_down_for_everyone_makes_a_trial_inconclusive_and_its_return_confirms_it(
    machine: Machine,
) -> Outcome {
    let (stage, actors) = both(machine)?;
    for actor in &actors {
        // Gone as soon as the update is on its way.
        let gone = AtomicBool::new(false);
        actor.device.relay.follow(move |passing| {
            if gone.load(Ordering::Relaxed) {
                return Treatment::Drop;
            }
            gone.store(Order::of(passing).is_some(), Ordering::Relaxed);
            Treatment::Pass
        });
    }
    stage.publish_period(200)?;
    for actor in &actors {
        stage
            .world
            .wait(&format!("{}: suspended", actor.device.name), |seen| {
                let record = actor.contents().record();
                *seen = format!("{record:?}");
                let suspended = |stage: TrialStage| stage == TrialStage::Suspended;
                Ok(record.filter(|record| record.trial.is_some_and(|trial| suspended(trial.stage))))
            })
            .map(|record| {
                assert_eq!(record.outcome.ending, Ending::Inconclusive, "{}", actor.device.name);
                assert!(record.rejected.is_empty(), "{}: nothing is blamed", actor.device.name);
            })?;
    }
    stage.world.kill_server();
    stage.world.serve()?;
    for actor in &actors {
        actor.device.relay.be_honest();
    }
    for actor in &actors {
        let why = stage.wait_until_current(&actor.device.name)?;
        assert_eq!(
            why.reports.first().map(|report| report.words.contains("confirmed")),
            Some(true),
            "{:?}",
            why.reports
        );
    }
    Ok(())
}
