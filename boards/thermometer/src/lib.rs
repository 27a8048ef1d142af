//! The sample application: a thermometer with alarms. Its health truly depends on its configuration.
//!
//! It runs on any board with flash and a network card, which gives its [`Parts`] and runs the [`Pieces`].

#![no_std]

mod alarms;
pub mod config;
mod network;
mod sampling;
mod sensor;
mod upgrade;

use embassy_futures::join::join4;
use embassy_net::{Config, DhcpConfig, Runner, StackResources};
use embassy_net_driver::Driver;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::watch::Watch;
use embassy_time::{Duration, Timer};
use static_cell::StaticCell;
use steadfast_core::config::{Configuration, Defaults, Section};
use steadfast_core::digest::Digest;
use steadfast_core::flash::layout::Layout;
use steadfast_core::id::FirmwareId;
use steadfast_core::ports::ResetCause;
use steadfast_firmware::application::{Application, NoSection};
use steadfast_firmware::board::Board;
use steadfast_firmware::device::Device;
use steadfast_firmware::link::{Buffers, HttpLink, Server};
use steadfast_firmware::partition::SharedFlash;
use steadfast_firmware::run::{Steadfast, firmware};

use crate::config::Thermometer;

/// One socket each for the link, for DHCP and for DNS.
const SOCKETS: usize = 3;

/// Between two looks at an identity that is not there.
const IDENTITY_PERIOD: Duration = Duration::from_secs(60);

/// Steadfast on a board.
pub type Agent<B> = Steadfast<'static, B, HttpLink<'static>, Device<'static, B>>;

/// The latest averaged temperature in thousandths of a degree Celsius. One task listens.
type Readings = Watch<NoopRawMutex, i32, 1>;

/// What the application wants of a board.
pub struct Parts<B: Board + 'static, D> {
    /// The board.
    pub board: &'static B,
    /// Its flash.
    pub flash: B::Flash,
    /// Where the identity region starts.
    pub identity: u32,
    /// Where record and slots lie.
    pub layout: Layout,
    /// Where whatever brings firmwares onto the device leaves the next one.
    pub next_firmware: u32,
    /// Its network card.
    pub card: D,
    /// Picks the first local port: the same one after a reset would meet the connection of before.
    pub seed: u64,
    /// Why the last run ended.
    pub reset: ResetCause,
}

/// Static memory that depends on the board's flash: a board has one `static` of it.
pub struct Memory<F: 'static> {
    flash: StaticCell<SharedFlash<F>>,
    application: StaticCell<Application<F>>,
}

impl<F> Memory<F> {
    /// Unused memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { flash: StaticCell::new(), application: StaticCell::new() }
    }
}

impl<F> Default for Memory<F> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a board then runs, each in a task of its own: tasks of an executor cannot be generic, so only the board can declare them.
pub struct Pieces<B: Board + 'static, D: Driver, A> {
    /// The network; its method `run`.
    pub network: Runner<'static, D>,
    /// Steadfast; its method `run`.
    pub agent: Agent<B>,
    /// The thermometer itself: to be awaited.
    pub application: A,
}

/// Puts the pieces together.
///
/// # Panics
/// When it is called twice.
pub async fn assemble<B: Board, D: Driver>(
    mut parts: Parts<B, D>,
    memory: &'static Memory<B::Flash>,
) -> Pieces<B, D, impl Future> {
    static READINGS: StaticCell<Readings> = StaticCell::new();
    static RESOURCES: StaticCell<StackResources<SOCKETS>> = StaticCell::new();
    static SERVER: Server = Server::unknown();
    static BUFFERS: StaticCell<Buffers> = StaticCell::new();

    let Ok(device) = Device::read(&mut parts.flash, parts.identity, parts.board).await else {
        nobody(parts.board).await
    };
    let next = upgrade::Place { offset: parts.next_firmware, erased: parts.layout.erased };
    let flashed = device.server().try_into().unwrap_or_default();
    let flash = memory.flash.init(SharedFlash::new(parts.flash));
    let application: &Application<B::Flash> =
        memory.application.init(Application::new(flash, parts.layout, Thermometer::CHECKS));
    let readings: &Readings = READINGS.init(Readings::new());
    let listener = readings.dyn_receiver().expect("one task listens");

    let resources = RESOURCES.init(StackResources::new());
    // Nothing waits for an address but the link.
    let (stack, network) = embassy_net::new(parts.card, Config::dhcpv4(DhcpConfig::default()), resources, parts.seed);
    let agent = Steadfast {
        board: parts.board,
        application,
        link: HttpLink::new(stack, BUFFERS.init(Buffers::new()), &SERVER),
        identity: device,
        firmware: firmware::<Thermometer>(firmware_id(), parts.reset),
    };
    let application = join4(
        network::run(application.subscribe(), &SERVER, flashed),
        sampling::run(application.subscribe(), readings),
        alarms::run(application.subscribe(), listener),
        upgrade::run(application, flash, next),
    );
    Pieces { network, agent, application }
}

/// Without an identity there is nobody to ask and nothing to believe. But flash that did not answer may answer after a reset.
async fn nobody(board: &impl Board) -> ! {
    defmt::error!("no identity: write this board's flash with `steadfast flash`");
    Timer::after(IDENTITY_PERIOD).await;
    board.restart()
}

/// A digest of the version, as far as it fits: what one build rejects, the next may try again. Of the version itself the record would keep
/// the first letters, which seldom change.
fn firmware_id() -> FirmwareId {
    let version = if cfg!(feature = "next") { "next" } else { env!("CARGO_PKG_VERSION") };
    FirmwareId(Digest::of(version.as_bytes()).0.first_chunk().copied().unwrap_or_default())
}

/// The section's values, or the firmware's own where there are none.
fn or_defaults<S: Section + Defaults>(section: Result<S, NoSection>) -> S {
    section.unwrap_or_else(|why| {
        defmt::warn!("`{=str}` by the firmware's defaults: {}", S::NAME, why);
        S::defaults()
    })
}
