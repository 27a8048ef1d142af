//! Steadfast's sample application on QEMU's `emcraft-sf2` machine: a thermometer whose configuration comes from git.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::join::join;
use embassy_net::Runner;
use qemu_emcraft_sf2::emcraft::{Emcraft, LAYOUT};
use qemu_emcraft_sf2::{Card, Flash, board, executor, random_u64, start};
use steadfast_emulated::reset::Cause;
use steadfast_emulated::stack::Stack;
use steadfast_thermometer::{Agent, Memory, Parts, assemble};

#[embassy_executor::task]
async fn run_network(mut network: Runner<'static, Card>) -> ! {
    network.run().await
}

#[embassy_executor::task]
async fn run_agent(agent: Agent<Emcraft>) -> ! {
    agent.run().await
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let stack = start();
    executor::run(|spawner| spawner.spawn(run(spawner, stack).expect("spawned once")))
}

#[embassy_executor::task]
async fn run(spawner: Spawner, stack: Stack) {
    static MEMORY: Memory<Flash> = Memory::new();
    let cause = Cause::take();
    defmt::info!("booted after {}", cause);
    let parts = Parts {
        board: &Emcraft,
        // SAFETY: the only call.
        flash: unsafe { Flash::take() },
        identity: board::flash::identity::OFFSET as u32,
        layout: LAYOUT,
        next_firmware: board::next_firmware::OFFSET as u32,
        card: Card::take(),
        seed: random_u64(),
        reset: cause.for_core(),
    };
    let pieces = assemble(parts, &MEMORY).await;
    spawner.spawn(run_network(pieces.network).expect("spawned once"));
    spawner.spawn(run_agent(pieces.agent).expect("spawned once"));
    join(pieces.application, stack.watch()).await;
}
