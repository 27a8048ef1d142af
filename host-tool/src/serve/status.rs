//! What is known of a device, in words: pure functions of the newest release and the device's last signed report.

use std::fmt;

use steadfast_core::digest::Digest;
use steadfast_core::id::{ContentId, DeviceId};
use steadfast_core::manifest::Manifest;
use steadfast_core::outcome::Ending;
use steadfast_core::refusal::Refusal;
use steadfast_core::release::Release;
use steadfast_core::report::{Report, TrialState};
use steadfast_core::statement;

use super::api::{DeviceInfo, Reason, ReleaseInfo, ReportInfo, Standing};
use super::store::ReleaseRow;
use super::world::World;
use crate::release::leaves::Place;
use crate::release::roster::Listed;

/// What the server knows of one device besides the release.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Which.
    pub device: DeviceId,
    /// When it last polled; 0 for never.
    pub seen_seconds: u64,
    /// Its last signed report.
    pub report: Option<&'a Report>,
    /// When that was taken.
    pub taken_seconds: u64,
    /// Since when its reports have said the same.
    pub since_seconds: u64,
    /// The time.
    pub now_seconds: u64,
}

/// Freshness intervals without a signed report after which a device counts as silent: one report may be lost, and the next.
const SILENT_INTERVALS: u64 = 3;

/// One line about a device.
#[must_use]
pub fn device(world: &World, heard: &Heard<'_>) -> DeviceInfo {
    let listed = world.newest.as_ref().and_then(|newest| newest.pack.roster().device(&heard.device));
    let place = place(world, heard);
    let desired = place.zip(world.newest.as_ref()).map(|(place, newest)| newest.content(&place));
    let standing = match &world.newest {
        Some(_) => standing(world, heard, listed.as_ref(), desired),
        None => Standing::Unserved,
    };
    DeviceInfo {
        device: heard.device.to_string(),
        name: listed.map_or_else(|| heard.device.to_string(), |listed| listed.name().to_owned()),
        model: listed.map_or_else(String::new, |listed| listed.model().to_owned()),
        labels: listed
            .map(|listed| listed.labels().into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
            .unwrap_or_default(),
        standing,
        health: health(world, standing, desired, heard)
            + if is_silent(world, place.as_ref(), heard) { ", silent" } else { "" },
        desired: desired.map(|content| content.to_string()),
        running: heard.report.map(|report| content_words(report.running)),
        accepted: heard.report.map(|report| report.accepted.sequence),
        refusal: heard.report.and_then(|report| reason(world, report)),
        seen_seconds: (heard.seen_seconds > 0).then_some(heard.seen_seconds),
        reported_seconds: heard.report.map(|_| heard.taken_seconds),
    }
}

/// Whether a device that once reported has not done so for long, so that what it said may no longer be true.
fn is_silent(world: &World, place: Option<&Place<'_>>, heard: &Heard<'_>) -> bool {
    let interval = place.zip(world.newest.as_ref()).map(|(place, newest)| newest.freshness_seconds(place));
    let age = heard.now_seconds.saturating_sub(heard.taken_seconds);
    heard.report.is_some() && interval.is_some_and(|interval| age > SILENT_INTERVALS * interval)
}

/// The device's leaf: for the schema that it reported, or, as long as it has not, its only one.
fn place<'a>(world: &'a World, heard: &Heard<'_>) -> Option<Place<'a>> {
    let leaves = world.newest.as_ref()?.pack.leaves();
    match heard.report {
        Some(report) => leaves.find(&heard.device, report.schema),
        None => {
            let mut all = leaves.of(&heard.device);
            all.next().filter(|_| all.next().is_none())
        }
    }
}

fn standing(world: &World, heard: &Heard<'_>, listed: Option<&Listed<'_>>, desired: Option<ContentId>) -> Standing {
    let Some(report) = heard.report else {
        return match (listed, heard.seen_seconds) {
            (None, _) => Standing::Retired,
            (Some(listed), _) if listed.public_key().is_none() => Standing::NotEnrolled,
            (Some(_), 0) => Standing::Never,
            (Some(_), _) => Standing::Unreported,
        };
    };
    match desired {
        None if listed.is_some() => Standing::UnknownSchema,
        None => Standing::Retired,
        Some(_) if report.trial != TrialState::None => Standing::Trial,
        Some(content) if report.running == content && report.checks.failed != 0 => Standing::Failing,
        Some(content) if report.running == content && is_overdue(world, heard) => Standing::Failing,
        Some(content) if report.running == content => Standing::Current,
        Some(content) if against(report, content).is_some_and(Refusal::is_passing) => Standing::Retrying,
        Some(content) if against(report, content).is_some() => Standing::Refused,
        Some(_) if report.checks.failed != 0 => Standing::Failing,
        Some(_) => Standing::Behind,
    }
}

/// The checks that what runs as desired names and that have not passed since it was activated.
struct Unpassed {
    /// A bit for each.
    bits: u16,
    named: u32,
    /// In which they would have to pass on trial.
    trial_seconds: u64,
}

impl fmt::Display for Unpassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checks not passed yet: {} of {}", self.bits.count_ones(), self.named)
    }
}

