//! Commits and clones: what may be built from, which number a commit gets, and what is refused.

use std::path::Path;

use steadfast::compile::{Compiled, compile};
use steadfast::diagnostics::{Code, Diagnostics};
use steadfast::fleet::{At, Fleet};
use steadfast_core::release::CommitId;
use steadfast_tests::fleet_folder::{FleetFolder, git};
use steadfast_tests::fleetgen::small;

fn compile_in(folder: &Path, at: &At) -> Result<Compiled, Diagnostics> {
    compile(&Fleet::open(folder, at)?)
}

/// The only error, which must come with a next step.
fn refusal(folder: &Path, at: &At) -> Code {
    let diagnostics = compile_in(folder, at).unwrap_err();
    let [one] = diagnostics.list() else { panic!("one error, not {diagnostics}") };
    assert!(!one.help().is_empty());
    one.code()
}

fn committed() -> FleetFolder {
    let folder = small();
    folder.init();
    folder
}

fn clone(folder: &FleetFolder, arguments: &[&str]) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    let (from, to) = (format!("file://{}", folder.path().display()), target.path().join("clone"));
    git(folder.path(), &[&["clone", "--quiet"], arguments, &[&from, to.to_str().unwrap()]].concat());
    target
}

#[test]
fn the_sequence_counts_first_parents_and_adds_the_offset() {
    let folder = committed();
    git(folder.path(), &["checkout", "--quiet", "-b", "side"]);
    folder.commit("side 1");
    folder.commit("side 2");
    git(folder.path(), &["checkout", "--quiet", "main"]);
    folder.replace("steadfast.toml", "[models.router]", "sequence_offset = 100\n\n[models.router]");
    // The new key belongs to [fleet], which stands above.
    folder.commit("second");
    git(folder.path(), &["merge", "--quiet", "--no-ff", "--message", "merge", "side"]);
    let compiled = folder.compile_at(&At::Head).unwrap();
    assert_eq!(compiled.source.sequence, 103);
    assert!(matches!(compiled.source.commit, CommitId::Sha1(id) if id != [0; 20]));
}

#[test]
fn a_commit_is_read_as_it_is_whatever_lies_in_the_folder() {
    let folder = committed();
    let first = git(folder.path(), &["rev-parse", "HEAD"]);
    let before = folder.compile_at(&At::Head).unwrap();
    folder.replace("layers/region/eu.toml", "500", "600");
    assert_eq!(refusal(folder.path(), &At::Head), Code::DirtyTree);
    assert_eq!(folder.compile_at(&At::Commit(first.clone())).unwrap().objects, before.objects);
    assert_ne!(folder.compile_at(&At::Worktree).unwrap().objects, before.objects);
    folder.commit("second");
    assert_ne!(folder.compile_at(&At::Head).unwrap().objects, before.objects);
    let again = folder.compile_at(&At::Commit(first[..10].to_owned())).unwrap();
    assert_eq!((again.source, again.objects), (before.source, before.objects));
}

#[test]
fn new_and_removed_files_make_a_tree_dirty_and_foreign_ones_do_not() {
    let folder = committed();
    folder.write("notes.txt", "nobody reads this");
    folder.write("layers/.swap", "nor this");
    assert!(folder.compile_at(&At::Head).is_ok());
    folder.write("layers/site/paris.toml", "");
    assert_eq!(refusal(folder.path(), &At::Head), Code::DirtyTree);
    folder.remove("layers/site/paris.toml");
    folder.remove("layers/site/berlin.toml");
    assert_eq!(refusal(folder.path(), &At::Head), Code::DirtyTree);
}

#[test]
fn a_worktree_is_compiled_without_any_commit() {
    let folder = small();
    let compiled = folder.compile().unwrap();
    assert_eq!((compiled.source.worktree, compiled.source.sequence), (true, 0));
    assert_eq!(refusal(folder.path(), &At::Head), Code::NotARepository);
    git(folder.path(), &["init", "--quiet"]);
    assert_eq!(refusal(folder.path(), &At::Head), Code::UnknownCommit);
    assert!(folder.compile().is_ok());
}

#[test]
fn what_is_no_commit_is_refused() {
    let folder = committed();
    for wrong in ["0123456789", "no-such-branch", "HEAD~7", "HEAD:layers"] {
        assert_eq!(refusal(folder.path(), &At::Commit(wrong.to_owned())), Code::UnknownCommit, "{wrong}");
    }
}

#[test]
fn a_shallow_clone_is_refused() {
    let folder = committed();
    folder.commit("second");
    let shallow = clone(&folder, &["--depth", "1"]);
    assert_eq!(refusal(&shallow.path().join("clone"), &At::Head), Code::ShallowClone);
    let whole = clone(&folder, &[]);
    assert_eq!(compile_in(&whole.path().join("clone"), &At::Head).unwrap().source.sequence, 2);
}

#[test]
fn replaced_and_grafted_histories_are_refused() {
    let folder = committed();
    folder.commit("second");
    let second = folder.commit("third");
    git(folder.path(), &["replace", "--graft", &second]);
    assert_eq!(refusal(folder.path(), &At::Head), Code::RewrittenHistory);
    git(folder.path(), &["replace", "-d", &second]);
    assert!(folder.compile_at(&At::Head).is_ok());
    folder.write(".git/info/grafts", format!("{second}\n"));
    assert_eq!(refusal(folder.path(), &At::Head), Code::RewrittenHistory);
}

#[test]
fn a_damaged_repository_is_refused() {
    let folder = committed();
    let tree = git(folder.path(), &["rev-parse", "HEAD:layers/common.toml"]);
    folder.remove(&format!(".git/objects/{}/{}", &tree[..2], &tree[2..]));
    let diagnostics = compile_in(folder.path(), &At::Head).unwrap_err();
    assert_eq!(diagnostics.list()[0].code(), Code::UnreadableFile);
}

#[test]
fn the_floor_is_the_sequence_of_the_commit_that_it_names() {
    let folder = committed();
    let first = git(folder.path(), &["rev-parse", "HEAD"]);
    let second = folder.commit("second");
    folder.replace("steadfast.toml", "[models.router]", &format!("floor = \"{second}\"\n\n[models.router]"));
    folder.commit("third");
    let source = folder.compile_at(&At::Head).unwrap().source;
    assert_eq!((source.sequence, source.floor), (3, 2));
    let written = std::fs::read_to_string(folder.path().join("steadfast.toml")).unwrap();
    for wrong in [&first[..12], "main", "HEAD", &"0".repeat(40)] {
        folder.write("steadfast.toml", written.replace(&second, wrong));
        assert_eq!(refusal(folder.path(), &At::Worktree), Code::BadFloor, "{wrong}");
    }
}

#[test]
fn a_link_is_never_followed() {
    let folder = small();
    folder.remove("layers/region/eu.toml");
    std::os::unix::fs::symlink("us.toml", folder.path().join("layers/region/eu.toml")).unwrap();
    assert_eq!(refusal(folder.path(), &At::Worktree), Code::UnreadableFile);
    folder.init();
    assert_eq!(refusal(folder.path(), &At::Head), Code::UnreadableFile);
}
