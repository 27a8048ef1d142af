//! What the first bytes of a pack say, for whoever must judge it before the rest is there.

use std::ops::Range;

use steadfast_core::id::FleetId;
use steadfast_core::release::RELEASE_MAX_BYTES;

use super::MAGIC;

/// Where the length of the first section stands: after magic and fleet id.
const LENGTH: Range<usize> = 24..32;

/// So many bytes hold the fleet id and the whole release statement.
pub const HEAD_MAX_BYTES: usize = LENGTH.end + RELEASE_MAX_BYTES;

/// The fleet and the release statement with which a pack begins; `None` when these bytes begin none.
#[must_use]
pub fn head(bytes: &[u8]) -> Option<(FleetId, &[u8])> {
    let fleet = bytes.strip_prefix(&MAGIC)?.first_chunk()?;
    let length = u64::from_le_bytes(*bytes.get(LENGTH)?.first_chunk()?);
    let length = usize::try_from(length).ok().filter(|length| *length <= RELEASE_MAX_BYTES)?;
    Some((FleetId(*fleet), bytes.get(LENGTH.end..)?.get(..length)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{build, sample};

    #[test]
    fn the_first_bytes_of_a_pack_hold_its_statement() {
        let pack = build(&sample::compiled(3), sample::ISSUE).unwrap();
        let bytes = &pack.bytes()[..HEAD_MAX_BYTES];
        assert_eq!(head(bytes), Some((pack.fleet(), pack.statement())));
        let end = LENGTH.end + pack.statement().len();
        assert!((0..end).all(|length| head(&bytes[..length]).is_none()));
        let mut endless = bytes.to_vec();
        endless[LENGTH].fill(0xFF);
        assert_eq!(head(&endless), None);
    }
}
