//! That the link always leads to whole files, whatever interrupts the change.

use tempfile::TempDir;

use super::*;

fn release(number: u8, files: &[(&str, &str)]) -> Release {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    Release { id: ContentId([number; 16]), files: files.collect() }
}

fn old() -> Release {
    release(1, &[("network.json", "old network"), ("sampling.json", "old sampling"), ("gone.json", "gone")])
}

fn new() -> Release {
    release(2, &[("network.json", "new network"), ("sampling.json", "new sampling")])
}

fn target() -> (TempDir, Target) {
    let folder = TempDir::new().unwrap();
    let target = Target::new(folder.path().join("target"));
    (folder, target)
}

/// Applies and says that the application took it.
fn settle(target: &Target, release: Option<&Release>) {
    target.apply(release).unwrap();
    target.taken().unwrap();
}

fn in_force(target: &Target) -> Option<BTreeMap<String, Vec<u8>>> {
    let current = target.current();
    let names = names(&current).unwrap();
    fs::symlink_metadata(&current).ok()?;
    Some(names.into_iter().map(|name| (name.clone(), fs::read(current.join(name)).unwrap())).collect())
}

/// Everything in the target but the link and marker, relative.
fn folders(target: &Target) -> Vec<String> {
    let mut names = names(&target.folder.join(RELEASES)).unwrap();
    names.sort();
    names
}

/// Runs `apply` and ends it before its change number `last`; whether it came to its end.
fn interrupted(target: &Target, release: Option<&Release>, last: usize) -> bool {
    let mut changes = 0;
    let mut before = |_: &str| {
        changes += 1;
        if changes > last { Err(io::Error::other("the process ends here")) } else { Ok(()) }
    };
    target.apply_with(release, &mut Disk { before: &mut before }).is_ok()
}

#[test]
fn wherever_a_change_is_interrupted_one_whole_configuration_is_in_force_and_trying_again_completes() {
    let (old, new) = (old(), new());
    let cases = [(None, Some(&new)), (Some(&old), Some(&new)), (Some(&old), None)];
    let mut interruptions = 0;
    for (from, to) in cases {
        for last in 0.. {
            let (_folder, target) = target();
            settle(&target, from);
            let done = interrupted(&target, to, last);
            let (found, files) =
                (in_force(&target), |release: Option<&Release>| release.map(|release| release.files.clone()));
            assert!(found == files(from) || found == files(to), "change {last}: {found:?}");
            assert!(!done || found == files(to), "done, and not in force");
            // Unless nothing was changed that an application could have seen, it is told.
            assert!(to.is_none() || target.apply(to).unwrap() == Applied::Reload, "change {last}");
            target.apply(to).unwrap();
            assert_eq!(in_force(&target), files(to), "change {last}");
            interruptions += 1;
            if done {
                break;
            }
        }
    }
    assert!(interruptions > 40, "only {interruptions} interruptions");
}

#[test]
fn the_link_is_switched_only_after_every_file_and_folder_is_on_the_disk() {
    let (_folder, target) = target();
    settle(&target, Some(&old()));
    let mut changes = Vec::new();
    let mut before = |change: &str| {
        changes.push(change.replace(&format!("{}/", target.folder.display()), ""));
        Ok(())
    };
    target.apply_with(Some(&new()), &mut Disk { before: &mut before }).unwrap();
    let at = |change: &str| {
        changes.iter().position(|made| made == change).unwrap_or_else(|| panic!("{change}: {changes:?}"))
    };
    let switch = at("rename current");
    let place = at(&format!("rename releases/{}", new().id));
    for file in ["network.json", "sampling.json"] {
        assert!(at(&format!("finish releases/.new/{file}")) < at(&format!("sync releases/.new/{file}")));
        assert!(at(&format!("sync releases/.new/{file}")) < at("sync releases/.new"));
    }
    assert!(at("sync releases/.new") < place && place < at("sync releases") && at("sync releases") < switch);
    assert!(at("remove .reloaded") < switch);
    assert!(changes[switch..].iter().any(|change| change.starts_with("sync ")), "the switch itself is made to last");
}

#[test]
fn the_same_content_again_changes_nothing_and_needs_no_reload() {
    let (_folder, target) = target();
    assert_eq!(target.apply(Some(&new())).unwrap(), Applied::Reload);
    assert_eq!(target.apply(Some(&new())).unwrap(), Applied::Reload, "the application has not taken it");
    target.taken().unwrap();
    let none = |change: &str| panic!("{change}");
    let mut disk = Disk { before: &mut |change| none(change) };
    assert_eq!(target.apply_with(Some(&new()), &mut disk).unwrap(), Applied::InPlace);
}

#[test]
fn nothing_configured_is_no_link() {
    let (_folder, target) = target();
    assert_eq!(target.apply(None).unwrap(), Applied::InPlace);
    settle(&target, Some(&new()));
    assert_eq!(target.apply(None).unwrap(), Applied::Reload);
    assert_eq!(in_force(&target), None);
    assert_eq!(target.apply(None).unwrap(), Applied::InPlace);
}

#[test]
fn files_that_somebody_changed_are_replaced_by_one_switch_each_time() {
    let (_folder, target) = target();
    settle(&target, Some(&new()));
    for place in ["network.json", "extra.json", "sampling.json"] {
        fs::write(target.current().join(place), "by hand").unwrap();
        assert_eq!(target.apply(Some(&new())).unwrap(), Applied::Reload, "{place}");
        assert_eq!(in_force(&target), Some(new().files), "{place}");
        assert_eq!(target.in_force().unwrap(), Some(new().id.to_string()));
    }
}

#[test]
fn going_back_needs_no_new_files() {
    let (_folder, target) = target();
    settle(&target, Some(&old()));
    settle(&target, Some(&new()));
    let no_files = |change: &str| assert!(!change.starts_with("open"), "{change}");
    let mut before = |change: &str| {
        no_files(change);
        Ok(())
    };
    target.apply_with(Some(&old()), &mut Disk { before: &mut before }).unwrap();
    assert_eq!(in_force(&target), Some(old().files));
}

#[test]
fn pruning_keeps_what_is_asked_for_and_what_is_in_force() {
    let (_folder, target) = target();
    let third = release(3, &[("network.json", "third")]);
    for release in [&old(), &new(), &third] {
        settle(&target, Some(release));
    }
    fs::create_dir(target.folder.join(RELEASES).join(NEW)).unwrap();
    target.prune(&[old().id]).unwrap();
    assert_eq!(folders(&target), [old().id.to_string(), third.id.to_string()]);
    assert_eq!(in_force(&target), Some(third.files));
}

#[test]
fn a_target_that_cannot_be_used_is_named_and_what_was_in_force_stays() {
    let (folder, target) = target();
    // A file where a folder should be: no privilege helps against that.
    fs::write(folder.path().join("target"), "").unwrap();
    let words = target.apply(Some(&new())).unwrap_err().to_string();
    assert!(words.contains("target"), "{words}");

    let target = Target::new(folder.path().join("other"));
    settle(&target, Some(&old()));
    fs::write(target.folder.join(RELEASES).join(NEW), "").unwrap();
    assert!(matches!(target.apply(Some(&new())), Err(TargetError::Disk { .. })));
    assert_eq!(in_force(&target), Some(old().files));
}

#[test]
fn something_else_in_the_place_of_the_link_is_left_alone() {
    let (_folder, target) = target();
    fs::create_dir_all(target.current()).unwrap();
    assert!(matches!(target.apply(Some(&new())), Err(TargetError::NotALink { .. })));
    assert!(target.current().is_dir());
}
