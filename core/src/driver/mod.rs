//! The driver: carries out what the agent decides, one action a step.
//!
//! The loop of a firmware, of the Linux gateway and of a simulated device is the same few lines:
//!
//! ```text
//! loop { match driver.step(now()).await {
//!     Now => continue,  At(t) => until t or a health check changes,
//!     Activate => give the application what driver.running() says,  Restart => start again } }
//! ```
//!
//! All buffers live in it, nothing is allocated. Bytes come in over the link, are verified, and go to flash; the agent
//! never sees them.

mod health;
mod prepare;
mod reader;
mod source;
mod stage;
#[cfg(test)]
mod tests;

use embedded_storage_async::nor_flash::NorFlash;

use crate::agent::{Action, Agent, Event, Examined, Facts, News, Offer};
use crate::answer::{ANSWER_MAX_BYTES, Asked, Challenge};
use crate::codec;
use crate::envelope::Trust;
use crate::flash::layout::{Layout, Slot};
use crate::flash::record::{RECORD_BYTES, RecordStore, Unread};
use crate::flash::slot::{Intact, Store};
use crate::id::KeyId;
use crate::manifest::Manifest;
use crate::outcome::{Detail, Ending, Outcome};
use crate::poll::{POLL_MAX_BYTES, PollFlags};
use crate::ports::{Endpoint, Firmware, Health, Identity, Link, LinkFailed};
use crate::record::BootRecord;
use crate::refusal::Refusal;
use crate::report::{REPORT_BODY_MAX_BYTES, REPORT_MAX_BYTES, Refused, ReportBody};
use crate::statement::{self, Message, SIGNATURE_BYTES};
use crate::time::{Instant, Span};

use health::{examine, explain};
pub use prepare::Prepared;
use reader::Reader;

/// Pause before flash that failed at the start is tried again.
const FLASH_RETRY: Span = Span::from_seconds(10);

/// After so many pauses, a minute, a block of the record region that still does not read is given up. What only wakes up, or is
/// busy with an erase, takes seconds.
const FLASH_RETRIES: u8 = 6;

/// What the loop has to do before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Now,
    /// Wait until then, or until a health check changes.
    At(Instant),
    /// Give the application what [`Driver::running`] says; the health checks start anew. Comes once after each start, with
    /// each change that restarts no more than tasks, and once more when flash that had failed at the start recovers.
    Activate,
    /// Start again: a microcontroller resets, a gateway makes a new driver.
    Restart,
}

/// The world around the driver.
pub struct Ports<F, L, I, H> {
    /// Flash with record and slots.
    pub flash: F,
    /// The way to the server.
    pub link: L,
    /// Who the device is.
    pub identity: I,
    /// The application's health.
    pub health: H,
}

/// The board and the firmware.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Where record and slots lie.
    pub layout: Layout,
    /// What runs the driver.
    pub firmware: Firmware,
}

/// The buffers, all that there are.
struct Buffers {
    /// The last answer, kept while its configuration is staged.
    answer: [u8; ANSWER_MAX_BYTES],
    answered: usize,
    /// The last poll, the context of its answer.
    poll: [u8; POLL_MAX_BYTES],
    polled: usize,
    /// Everything else, one thing at a time: a record, a report, a piece of an object.
    work: [u8; RECORD_BYTES],
}

/// The device, but for its application. See the module.
// Buffers last: what lies near the start is reached with shorter instructions.
#[repr(C)]
pub struct Driver<F, L, I, H> {
    started: Option<(Agent, RecordStore)>,
    event: Option<Event>,
    /// The slot that was read back last, until the application runs it.
    read: Option<Intact>,
    /// The slot that was staged last, since the start.
    staged: Option<Intact>,
    running: Option<Intact>,
    offer: Option<Offer>,
    /// Why the application does not run what it should: its own doing, or the machine's.
    undecodable: Option<Detail>,
    not_given: Option<Detail>,
    /// The application found what runs altered.
    altered: bool,
    /// The part of the running slot that is scrubbed next.
    scrub_next: usize,
    /// No other firmware will come back.
    is_final: bool,
    /// How often flash was waited for. At the first time the application was told to run its defaults.
    flash_waits: u8,
    setting: Setting,
    ports: Ports<F, L, I, H>,
    buffers: Buffers,
}

