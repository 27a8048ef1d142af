//! The fleet that `steadfast init` writes, and it compiles as it is: a model, a device and a layer for each level; around that, unless only
//! the least is wanted, gateways that can be simulated, a rollout file, and jobs for continuous integration.

use thiserror::Error;

use super::files::SETTINGS_FILE;
use crate::schema;

/// Longest name of a fleet, in bytes.
const NAME_BYTES: usize = 64;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterFile {
    /// Its path below the fleet's folder.
    pub path: String,
    /// Its content.
    pub content: String,
}

/// Why no fleet can be made up.
#[derive(Debug, Error)]
pub enum StarterError {
    /// The name would not stand in a TOML file.
    #[error(
        "`{0}` cannot be a fleet's name: use 1 to {NAME_BYTES} printable characters without quotes and backslashes; give another with --name"
    )]
    Name(String),
    /// The system has no random bytes.
    #[error("the system gives no random bytes for the fleet's id: {0}")]
    NoRandom(String),
}

/// How much is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What a fleet cannot do without.
    Least,
    /// For a folder below the top of a repository: all but the jobs, which are looked for at the top alone.
    Below,
    /// Everything.
    Repository,
}

/// A path, and what is written there.
type Template = (&'static str, &'static str);

macro_rules! template {
    ($path:literal) => {
        ($path, include_str!(concat!("../../starter/", $path)))
    };
    ($path:literal from $file:literal) => {
        ($path, include_str!(concat!("../../", $file)))
    };
}

/// What a fleet cannot do without. `@NAME@`, `@FLEET@` and others are filled in, see [`fill`].
const LEAST: &[Template] = &[
    template!("steadfast.toml"),
    template!("README.md"),
    template!("inventory/devices.csv"),
    template!("labels/site/office.toml"),
    template!("layers/common.toml"),
    template!("layers/site/office.toml"),
    template!("schemas/sensor/sensor.toml"),
];

/// What makes it a fleet that can be tried, and that other people work on.
const MORE: &[Template] = &[
    template!("inventory/simulated.csv"),
    template!("layers/model/gateway.toml"),
    template!("schemas/gateway/gateway.toml"),
    template!("rollout.toml"),
    template!("policy/canary.rego"),
    template!("policy/canary_test.rego"),
    template!("policy/connectivity.rego"),
    template!("policy/connectivity_test.rego"),
    template!("policy/freeze.rego"),
    template!("policy/freeze_test.rego"),
    template!("policy/growth.rego"),
    template!("policy/growth_test.rego"),
    template!("policy/safety.rego"),
    template!("policy/safety_test.rego"),
    template!("simulator/run"),
    template!("simulator/gateway.toml"),
    template!("simulator/board.toml" from "../boards/linux-gateway/board.toml"),
    template!("simulator/check-sensor" from "../boards/linux-gateway/sample/check-sensor"),
];

/// The jobs, at the top of a repository.
const JOBS: &[Template] = &[
    template!(".github/workflows/steadfast.yml" from "starter/ci/check.yml"),
    template!(".github/workflows/steadfast-comment.yml" from "starter/ci/comment.yml"),
    template!(".gitlab-ci.yml" from "starter/ci/gitlab.yml"),
];

/// The second model, at the end of `steadfast.toml`.
const GATEWAY_MODEL: &str = include_str!("../../starter/gateway-model.toml");

/// What keeps private keys out of git. Not a template, because it would apply to the templates' own folder.
const GITIGNORE: &str = "# Private keys never belong into git, nor flash images, which hold one each; keyrings do.\n/keys/*\n!/keys/keyring/\n/simulator/devices/\n*.elf\n*.img\n*.pack\n*.sig\n";

/// The files of a new fleet of this name, with ids at random.
///
/// # Errors
/// [`StarterError`].
pub fn files(name: &str, extent: Extent) -> Result<Vec<StarterFile>, StarterError> {
    let sound = |c: char| !c.is_control() && c != '"' && c != '\\';
    if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(sound) {
        return Err(StarterError::Name(name.to_owned()));
    }
    let parts: &[&[Template]] = match extent {
        Extent::Least => &[LEAST],
        Extent::Below => &[LEAST, MORE],
        Extent::Repository => &[LEAST, MORE, JOBS],
    };
    let filled = fill(name)?;
    let mut files = Vec::new();
    for (path, text) in parts.iter().copied().flatten() {
        let mut content = (*text).to_owned();
        if *path == SETTINGS_FILE && extent != Extent::Least {
            content.push_str(GATEWAY_MODEL);
        }
        filled.iter().for_each(|(mark, value)| content = content.replace(mark, value));
        files.push(StarterFile { path: (*path).to_owned(), content });
    }
    files.push(StarterFile { path: ".gitignore".to_owned(), content: GITIGNORE.to_owned() });
    Ok(files)
}

/// What stands in the templates for what differs from fleet to fleet, and its values.
fn fill(name: &str) -> Result<Vec<(&'static str, String)>, StarterError> {
    let mut filled = vec![("@VERSION@", env!("CARGO_PKG_VERSION").to_owned()), ("@SCHEMA@", gateway_schema())];
    for mark in ["@FLEET@", "@DEVICE@", "@GATEWAY-1@", "@GATEWAY-2@", "@GATEWAY-3@"] {
        filled.push((mark, random_id()?));
    }
    // Last, so that nothing in it is taken for a mark.
    filled.push(("@NAME@", name.to_owned()));
    Ok(filled)
}

/// The id of the gateways' schema.
fn gateway_schema() -> String {
    let (_, text) = template!("schemas/gateway/gateway.toml");
    let schema = schema::from_file("gateway.toml", text.as_bytes()).expect("the template is a schema, as a test shows");
    schema.id.to_string()
}

/// 16 random bytes in hexadecimal.
fn random_id() -> Result<String, StarterError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StarterError::NoRandom(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
