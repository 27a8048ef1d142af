//! What passed through a relay: each exchange, and their sums by what was asked for.

use std::iter::Sum;
use std::ops::Add;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// `POST /v1/poll`
    Poll,
    /// `POST /v1/report`
    Report,
    /// `GET /v1/objects/...`
    Object,
    /// Anything else.
    Other,
}

impl Subject {
    /// The subject of a path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        match path {
            "/v1/poll" => Self::Poll,
            "/v1/report" => Self::Report,
            path if path.starts_with("/v1/objects/") => Self::Object,
            _ => Self::Other,
        }
    }
}

/// A question and its answer, as the device saw them. Lengths are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What it was about.
    pub subject: Subject,
    /// The path that was asked for.
    pub path: String,
    /// The answer's status; 0 when there was none.
    pub status: u16,
    /// The question's head.
    pub head_up: usize,
    /// The question's body.
    pub body_up: usize,
    /// The answer's head.
    pub head_down: usize,
    /// The answer's body, as far as it was handed on.
    pub body_down: usize,
}

/// The sum of some exchanges. Lengths are bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many.
    pub exchanges: usize,
    /// Heads of questions.
    pub heads_up: usize,
    /// Bodies of questions.
    pub bodies_up: usize,
    /// Heads of answers.
    pub heads_down: usize,
    /// Bodies of answers.
    pub bodies_down: usize,
}

impl Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            exchanges: self.exchanges + other.exchanges,
            heads_up: self.heads_up + other.heads_up,
            bodies_up: self.bodies_up + other.bodies_up,
            heads_down: self.heads_down + other.heads_down,
            bodies_down: self.bodies_down + other.bodies_down,
        }
    }
}

impl Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(traffic: I) -> Self {
        traffic.fold(Self::default(), Add::add)
    }
}

impl From<&Exchange> for Traffic {
    fn from(exchange: &Exchange) -> Self {
        Self {
            exchanges: 1,
            heads_up: exchange.head_up,
            bodies_up: exchange.body_up,
            heads_down: exchange.head_down,
            bodies_down: exchange.body_down,
        }
    }
}

/// Sums by subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Polls.
    pub polls: Traffic,
    /// Reports.
    pub reports: Traffic,
    /// Objects.
    pub objects: Traffic,
}

impl Tally {
    /// Sums up.
    #[must_use]
    pub fn of(exchanges: &[Exchange]) -> Self {
        let sum = |subject| exchanges.iter().filter(|exchange| exchange.subject == subject).map(Traffic::from).sum();
        Self { polls: sum(Subject::Poll), reports: sum(Subject::Report), objects: sum(Subject::Object) }
    }

    /// Everything together.
    #[must_use]
    pub fn all(&self) -> Traffic {
        self.polls + self.reports + self.objects
    }
}
