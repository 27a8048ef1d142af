//! What an application holds of Steadfast: its sections and its health.
//!
//! A task subscribes to the one section that it lives by:
//!
//! ```text
//! let mut sampling = application.subscribe::<Sampling>();
//! let mut values = sampling.section().await?;
//! loop {
//!     // ... work with `values`; sampling.pass("sensor") or sampling.fail("sensor", "overrun") ...
//!     values = sampling.changed().await?;
//! }
//! ```
//!
//! Each activation is numbered. What a task says about its health counts only when it has taken its section of the running
//! activation: a task that still works with old values cannot vouch for new ones. And the device does not poll before every
//! subscriber has taken the new one, or had time enough to: see [`Application::is_taken`].

use core::cell::RefCell;
use core::future::poll_fn;
use core::marker::PhantomData;
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embassy_sync::waitqueue::MultiWakerRegistration;
use embassy_time::{Duration, with_timeout};
use embedded_storage_async::nor_flash::NorFlash;
use heapless::Vec;
use steadfast_core::config::{self, Malformed, Section};
use steadfast_core::content::Content;
use steadfast_core::digest::Digest;
use steadfast_core::flash::layout::{Layout, Region};
use steadfast_core::flash::slot::{CHUNK_MIN_BYTES, Intact, Store};
use steadfast_core::id::SchemaId;
use steadfast_core::manifest::CHECKS_MAX;
use steadfast_core::outcome::Detail;
use steadfast_core::ports::{Check, Health};
use steadfast_core::refusal::Refusal;

use crate::partition::{Partition, SharedFlash};

/// Tasks that may wait for sections, and the loop that waits for them.
pub const SUBSCRIBERS_MAX: usize = 8;

/// Longest section that is read, in bytes.
pub const SECTION_MAX_BYTES: usize = 512;

/// How long subscribers may take to look at a new configuration. On trial the device is restarted with it then; otherwise it goes on
/// without them. Far longer than any task should sleep without listening, far shorter than a trial.
const SUBSCRIBER_PATIENCE: Duration = Duration::from_secs(15);

/// Why there is no section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub enum NoSection {
    /// No configuration runs: the firmware's own defaults hold.
    NoConfiguration,
    /// The configuration does not have it.
    Absent,
    /// The flash does not give it back as it was.
    Unreadable,
    /// Its bytes are not values of this firmware's type.
    Malformed(Malformed),
}

/// What the loop and the application's tasks share, on one executor.
pub struct Application<F: 'static> {
    flash: &'static SharedFlash<F>,
    layout: Layout,
    checks: &'static [&'static str],
    state: RefCell<State>,
    /// One reader at a time, so that not every task needs buffers of its own.
    buffers: Mutex<NoopRawMutex, Buffers>,
    /// A check says something new, or a section could not be decoded.
    spoken: Signal<NoopRawMutex, ()>,
}

struct Buffers {
    section: [u8; SECTION_MAX_BYTES],
    chunk: [u8; CHUNK_MIN_BYTES],
}

/// What the application wants of the loop for the next firmware.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    None,
    /// A configuration for this schema, and then the swap.
    Prepare(SchemaId),
    Failed,
}

/// The next firmware has no configuration yet: the server was not reached, has none, or it cannot be staged now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub struct NotPrepared;

struct State {
    running: Option<Intact>,
    /// Counts activations; 0 until the first.
    activation: u32,
    subscribers: usize,
    /// How many subscribers have not looked at this activation yet.
    behind: usize,
    health: Vec<Check, CHECKS_MAX>,
    undecodable: Option<&'static str>,
    /// A section of what runs does not read as it should.
    altered: bool,
    /// No other firmware will come back.
    is_final: bool,
    wish: Wish,
    wakers: MultiWakerRegistration<{ SUBSCRIBERS_MAX + 1 }>,
}

