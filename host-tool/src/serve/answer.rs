//! The answer to a poll: a pure function of the poll's bytes, the [`World`], and what the device last reported.
//!
//! ```text
//! behind on keys       the next keyring, nothing else
//! not in the release   nothing new
//! refused before       nothing new
//! next firmware        assignment, envelope and objects, whatever runs
//! other content        assignment, envelope, the objects it lacks as far as they fit
//! higher floor         assignment and path
//! otherwise            nothing new: no bytes at all, or signed when that was asked for or a report is wanted
//! ```
//!
//! An order always asks for a report: what the device makes of it is worth knowing.

use steadfast_core::answer::{ANSWER_MAX_BYTES, Answer, Assignment, Unchanged};
use steadfast_core::codec::{self, Wire};
use steadfast_core::digest::Digest;
use steadfast_core::envelope::Proof;
use steadfast_core::id::ContentId;
use steadfast_core::manifest::Manifest;
use steadfast_core::poll::{Poll, PollFlags};
use steadfast_core::position::Position;
use steadfast_core::statement::{Kind, Message, Signed};

use super::told::Told;
use super::world::{Newest, World};
use crate::keys::entries;
use crate::pack::Pack;
use crate::release::leaves::Place;

/// Longest director statement: an assignment has 32 bytes of digest, two numbers, a flag and a challenge.
const STATEMENT_MAX_BYTES: usize = 64;

/// Bytes by which the length of `inline` can grow when it is no longer empty.
const INLINE_LENGTH_BYTES: usize = 2;

/// How old a report may be of a device that has no settings here.
const REPORT_SECONDS_DEFAULT: u64 = 24 * 60 * 60;

/// A decoded poll, its bytes, what its sender last reported, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The bytes as they came: the context of every signature.
    pub bytes: &'a [u8],
    /// The same, decoded.
    pub poll: &'a Poll,
    /// The gist of the device's last report.
    pub told: Option<&'a Told>,
    /// Unix seconds.
    pub now_seconds: u64,
}

