//! Where staged objects come from when no slot has them.

use crate::answer::inline;
use crate::content::ObjectRef;
use crate::flash::stage::ObjectSource;
use crate::manifest::Manifest;
use crate::ports::Link;
use crate::refusal::Refusal;

/// Objects that came with the answer, and the link for the others.
pub(super) struct Source<'a, L> {
    pub(super) link: &'a mut L,
    pub(super) inline: &'a [u8],
    pub(super) manifest: &'a Manifest<'a>,
}

impl<L: Link> ObjectSource for Source<'_, L> {
    async fn read(
        &mut self,
        index: usize,
        object: ObjectRef,
        offset: u32,
        buffer: &mut [u8],
    ) -> Result<usize, Refusal> {
        let sizes =
            |place| self.manifest.objects().nth(place).map(|entry| entry.object().map_or(0, |object| object.size));
        let Some(bytes) = inline(self.inline, index, sizes) else {
            return self.link.fetch(&object.digest, offset, buffer).await.map_err(|_| Refusal::OBJECT_UNAVAILABLE);
        };
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        let taken = rest.len().min(buffer.len());
        buffer.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Ok(taken)
    }
}
