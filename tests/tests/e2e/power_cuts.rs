//! QEMU killed at random instants of staging, trial, confirm and return. After each kill the flash holds a complete configuration, which
//! runs when power comes back, and the update comes to its end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use steadfast::demo::DemoError;
use steadfast::demo::machine::Machine;
use steadfast::demo::relay::{Exchange, Passing, Subject, Tally};
use steadfast::demo::watch::Order;
use steadfast::demo::world::{Model, PATIENCE};
use steadfast_core::id::ContentId;
use steadfast_core::outcome::Ending;
use steadfast_tests::contents::Contents;
use steadfast_tests::figures::tell;
use steadfast_tests::on_each_board;
use steadfast_tests::stage::{Actor, Stage, nothing_inline};

use super::Outcome;

on_each_board!(fifty_power_cuts_at_random_instants_leave_a_complete_configuration_that_runs_and_the_update_ends,);

/// Cuts wanted in each phase; four phases make the fifty, and two more.
const CUTS: usize = 13;

/// Attempts at a phase; one in which the board was too fast counts for no phase.
const ATTEMPTS_MAX: usize = 40;

/// Undisturbed updates from which the length of a phase is learned.
const REHEARSALS: u32 = 2;

/// Periods that the sensor can serve start here; each update has one of its own.
const GOOD_MS: u32 = 100;

/// Periods that it cannot serve start here.
const BAD_MS: u32 = 10;

/// So many of them there are, far more than a device remembers rejections: the first comes again as something new.
const BAD_COUNT: u32 = 40;

/// When the power is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// From the order on, until the trial is recorded.
    Staging,
    /// From there on, until it is confirmed.
    Trial,
    /// From the answer that makes it healthy, until that is recorded and told.
    Confirm,
    /// From the start of what fails, until the confirmed configuration runs again.
    Return,
}

/// What the record says at the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// Nothing of the update, and its slot is as it was.
    Untouched,
    /// Nothing of the update, and its slot is not as it was.
    Staging,
    OnTrial,
    Confirmed,
    RolledBack,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untouched => "before the first write",
            Self::Staging => "with a slot half written",
            Self::OnTrial => "on trial",
            Self::Confirmed => "confirmed",
            Self::RolledBack => "rolled back",
        })
    }
}

/// One board and the phase in which it loses power.
struct Victim<'a> {
    stage: &'a Stage,
    actor: Actor,
    phase: Phase,
    random: u64,
    updates: u32,
}

/// An update under way.
struct Update {
    before: Contents,
    generation: u32,
    period_ms: u32,
    /// Hears that the moment has come from which the delay counts.
    moment: Receiver<()>,
}

fn fifty_power_cuts_at_random_instants_leave_a_complete_configuration_that_runs_and_the_update_ends(
    machine: Machine,
) -> Outcome {
    let phases = [Phase::Staging, Phase::Trial, Phase::Confirm, Phase::Return];
    let names = phases.map(|phase| format!("{phase:?}").to_lowercase());
    let devices: Vec<_> = names.iter().map(|name| (&**name, Model::Sensor)).collect();
    let stage = Stage::new(machine, &devices)?;
    let spreads = thread::scope(|scope| {
        let victims = phases.iter().zip(&names).map(|(phase, name)| {
            let (stage, seed) = (&stage, *phase as u64 + 1);
            scope.spawn(move || {
                let actor = stage.actor(name, Model::Sensor)?;
                Victim { stage, actor, phase: *phase, random: seed, updates: 0 }.suffer()
            })
        });
        let victims: Vec<_> = victims.collect();
        victims.into_iter().map(|victim| victim.join().expect("every cut is survived")).collect::<Result<Vec<_>, _>>()
    })?;
    let mut total = 0;
    for (phase, spread) in phases.iter().zip(&spreads) {
        let cuts: usize = spread.values().sum();
        let words: Vec<String> = spread.iter().map(|(found, count)| format!("{count} {found}")).collect();
        tell(&format!("{}: power cuts in {phase:?}: {cuts}: {}", machine.name(), words.join(", ")));
        assert!(cuts >= CUTS, "{phase:?}");
        total += cuts;
    }
    tell(&format!("{}: {total} power cuts, all survived", machine.name()));
    Ok(())
}

