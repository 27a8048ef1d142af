//! What a command is doing while nothing else is to be seen: a moving line on a terminal, a plain one elsewhere. Always on
//! standard error.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(100);

/// The steps of one command, one after the other.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Nothing under way yet.
    pub(crate) fn new() -> Self {
        Self { bar: std::io::stderr().is_terminal().then(ProgressBar::new_spinner) }
    }

    /// The next step begins.
    pub(crate) fn step(&self, what: &str) {
        match &self.bar {
            Some(bar) => {
                bar.enable_steady_tick(TICK);
                bar.set_message(what.to_owned());
            }
            None => eprintln!("{what}"),
        }
    }

    /// A step that counts bytes begins.
    pub(crate) fn bytes(&self, what: &str, total: u64) {
        self.step(what);
        let style = ProgressStyle::with_template("{spinner} {msg} {bytes}/{total_bytes} {bar:30} {eta}");
        if let (Some(bar), Ok(style)) = (&self.bar, style) {
            bar.set_style(style);
            bar.set_length(total);
        }
    }

    /// So many bytes more.
    pub(crate) fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
