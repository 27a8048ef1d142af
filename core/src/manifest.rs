//! The manifest: the objects that make one configuration, its health policy and the agent's settings.
//!
//! It names no device, so devices with equal configuration share it. On a device it is a checked *view* over bytes
//! that are never copied into RAM as a whole; the host encodes it from a [`Draft`].
//!
//! ```text
//! settings  policy  checks: count, names ascending  objects: count, entries ascending by section
//! ```

use core::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::codec::{self, Wire, Writer, wire};
use crate::content::ObjectRef;
use crate::refusal::Refusal;

/// Most objects in a manifest.
pub const OBJECTS_MAX: usize = 32;

/// Most health checks in a manifest; a bit each in a report.
pub const CHECKS_MAX: usize = 16;

/// Longest name of a section or a check, in bytes.
pub const NAME_MAX_BYTES: usize = 32;

/// How the agent behaves under this configuration. Values outside the [clamps](crate::clamp) are brought inside
/// when read, whatever the manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Seconds between polls.
    pub poll_seconds: u32,
    /// Seconds without a fresh answer after which the device reports itself stale.
    pub freshness_seconds: u32,
    /// Seconds without a fresh answer after which the other slot is tried once; 0 for the default.
    pub lost_contact_seconds: u32,
    /// Changed in git to make devices try again what they rejected. Nothing reads it but the digest.
    pub attempt: u32,
}

wire! {
    struct Settings { poll_seconds, freshness_seconds, lost_contact_seconds, attempt }
}

/// Whether healthy includes having reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// A signed answer to a poll made after activation must arrive within the trial.
    Server,
    /// The round trip is waived.
    None,
}

wire! {
    enum Reach { 0 = Server, 1 = None }
}

/// How a trial of this configuration is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Whether the server must be reached.
    pub reach: Reach,
    /// The deadline of one boot of a trial.
    pub trial_seconds: u32,
    /// How many boots a trial may take.
    pub boots: u8,
}

wire! {
    struct Policy { reach, trial_seconds, boots }
}

/// What a change of a section restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Restart {
    /// Nothing: the application takes the new value when it asks.
    Nothing,
    /// The section's task.
    Task,
    /// The device.
    Device,
}

/// What can go wrong with a wrong value in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Nothing that the health checks would not show.
    Low,
    /// The device may lose its server.
    Connectivity,
    /// People or things may come to harm.
    Safety,
}

/// Restart scope (bits 0 and 1) and risk (bits 2 and 3) of a section in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags(u8);

wire! { newtype Flags }

impl Flags {
    /// The flags of a section.
    #[must_use]
    pub const fn new(restart: Restart, risk: Risk) -> Self {
        Self(restart as u8 | (risk as u8) << 2)
    }

    /// What its change restarts.
    #[must_use]
    pub const fn restart(self) -> Restart {
        match self.0 & 3 {
            0 => Restart::Nothing,
            1 => Restart::Task,
            _ => Restart::Device,
        }
    }

    /// What a wrong value can do.
    #[must_use]
    pub const fn risk(self) -> Risk {
        match self.0 >> 2 {
            0 => Risk::Low,
            1 => Risk::Connectivity,
            _ => Risk::Safety,
        }
    }

    const fn is_known(self) -> bool {
        self.0 & 3 < 3 && self.0 >> 2 < 3
    }
}

/// Where an object's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A section in postcard, for exactly the leaf's schema.
    Config(ObjectRef),
    /// A section with secrets; its bytes are in the private object.
    Private,
    /// A file, for gateways.
    File(ObjectRef),
}

wire! {
    enum Kind { 0 = Config(object), 1 = Private, 2 = File(object) }
}

/// One object of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// The section it is, or the file's name: see [`is_name`].
    pub section: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Restart scope and risk.
    pub flags: Flags,
}

wire! {
    struct Entry<'a> { section, kind, flags }
}

impl Entry<'_> {
    /// The bytes it names, unless they are private.
    #[must_use]
    pub fn object(&self) -> Option<ObjectRef> {
        match self.kind {
            Kind::Config(object) | Kind::File(object) => Some(object),
            Kind::Private => None,
        }
    }
}

/// Whether `name` can name a section or check: 1 to [`NAME_MAX_BYTES`] of `a-z`, `0-9`, `_`, starting with a letter.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
    name.len() <= NAME_MAX_BYTES
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.as_bytes().iter().all(allowed)
}

/// What the host puts into a manifest. [`Draft::encode`] is the only way to make one.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The agent's settings.
    pub settings: Settings,
    /// How its trial is judged.
    pub policy: Policy,
    /// Names of the checks that must pass, strictly ascending.
    pub checks: &'a [&'a str],
    /// Its objects, strictly ascending by section.
    pub objects: &'a [Entry<'a>],
}

impl Draft<'_> {
    /// Encodes the manifest into the start of `buffer`.
    ///
    /// # Errors
    /// [`Refusal::TOO_LARGE`] when the buffer is too small; [`Refusal::BAD_MANIFEST`] for what no device would take.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Refusal> {
        let mut writer = Writer::new(buffer);
        self.settings.write(&mut writer);
        self.policy.write(&mut writer);
        writer.count(self.checks.len());
        self.checks.iter().for_each(|name| name.write(&mut writer));
        writer.count(self.objects.len());
        self.objects.iter().for_each(|entry| entry.write(&mut writer));
        let bytes = writer.finish()?;
        Manifest::parse(bytes)?;
        Ok(bytes)
    }
}

