//! Release statements with their signatures, and heads.

use steadfast_core::answer::Head;
use steadfast_core::digest::Digest;
use steadfast_core::keyring::{Director, Keyring};
use steadfast_core::refusal::Refusal;
use steadfast_core::release::{CommitId, LEAVES_MAX, Release};
use steadfast_core::statement::Kind;

use super::cast::{FLEET, OTHER_FLEET, encode, entry, flipped, keyring, longer, overlong, replaced, shorter, sign};
use super::cast::{sign_for, sorted};
use super::{Vector, hex};

const TWO: [&str; 2] = ["publisher a", "publisher c"];

fn release() -> Release {
    Release {
        publisher_epoch: 3,
        sequence: 300,
        floor: 12,
        commit: CommitId::Sha1([0xC0; 20]),
        leaves: 5,
        root: Digest::of(b"a root"),
    }
}

/// Vectors of releases and heads.
pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = statements();
    vectors.extend(signatures());
    vectors.extend(heads());
    vectors
}

/// A statement that two publishers signed, whatever it says.
fn signed(vector: Vector, statement: &[u8]) -> Vector {
    beside(vector, &sign(Kind::Release, &[], statement, &TWO))
}

fn beside(vector: Vector, signatures: &[u8]) -> Vector {
    let vector = vector.with("fleet", hex(&FLEET.0)).with("keyring", hex(&encode(&keyring())));
    vector.with("signatures", hex(signatures))
}

fn says(vector: Vector, release: &Release) -> Vector {
    vector
        .gives("digest", hex(&Digest::of(&encode(release)).0))
        .gives("position", vec![release.publisher_epoch, release.sequence])
        .gives("floor", vec![release.publisher_epoch, release.floor])
        .gives("commit", hex(release.commit.as_bytes()))
        .gives("leaves", release.leaves)
        .gives("root", hex(&release.root.0))
}

fn good(name: &str, release: &Release) -> Vector {
    let statement = encode(release);
    signed(says(Vector::good("release", name, &statement), release), &statement)
}

fn bad(name: &str, statement: &[u8], refusal: Refusal) -> Vector {
    signed(Vector::bad("release", name, statement, refusal), statement)
}

fn statements() -> Vec<Vector> {
    let whole = encode(&release());
    let sha256 = Release { commit: CommitId::Sha256([0xC2; 32]), leaves: LEAVES_MAX, ..release() };
    let largest = Release { sequence: u32::MAX, floor: u32::MAX, ..sha256 };
    let too_many = encode(&Release { leaves: LEAVES_MAX + 1, ..release() });
    let floor = encode(&Release { floor: 301, ..release() });
    let epoch = encode(&Release { publisher_epoch: 4, ..release() });
    vec![
        good("an ordinary release", &release()),
        good("the commit of a SHA-256 repository, as many leaves as can be", &sha256),
        good("the largest numbers", &largest),
        good("a floor at its own sequence", &Release { floor: 300, ..release() }),
        bad("an over-long varint", &overlong(&whole, 0), Refusal::MALFORMED),
        bad("a byte behind it", &longer(&whole), Refusal::MALFORMED),
        bad("cut off", &shorter(&whole), Refusal::MALFORMED),
        bad("a commit of no known kind", &replaced(&whole, 4, 2), Refusal::MALFORMED),
        bad("a number above 32 bits", &[&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F], &whole[1..]].concat(), Refusal::MALFORMED),
        bad("no leaves", &encode(&Release { leaves: 0, ..release() }), Refusal::MALFORMED),
        bad("more than 2^24 leaves", &too_many, Refusal::MALFORMED),
        bad("a floor above its own sequence", &floor, Refusal::FLOOR_ABOVE_RELEASE),
        bad("longer than 112 bytes", &[&whole[..], &[0; 112]].concat(), Refusal::TOO_LARGE),
        bad("another epoch than the keyring's", &epoch, Refusal::WRONG_EPOCH),
    ]
}

