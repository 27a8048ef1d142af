//! The gateway: core's driver with the ports of a Linux machine, and the loop around it.
//!
//! A restart that core asks for is a new driver in the same process: what a reset does for a microcontroller. The first
//! driver of a process is told how the last process ended.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};
use std::{fs, io};

use steadfast_core::digest::Digest;
use steadfast_core::id::FirmwareId;
use steadfast_core::ports::{Firmware, Identity, ResetCause};
use steadfast_core::time;
use thiserror::Error;

use crate::board::{Board, BoardError};
use crate::config::GatewayConfig;
use crate::health::Checks;
use crate::identity::{FlashedIdentity, IdentityError};
use crate::image::{FileFlash, ImageError};
use crate::life::{End, Life};
use crate::link::HttpLink;
use crate::log::{Event, Log};
use crate::notify::Notify;
use crate::reset::Marker;
use crate::server::{Server, ServerError};
use crate::target::Target;

/// Pause before a driver that could not even read its record is tried again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Why a gateway does not start, or ends by itself.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// The layout.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The identity's server address.
    #[error("the identity's server address: {0}")]
    Server(#[from] ServerError),
    /// Nobody to ask.
    #[error("neither the image nor gateway.toml says where the server is; set `server` in gateway.toml")]
    NoServer,
    /// The target folder cannot be made.
    #[error("cannot use the target folder {}: {source}", path.display())]
    Target {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The marker beside the image cannot be written.
    #[error("cannot write the marker beside the flash image {}: {source}", path.display())]
    Marker {
        /// The image.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk failed to keep a write.
    #[error("the disk under the flash image {} failed; check it before starting again", path.display())]
    Disk {
        /// The image.
        path: PathBuf,
    },
}

/// Why the loop wakes before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A health check changed.
    Changed,
    /// The process is to end.
    Stop,
}

/// Ends a gateway's loop from another thread.
#[derive(Clone)]
pub struct Stopper {
    stop: Arc<AtomicBool>,
    wake: Sender<Wake>,
}

impl Stopper {
    /// The loop ends before its next step; a request under way is waited for.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        // A loop that has ended already need not be woken.
        let _ = self.wake.send(Wake::Stop);
    }
}

/// A gateway that is ready to run.
pub struct Gateway {
    flash: FileFlash,
    site: Site,
}

/// Everything around the driver but the flash.
pub(crate) struct Site {
    pub(crate) config: GatewayConfig,
    pub(crate) board: Board,
    pub(crate) identity: FlashedIdentity,
    /// Where to ask while no configuration says it.
    pub(crate) bootstrap: Option<Server>,
    pub(crate) link: HttpLink,
    pub(crate) checks: Checks,
    pub(crate) target: Target,
    pub(crate) log: Log,
    pub(crate) notify: Notify,
    stop: Arc<AtomicBool>,
    wake: Receiver<Wake>,
    started: Instant,
}

impl Gateway {
    /// Opens the image, reads the identity and makes the target folder. Nothing runs yet.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn open(config: GatewayConfig, log: Log, notify: Notify) -> Result<(Self, Stopper), GatewayError> {
        let board = config.layout.as_deref().map_or_else(|| Ok(Board::built_in()), Board::load)?;
        let mut flash = FileFlash::open(&config.image, board.bytes)?;
        let identity = FlashedIdentity::read(&mut flash, &board.identity, &config.image)?;
        let bootstrap = bootstrap(&config, &identity)?;
        fs::create_dir_all(&config.target)
            .map_err(|source| GatewayError::Target { path: config.target.clone(), source })?;
        let (sender, wake) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let site = Site {
            link: HttpLink::new(Arc::clone(&stop), notify.clone(), log.clone()),
            checks: Checks::new(&config.checks, sender.clone(), log.clone()),
            target: Target::new(config.target.clone()),
            stop: Arc::clone(&stop),
            started: Instant::now(),
            config,
            board,
            identity,
            bootstrap,
            log,
            notify,
            wake,
        };
        Ok((Self { flash, site }, Stopper { stop, wake: sender }))
    }

    /// Runs until it is stopped.
    ///
    /// # Errors
    /// [`GatewayError::Marker`], [`GatewayError::Disk`].
    pub fn run(mut self) -> Result<(), GatewayError> {
        let image = &self.site.config.image;
        let (marker, reset) =
            Marker::set(image).map_err(|source| GatewayError::Marker { path: image.clone(), source })?;
        self.site.say_started(reset);
        self.site.notify.ready();
        let outcome = self.lives(reset);
        self.site.notify.stopping();
        self.site.checks.stop();
        marker.clear();
        self.site.log.say(&Event::Stopped);
        outcome
    }

    fn lives(&mut self, mut reset: ResetCause) -> Result<(), GatewayError> {
        while !self.site.is_stopped() {
            let end = Life::new(&mut self.flash, &self.site, reset).run();
            if self.flash.is_broken() {
                return Err(GatewayError::Disk { path: self.site.config.image.clone() });
            }
            if end == End::BeforeActivation {
                self.site.wait(RESTART_PAUSE);
            }
            reset = ResetCause::Ordinary;
        }
        Ok(())
    }
}

/// The server to ask first: the gateway's own configuration before the identity.
fn bootstrap(config: &GatewayConfig, identity: &FlashedIdentity) -> Result<Option<Server>, GatewayError> {
    match (&config.server, identity.server()) {
        (Some(server), _) => Ok(Some(server.clone())),
        // A first configuration in the image may say it.
        (None, "") if config.server_from.is_some() => Ok(None),
        (None, "") => Err(GatewayError::NoServer),
        (None, flashed) => Ok(Some(flashed.parse()?)),
    }
}

impl Site {
    /// Uptime of this process.
    pub(crate) fn now(&self) -> time::Instant {
        time::Instant::from_milliseconds(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Sleeps so long, or until there is a reason to wake.
    pub(crate) fn wait(&self, most: Duration) {
        let most = self.notify.interval().map_or(most, |interval| interval.min(most));
        if self.wake.recv_timeout(most).is_ok() {
            // One look at the checks sees all that changed until now.
            while self.wake.try_recv().is_ok() {}
        }
    }

    pub(crate) fn firmware(&self, reset: ResetCause) -> Firmware {
        let id = firmware_id(&self.config.application);
        Firmware { id, schema: self.config.schema, sections: &[], reset }
    }

    fn say_started(&self, reset: ResetCause) {
        self.log.say(&Event::Started {
            version: env!("CARGO_PKG_VERSION"),
            device: self.identity.device().to_string(),
            fleet: self.identity.fleet().to_string(),
            after: match reset {
                ResetCause::Crash | ResetCause::CrashLoop => "a crash",
                ResetCause::Ordinary => "an ordinary end",
            },
        });
    }
}

/// Names this build of the gateway together with the application's: what was rejected is rejected for these.
pub(crate) fn firmware_id(application: &str) -> FirmwareId {
    let Digest(digest) = Digest::of(format!("{}\0{application}", env!("CARGO_PKG_VERSION")).as_bytes());
    let mut id = [0; FirmwareId::BYTES];
    id.copy_from_slice(&digest[..FirmwareId::BYTES]);
    FirmwareId(id)
}
