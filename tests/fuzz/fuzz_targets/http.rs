//! A server that says anything, in pieces of any size, to a microcontroller's HTTP client.
//!
//! Claims: nothing panics, and a body is never longer than the buffer for it.

#![no_main]

use std::convert::Infallible;

use embassy_futures::block_on;
use embedded_io_async::{ErrorType, Read, Write};
use libfuzzer_sys::fuzz_target;
use steadfast_core::digest::Digest;
use steadfast_core::ports::Endpoint;
use steadfast_firmware::http::{Request, exchange};

/// What the server says, and how much of it at a time.
struct Said<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl ErrorType for Said<'_> {
    type Error = Infallible;
}

impl Read for Said<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let (now, later) = self.bytes.split_at(self.piece.min(buffer.len()).min(self.bytes.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.bytes = later;
        Ok(now.len())
    }
}

impl Write for Said<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let [first, second, bytes @ ..] = bytes else { return };
    let mut said = Said { bytes, piece: usize::from(*first).max(1) };
    let mut response = [0; 64];
    let object = Digest([0; 32]);
    let request = match second % 3 {
        0 => Request::Post { endpoint: Endpoint::Poll, body: b"a poll" },
        1 => Request::Object { digest: &object, offset: 0 },
        _ => Request::Object { digest: &object, offset: 100 },
    };
    if let Ok(received) = block_on(exchange(&mut said, "host:80", request, &mut response)) {
        assert!(received.length <= response.len());
    }
});
