//! What the demonstration shows, in order. Each step waits for what it tells of, and ends the story when it does not come.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::DemoError;
use super::devices::Device;
use super::process::{Process, tail};
use super::relay::Traffic;
use super::watch::{Event, Manner, Section, Watch};
use super::world::{LEAVES, Model, Tools, World};
use crate::serve::api::{Standing, Why};

/// Where the story's changes are made: a layer of the site at which both devices stand.
const LAYER: &str = "layers/site/boston.toml";

/// Periods that the sensor can serve, in milliseconds, and one that it cannot.
const PERIODS_MS: [u32; 2] = [500, 250];
const TOO_SHORT_MS: u32 = 20;

/// A device of the story.
struct Hero {
    device: Device,
    watch: Watch,
    power: Option<Process>,
    /// What had passed its relay before each chapter.
    traffic: Vec<Traffic>,
}

/// The story as it is told.
struct Story<'a> {
    world: World,
    heroes: [Hero; 2],
    chapters: Vec<&'static str>,
    start: Instant,
    say: &'a dyn Fn(&str),
}

/// Tells the whole story, line by line, to `say`. Everything it made is gone afterwards, however it ends.
///
/// # Errors
/// [`DemoError`]: something did not happen as it is told.
pub fn tell(tools: Tools, stop: Arc<AtomicBool>, say: &dyn Fn(&str)) -> Result<(), DemoError> {
    let start = Instant::now();
    say("A fleet in a git repository, its server, a microcontroller (QEMU) and a Linux gateway.");
    let world = World::new(tools, &[("board", Model::Sensor), ("gateway", Model::Gateway)], stop)?;
    say(&format!("  {LEAVES} devices, each with its leaf in one signed tree; served at {}", world.url()));
    let heroes = [Hero::new(&world, "board", Model::Sensor)?, Hero::new(&world, "gateway", Model::Gateway)?];
    let mut story = Story { world, heroes, chapters: Vec::new(), start, say };
    story.first_configuration()?;
    story.one_field()?;
    story.a_bad_commit()?;
    story.power_cut()?;
    story.end();
    Ok(())
}

impl Hero {
    fn new(world: &World, name: &str, model: Model) -> Result<Self, DemoError> {
        let device = Device::prepare(world, name, model, None)?;
        let watch = Watch::default();
        watch.over(&device.relay, Manner::Honest);
        Ok(Self { device, watch, power: None, traffic: Vec::new() })
    }

    fn switch_on(&mut self) -> Result<(), DemoError> {
        self.power = Some(self.device.start()?);
        Ok(())
    }
}

