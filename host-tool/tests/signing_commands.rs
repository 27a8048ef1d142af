//! Commits that git signs with SSH keys, as `publish`, `endorse` and `check` meet them. `src/signed_commit/tests.rs` has those made by hand.
//!
//! Where there is no `ssh-keygen` nothing can be signed, and these tests say so and end.

mod rig;

use std::fs;
use std::process::Command;

use rig::{Done, Fleet, Server, git};

/// A fleet whose commits Ann must sign.
struct Signed {
    fleet: Fleet,
}

impl Signed {
    /// None on a machine without `ssh-keygen`.
    fn new() -> Option<Self> {
        let fleet = Fleet::new();
        for name in ["ann", "eve"] {
            let key = fleet.beside(name);
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(key).status();
            if made.is_err() {
                eprintln!("not tried: there is no ssh-keygen (Debian: openssh-client)");
                return None;
            }
        }
        let signed = Self { fleet };
        signed.allow(&["ann"]);
        signed.set("allowed_signers = \"signers\"");
        signed.commit("ann", "only what Ann signs");
        Some(signed)
    }

    fn allow(&self, names: &[&str]) {
        let line = |name: &&str| {
            let key = fs::read_to_string(self.fleet.beside(&format!("{name}.pub"))).unwrap();
            format!("{name}@example.com namespaces=\"git\" {key}")
        };
        fs::write(self.fleet.path().join("signers"), names.iter().map(line).collect::<String>()).unwrap();
    }

    fn set(&self, setting: &str) {
        let path = self.fleet.path().join("steadfast.toml");
        let text = fs::read_to_string(&path).unwrap();
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("allowed_signers")).collect();
        fs::write(&path, kept.join("\n").replace("[fleet]\n", &format!("[fleet]\n{setting}\n")) + "\n").unwrap();
    }

    fn commit(&self, name: &str, message: &str) {
        let key = format!("user.signingkey={}", self.fleet.beside(name).display());
        git(&self.fleet.path(), &["add", "-A"]);
        let signed = ["-c", "gpg.format=ssh", "-c", &key, "commit", "-q", "-S", "--allow-empty", "-m", message];
        git(&self.fleet.path(), &signed);
    }

    fn publish(&self, server: &Server, more: &[&str]) -> Done {
        self.fleet.run(&[&["publish", "--server", &server.url, "--key", "keys/publisher.key"], more].concat())
    }
}

#[test]
fn only_what_an_allowed_signer_signed_is_published() {
    let Some(signed) = Signed::new() else { return };
    let server = signed.fleet.serve();
    let told = signed.publish(&server, &[]);
    assert!(told.err.contains("commit signed by ann@example.com, whom signers of commit "), "{}", told.err);
    told.fine();
    signed.fleet.set_period(2000);
    let unsigned = signed.publish(&server, &[]).failed(7);
    for expected in ["error[unsigned-commit]", "is not signed", "gpg.format ssh"] {
        assert!(unsigned.contains(expected), "{expected} in {unsigned}");
    }
    let pack = signed.fleet.pack("a.pack");
    let packed = ["publish", "--server", &server.url, "--pack", pack.to_str().unwrap()];
    assert!(signed.fleet.run(&packed).failed(7).contains("unsigned-commit"));
    let endorse = ["endorse", "--server", &server.url, "--key", "keys/publisher.key"];
    assert!(signed.fleet.run(&endorse).failed(7).contains("unsigned-commit"));
    signed.commit("eve", "Eve's");
    let strange = signed.publish(&server, &[]).failed(7);
    assert!(strange.contains("bad-commit-signature") && strange.contains("SHA256:"), "{strange}");
    signed.commit("ann", "Ann has looked");
    signed.publish(&server, &[]).fine();
}

