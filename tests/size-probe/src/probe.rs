//! The driver over ports that the compiler cannot see through.

use core::hint::black_box;
use core::panic::PanicInfo;
use core::pin::{Pin, pin};
use core::sync::atomic::AtomicU8;
use core::task::{Context, Poll, Waker};

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use steadfast_core::digest::Digest;
use steadfast_core::driver::{Driver, Next, Ports, Setting};
use steadfast_core::flash::layout::{Layout, Region};
use steadfast_core::id::{DeviceId, FirmwareId, FleetId, KeyId, SchemaId};
use steadfast_core::identity::{IDENTITY_MAX_BYTES, Provisioned};
use steadfast_core::keyring::Keyring;
use steadfast_core::ports::{Check, Endpoint, Firmware, Health, Identity, Link, LinkFailed, ResetCause};
use steadfast_core::position::Position;
use steadfast_core::time::Instant;

type Device = Driver<Flash, Server, Myself, Application>;

/// What the core keeps in RAM: the driver with all its buffers, and the state of a step that waits.
#[used]
static CORE_STATE: [AtomicU8; size_of::<Device>() + bytes_of(&step)] = [const { AtomicU8::new(0) }; _];

async fn step(device: &mut Device) -> Next {
    device.step(Instant::from_milliseconds(black_box(0))).await
}

const fn bytes_of<'a, F: Fn(&'a mut Device) -> T, T>(_: &F) -> usize {
    size_of::<T>()
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut region = [0; IDENTITY_MAX_BYTES];
    fill(&mut region);
    if let Ok(provisioned) = Provisioned::decode(&region) {
        run(Myself(provisioned));
    }
    loop {}
}

#[inline(never)]
fn run(identity: Myself) {
    let region = |start| Region { start, length: black_box(8192), erase_bytes: black_box(4096) };
    let layout = Layout { record: region(0), a: region(8192), b: region(16384), erased: black_box(0xFF) };
    let firmware = Firmware {
        id: FirmwareId(black_box([0; 8])),
        schema: SchemaId(black_box([0; 32])),
        sections: black_box(&[]),
        reset: black_box(ResetCause::Crash),
    };
    let ports = Ports { flash: Flash, link: Server, identity, health: Application };
    let mut driver = Driver::new(ports, Setting { layout, firmware });
    loop {
        let mut next = pin!(step(&mut driver));
        while poll(next.as_mut()).is_pending() {}
    }
}

/// Apart, as in a firmware, where a task's state does not lie on the stack of whoever polls it.
#[inline(never)]
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Bytes that the compiler knows nothing about.
fn fill(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = black_box(0));
}

struct Flash;

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

fn outcome() -> Result<(), NorFlashErrorKind> {
    black_box(Ok(()))
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, _: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        fill(bytes);
        outcome()
    }

    fn capacity(&self) -> usize {
        black_box(24576)
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        black_box((from, to));
        outcome()
    }

    async fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        black_box((at, bytes));
        outcome()
    }
}

struct Server;

impl Link for Server {
    async fn exchange(&mut self, endpoint: Endpoint, request: &[u8], answer: &mut [u8]) -> Result<usize, LinkFailed> {
        black_box((endpoint, request));
        fill(answer);
        black_box(Ok(0))
    }

    async fn fetch(&mut self, object: &Digest, offset: u32, buffer: &mut [u8]) -> Result<usize, LinkFailed> {
        black_box((object, offset));
        fill(buffer);
        black_box(Ok(0))
    }
}

struct Myself(Provisioned);

impl Identity for Myself {
    fn device(&self) -> DeviceId {
        self.0.device
    }

    fn fleet(&self) -> FleetId {
        self.0.fleet
    }

    fn first_keyring(&self) -> Keyring {
        self.0.keyring.clone()
    }

    fn first_floor(&self) -> Position {
        self.0.floor
    }

    fn key(&self) -> KeyId {
        self.0.seed.public_key().id()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.seed.sign(message)
    }

    fn random(&mut self) -> [u8; 8] {
        black_box([0; 8])
    }
}

struct Application;

impl Health for Application {
    fn check(&mut self, name: &str) -> Check {
        black_box(name);
        black_box(Check::Waiting)
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
