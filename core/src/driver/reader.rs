//! Reading an answer: from bytes to verified news, as far as each kind of answer goes.

use super::facts;
use crate::agent::{News, Offer};
use crate::answer::{Answer, Asked, Fresh};
use crate::content::Content;
use crate::envelope::Trust;
use crate::id::ContentId;
use crate::keyring::Director;
use crate::manifest::{Entry, Flags, Kind, Manifest, Reach, Risk};
use crate::refusal::Refusal;
use crate::report::Refused;
use crate::statement::Signed;

/// Reads answers: which signatures, for whom, against what.
pub(super) struct Reader<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) trust: Trust<'a>,
    /// The firmware's sections; none when they are not known.
    pub(super) sections: &'static [(&'static str, Flags)],
    pub(super) running: Option<Content>,
}

impl Reader<'_> {
    pub(super) fn read(&self, bytes: &[u8]) -> Result<News, Refusal> {
        Ok(match Answer::decode(bytes)? {
            Answer::Keyring(signed) => News::Keyring(self.trust.keyring.verify_next(&self.trust.fleet, &signed)?),
            Answer::Unchanged(signed) => News::Unchanged(self.asked.verify_unchanged(&signed)?),
            Answer::Adopt { assignment, proof } => {
                let fresh = self.asked.verify_assignment(&assignment)?;
                let running = self.running.ok_or(Refusal::NOT_IN_RELEASE)?;
                let verified = self.trust.verify_proof(&proof, running, Some(&fresh))?;
                News::Adopt(fresh, verified)
            }
            Answer::Changed { assignment, envelope, .. } => self.changed(&assignment, envelope)?,
        })
    }

    fn changed(&self, assignment: &Signed<'_>, envelope: &[u8]) -> Result<News, Refusal> {
        let fresh = self.asked.verify_assignment(assignment)?;
        let offer = self.offer(envelope, &fresh);
        Ok(News::Changed(fresh, offer))
    }

    #[inline(never)]
    fn offer(&self, bytes: &[u8], fresh: &Fresh) -> Result<Offer, Refused> {
        let unknown = |reason| Refused { content: ContentId::NONE, reason };
        let verified = self.trust.verify(bytes, Some(fresh)).map_err(unknown)?;
        let refuse = |reason| Refused { content: verified.content().id(), reason };
        let manifest = Manifest::parse(bytes.get(verified.manifest()).unwrap_or_default()).map_err(refuse)?;
        self.suits(&manifest).map_err(refuse)?;
        Ok(Offer { facts: facts(&manifest), verified })
    }

    /// Whether the firmware can run it: exactly its sections with its own flags, and no connectivity at stake without
    /// a round trip.
    fn suits(&self, manifest: &Manifest<'_>) -> Result<(), Refusal> {
        let waived = manifest.policy.reach == Reach::None && self.trust.keyring.director != Director::None;
        if waived && manifest.objects().any(|entry| entry.flags.risk() == Risk::Connectivity) {
            return Err(Refusal::REACH_WAIVED);
        }
        let sections = self.sections;
        if sections.is_empty() {
            return Ok(());
        }
        let agrees = |(entry, (name, flags)): (Entry<'_>, &(&str, _))| {
            entry.section == *name && entry.flags == *flags && !matches!(entry.kind, Kind::File(_))
        };
        if manifest.objects().count() != sections.len() {
            return Err(Refusal::MISSING_SECTION);
        }
        if manifest.objects().zip(sections).all(agrees) { Ok(()) } else { Err(Refusal::FLAGS_DISAGREE) }
    }
}
