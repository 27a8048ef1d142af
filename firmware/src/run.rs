//! The loop: steps core's driver, waits as it says, feeds the watchdog.
//!
//! The watchdog is fed from the executor that the application runs on, so a task that hangs without awaiting resets the device; a task that
//! hangs while awaiting is ended by its health check on trial; later, reports say which checks have not passed, and nothing more is done.

use core::marker::PhantomData;

use embassy_futures::join::join;
use embassy_futures::select::select;
use embassy_futures::yield_now;
use embassy_time::{Duration, Instant, Ticker, Timer};
use steadfast_core::config::Configuration;
use steadfast_core::driver::{Driver, Next, Ports, Setting};
use steadfast_core::flash::layout::Slot;
use steadfast_core::flash::slot::Intact;
use steadfast_core::id::FirmwareId;
use steadfast_core::manifest::{Flags, OBJECTS_MAX, Restart, Risk};
use steadfast_core::ports::{Firmware, Health, Identity, Link, ResetCause};
use steadfast_core::record::{BootRecord, Stage};

use crate::application::{Application, NotPrepared};
use crate::board::{self, Board, FEEDINGS};
use crate::crashes::{Crashes, LONG_RUN};
use crate::narrator::Narrator;
use crate::partition::Partition;
use crate::time;

/// Everything that the loop needs.
pub struct Steadfast<'a, B: Board + 'static, L, I> {
    /// The board.
    pub board: &'a B,
    /// What it shares with the application's tasks.
    pub application: &'static Application<B::Flash>,
    /// The way to the server.
    pub link: L,
    /// Who the device is.
    pub identity: I,
    /// What runs: [`firmware`] makes it.
    pub firmware: Firmware,
}

/// The firmware whose configuration is `C`, as core wants it described.
#[must_use]
pub const fn firmware<C: Configuration>(id: FirmwareId, reset: ResetCause) -> Firmware {
    Firmware { id, schema: C::SCHEMA_ID, sections: Sorted::<C>::SECTIONS, reset }
}

impl<B: Board, L: Link, I: Identity> Steadfast<'_, B, L, I> {
    /// Runs for ever.
    pub async fn run(self) -> ! {
        const { board::check::<B>() };
        let Self { board, application, link, identity, mut firmware } = self;
        let crashes = Crashes(board.kept_word());
        firmware.reset = crashes.judge(firmware.reset);
        crashes.begin();
        if firmware.reset == ResetCause::CrashLoop {
            defmt::error!("crashed again and again: what is confirmed is left alone for a while");
        }
        let ports = Ports { flash: application.partition().await, link, identity, health: application };
        let mut driver = Driver::new(ports, Setting { layout: *application.layout(), firmware });
        join(feed(board), turn(&mut driver, board, application)).await.0
    }
}

async fn feed(board: &impl Board) -> ! {
    const { assert!(FEEDINGS > 1) };
    fn period<B: Board>(_: &B) -> Duration {
        Duration::from_millis((B::WATCHDOG_MS / FEEDINGS) as u64)
    }
    let mut ticker = Ticker::every(period(board));
    let long_run = Instant::now() + LONG_RUN;
    loop {
        board.feed_watchdog();
        if Instant::now() >= long_run {
            Crashes(board.kept_word()).end();
        }
        ticker.next().await;
    }
}

type OnBoard<'a, B, L, I, H> = Driver<Partition<'a, <B as Board>::Flash>, L, I, H>;

async fn turn<B: Board, L: Link, I: Identity, H: Health>(
    driver: &mut OnBoard<'_, B, L, I, H>,
    board: &B,
    application: &Application<B::Flash>,
) -> ! {
    let mut narrator = Narrator::default();
    let mut preparing = None;
    let crashes = Crashes(board.kept_word());
    loop {
        if application.is_final() {
            driver.firmware_is_final();
        }
        // A driver that has not started yet would not hear it.
        let is_free = preparing.is_none() && driver.record().is_some();
        if let Some(next) = application.next_schema().filter(|_| is_free) {
            driver.prepare(next);
            preparing = Some(next);
        }
        if let Some(section) = application.undecodable() {
            driver.undecodable(section);
        }
        if application.is_altered() {
            driver.altered();
        }
        let next = driver.step(time::now()).await;
        if driver.is_answered() {
            crashes.end();
        }
        if let Some(record) = driver.record() {
            narrator.tell(record);
        }
        if let Some(next) = preparing.take_if(|_| !driver.is_preparing()) {
            let swapped = driver.prepared(next).await.map(|prepared| board.swap(&prepared));
            application.prepared(swapped.ok_or(NotPrepared));
        }
        match next {
            // The application's tasks run between two steps, however much there is to do.
            Next::Now => yield_now().await,
            Next::At(at) => {
                select(Timer::at(time::wake_at(at)), application.spoken()).await;
            }
            Next::Activate => {
                let running = driver.running().map(Intact::slot);
                if running.is_none() || is_on_trial(driver.record(), running) {
                    crashes.end();
                }
                narrator.activated(driver.running());
                application.activate(driver.running().cloned());
                if !application.is_taken().await {
                    defmt::error!("a task does not take its section");
                    if is_on_trial(driver.record(), running) {
                        board.restart();
                    }
                }
            }
            Next::Restart => {
                defmt::info!("restarting");
                board.restart();
            }
        }
    }
}

