//! Time as the core knows it: milliseconds of uptime, handed in by whoever calls.

/// A moment of a device's uptime. Starts anywhere, only grows, does not survive a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    milliseconds: u64,
}

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    milliseconds: u64,
}

impl Instant {
    /// So many milliseconds of uptime.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: u64) -> Self {
        Self { milliseconds }
    }

    /// Milliseconds of uptime.
    #[must_use]
    pub const fn milliseconds(self) -> u64 {
        self.milliseconds
    }

    /// The moment `span` later.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self { milliseconds: self.milliseconds.saturating_add(span.milliseconds) }
    }

    /// The time since `earlier`; nothing when that lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span { milliseconds: self.milliseconds.saturating_sub(earlier.milliseconds) }
    }
}

impl Span {
    /// So many milliseconds.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: u64) -> Self {
        Self { milliseconds }
    }

    /// So many seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u32) -> Self {
        Self { milliseconds: (seconds as u64).saturating_mul(1000) }
    }

    /// Its milliseconds.
    #[must_use]
    pub const fn milliseconds(self) -> u64 {
        self.milliseconds
    }
}
