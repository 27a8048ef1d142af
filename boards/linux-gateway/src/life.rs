//! One life of the driver: from a start to the restart that core asks for.

use std::time::{Duration, Instant};

use embassy_futures::block_on;
use steadfast_core::content::ObjectRef;
use steadfast_core::driver::{Driver, Next, Ports, Setting};
use steadfast_core::envelope::ENVELOPE_MAX_BYTES;
use steadfast_core::flash::layout::Slot;
use steadfast_core::id::ContentId;
use steadfast_core::manifest::Kind;
use steadfast_core::outcome::Ending;
use steadfast_core::ports::{Check, ResetCause};
use steadfast_core::record::Stage;
use steadfast_core::time;

use crate::command::Verdict;
use crate::config::Render;
use crate::gateway::Site;
use crate::health::{Checks, RELOAD, detail};
use crate::identity::FlashedIdentity;
use crate::image::FileFlash;
use crate::link::HttpLink;
use crate::log::{Event, Reload};
use crate::news::Seen;
use crate::server::Server;
use crate::target::{Applied, Release, TargetError};

/// Pause before a configuration that could not be given to the application is tried again, when it is not on trial.
const RETRY: Duration = Duration::from_secs(30);

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Core asked for a restart, or the process is to end.
    Ordinary,
    /// So early that the application was told nothing: flash does not answer.
    BeforeActivation,
}

type GatewayDriver<'a> = Driver<&'a mut FileFlash, HttpLink, FlashedIdentity, Checks>;

/// A driver and what goes with it.
pub(crate) struct Life<'a> {
    driver: GatewayDriver<'a>,
    site: &'a Site,
    seen: Seen,
    activated: bool,
    /// Whether the server has nothing for a device that runs nothing; logged once.
    unlisted: bool,
    retry: Option<Instant>,
}

/// What the manifest of the running content lists.
struct Listing {
    id: ContentId,
    files: Vec<(String, ObjectRef)>,
    names_reload: bool,
}

/// Why a configuration was not given to the application.
enum Obstacle {
    /// The configuration.
    Unfit(String),
    /// This machine: its disk, or the image.
    Disk(String),
    /// The reload command.
    Reload(String),
}

impl Obstacle {
    fn words(&self) -> &str {
        match self {
            Self::Unfit(why) | Self::Disk(why) | Self::Reload(why) => why,
        }
    }
}

impl<'a> Life<'a> {
    pub(crate) fn new(flash: &'a mut FileFlash, site: &'a Site, reset: ResetCause) -> Self {
        let ports =
            Ports { flash, link: site.link.clone(), identity: site.identity.clone(), health: site.checks.clone() };
        let setting = Setting { layout: site.board.layout, firmware: site.firmware(reset) };
        let mut driver = Driver::new(ports, setting);
        // Its schema is changed by people, and no other firmware comes back for the other slot.
        driver.firmware_is_final();
        Self { driver, site, seen: Seen::nothing(), activated: false, unlisted: false, retry: None }
    }

    pub(crate) fn run(mut self) -> End {
        while !self.site.is_stopped() {
            self.site.notify.alive();
            let next = block_on(self.driver.step(self.site.now()));
            self.tell();
            match next {
                Next::Now => {}
                Next::At(until) => self.wait(until),
                Next::Activate => self.activate(),
                Next::Restart => break,
            }
            if self.driver.ports().flash.is_broken() {
                break;
            }
        }
        if self.activated || self.site.is_stopped() { End::Ordinary } else { End::BeforeActivation }
    }

    /// Logs what the step changed.
    fn tell(&mut self) {
        if let Some(why) = self.driver.ports().flash.take_failure() {
            self.site.log.say(&Event::Flash { why });
        }
        if let Some(record) = self.driver.record() {
            self.seen.take(record).iter().for_each(|event| self.site.log.say(event));
        }
        if let Some(refusal) = self.seen.refusal(self.driver.refused()) {
            self.site.log.say(&refusal);
        }
        let unlisted = self.is_unlisted();
        if unlisted && !self.unlisted {
            self.site.log.say(&Event::Unlisted { schema: self.site.config.schema.to_string() });
        }
        self.unlisted = unlisted;
    }

    /// Whether the server has nothing new for a device that runs nothing, and rejected nothing that would explain it.
    fn is_unlisted(&self) -> bool {
        let unburdened = self.driver.record().is_some_and(|record| record.rejected.is_empty());
        let runs_nothing = self.activated && self.driver.running().is_none() && self.driver.refused().is_none();
        runs_nothing && unburdened && self.site.link.says_nothing_new()
    }