fn unpassed(world: &World, device: &DeviceId, report: &Report) -> Option<Unpassed> {
    let newest = world.newest.as_ref()?;
    let place = newest.pack.leaves().find(device, report.schema)?;
    let (named, trial_seconds) = newest.checks(&place);
    let bits = named & !report.checks.passed;
    let counts = bits != 0 && report.running == newest.content(&place) && report.checks.failed == 0;
    counts.then_some(Unpassed { bits, named: named.count_ones(), trial_seconds })
}

/// Whether checks have had the time of a trial and did not pass. After each restart they are waited for a while, and the first report
/// says so; a device polls with news when they pass, so one that was heard since and says the same still waits.
fn is_overdue(world: &World, heard: &Heard<'_>) -> bool {
    let waited = heard.seen_seconds.max(heard.taken_seconds).saturating_sub(heard.since_seconds);
    let unpassed = heard.report.and_then(|report| unpassed(world, &heard.device, report));
    unpassed.is_some_and(|unpassed| waited >= unpassed.trial_seconds)
}

/// What the device has against a content: its last refusal, which is younger than the end of its last trial, or that end.
fn against(report: &Report, content: ContentId) -> Option<Refusal> {
    let refused = report.refused.filter(|refused| refused.content == content).map(|refused| refused.reason);
    refused.or_else(|| rolled_back(report, content).then_some(report.outcome.reason))
}

fn rolled_back(report: &Report, content: ContentId) -> bool {
    report.outcome.ending == Ending::RolledBack && report.outcome.content == content
}

/// Whether what it runs does not read back from its flash any more. A copy replaces it, or the other slot does after a restart.
fn has_lost(report: &Report) -> bool {
    report.refused.is_some_and(|refused| (refused.content, refused.reason) == (report.running, Refusal::READ_BACK))
}

/// Whether it leaves its confirmed configuration aside for ten minutes, after which it runs that again by itself.
fn stands_aside(report: &Report) -> bool {
    let refused = report.refused.map(|refused| (refused.content, refused.reason));
    report.running == ContentId::NONE && refused == Some((report.confirmed, Refusal::CRASH_LOOP))
}

fn health(world: &World, standing: Standing, desired: Option<ContentId>, heard: &Heard<'_>) -> String {
    let report = heard.report;
    let runs = |report: &Report| desired == Some(report.running);
    let unpassed =
        report.and_then(|report| unpassed(world, &heard.device, report)).map(|unpassed| unpassed.to_string());
    let words = match standing {
        Standing::Current | Standing::Failing if unpassed.is_some() => unpassed.as_deref().unwrap_or_default(),
        Standing::Current if report.is_some_and(has_lost) => "healthy, but its flash has lost what it runs",
        Standing::Current => "healthy",
        Standing::Failing if report.is_some_and(runs) => "a check fails",
        Standing::Failing => "a check fails on an older configuration",
        Standing::Trial => report.map_or("", |report| trial_words(&report.trial)),
        Standing::Behind if report.is_some_and(|report| report.running == ContentId::NONE) => {
            "on its firmware's defaults"
        }
        Standing::Behind => "healthy on an older configuration",
        Standing::Refused if report.is_some_and(stands_aside) => "on its firmware's defaults after crashes",
        Standing::Refused if report.zip(desired).is_some_and(|(report, desired)| rolled_back(report, desired)) => {
            "rolled back"
        }
        Standing::Refused => "refused",
        Standing::Retrying => "could not take it, tries again",
        Standing::Unreported => "seen, no signed report yet",
        Standing::Never => "never seen",
        Standing::NotEnrolled => "not enrolled",
        Standing::UnknownSchema => "its firmware's schema is not in the release",
        Standing::Retired => "not in the newest release",
        Standing::Unserved => "unknown: the newest release cannot be served",
    };
    let stale = report.is_some_and(|report| report.stale);
    if stale { format!("{words}, was stale") } else { words.to_owned() }
}

