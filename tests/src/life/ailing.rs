//! Lives on a flash that is ill: bits rot at rest, operations fail, and bytes change between two reads.
//!
//! None of it is a power cut, so the device goes on. Each phase that leads to a configuration is lived undisturbed first,
//! to learn what it does to the flash, and then once for each thing that can be wrong with it.

use std::ops::Range;

use super::{Cuts, Device, PHASES, Phase, Trouble, Verdict, Voice};
use crate::flash::{Cases, Geometry, Ills, Nor, Operation};
use crate::oracle::Oracle;

/// How often a device waits while its flash fails for good.
const FAILING_WAITS: usize = 12;

/// How often a device waits while a byte changes behind its back.
const CHANGING_WAITS: usize = 30;

/// What an undisturbed phase does to its flash.
pub struct Undisturbed {
    /// Operations, oldest first.
    pub operations: Vec<Operation>,
    /// What was read, oldest first.
    pub reads: Vec<Range<usize>>,
}

/// One thing that is wrong.
#[derive(Clone, Default)]
pub struct Ailment {
    /// A byte that rotted before the phase, and which of its bits.
    pub rot: Option<(usize, u8)>,
    /// What goes wrong in it.
    pub ills: Ills,
}

impl Cuts {
    /// Lives a life and suffers, in each phase, everything that `plan` thinks of.
    ///
    /// # Panics
    /// When an invariant does not hold, with the line that replays it.
    pub fn suffer<const R: usize, const W: usize>(
        &mut self,
        geometry: Geometry,
        plan: impl Fn(&Phase, &Undisturbed) -> Vec<Ailment>,
    ) {
        let mut flash = Nor::<R, W>::new(geometry);
        let mut oracle = Oracle::default();
        for phase in PHASES {
            let mut device = Device::start(
                flash.clone(),
                self.server(phase.assigned, Voice::Honest),
                oracle.clone(),
                phase.firmware,
            );
            device.rots = true;
            device.flash().ills.reads = Some(Vec::new());
            device.settle(phase);
            let operations = device.flash().journal.iter().map(|step| step.operation.clone()).collect();
            let reads = device.flash().ills.reads.take().unwrap_or_default();
            let plan = plan(phase, &Undisturbed { operations, reads });
            for (index, ailment) in plan.into_iter().enumerate().filter(|_| leads_somewhere(phase)) {
                let case = self.cases.base(&format!("{}~{index}", phase.name));
                if self.cases.draws(&case) {
                    let number = self.count(&case);
                    Cases::check(&case, number, || self.ail(flash.clone(), oracle.clone(), phase, ailment));
                }
            }
            (flash, oracle) = (device.flash_now(), device.oracle.clone());
        }
    }

    fn ail<const R: usize, const W: usize>(
        &mut self,
        mut flash: Nor<R, W>,
        oracle: Oracle,
        phase: &Phase,
        ailment: Ailment,
    ) {
        if let Some((at, bits)) = ailment.rot {
            flash.image.flip(at, bits);
        }
        flash.image.wear.fill(0);
        flash.ills = ailment.ills;
        let lasts = flash.ills.failure.as_ref().is_some_and(|failure| failure.operations.end == usize::MAX);
        let mut device = Device::start(flash, self.server(phase.assigned, Voice::Honest), oracle, phase.firmware);
        device.oracle.bounded.restart();
        if lasts {
            device.wait(FAILING_WAITS);
            device.flash().ills = Ills::default();
        }
        if device.flash().ills.change.is_some() {
            device.wait(CHANGING_WAITS);
            return;
        }
        device.come_out(phase);
        // What was spoilt since it was looked at is seen at the next start, and made good.
        device.restart();
        device.come_out(phase);
        let later = device.flash_now();
        self.afterwards(later, device.oracle.clone(), phase);
    }
}

/// Whether the phase leads to a configuration that the device can take whatever it has lost. Not to what
/// the other slot holds: when that is started because the confirmed one is lost, this is no order, and what was accepted stays.
fn leads_somewhere(phase: &Phase) -> bool {
    let verdict = matches!(phase.verdict, Verdict::Confirmed | Verdict::Adopted);
    phase.trouble == Trouble::None && verdict && !matches!(phase.name, "return" | "forward")
}