    fn wait(&mut self, until: time::Instant) {
        let most = Duration::from_millis(until.since(self.site.now()).milliseconds());
        match self.retry {
            Some(retry) if retry <= Instant::now() => self.retry(),
            Some(retry) => self.site.wait(most.min(retry.saturating_duration_since(Instant::now()))),
            None => self.site.wait(most),
        }
    }

    fn activate(&mut self) {
        self.activated = true;
        self.retry = None;
        let Err((listing, obstacle)) = self.give() else { return };
        // In a trial this rejects the configuration. Where a check stands for the reload, that check does.
        match obstacle {
            Obstacle::Reload(_) if listing.is_some_and(|listing| listing.names_reload) => {}
            Obstacle::Unfit(why) | Obstacle::Reload(why) => self.driver.undecodable(&why),
            Obstacle::Disk(why) => self.driver.not_given(&why),
        }
        self.retry = (!self.on_trial()).then(|| Instant::now() + RETRY);
    }

    fn retry(&mut self) {
        self.retry = self.give().is_err().then(|| Instant::now() + RETRY);
    }

    /// Gives the application what runs, logs how that went, and lets the checks run.
    fn give(&mut self) -> Result<(), (Option<Listing>, Obstacle)> {
        self.site.checks.pause();
        let (listing, outcome) = match self.list() {
            Ok(listing) => {
                let outcome = self.put(listing.as_ref());
                (listing, outcome)
            }
            Err(obstacle) => (None, Err(obstacle)),
        };
        let content = listing.as_ref().map(|listing| listing.id.to_string());
        let variables = vec![
            ("STEADFAST_CURRENT", self.site.target.current().to_string_lossy().into_owned()),
            ("STEADFAST_CONTENT", content.clone().unwrap_or_default()),
        ];
        let said = match &outcome {
            Ok(_) => Check::Passed,
            Err(obstacle) => Check::Failed(detail(obstacle.words())),
        };
        self.site.log.say(&match &outcome {
            Ok((server, reload)) => Event::Activated { content, server: server.clone(), reload: *reload },
            Err(obstacle) => Event::NotActivated { content, why: obstacle.words().into() },
        });
        self.site.checks.start(said, variables);
        outcome.map(|_| ()).map_err(|obstacle| (listing, obstacle))
    }

    /// What runs: its files, or `None` for the application's defaults.
    fn list(&mut self) -> Result<Option<Listing>, Obstacle> {
        let Some(id) = self.driver.running().map(|intact| intact.content().id()) else { return Ok(None) };
        let mut buffer = vec![0; ENVELOPE_MAX_BYTES];
        let manifest =
            block_on(self.driver.manifest(&mut buffer)).map_err(|refusal| Obstacle::Disk(refusal.to_string()))?;
        let Some(manifest) = manifest else { return Ok(None) };
        let mut files = Vec::new();
        for entry in manifest.objects() {
            match entry.kind {
                Kind::File(object) => files.push((entry.section.to_owned(), object)),
                Kind::Config(_) => return Err(Obstacle::Unfit(format!("{}: not rendered as a file", entry.section))),
                Kind::Private => {
                    return Err(Obstacle::Unfit(format!("{}: private sections are not supported", entry.section)));
                }
            }
        }
        let names_reload = manifest.checks().any(|name| name == RELOAD);
        Ok(Some(Listing { id, files, names_reload }))
    }

    /// Puts the files in place and has the application take them. Returns the server that is asked from now on.
    fn put(&mut self, listing: Option<&Listing>) -> Result<(String, Reload), Obstacle> {
        let release = listing.map(|listing| self.read(listing)).transpose().map_err(Obstacle::Disk)?;
        let server = self.server(release.as_ref()).map_err(Obstacle::Unfit)?;
        let named = server.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        if let Some(server) = server {
            self.site.link.set_server(server);
        }
        if release.is_none() && self.files_stay() {
            return Ok((named, Reload::Kept));
        }
        let target = &self.site.target;
        let failed = |error: TargetError| Obstacle::Disk(error.to_string());
        if target.apply(release.as_ref()).map_err(failed)? == Applied::InPlace {
            return Ok((named, Reload::NotNeeded));
        }
        self.reload(listing)?;
        target.taken().map_err(failed)?;
        self.prune();
        Ok((named, Reload::Done))
    }