/// What the newest release has for a device.
enum News<'a> {
    Nothing,
    HigherFloor(Place<'a>),
    Other(Place<'a>),
}

impl World {
    /// The body of the answer; empty for nothing new.
    #[must_use]
    pub fn answer(&self, question: &Question<'_>) -> Vec<u8> {
        if let Some(next) = self.next_keyring(question.poll.keyring_version) {
            return encode(&Answer::Keyring(next.signed()));
        }
        let newest = self.newest.as_deref();
        let place = newest.and_then(|newest| newest.pack.leaves().find(&question.poll.device, question.poll.schema));
        let wanted = self.wants_report(question, place.as_ref());
        match (newest, self.news(question, place)) {
            (Some(newest), News::Other(place)) => self.changed(question, newest, &place),
            (Some(newest), News::HigherFloor(place)) => self.adopt(question, newest, &place),
            _ if wanted || question.poll.flags.has(PollFlags::SIGNED) => self.unchanged(question, wanted),
            _ => Vec::new(),
        }
    }

    fn news<'a>(&'a self, question: &Question<'_>, place: Option<Place<'a>>) -> News<'a> {
        let (Some(newest), Some(place)) = (&self.newest, place) else { return News::Nothing };
        let poll = question.poll;
        let content = newest.content(&place);
        match () {
            // It has this offer already, and said no to what it is. What only failed on its way is not named.
            () if poll.refused == Some(content.prefix()) => News::Nothing,
            // What is prepared for the next firmware is staged even when it has the very bytes of what runs.
            () if content != poll.running || poll.flags.has(PollFlags::PREPARING) => News::Other(place),
            () if newest.pack.release().floor() > self.floor_of(question) => News::HigherFloor(place),
            () => News::Nothing,
        }
    }

    /// The floor that the device has, as far as is known: by the release that it accepted, or by what it reported there.
    fn floor_of(&self, question: &Question<'_>) -> Position {
        let accepted = question.poll.accepted;
        let reported = question.told.filter(|told| told.accepted == accepted).map(|told| told.floor);
        self.floor_at(accepted).max(reported.unwrap_or_default())
    }

    /// A report is wanted on first contact, when the poll says something that the last report did not, and when that one
    /// is older than the freshness interval. Who has no key cannot sign one.
    fn wants_report(&self, question: &Question<'_>, place: Option<&Place<'_>>) -> bool {
        let Some(newest) = &self.newest else { return false };
        if !can_report(newest, question) {
            return false;
        }
        let interval = place.map_or(REPORT_SECONDS_DEFAULT, |place| newest.freshness_seconds(place));
        let old = |told: &Told| question.now_seconds.saturating_sub(told.issued_seconds) >= interval;
        question.told.is_none_or(|told| old(told) || !told.covers(question.poll))
    }

    fn unchanged(&self, question: &Question<'_>, report_wanted: bool) -> Vec<u8> {
        let statement = self.say(question, report_wanted);
        self.signed(question, Kind::Unchanged, &statement, |signed| encode(&Answer::Unchanged(signed)))
    }

    fn adopt(&self, question: &Question<'_>, newest: &Newest, place: &Place<'_>) -> Vec<u8> {
        let path = newest.pack.path(place);
        let (release, signatures) = (newest.pack.statement(), &newest.signatures[..]);
        let proof = Proof { release, signatures, index: place.index, path: &path };
        let order = self.order(question, newest);
        self.signed(question, Kind::Assignment, &order, |assignment| encode(&Answer::Adopt { assignment, proof }))
    }

    fn changed(&self, question: &Question<'_>, newest: &Newest, place: &Place<'_>) -> Vec<u8> {
        let envelope = newest.pack.envelope(place, &newest.signatures);
        let order = self.order(question, newest);
        self.signed(question, Kind::Assignment, &order, |assignment| {
            let with = |inline: &[u8]| encode(&Answer::Changed { assignment, envelope: &envelope, inline });
            let bare = with(&[]);
            let room = ANSWER_MAX_BYTES.saturating_sub(bare.len() + INLINE_LENGTH_BYTES);
            let inline = self.inline(&newest.pack, newest.pack.manifest(place), (question.poll.running, room));
            if inline.is_empty() { bare } else { with(&inline) }
        })
    }

    /// The objects that the device lacks, each after its place, in the manifest's order, as far as there is room.
    fn inline(&self, pack: &Pack, manifest: &[u8], (running, room): (ContentId, usize)) -> Vec<u8> {
        let has: &[Digest] = self.shelf.running(&running);
        let entries = Manifest::parse(manifest).into_iter().flat_map(|manifest| manifest.objects());
        let mut inline = Vec::new();
        for (place, object) in (0_u8..).zip(entries.map(|entry| entry.object())) {
            let lacking = object.filter(|object| !has.contains(&object.digest));
            let Some(bytes) = lacking.and_then(|object| pack.object(&object.digest)) else { continue };
            if inline.len() + 1 + bytes.len() <= room {
                inline.push(place);
                inline.extend_from_slice(bytes);
            }
        }
        inline
    }

    fn order(&self, question: &Question<'_>, newest: &Newest) -> Assignment {
        Assignment { release: newest.pack.digest(), unchanged: self.say(question, can_report(newest, question)) }
    }

    fn say(&self, question: &Question<'_>, report_wanted: bool) -> Unchanged {
        let last_taken = question.told.map_or(0, |told| told.issued_seconds);
        let challenge = self.challenger.issue(question.poll.device, question.now_seconds, last_taken);
        Unchanged { poll_after_seconds: 0, report_wanted, challenge }
    }

    /// Signs a statement for this very poll.
    fn signed(
        &self,
        question: &Question<'_>,
        kind: Kind,
        statement: &impl for<'a> Wire<'a>,
        send: impl FnOnce(Signed<'_>) -> Vec<u8>,
    ) -> Vec<u8> {
        let mut buffer = [0; STATEMENT_MAX_BYTES];
        let statement = codec::encode(statement, &mut buffer).expect("a director's statement fits its bound");
        let message = Message::new(kind, &self.fleet(), question.bytes, statement).expect("a poll fits a message");
        let signatures = entries([&self.director as _], &message).expect("a key in memory signs");
        send(Signed { statement, signatures: &signatures })
    }
}

/// Whether the release knows the key with which the device would sign.
fn can_report(newest: &Newest, question: &Question<'_>) -> bool {
    newest.pack.roster().device(&question.poll.device).is_some_and(|listed| listed.public_key().is_some())
}

fn encode(answer: &Answer<'_>) -> Vec<u8> {
    postcard::to_extend(answer, Vec::new()).expect("a vector takes every byte")
}
