//! Firmware and configuration together, as the firmware sees it: ask, step, and swap with the proof in hand.
//!
//! ```text
//! driver.prepare(next);
//! while driver.is_preparing() { ...the ordinary loop... }
//! if let Some(prepared) = driver.prepared(next).await { swap_firmware(&prepared) }      // which restarts the device
//! ```

use core::marker::PhantomData;

use embedded_storage_async::nor_flash::NorFlash;

use super::Driver;
use crate::content::Content;
use crate::id::SchemaId;
use crate::ports::{Health, Identity, Link};

/// Proof that the next firmware finds its configuration: verified, staged, and read back a moment ago. The driver stands still while
/// it exists, so nothing can take the slot back.
#[derive(Debug)]
pub struct Prepared<'a> {
    content: Content,
    still: PhantomData<&'a mut ()>,
}

impl Prepared<'_> {
    /// What the next firmware will try.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }
}

impl<F: NorFlash, L: Link, I: Identity, H: Health> Driver<F, L, I, H> {
    /// Asks once for a configuration of the next firmware's `schema`, as soon as no trial is under way, and fills the other slot
    /// with it. A restart forgets the wish; a driver that has not started yet does not hear it.
    pub fn prepare(&mut self, schema: SchemaId) {
        if let Some((agent, _)) = &mut self.started {
            agent.prepare(schema);
        }
    }

    /// Whether that attempt goes on. How it failed, if it did, is in [`Driver::refused`].
    #[must_use]
    pub fn is_preparing(&self) -> bool {
        self.started.as_ref().is_some_and(|(agent, _)| agent.is_preparing())
    }

    /// Reads the prepared slot back; `None` when there is none for `schema`, or a newer order has taken it.
    pub async fn prepared(&mut self, schema: SchemaId) -> Option<Prepared<'_>> {
        let (agent, _) = self.started.as_ref()?;
        let slot = agent.prepared(schema)?;
        let content = agent.record().slot(slot)?.content;
        self.store().read_back(slot, &content).await?;
        Some(Prepared { content, still: PhantomData })
    }

    /// The firmware that runs is here to stay: from now on a slot that was confirmed for another one may be staged over. Until this
    /// is said after a start, such a slot is kept, so that the former firmware finds its configuration if it comes back.
    pub fn firmware_is_final(&mut self) {
        self.is_final = true;
        if let Some((agent, _)) = &mut self.started {
            agent.firmware_is_final();
        }
    }
}
