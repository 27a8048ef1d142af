//! A server that is killed at any moment, or runs out of disk, keeps what it acknowledged.

mod rig;

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rig::{Fleet, Server};
use serde_json::Value;
use steadfast::client::Client;
use steadfast::keys::{KeyFile, Purpose};
use steadfast::pack::Pack;
use steadfast::sign;
use steadfast_core::answer::{Answer, Assignment, Challenge, Unchanged};
use steadfast_core::codec;
use steadfast_core::id::{ContentId, DeviceId, FirmwareId, FleetId, SchemaPrefix};
use steadfast_core::outcome::Outcome;
use steadfast_core::poll::{FORMAT, Poll, PollFlags};
use steadfast_core::position::Position;
use steadfast_core::report::{Checks, Report, ReportBody, TrialState};
use steadfast_core::statement::{Kind, Message};

/// How often the server is killed.
const KILLS: u32 = 20;

/// A device that polls and reports as fast as it can.
struct Device {
    fleet: FleetId,
    id: DeviceId,
    schema: SchemaPrefix,
    key: KeyFile,
}

impl Device {
    fn new(fleet: &Fleet, pack: &Pack) -> Self {
        let listed = pack.roster().named("sensor-1").unwrap();
        let schema = pack.leaves().of(&listed.device()).next().unwrap().schema.prefix();
        let key = KeyFile::load_for(&fleet.path().join("keys/device/sensor-1.key"), Purpose::Device).unwrap();
        Self { fleet: pack.fleet(), id: listed.device(), schema, key }
    }

    /// Polls and reports `count` as its accepted release; `Some` when the server says that the report is on disk.
    fn tell(&self, url: &str, count: u32) -> Option<()> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(20))).build().into();
        let poll = Poll {
            format: FORMAT,
            device: self.id,
            keyring_version: 1,
            schema: self.schema,
            running: ContentId::NONE,
            accepted: Position { epoch: 1, sequence: count },
            nonce: [1; 8],
            flags: PollFlags::SIGNED,
            refused: None,
        };
        let poll = postcard::to_extend(&poll, Vec::new()).unwrap();
        let answer = agent.post(format!("{url}/v1/poll")).send(&poll[..]).ok()?.body_mut().read_to_vec().ok()?;
        let body = self.sign(&self.report(challenge(&answer)?, count));
        agent.post(format!("{url}/v1/report")).send(&body[..]).ok().map(drop)
    }

    fn report(&self, challenge: Challenge, count: u32) -> Report {
        Report {
            challenge,
            running: ContentId::NONE,
            confirmed: ContentId::NONE,
            schema: self.schema,
            firmware: FirmwareId([1; 8]),
            accepted: Position { epoch: 1, sequence: count },
            floor: Position::ZERO,
            keyring_version: 1,
            trial: TrialState::None,
            outcome: Outcome::none(),
            checks: Checks::default(),
            refused: None,
            stale: false,
        }
    }

    fn sign(&self, report: &Report) -> Vec<u8> {
        let statement = postcard::to_extend(report, Vec::new()).unwrap();
        let message = Message::new(Kind::Report, &self.fleet, &self.id.0, &statement).unwrap();
        let signature = self.key.seed().sign(message.bytes());
        let signature = [&self.key.public_key().id().0[..], &signature].concat();
        postcard::to_extend(&ReportBody { device: self.id, statement: &statement, signature: &signature }, Vec::new())
            .unwrap()
    }
}

/// The challenge that comes with any signed answer.
fn challenge(answer: &[u8]) -> Option<Challenge> {
    let unchanged: Unchanged = match Answer::decode(answer).ok()? {
        Answer::Unchanged(signed) => codec::decode(signed.statement).ok()?,
        Answer::Adopt { assignment, .. } | Answer::Changed { assignment, .. } => {
            codec::decode::<Assignment>(assignment.statement).ok()?.unchanged
        }
        Answer::Keyring(_) => return None,
    };
    Some(unchanged.challenge)
}