#[test]
fn who_is_not_in_the_published_list_cannot_write_himself_into_it() {
    let Some(signed) = Signed::new() else { return };
    let server = signed.fleet.serve();
    signed.publish(&server, &[]).fine();
    signed.allow(&["ann", "eve"]);
    signed.commit("eve", "me too");
    assert!(signed.publish(&server, &[]).failed(7).contains("does not have"));
    signed.commit("eve", "and once more, now that I am in");
    assert!(signed.publish(&server, &[]).failed(7).contains("does not have"), "what was not published does not count");
    signed.set("");
    signed.commit("eve", "nobody asks any more");
    signed.publish(&server, &[]).failed(7);
    git(&signed.fleet.path(), &["reset", "-q", "--hard", "HEAD~1"]);
    signed.commit("ann", "Eve is one of us");
    signed.publish(&server, &[]).fine();
    signed.commit("eve", "thank you");
    signed.publish(&server, &[]).fine();
}

#[test]
fn check_asks_by_the_list_of_the_commit_before_or_by_one_that_is_named() {
    let Some(signed) = Signed::new() else { return };
    signed.commit("ann", "Ann's");
    signed.fleet.run(&["check", "--signed"]).fine();
    signed.commit("eve", "Eve's");
    signed.fleet.run(&["check"]).fine();
    assert!(signed.fleet.run(&["check", "--signed"]).failed(7).contains("bad-commit-signature"));
    let own = signed.fleet.beside("own");
    fs::copy(signed.fleet.path().join("signers"), &own).unwrap();
    let named = ["check", "--allowed-signers", own.to_str().unwrap()];
    signed.fleet.run(&named).failed(7);
    let eve = fs::read_to_string(signed.fleet.beside("eve.pub")).unwrap();
    fs::write(&own, format!("eve@example.com {eve}")).unwrap();
    assert!(signed.fleet.run(&named).err.contains("commit signed by eve@example.com"));
    fs::write(&own, "eve@example.com cert-authority ssh-ed25519 AAAA").unwrap();
    let broken = signed.fleet.run(&named).failed(1);
    assert!(broken.contains("bad-allowed-signers") && broken.contains("line 1 of "), "{broken}");
    signed.set("");
    signed.commit("ann", "nobody asks");
    signed.commit("ann", "nobody asks");
    assert!(signed.fleet.run(&["check", "--signed"]).failed(1).contains("nobody says who may sign"));
}

#[test]
fn a_list_that_cannot_be_read_is_an_error_at_its_line() {
    let fleet = Fleet::new();
    let path = fleet.path().join("steadfast.toml");
    let text = fs::read_to_string(&path).unwrap().replace("[fleet]\n", "[fleet]\nallowed_signers = \"signers\"\n");
    fs::write(&path, text).unwrap();
    let check = |more: &[&str]| fleet.run(&[&["check"], more].concat());
    fleet.commit("a list that is not there");
    for more in [&[][..], &["--worktree"]] {
        let refused = check(more).failed(1);
        assert!(refused.contains("bad-allowed-signers") && refused.contains("steadfast.toml:"), "{refused}");
    }
    fs::write(fleet.path().join("signers"), "ann ssh-ed25519 short\n").unwrap();
    assert!(check(&["--worktree"]).failed(1).contains("line 1 of "));
    fs::write(fleet.path().join("signers"), "# nobody yet\n").unwrap();
    check(&["--worktree"]).fine();
    fleet.commit("an empty list");
    check(&[]).fine();
}

#[test]
fn a_commit_that_was_changed_after_it_was_signed_is_refused() {
    let Some(signed) = Signed::new() else { return };
    let server = signed.fleet.serve();
    let object = git(&signed.fleet.path(), &["cat-file", "commit", "HEAD"]);
    let changed = signed.fleet.beside("object");
    fs::write(&changed, object.replace("only what Ann signs", "only what Eve signs")).unwrap();
    let id = git(&signed.fleet.path(), &["hash-object", "-t", "commit", "-w", changed.to_str().unwrap()]);
    git(&signed.fleet.path(), &["reset", "-q", "--hard", id.trim()]);
    let refused = signed.publish(&server, &[]).failed(7);
    assert!(refused.contains("was changed after it was signed") && refused.contains("do not publish it"), "{refused}");
}
