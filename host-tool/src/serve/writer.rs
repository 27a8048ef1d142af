//! Reports go to disk in batches: whatever arrived while the last batch was written is the next one. A report is acknowledged when
//! its batch is on disk, and only then does the server act on it.

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::report::ReportError;
use super::store::{Kept, Store, StoreError, TakenReport};
use super::told::{Table, Told};

/// Most reports in one transaction, and waiting for one; more have to wait outside.
const BATCH_MAX: usize = 1000;

/// Why a report was not kept.
#[derive(Debug, Error)]
pub(super) enum ReportFailed {
    /// The report's fault.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The server's fault; the device may try again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Waiting = (TakenReport, oneshot::Sender<Result<Kept, StoreError>>);

/// The way to the task that writes.
pub(crate) struct Writer {
    queue: mpsc::Sender<Waiting>,
}

impl Writer {
    /// Starts the task. It ends when the last `Writer` is gone.
    pub(crate) fn start(store: Store, table: Arc<Table>) -> Self {
        let (queue, waiting) = mpsc::channel(BATCH_MAX);
        tokio::spawn(write(store, table, waiting));
        Self { queue }
    }

    /// Keeps a verified report; returns once it is on disk, and whether it says something new.
    pub(crate) async fn keep(&self, taken: TakenReport) -> Result<Kept, ReportFailed> {
        let ended = || StoreError::Failed("the server is shutting down".to_owned());
        let (sender, receiver) = oneshot::channel();
        self.queue.send((taken, sender)).await.map_err(|_| ended())?;
        match receiver.await.map_err(|_| ended())?? {
            Kept::Replayed => Err(ReportError::Replayed.into()),
            kept => Ok(kept),
        }
    }
}

async fn write(store: Store, table: Arc<Table>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (reports, senders): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        match store.keep(&reports).await {
            Ok(kept) => {
                for ((taken, kept), sender) in reports.iter().zip(kept).zip(senders) {
                    table.told(taken.device, Told::new(&taken.report));
                    // Whoever asked may have gone; the report is kept all the same.
                    drop(sender.send(Ok(kept)));
                }
            }
            Err(error) => {
                let words = error.to_string();
                let again = |_: &()| match &error {
                    StoreError::Full => StoreError::Full,
                    _ => StoreError::Failed(words.clone()),
                };
                senders.into_iter().for_each(|sender| drop(sender.send(Err(again(&())))));
            }
        }
    }
}
