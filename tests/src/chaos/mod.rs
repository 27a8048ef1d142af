//! Chaos: an emulated board takes update after update from the real server, while a script drawn from a seed meddles with it.
//!
//! A life is one board with a flash, a fleet and a server of its own. Each step publishes something, does what the script says, then lets
//! all be well and waits until flash and server agree that the update came to its end. Every word of the board and every report is held
//! against the invariants as it comes; flash, read by core's own code, and the server's word are at the end of each step.
//!
//! What may be done, and why no more:
//! - Power is cut and the reset line is pulled at any instant. QEMU is killed outright where it writes its flash file at once (RISC-V); with
//!   SPI flash it is told to end, see [`crate::qemu`].
//! - Bits turn round only while the power is off and only once a step, so that the board has had the time to mend what rotted before:
//!   the store promises to survive one ill at a time. It is either one slot (the other one, or the server, has what is lost), or one
//!   of the two copies of the record in one block: a record whose copies are both gone is lost, and with it what must never fall.
//! - The confirmed slot rots only when the server offers something that works. If it offered only what the board has rejected, nothing
//!   would be left to run but the firmware's defaults, rightly.
//! - What rots during its own trial cannot be confirmed any more: the board returns, judges nothing, and lets that content wait for an hour.
//!   The script then publishes something else, which must be taken at once.
//! - Flash itself tears no word here, and its clock is real time: what needs a torn word, an hour or a day is tried in the simulator alone.
//! - The identity never rots: it is written once, by `steadfast flash`, and nothing on the board could mend it.
//! - Between board and relay there is TCP, which mends what a network loses. So the relay cuts connections, damages, truncates and delays
//!   answers, and takes no connections for a while.

mod deeds;
mod end;
mod fleet;
mod link;
mod rot;
mod script;
mod tally;
mod watch;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use steadfast::demo::devices::Device;
use steadfast::demo::machine::Machine;
use steadfast::demo::world::{Model, World};
use steadfast_core::id::ContentId;
use steadfast_core::record::BootRecord;

use crate::contents::Contents;
use crate::qemu::{self, Running};
use crate::stage;
use fleet::{NAME, Published, Values};
use link::Link;
use script::{Deed, Floor, Rot, Step, Update};
pub use tally::Tally;
use watch::{Allowed, Watch};

/// How often the board's words are taken in.
const LISTEN: Duration = Duration::from_millis(5);

/// How often flash and server are looked at when no report has come.
const LOOK: Duration = Duration::from_millis(400);

/// A moment that has not come by then will not: the board had the update already, or refuses it.
const MOMENT: Duration = Duration::from_secs(3);

/// Polls after which a release has certainly been heard of.
const POLLS: usize = 2;

/// Updates of an ordinary life; lives of a full run, and updates of each.
const ORDINARY_UPDATES: u32 = 12;
const FULL_LIVES: u64 = 8;
const FULL_UPDATES: u32 = 125;

/// A life to be lived.
#[derive(Clone, Debug)]
pub struct Plan {
    /// On which board.
    pub machine: Machine,
    /// Decides everything that is drawn.
    pub seed: u64,
    /// Steps.
    pub updates: u32,
    /// Where flash and logs of a life that failed are kept.
    pub keep: PathBuf,
}

impl Plan {
    /// The lives of an ordinary run: one, in which everything happens.
    #[must_use]
    pub fn ordinary(machine: Machine, keep: &Path) -> Vec<Self> {
        vec![Self { machine, seed: ordinary_seed(machine), updates: ORDINARY_UPDATES, keep: keep.into() }]
    }

    /// The lives of a full run: together a thousand updates. Boards wait most of the time, so many fit two processors.
    #[must_use]
    pub fn full(machine: Machine, keep: &Path) -> Vec<Self> {
        let first = ordinary_seed(machine) + 1;
        let plan = |seed| Self { machine, seed, updates: FULL_UPDATES, keep: keep.into() };
        (first..first + FULL_LIVES).map(plan).collect()
    }
}

const fn ordinary_seed(machine: Machine) -> u64 {
    match machine {
        Machine::RiscvVirt => 951,
        Machine::EmcraftSf2 => 4020,
    }
}