impl Story<'_> {
    fn first_configuration(&mut self) -> Result<(), DemoError> {
        self.chapter("1. A published commit reaches both", "first configuration");
        for hero in &mut self.heroes {
            hero.switch_on()?;
        }
        let all = self.wait_until_current()?;
        for why in &all {
            self.line(&format!("{:8} {}; release {} confirmed", why.device.name, why.device.health, accepted(why)));
        }
        Ok(())
    }

    fn one_field(&mut self) -> Result<(), DemoError> {
        self.chapter("2. One field changes", "one field changed");
        self.publish_period(PERIODS_MS[0], "sample twice a second")?;
        self.wait_until_current()?;
        for hero in &self.heroes {
            let (sections, sent, bytes) = ordered(hero)?;
            if sent.len() != 1 || sent[0].name != "sampling" || hero.watch.has(|event| *event == Event::Fetched) {
                return Err(DemoError::Otherwise(format!(
                    "{}: not only `sampling` was sent: {sent:?}",
                    hero.device.name
                )));
            }
            self.line(&format!(
                "{:8} confirmed it; of {} sections only `sampling` was sent, {} bytes in a signed answer of {bytes}",
                hero.device.name,
                sections.len(),
                sent[0].object.size,
            ));
        }
        Ok(())
    }

    fn a_bad_commit(&mut self) -> Result<(), DemoError> {
        self.chapter("3. A bad commit: the sensor cannot be read that fast", "bad commit, and its revert");
        let before = self.runs()?;
        self.publish_period(TOO_SHORT_MS, "sample fifty times a second")?;
        for (place, before) in before.iter().enumerate() {
            let why = self.wait(place, "rolls back", |why| why.device.standing == Standing::Refused)?;
            let reason = why.device.refusal.as_ref().map(|reason| format!("{}: {}", reason.words, reason.detail));
            if why.device.running != *before {
                return Err(DemoError::Otherwise(format!("{} does not run what it ran", why.device.name)));
            }
            let reason = reason.unwrap_or_default();
            self.line(&format!("{:8} tried it and rolled back by itself: {reason}", why.device.name));
        }
        (self.say)("\n  $ steadfast why board");
        let screen = self.world.steadfast(&["why", "board", "--server", &self.world.url()])?;
        screen.lines().for_each(|line| (self.say)(&format!("  | {line}")));
        (self.say)("");

        self.world.git(&["revert", "--no-edit", "HEAD"])?;
        self.published()?;
        self.heroes.iter().for_each(|hero| drop(hero.watch.take()));
        self.wait_until_current()?;
        let ordered = |event: &Event| matches!(event, Event::Ordered { .. });
        if self.heroes.iter().any(|hero| hero.watch.has(ordered)) {
            return Err(DemoError::Otherwise("a revert to what runs was downloaded".to_owned()));
        }
        self.line("`git revert`: both run what git wants, and nothing had to be downloaded");
        Ok(())
    }

    fn power_cut(&mut self) -> Result<(), DemoError> {
        self.chapter("4. The plug is pulled in the middle of an update", "update with a power cut");
        let before = self.runs()?;
        for hero in &self.heroes {
            hero.watch.over(&hero.device.relay, Manner::Withholding);
        }
        self.publish_period(PERIODS_MS[1], "sample four times a second")?;
        for place in 0..self.heroes.len() {
            self.see(place, "asks for the changed section", |event| *event == Event::Fetched)?;
            self.heroes[place].power = None;
            let hero = &self.heroes[place];
            drop(hero.watch.take());
            self.line(&format!("{:8} lost power while it fetched the changed section", hero.device.name));
        }
        for (place, before) in before.iter().enumerate() {
            self.heroes[place].switch_on()?;
            let name = self.heroes[place].device.name.clone();
            let runs = |event: &Event| matches!(event, Event::Polled(content) if Some(content.to_string()) == *before);
            self.see(place, "runs again", runs)?;
            self.line(&format!("{name:8} has power again, and runs what it ran before"));
            let hero = &self.heroes[place];
            hero.watch.over(&hero.device.relay, Manner::Honest);
        }
        for why in self.wait_until_current()? {
            self.line(&format!("{:8} took the update up again; release {} confirmed", why.device.name, accepted(&why)));
        }
        Ok(())
    }

    /// The table of what each device downloaded.
    fn end(&mut self) {
        self.mark();
        (self.say)(
            "\nBytes that each device downloaded (bodies of answers; the last line is what HTTP's own heads add)",
        );
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["", "board", "gateway"]);
        for (place, chapter) in self.chapters.iter().enumerate() {
            let bytes = |hero: &Hero| hero.traffic[place + 1].bodies_down - hero.traffic[place].bodies_down;
            table.add_row([
                (*chapter).to_owned(),
                bytes(&self.heroes[0]).to_string(),
                bytes(&self.heroes[1]).to_string(),
            ]);
        }
        for (name, bytes) in [
            ("all of it", (|traffic: &Traffic| traffic.bodies_down) as fn(&Traffic) -> usize),
            ("heads of answers", |traffic| traffic.heads_down),
        ] {
            let sum = |hero: &Hero| hero.traffic.last().map_or(0, bytes).to_string();
            table.add_row([name.to_owned(), sum(&self.heroes[0]), sum(&self.heroes[1])]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string().lines().for_each(|line| (self.say)(&format!("  {}", line.trim_end())));
        (self.say)(&format!("\nEverything came as told, in {:.0} s.", self.start.elapsed().as_secs_f64()));
    }

    fn chapter(&mut self, title: &str, name: &'static str) {
        self.mark();
        self.chapters.push(name);
        (self.say)(&format!("\n{title}"));
    }

    /// Remembers what had passed until now.
    fn mark(&mut self) {
        for hero in &mut self.heroes {
            hero.traffic.push(hero.device.relay.tally().all());
        }
    }

    fn line(&self, text: &str) {
        (self.say)(&format!("  {text}"));
    }

    fn publish_period(&self, period_ms: u32, subject: &str) -> Result<(), DemoError> {
        self.world.write(LAYER, &format!("[sampling]\nperiod_ms = {period_ms}\n"))?;
        self.world.commit(subject)?;
        self.heroes.iter().for_each(|hero| drop(hero.watch.take()));
        self.line(&format!("{LAYER}: sampling.period_ms = {period_ms}"));
        self.published()
    }

    fn published(&self) -> Result<(), DemoError> {
        let commit = self.world.git(&["log", "-1", "--format=%h %s"])?;
        self.world.publish()?;
        self.line(&format!("published: {commit}"));
        Ok(())
    }

    /// What each runs, by its last signed report.
    fn runs(&self) -> Result<Vec<Option<String>>, DemoError> {
        self.heroes.iter().map(|hero| Ok(self.world.why(&hero.device.name)?.device.running)).collect()
    }

    fn wait_until_current(&mut self) -> Result<Vec<Why>, DemoError> {
        let current = |why: &Why| why.device.standing == Standing::Current;
        (0..self.heroes.len()).map(|place| self.wait(place, "runs what git wants", current)).collect()
    }

    /// Waits until the server knows that about a device.
    fn wait(&mut self, place: usize, what: &str, done: impl Fn(&Why) -> bool) -> Result<Why, DemoError> {
        let (world, hero) = (&self.world, &mut self.heroes[place]);
        let name = hero.device.name.clone();
        world.wait(&format!("{name}: {what}"), |seen| {
            check(hero)?;
            let why = world.why(&name)?;
            *seen = format!("{} ({})", why.device.health, why.waiting_for);
            Ok(done(&why).then_some(why))
        })
    }

    /// Waits until that passes a device's relay.
    fn see(&mut self, place: usize, what: &str, wanted: impl Fn(&Event) -> bool) -> Result<(), DemoError> {
        let (world, hero) = (&self.world, &mut self.heroes[place]);
        world.wait(&format!("{}: {what}", hero.device.name), |_| {
            check(hero)?;
            Ok(hero.watch.has(&wanted).then_some(()))
        })
    }
}

