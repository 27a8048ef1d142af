//! The vectors of docs/spec/vectors: the committed bytes are what this code makes, and core says of each what stands beside it.

use std::collections::BTreeSet;
use std::fs;

use steadfast_core::refusal::Refusal;
use steadfast_core::statement::PublicKey;
use steadfast_tests::figures::tell;
use steadfast_tests::vectors::{Book, Expect, Vector, all, ed25519, folder, judge};

/// Fewest bad vectors: the formats' readers are judged by what they refuse.
const BAD_MIN: usize = 60;

fn committed(book: &Book) -> Vec<Vector> {
    let path = book.path();
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read ({error}): run `cargo xtask vectors`", path.display()));
    serde_json::from_str(&text).expect("a file of vectors is JSON")
}

#[test]
fn the_committed_vectors_are_what_this_code_makes() {
    for book in all() {
        for (vector, made) in committed(&book).iter().zip(&book.vectors) {
            assert_eq!(vector, made, "{} `{}`: a frozen format has changed", book.name, made.name);
        }
        let text = fs::read_to_string(book.path()).expect("it was read just now");
        assert!(text == book.text(), "{}.json is not what `cargo xtask vectors` writes", book.name);
    }
}

#[test]
fn every_vector_comes_to_what_stands_beside_it() {
    let (mut good, mut wrong) = (0, Vec::new());
    let vectors: Vec<Vector> = all().iter().flat_map(committed).collect();
    for vector in &vectors {
        good += usize::from(matches!(vector.expect, Expect::Good { .. }));
        wrong.extend(judge::agree(vector).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let bad = vectors.len() - good;
    assert!(bad >= BAD_MIN, "{bad} bad vectors");
    tell(&format!("vectors: {good} good, {bad} bad"));
}

#[test]
fn no_name_stands_twice_in_a_file_and_no_file_is_forgotten() {
    for book in all() {
        let names: BTreeSet<_> = book.vectors.iter().map(|vector| (&vector.kind, &vector.name)).collect();
        assert_eq!(names.len(), book.vectors.len(), "{}.json", book.name);
    }
    let made: BTreeSet<String> = all().iter().map(|book| format!("{}.json", book.name)).collect();
    let there = fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("an entry").file_name());
    let there: BTreeSet<String> = there.map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(there, made);
}

#[test]
fn every_refusal_of_bytes_has_a_vector() {
    let books = all();
    let seen: BTreeSet<u16> = books
        .iter()
        .flat_map(|book| &book.vectors)
        .filter_map(|vector| if let Expect::Refusal { refusal, .. } = vector.expect { Some(refusal) } else { None })
        .collect();
    // From 41 on, refusals need a running device: its firmware, its slots, its health.
    let missing = Refusal::ALL.iter().filter(|refusal| refusal.0 <= 40 && !seen.contains(&refusal.0));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&Refusal>::new());
}

#[test]
fn the_specification_names_every_refusal_as_core_does() {
    let text = fs::read_to_string(folder().join("../refusals.md")).expect("the page is there");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    let row = |refusal: &Refusal| {
        format!("| {} | `{}` | {} |", refusal.0, refusal.name().unwrap_or_default(), refusal.words())
    };
    assert_eq!(rows, Refusal::ALL.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn a_key_that_only_lax_readers_take_is_not_usable() {
    let key = PublicKey(ed25519::NOT_CANONICAL);
    assert!(ed25519::is_lax_point(&key) && !key.is_usable());
}
