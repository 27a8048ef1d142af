//! Everything that touches flash: where it lies, the boot record, the slots.
//!
//! ```text
//! layout   where the regions are                 record   the one value that decides, and its store
//! io       aligned access, failures as refusals  slot     what lies in a slot; the proof that it is whole
//! changes  what the next content restarts        stage    how a slot gets its content
//! ```

mod changes;
mod io;
pub mod layout;
pub mod record;
pub mod slot;
pub mod stage;
