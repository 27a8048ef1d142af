//! A whole server over loopback, and devices that verify its answers with core's own code: the rig. The claims are in the files.

mod lifecycle;
mod polls;
mod reports;
mod sizes;

use std::fs;
use std::path::Path;
use std::thread::JoinHandle;

use steadfast_core::answer::{Answer, Asked, Challenge, Unchanged, inline};
use steadfast_core::codec;
use steadfast_core::content::Content;
use steadfast_core::digest::Digest;
use steadfast_core::envelope::{Envelope, Trust};
use steadfast_core::id::{ContentId, DeviceId, FirmwareId};
use steadfast_core::keyring::Keyring;
use steadfast_core::manifest::Manifest;
use steadfast_core::outcome::{Ending, Outcome};
use steadfast_core::poll::{FORMAT, Poll, PollFlags};
use steadfast_core::position::Position;
use steadfast_core::report::{Checks, Refused, Report, ReportBody, TrialState};
use steadfast_core::statement::{Kind, Message};
use tokio::sync::oneshot;

use super::api::{ProblemCode, Standing};
use super::*;
use crate::client::Client;
use crate::keys::{Plan, Planned, Purpose, RolePlan, Signer};
use crate::pack::Pack;
use crate::release::{build, sample};
use crate::sign;

/// A fleet's keys, and a folder with its keyring and director key.
struct Fleet {
    folder: tempfile::TempDir,
    planned: Planned,
}

impl Fleet {
    fn new() -> Self {
        let one = RolePlan { make: 1, known: Vec::new(), threshold: 1 };
        let plan = Plan { fleet: sample::ISSUE.fleet, root: one.clone(), publisher: one.clone(), director: one };
        let (folder, planned) = (tempfile::tempdir().unwrap(), plan.carry_out().unwrap());
        planned.write(&folder.path().join("keys/keyring"), folder.path()).unwrap();
        Self { folder, planned }
    }

    fn keyring(&self) -> &Keyring {
        self.planned.chain.newest()
    }

    fn config(&self) -> Config {
        Config {
            data: self.folder.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            keyring: Some(self.folder.path().join("keys/keyring")),
            director_key: Some(self.folder.path().join("director.key")),
            log: |_| {},
        }
    }

    fn sign(&self, pack: &Pack) -> Vec<u8> {
        let publishers = self.planned.keys.iter().filter(|(_, key)| key.purpose() == Purpose::Publisher);
        sign::sign(pack, publishers.map(|(_, key)| key as &dyn Signer)).unwrap()
    }

    /// A release of four devices, signed.
    fn release(&self, sequence: u32, period_ms: u32) -> (Pack, Vec<u8>) {
        let pack = build(&sample::fleet(4, sequence, period_ms), sample::ISSUE).unwrap();
        let signatures = self.sign(&pack);
        (pack, signatures)
    }
}

