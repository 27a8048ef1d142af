//! Wrong inputs that are not one file of a folder: repositories, commits, imports, schemas of several firmwares; and warnings.

use steadfast::compile::compile;
use steadfast::diagnostics::{Code, Diagnostics};
use steadfast::fleet::{At, Fleet};
use steadfast::policy::{self, Rules};
use steadfast_tests::fleet_folder::{FleetFolder, git};
use steadfast_tests::fleetgen::small;

use super::snapshots::{Said, compare, must_have_its_parts};
use super::{CSV, EU, SETTINGS, append};

/// Name, change, what is read, finding.
type Case = (&'static str, fn(&FleetFolder), At, Code);

/// The fault, or the warnings of a fleet without.
fn said(folder: &FleetFolder, at: &At) -> Diagnostics {
    let compiled = Fleet::open(folder.path(), at).and_then(|fleet| compile(&fleet));
    compiled.map_or_else(|faults| faults, |compiled| compiled.warnings)
}

fn try_all(group: &str, cases: &[Case]) {
    let mut all = Vec::new();
    for (name, change, at, code) in cases {
        let folder = small();
        change(&folder);
        let diagnostics = said(&folder, at);
        let codes: Vec<Code> = diagnostics.list().iter().map(|one| one.code()).collect();
        assert_eq!(codes, [*code], "{name}: {diagnostics}");
        all.push(Said::new(name, &folder, diagnostics));
    }
    must_have_its_parts(&all);
    compare(group, &all);
}

/// Commits an import of `shared` beside the fleet, with this path and commit.
fn import(folder: &FleetFolder, path: &str, rev: &str) {
    folder.write("shared/layers/region/eu.toml", "");
    if !folder.path().join(".git").exists() {
        folder.init();
    }
    folder.replace(SETTINGS, "layers =", &format!("import = [{{ path = \"{path}\", rev = \"{rev}\" }}]\nlayers ="));
}

/// The commit that holds the folder to be imported.
fn shared(folder: &FleetFolder) -> String {
    folder.write("shared/layers/region/eu.toml", "");
    folder.init();
    git(folder.path(), &["rev-parse", "HEAD"])
}

/// Removes the object of a revision.
fn lose(folder: &FleetFolder, revision: &str) {
    let id = git(folder.path(), &["rev-parse", revision]);
    folder.remove(&format!(".git/objects/{}/{}", &id[..2], &id[2..]));
}

/// A model of two firmwares, the older without `burst`, and its one device.
fn pump(folder: &FleetFolder, layer: &str) {
    let old = "[section.sampling.fields]\nperiod = { type = \"u32\", default = 7 }\n";
    folder.write("schemas/pump/old.toml", old);
    folder.write("schemas/pump/new.toml", format!("{old}burst = {{ type = \"u8\", default = 1 }}\n"));
    append(folder, SETTINGS, "\n[models.pump]\nslot_bytes = 4096\nschemas = [\"old.toml\", \"new.toml\"]");
    folder.write("inventory/pumps.csv", format!("device,name,model,region\n{:032x},p1,pump,asia\n", 99));
    folder.write("layers/model/pump.toml", "");
    folder.write("layers/region/asia.toml", "");
    folder.write("layers/device/p1.toml", layer);
}

#[test]
fn every_wrong_repository_is_named() {
    let head = || At::Head;
    let cases: &[Case] = &[
        ("no repository", |_| (), head(), Code::NotARepository),
        ("no commit yet", |f| drop(git(f.path(), &["init", "--quiet"])), head(), Code::UnknownCommit),
        ("a revision of nothing", |f| f.init(), At::Commit("no-such-branch".to_owned()), Code::UnknownCommit),
        (
            "files that are not committed",
            |f| {
                f.init();
                f.replace(EU, "500", "600");
            },
            head(),
            Code::DirtyTree,
        ),
        (
            "a shallow clone",
            |f| {
                f.init();
                let first = git(f.path(), &["rev-parse", "HEAD"]);
                f.commit("second");
                f.write(".git/shallow", format!("{first}\n"));
            },
            head(),
            Code::ShallowClone,
        ),
        (
            "a grafted history",
            |f| {
                f.init();
                let first = git(f.path(), &["rev-parse", "HEAD"]);
                f.write(".git/info/grafts", format!("{first}\n"));
            },
            head(),
            Code::RewrittenHistory,
        ),
        (
            "a folder that git has lost",
            |f| {
                f.init();
                lose(f, "HEAD:layers");
            },
            head(),
            Code::BrokenRepository,
        ),
        (
            "an import without a repository",
            |f| {
                f.replace(SETTINGS, "layers =", "import = [{ path = \"shared\", rev = \"0123\" }]\nlayers =");
            },
            At::Worktree,
            Code::BadImport,
        ),
        ("an import of a branch", |f| import(f, "shared", "main"), At::Worktree, Code::BadImport),
        (
            "an import of elsewhere",
            |f| {
                let first = shared(f);
                import(f, "../shared", &first);
            },
            At::Worktree,
            Code::BadImport,
        ),
        (
            "an import of no layers",
            |f| {
                let first = shared(f);
                import(f, "sharde", &first);
            },
            At::Worktree,
            Code::BadImport,
        ),
        (
            "one layer from two places",
            |f| {
                let first = shared(f);
                import(f, "shared", &first);
            },
            At::Worktree,
            Code::ImportConflict,
        ),
    ];
    try_all("repository", cases);
}

#[test]
fn every_wrong_link_and_schema_is_named() {
    let cases: &[Case] = &[
        (
            "a layer that is a link",
            |f| {
                f.remove(EU);
                std::os::unix::fs::symlink("us.toml", f.path().join(EU)).unwrap();
            },
            At::Worktree,
            Code::UnreadableFile,
        ),
        (
            "a value that an older firmware lacks",
            |f| pump(f, "[sampling]\nburst = 4\n"),
            At::Worktree,
            Code::SchemaSkew,
        ),
        (
            "a section with secrets",
            |f| {
                pump(f, "");
                f.write("schemas/pump/old.toml", "[section.keys]\nsecret = true\n[section.keys.fields]\na = \"u8\"\n");
                f.replace(SETTINGS, ", \"new.toml\"", "");
                f.remove("schemas/pump/new.toml");
            },
            At::Worktree,
            Code::SecretSection,
        ),
        (
            "nothing but on_unsupported = \"hold\"",
            |f| pump(f, "on_unsupported = \"wait\"\n"),
            At::Worktree,
            Code::BadValue,
        ),
    ];
    try_all("schemas", cases);
}

#[test]
fn every_warning_says_what_to_do() {
    let cases: &[Case] = &[
        ("a layer that nobody has", |f| f.write("layers/site/pairs.toml", ""), At::Worktree, Code::UnusedFile),
        (
            "a label that nobody has",
            |f| f.write("labels/site/pairs.toml", "region = \"eu\"\n"),
            At::Worktree,
            Code::UnusedFile,
        ),
        ("an inventory in capitals", |f| f.write("inventory/MORE.CSV", "device\n"), At::Worktree, Code::UnusedFile),
        ("schemas of no model", |f| f.write("schemas/sensr/a.toml", "[section]\n"), At::Worktree, Code::UnusedFile),
        (
            "a patch for nobody",
            |f| {
                f.replace(SETTINGS, "\"device/{name}?\"", "\"patches/*\"");
                f.remove("layers/device/r2.toml");
                f.write("layers/patches/a.toml", "match = 'site == \"oslo\"'\n[alarms]\nlow = 1\n");
            },
            At::Worktree,
            Code::IdlePatch,
        ),
        (
            "a value that an older firmware waits for",
            |f| pump(f, "on_unsupported = \"hold\"\n[sampling]\nburst = 4\n"),
            At::Worktree,
            Code::SchemaHeld,
        ),
        (
            "no devices",
            |f| {
                f.write(CSV, "device,name,model\n");
                f.write("inventory/routers.toml", "");
                for gone in ["layers", "labels"] {
                    std::fs::remove_dir_all(f.path().join(gone)).unwrap();
                }
            },
            At::Worktree,
            Code::NoDevices,
        ),
    ];
    try_all("warnings", cases);
}

#[test]
fn every_wrong_rule_is_named() {
    let cases: &[(&str, &str)] = &[
        ("an open bracket", "package policy.night\ndeny contains \"no\" if {\n\tinput.counts.changed > 1\n"),
        ("a function that there is not", "package policy.night\ndeny contains msg if msg := sprntf(\"%d\", [1])\n"),
        ("a misspelt name of the input", "package policy.night\ndeny contains \"no\" if input.cuonts.changed > 1\n"),
        ("the clock", "package policy.night\ndeny contains \"no\" if time.now_ns() > 0\n"),
        ("neither deny nor warn", "package policy.night\ndney contains \"no\" if input.counts.changed > 1\n"),
        ("a function that calls itself", "package policy.night\nf(x) := f(x)\ndeny contains \"no\" if f(1)\n"),
    ];
    let mut all = Vec::new();
    for (name, text) in cases {
        let folder = small();
        folder.write("policy/night.rego", text);
        let faults =
            Rules::in_folder(&folder.path().join("policy")).and_then(|rules| policy::cases(&rules)).unwrap_err();
        let codes: Vec<Code> = faults.list().iter().map(|one| one.code()).collect();
        assert_eq!(codes, [Code::BadRule], "{name}: {faults}");
        all.push(Said::new(name, &folder, faults));
    }
    must_have_its_parts(&all);
    compare("rules", &all);
}
