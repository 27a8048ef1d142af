//! Steadfast's sample application on QEMU's `virt` machine: a thermometer whose configuration comes from git.

#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::join::join;
use embassy_net::Runner;
use qemu_riscv_virt::virt::{LAYOUT, Virt};
use qemu_riscv_virt::{Card, Flash, board, start, wall_clock_ns};
use steadfast_emulated::reset::Cause;
use steadfast_thermometer::{Agent, Memory, Parts, assemble};

#[embassy_executor::task]
async fn run_network(mut network: Runner<'static, Card>) -> ! {
    network.run().await
}

#[embassy_executor::task]
async fn run_agent(agent: Agent<Virt>) -> ! {
    agent.run().await
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static MEMORY: Memory<Flash> = Memory::new();
    let stack = start();
    let cause = Cause::take();
    defmt::info!("booted after {}", cause);
    let parts = Parts {
        board: &Virt,
        // SAFETY: the only call.
        flash: unsafe { Flash::take() },
        identity: board::flash::identity::OFFSET as u32,
        layout: LAYOUT,
        next_firmware: board::next_firmware::OFFSET as u32,
        card: Card::find().expect("the machine has a network card"),
        seed: wall_clock_ns(),
        reset: cause.for_core(),
    };
    let pieces = assemble(parts, &MEMORY).await;
    spawner.spawn(run_network(pieces.network).expect("spawned once"));
    spawner.spawn(run_agent(pieces.agent).expect("spawned once"));
    join(pieces.application, stack.watch()).await;
}