/// Lives it.
///
/// # Panics
/// When an invariant does not hold; prints a line that replays it, and keeps flash and logs.
#[must_use]
pub fn live(plan: Plan) -> Tally {
    let mut life = Life::begin(plan);
    for number in 1..=life.plan.updates {
        life.step(number);
    }
    life.end()
}

/// See the module.
struct Life {
    plan: Plan,
    published: Published,
    device: Device,
    board: qemu::Board,
    running: Option<Running>,
    link: Link,
    watch: Watch,
    start: Instant,
    /// Seconds since the start, and what happened.
    journal: File,
    tally: Tally,
    /// What is published.
    wanted: ContentId,
    /// The last good ones, oldest first.
    good: [Values; 2],
    /// The step under way.
    number: u32,
    polls: usize,
    /// Whether bits turned round in what was on trial.
    lost: bool,
    ordered: bool,
    reported: bool,
}

impl Life {
    fn begin(plan: Plan) -> Self {
        let world = World::new(stage::tools(plan.machine), &[(NAME, Model::Sensor)], Arc::default()).expect("a fleet");
        let device = Device::prepare(&world, NAME, Model::Sensor, None).expect("a device");
        let board = qemu::Board::new(plan.machine, &device.image()).expect("a board");
        let board = board.with_reset_line(&device.file("control"));
        fs::create_dir_all(&plan.keep).expect("a folder for what failed");
        let journal = File::create(plan.keep.join(format!("{}.log", name(&plan)))).expect("a journal");
        let first = Values { period_ms: 100, average: 1, low: 0, server: String::new() };
        let mut life = Self {
            published: Published::new(world),
            device,
            board,
            running: None,
            link: Link::default(),
            watch: Watch::default(),
            start: Instant::now(),
            journal,
            tally: Tally::default(),
            wanted: ContentId::NONE,
            good: [first.clone(), first],
            number: 0,
            polls: 0,
            lost: false,
            ordered: false,
            reported: false,
            plan,
        };
        life.link.rule(&life.device.relay);
        life.allow(false);
        life.publish(&life.good[1].clone());
        life.switch_on();
        life.settle(Update::Good);
        life
    }

    fn end(mut self) -> Tally {
        self.cut();
        self.tally.refusals = std::mem::take(&mut self.watch.refusals);
        self.tally.time = self.start.elapsed();
        drop(fs::remove_file(self.plan.keep.join(format!("{}.log", name(&self.plan)))));
        self.tally.clone()
    }

    fn step(&mut self, number: u32) {
        self.number = number;
        let mut step = Step::draw(self.plan.seed, number);
        self.temper(&mut step);
        let Step { update, objects, floor, events, .. } = &step;
        self.tell(&format!("step {number}: {update:?}, objects {objects:?}, the floor {floor:?}: {events:?}"));
        self.link.send(step.objects);
        let rots = |rot| step.events.iter().any(|event| event.deed == Deed::Kill(Some(rot)));
        let values = self.values(step.update);
        (self.watch.staged, self.ordered, self.polls) = (false, false, 0);
        self.allow(rots(Rot::Confirmed));
        if step.floor == Floor::Rises {
            self.published.raise_floor();
        }
        self.publish(&values);
        for event in step.events.clone() {
            self.suffer(event, &mut step);
        }
        self.be_well();
        self.replace_what_was_lost();
        let update = if step.update == Update::Unrelated && !values.are_good() { Update::Bad } else { step.update };
        self.settle(update);
        self.link.calm();
        self.tally.updates += 1;
        self.tally.rolled_back += usize::from(step.update == Update::Bad);
    }

    fn publish(&mut self, values: &Values) {
        self.wanted = self.published.publish(values, &format!("step {}", self.number));
        self.watch.allowed.run.insert(self.wanted);
        self.tell(&format!("wanted is {}: {values:?}", self.wanted));
    }

    /// What flash lost during its trial waits for an hour, so as not to wear flash out; anything else is taken at once.
    fn replace_what_was_lost(&mut self) {
        if std::mem::take(&mut self.lost) {
            let values = Values { low: -i64::from(self.number), ..self.good[1].clone() };
            self.good[1] = values.clone();
            self.publish(&values);
        }
    }

