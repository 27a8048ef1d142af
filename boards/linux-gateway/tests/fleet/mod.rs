//! A fleet of one gateway and its server, encoded with core's own encoders.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use ed25519_dalek::{Signer, SigningKey};
use steadfast_core::answer::{Answer, Assignment, Challenge, Unchanged};
use steadfast_core::codec::{self, Wire};
use steadfast_core::content::{Content, ObjectRef};
use steadfast_core::digest::Digest;
use steadfast_core::envelope::{Envelope, Proof};
use steadfast_core::flash::record::RECORD_BYTES;
use steadfast_core::id::{DeviceId, FleetId, SchemaId};
use steadfast_core::identity::{IDENTITY_MAX_BYTES, Provisioned, Seed};
use steadfast_core::keyring::{Director, Keyring, Role};
use steadfast_core::manifest::{Draft, Entry, Flags, Kind, Policy, Reach, Restart, Risk, Settings};
use steadfast_core::poll::{Poll, PollFlags};
use steadfast_core::position::Position;
use steadfast_core::record::BootRecord;
use steadfast_core::release::{CommitId, Release};
use steadfast_core::report::{Report, ReportBody};
use steadfast_core::statement::{self, Message, PublicKey, Signed};
use steadfast_core::tree::Leaf;
use steadfast_gateway::board::Board;

pub(crate) const FLEET: FleetId = FleetId([0xF1; 16]);
pub(crate) const DEVICE: DeviceId = DeviceId([0xD1; 16]);
pub(crate) const SCHEMA: SchemaId = SchemaId([0x5E; 32]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(seed: u8) -> PublicKey {
    PublicKey(key(seed).verifying_key().to_bytes())
}

const ROOT: u8 = 1;
const PUBLISHER: u8 = 2;
const DIRECTOR: u8 = 3;

fn keyring() -> Keyring {
    let role = |seed| Role { threshold: 1, keys: [public(seed)].into_iter().collect() };
    Keyring {
        version: 1,
        root: role(ROOT),
        publisher: role(PUBLISHER),
        director: Director::Assignments([public(DIRECTOR)].into_iter().collect()),
        publisher_epoch: 1,
    }
}

/// Writes an image as `steadfast flash` would: identity and first record.
pub(crate) fn flash(path: &Path, server: &str) {
    let board = Board::built_in();
    let floor = Position { epoch: 1, sequence: 1 };
    let server = heapless::String::try_from(server).unwrap();
    let identity = Provisioned { fleet: FLEET, device: DEVICE, seed: Seed([9; 32]), keyring: keyring(), floor, server };
    let mut image = vec![0xFF; board.bytes as usize];
    let mut put = |at: u32, bytes: &[u8]| image[at as usize..][..bytes.len()].copy_from_slice(bytes);
    put(board.identity.start, identity.encode(&mut [0; IDENTITY_MAX_BYTES]).unwrap());
    let mut copy = [0; RECORD_BYTES];
    BootRecord::new(keyring(), floor).encode_copy(&mut copy).unwrap();
    put(board.layout.record.start, &copy);
    put(board.layout.record.start + RECORD_BYTES as u32, &copy);
    fs::write(path, image).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn encode<'a>(value: &impl Wire<'a>) -> Vec<u8> {
    codec::encode(value, &mut [0; 8192]).unwrap().to_vec()
}

fn sign(seed: u8, kind: statement::Kind, context: &[u8], statement: &[u8]) -> Vec<u8> {
    let message = Message::new(kind, &FLEET, context, statement).unwrap();
    [&public(seed).id().0[..], &key(seed).sign(message.bytes()).to_bytes()].concat()
}

/// One release for the one gateway.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) content: Content,
    statement: Vec<u8>,
    manifest: Vec<u8>,
    objects: BTreeMap<String, Vec<u8>>,
}

impl Published {
    /// Sections by name and the names of the checks, both in any order.
    pub(crate) fn new(sequence: u32, sections: &[(&str, &str)], checks: &[&str]) -> Self {
        let sections: BTreeMap<&str, &str> = sections.iter().copied().collect();
        let flags = Flags::new(Restart::Task, Risk::Low);
        let entry = |(section, text): (&&'static str, &&str)| {
            let object = ObjectRef { digest: Digest::of(text.as_bytes()), size: text.len() as u32 };
            Entry { section, kind: Kind::File(object), flags }
        };
        let sections: BTreeMap<&'static str, &str> =
            sections.iter().map(|(name, text)| (&*name.to_string().leak(), *text)).collect();
        let objects: Vec<Entry<'_>> = sections.iter().map(entry).collect();
        let mut checks = checks.to_vec();
        checks.sort_unstable();
        let draft = Draft {
            settings: Settings { poll_seconds: 1, freshness_seconds: 10, lost_contact_seconds: 0, attempt: 0 },
            policy: Policy { reach: Reach::Server, trial_seconds: 60, boots: 5 },
            checks: &checks,
            objects: &objects,
        };
        let manifest = draft.encode(&mut [0; 3072]).unwrap().to_vec();
        let content = Content { manifest: Digest::of(&manifest), private: None };
        let root = Leaf::new(DEVICE, SCHEMA, content).hash();
        let commit = CommitId::Sha1([sequence as u8; 20]);
        let release = Release { publisher_epoch: 1, sequence, floor: 1, commit, leaves: 1, root };
        let by_digest = |text: &&str| (Digest::of(text.as_bytes()).to_string(), text.as_bytes().to_vec());
        Self { content, statement: encode(&release), manifest, objects: sections.values().map(by_digest).collect() }
    }