/// Numbers that look random and are the same in every run.
fn scattered(seed: u32) -> u32 {
    seed.wrapping_mul(2_654_435_761).rotate_left(13) % 997
}

#[test]
fn nothing_acknowledged_is_lost_in_twenty_kills() {
    let fleet = Fleet::new();
    let packs: Vec<_> = (0..KILLS)
        .map(|round| {
            fleet.set_period(2000 + round);
            let path = fleet.pack(&format!("{round}.pack"));
            (Pack::open(&path).unwrap(), sign::load(&path).unwrap())
        })
        .collect();
    let device = Device::new(&fleet, &packs[0].0);
    let (published, told) = (AtomicU32::new(0), AtomicU32::new(0));
    for (round, (pack, signatures)) in (0..KILLS).zip(&packs) {
        let mut server = Server::start(fleet.serve_command(&[]));
        check(&server, (&published, &told));
        let url = server.url.clone();
        thread::scope(|scope| {
            scope.spawn(|| {
                let client = Client::new(&url).unwrap();
                if client.publish(pack, signatures, |_| {}).is_ok() {
                    published.store(pack.release().sequence, Ordering::SeqCst);
                }
            });
            scope.spawn(|| {
                for count in told.load(Ordering::SeqCst) + 1.. {
                    // Before its first release a device has no key; with the server gone there is no answer.
                    match device.tell(&url, count) {
                        Some(()) => told.store(count, Ordering::SeqCst),
                        None if Client::new(&url).unwrap().fleet().is_err() => break,
                        None => {}
                    }
                }
            });
            thread::sleep(Duration::from_millis(u64::from(scattered(round) % 400)));
            server.kill();
        });
    }
    check(&fleet.serve(), (&published, &told));
    assert!(published.into_inner() > 0 && told.into_inner() > 0, "the server was killed before it did anything");
}

/// What was acknowledged is there; more may be, because an answer can be lost, too.
fn check(server: &Server, (published, told): (&AtomicU32, &AtomicU32)) {
    let client = Client::new(&server.url).unwrap();
    let newest = client.fleet().unwrap().newest.map_or(0, |newest| newest.sequence);
    assert!(newest >= published.load(Ordering::SeqCst), "release {published:?} was acknowledged, {newest} is there");
    if told.load(Ordering::SeqCst) > 0 {
        let accepted = client.why("sensor-1").unwrap().device.accepted.unwrap_or(0);
        assert!(accepted >= told.load(Ordering::SeqCst), "report {told:?} was acknowledged, {accepted} is there");
    }
}

#[test]
fn a_full_disk_is_said_and_nothing_is_lost() {
    let fleet = Fleet::new();
    let inventory = fleet.path().join("inventory/devices.csv");
    let mut rows = fs::read_to_string(&inventory).unwrap();
    for number in 1..8000 {
        rows += &format!("{number:032x},more-{number},sensor,office,\n");
    }
    let pack = fleet.pack("small.pack");
    fs::write(&inventory, rows).unwrap();
    fleet.commit("many more");
    let large = fleet.pack("large.pack");
    assert!(fs::metadata(&large).unwrap().len() > 400 * 1024);
    // A limit on file sizes stands in for the full disk: a pack of 400 KiB does not fit, the database does.
    let limited = ["bash", "-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\""];
    let server = Server::start(fleet.serve_command(&limited));
    let publish =
        |pack: &std::path::Path| fleet.run(&["publish", "--server", &server.url, "--pack", pack.to_str().unwrap()]);
    publish(&pack).fine();
    let refused = publish(&large).failed(1);
    assert!(refused.contains("the disk is full"), "{refused}");
    let status = fleet.run(&["status", "--server", &server.url, "--format", "json"]).fine();
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["newest"]["sequence"], 1);
    drop(server);
    let server = fleet.serve();
    let published = fleet.run(&["publish", "--server", &server.url, "--pack", large.to_str().unwrap()]);
    assert!(published.fine().contains("published release 2"));
}
