//! The boot record as a value: everything a device must remember over a power cut, besides its slots.
//!
//! Writing it is the only commit point of the system. How it lies in flash is in `flash::record`; who changes it, and
//! when, is in `agent`. Its format is frozen at v1: two firmwares that share a device both read it.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::codec::wire;
use crate::content::Content;
use crate::flash::layout::Slot;
use crate::id::{ContentId, FirmwareId, SchemaPrefix, first};
use crate::keyring::Keyring;
use crate::outcome::Outcome;
use crate::position::Position;
use crate::refusal::Refusal;

/// How many rejections a device remembers; the oldest goes first.
pub const REJECTED_MAX: usize = 4;

/// How a slot's configuration came to be trusted on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Verified and staged, never confirmed.
    Staged,
    /// Confirmed here once.
    Confirmed,
    /// Prepared here for the next firmware.
    Prepared,
}

wire! {
    enum Standing { 0 = Staged, 1 = Confirmed, 2 = Prepared }
}

/// What a slot holds, as far as the record knows. Only reading the slot back shows whether it still does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRecord {
    /// The configuration.
    pub content: Content,
    /// The schema it is for.
    pub schema: SchemaPrefix,
    /// The release that proved it.
    pub position: Position,
    /// Whether it may run again.
    pub standing: Standing,
}

wire! {
    struct SlotRecord { content, schema, position, standing }
}

/// Where a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The trial slot runs.
    Running,
    /// The confirmed slot runs, to learn whether the server answers that one.
    Asking,
    /// The server answered neither; the trial starts again at its first answer.
    Suspended,
}

wire! {
    enum Stage { 0 = Running, 1 = Asking, 2 = Suspended }
}

/// Why a trial began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// A verified order; when it is confirmed, its release is the one accepted last.
    Ordered,
    /// The confirmed slot could not run. Says nothing about releases.
    Repair,
    /// The confirmed slot found no server for too long. Says nothing about releases.
    LostContact,
}

wire! {
    enum Cause { 0 = Ordered, 1 = Repair, 2 = LostContact }
}

/// A trial under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The slot on trial; never the confirmed one.
    pub slot: Slot,
    /// Where it stands.
    pub stage: Stage,
    /// Boots it may still take. Counted down before the slot runs, so that a crash loop ends by itself.
    pub boots_left: u8,
    /// How often the confirmed configuration reached the server after this one had not.
    pub unreachable: u8,
    /// Whether a boot of this trial ended in a crash; power failures alone are inconclusive once.
    pub crashed: bool,
    /// Whether its boots were spent without a crash before.
    pub spent: bool,
    /// What it began for.
    pub cause: Cause,
    /// The floor of its release, a sequence of the slot's own epoch; kept when it is confirmed.
    pub floor: u32,
}

wire! {
    struct Trial { slot, stage, boots_left, unreachable, crashed, spent, cause, floor }
}

/// A configuration that one firmware has rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The first bytes of its content id.
    pub content: [u8; 8],
    /// The first bytes of the firmware's id.
    pub firmware: [u8; 4],
    /// Why.
    pub reason: Refusal,
}

wire! {
    struct Rejected { content, firmware, reason }
}

impl Rejected {
    /// That `firmware` rejects `content`.
    #[must_use]
    pub fn new(content: &ContentId, firmware: &FirmwareId, reason: Refusal) -> Self {
        Self { content: first(&content.0), firmware: first(&firmware.0), reason }
    }
}

/// Everything a device remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootRecord {
    /// Grows by one with each commit.
    pub generation: u32,
    /// What slot A holds.
    pub a: Option<SlotRecord>,
    /// What slot B holds.
    pub b: Option<SlotRecord>,
    /// The slot that is confirmed.
    pub confirmed: Option<Slot>,
    /// The trial under way.
    pub trial: Option<Trial>,
    /// The release accepted last.
    pub accepted: Position,
    /// The lowest position that may still be taken; never falls.
    pub floor: Position,
    /// The keys believed.
    pub keyring: Keyring,
    /// What was rejected, oldest first.
    pub rejected: Vec<Rejected, REJECTED_MAX>,
    /// How the last trial ended.
    pub outcome: Outcome,
}

wire! {
    struct BootRecord { generation, a, b, confirmed, trial, accepted, floor, keyring, rejected, outcome }
}

impl BootRecord {
    /// What a device remembers before it has run anything.
    #[must_use]
    pub fn new(keyring: Keyring, floor: Position) -> Self {
        Self {
            generation: 0,
            a: None,
            b: None,
            confirmed: None,
            trial: None,
            accepted: floor,
            floor,
            keyring,
            rejected: Vec::new(),
            outcome: Outcome::none(),
        }
    }

    /// What `slot` holds.
    #[must_use]
    pub const fn slot(&self, slot: Slot) -> Option<&SlotRecord> {
        match slot {
            Slot::A => self.a.as_ref(),
            Slot::B => self.b.as_ref(),
        }
    }

    /// What `slot` holds, to be changed.
    pub const fn slot_mut(&mut self, slot: Slot) -> &mut Option<SlotRecord> {
        match slot {
            Slot::A => &mut self.a,
            Slot::B => &mut self.b,
        }
    }

    /// The configuration that is confirmed.
    #[must_use]
    pub fn confirmed_slot(&self) -> Option<&SlotRecord> {
        self.confirmed.and_then(|slot| self.slot(slot))
    }

    /// Why `firmware` rejected that content, if it did.
    #[must_use]
    pub fn rejection(&self, content: &ContentId, firmware: &FirmwareId) -> Option<Refusal> {
        let wanted = Rejected::new(content, firmware, Refusal(0));
        let same = |known: &&Rejected| known.content == wanted.content && known.firmware == wanted.firmware;
        self.rejected.iter().find(same).map(|known| known.reason)
    }

    /// Whether any firmware rejected that content.
    #[must_use]
    pub fn is_rejected(&self, content: &ContentId) -> bool {
        self.rejected.iter().any(|known| known.content == first(&content.0))
    }

    /// Remembers a rejection; forgets the oldest when there are too many.
    pub fn reject(&mut self, rejected: Rejected) {
        let mut newest = rejected;
        if self.rejected.is_full() {
            self.rejected.iter_mut().rev().for_each(|place| core::mem::swap(place, &mut newest));
        } else {
            // There is room for one.
            let _ = self.rejected.push(newest);
        }
    }

    /// Whether `slot` may start a trial now, by the record alone: confirmed or prepared here, of the keyring's epoch,
    /// not below the floor, not rejected.
    #[must_use]
    pub fn may_run(&self, slot: Slot, firmware: &FirmwareId) -> bool {
        self.slot(slot).is_some_and(|held| {
            held.standing != Standing::Staged
                && held.position.epoch == self.keyring.publisher_epoch
                && held.position >= self.floor
                && self.rejection(&held.content.id(), firmware).is_none()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{self, Wire};

    #[test]
    fn the_numbers_in_the_frozen_format_are_these() {
        fn number<'a>(value: &impl Wire<'a>) -> u8 {
            codec::encode(value, &mut [0; 1]).unwrap()[0]
        }
        assert_eq!([Standing::Staged, Standing::Confirmed, Standing::Prepared].map(|value| number(&value)), [0, 1, 2]);
        assert_eq!([Stage::Running, Stage::Asking, Stage::Suspended].map(|value| number(&value)), [0, 1, 2]);
        assert_eq!([Cause::Ordered, Cause::Repair, Cause::LostContact].map(|value| number(&value)), [0, 1, 2]);
    }
}
