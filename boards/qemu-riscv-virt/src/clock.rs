//! Time: embassy's driver over the CLINT's 64-bit timer, the wall clock, and the watchdog that lives in the timer's interrupt.
//!
//! The watchdog is software, because QEMU's virt machine has none (board.toml declares that). One comparator serves both: it
//! is always set to the nearer of embassy's next alarm and the watchdog's end.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_queue_utils::Queue;
use riscv::interrupt::Interrupt;
use steadfast_emulated::register::Register;
use steadfast_emulated::reset::Cause;

use crate::{board, reset};

const MTIMECMP: usize = board::clock::CLINT + 0x4000;
const MTIME: usize = board::clock::CLINT + 0xBFF8;
const _: () =
    assert!(embassy_time_driver::TICK_HZ == board::clock::HERTZ as u64, "embassy counts in ticks of the CLINT");

const WATCHDOG_TICKS: u64 = board::watchdog::TIMEOUT_MS as u64 * (board::clock::HERTZ as u64 / 1000);

// SAFETY: the CLINT's registers, 4-byte aligned, from board.toml; they hold no memory.
const COMPARE: [Register<u32>; 2] = unsafe { [Register::new(MTIMECMP), Register::new(MTIMECMP + 4)] };
// SAFETY: as above.
const COUNT: [Register<u32>; 2] = unsafe { [Register::new(MTIME), Register::new(MTIME + 4)] };
// SAFETY: the goldfish RTC's two registers, 4-byte aligned, from board.toml.
const WALL_CLOCK: [Register<u32>; 2] =
    unsafe { [Register::new(board::rtc::BASE), Register::new(board::rtc::BASE + 4)] };

struct Clock {
    queue: Mutex<RefCell<Queue>>,
    /// The tick at which the watchdog bites; none while it is not started.
    bite: Mutex<Cell<Option<u64>>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    queue: Mutex::new(RefCell::new(Queue::new())),
    bite: Mutex::new(Cell::new(None)),
});

impl embassy_time_driver::Driver for Clock {
    fn now(&self) -> u64 {
        ticks()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|section| {
            if self.queue.borrow_ref_mut(section).schedule_wake(at, waker) {
                self.set_comparator(section);
            }
        });
    }
}

impl Clock {
    /// Wakes who is due and sets the comparator to what comes next. A comparator in the past interrupts at once, so none is missed.
    fn set_comparator(&self, section: CriticalSection<'_>) {
        let alarm = self.queue.borrow_ref_mut(section).next_expiration(ticks());
        let next = alarm.min(self.bite.borrow(section).get().unwrap_or(u64::MAX));
        // High half first to the end of time: no half-written value is ever in the past.
        COMPARE[1].write(u32::MAX);
        COMPARE[0].write(next as u32);
        COMPARE[1].write((next >> 32) as u32);
    }
}

fn ticks() -> u64 {
    loop {
        let high = COUNT[1].read();
        let low = COUNT[0].read();
        // Read again: the low half may have wrapped in between, at most once in seven minutes.
        if COUNT[1].read() == high {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

#[riscv_rt::core_interrupt(Interrupt::MachineTimer)]
fn timer() {
    critical_section::with(|section| {
        if CLOCK.bite.borrow(section).get().is_some_and(|bite| bite <= ticks()) {
            reset::now(Cause::Watchdog);
        }
        CLOCK.set_comparator(section);
    });
}

/// Starts the watchdog or feeds it: without another call within `board::watchdog::TIMEOUT_MS` the machine resets.
pub(crate) fn feed_watchdog() {
    critical_section::with(|section| {
        CLOCK.bite.borrow(section).set(Some(ticks() + WATCHDOG_TICKS));
        CLOCK.set_comparator(section);
    });
}

/// Lets the timer interrupt.
pub(crate) fn enable() {
    critical_section::with(|section| CLOCK.set_comparator(section));
    // SAFETY: the handler above is in place, and it takes a critical section for what it shares.
    unsafe { riscv::register::mie::set_mtimer() };
}

/// Nanoseconds since 1970, as the host has them.
pub fn wall_clock_ns() -> u64 {
    // Reading the low half latches the high one.
    let low = WALL_CLOCK[0].read();
    u64::from(WALL_CLOCK[1].read()) << 32 | u64::from(low)
}
