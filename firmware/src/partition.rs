//! A partition: the range of a shared flash that one user may touch.
//!
//! Addresses stay those of the whole flash, as `board.toml` has them; only the range is enforced. So core cannot reach the identity
//! region, nor an application core's, whatever either is told to write.

use core::ops::Range;

use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// A flash that several tasks of one executor share; each operation waits for the one before.
pub type SharedFlash<F> = Mutex<NoopRawMutex, F>;

/// Why an operation on a partition failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionError<E> {
    /// It would have left the partition.
    Outside,
    /// The flash's own error.
    Flash(E),
}

impl<E: NorFlashError> NorFlashError for PartitionError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Outside => NorFlashErrorKind::OutOfBounds,
            Self::Flash(error) => error.kind(),
        }
    }
}

/// A range of a shared flash, as a flash of its own.
#[derive(Debug)]
pub struct Partition<'a, F> {
    flash: &'a SharedFlash<F>,
    range: Range<u32>,
    capacity: usize,
}

impl<'a, F: NorFlash> Partition<'a, F> {
    /// The partition over `range` of the flash's addresses.
    pub async fn new(flash: &'a SharedFlash<F>, range: Range<u32>) -> Self {
        let capacity = flash.lock().await.capacity();
        Self { flash, range, capacity }
    }

    fn check(&self, from: u32, to: Option<u32>) -> Result<(), PartitionError<F::Error>> {
        let inside = to.is_some_and(|to| self.range.start <= from && from <= to && to <= self.range.end);
        if inside { Ok(()) } else { Err(PartitionError::Outside) }
    }
}

fn end(offset: u32, bytes: &[u8]) -> Option<u32> {
    offset.checked_add(u32::try_from(bytes.len()).ok()?)
}

impl<F: NorFlash> ErrorType for Partition<'_, F> {
    type Error = PartitionError<F::Error>;
}

impl<F: NorFlash> ReadNorFlash for Partition<'_, F> {
    const READ_SIZE: usize = F::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.check(offset, end(offset, bytes))?;
        // Core reads and hashes whole slots piece by piece. Where flash is memory nothing of that ever waits, and neither the
        // watchdog would be fed nor a task run until it is through.
        yield_now().await;
        self.flash.lock().await.read(offset, bytes).await.map_err(PartitionError::Flash)
    }

    /// Of the whole flash, since addresses are its own.
    fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<F: NorFlash> NorFlash for Partition<'_, F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.check(from, Some(to))?;
        self.flash.lock().await.erase(from, to).await.map_err(PartitionError::Flash)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.check(offset, end(offset, bytes))?;
        self.flash.lock().await.write(offset, bytes).await.map_err(PartitionError::Flash)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use core::convert::Infallible;
    use core::pin::pin;
    use core::task::{Context, Waker};
    use std::vec::Vec;

    use embassy_futures::block_on;

    use super::*;

    /// Notes what reaches the chip.
    pub(crate) struct Chip(Vec<Range<u32>>);

    impl Chip {
        pub(crate) fn new() -> Self {
            Self(Vec::new())
        }
    }

    impl ErrorType for Chip {
        type Error = NorFlashErrorKind;
    }

    impl ReadNorFlash for Chip {
        const READ_SIZE: usize = 1;

        async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
            self.0.push(offset..offset + bytes.len() as u32);
            Ok(())
        }

        fn capacity(&self) -> usize {
            64
        }
    }

    impl NorFlash for Chip {
        const WRITE_SIZE: usize = 4;
        const ERASE_SIZE: usize = 16;

        async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
            self.0.push(from..to);
            Ok(())
        }

        async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
            self.0.push(offset..offset + bytes.len() as u32);
            Ok(())
        }
    }

    #[test]
    fn every_operation_stays_inside_its_partition() -> Result<(), Infallible> {
        let flash = SharedFlash::new(Chip::new());
        let mut partition = block_on(Partition::new(&flash, 16..48));
        for from in 0..64_u32 {
            for to in 0..64_u32 {
                let mut bytes = std::vec![0; to.saturating_sub(from) as usize];
                let inside = 16 <= from && from <= to && to <= 48;
                assert_eq!(block_on(partition.erase(from, to)).is_ok(), inside, "erase {from}..{to}");
                if from <= to {
                    assert_eq!(block_on(partition.read(from, &mut bytes)).is_ok(), inside, "read {from}..{to}");
                    assert_eq!(block_on(partition.write(from, &bytes)).is_ok(), inside, "write {from}..{to}");
                }
            }
        }
        assert_eq!(block_on(partition.write(u32::MAX, &[0; 4])), Err(PartitionError::Outside));
        assert!(block_on(flash.lock()).0.iter().all(|range| 16 <= range.start && range.end <= 48));
        Ok(())
    }

    #[test]
    fn others_run_between_two_reads() {
        let flash = SharedFlash::new(Chip::new());
        let mut partition = block_on(Partition::new(&flash, 0..64));
        let mut bytes = [0; 8];
        let mut reading = pin!(partition.read(0, &mut bytes));
        let mut context = Context::from_waker(Waker::noop());
        assert!(reading.as_mut().poll(&mut context).is_pending());
        assert!(reading.as_mut().poll(&mut context).is_ready());
    }
}
