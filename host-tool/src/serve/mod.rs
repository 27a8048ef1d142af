//! The control plane: takes releases in, answers devices, takes their reports.
//!
//! ```text
//!   upload ---> intake ---> folder (pack), store (row) ---> World, replaced as a whole
//!   poll   ---> answer(poll, World, Told)                   memory only, a pure function
//!   report ---> report::check ---> writer, in batches ---> store ---> Told
//! ```
//!
//! It holds the director key and no publisher key: it chooses among published releases and can author none. It may be killed
//! at any moment; what it acknowledged is on disk, and it says at its start what it cleaned up.

pub mod answer;
pub mod api;
pub mod challenge;
pub mod folder;
mod http;
pub mod intake;
mod listen;
mod manage;
pub mod report;
mod start;
pub mod status;
pub mod store;
pub mod told;
mod upload;
pub mod world;
mod writer;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use steadfast_core::poll::Poll;
use steadfast_core::refusal::Refusal;
use steadfast_core::report::ReportBody;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use answer::Question;
use folder::{Folder, FolderError};
use status::Heard;
use store::{Kept, Store, StoreError};
use told::Table;
use world::World;
use writer::Writer;

/// Where a server listens unless told otherwise: this machine alone.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8440";

/// How often last-seen times go to the database. They are hints; a kill loses at most so many seconds of them.
const SEEN_SAVE_SECONDS: u64 = 30;

/// How long requests that are under way may take once the server was told to stop.
const STOP_SECONDS_MAX: u64 = 10;

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The fleet's keyring file or folder of keyrings; needed once, for a new data directory.
    pub keyring: Option<PathBuf>,
    /// The director's key file; needed once, for a new data directory.
    pub director_key: Option<PathBuf>,
    /// Hears one line for each thing that happened.
    pub log: fn(&str),
}

/// Why a server does not start or ended.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The data directory.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A director key that no device believes.
    #[error(
        "the director key {key} is not among the director keys of keyring {version}, so no device would believe this \
         server; start a new data directory with the right one: --director-key FILE"
    )]
    WrongDirector {
        /// The key's public half.
        key: String,
        /// The newest keyring.
        version: u32,
    },
    /// A keyring that is not the one in use.
    #[error(
        "{} has another keyring {version} than the one that --keyring names, and goes on with its own only; leave --keyring out, \
         or choose another folder with --data", .path.display()
    )]
    AnotherKeyring {
        /// The data directory.
        path: PathBuf,
        /// The first that differs.
        version: u32,
    },
    /// A director key that is not the one in use.
    #[error(
        "{} has another director key than the one that --director-key names, and goes on with its own only; leave --director-key \
         out, or choose another folder with --data", .0.display()
    )]
    AnotherDirector(PathBuf),
    /// A keyring and no key.
    #[error("{path} has no director key yet; name the one that `steadfast keys new` made with --director-key FILE", path = .0.display())]
    NoDirector(PathBuf),
    /// Neither keyring nor key: a key was made.
    #[error(
        "a director key was made in {path}; its public half is {key}. Make the fleet's keyring with `steadfast keys new \
         --director {key}`, then start again with --keyring keys/keyring", path = .path.display()
    )]
    MadeDirector {
        /// The data directory.
        path: PathBuf,
        /// The key's public half.
        key: String,
    },
    /// The port.
    #[error("{0} is in use by another program; stop it, or choose another address with --listen")]
    PortInUse(SocketAddr),
    /// The network.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// A server's insides, shared by all requests.
pub(crate) struct Server {
    folder: Folder,
    store: Store,
    table: Arc<Table>,
    world: RwLock<Arc<World>>,
    writer: Writer,
    log: fn(&str),
    /// Held while a release or keyring is taken in: one at a time.
    intake: tokio::sync::Mutex<()>,
    /// Held while an upload is in memory: one at a time.
    uploads: Arc<tokio::sync::Mutex<()>>,
}

