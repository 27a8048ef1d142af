//! What changes from one configuration to the next, and what that restarts.

use embedded_storage_async::nor_flash::NorFlash;

use super::slot::{Intact, Store, Walk};
use crate::content::Content;
use crate::manifest::{Kind, Manifest, Restart};
use crate::refusal::Refusal;

impl Intact {
    /// The most that a change from this configuration to `content` restarts, by the flags of the sections that differ. What cannot be
    /// compared, other sections included, restarts the device.
    pub async fn scope_of<F: NorFlash>(
        &self,
        store: &mut Store<'_, F>,
        content: &Content,
        manifest: &Manifest<'_>,
    ) -> Restart {
        self.compare(store, content, manifest).await.unwrap_or(Restart::Device)
    }

    async fn compare<F: NorFlash>(
        &self,
        store: &mut Store<'_, F>,
        content: &Content,
        manifest: &Manifest<'_>,
    ) -> Result<Restart, Refusal> {
        let (mut scope, mut entries) = (Restart::Nothing, manifest.objects());
        let mut walk = Walk::new(store.layout, self)?;
        walk.open(store).await?;
        while let Some((old, _)) = walk.next(store).await? {
            let Some(new) = entries.next().filter(|new| new.section == old.section) else { return Ok(Restart::Device) };
            let secrets = new.kind == Kind::Private && content.private != self.content().private;
            if new != old || secrets {
                scope = scope.max(old.flags.restart()).max(new.flags.restart());
            }
        }
        walk.close(self)?;
        Ok(if entries.next().is_some() { Restart::Device } else { scope })
    }
}
