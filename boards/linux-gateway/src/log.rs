//! What the gateway says of itself: one line for each change of state, on standard error.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, its kind under `event`.
    Json,
}

/// Something changed. Contents are named by their id in hexadecimal; `None` stands for the application's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The process started.
    Started { version: &'static str, device: String, fleet: String, after: &'static str },
    /// A driver started: at first, and after every restart that the core asked for.
    Booted { generation: u32, confirmed: Option<String>, trial: Option<String> },
    /// The server answered, after it had not or for the first time.
    Reached { server: String },
    /// The server stopped to answer.
    Unreached { server: String, why: String },
    /// The server answers, and has nothing for this device under its schema.
    Unlisted { schema: String },
    /// The application was given a configuration.
    Activated { content: Option<String>, server: String, reload: Reload },
    /// The configuration could not be given to the application.
    NotActivated { content: Option<String>, why: String },
    /// A configuration is staged and its trial recorded, a boot of the trial was counted, or it waits for the server.
    Trial { content: String, stage: &'static str, boots_left: u8 },
    /// A trial ended well.
    Confirmed { content: String },
    /// It ended otherwise.
    Ended { ending: &'static str, content: String, reason: u16, words: String, detail: String },
    /// A newer release was taken over, or a floor rose.
    Adopted { epoch: u32, sequence: u32, floor_epoch: u32, floor_sequence: u32 },
    /// Another keyring is believed.
    Keyring { version: u32 },
    /// Something was not taken; no content where none was understood.
    Refused { content: Option<String>, reason: u16, words: &'static str },
    /// A health check changed.
    Check { name: String, state: &'static str, words: String },
    /// Files of former configurations could not be removed.
    NotPruned { why: String },
    /// A flash operation failed.
    Flash { why: String },
    /// The process ends.
    Stopped,
}

/// What became of the reload command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reload {
    /// It was not needed: these files were in place.
    NotNeeded,
    /// It went well, or there is none.
    Done,
    /// The image holds nothing whole, but the files in force were verified once: they stay.
    Kept,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_defaults = |content: &Option<String>| content.clone().unwrap_or_else(|| "defaults".into());
        match self {
            Self::Started { version, device, fleet, after } => {
                write!(f, "started {version}: device {device} of fleet {fleet}, after {after}")
            }
            Self::Booted { generation, confirmed, trial } => {
                write!(f, "booted: record {generation}, confirmed {}", confirmed.as_deref().unwrap_or("nothing"))?;
                trial.iter().try_for_each(|trial| write!(f, ", on trial {trial}"))
            }
            Self::Reached { server } => write!(f, "reached {server}"),
            Self::Unreached { server, why } => write!(f, "no answer from {server}: {why}"),
            Self::Unlisted { schema } => write!(
                f,
                "the server has nothing for this device with schema {schema}; `steadfast why` says what its release has"
            ),
            Self::Activated { content, server, reload } => {
                let reload = match reload {
                    Reload::NotNeeded => ", in place already",
                    Reload::Done => "",
                    Reload::Kept => ", but the files in force stay",
                };
                write!(f, "activated {}{reload}; server {server}", or_defaults(content))
            }
            Self::NotActivated { content, why } => write!(f, "not activated {}: {why}", or_defaults(content)),
            Self::Trial { content, stage, boots_left } => {
                write!(f, "trial of {content}: {stage}, boots left {boots_left}")
            }
            Self::Confirmed { content } => write!(f, "confirmed {content}"),
            Self::Ended { ending, content, words, detail, .. } => {
                write!(f, "{ending} {content}")?;
                [words, detail].iter().filter(|words| !words.is_empty()).try_for_each(|words| write!(f, ": {words}"))
            }
            Self::Adopted { epoch, sequence, floor_epoch, floor_sequence } => {
                write!(f, "adopted release {epoch}.{sequence}, floor {floor_epoch}.{floor_sequence}")
            }
            Self::Refused { content: Some(content), words, .. } => write!(f, "refused {content}: {words}"),
            Self::Refused { words, .. } => write!(f, "refused an answer: {words}"),
            Self::Keyring { version } => write!(f, "believes keyring {version}"),
            Self::Check { name, state, words } if words.is_empty() => write!(f, "check {name}: {state}"),
            Self::Check { name, state, words } => write!(f, "check {name}: {state}: {words}"),
            Self::NotPruned { why } => write!(f, "cannot remove what is not needed any more: {why}"),
            Self::Flash { why } => write!(f, "flash: {why}"),
            Self::Stopped => write!(f, "stopped"),
        }
    }
}

/// Where the lines go. Copies share it.
#[derive(Clone)]
pub struct Log {
    format: Format,
    sink: Arc<Mutex<dyn Write + Send>>,
}

impl Log {
    /// A log on standard error.
    #[must_use]
    pub fn to_stderr(format: Format) -> Self {
        Self::to(format, io::stderr())
    }

    /// A log into `sink`.
    pub fn to(format: Format, sink: impl Write + Send + 'static) -> Self {
        Self { format, sink: Arc::new(Mutex::new(sink)) }
    }

    /// Writes one line. A log that cannot be written to does not stop a gateway.
    pub fn say(&self, event: &Event) {
        let line = match self.format {
            // No line break from outside breaks a line.
            Format::Text => event.to_string().replace(['\n', '\r'], " "),
            Format::Json => serde_json::to_string(event).unwrap_or_default(),
        };
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = sink.write_all(format!("{line}\n").as_bytes());
    }
}