fn signatures() -> Vec<Vector> {
    let statement = encode(&release());
    let by = |names: &[&str]| sign(Kind::Release, &[], &statement, names);
    let bad = |name, signatures: &[u8], refusal| beside(Vector::bad("release", name, &statement, refusal), signatures);
    let good =
        |name, signatures: &[u8]| beside(says(Vector::good("release", name, &statement), &release()), signatures);
    let two = by(&TWO);
    let (first, second) = two.split_at(68);
    let with_nobody = by(&["publisher a", "publisher c", "nobody", "root a"]);
    let names: Vec<String> = (0..11).map(|number| format!("stranger {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut strangers = by(&names[..8]);
    strangers.extend_from_slice(&two);
    let ten = in_order(&strangers);
    let unsigned_stranger = in_order(&[&two[..], &[0xFF; 68]].concat());
    vec![
        good("all three publishers", &by(&super::cast::PUBLISHERS)),
        good("signatures of keys that are no publishers are passed over", &with_nobody),
        good("what a key that is no publisher signed is not looked at", &unsigned_stranger),
        good("ten signatures", &ten),
        bad("no signature", &[], Refusal::TOO_FEW_SIGNATURES),
        bad("one signature where two are needed", first, Refusal::TOO_FEW_SIGNATURES),
        bad("one publisher and a root key", &by(&["publisher a", "root a"]), Refusal::TOO_FEW_SIGNATURES),
        bad("a key counted twice", &[first, first].concat(), Refusal::UNSORTED_SIGNERS),
        bad("signers out of order", &[second, first].concat(), Refusal::UNSORTED_SIGNERS),
        bad("an entry cut off", &shorter(&two), Refusal::MALFORMED),
        bad("a byte behind the entries", &longer(&two), Refusal::MALFORMED),
        bad("eleven signatures", &by(&names), Refusal::TOO_LARGE),
        bad("a flipped bit of a signature", &flipped(&two, 30), Refusal::BAD_SIGNATURE),
        bad("enough good ones and a false one of a known key", &false_third(&statement), Refusal::BAD_SIGNATURE),
        bad("signed for another fleet", &foreign(&statement), Refusal::BAD_SIGNATURE),
        bad("signed as a head", &sign(Kind::Head, &[], &statement, &TWO), Refusal::BAD_SIGNATURE),
        bad("signed without tag and fleet", &bare(&statement), Refusal::BAD_SIGNATURE),
        bad("s is not below the order of the group", &super::ed25519::with_large_s(&two), Refusal::BAD_SIGNATURE),
    ]
}

/// Entries in the order in which they travel.
fn in_order(entries: &[u8]) -> Vec<u8> {
    let mut entries: Vec<&[u8]> = entries.chunks(68).collect();
    entries.sort_unstable();
    entries.concat()
}

fn false_third(statement: &[u8]) -> Vec<u8> {
    let mut two = sign(Kind::Release, &[], statement, &TWO);
    two.extend(sign(Kind::Release, &[], b"something else", &["publisher b"]));
    in_order(&two)
}

fn foreign(statement: &[u8]) -> Vec<u8> {
    sign_for(&OTHER_FLEET, Kind::Release, &[], statement, &TWO)
}

fn bare(statement: &[u8]) -> Vec<u8> {
    in_order(&TWO.map(|name| entry(name, statement)).concat())
}

/// Heads, which one head key signs.
fn heads() -> Vec<Vector> {
    let keys = sorted(&["head", "head b"]);
    let ring = Keyring { director: Director::Heads(keys.into_iter().collect()), ..keyring() };
    let release = Digest::of(b"a release statement");
    let head = Head { counter: 1_000, release, not_after: None };
    let dated = Head { not_after: Some(1_800_000_000), ..head };
    let statement = encode(&head);
    let beside = |vector: Vector, ring: &Keyring, signatures: &[u8]| {
        let vector = vector.with("fleet", hex(&FLEET.0)).with("keyring", hex(&encode(ring)));
        vector.with("signatures", hex(signatures))
    };
    let good = |name, head: &Head| {
        let statement = encode(head);
        let vector = Vector::good("head", name, &statement);
        let vector = vector.gives("counter", head.counter).gives("release", hex(&head.release.0));
        beside(vector.gives("not_after", head.not_after), &ring, &sign(Kind::Head, &[], &statement, &["head"]))
    };
    let bad = |name, statement: &[u8], names: &[&str], refusal| {
        beside(Vector::bad("head", name, statement, refusal), &ring, &sign(Kind::Head, &[], statement, names))
    };
    let unnamed = Vector::bad("head", "a keyring without head keys", &statement, Refusal::NO_DIRECTOR);
    let longer = longer(&statement);
    vec![
        good("without a date", &head),
        good("with a date", &dated),
        bad("signed by the director of another keyring", &statement, &["director"], Refusal::TOO_FEW_SIGNATURES),
        bad("a byte behind it", &longer, &["head"], Refusal::MALFORMED),
        bad(
            "an option that is neither absent nor present",
            &replaced_option(&statement),
            &["head"],
            Refusal::MALFORMED,
        ),
        beside(unnamed, &keyring(), &sign(Kind::Head, &[], &statement, &["head"])),
    ]
}

fn replaced_option(statement: &[u8]) -> Vec<u8> {
    replaced(statement, statement.len() - 1, 2)
}
