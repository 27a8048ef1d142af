//! Staging what was ordered last: where its parts come from, and whether the slot may be believed as it is.

use embedded_storage_async::nor_flash::NorFlash;

use super::Driver;
use super::source::Source;
use crate::agent::{Event, Staged};
use crate::answer::Answer;
use crate::codec;
use crate::content::Content;
use crate::envelope::Envelope;
use crate::flash::layout::Slot;
use crate::flash::slot::{Intact, Store};
use crate::flash::stage::{Finish, Target, Wanted};
use crate::manifest::{Manifest, Restart};
use crate::ports::{Health, Identity, Link};
use crate::refusal::Refusal;
use crate::report::Refused;

impl<F: NorFlash, L: Link, I: Identity, H: Health> Driver<F, L, I, H> {
    /// Stages what was ordered last.
    pub(super) async fn stage(&mut self, slot: Slot) {
        let filled = self.fill(slot).await;
        self.filled(filled);
    }

    #[inline(never)]
    fn filled(&mut self, filled: Result<(Intact, Restart), Refusal>) {
        let Some(offer) = self.offer.take() else { return };
        self.event = Some(Event::Staged(match filled {
            Ok((intact, scope)) => {
                self.staged = Some(intact.clone());
                Ok(Staged { offer, intact, scope })
            }
            Err(reason) => Err(Refused { content: offer.verified.content().id(), reason }),
        }));
    }

    /// A slot's content is on record only after it was staged and read back in one go.
    fn finish(&mut self, slot: Slot, content: &Content) -> Finish {
        let recorded = self.record().and_then(|record| record.slot(slot)).is_some_and(|held| held.content == *content);
        let staged = self.staged.take().is_some_and(|intact| intact.slot() == slot && intact.content() == content);
        if recorded || staged { Finish::Known } else { Finish::Unknown }
    }

    /// Takes the manifest and small objects from the answer, unchanged objects from the slot that runs, and the rest
    /// from the link.
    async fn fill(&mut self, slot: Slot) -> Result<(Intact, Restart), Refusal> {
        let content = self.offer.as_ref().ok_or(Refusal::OBJECT_UNAVAILABLE)?.verified.content();
        let finish = self.finish(slot, &content);
        let (manifest, inline) = ordered(self.buffers.answer.get(..self.buffers.answered).unwrap_or_default())?;
        let donor = self.running.as_ref().filter(|running| running.slot() == slot.other());
        let target = donor.map_or(Target::Slot(slot), Target::Beside);
        let mut store =
            Store { flash: &mut self.ports.flash, layout: &self.setting.layout, chunk: &mut self.buffers.work };
        let wanted = Wanted { content, manifest, target, finish };
        let mut source = Source { link: &mut self.ports.link, inline, manifest: &wanted.manifest };
        let intact = store.stage(&wanted, &mut source).await?;
        let scope = match donor {
            Some(running) => running.scope_of(&mut store, &wanted.content, &wanted.manifest).await,
            None => Restart::Device,
        };
        Ok((intact, scope))
    }
}

/// The manifest and the small objects of an answer that orders a change.
#[inline(never)]
fn ordered(answer: &[u8]) -> Result<(Manifest<'_>, &[u8]), Refusal> {
    let Answer::Changed { envelope, inline, .. } = Answer::decode(answer)? else {
        return Err(Refusal::OBJECT_UNAVAILABLE);
    };
    let envelope: Envelope<'_> = codec::decode(envelope)?;
    Ok((Manifest::parse(envelope.manifest)?, inline))
}
