//! Everything that touches flash: where it lies, the boot record, the slots.

pub mod layout;
