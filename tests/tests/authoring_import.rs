//! Several fleets in one repository: each alone, and layers that they share at a pinned commit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use steadfast::compile::{Compiled, compile, explain};
use steadfast::diagnostics::{Code, Diagnostics};
use steadfast::fleet::{At, Fleet};
use steadfast_tests::fleet_folder::{FleetFolder, git};
use steadfast_tests::fleetgen::small;

const PROD: &str = "fleets/prod";
const SETTINGS: &str = "fleets/prod/steadfast.toml";
const SHARED: &str = "shared/layers/region/eu.toml";

/// A repository whose fleet `prod` takes the layers of regions from `shared`, as they were in its first commit.
struct Repository {
    folder: FleetFolder,
    first: String,
}

fn repository() -> Repository {
    let folder = FleetFolder::new();
    let fleet = small();
    for region in ["eu", "us"] {
        let path = format!("layers/region/{region}.toml");
        folder.write(&format!("shared/{path}"), std::fs::read(fleet.path().join(&path)).unwrap());
        fleet.remove(&path);
    }
    // Nobody here is in Asia.
    folder.write("shared/layers/region/asia.toml", "[sampling]\nperiod_ms = 900\n");
    folder.init();
    let first = git(folder.path(), &["rev-parse", "HEAD"]);
    copy(&fleet, &folder, PROD);
    let repository = Repository { folder, first };
    repository.import("../../shared", &repository.first);
    repository.folder.commit("prod");
    repository
}

/// Copies a fleet into a folder of the repository.
fn copy(fleet: &FleetFolder, repository: &FleetFolder, to: &str) {
    let to = repository.path().join(to);
    std::fs::create_dir_all(&to).unwrap();
    let mut copy = std::process::Command::new("cp");
    assert!(copy.arg("-r").arg(fleet.path().join(".")).arg(to).status().unwrap().success());
}

impl Repository {
    fn import(&self, path: &str, rev: &str) {
        let settings = std::fs::read_to_string(self.folder.path().join(SETTINGS)).unwrap();
        let rest = settings.lines().filter(|line| !line.starts_with("import")).collect::<Vec<_>>().join("\n");
        let import = format!("import = [{{ path = \"{path}\", rev = \"{rev}\" }}]\n{rest}\n");
        self.folder.write(SETTINGS, import);
    }

    fn prod(&self) -> PathBuf {
        self.folder.path().join(PROD)
    }

    fn open(&self, at: &At) -> Result<Fleet, Diagnostics> {
        Fleet::open(&self.prod(), at)
    }

    fn compile(&self, at: &At) -> Result<Compiled, Diagnostics> {
        compile(&self.open(at)?)
    }

    /// What stands in the region's layer of Europe, for each sensor of Berlin.
    fn period(&self, at: &At) -> i64 {
        let fleet = self.open(at).unwrap();
        let fields = explain(&fleet, fleet.device("s1").unwrap(), None).fields;
        let period = fields.into_iter().find(|one| one.field == "sampling.period_ms").unwrap();
        period.value.unwrap().as_i64().unwrap()
    }
}

#[test]
fn imported_layers_give_what_own_ones_would() {
    let repository = repository();
    let alone = small().compile().unwrap();
    let compiled = repository.compile(&At::Head).unwrap();
    assert_eq!((compiled.objects, compiled.manifests, compiled.leaves), (alone.objects, alone.manifests, alone.leaves));
    // What another fleet needs, like Asia, is no mistake.
    assert_eq!(compiled.warnings.warnings(), 0);
}

#[test]
fn a_promotion_is_the_commit_that_moves_the_pin() {
    let repository = repository();
    repository.folder.replace(SHARED, "500", "600");
    let second = repository.folder.commit("shared: slower in Europe");
    assert_eq!(repository.period(&At::Head), 500);
    repository.import("../../shared", &second);
    repository.folder.commit("prod: what test has run");
    assert_eq!(repository.period(&At::Head), 600);
    assert_eq!(repository.period(&At::Commit("HEAD~1".to_owned())), 500);
}

#[test]
fn a_worktree_reads_its_imports_from_git() {
    let repository = repository();
    repository.folder.replace(SHARED, "500", "600");
    assert_eq!(repository.period(&At::Worktree), 500);
    // Nor does it make the fleet's own folder dirty.
    assert_eq!(repository.period(&At::Head), 500);
}

