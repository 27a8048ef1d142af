//! What a board lived through, in numbers.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use steadfast_core::refusal::Refusal;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Updates that came to their end.
    pub updates: usize,
    /// Those of them that were rolled back.
    pub rolled_back: usize,
    /// Power cuts.
    pub kills: usize,
    /// Resets by the reset line.
    pub resets: usize,
    /// Power cuts during which bits turned round.
    pub flips: usize,
    /// Answers spoiled and ways shut.
    pub relay_faults: usize,
    /// Times that the server was killed and came back.
    pub server_restarts: usize,
    /// Starts of the board.
    pub boots: usize,
    /// How often what was refused, by reason.
    pub refusals: BTreeMap<u16, usize>,
    /// How long it took.
    pub time: Duration,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.updates += other.updates;
        self.rolled_back += other.rolled_back;
        self.kills += other.kills;
        self.resets += other.resets;
        self.flips += other.flips;
        self.relay_faults += other.relay_faults;
        self.server_restarts += other.server_restarts;
        self.boots += other.boots;
        for (reason, count) in other.refusals {
            *self.refusals.entry(reason).or_default() += count;
        }
        self.time += other.time;
    }
}

impl Tally {
    /// A row for each number; `board` stands above.
    #[must_use]
    pub fn table(&self, board: &str) -> String {
        let rows = [
            ("updates taken", self.updates - self.rolled_back),
            ("updates rolled back", self.rolled_back),
            ("kills", self.kills),
            ("resets", self.resets),
            ("flips", self.flips),
            ("relay faults", self.relay_faults),
            ("server restarts", self.server_restarts),
            ("boots", self.boots),
        ];
        let rows = rows.iter().map(|(what, count)| format!("  {what:<22} {count:>6}\n"));
        let refusals = self.refusals.iter().map(|(number, count)| {
            let name = Refusal(*number).name().unwrap_or("unknown").to_lowercase().replace('_', " ");
            format!("  refused: {name:<13} {count:>6}\n")
        });
        format!("chaos on {board}\n{}", rows.chain(refusals).collect::<String>())
    }
}
