//! Several publishers in several places: each compiles the commit in a clone of his own, and `publish` puts their signatures together.

mod rig;

use std::fs;
use std::path::{Path, PathBuf};

use rig::{Done, Fleet, git, steadfast};
use steadfast::compile::compile;
use steadfast::fleet::{At, Fleet as Reader};
use steadfast::keys::{KeyFile, Purpose};
use steadfast::release::{Issue, build};
use steadfast::sign::Endorsement;

/// A fleet of which two of three publishers must sign, and their key files.
struct Trio {
    fleet: Fleet,
    keys: Vec<PathBuf>,
}

impl Trio {
    fn new() -> Self {
        let fleet = Fleet::new();
        let homes = ["ann", "ben", "cem"].map(|name| fleet.beside(name));
        let make = |home: &Path| fleet.run(&["keys", "new", "--only", "publisher", "--out", home.to_str().unwrap()]);
        let public: Vec<String> = homes.iter().map(|home| make(home).fine().trim().to_owned()).collect();
        fs::remove_dir_all(fleet.path().join("keys")).unwrap();
        let mut new = vec!["keys", "new", "--publisher", "0", "--publisher-threshold", "2"];
        public.iter().for_each(|key| new.extend(["--publisher-key", key]));
        fleet.run(&new).fine();
        fleet.commit("three publishers");
        let keys = homes.iter().map(|home| home.join("publisher.key")).collect();
        Self { fleet, keys }
    }

    fn id(&self, number: usize) -> String {
        KeyFile::load_for(&self.keys[number], Purpose::Publisher).unwrap().public_key().id().to_string()
    }

    fn key(&self, number: usize) -> &str {
        self.keys[number].to_str().unwrap()
    }

    /// Another place: a clone.
    fn clone(&self, name: &str) -> PathBuf {
        let path = self.fleet.beside(name);
        git(&self.fleet.path(), &["clone", "-q", ".", path.to_str().unwrap()]);
        path
    }

    /// Endorses the checked-out commit as this publisher, into the folder `box`, and gives the file's path.
    fn endorse(&self, number: usize, more: &[&str]) -> Done {
        let out = self.fleet.beside("box");
        let fixed = ["endorse", "--key", self.key(number), "--out", out.to_str().unwrap()];
        self.fleet.run(&[&fixed[..], more].concat())
    }
}

/// What somebody's machine makes of the checked-out commit when it is not honest.
fn forged(trio: &Trio, number: usize) -> Endorsement {
    let fleet = &trio.fleet;
    let source = Reader::open(&fleet.path(), &At::Head).unwrap().source;
    let layer = fleet.path().join("layers/device/sensor-1.toml");
    fs::create_dir_all(layer.parent().unwrap()).unwrap();
    fs::write(&layer, "sampling.period_ms = 7000\n").unwrap();
    let read = Reader::open(&fleet.path(), &At::Worktree).unwrap();
    let mut compiled = compile(&read).unwrap();
    compiled.source = source;
    fs::remove_file(&layer).unwrap();
    let pack = build(&compiled, Issue { fleet: read.settings.id, epoch: 1 }).unwrap();
    Endorsement::of(&pack, &KeyFile::load_for(&trio.keys[number], Purpose::Publisher).unwrap()).unwrap()
}

#[test]
fn publishers_in_several_places_sign_what_each_of_them_compiled() {
    let trio = Trio::new();
    let server = trio.fleet.serve();
    let folder = trio.fleet.beside("box");
    let first = trio.endorse(0, &["--first"]);
    assert!(
        first.err.contains("to be published it needs 1 more of the keys ") && first.err.contains(&trio.id(2)),
        "{}",
        first.err
    );
    let first = first.fine();
    let publisher = trio.clone("publisher");
    let publish = || {
        let folder = folder.to_str().unwrap();
        steadfast(&publisher, &["publish", "--server", &server.url, "--endorsement", folder])
    };
    let early = publish().failed(7);
    assert!(early.contains("signed by 1 of the 2") && early.contains("it needs 1 more of the keys "), "{early}");
    assert!(early.contains(&trio.id(1)) && early.contains(&trio.id(2)) && !early.contains(&trio.id(0)), "{early}");
    let elsewhere = trio.clone("elsewhere");
    let second = steadfast(&elsewhere, &["endorse", first.trim(), "--key", trio.key(1), "--server", &server.url]);
    assert!(second.err.contains("next: steadfast publish"), "{}", second.err);
    assert!(Path::new(second.fine().trim()).starts_with(&folder), "beside the other one");
    assert!(publish().fine().contains("published release 2"));
    let status = trio.fleet.run(&["status", "--server", &server.url, "--format", "json"]).out;
    assert!(status.contains(&trio.id(0)) && status.contains(&trio.id(1)), "{status}");
}

#[test]
fn a_key_at_hand_and_an_endorsement_from_elsewhere_are_enough() {
    let trio = Trio::new();
    let server = trio.fleet.serve();
    let file = trio.endorse(0, &["--first"]).fine();
    let more = ["--key", trio.key(2), "--endorsement", file.trim()];
    assert!(
        trio.fleet
            .run(&[&["publish", "--server", &server.url][..], &more].concat())
            .fine()
            .contains("published release 2")
    );
}

