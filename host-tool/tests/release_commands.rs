//! From a commit to a server, as a script sees it: exit codes, streams, and what bad input gets.

mod rig;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rig::{Fleet, git, steadfast};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn one_commit_gives_one_pack_in_every_clone() {
    let fleet = Fleet::new();
    let pack = fleet.pack("a.pack");
    let clone = fleet.beside("elsewhere/deep/clone");
    git(&fleet.path(), &["clone", "-q", ".", clone.to_str().unwrap()]);
    let again = fleet.beside("b.pack");
    steadfast(&clone, &["build", "--out", again.to_str().unwrap()]).fine();
    assert_eq!(fs::read(&pack).unwrap(), fs::read(&again).unwrap());
    let pack = pack.to_str().unwrap();
    let verdict = json(&fleet.run(&["verify", pack, "--recompute", "--format", "json"]).fine());
    assert_eq!((&verdict["good"], &verdict["leaves"]), (&Value::from(true), &Value::from(2)));
    let shown = json(&fleet.run(&["inspect", pack, "--device", "sensor-1", "--format", "json"]).fine());
    assert_eq!((&shown["sequence"], shown["signers"].as_array().unwrap().len()), (&Value::from(1), 1));
    assert_eq!(shown["device"]["leaves"][0]["objects"].as_array().unwrap().len(), 2);
}

#[test]
fn a_pack_that_is_not_what_it_claims_ends_with_7() {
    let fleet = Fleet::new();
    let pack = fleet.pack("a.pack");
    let name = pack.to_str().unwrap();
    let good = fs::read(&pack).unwrap();
    let mut bad = good.clone();
    bad[60] ^= 1;
    fs::write(&pack, &bad).unwrap();
    assert!(fleet.run(&["verify", name]).failed(7).contains("damaged or cut off"));
    fs::write(&pack, &good[..good.len() / 2]).unwrap();
    assert!(fleet.run(&["inspect", name]).failed(7).contains("damaged or cut off"));
    fs::write(&pack, &good).unwrap();
    for command in ["verify", "inspect"] {
        assert!(
            fleet.run(&[command, "nowhere.pack"]).failed(1).contains("nowhere.pack"),
            "a misspelt name is no forgery"
        );
    }
    let unsigned = fleet.beside("unsigned.pack");
    fs::copy(&pack, &unsigned).unwrap();
    assert!(fleet.run(&["verify", unsigned.to_str().unwrap()]).failed(7).contains("steadfast sign"));
}

#[test]
fn a_worktree_can_be_built_and_nobody_signs_or_publishes_it() {
    let fleet = Fleet::new();
    fs::write(fleet.path().join("layers/common.toml"), "network.server = \"10.0.0.1:80\"\n").unwrap();
    assert!(fleet.run(&["build"]).failed(1).contains("differs from the commit"));
    let pack = fleet.beside("w.pack");
    let name = pack.to_str().unwrap();
    fleet.run(&["build", "--worktree", "--out", name]).fine();
    let key = ["--key", "keys/publisher.key"];
    assert!(fleet.run(&["sign", name, key[0], key[1]]).failed(1).contains("built from a worktree"));
    let server = fleet.serve();
    let published = fleet.run(&["publish", "--server", &server.url, key[0], key[1]]);
    assert!(published.failed(1).contains("differs from the commit"));
}