impl Victim<'_> {
    /// Loses power again and again; returns how often the record said what.
    fn suffer(mut self) -> Result<BTreeMap<Found, usize>, DemoError> {
        self.actor.switch_on();
        self.stage.wait_until_current(&self.actor.device.name)?;
        let mut longest = Duration::ZERO;
        for _ in 0..REHEARSALS {
            longest = longest.max(self.rehearse()?);
        }
        let mut spread = BTreeMap::new();
        for attempt in 1..=ATTEMPTS_MAX {
            if spread.values().sum::<usize>() == CUTS {
                break;
            }
            let delay = self.delay(longest);
            println!("{:?}, attempt {attempt}: the power is cut {delay:?} after the phase began", self.phase);
            match self.cut(delay)? {
                Some(found) => *spread.entry(found).or_default() += 1,
                // The phase is shorter than it was at rehearsal, when other boards were busier.
                None => longest = (longest + delay) / 2,
            }
        }
        Ok(spread)
    }

    /// How long the phase takes when nobody cuts it.
    fn rehearse(&mut self) -> Result<Duration, DemoError> {
        let length = self.update(|victim, update| {
            let start = victim.moment(update);
            let log = victim.actor.log();
            match victim.phase {
                Phase::Staging => log.wait_for("staged "),
                Phase::Trial | Phase::Confirm => log.wait_for("confirmed "),
                Phase::Return => log.wait_for("rolled back ").and_then(|_| log.wait_for("running ")),
            }
            .expect("it comes to its end");
            if victim.phase == Phase::Confirm {
                let reports = victim.actor.device.relay.tally().reports.exchanges;
                let told = |exchanges: &[Exchange]| Tally::of(exchanges).reports.exchanges > reports;
                assert!(victim.actor.device.relay.wait(PATIENCE, told), "it tells");
            }
            start.elapsed()
        })?;
        self.finish()?;
        Ok(length)
    }

    /// One cut; none when the phase was over before it.
    fn cut(&mut self, delay: Duration) -> Result<Option<Found>, DemoError> {
        let (found, over) = self.update(|victim, update| {
            let start = victim.moment(update);
            thread::sleep(delay.saturating_sub(start.elapsed()));
            let rest = victim.actor.cut();
            let found = victim.examine(update);
            let returned = rest.iter().position(|line| line.text.contains("rolled back "));
            let ran_again = |at: usize| rest[at..].iter().any(|line| line.text.starts_with("running "));
            let over = match victim.phase {
                Phase::Staging => ![Found::Untouched, Found::Staging].contains(&found),
                Phase::Trial => found != Found::OnTrial,
                Phase::Confirm => false,
                Phase::Return => returned.is_some_and(ran_again),
            };
            (found, over)
        })?;

        self.actor.device.relay.be_honest();
        self.actor.switch_on();
        let line = self.actor.log().wait_for("running ").expect("it runs something").text;
        let known = self.known();
        assert!(known.iter().any(|content| line.ends_with(&content.to_string())), "{line}, and {known:?} are known");
        self.finish()?;
        Ok((!over).then_some(found))
    }

    /// Orders an update, and does something while that is under way.
    fn update<T>(&mut self, act: impl FnOnce(&mut Self, &Update) -> T) -> Result<T, DemoError> {
        self.updates += 1;
        let period_ms = match self.phase {
            Phase::Return => BAD_MS + self.updates % BAD_COUNT,
            Phase::Staging | Phase::Trial | Phase::Confirm => GOOD_MS + self.updates,
        };
        let before = self.actor.contents();
        let generation = before.record().expect("there is a record").generation;
        let (sender, moment) = mpsc::channel();
        let phase = self.phase;
        let mut ordered = false;
        self.actor.device.relay.follow(move |passing: &Passing<'_>| {
            let orders = Order::of(passing).is_some();
            let answers = ordered && passing.subject == Subject::Poll;
            if (phase == Phase::Staging && orders) || (phase == Phase::Confirm && answers) {
                // The test may have looked away.
                let _ = sender.send(());
            }
            ordered |= orders;
            nothing_inline(passing)
        });
        // What was said before is about other updates.
        drop(self.actor.log().rest_of_log());
        let (stage, name) = (self.stage, self.actor.device.name.clone());
        thread::scope(|scope| {
            let publishing = scope.spawn(move || stage.publish_period_for(&name, period_ms));
            let outcome = act(self, &Update { before, generation, period_ms, moment });
            publishing.join().expect("publishing does not panic")?;
            Ok(outcome)
        })
    }

    /// Waits for the moment from which the delay counts.
    fn moment(&mut self, update: &Update) -> Instant {
        match self.phase {
            Phase::Staging | Phase::Confirm => {
                update.moment.recv_timeout(PATIENCE).expect("the relay sees the answer");
            }
            Phase::Trial => drop(self.actor.log().wait_for("staged ").expect("it is staged")),
            Phase::Return => {
                let tried = format!("sampling every {} ms", update.period_ms);
                self.actor.log().wait_for(&tried).expect("it is tried");
            }
        }
        Instant::now()
    }

    /// Looks at the flash as the cut left it.
    fn examine(&self, update: &Update) -> Found {
        let contents = self.actor.contents();
        let record = contents.record().expect("the record survives");
        let confirmed = record.confirmed.expect("something stays confirmed");
        assert!(contents.intact(&record, confirmed).is_some(), "the confirmed slot is complete");
        if let Some(trial) = record.trial {
            assert!(contents.intact(&record, trial.slot).is_some(), "what is tried is complete");
            return Found::OnTrial;
        }
        assert!(record.generation >= update.generation, "the record never goes back");
        match record.outcome.ending {
            _ if record.generation > update.generation && record.outcome.ending == Ending::RolledBack => {
                Found::RolledBack
            }
            _ if record.generation > update.generation => Found::Confirmed,
            _ if contents.equals_outside(&update.before, &[]) => Found::Untouched,
            _ => Found::Staging,
        }
    }

    /// The contents that the record knows.
    fn known(&self) -> Vec<ContentId> {
        let record = self.actor.contents().record().expect("there is a record");
        [record.a, record.b].into_iter().flatten().map(|held| held.content.id()).collect()
    }

    /// Waits until the update has come to its end, and the server knows.
    fn finish(&mut self) -> Outcome {
        let name = &self.actor.device.name;
        if self.phase == Phase::Return {
            self.stage.wait_until_refused(name)
        } else {
            self.stage.wait_until_current(name)
        }
        .map(drop)
    }

    /// How long after its moment a phase is cut. Confirming is one record write late in its phase: it is aimed at.
    fn delay(&mut self, longest: Duration) -> Duration {
        let length = longest.as_micros() as u64 + 1;
        Duration::from_micros(match self.phase {
            Phase::Confirm => length / 2 + self.draw() % (length * 3 / 4),
            Phase::Staging | Phase::Trial | Phase::Return => self.draw() % length,
        })
    }

    /// Numbers that look random and are the same in each run (splitmix64).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed >> 33
    }
}
