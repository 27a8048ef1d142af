//! Who wrote the lines that `explain` shows, with `git blame` for a judge.

use std::collections::{BTreeMap, BTreeSet};

use steadfast::blame::{Asked, lines, of_explanation};
use steadfast::compile::explain;
use steadfast::fleet::{At, Fleet};
use steadfast::git::Repository;
use steadfast_tests::fleet_folder::{FleetFolder, git};

const COMMON: &str = "prod/layers/common.toml";
const SCHEMA: &str = "[section.a.fields]\nx = \"u8\"\ny = { type = \"u8\", default = 1 }\nz = { type = \"u8\", default = 1 }\nown = { type = \"u8\", default = 1 }\nshared = { type = \"u8\", default = 1 }\n";

/// A repository with a fleet in a folder, and layers in another that it imports.
struct Story {
    folder: FleetFolder,
    /// Each commit by its author.
    commits: BTreeMap<&'static str, String>,
}

impl Story {
    /// Commits everything as somebody, on the so-many-th of the month.
    fn commit(&mut self, author: &'static str, day: u8) -> String {
        let folder = self.folder.path();
        git(folder, &["add", "--all"]);
        let (who, when) = (format!("{author} <{author}@example.org>"), format!("2026-03-{day:02}T12:00:00+0200"));
        git(folder, &["commit", "--quiet", "--message", author, "--author", &who, "--date", &when]);
        let id = git(folder, &["rev-parse", "HEAD"]);
        self.commits.insert(author, id.clone());
        id
    }

    /// Several authors, a merge, a moved file, an imported layer.
    fn told() -> Self {
        let mut story = Self { folder: FleetFolder::new(), commits: BTreeMap::new() };
        let folder = story.folder.path().to_owned();
        git(&folder, &["init", "--quiet", "--initial-branch=main"]);
        let write = |story: &Self, path: &str, text: &str| story.folder.write(path, text);
        write(&story, "shared/layers/region/eu.toml", "# Europe\n[a]\nshared = 3\n");
        let shared = story.commit("ann", 1);
        let settings = format!(
            "layers = [\"common\", \"region/eu\", \"site/{{site}}\"]\nimport = [{{ path = \"../shared\", rev = \"{shared}\" }}]\n\
             [fleet]\nname = \"f\"\nid = \"00000000000000000000000000000001\"\n[models.m]\nslot_bytes = 4096\n"
        );
        write(&story, "prod/steadfast.toml", &settings);
        write(&story, "prod/schemas/m/m.toml", SCHEMA);
        write(&story, "prod/inventory/all.csv", &format!("device,name,model,site,set.a.own\n{:032x},d,m,north,9\n", 1));
        write(&story, COMMON, "[a]\nx = 1\ny = 1\n");
        write(&story, "prod/layers/site/north.toml", "# the north\n[a]\nz = 3\n");
        story.commit("ben", 2);
        // Above it, so that the lines move.
        write(&story, COMMON, "# Everywhere.\n\n# Nothing else.\n[a]\nx = 1\ny = 1\n");
        story.commit("cat", 3);
        git(&folder, &["checkout", "--quiet", "-b", "side"]);
        write(&story, COMMON, "# Everywhere.\n\n# Nothing else.\n[a]\nx = 1\ny = 7\n");
        story.commit("dan", 4);
        git(&folder, &["checkout", "--quiet", "main"]);
        write(&story, "shared/layers/region/eu.toml", "# Europe\n# later\n[a]\nshared = 4\n");
        story.commit("eve", 5);
        git(&folder, &["merge", "--quiet", "--no-ff", "--message", "merge", "side"]);
        git(&folder, &["mv", "prod/layers/site/north.toml", "prod/layers/site/hill.toml"]);
        story.folder.replace("prod/inventory/all.csv", "north", "hill");
        story.commit("fay", 6);
        write(&story, COMMON, "# Everywhere.\n\n[a]\nx = 1\ny = 7\n");
        story.commit("gus", 7);
        story
    }

    /// The author and day of every line that sets a value, by field.
    fn blamed(&self, at: &At) -> BTreeMap<String, String> {
        let folder = self.folder.path().join("prod");
        let fleet = Fleet::open(&folder, at).unwrap();
        let explanation = explain(&fleet, fleet.device("d").unwrap(), None);
        let blame = of_explanation(&Repository::discover(&folder).unwrap(), &fleet, &explanation).unwrap();
        let fields = explanation.fields.iter().filter(|field| field.field.starts_with("a."));
        let by = fields.map(|field| {
            let position = &field.history.last().unwrap().position;
            let by = blame.get(&(position.path.clone(), position.line));
            let by = by.map_or("nobody".to_owned(), |by| {
                assert_eq!(by.commit, self.commits[by.author.as_str()]);
                assert_eq!(by.email, format!("{}@example.org", by.author));
                format!("{} {}", by.author, by.date)
            });
            (field.field.clone(), by)
        });
        by.collect()
    }
}

