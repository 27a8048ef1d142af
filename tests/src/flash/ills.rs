//! What can be wrong with a flash while the device runs: operations and reads that fail, and bytes that change between two
//! reads.

use std::ops::Range;

use super::{Operation, Tear};

/// An operation that fails, and what is left of it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The operations that fail, counted since power came.
    pub operations: Range<usize>,
    /// Where they fail, in addresses. An erase does where it starts.
    pub addresses: Range<u32>,
    /// What each leaves behind.
    pub leaves: Tear,
}

/// A byte that changes behind the reader's back.
#[derive(Clone, Debug)]
pub struct Change {
    /// It changes just before the read of that number, counted since power came.
    pub before_read: usize,
    /// The byte.
    pub at: usize,
    /// Its bits that flip.
    pub bits: u8,
}

/// Reads that fail, and change nothing.
#[derive(Clone, Debug)]
pub struct Silence {
    /// The reads, counted since power came.
    pub reads: Range<usize>,
    /// Where they fail, in addresses.
    pub addresses: Range<usize>,
}

/// What is wrong with a flash; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Ills {
    /// Operations that fail.
    pub failure: Option<Failure>,
    /// A byte that changes.
    pub change: Option<Change>,
    /// Reads that fail.
    pub silence: Option<Silence>,
    /// What was read so far, when somebody wants to know.
    pub reads: Option<Vec<Range<usize>>>,
    count: usize,
}

impl Ills {
    /// Operations fail.
    #[must_use]
    pub fn failing(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }

    /// A byte changes.
    #[must_use]
    pub fn changing(change: Change) -> Self {
        Self { change: Some(change), ..Self::default() }
    }

    /// Reads fail.
    #[must_use]
    pub fn silent(silence: Silence) -> Self {
        Self { silence: Some(silence), ..Self::default() }
    }

    /// Whether the read that is counted next, of these addresses, fails.
    pub(super) fn is_silent(&self, range: &Range<usize>) -> bool {
        self.silence.as_ref().is_some_and(|silence| {
            let Range { start, end } = silence.addresses;
            silence.reads.contains(&self.count) && start < range.end && end > range.start
        })
    }

    /// What is left of an operation that fails; `None` when it does not.
    pub(super) fn failure(&self, number: usize, operation: &Operation) -> Option<Tear> {
        let (from, to) = match operation {
            Operation::Erase { from, .. } => (*from, *from + 1),
            Operation::Write { at, bytes } => (*at, *at + bytes.len() as u32),
        };
        let hit = |failure: &&Failure| {
            failure.operations.contains(&number) && failure.addresses.start < to && failure.addresses.end > from
        };
        self.failure.as_ref().filter(hit).map(|failure| failure.leaves)
    }

    /// Counts a read; the byte that changes before it, if one does.
    pub(super) fn change(&mut self, range: Range<usize>) -> Option<(usize, u8)> {
        if let Some(reads) = &mut self.reads {
            reads.push(range);
        }
        let change = self.change.as_ref().filter(|change| change.before_read == self.count);
        self.count += 1;
        change.map(|change| (change.at, change.bits))
    }
}