impl<F: NorFlash, L: Link, I: Identity, H: Health> Driver<F, L, I, H> {
    /// A driver that has not touched anything yet.
    #[must_use]
    pub const fn new(ports: Ports<F, L, I, H>, setting: Setting) -> Self {
        let buffers = Buffers {
            answer: [0; ANSWER_MAX_BYTES],
            answered: 0,
            poll: [0; POLL_MAX_BYTES],
            polled: 0,
            work: [0; RECORD_BYTES],
        };
        Self {
            ports,
            setting,
            buffers,
            started: None,
            event: None,
            read: None,
            staged: None,
            running: None,
            offer: None,
            undecodable: None,
            not_given: None,
            altered: false,
            scrub_next: 0,
            is_final: false,
            flash_waits: 0,
        }
    }

    /// Decides and carries out one action. Bounded by the link's time-outs and the slot's size.
    pub async fn step(&mut self, now: Instant) -> Next {
        if self.started.is_none() && !self.start().await {
            return self.without_flash(now);
        }
        if self.event.is_none() {
            self.observe().await;
        }
        match self.decide(now) {
            Some(action) => self.perform(action).await,
            None => Next::Restart,
        }
    }

    /// Tells the agent what happened. Events never lie in the state of a step that waits: they are the largest values there are.
    #[inline(never)]
    fn decide(&mut self, now: Instant) -> Option<Action> {
        let (agent, _) = self.started.as_mut()?;
        Some(agent.handle(self.event.take()?, now))
    }

    async fn start(&mut self) -> bool {
        let unread = self.unread();
        let (flash, work) = (&mut self.ports.flash, &mut self.buffers.work);
        if let Ok(store) = RecordStore::find(flash, &self.setting.layout, work, unread).await {
            self.begin(store);
        }
        self.started.is_some()
    }

    /// Apart, so that agent and record are on the stack and gone.
    #[inline(never)]
    fn begin(&mut self, store: RecordStore) {
        let identity = &mut self.ports.identity;
        let record = store.record(&self.buffers.work).unwrap_or_else(|| lost(&*identity));
        let seed = u64::from_le_bytes(identity.random());
        let (agent, _) =
            self.started.insert((Agent::new(identity.device(), self.setting.firmware, record, seed), store));
        if self.is_final {
            agent.firmware_is_final();
        }
        self.event = Some(Event::Started);
    }

    /// Flash cannot be read, or not be trusted with a record. The application runs its defaults meanwhile.
    const fn without_flash(&mut self, now: Instant) -> Next {
        let is_first = self.flash_waits == 0;
        self.flash_waits = self.flash_waits.saturating_add(1);
        if is_first { Next::Activate } else { Next::At(now.after(FLASH_RETRY)) }
    }

    const fn unread(&self) -> Unread {
        if self.flash_waits > FLASH_RETRIES { Unread::Forgone } else { Unread::Awaited }
    }

    /// What the application runs: proof that a slot was read back, or `None` for its compiled-in defaults.
    #[must_use]
    pub const fn running(&self) -> Option<&Intact> {
        self.running.as_ref()
    }

    /// The record, for display. `None` before the first step.
    #[must_use]
    pub fn record(&self) -> Option<&BootRecord> {
        self.started.as_ref().map(|(agent, _)| agent.record())
    }

    /// What was refused last, since the start, for display.
    #[must_use]
    pub fn refused(&self) -> Option<Refused> {
        self.started.as_ref().and_then(|(agent, _)| agent.refused())
    }

