//! The gateway's own configuration, `gateway.toml`: what is particular to the machine it runs on.
//!
//! It is not fleet configuration. Nothing that git decides stands here; what stands here does not change with a release.
//! Relative paths count from the file's own folder, which is also the working directory of every command.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use steadfast_core::id::SchemaId;
use steadfast_core::manifest::is_name;
use thiserror::Error;

use crate::command::Program;
use crate::server::Server;

/// Shortest interval or time-out: below it a check would only heat the machine.
const SECONDS_MIN: f64 = 0.05;

/// Longest interval, time-out or grace: longer than any trial, an hour.
const SECONDS_MAX: f64 = 3600.0;

/// How a section's file is named and read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Render {
    /// `network.json`
    #[default]
    Json,
    /// `network.toml`
    Toml,
}

impl Render {
    /// The name of a section's file.
    #[must_use]
    pub fn file_name(self, section: &str) -> String {
        match self {
            Self::Json => format!("{section}.json"),
            Self::Toml => format!("{section}.toml"),
        }
    }
}

/// The field of the fleet configuration that says where the server is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerFrom {
    /// The section.
    pub section: String,
    /// The field, text of the form `host:port`.
    pub field: String,
}

/// What a health check does.
#[derive(Clone, Debug)]
pub enum Probe {
    /// Runs a command; exit status 0 is a pass.
    Command(Program),
    /// Asks a URL; a status from 200 to 299 is a pass.
    Http {
        /// The URL.
        url: String,
        /// How long it may take.
        timeout: Duration,
    },
}

/// A health check.
#[derive(Clone, Debug)]
pub struct CheckConfig {
    /// What it does.
    pub probe: Probe,
    /// The pause between two runs.
    pub interval: Duration,
    /// How long after an activation a failure counts as not ready yet, unless the check has passed before.
    pub grace: Duration,
}

/// A gateway's configuration with every path made absolute.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The flash image.
    pub image: PathBuf,
    /// The image's layout, unless it is the built-in one.
    pub layout: Option<PathBuf>,
    /// Where releases and the link `current` live.
    pub target: PathBuf,
    /// The schema of the fleet configuration.
    pub schema: SchemaId,
    /// How sections are rendered.
    pub render: Render,
    /// Where to ask while no configuration says it; `None` leaves it to the identity.
    pub server: Option<Server>,
    /// What part of the fleet configuration names the server from then on.
    pub server_from: Option<ServerFrom>,
    /// What build of the application runs here. When it changes, rejected configurations are tried again.
    pub application: String,
    /// Tells the application to take the new files.
    pub reload: Option<Program>,
    /// The health checks by name.
    pub checks: BTreeMap<String, CheckConfig>,
}

/// Why a configuration was not taken.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the gateway's configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not parse, or has a key too many or too few.
    #[error("the gateway's configuration {} does not parse\n{source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column, excerpt and what was expected.
        source: Box<toml::de::Error>,
    },
    /// A value makes no sense.
    #[error("the gateway's configuration {}: {key}: {what}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong with it, and what would not be.
        what: String,
    },
    /// A command's program is not there, or not executable.
    #[error("the program {program} of `{key}` is not there, or may not be run; install it or correct gateway.toml")]
    Program {
        /// The command's key.
        key: String,
        /// Its program.
        program: String,
    },
}

impl GatewayConfig {
    /// Reads a configuration. Nothing that it names is touched.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { path: path.into(), source };
        let text = fs::read_to_string(path).map_err(read)?;
        let path = std::path::absolute(path).map_err(read)?;
        let written: Written = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.clone(), source: Box::new(source) })?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        written.settle(folder).map_err(|(key, what)| ConfigError::Value { path: path.clone(), key, what })
    }
}

impl GatewayConfig {
    /// Looks for the programs of all commands.
    ///
    /// # Errors
    /// [`ConfigError::Program`] for the first that could not be run.
    pub fn find_programs(&self) -> Result<(), ConfigError> {
        let reload = self.reload.iter().map(|program| ("reload.command".to_owned(), program));
        let checks = self.checks.iter().filter_map(|(name, check)| match &check.probe {
            Probe::Command(program) => Some((format!("checks.{name}.command"), program)),
            Probe::Http { .. } => None,
        });
        match reload.chain(checks).find(|(_, program)| !program.is_there()) {
            Some((key, program)) => Err(ConfigError::Program { key, program: program.name().into() }),
            None => Ok(()),
        }
    }
}

