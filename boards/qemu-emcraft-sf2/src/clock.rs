//! Time: embassy's driver over SysTick, and the watchdog that lives in its interrupt.
//!
//! SysTick counts down from one period to the next; the periods are counted in its interrupt, so an alarm is late by up to one of them.
//! The watchdog is software, because QEMU does not model the chip's (board.toml declares that).

use core::cell::{Cell, RefCell};
use core::task::Waker;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use critical_section::{CriticalSection, Mutex};
use embassy_time_queue_utils::Queue;
use steadfast_emulated::reset::Cause;

use crate::{board, reset};

const MICROSECONDS: u64 = 1_000_000;
const PERIOD_US: u64 = board::clock::PERIOD_US as u64;
const CYCLES_PER_US: u32 = board::clock::HERTZ as u32 / MICROSECONDS as u32;
const RELOAD: u32 = board::clock::PERIOD_US as u32 * CYCLES_PER_US - 1;
const _: () = assert!(embassy_time_driver::TICK_HZ == MICROSECONDS, "embassy counts in microseconds");
const _: () = assert!(RELOAD < 1 << 24, "SysTick has 24 bits");

const WATCHDOG_US: u64 = board::watchdog::TIMEOUT_MS as u64 * 1000;

// In this order, so that a test's debugger finds the count and lets time leap.
#[repr(C)]
struct Clock {
    /// SysTick periods that are over.
    periods: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
    /// When the next task is due.
    alarm: Mutex<Cell<u64>>,
    /// When the watchdog bites; none while it is not started.
    bite: Mutex<Cell<Option<u64>>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    periods: Mutex::new(Cell::new(0)),
    queue: Mutex::new(RefCell::new(Queue::new())),
    alarm: Mutex::new(Cell::new(u64::MAX)),
    bite: Mutex::new(Cell::new(None)),
});

impl embassy_time_driver::Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|section| self.now_us(section))
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|section| {
            if self.queue.borrow_ref_mut(section).schedule_wake(at, waker) {
                self.set_alarm(section, self.now_us(section));
            }
        });
    }
}

impl Clock {
    fn now_us(&self, section: CriticalSection<'_>) -> u64 {
        loop {
            // A period that ended while interrupts were off is not counted yet, but pending.
            let pending = SCB::is_pendst_pending();
            let elapsed = RELOAD - SYST::get_current();
            if SCB::is_pendst_pending() == pending {
                let periods = self.periods.borrow(section).get() + u64::from(pending);
                return periods * PERIOD_US + u64::from(elapsed / CYCLES_PER_US);
            }
        }
    }

    /// Wakes who is due and notes when the next one is.
    fn set_alarm(&self, section: CriticalSection<'_>, now: u64) {
        let next = self.queue.borrow_ref_mut(section).next_expiration(now);
        self.alarm.borrow(section).set(next);
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|section| {
        let periods = CLOCK.periods.borrow(section);
        periods.set(periods.get() + 1);
        let now = periods.get() * PERIOD_US;
        if CLOCK.bite.borrow(section).get().is_some_and(|bite| bite <= now) {
            reset::now(Cause::Watchdog);
        }
        if CLOCK.alarm.borrow(section).get() <= now {
            CLOCK.set_alarm(section, now);
        }
    });
}

/// Starts the watchdog or feeds it: without another call within `board::watchdog::TIMEOUT_MS` the machine resets.
pub(crate) fn feed_watchdog() {
    critical_section::with(|section| CLOCK.bite.borrow(section).set(Some(CLOCK.now_us(section) + WATCHDOG_US)));
}

/// Starts to count, and lets the timer interrupt.
pub(crate) fn start(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(RELOAD);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}
