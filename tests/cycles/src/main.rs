//! Counts the instructions of verifying, staging and booting on an emulated processor, where a clock tick is an instruction.
//!
//! `cargo xtask cycles` runs it in QEMU and reads the lines that it prints: what, and how many instructions.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod flash;
#[cfg(target_os = "none")]
mod work;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("This program runs in an emulator: cargo xtask cycles");
}

#[cfg(target_os = "none")]
#[cfg_attr(target_arch = "arm", cortex_m_rt::entry)]
#[cfg_attr(target_arch = "riscv32", riscv_rt::entry)]
fn main() -> ! {
    let Some(mut clock) = clock::Clock::start() else { semihosting::process::exit(1) };
    work::measure(&mut |what, work| {
        let instructions = clock.count(work);
        semihosting::println!("{what} {instructions}");
    });
    semihosting::process::exit(0)
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    semihosting::println!("{info}");
    semihosting::process::exit(1)
}
