//! The verifier in Python, docs/spec/verify.py, held against this code: it was written from the pages beside it alone, so where the
//! two do not come to the same, a page says too little, or one of them is wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use steadfast::fleet::At;
use steadfast::keys::{Plan, Planned, Purpose, RolePlan, Signer};
use steadfast::pack::Pack;
use steadfast::release::{Issue, build};
use steadfast::sign;
use steadfast_core::digest::Digest;
use steadfast_core::id::FleetId;
use steadfast_tests::figures::tell;
use steadfast_tests::fleetgen;
use steadfast_tests::vectors::judge::{self, Fault};
use steadfast_tests::vectors::{Expect, Vector, all};
use tempfile::TempDir;

/// How often each vector is damaged.
const ROUNDS: u32 = 4;

/// Kinds whose bytes are of one length, whoever reads them.
const OF_ONE_LENGTH: [&str; 3] = ["ed25519", "record-copy", "record-region"];

fn verifier(arguments: &[&str], folder: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/verify.py");
    let output = Command::new("python3").arg(script).args(arguments).current_dir(folder).output();
    output.unwrap_or_else(|error| {
        panic!("python3 does not start ({error}): run `cargo xtask setup`, or install Python 3.10 or newer (Debian: python3)")
    })
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn it_says_of_every_vector_what_stands_beside_it() {
    let output = verifier(&["vectors"], Path::new("."));
    assert!(output.status.success(), "{}", printed(&output));
    let expected = format!("{} vectors, 0 disagreements", all().iter().map(|book| book.vectors.len()).sum::<usize>());
    assert!(printed(&output).contains(&expected), "{}", printed(&output));
}

#[test]
fn it_notices_a_vector_that_says_the_wrong_thing() {
    let mut vectors = all().swap_remove(1).vectors;
    let bad = vectors.iter_mut().find(|vector| matches!(vector.expect, Expect::Refusal { .. })).expect("a bad vector");
    bad.expect = Expect::Refusal { refusal: 99, name: "NOTHING".to_owned() };
    let output = judged_by_verifier(&vectors);
    assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    assert!(printed(&output).contains("1 disagreements"), "{}", printed(&output));
}

#[test]
fn it_says_of_damaged_vectors_what_this_code_says() {
    let vectors = all().into_iter().flat_map(|book| book.vectors);
    let damaged: Vec<Vector> =
        vectors.flat_map(|vector| (0..ROUNDS).map(move |round| damaged(&vector, round))).collect();
    let output = judged_by_verifier(&damaged);
    assert!(output.status.success(), "{}", printed(&output));
    tell(&format!("python verifier: agrees about {} damaged vectors", damaged.len()));
}

fn judged_by_verifier(vectors: &[Vector]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = serde_json::to_string(vectors).expect("vectors are plain data");
    fs::write(folder.path().join("vectors.json"), text).expect("a temporary file");
    verifier(&["vectors", "."], folder.path())
}

/// The vector with one byte changed, lost or too many, and what this code says of it.
fn damaged(vector: &Vector, round: u32) -> Vector {
    let mut bytes = steadfast::hex::decode_any(&vector.bytes, vector.bytes.len()).expect("bytes in hexadecimal");
    let Digest([way, value, high, low, ..]) = Digest::of(format!("{} {} {round}", vector.kind, vector.name).as_bytes());
    let place = usize::from(high) * 256 + usize::from(low);
    let small = value % 4; // what tags, flags and counts mostly are
    match way % 5 {
        3 if !OF_ONE_LENGTH.contains(&vector.kind.as_str()) => bytes.insert(place % (bytes.len() + 1), value),
        4 if !OF_ONE_LENGTH.contains(&vector.kind.as_str()) => bytes.truncate(place % (bytes.len() + 1)),
        _ if bytes.is_empty() => {}
        way => {
            let place = place % bytes.len();
            bytes[place] = if way == 0 { small } else { bytes[place] ^ 1 << (value % 8) };
        }
    }
    sealed_anew(&vector.kind, &mut bytes);
    let mut vector = Vector { name: format!("{}, damage {round}", vector.name), ..vector.clone() };
    vector.bytes = steadfast::hex::encode(&bytes);
    vector.expect = match judge::judge(&vector) {
        Ok(good) => Expect::Good { good },
        Err(Fault::Refusal(refusal)) => Expect::Refusal { refusal: refusal.0, name: format!("{refusal:?}") },
        Err(Fault::Refused(refused)) => Expect::Refused { refused },
    };
    vector
}

/// Makes the check right again, or nothing behind it would be looked at.
fn sealed_anew(kind: &str, bytes: &mut [u8]) {
    match kind {
        "pack" if bytes.len() >= 32 => {
            let (content, seal) = bytes.split_at_mut(bytes.len() - 32);
            seal.copy_from_slice(&Digest::of(content).0);
        }
        "identity" if bytes.len() >= 26 => {
            let end = (10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))).min(bytes.len() - 16);
            let check = Digest::of(&bytes[..end]).0;
            bytes[end..end + 16].copy_from_slice(&check[..16]);
        }
        "record-copy" => {
            let check = Digest::of(&[&b"steadfast.record.v1\0"[..], &bytes[16..]].concat()).0;
            bytes[..16].copy_from_slice(&check[..16]);
        }
        _ => {}
    }
}

