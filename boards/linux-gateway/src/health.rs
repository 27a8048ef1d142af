//! Health checks: each runs in a thread of its own, again and again, and what it said last is what core is told.
//!
//! ```text
//! paused --start--> waiting --pass--> passed <--> failed        pause: back to the left, from anywhere
//!                      | fail within the grace: waiting
//! ```
//!
//! An activation pauses the checks, changes the files, and starts them: from then on only runs that began afterwards count. So a check never
//! passes on what ran before. The check `reload` is not run: it says what became of the reload command.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use steadfast_core::outcome::Detail;
use steadfast_core::ports::{Check, Health};
use ureq::Agent;

use crate::command::Verdict;
use crate::config::{CheckConfig, Probe};
use crate::gateway::Wake;
use crate::log::{Event, Log};

/// The name of the check that says what became of the reload command.
pub const RELOAD: &str = "reload";

/// The checks of a gateway. Copies share them; the threads end with [`Checks::stop`].
#[derive(Clone)]
pub struct Checks {
    shared: Arc<Shared>,
    /// The threads that start processes.
    commands: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    wake: Sender<Wake>,
    log: Log,
}

#[derive(Default)]
struct State {
    /// Counts activations: what began in an earlier one does not count.
    round: u64,
    running: Option<Instant>,
    stopped: bool,
    reload: Option<Check>,
    said: BTreeMap<String, Check>,
    variables: Vec<(&'static str, String)>,
}

impl Checks {
    /// Starts a thread for each check; they wait for [`Checks::start`]. `wake` is told of every change.
    #[must_use]
    pub fn new(checks: &BTreeMap<String, CheckConfig>, wake: Sender<Wake>, log: Log) -> Self {
        let said = checks.keys().map(|name| (name.clone(), Check::Waiting)).collect();
        let state = Mutex::new(State { said, ..State::default() });
        let shared = Arc::new(Shared { state, changed: Condvar::new(), wake, log });
        let mut commands = Vec::new();
        for (name, check) in checks {
            let starts_processes = matches!(check.probe, Probe::Command(_));
            let (shared, name, check) = (Arc::clone(&shared), name.clone(), check.clone());
            let thread = thread::spawn(move || shared.watch(&name, &check));
            if starts_processes {
                commands.push(thread);
            }
        }
        Self { shared, commands: Arc::new(Mutex::new(commands)) }
    }

    /// Forgets what was said and runs nothing until [`Checks::start`].
    pub fn pause(&self) {
        let mut state = self.shared.state();
        state.round += 1;
        state.running = None;
        state.reload = None;
        state.said.values_mut().for_each(|said| *said = Check::Waiting);
        self.shared.changed.notify_all();
    }

    /// The files are in place: `reload` says what became of the reload command, and the checks run from now on with these
    /// variables in their environment.
    pub fn start(&self, reload: Check, variables: Vec<(&'static str, String)>) {
        let mut state = self.shared.state();
        state.running = Some(Instant::now());
        state.reload = Some(reload);
        state.variables = variables;
        self.shared.changed.notify_all();
    }

    /// Ends the checks. A command that runs is ended and waited for, so that none outlives the gateway; an HTTP probe leaves nothing
    /// behind and is not waited for.
    pub fn stop(&self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in commands.drain(..) {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl Health for Checks {
    fn check(&mut self, name: &str) -> Check {
        let state = self.shared.state();
        if let Some(said) = state.said.get(name) {
            return said.clone();
        }
        match (name, &state.reload) {
            (RELOAD, Some(reload)) => reload.clone(),
            (RELOAD, None) => Check::Waiting,
            // It could never pass; better said at once than at the deadline.
            _ => Check::Failed(detail("not in gateway.toml")),
        }
    }
}

/// The words of a failure, cut to what a report can carry.
#[must_use]
pub fn detail(words: &str) -> Detail {
    let mut out = Detail::new();
    for character in words.chars() {
        if out.push(character).is_err() {
            break;
        }
    }
    out
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, name: &str, check: &CheckConfig) {
        while let Some((round, variables)) = self.turn() {
            let going_on = || self.is_on(round);
            let verdict = match &check.probe {
                Probe::Command(program) => program.run(&variables, &going_on),
                Probe::Http { url, timeout } => probe(url, *timeout),
            };
            self.take(name, verdict, (round, check.grace));
            self.rest(round, check.interval);
        }
    }

    /// Waits until checks are to run; `None` when they are not to run any more.
    fn turn(&self) -> Option<(u64, Vec<(&'static str, String)>)> {
        let paused = |state: &mut State| state.running.is_none() && !state.stopped;
        let state = self.changed.wait_while(self.state(), paused).unwrap_or_else(PoisonError::into_inner);
        (!state.stopped).then(|| (state.round, state.variables.clone()))
    }

    fn is_on(&self, round: u64) -> bool {
        let state = self.state();
        state.round == round && !state.stopped
    }

    /// Takes what a run of `round` found, unless another round has begun.
    fn take(&self, name: &str, verdict: Verdict, (round, grace): (u64, Duration)) {
        let mut state = self.state();
        let Some(since) = state.running.filter(|_| state.round == round && !state.stopped) else { return };
        let Some(said) = state.said.get_mut(name) else { return };
        let news = match verdict {
            Verdict::Passed => Check::Passed,
            Verdict::Failed(_) if *said == Check::Waiting && since.elapsed() < grace => Check::Waiting,
            Verdict::Failed(words) => Check::Failed(detail(&words)),
            Verdict::Cancelled => return,
        };
        if *said != news {
            *said = news.clone();
            drop(state);
            self.announce(name, &news);
        }
    }

    fn announce(&self, name: &str, news: &Check) {
        let (state, words) = match news {
            Check::Waiting => ("waiting", String::new()),
            Check::Passed => ("passed", String::new()),
            Check::Failed(words) => ("failed", words.to_string()),
        };
        self.log.say(&Event::Check { name: name.into(), state, words });
        // Without a loop there is nobody to be woken.
        let _ = self.wake.send(Wake::Changed);
    }

    fn rest(&self, round: u64, interval: Duration) {
        let same = |state: &mut State| state.round == round && !state.stopped;
        let rested = self.changed.wait_timeout_while(self.state(), interval, same);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Asks a URL; a status from 200 to 299 is a pass.
fn probe(url: &str, timeout: Duration) -> Verdict {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(timeout))
        .build();
    match config.new_agent().get(url).call() {
        Ok(response) if response.status().is_success() => Verdict::Passed,
        Ok(response) => Verdict::Failed(format!("HTTP status {}", response.status().as_u16())),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