fn trial_words(trial: &TrialState) -> &'static str {
    match trial {
        TrialState::None => "no trial",
        TrialState::Staged(_) => "staged, about to try",
        TrialState::Running(_) => "on trial",
        TrialState::Asking(_) => "back on the confirmed configuration, comparing",
        TrialState::Suspended(_) => "trial suspended",
    }
}

/// Why a device last refused something or went back.
fn reason(world: &World, report: &Report) -> Option<Reason> {
    let number = |reason: Refusal, detail: &str, content: &ContentId| Reason {
        number: reason.0,
        words: reason.words().to_owned(),
        detail: printable(detail),
        release: world.shelf.release_of(content).map(|release| release.sequence),
    };
    let outcome = &report.outcome;
    let ended = (outcome.reason != Refusal(0)).then(|| number(outcome.reason, &outcome.detail, &outcome.content));
    let refused = report.refused.filter(|refused| refused.reason != Refusal::REJECTED_BEFORE);
    refused.map(|refused| number(refused.reason, "", &refused.content)).or(ended)
}

/// What a device is waiting for.
#[must_use]
pub fn waiting_for(world: &World, info: &DeviceInfo, report: Option<&Report>) -> String {
    let waits = report.zip(DeviceId::from_hex(&info.device)).and_then(|(report, device)| {
        let names = check_names(world, report.running);
        let unpassed: Vec<String> = named(unpassed(world, &device, report)?.bits, &names).collect();
        Some(format!("health checks to pass, and its next report after that: {}", unpassed.join(", ")))
    });
    let words = match info.standing {
        Standing::UnknownSchema => return other_schema(world, info, report),
        Standing::NotEnrolled => {
            return format!("a key in the inventory (`steadfast device enroll {}`), then `steadfast flash`", info.name);
        }
        Standing::Current if report.is_some_and(has_lost) => {
            "a sound copy of what it runs, which its next poll asks for"
        }
        Standing::Current | Standing::Failing if waits.is_some() => return waits.unwrap_or_default(),
        Standing::Current => "nothing",
        Standing::Failing => "its failing check to pass, or a release with other values",
        Standing::Trial => match report.map(|report| report.trial) {
            Some(TrialState::Staged(_)) => "its own restart into the trial",
            Some(TrialState::Asking(_)) => {
                "one trial length on the confirmed configuration, to see which of the two reaches the server"
            }
            Some(TrialState::Suspended(_)) => "the server's next answer, with which the trial starts again",
            _ => "its health checks to pass and an answer from this server, within the trial's deadline",
        },
        Standing::Behind => "its next poll",
        Standing::Refused if report.is_some_and(stands_aside) => {
            "its next attempt, within ten minutes and by itself, or a release with other values, which it takes at once"
        }
        Standing::Retrying => {
            "its next attempt, by itself and within about an hour: what failed was the way, its flash, or a slot that its former \
             firmware may still need"
        }
        Standing::Refused => {
            "a release with other values: this firmware does not try the same configuration again, unless `agent.attempt` \
             is changed in git"
        }
        Standing::Unreported => "its first signed report, which the next answer asks for",
        Standing::Never => "its first poll",
        Standing::Retired => "nothing: it keeps what it has",
        Standing::Unserved => "the newest release to be published again: the server's copy is missing or damaged",
    };
    words.to_owned()
}