impl<F: NorFlash> Application<F> {
    /// An application with the checks of its configuration type.
    #[must_use]
    pub fn new(flash: &'static SharedFlash<F>, layout: Layout, checks: &'static [&'static str]) -> Self {
        let state = State {
            running: None,
            activation: 0,
            subscribers: 0,
            behind: 0,
            health: checks.iter().map(|_| Check::Waiting).collect(),
            undecodable: None,
            altered: false,
            is_final: false,
            wish: Wish::None,
            wakers: MultiWakerRegistration::new(),
        };
        let buffers = Mutex::new(Buffers { section: [0; SECTION_MAX_BYTES], chunk: [0; CHUNK_MIN_BYTES] });
        Self { flash, layout, checks, state: RefCell::new(state), buffers, spoken: Signal::new() }
    }

    /// The right to one section, for one task. At most [`SUBSCRIBERS_MAX`]; kept for the life of the task.
    #[must_use]
    pub fn subscribe<S: Section>(&'static self) -> Subscriber<S, F> {
        const { assert!(S::MAX_BYTES <= SECTION_MAX_BYTES, "this section is larger than SECTION_MAX_BYTES") };
        let mut state = self.state.borrow_mut();
        debug_assert!(state.subscribers < SUBSCRIBERS_MAX);
        state.subscribers += 1;
        state.behind += 1;
        Subscriber { application: self, seen: 0, last: None, kind: PhantomData }
    }

    /// What runs; none for the firmware's own defaults.
    #[must_use]
    pub fn content(&self) -> Option<Content> {
        self.state.borrow().running.as_ref().map(|running| *running.content())
    }

    /// The firmware that runs is here to stay, so what was confirmed for another one may be staged over. To be said after each start, once
    /// nothing brings the former firmware back; by boards without such a thing, at once. Until then no update is taken over such a slot.
    pub fn firmware_is_final(&self) {
        self.state.borrow_mut().is_final = true;
        self.spoken.signal(());
    }

    /// Fetches the configuration of the next firmware, whose schema is `next`, into the other slot, and has the board swap firmwares with
    /// it ([`Board::swap`](crate::board::Board::swap)), which restarts the device. One attempt, after a trial that may be under way.
    ///
    /// # Errors
    /// [`NotPrepared`]; nothing has changed, and it may be tried again.
    pub async fn prepare(&self, next: SchemaId) -> Result<(), NotPrepared> {
        self.state.borrow_mut().wish = Wish::Prepare(next);
        self.spoken.signal(());
        let wish = self.wait_for(|state| (!matches!(state.wish, Wish::Prepare(_))).then_some(state.wish)).await;
        if wish == Wish::Failed { Err(NotPrepared) } else { Ok(()) }
    }

    pub(crate) fn is_final(&self) -> bool {
        self.state.borrow().is_final
    }

    /// The schema of the next firmware, if one is wished for.
    pub(crate) fn next_schema(&self) -> Option<SchemaId> {
        if let Wish::Prepare(schema) = self.state.borrow().wish { Some(schema) } else { None }
    }

    /// The wish has come to its end.
    pub(crate) fn prepared(&self, outcome: Result<(), NotPrepared>) {
        let mut state = self.state.borrow_mut();
        state.wish = outcome.map_or(Wish::Failed, |()| Wish::None);
        state.wakers.wake();
    }

    /// Where record and slots lie.
    pub(crate) const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The part of the flash that core may touch.
    pub(crate) async fn partition(&self) -> Partition<'static, F> {
        let regions = [self.layout.record, self.layout.a, self.layout.b];
        let start = regions.iter().map(|region| region.start).min().unwrap_or(0);
        let end = regions.iter().map(Region::end).max().unwrap_or(0);
        Partition::new(self.flash, start..end).await
    }

    /// From now on `running` is what sections are read from. All checks begin anew.
    pub(crate) fn activate(&self, running: Option<Intact>) {
        let mut state = self.state.borrow_mut();
        state.running = running;
        state.activation = state.activation.wrapping_add(1).max(1);
        state.behind = state.subscribers;
        state.health.fill(Check::Waiting);
        state.undecodable = None;
        state.altered = false;
        state.wakers.wake();
    }

    /// Whether every subscriber took the running configuration in time.
    pub(crate) async fn is_taken(&self) -> bool {
        let all = self.wait_for(|state| (state.behind == 0).then_some(()));
        with_timeout(SUBSCRIBER_PATIENCE, all).await.is_ok()
    }

