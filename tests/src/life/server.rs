//! The server as the device meets it: it keeps no state but what it was told to assign and the reports it took.

use std::cell::RefCell;
use std::rc::Rc;

use steadfast_core::answer::{Answer, Assignment, Challenge, Unchanged};
use steadfast_core::codec;
use steadfast_core::digest::Digest;
use steadfast_core::id::ContentId;
use steadfast_core::poll::{Poll, PollFlags};
use steadfast_core::ports::{Endpoint, Link, LinkFailed};
use steadfast_core::report::{Report, ReportBody};
use steadfast_core::statement::{Kind, Signed};

use super::fleet::{Fleet, Release, Which, encode};
use crate::samples::Configuration;

/// Objects up to this size come with the answer.
const INLINE_MAX_BYTES: usize = 64;

/// Seconds until the next poll that the server asks for.
const POLL_AFTER_SECONDS: u32 = 60;

/// How the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// As it should.
    Honest,
    /// It has no keys, and gives what the director signed for another poll.
    Replayed,
    /// Not at all.
    Silent,
}

/// A server for one device.
pub struct Server {
    /// The fleet's keys.
    pub fleet: Rc<Fleet>,
    /// Every release there is, ascending.
    pub releases: Rc<[Release]>,
    /// The sequence of the one that is assigned.
    pub assigned: u32,
    /// The one that was assigned when it last answered truly: a device knows of no later one.
    pub heard: Option<u32>,
    /// How it speaks.
    pub voice: Voice,
    /// Whoever runs this does not reach it.
    pub out_of_reach: Option<ContentId>,
    /// Reports taken, oldest first.
    pub reports: Vec<Report>,
    /// Polls answered.
    pub polls: usize,
    /// Bytes of objects handed out, inline ones included.
    pub object_bytes: usize,
}

impl Server {
    /// A server with these releases that assigns none yet.
    #[must_use]
    pub fn new(fleet: Rc<Fleet>, releases: Rc<[Release]>) -> Self {
        Self {
            fleet,
            releases,
            assigned: 0,
            heard: None,
            voice: Voice::Honest,
            out_of_reach: None,
            reports: Vec::new(),
            polls: 0,
            object_bytes: 0,
        }
    }

    /// The release of that sequence.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn release(&self, sequence: u32) -> &Release {
        self.releases.iter().find(|release| release.sequence == sequence).expect("a release of the life")
    }

    fn answer(&mut self, bytes: &[u8]) -> Result<Vec<u8>, LinkFailed> {
        let poll = Poll::decode(bytes).map_err(|_| LinkFailed)?;
        if self.out_of_reach == Some(poll.running) {
            return Err(LinkFailed);
        }
        self.polls += 1;
        if self.voice == Voice::Honest {
            self.heard = Some(self.assigned);
        }
        let release = self.release(self.assigned).clone();
        if poll.keyring_version < release.epoch {
            return Ok(encode(&Answer::Keyring(self.fleet.rotation())));
        }
        let which = if poll.schema == Which::Next.schema().prefix() { Which::Next } else { Which::Former };
        let offered = release.id(which);
        let runs_it = poll.running == offered && !poll.flags.has(PollFlags::PREPARING);
        let known = self.releases.iter().find(|known| known.position() == poll.accepted);
        let floor_rises = known.is_none_or(|known| known.floor < release.floor);
        let unchanged = Unchanged {
            poll_after_seconds: POLL_AFTER_SECONDS,
            report_wanted: false,
            challenge: Challenge { issued_seconds: 1, code: [0; 8] },
        };
        let assignment = encode(&Assignment { release: release.digest(), unchanged });
        let assignment_signatures = self.direct(Kind::Assignment, bytes, &assignment);
        let assignment = Signed { statement: &assignment, signatures: &assignment_signatures };
        if runs_it && floor_rises {
            return Ok(encode(&Answer::Adopt { assignment, proof: release.proof(which) }));
        }
        // A server does not insist on what the device has rejected.
        if runs_it || poll.refused == Some(offered.prefix()) {
            return Ok(self.unchanged(&poll, bytes, &unchanged));
        }
        let inline = self.inline(&release.configurations[which as usize]);
        Ok(encode(&Answer::Changed { assignment, envelope: &release.envelope(which), inline: &inline }))
    }

    fn unchanged(&self, poll: &Poll, bytes: &[u8], unchanged: &Unchanged) -> Vec<u8> {
        if !poll.flags.has(PollFlags::SIGNED) {
            return Vec::new();
        }
        let statement = encode(unchanged);
        let signatures = self.direct(Kind::Unchanged, bytes, &statement);
        encode(&Answer::Unchanged(Signed { statement: &statement, signatures: &signatures }))
    }

    fn direct(&self, kind: Kind, poll: &[u8], statement: &[u8]) -> Vec<u8> {
        let poll = if self.voice == Voice::Replayed { b"another poll" } else { poll };
        self.fleet.direct(kind, poll, statement)
    }

    fn inline(&mut self, configuration: &Configuration) -> Vec<u8> {
        let objects = configuration.objects.iter().enumerate();
        let small = objects.filter_map(|(index, bytes)| Some((index, bytes.as_ref()?)));
        let small = small.filter(|(_, bytes)| bytes.len() <= INLINE_MAX_BYTES);
        let inline = small.flat_map(|(index, bytes)| [&[index as u8][..], bytes].concat()).collect::<Vec<u8>>();
        self.object_bytes += inline.len();
        inline
    }

    fn object(&self, digest: &Digest) -> Option<&[u8]> {
        let configurations = self.releases.iter().flat_map(|release| &release.configurations);
        let objects = configurations.flat_map(|configuration| &configuration.objects);
        objects.flatten().map(Vec::as_slice).find(|bytes| Digest::of(bytes) == *digest)
    }

    fn take_report(&mut self, bytes: &[u8]) -> Result<(), LinkFailed> {
        let body = ReportBody::decode(bytes).map_err(|_| LinkFailed)?;
        assert!(self.fleet.signed_by_device(body.statement, body.signature), "a report without a valid signature");
        self.reports.push(codec::decode(body.statement).map_err(|_| LinkFailed)?);
        Ok(())
    }
}

/// The device's way to the server.
#[derive(Clone)]
pub(super) struct Wire(pub(super) Rc<RefCell<Server>>);

impl Link for Wire {
    async fn exchange(&mut self, endpoint: Endpoint, request: &[u8], response: &mut [u8]) -> Result<usize, LinkFailed> {
        let mut server = self.0.borrow_mut();
        if server.voice == Voice::Silent {
            return Err(LinkFailed);
        }
        let answer = match endpoint {
            Endpoint::Poll => server.answer(request)?,
            Endpoint::Report => server.take_report(request).map(|()| Vec::new())?,
        };
        response.get_mut(..answer.len()).ok_or(LinkFailed)?.copy_from_slice(&answer);
        Ok(answer.len())
    }

    async fn fetch(&mut self, object: &Digest, offset: u32, buffer: &mut [u8]) -> Result<usize, LinkFailed> {
        let mut server = self.0.borrow_mut();
        if server.voice == Voice::Silent {
            return Err(LinkFailed);
        }
        let rest = server.object(object).and_then(|bytes| bytes.get(offset as usize..)).ok_or(LinkFailed)?;
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        server.object_bytes += count;
        Ok(count)
    }
}
