//! The fleet that `steadfast init` writes: one model, one device, a layer for each level, and it compiles.

use thiserror::Error;

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

macro_rules! template {
    ($path:literal) => {
        ($path, include_str!(concat!("../../starter/", $path)))
    };
}

/// Paths and contents; `@NAME@`, `@FLEET@` and `@DEVICE@` are filled in.
const TEMPLATES: [(&str, &str); 7] = [
    template!("steadfast.toml"),
    template!("README.md"),
    template!("inventory/devices.csv"),
    template!("labels/site/office.toml"),
    template!("layers/common.toml"),
    template!("layers/site/office.toml"),
    template!("schemas/sensor/sensor.toml"),
];

/// What keeps private keys out of git. Not a template, because it would apply to the templates' own folder.
const GITIGNORE: &str = "# Private keys never belong into git, nor flash images, which hold one each; keyrings do.\n/keys/*\n!/keys/keyring/\n*.elf\n*.img\n*.pack\n*.sig\n";

/// The files of a new fleet of this name, with an id at random.
///
/// # Errors
/// [`StarterError`].
pub fn files(name: &str) -> Result<Vec<StarterFile>, StarterError> {
    let sound = |c: char| !c.is_control() && c != '"' && c != '\\';
    if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(sound) {
        return Err(StarterError::Name(name.to_owned()));
    }
    let (fleet, device) = (random_id()?, random_id()?);
    let fill = |text: &str| text.replace("@NAME@", name).replace("@FLEET@", &fleet).replace("@DEVICE@", &device);
    let templates = TEMPLATES.iter().map(|(path, text)| StarterFile { path: (*path).to_owned(), content: fill(text) });
    let ignore = StarterFile { path: ".gitignore".to_owned(), content: GITIGNORE.to_owned() };
    Ok(templates.chain([ignore]).collect())
}

/// 16 random bytes in hexadecimal.
fn random_id() -> Result<String, StarterError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StarterError::NoRandom(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
