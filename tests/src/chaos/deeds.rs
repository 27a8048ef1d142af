//! What is done to a board, to its flash, its way and its server.

use std::time::Instant;

use steadfast_core::flash::layout::Slot;

use super::script::{Deed, Event, Moment, Rot, Step};
use super::{LISTEN, Life, MOMENT, rot};
use crate::qemu;

impl Life {
    /// Waits for the moment, then does it.
    pub(super) fn suffer(&mut self, event: Event, step: &mut Step) {
        let end = Instant::now() + MOMENT;
        while !self.has_come(event.moment) && Instant::now() < end {
            self.listen(LISTEN);
        }
        self.listen(event.pause);
        self.tell(&format!("{:?}", event.deed));
        match event.deed {
            Deed::Kill(rot) => {
                self.cut();
                self.tally.kills += 1;
                if let Some(rot) = rot {
                    self.rot(rot, step);
                }
                self.switch_on();
            }
            Deed::Reset => {
                self.running.as_ref().expect("it is on").reset().expect("QEMU resets");
                self.tally.resets += 1;
            }
            Deed::Storm(answers) => self.link.storm(answers, step.random.clone()),
            Deed::Server(away) => {
                self.published.world.kill_server();
                self.listen(away);
                self.bring_server_back();
            }
            Deed::Outage([before, after]) => {
                self.link.go_dark();
                self.listen(before);
                self.cut();
                self.tally.kills += 1;
                self.switch_on();
                self.listen(after);
                self.link.calm();
            }
            Deed::Shut(away) => {
                self.device.relay.refuse();
                self.listen(away);
                self.link.rule(&self.device.relay);
                self.tally.relay_faults += 1;
            }
        }
    }

    fn bring_server_back(&mut self) {
        self.published.world.serve().expect("the server comes back");
        self.tally.server_restarts += 1;
    }

    fn has_come(&self, moment: Moment) -> bool {
        match moment {
            Moment::Published => true,
            Moment::Ordered => self.ordered,
            Moment::Staged => self.watch.staged,
        }
    }

    fn rot(&mut self, rot: Rot, step: &mut Step) {
        let record = self.record();
        let confirmed = record.confirmed.unwrap_or(Slot::A);
        self.lost |= rot == Rot::Other && record.trial.is_some();
        let board = qemu::description(self.plan.machine);
        let places = rot::turn(&self.device.image(), &board, confirmed, rot, &mut step.random);
        self.tell(&places);
        self.tally.flips += 1;
    }

    pub(super) fn switch_on(&mut self) {
        self.running = Some(self.board.start().expect("QEMU starts"));
    }

    pub(super) fn cut(&mut self) {
        let Some(running) = self.running.take() else { return };
        for line in running.cut() {
            self.hear(&line);
        }
        self.tell("power is off");
    }

    pub(super) fn be_well(&mut self) {
        self.listen(LISTEN);
        self.link.rule(&self.device.relay);
        self.tell("all is well");
        self.watch.boots = 0;
    }
}
