//! The plug is pulled at random instants of an emulated board's life: whatever it was doing, it comes back and gets to where it should.
//!
//! An instant is a place in the log and a random delay after it. What the device was doing is told from its log, and the spread is
//! printed. The delays come from a fixed seed; the instants of a real machine never repeat exactly, which is the point.

use std::collections::BTreeMap;
use std::time::Duration;

use steadfast_tests::bench::{Bench, id, wanted};
use steadfast_tests::figures::tell;
use steadfast_tests::qemu::{QemuError, Running};

/// The fewest kills that must fall into each phase of a full run.
const KILLS_PER_PHASE: usize = 10;
/// The new configuration measures for the first time this long after it was activated, and is confirmed then.
const PERIOD_MS: u32 = 300;
/// What the sensor refuses.
const BAD_PERIOD_MS: u32 = 20;

/// What the device was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Staging,
    Trial,
    Confirm,
    Return,
}

/// A place in the log, and the delays after it, in milliseconds, between which the plug is pulled so many times.
struct Aim {
    kills: usize,
    period_ms: u32,
    line: &'static str,
    delays_ms: (u64, u64),
}

const fn aim(kills: usize, period_ms: u32, line: &'static str, delays_ms: (u64, u64)) -> Aim {
    Aim { kills, period_ms, line, delays_ms }
}

/// The first of each pair falls into its phase on any machine; the second around the instant of its commit, wherever that is.
const AIMS: [Aim; 7] = [
    aim(10, PERIOD_MS, "polling", (0, 10)),
    aim(4, PERIOD_MS, "polling", (10, 40)),
    aim(10, PERIOD_MS, "trial of", (0, 250)),
    aim(10, PERIOD_MS, "confirmed", (0, 10)),
    aim(4, PERIOD_MS, "sampling every 300 ms", (285, 325)),
    aim(10, BAD_PERIOD_MS, "rolled back", (0, 50)),
    aim(4, BAD_PERIOD_MS, "sampling every 20 ms", (0, 8)),
];

/// Numbers that look random (xorshift64).
struct Random(u64);

impl Random {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + self.0 % (high - low + 1)
    }
}

#[test]
fn a_board_survives_the_plug_at_any_instant() -> Result<(), QemuError> {
    let quick = std::env::var_os("STEADFAST_QUICK").is_some();
    let bench = Bench::new(&wanted(1, "", 100))?;
    bench.confirmed()?.pull_the_plug()?;
    bench.keep_flash();
    let first = bench.order(&wanted(1, "", 100));

    let mut random = Random(0x5AFE_57AC);
    let mut spread: BTreeMap<Phase, usize> = BTreeMap::new();
    for aim in &AIMS {
        let bad = aim.period_ms == BAD_PERIOD_MS;
        for kill in 0..if quick { 1 } else { aim.kills } {
            let delay = Duration::from_micros(random.between(aim.delays_ms.0 * 1000, aim.delays_ms.1 * 1000));
            bench.restore_flash();
            let ordered = bench.order(&wanted(2, "", aim.period_ms));
            let mut board = bench.board.start()?;
            board.wait_for(aim.line)?;
            board.listen(delay);
            *spread.entry(phase_of(&board)).or_default() += 1;
            board.pull_the_plug()?;

            let goal = if bad { &first } else { &ordered };
            let mut again = bench.board.start()?;
            let settled = settle(&mut again, &id(goal));
            settled
                .inspect_err(|_| eprintln!("plug pulled {delay:?} after {:?}, kill {kill} of this aim", aim.line))?;
            again.pull_the_plug()?;
        }
    }
    let kills: usize = spread.values().sum();
    tell(&format!("plug pulled {kills} times: {spread:?}{}", if quick { ", a sample: --quick" } else { "" }));
    let few = [Phase::Staging, Phase::Trial, Phase::Confirm, Phase::Return]
        .into_iter()
        .find(|phase| spread.get(phase).is_none_or(|kills| *kills < KILLS_PER_PHASE));
    assert!(quick || few.is_none(), "too few kills in {few:?}");
    Ok(())
}

/// What the device was doing when the plug was pulled, by its own last words.
fn phase_of(board: &Running) -> Phase {
    let says = |text: &str| board.recent().any(|line| line.text.contains(text));
    match () {
        () if says("rolled back") => Phase::Return,
        () if says("confirmed") => Phase::Confirm,
        () if says("trial of") => Phase::Trial,
        () => Phase::Staging,
    }
}

/// Waits until the board runs `content` and nothing is on trial.
fn settle(board: &mut Running, content: &str) -> Result<(), QemuError> {
    let (running, confirmed) = (format!("running {content}"), format!("confirmed {content}"));
    let mut on_trial = false;
    loop {
        let line = board.wait_for_any(&["booted after", "trial of", &running, &confirmed])?;
        if line.text.contains("booted after") {
            on_trial = false;
        } else if line.text.contains("trial of") {
            on_trial = true;
        } else if !on_trial || line.text.contains(&confirmed) {
            return Ok(());
        }
    }
}