/// A manifest that was parsed to its end and found sound.
#[derive(Clone, Copy, Debug)]
pub struct Manifest<'a> {
    /// The agent's settings, as written.
    pub settings: Settings,
    /// How its trial is judged, as written.
    pub policy: Policy,
    checks: List<'a>,
    objects: List<'a>,
    bytes: &'a [u8],
}

/// So many encoded items at the start of some bytes.
#[derive(Clone, Copy, Debug)]
struct List<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Manifest<'a> {
    /// Parses a manifest that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`Refusal::MALFORMED`] or [`Refusal::BAD_MANIFEST`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (settings, rest) = codec::take(bytes)?;
        let (policy, rest) = codec::take(rest)?;
        let (checks, rest) = List::take(rest, CHECKS_MAX, |name: &&str| is_name(name), |a, b| a < b)?;
        let sound = |entry: &Entry<'_>| is_name(entry.section) && entry.flags.is_known();
        let (objects, rest) = List::take(rest, OBJECTS_MAX, sound, |a, b| a.section < b.section)?;
        if rest.is_empty() { Ok(Self { settings, policy, checks, objects, bytes }) } else { Err(Refusal::MALFORMED) }
    }

    /// The names of the checks that must pass, ascending.
    pub fn checks(&self) -> Items<'a, &'a str> {
        self.checks.items()
    }

    /// The objects, ascending by section.
    pub fn objects(&self) -> Items<'a, Entry<'a>> {
        self.objects.items()
    }

    /// The bytes it was parsed from.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> List<'a> {
    fn take<T>(
        bytes: &'a [u8],
        max: usize,
        sound: impl Fn(&T) -> bool,
        ascending: impl Fn(&T, &T) -> bool,
    ) -> Result<(Self, &'a [u8]), Refusal>
    where
        T: Wire<'a>,
    {
        let (count, items) = codec::take::<u8>(bytes)?;
        let count = usize::from(count);
        if count > max {
            return Err(Refusal::BAD_MANIFEST);
        }
        let (mut rest, mut previous) = (items, None::<T>);
        for _ in 0..count {
            let (item, after) = codec::take::<T>(rest)?;
            if !sound(&item) || previous.is_some_and(|previous| !ascending(&previous, &item)) {
                return Err(Refusal::BAD_MANIFEST);
            }
            (rest, previous) = (after, Some(item));
        }
        Ok((Self { count, bytes: items }, rest))
    }

    const fn items<T>(self) -> Items<'a, T> {
        Items { left: self.count, rest: self.bytes, item: PhantomData }
    }
}

/// The items of a list, one after the other.
#[derive(Clone, Debug)]
pub struct Items<'a, T> {
    left: usize,
    rest: &'a [u8],
    item: PhantomData<T>,
}

impl<'a, T: Wire<'a>> Iterator for Items<'a, T> {
    type Item = T;

    // There are many loops over them, and a microcontroller needs this once.
    #[inline(never)]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        // `take` went over the very same bytes, so nothing fails here.
        let (item, after) = codec::take(self.rest).ok()?;
        self.rest = after;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    const SETTINGS: Settings =
        Settings { poll_seconds: 60, freshness_seconds: 3600, lost_contact_seconds: 0, attempt: 1 };
    const POLICY: Policy = Policy { reach: Reach::Server, trial_seconds: 120, boots: 3 };

    fn entry(section: &str) -> Entry<'_> {
        let object = ObjectRef { digest: Digest::of(section.as_bytes()), size: 300 };
        Entry { section, kind: Kind::Config(object), flags: Flags::new(Restart::Task, Risk::Connectivity) }
    }

    fn encode(checks: &[&str], sections: &[&str]) -> Result<Vec<u8>, Refusal> {
        let objects: Vec<_> = sections.iter().map(|section| entry(section)).collect();
        let draft = Draft { settings: SETTINGS, policy: POLICY, checks, objects: &objects };
        draft.encode(&mut [0; 2048]).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_drafted() {
        let bytes = encode(&["link", "sensor"], &["alarms", "network", "sampling"]).unwrap();
        let manifest = Manifest::parse(&bytes).unwrap();
        assert_eq!((manifest.settings, manifest.policy), (SETTINGS, POLICY));
        assert_eq!(manifest.checks().collect::<Vec<_>>(), ["link", "sensor"]);
        assert_eq!(manifest.objects().collect::<Vec<_>>(), [entry("alarms"), entry("network"), entry("sampling")]);
        assert_eq!(entry("alarms").flags.restart(), Restart::Task);
        assert_eq!(entry("alarms").flags.risk(), Risk::Connectivity);
    }

    #[test]
    fn unsorted_repeated_and_misnamed_parts_are_refused() {
        for (checks, sections) in [
            (&["b", "a"][..], &["a"][..]),
            (&["a", "a"], &["a"]),
            (&["a"], &["b", "a"]),
            (&["a"], &["a", "a"]),
            (&["A"], &["a"]),
            (&[""], &["a"]),
            (&["a"], &["1a"]),
            (&["a"], &["a-b"]),
        ] {
            assert_eq!(encode(checks, sections), Err(Refusal::BAD_MANIFEST), "{checks:?} {sections:?}");
        }
    }

    #[test]
    fn every_truncation_and_any_trailing_byte_is_refused() {
        let bytes = encode(&["sensor"], &["network", "sampling"]).unwrap();
        for length in 0..bytes.len() {
            assert!(Manifest::parse(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Manifest::parse(&[&bytes[..], &[0]].concat()).is_err());
    }
}
