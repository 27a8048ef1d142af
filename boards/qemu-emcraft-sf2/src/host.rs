//! The machine that runs QEMU, asked by semihosting (Arm's specification of it, release 2024Q3): for random bytes.

use core::arch::asm;

/// Where the host has random bytes, as semihosting wants it: closed by a zero.
const RANDOM: &[u8] = b"/dev/urandom\0";
/// `SYS_OPEN`'s second argument for reading bytes.
const READ_BINARY: usize = 1;

/// Operations of semihosting.
#[repr(u32)]
enum Operation {
    Open = 0x01,
    Close = 0x02,
    Read = 0x06,
}

/// Asks the host; the meaning of arguments and answer is the operation's.
///
/// # Safety
/// Arguments that are addresses must be of memory that the operation may use as it does.
unsafe fn ask(operation: Operation, arguments: &[usize]) -> usize {
    let mut answer = operation as usize;
    // SAFETY: this break point is the host's, which takes two registers and answers in the first.
    unsafe { asm!("bkpt 0xAB", inout("r0") answer, in("r1") arguments.as_ptr(), options(nostack)) };
    answer
}

/// Fills `bytes` from the host's random numbers.
///
/// # Panics
/// When the host has none, or lets nobody ask.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    // SAFETY: the name is read, up to its zero.
    let file = unsafe { ask(Operation::Open, &[RANDOM.as_ptr() as usize, READ_BINARY, RANDOM.len() - 1]) };
    // SAFETY: as many bytes are written as there are.
    let missing = unsafe { ask(Operation::Read, &[file, bytes.as_mut_ptr() as usize, bytes.len()]) };
    // SAFETY: no memory is touched.
    unsafe { ask(Operation::Close, &[file]) };
    assert!(missing == 0, "the host has random bytes");
}

/// A random number.
#[must_use]
pub fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    fill_random(&mut bytes);
    u64::from_le_bytes(bytes)
}
