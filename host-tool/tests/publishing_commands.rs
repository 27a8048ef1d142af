//! The rules of publishing as a script meets them: history, numbers, floors, the tool's version, and keys that programs hold.

mod rig;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rig::{Done, Fleet, Server, git};
use steadfast::compile::compile;
use steadfast::fleet::{At, Fleet as Reader};
use steadfast::keys::{KeyFile, Purpose, Signer as _};
use steadfast::pack::Pack;
use steadfast::release::{Issue, build};
use steadfast::sign;

/// Writes a key of `[fleet]`, and commits.
fn set(fleet: &Fleet, key: &str, value: &str) {
    let path = fleet.path().join("steadfast.toml");
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with(&format!("{key} ="))).collect();
    let text = kept.join("\n").replace("[fleet]\n", &format!("[fleet]\n{key} = {value}\n")) + "\n";
    fs::write(&path, text).unwrap();
    fleet.commit(&format!("{key} = {value}"));
}

fn publish(fleet: &Fleet, server: &Server, more: &[&str]) -> Done {
    fleet.run(&[&["publish", "--server", &server.url, "--key", "keys/publisher.key"], more].concat())
}

fn head(fleet: &Fleet) -> String {
    git(&fleet.path(), &["rev-parse", "HEAD"]).trim().to_owned()
}

#[test]
fn a_release_number_grows_with_history_and_an_offset_that_falls_is_refused() {
    let fleet = Fleet::new();
    let server = fleet.serve();
    set(&fleet, "sequence_offset", "100");
    assert!(publish(&fleet, &server, &[]).fine().contains("published release 102"));
    set(&fleet, "sequence_offset", "90");
    let refused = publish(&fleet, &server, &[]).failed(1);
    assert!(refused.contains("number is 93, and release 102") && refused.contains("by at least 10 "), "{refused}");
    set(&fleet, "sequence_offset", "100");
    assert!(publish(&fleet, &server, &[]).fine().contains("published release 104"));
}

#[test]
fn a_rewritten_history_is_published_only_when_it_is_said_and_its_number_is_larger() {
    let fleet = Fleet::new();
    let server = fleet.serve();
    fleet.set_period(2000);
    fleet.set_period(3000);
    publish(&fleet, &server, &[]).fine();
    git(&fleet.path(), &["checkout", "-q", "--orphan", "anew"]);
    fleet.commit("all of it in one");
    let refused = publish(&fleet, &server, &[]).failed(1);
    assert!(refused.contains("does not descend") && refused.contains("--new-history"), "{refused}");
    let small = publish(&fleet, &server, &["--new-history"]).failed(1);
    assert!(small.contains("by at least 3 "), "{small}");
    set(&fleet, "sequence_offset", "3");
    assert!(publish(&fleet, &server, &[]).failed(1).contains("does not descend"));
    assert!(publish(&fleet, &server, &["--new-history"]).fine().contains("published release 5"));
    fleet.set_period(4000);
    assert!(publish(&fleet, &server, &[]).fine().contains("published release 6"), "from here on by descent again");
}

#[test]
fn a_floor_is_a_commit_of_the_line_that_neither_falls_nor_runs_ahead() {
    let fleet = Fleet::new();
    let server = fleet.serve();
    let first = head(&fleet);
    fleet.set_period(2000);
    let second = head(&fleet);
    publish(&fleet, &server, &[]).fine();
    git(&fleet.path(), &["checkout", "-q", "-b", "side"]);
    fleet.commit("beside");
    let beside = head(&fleet);
    git(&fleet.path(), &["checkout", "-q", "main"]);
    for wrong in [beside.as_str(), "main", &second[..10]] {
        set(&fleet, "floor", &format!("\"{wrong}\""));
        let refused = publish(&fleet, &server, &[]).failed(1);
        assert!(refused.contains("not among the first-parent ancestors") && refused.contains("full id"), "{refused}");
    }
    set(&fleet, "floor", &format!("\"{}\"", head(&fleet)));
    assert!(publish(&fleet, &server, &[]).failed(1).contains("publish without it first"), "above what is published");
    set(&fleet, "floor", &format!("\"{second}\""));
    publish(&fleet, &server, &[]).fine();
    set(&fleet, "floor", &format!("\"{first}\""));
    assert!(publish(&fleet, &server, &[]).failed(1).contains("a floor never falls"));
}

