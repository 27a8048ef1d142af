//! What a board says while it lives, on its serial line and to the server, and the invariants that hold of every word.

use std::collections::{BTreeMap, HashMap, HashSet};

use steadfast_core::id::ContentId;
use steadfast_core::position::Position;
use steadfast_core::refusal::Refusal;
use steadfast_core::report::Report;

use super::fleet::Values;
use crate::oracle::truth;
use crate::qemu::Line;

/// No good ever comes of a line with one of these.
const CALAMITIES: [&str; 7] =
    ["panic", "fault at", "record lost", "after Panic", "after Fault", "after Watchdog", "does not take"];

/// What may be true in a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed {
    /// What may run.
    pub(super) run: HashSet<ContentId>,
    /// Whether the firmware's defaults may: nothing was ever confirmed, or a slot rots.
    pub(super) defaults: bool,
    /// What was rejected before.
    pub(super) rejected: HashSet<ContentId>,
    /// The release accepted, and the floor, before.
    pub(super) accepted: Position,
    /// The same.
    pub(super) floor: Position,
}

/// See the module.
#[derive(Default)]
pub(super) struct Watch {
    /// What may be true now.
    pub(super) allowed: Allowed,
    /// What it says that it runs; nothing since the last start, or the defaults.
    pub(super) running: Option<ContentId>,
    /// The period and the average that its sensor's task follows since the last start.
    pub(super) sampling: Option<(u32, u32)>,
    /// Starts since this was last set to zero.
    pub(super) boots: usize,
    /// Whether it has staged anything since this was last cleared.
    pub(super) staged: bool,
    /// How often what was refused, by reason.
    pub(super) refusals: BTreeMap<u16, usize>,
    /// What was refused, and why the last trial ended badly, by the last report.
    last_refused: [Option<(ContentId, Refusal)>; 2],
}

impl Watch {
    /// A line of the board's log.
    pub(super) fn hear(&mut self, line: &Line, known: &HashMap<ContentId, Values>) {
        let text = &line.text;
        assert!(!CALAMITIES.iter().any(|word| text.contains(word)), "the board says: {text}");
        let content = |id: &str| {
            let id = id.split(',').next().unwrap_or(id);
            *known.keys().find(|known| known.to_string() == id).unwrap_or_else(|| panic!("nobody published {id}"))
        };
        if text.starts_with("booted after") {
            (self.running, self.sampling) = (None, None);
            self.boots += 1;
        } else if text.starts_with("running the firmware's defaults") {
            assert!(self.allowed.defaults, "runs its defaults though something is confirmed and whole");
            self.running = None;
        } else if let Some(id) = text.strip_prefix("running ") {
            let content = content(id);
            assert!(self.allowed.run.contains(&content), "runs {content}, which is neither confirmed nor wanted");
            self.demand_not_rejected(&content);
            self.running = Some(content);
        } else if let Some(id) = text.strip_prefix("staged ") {
            self.demand_not_rejected(&content(id));
            self.staged = true;
        } else if let Some(numbers) = text.strip_prefix("sampling every ") {
            self.follow(numbers, known);
        }
    }

    /// The sensor's task says what it follows: never anything but what runs.
    fn follow(&mut self, numbers: &str, known: &HashMap<ContentId, Values>) {
        self.sampling = numbers
            .split_once(" ms, averaging ")
            .and_then(|(period_ms, average)| Some((period_ms.parse().ok()?, average.parse().ok()?)));
        let wanted = self.running.map(|content| (known[&content].period_ms, known[&content].average));
        assert!(wanted.is_none() || self.sampling == wanted, "runs {:?}, but samples every {numbers}", self.running);
    }

    /// A report that the server has got.
    pub(super) fn read(&mut self, report: &Report, known: &HashMap<ContentId, Values>) {
        truth::judge_outcome(&report.outcome, Some(report.confirmed));
        truth::judge_running(report);
        let good = |content: &ContentId| known.get(content).is_some_and(Values::are_good);
        assert!(report.confirmed == ContentId::NONE || good(&report.confirmed), "what fails its check is confirmed");
        let Allowed { run, accepted, floor, .. } = &self.allowed;
        assert!(
            report.running == ContentId::NONE || run.contains(&report.running),
            "reports that it runs {}",
            report.running
        );
        assert!(report.accepted >= *accepted, "accepted fell from {accepted:?} to {:?}", report.accepted);
        assert!(report.floor >= *floor, "the floor fell from {floor:?} to {:?}", report.floor);
        let outcome = Some((report.outcome.content, report.outcome.reason)).filter(|(_, reason)| reason.0 != 0);
        let refused = [report.refused.map(|refused| (refused.content, refused.reason)), outcome];
        for (now, before) in refused.into_iter().zip(&mut self.last_refused) {
            if let Some((_, reason)) = now.filter(|now| *before != Some(*now)) {
                *self.refusals.entry(reason.0).or_default() += 1;
            }
            *before = now;
        }
    }

    fn demand_not_rejected(&self, content: &ContentId) {
        assert!(!self.allowed.rejected.contains(content), "tries {content} again, which was rejected");
    }
}
