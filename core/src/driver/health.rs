//! What the application says of itself, in the agent's words.

use crate::agent::Examined;
use crate::manifest::Manifest;
use crate::outcome::Detail;
use crate::ports::{Check, Health};
use crate::refusal::Refusal;

/// As much of some words as there is room for.
pub(super) fn explain(parts: &[&str]) -> Detail {
    let mut out = Detail::new();
    for part in parts {
        let room = out.capacity().saturating_sub(out.len());
        let (taken, rest) = part.split_at_checked(part.floor_char_boundary(room)).unwrap_or_default();
        if out.push_str(taken).is_err() || !rest.is_empty() {
            break;
        }
    }
    out
}

/// Asks every check of the manifest. Checks that cannot be read have not passed; the trial's deadline decides.
#[inline(never)]
pub(super) fn examine(manifest: Result<Manifest<'_>, Refusal>, health: &mut impl Health) -> Examined {
    let mut examined = Examined::default();
    let Ok(manifest) = manifest else { return Examined { unread: true, ..examined } };
    let mut bit = 1_u16;
    for name in manifest.checks() {
        examined.expected |= bit;
        match health.check(name) {
            Check::Passed => examined.checks.passed |= bit,
            Check::Failed(words) => {
                if examined.checks.failed == 0 {
                    examined.failure = explain(&[name, ": ", &words]);
                }
                examined.checks.failed |= bit;
            }
            Check::Waiting => {}
        }
        bit = bit.wrapping_shl(1);
    }
    examined
}
