//! What a relay can tell of an update: what a device says it runs, what an answer brings, when objects are fetched.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steadfast_core::answer::Answer;
use steadfast_core::codec;
use steadfast_core::content::ObjectRef;
use steadfast_core::envelope::Envelope;
use steadfast_core::id::ContentId;
use steadfast_core::manifest::Manifest;
use steadfast_core::poll::Poll;
use steadfast_core::statement::Signed;

use super::relay::{Passing, Relay, Subject, Treatment};

/// Longer than any answer.
const ANSWER_BYTES: usize = 4096;

/// An answer that orders other content.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    assignment: Signed<'a>,
    envelope: &'a [u8],
    /// The objects that came along, each after its place.
    pub inline: &'a [u8],
}

impl<'a> Order<'a> {
    /// The order in an answer; none when it brings none.
    #[must_use]
    pub fn of(passing: &Passing<'a>) -> Option<Self> {
        match (passing.subject, Answer::decode(passing.answer)) {
            (Subject::Poll, Ok(Answer::Changed { assignment, envelope, inline })) => {
                Some(Self { assignment, envelope, inline })
            }
            _ => None,
        }
    }

    /// The same answer without its objects, so that the device fetches each. They are not signed: any relay can do this.
    ///
    /// # Panics
    /// Never: the answer was longer before.
    #[must_use]
    pub fn without_inline(&self) -> Vec<u8> {
        let bare = Answer::Changed { assignment: self.assignment, envelope: self.envelope, inline: &[] };
        codec::encode(&bare, &mut [0; ANSWER_BYTES]).expect("it was longer before").to_vec()
    }

    /// All sections of what is ordered.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        let envelope = codec::decode::<Envelope<'_>>(self.envelope).ok();
        let manifest = envelope.and_then(|envelope| Manifest::parse(envelope.manifest).ok());
        let entries = manifest.into_iter().flat_map(|manifest| manifest.objects());
        entries.filter_map(|entry| Some(Section { name: entry.section.to_owned(), object: entry.object()? })).collect()
    }

    /// The sections that came along.
    #[must_use]
    pub fn sent(&self) -> Vec<Section> {
        let sections = self.sections();
        let mut rest = self.inline;
        let mut sent = Vec::new();
        while let Some((place, after)) = rest.split_first() {
            let Some(section) = sections.get(usize::from(*place)) else { break };
            rest = after.get(section.object.size as usize..).unwrap_or_default();
            sent.push(section.clone());
        }
        sent
    }
}

/// One section of what is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub object: ObjectRef,
}

/// What happened on a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The device polled, and runs this.
    Polled(ContentId),
    /// It was sent an order.
    Ordered {
        /// All sections of what was ordered.
        sections: Vec<Section>,
        /// Those that came along.
        sent: Vec<Section>,
        /// The length of the whole answer.
        answer_bytes: usize,
    },
    /// It asked for an object.
    Fetched,
}

/// How a watched relay behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It hands everything on.
    Honest,
    /// It makes the device ask for each object, and answers none of these requests.
    Withholding,
}

/// Looks at what passes a relay.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    events: Arc<Mutex<Vec<Event>>>,
}

impl Watch {
    /// From now on looks at that relay, which behaves as told.
    pub fn over(&self, relay: &Relay, manner: Manner) {
        let watch = self.clone();
        relay.follow(move |passing| {
            watch.note(passing);
            match (manner, passing.subject, Order::of(passing)) {
                (Manner::Withholding, Subject::Object, _) => Treatment::Drop,
                (Manner::Withholding, _, Some(order)) => Treatment::Replace(order.without_inline()),
                _ => Treatment::Pass,
            }
        });
    }

    /// What happened since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events())
    }

    /// Whether something happened since the last `take` that is as wanted.
    #[must_use]
    pub fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events().iter().any(wanted)
    }

    fn note(&self, passing: &Passing<'_>) {
        if let (Subject::Poll, Ok(poll)) = (passing.subject, Poll::decode(passing.question)) {
            self.events().push(Event::Polled(poll.running));
        }
        if let Some(order) = Order::of(passing) {
            let (sections, sent) = (order.sections(), order.sent());
            self.events().push(Event::Ordered { sections, sent, answer_bytes: passing.answer.len() });
        }
        if passing.subject == Subject::Object {
            self.events().push(Event::Fetched);
        }
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