#[test]
fn another_version_than_the_pinned_one_publishes_nothing() {
    let fleet = Fleet::new();
    let server = fleet.serve();
    let path = fleet.path().join("steadfast.toml");
    let text = fs::read_to_string(&path).unwrap();
    let pin = |version: &str| {
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("tool =")).collect();
        fs::write(&path, format!("tool = \"{version}\"\n{}\n", kept.join("\n"))).unwrap();
        fleet.commit("another version");
    };
    pin("99.0.0");
    let refused = publish(&fleet, &server, &[]).failed(1);
    assert!(refused.contains("wrong-tool") && refused.contains("install 99.0.0"), "{refused}");
    assert!(fleet.run(&["status", "--server", &server.url]).out.contains("no release is published yet"));
    pin(env!("CARGO_PKG_VERSION"));
    publish(&fleet, &server, &[]).fine();
}

/// A file that names this script as the holder of the publisher's key. The script finds its folder in `$1`.
fn signer(fleet: &Fleet, script: &str) -> String {
    let key = KeyFile::load_for(&fleet.path().join("keys/publisher.key"), Purpose::Publisher).unwrap();
    let path = fleet.beside("signer.toml");
    let folder = fleet.beside("");
    let text = format!(
        "public_key = \"{}\"\ncommand = [\"sh\", \"-c\", '{script}', \"sign\", \"{}\"]\n",
        steadfast::hex::encode(&key.public_key().0),
        folder.display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_program_that_holds_the_key_signs_for_sign_and_for_publish() {
    let fleet = Fleet::new();
    let server = fleet.serve();
    let pack = fleet.beside("a.pack");
    let name = pack.to_str().unwrap();
    fleet.run(&["build", "--out", name]).fine();
    let message = sign::message(&Pack::open(&pack).unwrap());
    let key = KeyFile::load_for(&fleet.path().join("keys/publisher.key"), Purpose::Publisher).unwrap();
    fs::write(fleet.beside("message"), message.bytes()).unwrap();
    fs::write(fleet.beside("signature"), key.sign(message.bytes()).unwrap()).unwrap();
    let good = signer(&fleet, "cmp - $1/message && cat $1/signature");
    let with = |command: &[&str], signer: &str| fleet.run(&[command, &["--signer", signer]].concat());
    with(&["sign", name, "--recompute"], &good).fine();
    assert!(fleet.run(&["verify", name]).fine().contains("good: "));
    let publish = ["publish", "--server", &server.url];
    with(&publish, &good).fine();
    fleet.set_period(2000);
    for (script, why) in [
        ("cat $1/signature", "does not verify under this key"),
        ("echo locked >&2; exit 4", "ended with exit status: 4"),
        ("head -c 10 $1/signature", "gave 10 bytes"),
    ] {
        let refused = with(&publish, &signer(&fleet, script)).failed(1);
        assert!(refused.contains(why), "{script}: {refused}");
    }
    let refused = with(&publish, "README.md").failed(1);
    assert!(refused.contains("is no signer file"), "{refused}");
    let newest = fleet.run(&["status", "--server", &server.url, "--format", "json"]).out;
    assert!(newest.contains("\"sequence\": 1"), "nothing was published: {newest}");
}

#[test]
fn a_pack_that_its_commit_does_not_compile_to_is_not_signed() {
    let fleet = Fleet::new();
    let source = Reader::open(&fleet.path(), &At::Head).unwrap().source;
    fs::create_dir_all(fleet.path().join("layers/device")).unwrap();
    fs::write(fleet.path().join("layers/device/sensor-1.toml"), "sampling.period_ms = 7000\n").unwrap();
    let read = Reader::open(&fleet.path(), &At::Worktree).unwrap();
    let mut compiled = compile(&read).unwrap();
    compiled.source = source;
    let forged = build(&compiled, Issue { fleet: read.settings.id, epoch: 1 }).unwrap();
    let pack = fleet.beside("a.pack");
    fs::write(&pack, forged.bytes()).unwrap();
    let sign = ["sign", pack.to_str().unwrap(), "--key", "keys/publisher.key", "--recompute"];
    let refused = fleet.run(&sign).failed(7);
    assert!(refused.contains("compiles to another pack") && refused.contains("do not sign"), "{refused}");
    fleet.run(&["build", "--commit", "HEAD", "--out", sign[1]]).fine();
    fleet.run(&sign).fine();
}