    /// Whether a fresh answer of the server has come since the start, so that it could have mended what runs.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.started.as_ref().is_some_and(|(agent, _)| agent.is_answered())
    }

    /// The ports, for the loop that owns the driver.
    pub const fn ports(&mut self) -> &mut Ports<F, L, I, H> {
        &mut self.ports
    }

    /// Reads a section or file of what runs into the start of `buffer`; `None` when there is none.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`], [`Refusal::READ_BACK`], [`Refusal::FLASH_FAILED`].
    pub async fn section<'b>(&mut self, name: &str, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>, Refusal> {
        let Some(running) = self.running.clone() else { return Ok(None) };
        running.section(&mut self.store(), name, buffer).await
    }

    /// Reads the manifest of what runs into the start of `buffer`; `None` for compiled-in defaults.
    ///
    /// # Errors
    /// As [`Driver::section`].
    pub async fn manifest<'b>(&mut self, buffer: &'b mut [u8]) -> Result<Option<Manifest<'b>>, Refusal> {
        let Some(running) = self.running.clone() else { return Ok(None) };
        running.manifest(&mut self.store(), buffer).await.map(Some)
    }

    /// The application could not decode that section: on trial, this rejects the configuration.
    pub fn undecodable(&mut self, section: &str) {
        self.undecodable = Some(explain(&[section]));
    }

    /// The application could not be given what runs, for a reason of this machine alone: on trial, the device goes back and
    /// tries it again later.
    pub fn not_given(&mut self, why: &str) {
        self.not_given = Some(explain(&[why]));
    }

    /// The application found what runs altered since it was read back: on trial, the device goes back; otherwise the server mends it.
    pub const fn altered(&mut self) {
        self.altered = true;
    }

    fn store(&mut self) -> Store<'_, F> {
        Store { flash: &mut self.ports.flash, layout: &self.setting.layout, chunk: &mut self.buffers.work }
    }

    /// What happened while nothing was done.
    async fn observe(&mut self) {
        self.event = Some(if let Some(section) = self.undecodable.take() {
            Event::Undecodable(section)
        } else if let Some(words) = self.not_given.take() {
            Event::NotGiven(words)
        } else if core::mem::take(&mut self.altered) {
            Event::Rotten
        } else if let Some(running) = &self.running {
            let mut store =
                Store { flash: &mut self.ports.flash, layout: &self.setting.layout, chunk: &mut self.buffers.work };
            // The answer's buffer is free: nothing is staged while the agent waits.
            let manifest = running.manifest(&mut store, &mut self.buffers.answer).await;
            Event::Tick(examine(manifest, &mut self.ports.health))
        } else {
            Event::Tick(Examined::default())
        });
    }

    async fn perform(&mut self, action: Action) -> Next {
        match action {
            Action::Wait(until) => return Next::At(until),
            Action::Restart => return Next::Restart,
            Action::Activate(slot) => {
                self.running = self.read.take().filter(|intact| Some(intact.slot()) == slot);
                self.event = Some(Event::Activated);
                return Next::Activate;
            }
            Action::Commit => match self.commit().await {
                Some(is_done) => self.event = Some(if is_done { Event::Committed } else { Event::CommitFailed }),
                None => {
                    self.started = None;
                    return Next::Restart;
                }
            },
            Action::ReadBack(slot) => {
                let facts = self.read_back(slot).await;
                self.event = Some(Event::Read(facts));
            }
            Action::Poll(flags) => self.poll(flags).await,
            Action::Stage(slot) => self.stage(slot).await,
            Action::Report(challenge) => {
                let reported = self.report(challenge).await;
                self.event = Some(Event::Reported(reported));
            }
            Action::Scrub => {
                let is_sound = self.scrub().await;
                self.event = Some(if is_sound { Event::Sound } else { Event::Rotten });
            }
        }
        Next::Now
    }

    /// Whether it was done. `None` when nobody can say which record is in force: only a start can find out. Until flash answers again nothing may be told or
    /// decided, and least of all from the keys and the floor that the device was made with.
    async fn commit(&mut self) -> Option<bool> {
        let unread = self.unread();
        let (agent, store) = self.started.as_mut()?;
        let (flash, work) = (&mut self.ports.flash, &mut self.buffers.work);
        let is_first = agent.record().generation == 0;
        if store.commit(flash, agent.record_mut(), work).await.is_ok() {
            return Some(true);
        }
        // Whatever flash holds now is what counts.
        *store = RecordStore::find(flash, &self.setting.layout, work, unread).await.ok()?;
        let none = || is_first.then(|| lost(&self.ports.identity));
        *agent.record_mut() = store.record(work).or_else(none)?;
        Some(false)
    }

    async fn read_back(&mut self, slot: Slot) -> Option<Facts> {
        let (agent, _) = self.started.as_ref()?;
        let content = agent.record().slot(slot)?.content;
        let mut store =
            Store { flash: &mut self.ports.flash, layout: &self.setting.layout, chunk: &mut self.buffers.work };
        self.read = match store.read_back(slot, &content).await {
            // A read may fail for once.
            None => store.read_back(slot, &content).await,
            read => read,
        };
        let manifest = self.read.as_ref()?.manifest(&mut store, &mut self.buffers.answer).await.ok()?;
        Some(facts(&manifest))
    }

    /// Whether the part of the running slot that is due is as it was.
    async fn scrub(&mut self) -> bool {
        let Some(running) = &self.running else { return true };
        let mut store =
            Store { flash: &mut self.ports.flash, layout: &self.setting.layout, chunk: &mut self.buffers.work };
        let next = match store.scrub(running, self.scrub_next).await {
            // Once more and whole: a read may fail for once.
            None => store.read_back(running.slot(), running.content()).await.map(|_| 0),
            next => next,
        };
        self.scrub_next = next.unwrap_or(0);
        next.is_some()
    }

    async fn poll(&mut self, flags: PollFlags) {
        self.ask(flags);
        let buffers = &mut self.buffers;
        let request = buffers.poll.get(..buffers.polled).unwrap_or_default();
        let answered = self.ports.link.exchange(Endpoint::Poll, request, &mut buffers.answer).await;
        self.answered(flags, answered);
    }

    /// Puts the poll together.
    #[inline(never)]
    fn ask(&mut self, flags: PollFlags) {
        let Some((agent, _)) = &self.started else { return };
        let poll = agent.poll(flags, self.ports.identity.random());
        // There is room for any.
        let bytes = codec::encode(&poll, &mut self.buffers.poll);
        self.buffers.polled = bytes.map_or(0, |bytes| bytes.len());
    }

    /// Keeps what an answer offers for staging.
    #[inline(never)]
    fn answered(&mut self, flags: PollFlags, answered: Result<usize, LinkFailed>) {
        let news = match answered {
            Ok(length) => {
                self.buffers.answered = length;
                self.understand(flags)
            }
            Err(_) => News::Silence,
        };
        if let News::Changed(_, Ok(offer)) = &news {
            self.offer = Some(offer.clone());
        }
        self.event = Some(Event::Answer(news));
    }

    /// Verifies the answer as far as it goes.
    fn understand(&self, flags: PollFlags) -> News {
        let Some((agent, _)) = &self.started else { return News::Silence };
        let buffers = &self.buffers;
        let bytes = buffers.answer.get(..buffers.answered).unwrap_or_default();
        if bytes.is_empty() {
            return News::Nothing;
        }
        let reader = Reader {
            asked: Asked {
                fleet: &self.ports.identity.fleet(),
                keyring: &agent.record().keyring,
                poll: buffers.poll.get(..buffers.polled).unwrap_or_default(),
            },
            trust: Trust {
                fleet: self.ports.identity.fleet(),
                device: self.ports.identity.device(),
                schema: agent.schema(flags),
                keyring: &agent.record().keyring,
                accepted: agent.record().accepted,
                floor: agent.record().floor,
            },
            // What the next firmware's sections are, only that one knows.
            sections: if flags.has(PollFlags::PREPARING) { &[] } else { self.setting.firmware.sections },
            running: self.running.as_ref().map(|intact| *intact.content()),
        };
        reader.read(bytes).unwrap_or_else(News::Refused)
    }

    /// Sends a report.
    async fn report(&mut self, challenge: Challenge) -> Result<(), LinkFailed> {
        let Some((agent, _)) = &self.started else { return Err(LinkFailed) };
        let body = sign(agent, challenge, &self.ports.identity, &mut self.buffers.work).map_err(|_| LinkFailed)?;
        let mut nothing = [0; 16];
        self.ports.link.exchange(Endpoint::Report, body, &mut nothing).await.map(|_| ())
    }
}

