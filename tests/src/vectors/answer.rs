//! Answers, each to one poll: what a director says is signed over the poll's exact bytes.

use serde_json::Value;
use steadfast_core::answer::Answer;
use steadfast_core::content::Content;
use steadfast_core::digest::Digest;
use steadfast_core::id::FleetId;
use steadfast_core::keyring::{Director, Keyring};
use steadfast_core::poll::Poll;
use steadfast_core::refusal::Refusal;
use steadfast_core::statement::{Kind, Signed};

use super::cast::{FLEET, OTHER_FLEET, encode, flipped, keyring, longer, overlong, replaced, role, shorter, sign};
use super::cast::{sign_for, sorted};
use super::envelope::{Parts, UNCHANGED, assignment, known, order, parts};
use super::manifest::object;
use super::poll::poll;
use super::{Vector, hex};

/// Vectors of answers.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = unchanged();
    vectors.extend(adopt());
    vectors.extend(changed());
    vectors.extend(keyrings());
    vectors
}

fn asked(vector: Vector) -> Vector {
    known(vector).with("poll", hex(&encode(&poll())))
}

fn told(vector: Vector) -> Vector {
    vector
        .gives("poll_after_seconds", UNCHANGED.poll_after_seconds)
        .gives("report_wanted", UNCHANGED.report_wanted)
        .gives("challenge", hex(&encode(&UNCHANGED.challenge)))
}

/// A signed `Unchanged`, whatever its statement says, in whatever context.
struct Word<'a> {
    fleet: FleetId,
    kind: Kind,
    poll: Vec<u8>,
    statement: Vec<u8>,
    signer: &'a str,
}

impl Word<'_> {
    fn right() -> Self {
        let (kind, poll, statement) = (Kind::Unchanged, encode(&poll()), encode(&UNCHANGED));
        Self { fleet: FLEET, kind, poll, statement, signer: "director" }
    }

    fn encode(&self) -> Vec<u8> {
        let signatures = sign_for(&self.fleet, self.kind, &self.poll, &self.statement, &[self.signer]);
        encode(&Answer::Unchanged(Signed { statement: &self.statement, signatures: &signatures }))
    }
}

fn unchanged() -> Vec<Vector> {
    let right = Word::right().encode();
    let bad = |name, bytes: &[u8], refusal| asked(Vector::bad("answer", name, bytes, refusal));
    let spoiled = |name, word: Word<'_>, refusal| bad(name, &word.encode(), refusal);
    let other_nonce = encode(&Poll { nonce: *b"a Nonce.", ..poll() });
    let statement = encode(&UNCHANGED);
    let neither = replaced(&statement, 1, 2);
    let wrong = Refusal::BAD_SIGNATURE;
    let unheard =
        asked(Vector::bad("answer", "unchanged, and the keyring has no director", &right, Refusal::NO_DIRECTOR));
    let no_director = Keyring { director: Director::None, ..keyring() };
    let heads = Keyring { director: Director::Heads(sorted(&["director"]).into_iter().collect()), ..keyring() };
    let two =
        Keyring { director: Director::Assignments(sorted(&["director", "deputy"]).into_iter().collect()), ..keyring() };
    let head = Vector::bad("answer", "unchanged, by a key for heads", &right, Refusal::NO_DIRECTOR);
    let good =
        |name, word: Word<'_>| asked(told(Vector::good("answer", name, &word.encode()).gives("answer", "unchanged")));
    vec![
        good("unchanged", Word::right()),
        good("unchanged, by the second of two directors", Word { signer: "deputy", ..Word::right() })
            .with("keyring", hex(&encode(&two))),
        spoiled("unchanged, for a poll with another nonce", Word { poll: other_nonce, ..Word::right() }, wrong),
        spoiled("unchanged, for no poll", Word { poll: Vec::new(), ..Word::right() }, wrong),
        spoiled("unchanged, for another fleet", Word { fleet: OTHER_FLEET, ..Word::right() }, wrong),
        spoiled("unchanged, signed as an assignment", Word { kind: Kind::Assignment, ..Word::right() }, wrong),
        spoiled(
            "unchanged, signed by a publisher",
            Word { signer: "publisher a", ..Word::right() },
            Refusal::TOO_FEW_SIGNATURES,
        ),
        spoiled(
            "unchanged, an over-long number",
            Word { statement: overlong(&statement, 0), ..Word::right() },
            Refusal::MALFORMED,
        ),
        spoiled("unchanged, a bool that is neither", Word { statement: neither, ..Word::right() }, Refusal::MALFORMED),
        spoiled(
            "unchanged, a byte behind the statement",
            Word { statement: longer(&statement), ..Word::right() },
            Refusal::MALFORMED,
        ),
        bad("unchanged, a flipped bit of the statement", &flipped(&right, 3), wrong),
        bad("unchanged, a byte behind the answer", &longer(&right), Refusal::MALFORMED),
        bad("unchanged, cut off", &shorter(&right), Refusal::MALFORMED),
        bad("an answer of no known kind", &replaced(&right, 0, 4), Refusal::MALFORMED),
        bad("an over-long kind", &overlong(&right, 0), Refusal::MALFORMED),
        bad("longer than 3328 bytes", &[&right[..], &[0; 3328]].concat(), Refusal::TOO_LARGE),
        unheard.with("keyring", hex(&encode(&no_director))),
        asked(head).with("keyring", hex(&encode(&heads))),
    ]
}