    fn read(&mut self, listing: &Listing) -> Result<Release, String> {
        let mut release = Release { id: listing.id, files: Default::default() };
        for (section, object) in &listing.files {
            let mut buffer = vec![0; object.size as usize];
            let bytes = block_on(self.driver.section(section, &mut buffer)).map_err(|refusal| refusal.to_string())?;
            let bytes = bytes.ok_or_else(|| format!("{section}: lost from the slot"))?.to_vec();
            release.files.insert(self.site.config.render.file_name(section), bytes);
        }
        Ok(release)
    }

    fn server(&self, release: Option<&Release>) -> Result<Option<Server>, String> {
        let config = &self.site.config;
        let configured = match (&config.server_from, release) {
            (Some(from), Some(release)) => {
                let file = release.files.get(&config.render.file_name(&from.section));
                file.map(|file| field(config.render, file, &from.field)).transpose()
            }
            _ => Ok(None),
        };
        let configured = configured.map_err(|why| match &config.server_from {
            Some(from) => format!("{}.{}: {why}", from.section, from.field),
            None => why,
        })?;
        Ok(configured.flatten().or_else(|| self.site.bootstrap.clone()))
    }

    fn reload(&self, listing: Option<&Listing>) -> Result<(), Obstacle> {
        let Some(program) = &self.site.config.reload else { return Ok(()) };
        let variables = [
            ("STEADFAST_CURRENT", self.site.target.current().to_string_lossy().into_owned()),
            ("STEADFAST_CONTENT", listing.map(|listing| listing.id.to_string()).unwrap_or_default()),
        ];
        self.site.notify.alive();
        match program.run(&variables, &|| !self.site.is_stopped()) {
            Verdict::Passed => Ok(()),
            Verdict::Failed(why) => Err(Obstacle::Reload(why)),
            Verdict::Cancelled => Err(Obstacle::Reload("stopped".into())),
        }
    }

    /// Keeps the files of both slots, so that a return needs no space on the disk.
    fn prune(&self) {
        let Some(record) = self.driver.record() else { return };
        let held = [Slot::A, Slot::B].into_iter().filter_map(|slot| record.slot(slot));
        let keep: Vec<ContentId> = held.map(|held| held.content.id()).collect();
        if let Err(error) = self.site.target.prune(&keep) {
            self.site.log.say(&Event::NotPruned { why: error.to_string() });
        }
    }

    /// Whether files in force stay although core has nothing whole to run. Those of the confirmed content do, and all of them when
    /// there is no record to say what they are: flash that fails says nothing against them, and a microcontroller
    /// would have lost them only because it has no other place for them. Files of a trial that was refused go.
    fn files_stay(&self) -> bool {
        let in_force = self.site.target.in_force().ok().flatten();
        let record = self.driver.record().filter(|record| record.outcome.ending != Ending::RecordLost);
        match (in_force, record) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(content), Some(record)) => {
                record.confirmed_slot().is_some_and(|held| held.content.id().to_string() == content)
            }
        }
    }

    fn on_trial(&self) -> bool {
        let running = self.driver.running().map(|intact| intact.slot());
        let trial = self.driver.record().and_then(|record| record.trial);
        trial.is_some_and(|trial| trial.stage == Stage::Running && running == Some(trial.slot))
    }
}

/// A server address in a rendered section; `None` when the field is not set, or empty.
fn field(render: Render, file: &[u8], name: &str) -> Result<Option<Server>, String> {
    let text = std::str::from_utf8(file).map_err(|error| error.to_string())?;
    let section: serde_json::Value = match render {
        Render::Json => serde_json::from_str(text).map_err(|error| error.to_string())?,
        Render::Toml => toml::from_str(text).map_err(|error| error.message().to_owned())?,
    };
    match section.get(name) {
        None => Ok(None),
        Some(value) => {
            let text = value.as_str().ok_or("not text")?;
            if text.is_empty() {
                return Ok(None);
            }
            text.parse().map(Some).map_err(|error: crate::server::ServerError| error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_found_in_either_format_and_nothing_else_passes_for_one() {
        let json = |text: &str| {
            field(Render::Json, text.as_bytes(), "server").map(|found| found.map(|found| found.to_string()))
        };
        assert_eq!(json(r#"{ "server": "h:1" }"#), Ok(Some("h:1".into())));
        assert_eq!(json(r#"{ "other": 1 }"#), Ok(None));
        assert_eq!(json(r#"{ "server": "" }"#), Ok(None));
        for wrong in [r#"{ "server": 1 }"#, r#"{ "server": "h" }"#, "{"] {
            assert!(json(wrong).is_err(), "{wrong}");
        }
        assert_eq!(field(Render::Toml, b"server = \"h:1\"", "server").unwrap().unwrap().to_string(), "h:1");
        assert!(field(Render::Toml, b"server =", "server").is_err());
    }
}
