//! Steadfast's sample application on QEMU's `virt` machine: a thermometer whose configuration comes from git.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_net::{Config, DhcpConfig, Runner, Stack, StackResources};
use embassy_time::{Duration, Timer};
use qemu_riscv_virt::app::{Application, Readings, alarms, config::Thermometer, network, sampling};
use qemu_riscv_virt::board;
use qemu_riscv_virt::flash::Flash;
use qemu_riscv_virt::network::Card;
use qemu_riscv_virt::reset::{self, Cause};
use qemu_riscv_virt::virt::{LAYOUT, Virt};
use qemu_riscv_virt::{clock, stack, start};
use static_cell::StaticCell;
use steadfast_core::config::Configuration;
use steadfast_core::id::FirmwareId;
use steadfast_core::ports::ResetCause;
use steadfast_firmware::device::Device;
use steadfast_firmware::link::{Buffers, HttpLink, Server};
use steadfast_firmware::partition::SharedFlash;
use steadfast_firmware::run::{Steadfast, firmware};

/// One socket each for the link, for DHCP and for DNS.
const SOCKETS: usize = 3;

/// Between two looks at the stack: often enough to see a trial's end before the next restart.
const STACK_PERIOD: Duration = Duration::from_millis(20);

/// Between two looks at an identity that is not there.
const IDENTITY_PERIOD: Duration = Duration::from_secs(60);

type Agent = Steadfast<'static, Virt, HttpLink<'static>, Device<'static, Virt>>;

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, Card>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn run_agent(agent: Agent) -> ! {
    agent.run().await
}

/// Tells whenever the stack has been deeper than before, which ends soon.
#[embassy_executor::task]
async fn watch_stack() -> ! {
    let mut told = 0;
    loop {
        let peak = stack::peak_bytes();
        if peak > told {
            defmt::info!("stack at most {=usize} bytes", peak);
            told = peak;
        }
        Timer::after(STACK_PERIOD).await;
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static FLASH: StaticCell<SharedFlash<Flash>> = StaticCell::new();
    static APPLICATION: StaticCell<Application> = StaticCell::new();
    static READINGS: StaticCell<Readings> = StaticCell::new();
    static SERVER: Server = Server::unknown();
    static BUFFERS: StaticCell<Buffers> = StaticCell::new();

    start();
    let cause = reset::take_cause();
    defmt::info!("booted after {}", cause);
    // SAFETY: the only call.
    let mut flash = unsafe { Flash::take() };
    let device = match Device::read(&mut flash, board::flash::identity::OFFSET as u32, &Virt).await {
        Ok(device) => device,
        Err(_) => nobody().await,
    };

    let application: &Application =
        APPLICATION.init(Application::new(FLASH.init(SharedFlash::new(flash)), LAYOUT, Thermometer::CHECKS));
    let readings: &Readings = READINGS.init(Readings::new());
    let listener = readings.dyn_receiver().expect("one task listens");
    let flashed = device.server().try_into().unwrap_or_default();
    let stack = bring_up(spawner);
    let agent = Steadfast {
        board: &Virt,
        application,
        link: HttpLink::new(stack, BUFFERS.init(Buffers::new()), &SERVER),
        identity: device,
        firmware: firmware::<Thermometer>(firmware_id(), cause_for_core(cause)),
    };
    // No bootloader here brings a former firmware back.
    application.firmware_is_final();
    spawner.spawn(network::run(application.subscribe(), &SERVER, flashed).expect("spawned once"));
    spawner.spawn(sampling::run(application.subscribe(), readings).expect("spawned once"));
    spawner.spawn(alarms::run(application.subscribe(), listener).expect("spawned once"));
    spawner.spawn(watch_stack().expect("spawned once"));
    spawner.spawn(run_agent(agent).expect("spawned once"));
}

/// Starts the network in the background; nothing waits for an address but the link.
fn bring_up(spawner: Spawner) -> Stack<'static> {
    static RESOURCES: StaticCell<StackResources<SOCKETS>> = StaticCell::new();
    let card = Card::find().expect("the machine has a network card");
    let resources = RESOURCES.init(StackResources::new());
    // The seed picks the first local port: the same one after a reset would meet the connection of before.
    let seed = clock::wall_clock_ns();
    let (stack, runner) = embassy_net::new(card, Config::dhcpv4(DhcpConfig::default()), resources, seed);
    spawner.spawn(run_network(runner).expect("spawned once"));
    stack
}

/// Without an identity there is nobody to ask and nothing to believe. But flash that did not answer may answer after a reset.
async fn nobody() -> ! {
    defmt::error!("no identity: write this board's flash with `steadfast flash`");
    Timer::after(IDENTITY_PERIOD).await;
    reset::now(Cause::Asked)
}

/// The version, as far as it fits: what one build rejects, the next may try again.
fn firmware_id() -> FirmwareId {
    let mut id = [0; FirmwareId::BYTES];
    id.iter_mut().zip(env!("CARGO_PKG_VERSION").bytes()).for_each(|(to, from)| *to = from);
    FirmwareId(id)
}

fn cause_for_core(cause: Cause) -> ResetCause {
    match cause {
        Cause::Power | Cause::Asked => ResetCause::Ordinary,
        Cause::Panic | Cause::Watchdog => ResetCause::Crash,
    }
}
