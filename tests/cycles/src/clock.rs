//! A clock that counts instructions. QEMU runs with `-icount shift=0`: each instruction takes a nanosecond of the machine's time.

#[cfg(target_arch = "arm")]
mod processor {
    use cortex_m::peripheral::syst::SystClkSource;
    use cortex_m::peripheral::{Peripherals, SYST};

    /// Nanoseconds, so instructions, in a tick of the 25 MHz timer.
    const INSTRUCTIONS_PER_TICK: u64 = 40;
    /// The timer has 24 bits and counts down: 0.67 s, that is 671 million instructions.
    const LAST_TICK: u32 = 0x00FF_FFFF;

    /// See the module.
    pub(crate) struct Clock(SYST);

    impl Clock {
        /// Starts the timer; `None` when somebody has it already.
        pub(crate) fn start() -> Option<Self> {
            let mut timer = Peripherals::take()?.SYST;
            timer.set_clock_source(SystClkSource::Core);
            timer.set_reload(LAST_TICK);
            timer.clear_current();
            timer.enable_counter();
            Some(Self(timer))
        }

        /// How many instructions `work` takes, at most 671 million, in steps of 40.
        pub(crate) fn count(&mut self, work: &mut dyn FnMut()) -> u64 {
            let before = SYST::get_current();
            work();
            let after = SYST::get_current();
            u64::from(before.wrapping_sub(after) & LAST_TICK) * INSTRUCTIONS_PER_TICK
        }
    }
}

#[cfg(target_arch = "riscv32")]
mod processor {
    use riscv::register::minstret;

    /// See the module.
    pub(crate) struct Clock;

    impl Clock {
        /// The processor counts by itself.
        #[allow(clippy::unnecessary_wraps, reason = "another processor's timer may be taken")]
        pub(crate) fn start() -> Option<Self> {
            Some(Self)
        }

        /// How many instructions `work` takes.
        pub(crate) fn count(&mut self, work: &mut dyn FnMut()) -> u64 {
            let before = minstret::read64();
            work();
            minstret::read64().wrapping_sub(before)
        }
    }
}

pub(crate) use processor::Clock;