/// A release of the small fleet, signed by two of three publishers, with its keyring beside it.
struct Release {
    folder: TempDir,
    pack: Pack,
}

fn release() -> Release {
    let fleet = FleetId(*b"a fleet of tests");
    let role = |make, threshold| RolePlan { make, known: Vec::new(), threshold };
    let plan = Plan { fleet, root: role(2, 2), publisher: role(3, 2), director: role(1, 1) };
    let Planned { keys, chain } = plan.carry_out().expect("a sound plan");
    let source = fleetgen::small();
    source.init();
    let compiled = source.compile_at(&At::Head).expect("a sound fleet");
    let pack = build(&compiled, Issue { fleet, epoch: 1 }).expect("a sound release");
    let publishers = keys.iter().map(|(_, key)| key).filter(|key| key.purpose() == Purpose::Publisher).take(2);
    let signatures = sign::sign(&pack, publishers.map(|key| key as &dyn Signer)).expect("keys in files sign");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("1.keyring"), chain.files()[0].encode()).expect("a temporary file");
    fs::write(folder.path().join("release.pack"), pack.bytes()).expect("a temporary file");
    sign::save(&folder.path().join("release.pack"), &signatures).expect("temporary files");
    Release { folder, pack }
}

impl Release {
    fn verify(&self) -> Output {
        verifier(&["pack", "release.pack", "--keyring", "1.keyring"], self.folder.path())
    }

    /// The files of signatures.
    fn signatures(&self) -> Vec<std::path::PathBuf> {
        let entries =
            fs::read_dir(self.folder.path()).expect("the folder is there").flatten().map(|entry| entry.path());
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "sig")).collect()
    }
}

#[test]
fn it_takes_a_signed_pack_and_tells_what_is_in_it() {
    let release = release();
    let output = release.verify();
    assert!(output.status.success(), "{}", printed(&output));
    let pack = &release.pack;
    let expected = [
        format!("fleet      {}", steadfast::hex::encode(&pack.fleet().0)),
        format!("release    {}", steadfast::hex::encode(&pack.digest().0)),
        format!("sequence   {} in epoch 1", pack.release().sequence),
        format!("devices    {}, with {} leaves", pack.roster().len(), pack.release().leaves - 1),
        format!("content    {} manifests, {} objects", pack.manifests().len(), pack.objects().len()),
    ];
    for line in expected {
        assert!(printed(&output).contains(&line), "no `{line}` in\n{}", printed(&output));
    }
    for signature in release.signatures() {
        let key = fs::read(signature).expect("it is there")[..4].to_vec();
        assert!(printed(&output).contains(&steadfast::hex::encode(&key)), "{}", printed(&output));
    }
}

#[test]
fn it_refuses_a_pack_that_too_few_signed_and_one_that_was_changed() {
    let release = release();
    let one = release.signatures().pop().expect("a signature");
    let entry = fs::read(&one).expect("it is there");
    fs::remove_file(&one).expect("it is there");
    let output = release.verify();
    assert!(!output.status.success() && printed(&output).contains("fewer signatures"), "{}", printed(&output));
    fs::write(&one, entry).expect("a temporary file");
    assert!(release.verify().status.success());
    let mut bytes = release.pack.bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    sealed_anew("pack", &mut bytes);
    fs::write(release.folder.path().join("release.pack"), bytes).expect("a temporary file");
    assert!(!release.verify().status.success());
}
