//! Signed commits made by hand, good and bad, in real repositories; `tests/signing_commands.rs` has those of git and ssh-keygen.

use std::io::Write as _;
use std::process::{Command, Stdio};

use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, Signature, SshSig};

use super::*;
use crate::keys::{KeyFile, Purpose, Signer as _};

/// 2026-01-02 03:04:05 in UTC, when all of these commits are made.
const SECONDS: i64 = 1_767_323_045;

struct Repo(tempfile::TempDir);

fn key() -> KeyFile {
    KeyFile::generate(Purpose::Publisher).unwrap()
}

fn data(key: &KeyFile) -> KeyData {
    KeyData::Ed25519(Ed25519PublicKey(key.public_key().0))
}

fn line(name: &str, key: &KeyFile) -> String {
    format!("{name} {}\n", ssh_key::PublicKey::from(data(key)).to_openssh().unwrap())
}

fn armor(key: &KeyFile, namespace: &str, payload: &str) -> String {
    let covered = SshSig::signed_data(namespace, HashAlg::Sha512, payload.as_bytes()).unwrap();
    let signature = Signature::new(Algorithm::Ed25519, key.sign(&covered).unwrap().to_vec()).unwrap();
    SshSig::new(data(key), namespace, HashAlg::Sha512, signature).unwrap().to_pem(LineEnding::LF).unwrap()
}

/// The commit's bytes with a signature in its headers.
fn with(payload: &str, armor: &str) -> String {
    let header = format!("\ngpgsig {}\n\n", armor.trim_end().replace('\n', "\n "));
    payload.replacen("\n\n", &header, 1)
}

impl Repo {
    fn new() -> Self {
        let repo = Self(tempfile::tempdir().unwrap());
        repo.git(&["init", "-q", "-b", "main"], "");
        repo
    }

    fn git(&self, arguments: &[&str], input: &str) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.0.path()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").spawn().unwrap();
        git.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = git.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A fleet that asks for signatures by this list.
    fn listed(list: &str) -> Self {
        let repo = Self::new();
        repo.settings("allowed_signers = \"signers\"");
        repo.write("signers", list);
        repo
    }

    fn settings(&self, more: &str) {
        self.write(SETTINGS_FILE, &format!("[fleet]\nid = \"00112233445566778899aabbccddeeff\"\n{more}\n"));
    }

    /// What a commit of all that lies there would be, unsigned.
    fn payload(&self) -> String {
        self.git(&["add", "-A"], "");
        let tree = self.git(&["write-tree"], "");
        let parent = self.git(&["rev-parse", "-q", "--verify", "HEAD"], "");
        let parent = if parent.is_empty() { parent } else { format!("parent {parent}\n") };
        let who = format!("Ann <ann@example.com> {SECONDS} +0000");
        format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\nchange\n")
    }

    fn keep(&self, object: &str) -> String {
        let id = self.git(&["hash-object", "-t", "commit", "-w", "--stdin"], object);
        self.git(&["update-ref", "HEAD", &id], "");
        id
    }

    fn signed(&self, key: &KeyFile) -> String {
        let payload = self.payload();
        self.keep(&with(&payload, &armor(key, "git", &payload)))
    }

    fn check(&self, commit: &str, before: Option<&str>) -> Result<Option<Vouched>, Finding> {
        check(&Question { folder: self.0.path(), commit, before, list: None })
    }

    fn refused(&self, commit: &str, before: &str) -> (Code, String) {
        let finding = self.check(commit, Some(before)).unwrap_err();
        (finding.code(), finding.message().to_owned())
    }
}

#[test]
fn nobody_lets_himself_in() {
    let (ann, eve) = (key(), key());
    let repo = Repo::listed(&line("ann", &ann));
    let first = repo.signed(&ann);
    assert_eq!(repo.check(&first, None).unwrap().unwrap().principals, "ann");
    repo.write("signers", &line("eve", &eve));
    let let_in = repo.signed(&eve);
    let (code, message) = repo.refused(&let_in, &first);
    assert!(code == Code::BadCommitSignature && message.contains("does not have"), "{message}");
    repo.settings("");
    let no_list = repo.signed(&eve);
    assert_eq!(repo.refused(&no_list, &first).0, Code::BadCommitSignature, "to ask no more is asked, too");
    repo.settings("allowed_signers = \"nowhere\"");
    let locked = repo.signed(&ann);
    assert_eq!(repo.refused(&locked, &first).0, Code::BadAllowedSigners, "it would lock everybody out");
    repo.git(&["reset", "-q", "--hard", &first], "");
    repo.write("signers", &(line("ann", &ann) + &line("eve", &eve)));
    let added = repo.signed(&ann);
    assert!(repo.check(&added, Some(&first)).unwrap().unwrap().list.starts_with("signers of commit "));
    let hers = repo.signed(&eve);
    assert_eq!(repo.check(&hers, Some(&added)).unwrap().unwrap().principals, "eve");
}