/// A key and what is wrong with it.
type Wrong = (String, String);

fn wrong(key: &str, what: impl Into<String>) -> Wrong {
    (key.into(), what.into())
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    image: PathBuf,
    layout: Option<PathBuf>,
    target: PathBuf,
    schema: String,
    #[serde(default)]
    render: Render,
    server: Option<Server>,
    server_from: Option<ServerFrom>,
    #[serde(default)]
    application: String,
    reload: Option<WrittenReload>,
    #[serde(default)]
    checks: BTreeMap<String, WrittenCheck>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReload {
    command: Vec<String>,
    #[serde(default = "WrittenReload::timeout")]
    timeout_seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCheck {
    command: Option<Vec<String>>,
    http: Option<String>,
    #[serde(default = "WrittenCheck::interval")]
    interval_seconds: f64,
    #[serde(default = "WrittenCheck::timeout")]
    timeout_seconds: f64,
    #[serde(default = "WrittenCheck::grace")]
    grace_seconds: f64,
}

impl WrittenReload {
    /// A service manager gives a service about as long to reload.
    const fn timeout() -> f64 {
        30.0
    }
}

impl WrittenCheck {
    /// Often enough to see a pass and a failure within the shortest trial, 30 s.
    const fn interval() -> f64 {
        2.0
    }

    const fn timeout() -> f64 {
        5.0
    }

    /// A program that was told to reload needs a moment.
    const fn grace() -> f64 {
        5.0
    }

    fn settle(self, name: &str, folder: &Path) -> Result<CheckConfig, Wrong> {
        let key = |field: &str| format!("checks.{name}.{field}");
        if !is_name(name) {
            return Err(wrong(
                &format!("checks.{name}"),
                "names are a-z, 0-9 and _, from a letter on, at most 32 characters",
            ));
        }
        let timeout = seconds(&key("timeout_seconds"), self.timeout_seconds)?;
        let probe = match (self.command, self.http) {
            (Some(command), None) => Probe::Command(program(&key("command"), command, folder, timeout)?),
            (None, Some(url)) if url.starts_with("http://") => Probe::Http { url, timeout },
            (None, Some(_)) => return Err(wrong(&key("http"), "must begin with http://")),
            _ => return Err(wrong(&format!("checks.{name}"), "wants either `command` or `http`")),
        };
        let grace = match self.grace_seconds {
            0.0 => Duration::ZERO,
            grace => seconds(&key("grace_seconds"), grace)?,
        };
        Ok(CheckConfig { probe, interval: seconds(&key("interval_seconds"), self.interval_seconds)?, grace })
    }
}

impl Written {
    fn settle(self, folder: &Path) -> Result<GatewayConfig, Wrong> {
        let schema = SchemaId::from_hex(&self.schema)
            .ok_or_else(|| wrong("schema", "wants the 64 hexadecimal digits that `steadfast schema show` prints"))?;
        if schema.0 == [0; 32] {
            return Err(wrong("schema", "is all zeros, which no schema is; `steadfast schema list` shows the fleet's"));
        }
        if let Some(from) = self.server_from.as_ref().filter(|from| !is_name(&from.section)) {
            return Err(wrong("server_from.section", format!("`{}` cannot name a section", from.section)));
        }
        let reload = self.reload.map(|reload| {
            let timeout = seconds("reload.timeout_seconds", reload.timeout_seconds)?;
            program("reload.command", reload.command, folder, timeout)
        });
        let checks = self.checks.into_iter().map(|(name, check)| Ok((name.clone(), check.settle(&name, folder)?)));
        Ok(GatewayConfig {
            image: folder.join(self.image),
            layout: self.layout.map(|layout| folder.join(layout)),
            target: folder.join(self.target),
            schema,
            render: self.render,
            server: self.server,
            server_from: self.server_from,
            application: self.application,
            reload: reload.transpose()?,
            checks: checks.collect::<Result<_, Wrong>>()?,
        })
    }
}

fn seconds(key: &str, seconds: f64) -> Result<Duration, Wrong> {
    if (SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(wrong(key, format!("{seconds} is not between {SECONDS_MIN} and {SECONDS_MAX} seconds")))
}

fn program(key: &str, mut command: Vec<String>, folder: &Path, timeout: Duration) -> Result<Program, Wrong> {
    let name = command.first_mut().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| wrong(key, "wants a program and its arguments, such as [\"./check\", \"-v\"]"))?;
    // Whether a relative program is looked up before or after the change of directory is not defined; so it is never relative.
    if name.contains('/') {
        *name = folder.join(&*name).to_string_lossy().into_owned();
    }
    Ok(Program { command, folder: folder.into(), timeout })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        image = "gateway.img"
        target = "/etc/app"
        schema = "SCHEMA"
        server_from = { section = "network", field = "server" }
        reload.command = ["./reload", "-q"]
        [checks.sensor]
        command = ["true"]
        interval_seconds = 0.5
        [checks.web]
        http = "http://127.0.0.1:1/health"
        grace_seconds = 0
    "#;

    fn load(text: &str) -> Result<GatewayConfig, ConfigError> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("gateway.toml");
        fs::write(&path, text.replace("SCHEMA", &"5e".repeat(32))).unwrap();
        GatewayConfig::load(&path).inspect(|config| assert_eq!(config.image, folder.path().join("gateway.img")))
    }

    #[test]
    fn paths_count_from_the_file_and_defaults_are_filled_in() {
        let config = load(GOOD).unwrap();
        assert_eq!(config.target, Path::new("/etc/app"));
        let reload = config.reload.unwrap();
        assert_eq!(Path::new(&reload.command[0]), config.image.with_file_name("reload"));
        assert_eq!(reload.timeout, Duration::from_secs(30));
        let Probe::Command(sensor) = &config.checks["sensor"].probe else { panic!("a command") };
        assert_eq!(sensor.command, ["true"]);
        assert_eq!(config.checks["sensor"].interval, Duration::from_millis(500));
        assert_eq!(config.checks["web"].grace, Duration::ZERO);
        assert_eq!(config.render.file_name("network"), "network.json");
    }

    #[test]
    fn every_wrong_value_is_an_error_that_names_its_key() {
        let cases = [
            ("server_from = { section = \"network\"", "server_from = { section = \"Net\"", "server_from.section"),
            ("SCHEMA", "5e", "schema"),
            ("SCHEMA", &"0".repeat(64), "schema"),
            ("[checks.sensor]", "[checks.Sensor]", "checks.Sensor"),
            ("command = [\"true\"]", "command = []", "checks.sensor.command"),
            ("command = [\"true\"]", "", "checks.sensor"),
            ("command = [\"true\"]", "command = [\"true\"]\nhttp = \"http://x\"", "checks.sensor"),
            ("interval_seconds = 0.5", "interval_seconds = 0", "checks.sensor.interval_seconds"),
            ("interval_seconds = 0.5", "timeout_seconds = 1e9", "checks.sensor.timeout_seconds"),
            ("http://127.0.0.1:1/health", "https://127.0.0.1/", "checks.web.http"),
            ("grace_seconds = 0", "grace_seconds = -1", "checks.web.grace_seconds"),
            ("[\"./reload\", \"-q\"]", "[\"\"]", "reload.command"),
        ];
        for (from, to, wanted) in cases {
            assert!(GOOD.contains(from), "{from}");
            match load(&GOOD.replace(from, to)).unwrap_err() {
                ConfigError::Value { key, .. } => assert_eq!(key, wanted),
                other => panic!("{to}: {other}"),
            }
        }
    }

    #[test]
    fn unknown_keys_wrong_types_and_missing_keys_come_with_their_line() {
        let cases = [
            ("image =", "imgae =", "imgae"),
            ("target = \"/etc/app\"", "target = 7", "target = 7"),
            ("[checks.web]", "[checks.web]\nintervall = 3", "intervall"),
            ("image = \"gateway.img\"", "", "image"),
            ("reload.command", "server = \"nowhere\"\n reload.command", "nowhere"),
        ];
        for (from, to, named) in cases {
            let error = load(&GOOD.replace(from, to)).unwrap_err();
            let words = error.to_string();
            assert!(matches!(error, ConfigError::Parse { .. }), "{words}");
            assert!(words.contains("gateway.toml") && words.contains("line") && words.contains(named), "{words}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let words = GatewayConfig::load(Path::new("/nonexistent/gateway.toml")).unwrap_err().to_string();
        assert!(words.contains("/nonexistent/gateway.toml"), "{words}");
    }
}