/// Which schema a device asks with, and which ones the release has for it.
fn other_schema(world: &World, info: &DeviceInfo, report: Option<&Report>) -> String {
    let asked = report.map_or_else(String::new, |report| short(&report.schema));
    let leaves = world.newest.iter().zip(DeviceId::from_hex(&info.device));
    let known: Vec<String> = leaves
        .flat_map(|(newest, id)| newest.pack.leaves().of(&id).map(|place| short(&place.schema)).collect::<Vec<_>>())
        .collect();
    format!(
        "its schema: it asks with schema {asked}, the release has {} ({}); add the firmware's with `steadfast schema add`, or \
         correct what the device says, unless `on_unsupported` holds it, as `steadfast check` would tell",
        known.join(", "),
        info.model
    )
}

/// The start of a schema's id, as people compare them.
fn short(schema: &impl ToString) -> String {
    schema.to_string().chars().take(8).chain(['…']).collect()
}

/// A report in words; `world` names the checks of what ran, where it still has them.
#[must_use]
pub fn report(world: &World, taken_seconds: u64, report: &Report) -> ReportInfo {
    ReportInfo {
        taken_seconds,
        running: content_words(report.running),
        confirmed: content_words(report.confirmed),
        accepted: report.accepted.sequence,
        floor: report.floor.sequence,
        firmware: report.firmware.to_string(),
        keyring_version: report.keyring_version,
        words: sentence(world, report),
    }
}

fn sentence(world: &World, report: &Report) -> String {
    let mut parts = Vec::new();
    if report.trial != TrialState::None {
        parts.push(trial_words(&report.trial).to_owned());
    }
    match report.outcome.ending {
        Ending::None => {}
        ending => parts.push(outcome_words(ending, report)),
    }
    if let Some(refused) = report.refused {
        parts.push(format!("refused: {}", refused.reason));
    }
    let names = check_names(world, report.running);
    parts.extend(named(report.checks.failed, &names).map(|name| format!("check {name} fails")));
    parts.extend(report.stale.then(|| "was stale".to_owned()));
    if parts.is_empty() { "nothing to tell".to_owned() } else { parts.join("; ") }
}

fn outcome_words(ending: Ending, report: &Report) -> String {
    let words = match ending {
        Ending::None => "no trial has ended",
        Ending::Confirmed => "last trial confirmed",
        Ending::RolledBack => "last trial rolled back",
        Ending::Superseded => "last trial superseded",
        Ending::Inconclusive => "last trial inconclusive",
        Ending::FirmwareReverted => "the former firmware came back",
        Ending::RecordLost => "its record was lost",
    };
    match (report.outcome.reason, report.outcome.detail.as_str()) {
        (Refusal(0), _) => words.to_owned(),
        (reason, "") => format!("{words}: {reason}"),
        (reason, detail) => format!("{words}: {reason}: {}", printable(detail)),
    }
}

/// A device's own words, fit for a terminal and for one line of a log.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// The checks of a content, if it is one of the newest release's.
fn check_names(world: &World, content: ContentId) -> Vec<String> {
    let Some(newest) = &world.newest else { return Vec::new() };
    let place = newest.pack.contents().iter().position(|known| *known == content);
    let manifest = place.and_then(|place| newest.pack.manifests().nth(place));
    let manifest = manifest.and_then(|(_, bytes)| Manifest::parse(bytes).ok());
    manifest.map(|manifest| manifest.checks().map(str::to_owned).collect()).unwrap_or_default()
}

fn named(bits: u16, names: &[String]) -> impl Iterator<Item = String> {
    (0..16).filter(move |bit| bits & (1 << bit) != 0).map(|bit| names.get(bit).cloned().unwrap_or(format!("{bit}")))
}

fn content_words(content: ContentId) -> String {
    if content == ContentId::NONE { "defaults".to_owned() } else { content.to_string() }
}

/// A release as the management interface shows it; `None` for a row whose statement no longer decodes.
#[must_use]
pub fn release(row: &ReleaseRow) -> Option<ReleaseInfo> {
    let release = Release::decode(&row.statement).ok()?;
    let signers = statement::entries(&row.signatures).ok()?.map(|(key, _)| key.to_string()).collect();
    Some(ReleaseInfo {
        epoch: release.publisher_epoch,
        sequence: release.sequence,
        floor: release.floor,
        digest: Digest::of(&row.statement).to_string(),
        commit: release.commit.to_string(),
        leaves: release.leaves,
        pack_bytes: row.pack_bytes,
        signers,
        published_seconds: row.published_seconds,
    })
}
