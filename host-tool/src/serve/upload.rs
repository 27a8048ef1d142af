//! An upload under way: its first bytes are judged before the rest is kept, and it has bounds in time and memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use crate::pack::{HEAD_MAX_BYTES, PACK_MAX_BYTES};

/// How long an uploader may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Without any byte.
    pub(super) silence: Duration,
    /// For all of it.
    pub(super) whole: Duration,
}

impl Pace {
    /// A minute is a broken connection; an hour is the largest pack over five megabits a second.
    pub(super) const ORDINARY: Self = Self { silence: Duration::from_secs(60), whole: Duration::from_secs(3600) };
}

/// Why an upload was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum UploadError {
    /// The connection ended.
    #[error("the upload broke off; publish again")]
    Broken,
    /// Nothing came, or too little.
    #[error("the upload was too slow; publish again over a better connection")]
    Slow,
    /// More than it may be.
    #[error("the upload is larger than {0} bytes, which this release may have")]
    TooLarge(u64),
}

/// See the module.
pub(super) struct Upload {
    body: Body,
    read: Vec<u8>,
    pace: Pace,
    ends: Instant,
}

impl Upload {
    /// Nothing is read yet.
    pub(super) fn new(body: Body, pace: Pace) -> Self {
        Self { body, read: Vec::new(), pace, ends: Instant::now() + pace.whole }
    }

    /// The first bytes: [`HEAD_MAX_BYTES`] or a few more, or all of a shorter body.
    ///
    /// # Errors
    /// [`UploadError`].
    pub(super) async fn head(&mut self) -> Result<&[u8], UploadError> {
        while self.read.len() < HEAD_MAX_BYTES {
            let Some(bytes) = self.next().await? else { break };
            self.read.extend_from_slice(&bytes);
        }
        Ok(&self.read)
    }

    /// All bytes.
    ///
    /// # Errors
    /// [`UploadError`]; more than `limit` bytes are never held.
    pub(super) async fn whole(mut self, limit: u64) -> Result<Vec<u8>, UploadError> {
        let fits = |held: &[u8], more: &[u8]| (held.len() + more.len()) as u64 <= limit;
        if !fits(&self.read, &[]) || self.body.size_hint().lower() > limit {
            return Err(UploadError::TooLarge(limit));
        }
        while let Some(bytes) = self.next().await? {
            if !fits(&self.read, &bytes) {
                return Err(UploadError::TooLarge(limit));
            }
            self.read.extend_from_slice(&bytes);
        }
        Ok(self.read)
    }

    /// Reads the rest and keeps nothing: most clients hear an answer only after they have sent everything.
    pub(super) async fn drain(mut self) {
        let mut drained = 0;
        while let Ok(Some(bytes)) = self.next().await {
            drained += bytes.len() as u64;
            if drained > PACK_MAX_BYTES {
                break;
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, UploadError> {
        let ends = self.ends.min(Instant::now() + self.pace.silence);
        let frame = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
        match timeout_at(ends, frame).await {
            Err(_) => Err(UploadError::Slow),
            Ok(None) => Ok(None),
            // Trailers are no bytes of the pack.
            Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
            Ok(Some(Err(_))) => Err(UploadError::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// Gives chunks and then nothing more, without an end.
    struct Stalling(Vec<Bytes>);

    impl HttpBody for Stalling {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.pop().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok(Frame::data(chunk)))))
        }
    }

    fn stalling(chunks: usize) -> Body {
        Body::new(Stalling(vec![Bytes::from_static(&[1; HEAD_MAX_BYTES]); chunks]))
    }

    #[tokio::test]
    async fn who_stops_sending_is_given_up() {
        let hasty = Pace { silence: Duration::ZERO, whole: Duration::from_secs(3600) };
        let mut upload = Upload::new(stalling(1), hasty);
        assert_eq!(upload.head().await.unwrap().len(), HEAD_MAX_BYTES);
        assert_eq!(upload.whole(1 << 20).await, Err(UploadError::Slow));
        let overdue = Pace { silence: Duration::from_secs(3600), whole: Duration::ZERO };
        assert_eq!(Upload::new(stalling(0), overdue).head().await, Err(UploadError::Slow));
        Upload::new(stalling(3), hasty).drain().await;
    }

    #[tokio::test]
    async fn no_more_is_held_than_the_release_may_have() {
        let three = || Upload::new(Body::from(vec![1; 3 * HEAD_MAX_BYTES]), Pace::ORDINARY);
        assert_eq!(three().whole(3 * HEAD_MAX_BYTES as u64).await.unwrap().len(), 3 * HEAD_MAX_BYTES);
        let limit = 2 * HEAD_MAX_BYTES as u64;
        assert_eq!(three().whole(limit).await, Err(UploadError::TooLarge(limit)));
        // It would wait for ever, if it read on.
        let endless = Upload::new(stalling(3), Pace::ORDINARY);
        assert_eq!(endless.whole(limit).await, Err(UploadError::TooLarge(limit)));
    }
}
