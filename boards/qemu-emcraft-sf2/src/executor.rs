//! Runs the tasks, and sleeps while there is nothing to do.
//!
//! Embassy's own executor for this processor sleeps by WFE, which QEMU takes for a hint: each idle board would keep one of the host's
//! processors busy. This one sleeps by WFI, from which any interrupt wakes it.

use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::Spawner;
use embassy_executor::raw::Executor;
use static_cell::StaticCell;

/// There is something to do.
static PENDING: AtomicBool = AtomicBool::new(false);

#[unsafe(export_name = "__pender")]
fn pend(_context: *mut ()) {
    PENDING.store(true, Ordering::SeqCst);
}

/// Runs what `init` spawns, for ever.
///
/// # Panics
/// When it is called twice.
pub fn run(init: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let executor: &'static Executor = EXECUTOR.init(Executor::new(ptr::null_mut()));
    init(executor.spawner());
    loop {
        PENDING.store(false, Ordering::SeqCst);
        // SAFETY: only here, and not from a task.
        unsafe { executor.poll() };
        // With interrupts off, none can come between the look and the sleep; a pending one ends the sleep all the same.
        critical_section::with(|_| {
            if !PENDING.load(Ordering::SeqCst) {
                cortex_m::asm::wfi();
            }
        });
    }
}