#[test]
fn what_another_machine_makes_otherwise_is_neither_endorsed_nor_published() {
    let trio = Trio::new();
    let server = trio.fleet.serve();
    let file = forged(&trio, 0).save(&trio.fleet.beside("forged")).unwrap();
    let refused = trio.endorse(1, &[file.to_str().unwrap(), "--first"]).failed(7);
    assert!(
        refused.contains("endorses another release than this machine makes") && refused.contains("root"),
        "{refused}"
    );
    assert!(!trio.fleet.beside("box").exists(), "nothing was signed");
    let honest = [1, 2].map(|number| trio.endorse(number, &["--first"]).fine());
    let given = ["--endorsement", honest[0].trim(), "--endorsement", honest[1].trim()];
    let publish = ["publish", "--server", &server.url];
    let folder = trio.fleet.beside("forged");
    let all = [&publish[..], &given, &["--endorsement", folder.to_str().unwrap()]].concat();
    assert!(trio.fleet.run(&all).failed(7).contains("publish nothing before it is known why"), "enough others signed");
    let text = fs::read_to_string(&file).unwrap().replace("floor: 0", "floor: 1");
    fs::write(&file, text).unwrap();
    assert!(trio.fleet.run(&all).failed(7).contains("is no endorsement, or was changed"));
    assert!(trio.fleet.run(&["status", "--server", &server.url]).out.contains("no release is published yet"));
    trio.fleet.run(&[&publish[..], &given].concat()).fine();
}

#[test]
fn strangers_do_not_count_and_other_commits_are_passed_over_in_a_folder_alone() {
    let trio = Trio::new();
    let server = trio.fleet.serve();
    let old = trio.endorse(1, &["--first"]).fine();
    trio.fleet.set_period(2000);
    let stranger = trio.fleet.beside("stranger");
    trio.fleet.run(&["keys", "new", "--only", "publisher", "--out", stranger.to_str().unwrap()]).fine();
    let stranger = stranger.join("publisher.key");
    let refused = trio.fleet.run(&["endorse", "--first", "--key", stranger.to_str().unwrap()]).failed(1);
    assert!(refused.contains("is not in keyring 1"), "{refused}");
    let read = Reader::open(&trio.fleet.path(), &At::Head).unwrap();
    let pack = build(&compile(&read).unwrap(), Issue { fleet: read.settings.id, epoch: 1 }).unwrap();
    let key = KeyFile::load_for(&stranger, Purpose::Publisher).unwrap();
    Endorsement::of(&pack, &key).unwrap().save(&trio.fleet.beside("box")).unwrap();
    trio.endorse(0, &["--first"]).fine();
    let folder = trio.fleet.beside("box");
    let publish = |path: &str| trio.fleet.run(&["publish", "--server", &server.url, "--endorsement", path]);
    let refused = publish(folder.to_str().unwrap()).failed(7);
    assert!(refused.contains("does not count: its key") && refused.contains("signed by 1 of the 2"), "{refused}");
    assert!(publish(old.trim()).failed(7).contains("it is of commit"));
    trio.endorse(2, &["--first"]).fine();
    publish(folder.to_str().unwrap()).fine();
}

#[test]
fn who_endorses_asks_what_publish_asks() {
    let trio = Trio::new();
    let server = trio.fleet.serve();
    let fleet = &trio.fleet;
    assert!(trio.endorse(0, &[]).failed(1).contains("--since"), "what is published last has to be said");
    let rule = "package policy.no\n\ndeny contains \"not today\" if input.counts.changed + input.counts.new > 0\n";
    fs::create_dir_all(fleet.path().join("policy")).unwrap();
    fs::write(fleet.path().join("policy/no.rego"), rule).unwrap();
    fleet.commit("a rule");
    fleet.run(&["publish", "--server", &server.url, "--key", trio.key(0), "--key", trio.key(1)]).failed(3);
    let first = git(&fleet.path(), &["rev-parse", "HEAD~1"]);
    fleet
        .run(&[
            "publish",
            "--commit",
            first.trim(),
            "--server",
            &server.url,
            "--key",
            trio.key(0),
            "--key",
            trio.key(1),
        ])
        .fine();
    trio.endorse(0, &["--server", &server.url]).fine();
    fleet.set_period(2000);
    assert!(trio.endorse(0, &["--server", &server.url]).failed(3).contains("not today"));
    assert!(trio.endorse(0, &["--since", first.trim()]).failed(3).contains("not today"));
    git(&fleet.path(), &["checkout", "-q", "-b", "side", "HEAD~2"]);
    fleet.commit("beside");
    assert!(trio.endorse(0, &["--since", "main"]).failed(1).contains("does not descend"));
    trio.endorse(0, &["--since", "main", "--commit", "main~1"]).failed(9);
    assert!(trio.endorse(0, &["--since", first.trim(), "--dry-run"]).fine().is_empty());
}