/// The order to run these parts' release, in an answer.
fn adopting(parts: &Parts) -> Vec<u8> {
    let statement = assignment(&parts.release);
    let signatures = sign(Kind::Assignment, &encode(&poll()), &statement, &["director"]);
    let assignment = Signed { statement: &statement, signatures: &signatures };
    encode(&Answer::Adopt { assignment, proof: parts.proof() })
}

fn running(vector: Vector, content: &Content) -> Vector {
    let vector = asked(vector).with("running_manifest", hex(&content.manifest.0));
    match content.private {
        Some(object) => vector.with("running_private", vec![Value::from(hex(&object.digest.0)), object.size.into()]),
        None => vector,
    }
}

fn adopt() -> Vec<Vector> {
    let raised = parts(50, 45, None);
    let content = raised.content();
    let secret = parts(50, 45, Some(object(b"sealed")));
    let other = Content { manifest: Digest::of(b"another manifest"), private: None };
    let good = |name, parts: &Parts| {
        let vector = told(Vector::good("answer", name, &adopting(parts)).gives("answer", "adopt"));
        let vector = vector.gives("content_id", hex(&parts.content().id().0)).gives("position", vec![3, 50]);
        running(vector.gives("floor", vec![3, 45]), &parts.content())
    };
    let bad = |name, bytes: &[u8], refusal| Vector::bad("answer", name, bytes, refusal);
    let low = parts(29, 20, None);
    let missing = Refusal::NOT_IN_RELEASE;
    vec![
        good("adopt: the same content in a release with a higher floor", &raised),
        good("adopt: a content with a private object", &secret),
        running(bad("adopt: a content that does not run here", &adopting(&raised), missing), &other),
        running(
            bad("adopt: the manifest that runs, without its private object", &adopting(&secret), missing),
            &content,
        ),
        running(bad("adopt: a release below the floor", &adopting(&low), Refusal::BELOW_FLOOR), &low.content()),
        asked(bad("adopt: nothing runs here", &adopting(&raised), missing)),
    ]
}

/// Other content, with the bytes of some objects. The order is encoded already: the fields follow one another.
fn offering(parts: &Parts, order: &[u8], inline: &[u8]) -> Vec<u8> {
    let (envelope, kind) = (parts.encode(), [2]);
    [&kind[..], order, &encode(&(&envelope[..], inline))].concat()
}

fn changed() -> Vec<Vector> {
    let offer = parts(50, 20, None);
    let poll_bytes = encode(&poll());
    let right = order(&offer.release, &poll_bytes);
    let other = order(b"another release", &poll_bytes);
    let replayed = order(&offer.release, &encode(&Poll { nonce: *b"a Nonce.", ..poll() }));
    let inline = [&[0][..], b"alarms", &[1], b"network"].concat();
    let good = |name, inline: &[u8]| {
        let vector = Vector::good("answer", name, &offering(&offer, &right, inline)).gives("answer", "changed");
        let vector = told(vector).gives("content_id", hex(&offer.content().id().0));
        asked(vector.gives("position", vec![3, 50]).gives("floor", vec![3, 20]))
    };
    let bad = |name, bytes: &[u8], refusal| asked(Vector::bad("answer", name, bytes, refusal));
    let foreign =
        Parts { signatures: sign(Kind::Release, &[], &offer.release, &["root a", "root b"]), ..offer.clone() };
    vec![
        good("changed, nothing inline", &[]).gives("inline", Vec::<String>::new()),
        good("changed, with all of its objects", &inline).gives("inline", vec![hex(b"alarms"), hex(b"network")]),
        good("changed, with its second object", &inline[7..]).gives("inline", vec![hex(b"network")]),
        bad(
            "changed, ordered for a poll with another nonce",
            &offering(&offer, &replayed, &[]),
            Refusal::BAD_SIGNATURE,
        ),
        bad("changed, another release than the one ordered", &offering(&offer, &other, &[]), Refusal::NOT_ASSIGNED),
        bad("changed, signed by no publisher", &offering(&foreign, &right, &[]), Refusal::TOO_FEW_SIGNATURES),
        bad("changed, a byte behind it", &longer(&offering(&offer, &right, &[])), Refusal::MALFORMED),
    ]
}

fn keyrings() -> Vec<Vector> {
    let next = Keyring { version: 2, root: role(2, &["root a", "root b", "root d"]), ..keyring() };
    let statement = encode(&next);
    let by = |names: &[&str]| {
        let signatures = sign(Kind::Keyring, &[], &statement, names);
        encode(&Answer::Keyring(Signed { statement: &statement, signatures: &signatures }))
    };
    let good = Vector::good("answer", "the next keyring", &by(&["root a", "root b"]));
    let few = Vector::bad("answer", "the next keyring, signed by one", &by(&["root b"]), Refusal::TOO_FEW_SIGNATURES);
    let director = by(&["director"]);
    let director = Vector::bad("answer", "the next keyring, by the director", &director, Refusal::TOO_FEW_SIGNATURES);
    vec![asked(good.gives("answer", "keyring").gives("version", 2)), asked(few), asked(director)]
}