#[test]
fn places_name_the_imported_file_and_its_commit() {
    let repository = repository();
    repository.folder.replace(SHARED, "500", "5");
    let second = repository.folder.commit("shared: too fast");
    repository.import("../../shared", &second);
    let shown = format!("../../shared/layers/region/eu.toml@{}", &second[..10]);
    let diagnostics = repository.compile(&At::Worktree).unwrap_err();
    let at = diagnostics.list()[0].position().unwrap();
    assert_eq!((&*at.path, at.line, at.column), (&*shown, 5, 13));
    let fleet = repository.open(&At::Worktree).unwrap();
    let explanation = explain(&fleet, fleet.device("s1").unwrap(), None);
    assert!(explanation.layers.contains(&shown), "{:?}", explanation.layers);
}

#[test]
fn a_wrong_import_is_found_in_its_place() {
    type Change = fn(&Repository);
    let elsewhere: Change = |r| {
        git(r.folder.path(), &["checkout", "--quiet", "-b", "side"]);
        let side = r.folder.commit("side");
        git(r.folder.path(), &["checkout", "--quiet", "main"]);
        r.import("../../shared", &side);
    };
    let cases: &[(&str, Change, Code)] = &[
        ("a branch", |r| r.import("../../shared", "main"), Code::BadImport),
        ("a short id", |r| r.import("../../shared", &r.first[..12]), Code::BadImport),
        ("an id of nothing", |r| r.import("../../shared", &"7".repeat(40)), Code::BadImport),
        ("a commit of another branch", elsewhere, Code::BadImport),
        ("a folder outside", |r| r.import("../../../shared", &r.first), Code::BadImport),
        ("an absolute folder", |r| r.import("/shared", &r.first), Code::BadImport),
        ("a folder without layers", |r| r.import("../../sharde", &r.first), Code::BadImport),
        ("a layer of its own", |r| r.folder.write("fleets/prod/layers/region/eu.toml", ""), Code::ImportConflict),
        (
            "the same folder twice",
            |r| {
                let one = format!("{{ path = \"../../shared\", rev = \"{}\" }}", r.first);
                let settings = std::fs::read_to_string(r.folder.path().join(SETTINGS)).unwrap();
                r.folder.write(SETTINGS, settings.replace(&one, &format!("{one}, {one}")));
            },
            Code::ImportConflict,
        ),
    ];
    for (name, change, code) in cases {
        let repository = repository();
        change(&repository);
        let diagnostics = repository.compile(&At::Worktree).map(|_| name).unwrap_err();
        let mut found: BTreeMap<Code, usize> = BTreeMap::new();
        diagnostics.list().iter().for_each(|one| *found.entry(one.code()).or_default() += 1);
        assert_eq!(found.into_keys().collect::<Vec<_>>(), [*code], "{name}: {diagnostics}");
        for one in diagnostics.list() {
            let at = one.position().unwrap();
            assert_eq!((&*at.path, at.line, one.help().is_empty()), ("steadfast.toml", 1, false), "{name}");
        }
    }
}

#[test]
fn without_git_nothing_is_imported() {
    let repository = repository();
    std::fs::remove_dir_all(repository.folder.path().join(".git")).unwrap();
    assert_eq!(repository.compile(&At::Worktree).unwrap_err().list()[0].code(), Code::BadImport);
}

#[test]
fn two_fleets_of_one_repository_do_not_touch_each_other() {
    let repository = repository();
    let before = repository.compile(&At::Head).unwrap();
    let test = small();
    copy(&test, &repository.folder, "fleets/test");
    let both = Fleet::open(&repository.folder.path().join("fleets/test"), &At::Worktree).unwrap();
    assert_eq!(compile(&both).unwrap().objects, before.objects);
    // The other fleet is not committed, and this one is clean all the same.
    assert_eq!(repository.compile(&At::Head).unwrap().source, before.source);
    repository.folder.write("fleets/test/layers/common.toml", "broken");
    repository.folder.commit("test: broken");
    let after = repository.compile(&At::Head).unwrap();
    assert_eq!((after.objects, after.source.sequence), (before.objects, before.source.sequence + 1));
}
