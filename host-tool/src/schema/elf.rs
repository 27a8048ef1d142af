//! Takes the description out of a firmware: the section `.steadfast.schema` of its ELF file.

use object::{Object, ObjectSection};
use steadfast_core::schema::{ELF_SECTION, FRAME_BYTES, MAGIC};
use thiserror::Error;

/// How an ELF file begins.
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// Why a file gives no description.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ElfError {
    /// Something else altogether, perhaps a raw image.
    #[error(
        "this is neither an ELF file nor a schema description. Give the ELF file that the linker wrote, not the .bin or .hex made of it"
    )]
    NotElf,
    /// An ELF file that cannot be read.
    #[error("this ELF file is damaged: {0}. Build the firmware again")]
    Damaged(String),
    /// The firmware exports nothing, or its linker dropped it.
    #[error(
        "this firmware carries no schema: it has no section `{ELF_SECTION}`. Its source needs `steadfast_core::export_schema!(YourConfig);`, and \
         its linker script `{ELF_SECTION} 0 (INFO) : {{ KEEP(*({ELF_SECTION})); }}`; `strip` must leave it in"
    )]
    NoSection,
    /// The section was kept in name only.
    #[error(
        "section `{ELF_SECTION}` has no content in this file: in the linker script it must be `(INFO)`, not `(NOLOAD)`"
    )]
    NoContent,
    /// Not our magic, or not our length.
    #[error("section `{ELF_SECTION}` holds no schema description: {0}. Build the firmware again")]
    Frame(&'static str),
    /// The macro stands twice.
    #[error("this firmware carries more than one schema: `export_schema!` may stand only once in a program")]
    Several,
}

/// The description in `file`: the ELF file of a firmware, the content of its section, or a bare description.
///
/// # Errors
/// [`ElfError`], each with what to do. The description itself is not looked at.
pub fn extract(file: &[u8]) -> Result<&[u8], ElfError> {
    if file.starts_with(ELF_MAGIC) {
        return unframe(section(file)?);
    }
    if file.starts_with(&MAGIC) {
        return unframe(file);
    }
    // Every version so far is a small number; no format that firmware comes in begins with one.
    match file.first() {
        Some(1..=31) if !file.starts_with(b"\n") => Ok(file),
        _ => Err(ElfError::NotElf),
    }
}

fn section(file: &[u8]) -> Result<&[u8], ElfError> {
    let damaged = |error: object::Error| ElfError::Damaged(error.to_string());
    let elf = object::File::parse(file).map_err(damaged)?;
    let section = elf.section_by_name(ELF_SECTION).ok_or(ElfError::NoSection)?;
    match section.data().map_err(damaged)? {
        [] if section.size() > 0 => Err(ElfError::NoContent),
        [] => Err(ElfError::NoSection),
        content => Ok(content),
    }
}

/// Takes magic and length off; a linker may have padded the end with zeros.
fn unframe(framed: &[u8]) -> Result<&[u8], ElfError> {
    let (frame, rest) = framed.split_at_checked(FRAME_BYTES).ok_or(ElfError::Frame("it is too short"))?;
    let Some(length) = frame.strip_prefix(&MAGIC) else { return Err(ElfError::Frame("it begins with something else")) };
    let length = length.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    let (description, padding) = rest.split_at_checked(length).ok_or(ElfError::Frame("it is shorter than it says"))?;
    match padding.iter().position(|byte| *byte != 0) {
        None => Ok(description),
        Some(at) if padding[at..].starts_with(&MAGIC) => Err(ElfError::Several),
        Some(_) => Err(ElfError::Frame("it is longer than it says")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(description: &[u8]) -> Vec<u8> {
        [&MAGIC, &(description.len() as u32).to_le_bytes()[..], description].concat()
    }

    #[test]
    fn bare_framed_and_padded_descriptions_are_found() {
        assert_eq!(extract(&[1, 2, 3]), Ok([1, 2, 3].as_slice()));
        assert_eq!(extract(&framed(&[1, 2, 3])), Ok([1, 2, 3].as_slice()));
        assert_eq!(extract(&[framed(&[1, 2, 3]), vec![0; 5]].concat()), Ok([1, 2, 3].as_slice()));
    }

    #[test]
    fn everything_else_says_what_it_is() {
        let two = [framed(&[1, 2]), framed(&[1, 3])].concat();
        assert_eq!(extract(&two), Err(ElfError::Several));
        assert_eq!(extract(&two[..9]), Err(ElfError::Frame("it is too short")));
        assert_eq!(extract(&framed(&[1, 2])[..13]), Err(ElfError::Frame("it is shorter than it says")));
        assert_eq!(extract(&[framed(&[1, 2]), vec![9]].concat()), Err(ElfError::Frame("it is longer than it says")));
        for other in [&b""[..], b":10000000", b"\xff\xff\xff", b"name = 1", b"\0\0\0\x20", b"UF2\n"] {
            assert_eq!(extract(other), Err(ElfError::NotElf), "{other:?}");
        }
        assert!(matches!(extract(b"\x7fELF and no more"), Err(ElfError::Damaged(_))));
    }
}