    /// Takes from a step what the fault model does not allow.
    fn temper(&self, step: &mut Step) {
        let offered = match step.update {
            Update::Bad => false,
            Update::Good | Update::Back => true,
            Update::Unrelated => self.published.values[&self.wanted].are_good(),
        };
        for event in &mut step.events {
            if let Deed::Kill(rot @ Some(Rot::Confirmed | Rot::Other)) = &mut event.deed
                && !offered
            {
                *rot = None;
            }
        }
    }

    /// What to publish.
    fn values(&mut self, update: Update) -> Values {
        let [before, last] = &self.good;
        let number = self.number;
        let values = match update {
            Update::Unrelated => return self.published.values[&self.wanted].clone(),
            Update::Bad => {
                return Values { period_ms: 10 + number / 64 % 40, average: 1 + number % 64, ..last.clone() };
            }
            Update::Back => before.clone(),
            Update::Good => self.next(),
        };
        self.good = [self.good[1].clone(), values.clone()];
        values
    }

    /// Good values that were never there: another section changes each time, and with it what has to restart.
    fn next(&self) -> Values {
        let (number, last) = (self.number, self.good[1].clone());
        let there = format!("{}:{}", Model::Sensor.loopback(), self.device.relay.address().port());
        match number % 4 {
            0 | 1 => Values { period_ms: 100 + number, ..last },
            2 => Values { low: number.into(), ..last },
            _ if last.server.is_empty() => Values { low: number.into(), server: there, ..last },
            _ => Values { period_ms: 100 + number, server: String::new(), ..last },
        }
    }

    /// Sets down what may be true until the next step; `rots` says whether the confirmed slot will rot.
    fn allow(&mut self, rots: bool) {
        let record = self.record();
        let held = [record.a, record.b].into_iter().flatten().map(|held| held.content.id());
        let confirmed = record.confirmed_slot().map(|held| held.content.id());
        let may_run = |content: &ContentId| Some(*content) == confirmed || rots && !record.is_rejected(content);
        let rejected = self.published.values.keys().copied().filter(|content| record.is_rejected(content));
        self.watch.allowed = Allowed {
            run: held.filter(may_run).collect(),
            defaults: rots || confirmed.is_none(),
            rejected: rejected.collect(),
            accepted: record.accepted,
            floor: record.floor,
        };
    }

    /// Takes in what is said for so long.
    fn listen(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let lines = self.running.as_mut().map(Running::heard).unwrap_or_default();
            lines.iter().for_each(|line| self.hear(line));
            let seen = self.link.take();
            for report in &seen.reports {
                self.watch.read(report, &self.published.values);
            }
            self.reported |= !seen.reports.is_empty();
            self.ordered |= seen.ordered;
            self.polls += seen.polls;
            self.tally.relay_faults += seen.spoiled;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(LISTEN));
        }
    }

    fn hear(&mut self, line: &qemu::Line) {
        self.tell(&format!("    {:>10} us {:5} {}", line.at_us, line.level, line.text));
        self.tally.boots += usize::from(line.text.starts_with("booted after"));
        self.watch.hear(line, &self.published.values);
    }

    fn tell(&mut self, words: &str) {
        writeln!(self.journal, "{:9.3} {words}", self.start.elapsed().as_secs_f64())
            .expect("the journal can be written");
    }

    fn contents(&self) -> Contents {
        Contents::read(&self.device.image(), &self.device.board(&self.published.world.tools().project))
    }

    fn record(&self) -> BootRecord {
        self.contents().record().expect("the record survives")
    }
}

/// What a life is called.
fn name(plan: &Plan) -> String {
    format!("{}-{}", plan.machine.name(), plan.seed)
}

impl Drop for Life {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        self.running = None;
        let (plan, kept) = (&self.plan, self.plan.keep.join(name(&self.plan)));
        drop(fs::copy(self.device.image(), kept.with_extension("flash")));
        drop(fs::copy(self.published.world.text("serve.log"), kept.with_extension("server")));
        eprintln!(
            "chaos failed in step {number}; flash and logs: {}.*; to replay: cargo xtask test --replay chaos/{board}/{seed}/{number}",
            kept.display(),
            number = self.number,
            board = plan.machine.name(),
            seed = plan.seed
        );
    }
}