/// A server in a thread of its own.
struct Running {
    client: Client,
    url: String,
    recovered: Vec<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(config: &Config) -> Result<Self, ServeError> {
        let (config, (stop, stopped)) = (config.clone(), oneshot::channel::<()>());
        let (ready, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async move {
                match Ready::new(&config).await {
                    Ok(server) => {
                        ready.send(Ok((server.address(), server.recovered.clone()))).unwrap();
                        server.run(async { drop(stopped.await) }).await.unwrap();
                    }
                    Err(error) => ready.send(Err(error)).unwrap(),
                }
            });
        });
        let (address, recovered) = started.recv().unwrap()?;
        let url = format!("http://{address}");
        let client = Client::new(&url).unwrap();
        Ok(Self { client, url, recovered, stop: Some(stop), thread: Some(thread) })
    }

    fn post(&self, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.post(format!("{}{path}", self.url)).send(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap())
    }

    fn get(&self, path: &str, range: Option<&str>) -> (u16, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.get(format!("{}{path}", self.url));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let mut answer = request.call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap())
    }

    fn publish(&self, (pack, signatures): &(Pack, Vec<u8>)) -> Result<api::Published, crate::client::ClientError> {
        self.client.publish(pack, signatures, |_| {})
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// A device as far as a server can tell.
#[derive(Clone)]
struct Device {
    number: u32,
    running: ContentId,
    accepted: Position,
    flags: PollFlags,
    refused: Option<[u8; 4]>,
}

impl Device {
    fn new(number: u32) -> Self {
        let (running, accepted) = (ContentId::NONE, Position::ZERO);
        Self { number, running, accepted, flags: PollFlags::default(), refused: None }
    }

    fn id(&self) -> DeviceId {
        sample::device(self.number)
    }

    fn poll(&self) -> Vec<u8> {
        let poll = Poll {
            format: FORMAT,
            device: self.id(),
            keyring_version: 1,
            schema: sample::SCHEMA.prefix(),
            running: self.running,
            accepted: self.accepted,
            nonce: [7; 8],
            flags: self.flags,
            refused: self.refused,
        };
        postcard::to_extend(&poll, Vec::new()).unwrap()
    }

    fn signed(&self) -> Self {
        Self { flags: PollFlags::SIGNED, ..self.clone() }
    }

    /// Verifies a change as the device does, and becomes it.
    fn take(&mut self, keyring: &Keyring, poll: &[u8], body: &[u8]) -> (Content, Unchanged) {
        let Ok(Answer::Changed { assignment, envelope, .. }) = Answer::decode(body) else {
            panic!("no change in {body:?}")
        };
        let asked = Asked { fleet: &sample::ISSUE.fleet, keyring, poll };
        let fresh = asked.verify_assignment(&assignment).unwrap();
        let verified = self.trust(keyring).verify(envelope, Some(&fresh)).unwrap();
        (self.running, self.accepted) = (verified.content().id(), verified.position());
        (verified.content(), fresh.unchanged())
    }

    fn trust<'a>(&self, keyring: &'a Keyring) -> Trust<'a> {
        let (device, accepted) = (self.id(), self.accepted);
        Trust { fleet: sample::ISSUE.fleet, device, schema: sample::SCHEMA, keyring, accepted, floor: Position::ZERO }
    }

    fn report(&self, challenge: Challenge) -> Report {
        Report {
            challenge,
            running: self.running,
            confirmed: self.running,
            schema: sample::SCHEMA.prefix(),
            firmware: FirmwareId([1; 8]),
            accepted: self.accepted,
            floor: Position::ZERO,
            keyring_version: 1,
            trial: TrialState::None,
            outcome: Outcome::none(),
            checks: Checks { passed: 1, failed: 0 },
            refused: None,
            stale: false,
        }
    }

    fn sign(&self, report: &Report) -> Vec<u8> {
        let statement = postcard::to_extend(report, Vec::new()).unwrap();
        let message = Message::new(Kind::Report, &sample::ISSUE.fleet, &self.id().0, &statement).unwrap();
        let key = sample::seed(self.number);
        let mut signature = key.public_key().id().0.to_vec();
        signature.extend_from_slice(&key.sign(message.bytes()));
        let body = ReportBody { device: self.id(), statement: &statement, signature: &signature };
        postcard::to_extend(&body, Vec::new()).unwrap()
    }
}

/// Polls and returns what the server says when nothing is new.
fn unchanged(server: &Running, keyring: &Keyring, device: &Device) -> Option<Unchanged> {
    let poll = device.poll();
    let (status, body) = server.post("/v1/poll", &poll);
    assert_eq!(status, 200);
    if body.is_empty() {
        return None;
    }
    let Ok(Answer::Unchanged(signed)) = Answer::decode(&body) else { panic!("not unchanged: {body:?}") };
    let asked = Asked { fleet: &sample::ISSUE.fleet, keyring, poll: &poll };
    Some(asked.verify_unchanged(&signed).unwrap().unchanged())
}

/// Polls until it has what the newest release says.
fn update(server: &Running, keyring: &Keyring, device: &mut Device) -> Unchanged {
    let poll = device.poll();
    let (_, body) = server.post("/v1/poll", &poll);
    device.take(keyring, &poll, &body).1
}
