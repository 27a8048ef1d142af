//! The fleet of a life: one device, whose configuration is committed, compiled, signed and published again and again.
//!
//! Commits are made by `git`, releases by the functions behind `steadfast publish`, in this process: a thousand times a program's
//! start would be most of the time.

use std::collections::HashMap;

use steadfast::client::Client;
use steadfast::compile::compile;
use steadfast::demo::world::World;
use steadfast::fleet::{At, Fleet};
use steadfast::keys::{Chain, KeyFile, Purpose, Signer};
use steadfast::pack::Pack;
use steadfast::release::{Issue, build};
use steadfast::sign;
use steadfast_core::id::ContentId;
use steadfast_core::position::Position;

/// The device's name.
pub(super) const NAME: &str = "board";

/// The fleet's settings have this.
const NAME_LINE: &str = "name = \"example\"";

/// What the sample application can be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Values {
    /// Section `sampling`, for whose change a task restarts; below 50 the sensor's check fails.
    pub(super) period_ms: u32,
    /// The same section.
    pub(super) average: u32,
    /// Section `alarms`, for whose change nothing restarts.
    pub(super) low: i64,
    /// Section `network`, for whose change the device restarts. Any value leads to the same relay.
    pub(super) server: String,
}

impl Values {
    /// Whether every check passes.
    pub(super) fn are_good(&self) -> bool {
        self.period_ms >= 50
    }

    fn to_toml(&self) -> String {
        let Self { period_ms, average, low, server } = self;
        format!(
            "[sampling]\nperiod_ms = {period_ms}\naverage = {average}\n[alarms]\nlow = {low}\n[network]\nserver = \"{server}\"\n"
        )
    }
}

/// The fleet and what it has published.
pub(super) struct Published {
    /// Repository and server.
    pub(super) world: World,
    key: KeyFile,
    epoch: u32,
    /// The newest commit.
    commit: String,
    /// The line of the fleet's settings that stands for the floor, or is where it goes.
    floor_line: String,
    /// The floor of the newest release.
    pub(super) floor: Position,
    /// What every content of this device means.
    pub(super) values: HashMap<ContentId, Values>,
}

impl Published {
    /// Nothing of ours published yet.
    pub(super) fn new(world: World) -> Self {
        let key = KeyFile::load_for(world.text("keys/publisher.key").as_ref(), Purpose::Publisher).expect("a key");
        let chain = Chain::load(&world.fleet().join("keys/keyring")).expect("a keyring");
        let epoch = chain.newest().publisher_epoch;
        let floor_line = NAME_LINE.to_owned();
        Self { world, key, epoch, commit: String::new(), floor_line, floor: Position::ZERO, values: HashMap::new() }
    }

    /// From the next release on, devices do not go back behind the newest one.
    pub(super) fn raise_floor(&mut self) {
        let line = format!("floor = \"{}\"", self.commit);
        let kept = if self.floor_line == NAME_LINE { format!("{NAME_LINE}\n{line}") } else { line.clone() };
        self.world.edit("steadfast.toml", &self.floor_line, &kept).expect("the settings are written");
        self.floor_line = line;
    }

    /// Commits and publishes these values for the device; returns what they are called.
    pub(super) fn publish(&mut self, values: &Values, message: &str) -> ContentId {
        self.world.write(&format!("layers/device/{NAME}.toml"), &values.to_toml()).expect("the layer is written");
        self.commit = self.world.commit(message).expect("git commits");
        let pack = self.pack();
        let signatures = sign::sign(&pack, [&self.key as &dyn Signer]).expect("it is signed");
        let client = Client::new(&self.world.url()).expect("an address");
        client.publish(&pack, &signatures, |_| {}).expect("the server takes the release");
        self.floor = Position { epoch: self.epoch, sequence: pack.release().floor };
        let device = pack.roster().named(NAME).expect("it is enrolled").device();
        let place = pack.leaves().of(&device).next().expect("it has a configuration");
        let content = pack.content(&place).id();
        self.values.insert(content, values.clone());
        content
    }

    fn pack(&self) -> Pack {
        let fleet = Fleet::open(&self.world.fleet(), &At::Head).unwrap_or_else(|error| panic!("{error:?}"));
        let compiled = compile(&fleet).unwrap_or_else(|error| panic!("{error:?}"));
        build(&compiled, Issue { fleet: fleet.settings.id, epoch: self.epoch }).expect("a release")
    }
}
