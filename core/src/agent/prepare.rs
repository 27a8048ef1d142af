//! Firmware and configuration together: the other slot is filled for the next firmware before that one runs.
//!
//! An attempt is one poll with the next firmware's schema, staging, and one record write. Whatever goes wrong ends it, so nothing
//! ordinary waits for it; the application asks again when it likes, and a content that failed in staging waits longer each time until it may
//! be staged again. The next firmware starts the slot as a trial. An order for the
//! running schema takes the slot back.

use crate::id::{ContentId, SchemaId};
use crate::poll::PollFlags;
use crate::record::{SlotRecord, Standing};
use crate::refusal::Refusal;
use crate::report::Refused;
use crate::time::Instant;

use super::setback::Setback;
use super::{Action, After, Agent, News, Phase, Slot, Staged};

impl Agent {
    /// The next tick without a trial asks for a configuration of the next firmware's schema.
    pub fn prepare(&mut self, schema: SchemaId) {
        self.preparing = Some(schema);
    }

    /// Whether that attempt is still to come to its end.
    #[must_use]
    pub fn is_preparing(&self) -> bool {
        self.preparing.is_some()
    }

    /// The slot that is prepared for `schema` and may be started, by the record alone.
    #[must_use]
    pub fn prepared(&self, schema: SchemaId) -> Option<Slot> {
        let slot = self.record.confirmed.filter(|_| self.record.trial.is_none())?.other();
        let held = self.record.slot(slot)?;
        let is_meant = held.standing == Standing::Prepared && held.schema == schema.prefix();
        (is_meant && self.record.may_run(slot, &self.firmware.id)).then_some(slot)
    }

    /// No other firmware will come back: what was confirmed for one may be staged over. Holds until the next start.
    pub fn firmware_is_final(&mut self) {
        self.is_final = true;
    }

    /// The schema that a poll with these flags asks for.
    #[must_use]
    pub fn schema(&self, flags: PollFlags) -> SchemaId {
        self.preparing.filter(|_| flags.has(PollFlags::PREPARING)).unwrap_or(self.firmware.schema)
    }

    pub(super) fn ask_for_next(&mut self) -> Option<Action> {
        self.preparing.filter(|_| self.record.trial.is_none())?;
        self.phase = Phase::Preparing;
        Some(Action::Poll(PollFlags::SIGNED.with(PollFlags::PREPARING)))
    }

    pub(super) fn answered_for_next(&mut self, news: News, now: Instant) -> Action {
        let content = ContentId::NONE;
        match news {
            // Asked again under the new keys.
            News::Keyring(next) => self.rotate(next, now),
            News::Changed(fresh, Ok(offer)) => {
                self.refreshed(&fresh, now);
                let content = offer.verified.content().id();
                match self.record.confirmed.and(self.target()) {
                    // Its failure is remembered already.
                    Some(_) if self.setback_next.is_some_and(|setback| setback.holds(content, now).is_some()) => {
                        self.preparing = None;
                        self.live(now)
                    }
                    Some(slot) => {
                        self.phase = Phase::StagingNext;
                        Action::Stage(slot)
                    }
                    None => self.not_prepared(Refused { content, reason: Refusal::SLOT_KEPT }, now),
                }
            }
            News::Changed(_, Err(refused)) => self.not_prepared(refused, now),
            News::Refused(reason) => self.not_prepared(Refused { content, reason }, now),
            News::Silence => self.not_prepared(Refused { content, reason: Refusal::OBJECT_UNAVAILABLE }, now),
            News::Nothing | News::Unchanged(_) | News::Adopt(..) => {
                self.not_prepared(Refused { content, reason: Refusal::NOT_IN_RELEASE }, now)
            }
        }
    }

    pub(super) fn staged_next(&mut self, result: Result<Staged, Refused>, now: Instant) -> Action {
        let Staged { offer, intact, .. } = match result {
            Ok(staged) => staged,
            Err(refused) => return self.not_staged(refused, now),
        };
        let (verified, slot) = (offer.verified, intact.slot());
        if verified.content() != *intact.content() {
            return self.not_staged(Refused { content: verified.content().id(), reason: Refusal::READ_BACK }, now);
        }
        (self.preparing, self.setback_next) = (None, None);
        let prepared = SlotRecord {
            content: verified.content(),
            schema: verified.schema().prefix(),
            position: verified.position(),
            standing: Standing::Prepared,
        };
        if self.record.slot_mut(slot).replace(prepared) == Some(prepared) {
            return self.live(now);
        }
        self.commit(After::Live)
    }

    fn not_staged(&mut self, refused: Refused, now: Instant) -> Action {
        if refused.reason.is_passing() {
            self.setback_next = Some(Setback::once_more(self.setback_next, refused.content, &mut self.pace, now));
        }
        self.not_prepared(refused, now)
    }

    fn not_prepared(&mut self, refused: Refused, now: Instant) -> Action {
        self.preparing = None;
        self.remember(refused);
        self.live(now)
    }

    /// The slot that may be staged over: the one beside the confirmed, unless another firmware may come back for it.
    pub(super) fn target(&self) -> Option<Slot> {
        let slot = self.record.confirmed.map_or(Slot::A, Slot::other);
        let is_kept = self.record.slot(slot).is_some_and(|held| {
            held.standing == Standing::Confirmed && held.schema != self.firmware.schema.prefix() && !self.is_final
        });
        (!is_kept).then_some(slot)
    }
}