    /// A section of what runs that a subscriber could not decode; told once.
    pub(crate) fn undecodable(&self) -> Option<&'static str> {
        self.state.borrow_mut().undecodable.take()
    }

    /// Whether a subscriber found its section altered; told once.
    pub(crate) fn is_altered(&self) -> bool {
        core::mem::take(&mut self.state.borrow_mut().altered)
    }

    /// Waits until a check says something new, or a section could not be decoded.
    pub(crate) async fn spoken(&self) {
        self.spoken.wait().await;
    }

    /// Apart from the section's type, so that it is compiled once.
    async fn read<'b>(
        &self,
        section: &str,
        running: Option<Intact>,
        buffers: &'b mut Buffers,
    ) -> Result<&'b [u8], NoSection> {
        let running = running.ok_or(NoSection::NoConfiguration)?;
        let mut flash = self.partition().await;
        let mut store = Store { flash: &mut flash, layout: &self.layout, chunk: &mut buffers.chunk };
        let mut found = Err(Refusal::READ_BACK);
        // A read may fail for once.
        for _ in 0..2 {
            if found == Err(Refusal::READ_BACK) {
                let bytes = running.section(&mut store, section, &mut buffers.section).await;
                found = bytes.map(|bytes| bytes.map(<[u8]>::len));
            }
        }
        if found == Err(Refusal::READ_BACK) {
            self.state.borrow_mut().altered = true;
            self.spoken.signal(());
        }
        let length = found.map_err(|_| NoSection::Unreadable)?.ok_or(NoSection::Absent)?;
        buffers.section.get(..length).ok_or(NoSection::Unreadable)
    }

    async fn wait_for<T>(&self, ready: impl Fn(&State) -> Option<T>) -> T {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            match ready(&state) {
                Some(value) => Poll::Ready(value),
                None => {
                    state.wakers.register(context.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn say(&self, name: &str, word: Check) {
        let mut state = self.state.borrow_mut();
        let at = self.checks.iter().position(|check| *check == name);
        match at.and_then(|at| state.health.get_mut(at)) {
            Some(check) if *check != word => {
                *check = word;
                self.spoken.signal(());
            }
            Some(_) => {}
            None => defmt::warn!("`{=str}` is no check of this configuration", name),
        }
    }
}

impl<F: NorFlash> Health for &Application<F> {
    fn check(&mut self, name: &str) -> Check {
        let at = self.checks.iter().position(|check| *check == name);
        at.and_then(|at| self.state.borrow().health.get(at).cloned()).unwrap_or(Check::Waiting)
    }
}

/// One task's section: reads it, waits for its changes, vouches for it.
pub struct Subscriber<S, F: 'static> {
    application: &'static Application<F>,
    /// The activation that was looked at last; 0 before the first.
    seen: u32,
    /// The bytes that were handed out last, in short.
    last: Option<Digest>,
    kind: PhantomData<S>,
}

impl<S: Section, F: NorFlash> Subscriber<S, F> {
    /// The section as it runs now. Waits for the first activation after a start.
    ///
    /// # Errors
    /// [`NoSection`]; what then holds is the application's business, usually its own defaults.
    pub async fn section(&mut self) -> Result<S, NoSection> {
        let (running, activation) = self.next_activation(0).await;
        self.take(running, activation).await
    }

    /// Waits until an activation brings other values than those handed out last.
    ///
    /// # Errors
    /// As [`Subscriber::section`].
    pub async fn changed(&mut self) -> Result<S, NoSection> {
        loop {
            let (running, activation) = self.next_activation(self.seen).await;
            let before = self.last;
            let values = self.take(running, activation).await;
            if self.last != before {
                return values;
            }
        }
    }

    /// The check `name` passes, with the values that were handed out last.
    pub fn pass(&self, name: &str) {
        self.say(name, Check::Passed);
    }

    /// The check `name` fails, with the values that were handed out last. `why` is reported, cut at 40 bytes.
    pub fn fail(&self, name: &str, why: &str) {
        let mut detail = Detail::new();
        // Whatever fits; a short word is better than none.
        why.chars().take_while(|letter| detail.push(*letter).is_ok()).for_each(drop);
        self.say(name, Check::Failed(detail));
    }

    fn say(&self, name: &str, word: Check) {
        let activation = self.application.state.borrow().activation;
        if self.seen != 0 && self.seen == activation {
            self.application.say(name, word);
        }
    }

    async fn next_activation(&self, seen: u32) -> (Option<Intact>, u32) {
        let newer = |state: &State| (state.activation != seen).then(|| (state.running.clone(), state.activation));
        self.application.wait_for(newer).await
    }

    async fn take(&mut self, running: Option<Intact>, activation: u32) -> Result<S, NoSection> {
        let mut buffers = self.application.buffers.lock().await;
        let found = self.application.read(S::NAME, running, &mut buffers).await;
        self.last = found.as_deref().ok().map(Digest::of);
        let values = found.and_then(|bytes| config::decode(bytes).map_err(NoSection::Malformed));
        if let Err(NoSection::Malformed(_)) = values {
            // Signed bytes that are not of our type: firmware and schema disagree, which must end the trial.
            self.application.state.borrow_mut().undecodable = Some(S::NAME);
            self.application.spoken.signal(());
        }
        self.look_at(activation);
        values
    }

    fn look_at(&mut self, activation: u32) {
        let mut state = self.application.state.borrow_mut();
        if self.seen != activation && state.activation == activation {
            state.behind = state.behind.saturating_sub(1);
            state.wakers.wake();
        }
        self.seen = activation;
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;

    use embassy_futures::block_on;
    use embassy_futures::join::join;
    use steadfast_core::config::Config;
    use steadfast_core::flash::layout::Region;

    use super::*;
    use crate::partition::tests::Chip;

    #[derive(Config)]
    #[expect(dead_code, reason = "its values never arrive here")]
    struct Sampling {
        #[config(default = 1)]
        period: u8,
    }

    #[derive(Config)]
    #[config(root)]
    struct Root {
        #[config(checks("sensor"))]
        sampling: Sampling,
    }

    fn application() -> &'static Application<Chip> {
        let region = Region { start: 0, length: 16, erase_bytes: 16 };
        let layout = Layout { record: region, a: region, b: region, erased: 0xFF };
        let flash = Box::leak(Box::new(SharedFlash::new(Chip::new())));
        Box::leak(Box::new(Application::new(flash, layout, <Root as config::Configuration>::CHECKS)))
    }

    #[test]
    fn a_task_vouches_only_for_the_configuration_that_it_has_taken() {
        let mut application = application();
        let mut sampling = application.subscribe::<Sampling>();
        sampling.pass("sensor");
        assert_eq!(application.check("sensor"), Check::Waiting, "before the first activation");

        application.activate(None);
        sampling.pass("sensor");
        assert_eq!(application.check("sensor"), Check::Waiting, "activated, but not taken");

        assert_eq!(block_on(sampling.section()).err(), Some(NoSection::NoConfiguration));
        sampling.pass("sensor");
        assert_eq!(application.check("sensor"), Check::Passed);

        application.activate(None);
        assert_eq!(application.check("sensor"), Check::Waiting, "checks begin anew");
        sampling.fail("sensor", "of yesterday");
        assert_eq!(application.check("sensor"), Check::Waiting, "a word about old values");
    }

    #[test]
    fn an_activation_is_taken_when_every_subscriber_has_looked() {
        let application = application();
        let mut first = application.subscribe::<Sampling>();
        let mut second = application.subscribe::<Sampling>();
        application.activate(None);
        assert_eq!(application.state.borrow().behind, 2);
        let _ = block_on(first.section());
        let _ = block_on(first.section());
        assert_eq!(application.state.borrow().behind, 1, "looking twice counts once");
        let _ = block_on(second.section());
        assert!(block_on(application.is_taken()));
    }

    #[test]
    fn a_wish_for_the_next_firmware_ends_with_what_the_loop_says() {
        const NEXT: SchemaId = SchemaId([4; 32]);
        let application = application();
        for outcome in [Err(NotPrepared), Ok(())] {
            let the_loop = async {
                assert_eq!(application.next_schema(), Some(NEXT));
                application.prepared(outcome);
                assert_eq!(application.next_schema(), None);
            };
            assert_eq!(block_on(join(application.prepare(NEXT), the_loop)).0, outcome);
        }
    }

    #[test]
    fn a_long_reason_is_cut_and_an_unknown_check_is_nobodys() {
        let mut application = application();
        let mut sampling = application.subscribe::<Sampling>();
        application.activate(None);
        let _ = block_on(sampling.section());
        sampling.fail("sensor", &"long ".repeat(20));
        let Check::Failed(detail) = application.check("sensor") else { panic!("it has failed") };
        assert!(detail.starts_with("long long") && detail.len() <= 40);
        sampling.pass("other");
        assert_eq!(application.check("other"), Check::Waiting);
    }
}