#[test]
fn a_fleet_without_a_list_asks_nobody_and_begins_with_its_own() {
    let (ann, eve) = (key(), key());
    let repo = Repo::new();
    repo.settings("");
    let first = repo.keep(&repo.payload());
    assert_eq!(repo.check(&first, None).unwrap(), None);
    repo.settings("allowed_signers = \"signers\"");
    repo.write("signers", &line("ann", &ann));
    let unsigned = repo.keep(&repo.payload());
    assert_eq!(repo.refused(&unsigned, &first).0, Code::UnsignedCommit);
    assert_eq!(repo.refused(&repo.signed(&eve), &first).0, Code::BadCommitSignature);
    assert!(repo.check(&repo.signed(&ann), Some(&first)).unwrap().is_some());
}

#[test]
fn a_list_of_ones_own_stands_for_those_of_commits() {
    let (ann, eve) = (key(), key());
    let repo = Repo::listed(&line("eve", &eve));
    let list = repo.0.path().join(".git/own");
    std::fs::write(&list, line("ann", &ann)).unwrap();
    let ask = |commit: &str| {
        check(&Question { folder: repo.0.path(), commit, before: None, list: Some(&list) }).map(Option::unwrap)
    };
    assert!(ask(&repo.signed(&eve)).unwrap_err().message().contains("does not have"));
    assert_eq!(ask(&repo.signed(&ann)).unwrap().principals, "ann");
    std::fs::remove_file(&list).unwrap();
    assert_eq!(ask(&repo.signed(&ann)).unwrap_err().code(), Code::BadAllowedSigners);
}

#[test]
fn a_fleet_that_moves_takes_its_list_along() {
    let (ann, eve) = (key(), key());
    let repo = Repo::listed(&line("ann", &ann));
    let first = repo.signed(&ann);
    repo.git(&["rm", "-q", "-r", "--cached", "."], "");
    std::fs::remove_file(repo.0.path().join(SETTINGS_FILE)).unwrap();
    let moved = "[fleet]\nid = \"00112233445566778899aabbccddeeff\"\nallowed_signers = \"../signers\"\n";
    repo.write("prod/steadfast.toml", moved);
    repo.write("signers", &line("eve", &eve));
    let second = repo.signed(&eve);
    let prod = repo.0.path().join("prod");
    let ask = |before: Option<&str>| check(&Question { folder: &prod, commit: &second, before, list: None });
    assert_eq!(ask(Some(&first)).unwrap_err().code(), Code::BadCommitSignature);
    assert!(ask(None).unwrap().is_some());
    repo.write("prod/steadfast.toml", &moved.replace("0011", "ffff"));
    let another = repo.signed(&ann);
    let lost = check(&Question { folder: &prod, commit: &another, before: Some(&first), list: None }).unwrap_err();
    assert_eq!(lost.code(), Code::BadAllowedSigners, "nothing of this fleet is there, so nothing can be said");
}

