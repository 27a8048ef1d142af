//! Schemas from a firmware's types to the host and back: the description, the decoder, and an independent judge of both.

mod compared;
mod description;
mod elf;
mod generated;
mod judge;
mod sample;
mod shown;
mod values;
mod written;