/// Encodes and signs a report into `work`; returns the body to send.
#[inline(never)]
fn sign<'b>(
    agent: &Agent,
    challenge: Challenge,
    identity: &impl Identity,
    work: &'b mut [u8; RECORD_BYTES],
) -> Result<&'b [u8], Refusal> {
    let (statement, body) = work.split_at_mut(REPORT_MAX_BYTES);
    let statement = codec::encode(&agent.report(challenge), statement)?;
    let device = identity.device();
    let message = Message::new(statement::Kind::Report, &identity.fleet(), &device.0, statement)?;
    let signature = signature_entry(identity, &message);
    codec::encode(&ReportBody { device, statement, signature: &signature }, body)
}

const _: () =
    assert!(REPORT_MAX_BYTES + REPORT_BODY_MAX_BYTES <= RECORD_BYTES, "a report and its body share one buffer");

/// What a device remembers when no record is readable.
fn lost(identity: &impl Identity) -> BootRecord {
    let mut record = BootRecord::new(identity.first_keyring(), identity.first_floor());
    record.outcome = Outcome { ending: Ending::RecordLost, ..Outcome::none() };
    record
}

fn signature_entry(identity: &impl Identity, message: &Message) -> [u8; SIGNATURE_BYTES] {
    let KeyId(id) = identity.key();
    let signature = identity.sign(message.bytes());
    let mut entry = [0; SIGNATURE_BYTES];
    entry.iter_mut().zip(id.iter().chain(&signature)).for_each(|(to, from)| *to = *from);
    entry
}

fn facts(manifest: &Manifest<'_>) -> Facts {
    Facts { settings: manifest.settings, policy: manifest.policy }
}