#[test]
fn what_is_no_signature_of_this_commit_is_told_apart() {
    let ann = key();
    let repo = Repo::listed(&line("ann", &ann));
    let first = repo.signed(&ann);
    let payload = repo.payload();
    let good = armor(&ann, "git", &payload);
    let twice = with(&with(&payload, &good), &good);
    let moved = with(&payload, &good).replace("change\n", "chance\n");
    let pgp = "-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----\n";
    let inside = payload.replace("\n\nchange", &format!("\n\ngpgsig {}", good.replace('\n', "\n ")));
    for (object, code, why) in [
        (payload.clone(), Code::UnsignedCommit, "is not signed"),
        (inside, Code::UnsignedCommit, "is not signed"),
        (with(&payload, &good).replace("gpgsig ", "gpgsig-sha256 "), Code::UnsignedCommit, "is not signed"),
        (moved, Code::BadCommitSignature, "was changed after it was signed"),
        (twice, Code::BadCommitSignature, "there are two"),
        (with(&payload, &armor(&ann, "file", &payload)), Code::BadCommitSignature, "for `file` and not for git"),
        (with(&payload, &armor(&ann, "g\u{1b}[2Jit", &payload)), Code::BadCommitSignature, "for `g\\u{1b}[2Jit` and"),
        (with(&payload, pgp), Code::BadCommitSignature, "by OpenPGP"),
        (with(&payload, &good.replace("U1NIU0lH", "U1NIU0lI")), Code::BadCommitSignature, "cannot be read"),
        (with(&payload, &good[..good.len() / 2]), Code::BadCommitSignature, "cannot be read"),
    ] {
        let (found, message) = repo.refused(&repo.keep(&object), &first);
        assert!(found == code && message.contains(why), "{why}: {message}");
        repo.git(&["reset", "-q", "--hard", &first], "");
    }
    let kept = repo.keep(&with(&payload, &good));
    assert!(repo.check(&kept, Some(&first)).unwrap().is_some());
    let unsigned = repo.keep(&payload);
    repo.git(&["replace", &unsigned, &kept], "");
    assert_eq!(repo.refused(&unsigned, &first).0, Code::RewrittenHistory, "git would show another commit under its id");
}

#[test]
fn a_key_counts_for_git_and_in_its_time_alone() {
    let ann = key();
    let digits = line("x", &ann).split_whitespace().nth(2).unwrap().to_owned();
    let who = |terms: &str| {
        let list = AllowedSigners::parse(&format!("# people\n\nann {terms} ssh-ed25519 {digits} her desk\n")).unwrap();
        list.who(&ann.public_key(), SECONDS).map(str::to_owned)
    };
    for terms in [
        "",
        "namespaces=\"git\"",
        "namespaces=\"file,git\"",
        "Namespaces=\"*\"",
        "valid-after=\"20260102Z\",valid-before=\"20260102030405Z\"",
        "valid-after=20260102030405Z",
    ] {
        assert_eq!(who(terms).unwrap(), "ann", "{terms}");
    }
    assert_eq!(who("namespaces=\"file\""), Err(Unfit::Namespace(3)));
    for terms in ["valid-after=\"20260102030406Z\"", "valid-before=\"202601020304Z\"", "valid-before=20250102Z"] {
        assert_eq!(who(terms), Err(Unfit::Time(3)), "{terms}");
    }
    let other = AllowedSigners::parse(&line("ann", &key())).unwrap();
    assert_eq!(other.who(&ann.public_key(), SECONDS), Err(Unfit::Unknown));
    let quoted = AllowedSigners::parse(&format!("\"ann smith\",ben ssh-ed25519 {digits}")).unwrap();
    assert!(quoted.who(&ann.public_key(), SECONDS).is_ok());
}

#[test]
fn a_list_that_could_mean_two_things_is_refused_with_its_line() {
    let good = line("ann", &key());
    let digits = good.split_whitespace().nth(2).unwrap();
    for (text, why) in [
        ("ann".to_owned(), "there is no key"),
        ("ann ssh-ed25519".to_owned(), "there is no key"),
        (format!("ann ssh-ed25519 {}", &digits[..20]), "its key"),
        (format!("ann valid-before=\"20270101\" ssh-ed25519 {digits}"), "no time in UTC"),
        (format!("ann cert-authority ssh-ed25519 {digits}"), "certificates are not read"),
        (format!("ann namespaces=\"git\",namespaces=\"x\" ssh-ed25519 {digits}"), "stands twice"),
        (format!("ann touch ssh-ed25519 {digits}"), "`touch` is no option"),
        (format!("ann namespaces=\"git ssh-ed25519 {digits}"), "no partner"),
        (format!("ann namespaces=git ed25519 {digits}"), "no type of key"),
    ] {
        let (line, found) = AllowedSigners::parse(&format!("{good}{text}\n")).unwrap_err();
        assert!(line == 2 && found.contains(why), "{text}: {found}");
    }
    assert!(AllowedSigners::parse("ann ssh-rsa AAAAB3NzaC1yc2E= old\n").is_ok(), "passed over");
}