    pub(crate) fn id(&self) -> String {
        self.content.id().to_string()
    }

    fn envelope(&self) -> Vec<u8> {
        let signatures = sign(PUBLISHER, statement::Kind::Release, b"", &self.statement);
        let proof = Proof { release: &self.statement, signatures: &signatures, index: 0, path: &[] };
        encode(&Envelope { proof, private: None, manifest: &self.manifest })
    }
}

/// What a server was asked and told.
#[derive(Default)]
struct State {
    published: Option<Published>,
    polls: usize,
    reports: Vec<Report>,
    /// Bytes of each object that were handed out.
    fetched: BTreeMap<String, usize>,
}

/// A server on a port of this machine that orders what was published last.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Self { address, state: Arc::default() };
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                // A client that goes away is its own affair.
                thread::spawn(move || while server.answer(&stream).is_some() {});
            }
        });
        server
    }

    pub(crate) fn publish(&self, published: &Published) {
        self.state.lock().unwrap().published = Some(published.clone());
    }

    pub(crate) fn polls(&self) -> usize {
        self.state.lock().unwrap().polls
    }

    pub(crate) fn fetched(&self, text: &str) -> usize {
        let digest = Digest::of(text.as_bytes()).to_string();
        self.state.lock().unwrap().fetched.get(&digest).copied().unwrap_or(0)
    }

    /// The first report of that kind; waits for it as long as it takes.
    pub(crate) fn report(&self, wanted: impl Fn(&Report) -> bool) -> Report {
        loop {
            if let Some(report) = self.state.lock().unwrap().reports.iter().find(|report| wanted(report)) {
                return report.clone();
            }
            thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn answer(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let (mut first, mut length, mut range) = (String::new(), 0, None);
        reader.read_line(&mut first).ok()?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim().to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().ok()?,
                Some(("range", value)) => range = Some(value.to_owned()),
                _ if line.is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split(' ');
        let answer = match (words.next()?, words.next()?) {
            ("POST", "/v1/poll") => ok(self.poll(&body)),
            ("POST", "/v1/report") => ok(self.take_report(&body)),
            ("GET", path) => self.object(path, &range?)?,
            _ => return None,
        };
        stream.write_all(&answer).ok()
    }

    fn poll(&self, bytes: &[u8]) -> Vec<u8> {
        let mut state = self.state.lock().unwrap();
        state.polls += 1;
        let poll = Poll::decode(bytes).unwrap();
        assert_eq!((poll.device, poll.schema), (DEVICE, SCHEMA.prefix()));
        let challenge = Challenge { issued_seconds: 1, code: [7; 8] };
        let unchanged = Unchanged { poll_after_seconds: 1, report_wanted: true, challenge };
        match &state.published {
            Some(published) if published.content.id() != poll.running => {
                let assignment = encode(&Assignment { release: Digest::of(&published.statement), unchanged });
                let signatures = sign(DIRECTOR, statement::Kind::Assignment, bytes, &assignment);
                let assignment = Signed { statement: &assignment, signatures: &signatures };
                encode(&Answer::Changed { assignment, envelope: &published.envelope(), inline: &[] })
            }
            _ if poll.flags.has(PollFlags::SIGNED) => {
                let statement = encode(&unchanged);
                let signatures = sign(DIRECTOR, statement::Kind::Unchanged, bytes, &statement);
                encode(&Answer::Unchanged(Signed { statement: &statement, signatures: &signatures }))
            }
            _ => Vec::new(),
        }
    }

    fn take_report(&self, bytes: &[u8]) -> Vec<u8> {
        let body = ReportBody::decode(bytes).unwrap();
        let message = Message::new(statement::Kind::Report, &FLEET, &DEVICE.0, body.statement).unwrap();
        message.verify(&[Seed([9; 32]).public_key()], 1, body.signature).unwrap();
        self.state.lock().unwrap().reports.push(codec::decode(body.statement).unwrap());
        Vec::new()
    }

    fn object(&self, path: &str, range: &str) -> Option<Vec<u8>> {
        let mut state = self.state.lock().unwrap();
        let digest = path.strip_prefix("/v1/objects/")?.to_owned();
        let object = state.published.as_ref()?.objects.get(&digest)?.clone();
        let (start, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        let (start, last): (usize, usize) = (start.parse().ok()?, last.parse().ok()?);
        let part = object.get(start..(last + 1).min(object.len()))?;
        *state.fetched.entry(digest).or_default() += part.len();
        let (end, total, length) = (start + part.len() - 1, object.len(), part.len());
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{end}/{total}\r\nContent-Length: {length}\r\n\r\n"
        );
        Some([head.as_bytes(), part].concat())
    }
}

fn ok(body: Vec<u8>) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.into_bytes(), body].concat()
}