/// A device that ended by itself will not do what is waited for.
fn check(hero: &mut Hero) -> Result<(), DemoError> {
    let Some(process) = &mut hero.power else { return Ok(()) };
    if process.is_running() {
        return Ok(());
    }
    Err(DemoError::Ended(process.name().to_owned(), tail(&hero.device.log())))
}

/// What a device was ordered last: all sections, those that came along, and the answer's length.
fn ordered(hero: &Hero) -> Result<(Vec<Section>, Vec<Section>, usize), DemoError> {
    let last = hero.watch.take().into_iter().rev().find_map(|event| match event {
        Event::Ordered { sections, sent, answer_bytes } => Some((sections, sent, answer_bytes)),
        Event::Polled(_) | Event::Fetched => None,
    });
    last.ok_or_else(|| DemoError::Otherwise(format!("{} was sent no update", hero.device.name)))
}

fn accepted(why: &Why) -> u32 {
    why.device.accepted.unwrap_or(0)
}

/// Whether the project's files are where they should be.
///
/// # Errors
/// [`DemoError::File`] for the first that is not.
pub fn check_tools(tools: &Tools) -> Result<(), DemoError> {
    let example = tools.project.join("examples/fleet/steadfast.toml");
    let files: [&Path; 4] = [&tools.steadfast, &tools.gateway, &tools.board_elf, &example];
    let missing = files.into_iter().find_map(|file| Some((file, std::fs::metadata(file).err()?)));
    missing.map_or(Ok(()), |(file, error)| Err(DemoError::File(file.to_owned(), error)))
}