/// A server that holds its port and its data directory, and answers nothing yet.
pub struct Ready {
    server: Arc<Server>,
    listener: TcpListener,
    address: SocketAddr,
    /// What was found and put right, in words.
    pub recovered: Vec<String>,
}

impl Ready {
    /// Opens the data directory, recovers what an interrupted run left, and takes the port.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn new(config: &Config) -> Result<Self, ServeError> {
        let (server, recovered) = start::open(config).await?;
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AddrInUse => ServeError::PortInUse(config.listen),
            _ => ServeError::Listen(config.listen, error),
        };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { server: Arc::new(server), listener, address, recovered })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done, then finishes what is under way.
    ///
    /// # Errors
    /// [`ServeError::Store`].
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let saver = tokio::spawn(save_seen(self.server.clone()));
        let routes = http::routes(self.server.clone());
        let (told, stopping) = oneshot::channel();
        let stop = async {
            shutdown.await;
            // Nobody listens when the server ended by itself.
            let _ = told.send(());
        };
        tokio::select! {
            () = listen::serve(self.listener, routes, listen::HEAD_TIMEOUT, stop) => {}
            () = overdue(stopping) => {}
        }
        saver.abort();
        self.server.store.seen(&self.server.table.unsaved()).await?;
        self.server.store.close().await;
        Ok(())
    }
}

/// Comes to an end some time after the server was told to stop: a client that never finishes must not keep it.
async fn overdue(stopping: oneshot::Receiver<()>) {
    if stopping.await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(Duration::from_secs(STOP_SECONDS_MAX)).await;
}

impl Server {
    fn world(&self) -> Arc<World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace_world(&self, world: World) {
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(world);
    }

    /// The answer to a poll. Only devices that the newest release lists are remembered: anyone can make up an id.
    fn poll(&self, bytes: &[u8], now_seconds: u64) -> Result<Vec<u8>, Refusal> {
        let poll = Poll::decode(bytes)?;
        let world = self.world();
        let listed = world.newest.as_ref().is_some_and(|newest| newest.pack.roster().device(&poll.device).is_some());
        let known = if listed { self.table.seen(poll.device, now_seconds) } else { self.table.known(&poll.device) };
        Ok(world.answer(&Question { bytes, poll: &poll, told: known.told.as_ref(), now_seconds }))
    }

    /// Takes a report; returns once it is on disk.
    async fn report(&self, bytes: &[u8], now_seconds: u64) -> Result<(), writer::ReportFailed> {
        let world = self.world();
        // The signature takes longer than everything else: a replay is turned away before it.
        let (body, early): (ReportBody<'_>, _) = report::parse(bytes).map_err(report::ReportError::Malformed)?;
        let told = self.table.known(&body.device).told;
        if told.is_some_and(|told| told.issued_seconds >= early.challenge.issued_seconds) {
            return Err(report::ReportError::Replayed.into());
        }
        let taken = report::check(bytes, &world, now_seconds)?;
        let (device, report) = (taken.device, taken.report.clone());
        if self.writer.keep(taken).await? == Kept::Changed {
            let [seen_seconds, taken_seconds, since_seconds] = [now_seconds; 3];
            let heard =
                Heard { device, seen_seconds, taken_seconds, since_seconds, report: Some(&report), now_seconds };
            let info = status::device(&world, &heard);
            (self.log)(&format!("{}: {}", info.name, status::report(&world, now_seconds, &report).words));
        }
        Ok(())
    }
}

async fn save_seen(server: Arc<Server>) {
    loop {
        tokio::time::sleep(Duration::from_secs(SEEN_SAVE_SECONDS)).await;
        let unsaved = server.table.unsaved();
        if let Err(error) = server.store.seen(&unsaved).await {
            (server.log)(&format!("last-seen times were not saved: {error}"));
        }
    }
}

/// Unix seconds by this machine's clock. Nothing signed depends on it but the age of challenges.
pub(crate) fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