#[test]
fn each_value_names_who_wrote_it_and_when() {
    let story = Story::told();
    let expected = [
        // The row was changed as a whole: a line is a line.
        ("a.own", "fay 2026-03-06"),
        // From another folder, at the commit that is pinned.
        ("a.shared", "ann 2026-03-01"),
        // Moved down, and up again, in its file.
        ("a.x", "ben 2026-03-02"),
        // Through a merge.
        ("a.y", "dan 2026-03-04"),
        // With its file.
        ("a.z", "ben 2026-03-02"),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(field, by)| (field.to_owned(), by.to_owned())).into();
    assert_eq!(story.blamed(&At::Head), expected);
    // Of lines that lie in the folder only those are anybody's that were committed.
    story.folder.replace(COMMON, "x = 1", "x = 5");
    let mut changed = expected;
    changed.insert("a.x".to_owned(), "nobody".to_owned());
    assert_eq!(story.blamed(&At::Worktree), changed);
}

/// What `git blame` says of each line of a file at a commit.
fn oracle(folder: &FleetFolder, commit: &str, path: &str) -> Vec<String> {
    let told = git(folder.path(), &["blame", "--line-porcelain", commit, "--", path]);
    let is_head = |line: &&str| {
        line.split(' ').next().is_some_and(|id| id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    told.lines().filter(is_head).map(|line| line[..40].to_owned()).collect()
}

fn ours(folder: &FleetFolder, commit: &str, path: &str) -> Vec<String> {
    let repository = Repository::discover(folder.path()).unwrap();
    let text = git(folder.path(), &["show", &format!("{commit}:{path}")]) + "\n";
    let all: BTreeSet<usize> = (1..=text.lines().count()).collect();
    let asked = Asked { commit: repository.commit(commit).unwrap(), path: path.to_owned(), text: &text, lines: all };
    let found = lines(&repository, &[asked]).unwrap().remove(0);
    found.into_values().map(|written| written.commit.clone()).collect()
}

#[test]
fn it_is_what_git_blame_says() {
    let story = Story::told();
    for (path, lines) in [
        (COMMON, 5),
        ("prod/layers/site/hill.toml", 3),
        ("prod/steadfast.toml", 7),
        ("shared/layers/region/eu.toml", 4),
    ] {
        let (expected, found) = (oracle(&story.folder, "HEAD", path), ours(&story.folder, "HEAD", path));
        assert_eq!((found.len(), found), (lines, expected), "{path}");
    }
    // Histories of inserted, deleted and changed lines, with branches and merges. No line is written twice, so there is one true answer.
    let folder = FleetFolder::new();
    let mut seed = 7_u64;
    let mut draw = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut fresh = 0;
    let mut text: Vec<String> = (0..12).map(|line| format!("first {line}")).collect();
    let write = |text: &[String]| folder.write("f.toml", text.join("\n") + "\n");
    write(&text);
    folder.init();
    for round in 0..40 {
        let branch = format!("b{round}");
        let sides = if round % 4 == 0 { 2 } else { 1 };
        for side in 0..sides {
            // Each side has a half of the file, so that they merge.
            let half = text.len() / 2;
            let at =
                if side == 1 { draw(half.saturating_sub(2).max(1)) } else { half + 1 + draw(text.len() - half - 1) };
            let mut changed = text.clone();
            fresh += 1;
            match draw(4) {
                0 if text.len() > 8 => drop(changed.remove(at)),
                1 => changed[at] = format!("changed {fresh}"),
                _ => changed.insert(at, format!("new {fresh}")),
            }
            if side == 1 {
                git(folder.path(), &["checkout", "--quiet", "-b", &branch, "HEAD~1"]);
            }
            write(&changed);
            folder.commit(&format!("{round} {side}"));
            if side + 1 == sides && sides == 1 {
                text = changed;
            }
        }
        if sides == 2 {
            git(folder.path(), &["checkout", "--quiet", "main"]);
            git(folder.path(), &["merge", "--quiet", "--no-ff", "-X", "ours", "--message", "merge", &branch]);
            let merged = std::fs::read_to_string(folder.path().join("f.toml")).unwrap();
            text = merged.lines().map(str::to_owned).collect();
        }
    }
    let (expected, found) = (oracle(&folder, "HEAD", "f.toml"), ours(&folder, "HEAD", "f.toml"));
    assert!(expected.iter().collect::<BTreeSet<_>>().len() > 10);
    assert_eq!(found, expected);
}