/// Whether the configuration that runs is on trial, where each start is counted and the last one ends it. What is
/// confirmed goes on without the task that hangs: were the device restarted, it would never come to ask for anything better.
fn is_on_trial(record: Option<&BootRecord>, running: Option<Slot>) -> bool {
    let trial = record.and_then(|record| record.trial);
    trial.is_some_and(|trial| trial.stage == Stage::Running && running == Some(trial.slot))
}

/// A manifest names sections in ascending order, a configuration type in that of its fields.
struct Sorted<C>(PhantomData<C>);

impl<C: Configuration> Sorted<C> {
    const SECTIONS: &'static [(&'static str, Flags)] = Self::TABLE.split_at(C::SECTIONS.len()).0;

    const TABLE: &'static [(&'static str, Flags); OBJECTS_MAX] = &{
        let mut table = [("", Flags::new(Restart::Nothing, Risk::Low)); OBJECTS_MAX];
        let mut count = 0;
        while count < C::SECTIONS.len() {
            // Insertion: everything greater moves up by one.
            let section = &C::SECTIONS[count];
            let mut place = count;
            while place > 0 && is_less(section.name, table[place - 1].0) {
                table[place] = table[place - 1];
                place -= 1;
            }
            table[place] = (section.name, section.flags);
            count += 1;
        }
        table
    };
}

const fn is_less(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] < b[at];
        }
        at += 1;
    }
    a.len() < b.len()
}

#[cfg(test)]
mod tests {
    use steadfast_core::config::Config;
    use steadfast_core::keyring::{Director, Keyring, Role};
    use steadfast_core::position::Position;
    use steadfast_core::record::{Cause, Trial};

    use super::*;

    #[derive(Config)]
    #[expect(dead_code, reason = "only its description matters here")]
    struct One {
        #[config(default = 1)]
        value: u8,
    }

    #[derive(Config)]
    #[expect(dead_code, reason = "only its description matters here")]
    struct Two {
        #[config(default = 1)]
        value: u8,
    }

    #[derive(Config)]
    #[expect(dead_code, reason = "only its description matters here")]
    struct Three {
        #[config(default = 1)]
        value: u8,
    }

    #[derive(Config)]
    #[config(root)]
    struct Root {
        b: One,
        #[config(restart = device, risk = safety)]
        ab: Two,
        a: Three,
    }

    #[test]
    fn sections_ascend_by_name_and_keep_their_flags() {
        let sections = firmware::<Root>(FirmwareId([0; 8]), ResetCause::Ordinary).sections;
        let task = Flags::new(Restart::Task, Risk::Low);
        assert_eq!(sections, [("a", task), ("ab", Flags::new(Restart::Device, Risk::Safety)), ("b", task)]);
    }

    #[test]
    fn only_a_trial_is_restarted_for_a_task_that_hangs() {
        let nobody = || Role { threshold: 1, keys: Default::default() };
        let director = Director::None;
        let keyring = Keyring { version: 1, root: nobody(), publisher: nobody(), director, publisher_epoch: 1 };
        let mut record = BootRecord::new(keyring, Position::ZERO);
        record.confirmed = Some(Slot::A);
        assert!(!is_on_trial(Some(&record), Some(Slot::A)), "confirmed");
        record.trial = Some(Trial {
            slot: Slot::B,
            stage: Stage::Running,
            boots_left: 1,
            unreachable: 0,
            crashed: false,
            spent: false,
            cause: Cause::Ordered,
            floor: 0,
        });
        assert!(is_on_trial(Some(&record), Some(Slot::B)));
        assert!(!is_on_trial(Some(&record), Some(Slot::A)), "its boot could not be counted");
        assert!(!is_on_trial(None, None), "flash is away");
    }
}
