//! Update after update, while power, reset line, flash, link and server fail: see `steadfast_tests::chaos`.

use std::path::Path;
use std::thread;

use steadfast::demo::machine::Machine;
use steadfast_tests::chaos::{Plan, Tally, live};
use steadfast_tests::figures::tell;
use steadfast_tests::on_each_board;

on_each_board!(update_after_update_comes_to_its_end_whatever_fails_meanwhile,);

fn update_after_update_comes_to_its_end_whatever_fails_meanwhile(machine: Machine) {
    let plans = plans(machine);
    if plans.is_empty() {
        return;
    }
    let lives: Vec<_> = plans.into_iter().map(|plan| thread::spawn(move || live(plan))).collect();
    let tallies: Vec<_> = lives.into_iter().map(thread::JoinHandle::join).collect();
    let mut all = Tally::default();
    tallies.into_iter().for_each(|tally| all += tally.expect("every update comes to its end"));
    tell(&all.table(machine.name()));
}

/// The lives to be lived: those of the run, or the one that is replayed, if it is this board's.
fn plans(machine: Machine) -> Vec<Plan> {
    let keep = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos");
    let Ok(case) = std::env::var("STEADFAST_CASE") else {
        let full = std::env::var_os("STEADFAST_FULL").is_some();
        return if full { Plan::full(machine, &keep) } else { Plan::ordinary(machine, &keep) };
    };
    let words: Vec<&str> = case.split('/').collect();
    let ["chaos", board, seed, step] = words[..] else { panic!("no case of chaos: {case}") };
    let plan = Plan { machine, seed: seed.parse().expect("a seed"), updates: step.parse().expect("a step"), keep };
    (board == machine.name()).then_some(plan).into_iter().collect()
}
