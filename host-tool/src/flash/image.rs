//! A flash image in memory: core's own code writes record and slot into it, as it would into a chip.

use std::convert::Infallible;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

/// The bytes of a whole flash. Grains of one byte suit every layout; the layout's own blocks are what core erases by.
#[derive(Clone, Debug)]
pub struct Image {
    bytes: Vec<u8>,
    erased: u8,
}

impl Image {
    /// An image of these bytes, on a flash whose erased bytes read as `erased`.
    #[must_use]
    pub fn new(bytes: Vec<u8>, erased: u8) -> Self {
        Self { bytes, erased }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn part(&mut self, from: u32, length: usize) -> &mut [u8] {
        // Regions were checked against the image's size when the board was read.
        &mut self.bytes[from as usize..][..length]
    }
}

impl ErrorType for Image {
    type Error = Infallible;
}

impl ReadNorFlash for Image {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(self.part(offset, bytes.len()));
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Image {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = 1;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        let erased = self.erased;
        self.part(from, (to - from) as usize).fill(erased);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        self.part(offset, bytes.len()).copy_from_slice(bytes);
        Ok(())
    }
}