#[test]
fn keys_that_others_can_read_or_of_the_wrong_kind_are_refused() {
    let fleet = Fleet::new();
    let pack = fleet.pack("a.pack");
    let name = pack.to_str().unwrap();
    assert!(fleet.run(&["sign", name, "--key", "keys/root.key"]).failed(1).contains("holds a root key"));
    let key = fleet.path().join("keys/publisher.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = fleet.run(&["sign", name, "--key", "keys/publisher.key"]).failed(1);
    assert!(refused.contains("chmod 600"), "{refused}");
    assert!(fleet.run(&["keys", "new"]).failed(1).contains("exists already"));
    let show = fleet.run(&["keys", "show", "--format", "json"]).fine();
    assert_eq!(json(&show)["keyrings"][0]["director"]["kind"], "assignments");
    let listed = git(&fleet.path(), &["ls-files"]);
    assert!(!listed.contains(".key\n"), "no private key is in git: {listed}");
}

#[test]
fn two_publishers_who_do_not_share_keys_sign_one_pack() {
    let fleet = Fleet::new();
    let theirs = fleet.beside("theirs");
    let public = fleet.run(&["keys", "new", "--only", "publisher", "--out", theirs.to_str().unwrap()]).fine();
    fs::remove_dir_all(fleet.path().join("keys/keyring")).unwrap();
    let out = fleet.beside("ours");
    let ours = ["keys", "new", "--out", out.to_str().unwrap(), "--publisher", "1", "--publisher-threshold", "2"];
    fleet.run(&[&ours[..], &["--publisher-key", public.trim()]].concat()).fine();
    fleet.commit("two publishers");
    let pack = fleet.beside("a.pack");
    let name = pack.to_str().unwrap();
    fleet.run(&["build", "--out", name]).fine();
    fleet.run(&["sign", name, "--key", out.join("publisher.key").to_str().unwrap()]).fine();
    assert!(fleet.run(&["verify", name]).failed(7).contains("signed by 1 of the 2"));
    fleet.run(&["sign", name, "--key", theirs.join("publisher.key").to_str().unwrap()]).fine();
    assert!(fleet.run(&["verify", name]).fine().contains("good: release for 1 device"));
}

#[test]
fn only_descendants_of_what_is_published_are_published() {
    let fleet = Fleet::new();
    fleet.set_period(2000);
    let server = fleet.serve();
    let publish = |more: &[&str]| {
        fleet.run(&[&["publish", "--server", &server.url, "--key", "keys/publisher.key"], more].concat())
    };
    assert!(publish(&["--dry-run"]).fine().contains("would publish release 2"));
    let published = publish(&[]).fine();
    assert!(published.contains("published release 2") && published.contains("1 of 1 device changes"), "{published}");
    let again = publish(&[]).fine();
    assert!(again.starts_with("release 2 of commit ") && again.ends_with(" is published already\n"), "{again}");
    let overtaken = publish(&["--commit", "HEAD~1"]);
    assert!(overtaken.out.starts_with("superseded: release 2 ("), "{}", overtaken.out);
    assert!(overtaken.failed(9).contains("git revert"));
    git(&fleet.path(), &["checkout", "-q", "-b", "side", "HEAD~1"]);
    fleet.set_period(3000);
    fleet.set_period(4000);
    assert!(publish(&[]).failed(1).contains("does not descend"));
    let unknown = publish(&["--commit", "nonsense"]).failed(1);
    assert_eq!(unknown.matches("no commit is called").count(), 1, "{unknown}");
    git(&fleet.path(), &["checkout", "-q", "main"]);
    fleet.set_period(5000);
    let (shallow, url) = (fleet.beside("shallow"), format!("file://{}", fleet.path().display()));
    git(&fleet.path(), &["clone", "-q", "--depth", "1", &url, shallow.to_str().unwrap()]);
    let key = fleet.path().join("keys/publisher.key");
    let from_shallow = steadfast(&shallow, &["publish", "--server", &server.url, "--key", key.to_str().unwrap()]);
    assert!(from_shallow.failed(1).contains("this clone is shallow"));
}

#[test]
fn status_and_why_speak_of_a_device_that_was_never_seen() {
    let fleet = Fleet::new();
    let server = fleet.serve();
    assert!(fleet.run(&["status", "--server", &server.url]).fine().contains("no release is published yet"));
    fleet.run(&["publish", "--server", &server.url, "--key", "keys/publisher.key"]).fine();
    let status = json(&fleet.run(&["status", "--server", &server.url, "--format", "json"]).fine());
    assert_eq!((&status["counts"]["never"], &status["devices"][0]["name"]), (&1.into(), &"sensor-1".into()));
    let why = fleet.run(&["why", "sensor-1", "--server", &server.url]).fine();
    for expected in ["by Ann <ann@example.com>: first", "waiting for  its first poll", "signed by"] {
        assert!(why.contains(expected), "{expected} in {why}");
    }
    let nobody = fleet.run(&["status", "--server", &server.url, "--label", "site=offise"]);
    assert!(nobody.failed(1).contains("no device has site=offise"));
    assert!(fleet.run(&["why", "nobody", "--server", &server.url]).failed(1).contains("no device is called"));
    assert!(fleet.run(&["status", "--server", "http://127.0.0.1:1"]).failed(1).contains("was not reached"));
}

#[test]
fn the_same_commit_helps_a_server_that_lost_its_pack() {
    let fleet = Fleet::new();
    let publish =
        |server: &rig::Server| fleet.run(&["publish", "--server", &server.url, "--key", "keys/publisher.key"]).fine();
    let server = fleet.serve();
    publish(&server);
    drop(server);
    fs::remove_file(fleet.beside("data/releases/1-1.pack")).unwrap();
    let server = fleet.serve();
    let status = || fleet.run(&["status", "--server", &server.url]);
    assert!(status().failed(1).contains("cannot serve release 1"));
    assert!(publish(&server).contains("published already: release 1"));
    status().fine();
    assert!(publish(&server).contains("is published already"));
}

#[test]
fn what_stands_here_is_checked_before_anything_is_said_to_be_published() {
    let (fleet, other) = (Fleet::new(), Fleet::new());
    let server = fleet.serve();
    let publish = |fleet: &Fleet, more: &[&str]| fleet.run(&[&["publish", "--server", &server.url], more].concat());
    let key = ["--key", "keys/publisher.key"];
    publish(&fleet, &key).fine();
    assert!(publish(&fleet, &[]).failed(1).contains("--key"));
    assert!(publish(&fleet, &["--key", "nowhere.key"]).failed(1).contains("nowhere.key"));
    assert!(publish(&fleet, &["--key", "keys/root.key"]).failed(1).contains("holds a root key"));
    assert!(publish(&fleet, &["--key", "README.md"]).failed(1).contains("is no private key file"));
    let foreign = other.path().join("keys/publisher.key");
    let pack = fleet.pack("a.pack");
    for command in [&["publish", "--server", &server.url][..], &["sign", pack.to_str().unwrap()]] {
        let refused = fleet.run(&[command, &["--key", foreign.to_str().unwrap()]].concat()).failed(1);
        assert!(refused.contains("is not in keyring 1 (publishers: "), "{refused}");
    }
    let stranger = publish(&other, &key).failed(1);
    assert!(stranger.contains("this server is of fleet") && !stranger.contains("git fetch"), "{stranger}");
    fs::write(fleet.path().join("layers/common.toml"), "sampling.period_ms = 7000\n").unwrap();
    assert!(publish(&fleet, &key).failed(1).contains("differs from the commit"));
}

#[test]
fn a_repository_without_a_commit_says_so() {
    let folder = tempfile::tempdir().unwrap();
    steadfast(folder.path(), &["init", "--name", "trial"]).fine();
    git(folder.path(), &["init", "-q"]);
    let refused = steadfast(folder.path(), &["check"]).failed(1);
    assert!(refused.contains("no commit yet") && refused.contains("--worktree"), "{refused}");
}

#[test]
fn a_device_is_flashed_with_its_own_key_and_a_server_that_it_can_read() {
    let fleet = Fleet::new();
    let board = concat!(env!("CARGO_MANIFEST_DIR"), "/../boards/linux-gateway/board.toml");
    let flash = |device: &str, server: &str| {
        let more = ["--board", board, "--key", "keys/device/sensor-1.key", "--out", "a.img", "--server", server];
        fleet.run(&[&["flash", device][..], &more].concat())
    };
    assert!(flash("sensor-1", "http://10.0.0.1:8440").failed(1).contains("no address of the form host:port"));
    let row = "[[device]]\ndevice = \"00000000000000000000000000000001\"\nname = \"roof\"\nmodel = \"sensor\"\nsite = \"office\"\n";
    fs::write(fleet.path().join("inventory/roof.toml"), row).unwrap();
    assert!(flash("roof", "10.0.0.1:8440").failed(1).contains("no key for roof"));
    flash("sensor-1", "10.0.0.1:8440").fine();
    let mode = fs::metadata(fleet.path().join("a.img")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds the private key");
    let again = flash("sensor-1", "10.0.0.1:8440").failed(1);
    assert!(again.contains("this device's already") && again.contains("--force"), "{again}");
    fs::remove_file(fleet.path().join("a.img")).unwrap();
    assert!(flash("sensor-1", "").err.contains("nobody to ask"));
    fs::remove_file(fleet.path().join("a.img")).unwrap();
    fs::remove_file(fleet.path().join("inventory/roof.toml")).unwrap();
    let layer = fleet.path().join("layers/device/sensor-1.toml");
    fs::create_dir_all(layer.parent().unwrap()).unwrap();
    fs::write(layer, "network.server = \"steadfast.example.org:8440\"\n").unwrap();
    fleet.commit("a server of its own");
    let pack = fleet.pack("a.pack");
    let more =
        ["--board", board, "--key", "keys/device/sensor-1.key", "--out", "a.img", "--pack", pack.to_str().unwrap()];
    let other = fleet.run(&[&["flash", "sensor-1", "--server", "10.0.0.1:8440"][..], &more].concat());
    assert!(other.err.contains("the pack says network.server = "), "{}", other.err);
    other.fine();
}

#[test]
fn devices_are_enrolled_once_and_listed() {
    let fleet = Fleet::new();
    assert!(fleet.run(&["device", "enroll", "sensor-1"]).failed(1).contains("has a key already"));
    assert!(fleet.run(&["device", "enroll", "roof"]).failed(1).contains("--model"));
    assert!(fleet.run(&["device", "enroll", "roof", "--model", "senso"]).failed(1).contains("no model `senso`"));
    let roof = ["device", "enroll", "roof", "--model", "sensor", "--label", "site=office"];
    assert!(fleet.run(&[&roof[..], &["--dry-run"]].concat()).fine().contains("would write"));
    fleet.run(&roof).fine();
    let list = json(&fleet.run(&["device", "list", "--worktree", "--format", "json"]).fine());
    let names: Vec<_> = list["devices"].as_array().unwrap().iter().map(|device| &device["name"]).collect();
    assert_eq!(names, ["roof", "sensor-1"]);
    let mode = fs::metadata(fleet.path().join("keys/device/roof.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_schema_beside_another_is_said_at_once_and_by_check() {
    let fleet = Fleet::new();
    let added = fleet.run(&["schema", "add", "schemas/sensor/sensor.toml"]);
    assert!(
        added.err.contains("sensor.toml is there too") && added.err.contains("schemas = [\"sensor.toml\", "),
        "{}",
        added.err
    );
    added.fine();
    let check = fleet.run(&["check", "--worktree"]).failed(1);
    assert!(check.contains("ambiguous-schema") && check.contains("\"sensor.toml\"]"), "{check}");
}

#[test]
fn two_fleets_of_one_repository_are_checked_built_and_published_apart() {
    let whole = tempfile::tempdir().unwrap();
    let top = whole.path();
    for name in ["prod", "test"] {
        let folder = format!("fleets/{name}");
        steadfast(top, &["init", &folder, "--name", name]).fine();
        steadfast(top, &["keys", "new", "--fleet", &folder]).fine();
    }
    git(top, &["init", "-q", "-b", "main"]);
    git(top, &["add", "-A"]);
    git(top, &["commit", "-q", "-m", "first"]);
    steadfast(top, &["check", "--fleet", "fleets/prod"]).fine();
    let out = top.join("prod.pack");
    let out = out.to_str().unwrap();
    steadfast(top, &["build", "--fleet", "fleets/prod", "--out", out]).fine();
    let key = "fleets/prod/keys/publisher.key";
    steadfast(top, &["sign", out, "--key", key, "--fleet", "fleets/prod"]).fine();
    steadfast(top, &["verify", out, "--fleet", "fleets/prod", "--recompute"]).fine();
    assert!(steadfast(top, &["verify", out, "--fleet", "fleets/test"]).failed(7).contains("fleet"));
    let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_steadfast"));
    serve.current_dir(top).args(["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    serve.args(["--keyring", "fleets/prod/keys/keyring", "--director-key", "fleets/prod/keys/director.key"]);
    let server = rig::Server::start(serve);
    let publish = |fleet: &str| {
        let (folder, key) = (format!("fleets/{fleet}"), format!("fleets/{fleet}/keys/publisher.key"));
        steadfast(top, &["publish", "--fleet", &folder, "--server", &server.url, "--key", &key])
    };
    assert!(publish("prod").fine().contains("published release 1"));
    assert!(publish("test").failed(1).contains("this server is of fleet"));
}
