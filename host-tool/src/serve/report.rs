//! Taking a report: whose it is, that its device signed it, and that this server asked for it just now.

use steadfast_core::codec;
use steadfast_core::id::DeviceId;
use steadfast_core::refusal::Refusal;
use steadfast_core::report::{REPORT_MAX_BYTES, Report, ReportBody};
use steadfast_core::statement::{Kind, Message};
use thiserror::Error;

use super::store::TakenReport;
use super::world::World;

/// Why a report was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReportError {
    /// Not a report.
    #[error("the report does not decode: {0}")]
    Malformed(Refusal),
    /// Nobody can say whose: without a release there is no roster.
    #[error("the newest release cannot be served now, so nobody's key is known")]
    Unserved,
    /// Nobody's.
    #[error("device {0} is not in the newest release, or was enrolled without a key")]
    Unknown(DeviceId),
    /// Somebody else's.
    #[error("the report is not signed by the key of device {0}")]
    Signature(DeviceId),
    /// Not asked for by this server, or long ago.
    #[error("the report's challenge is not this server's, or older than an hour")]
    Challenge,
    /// Taken before.
    #[error("a report with that challenge or a later one was taken before")]
    Replayed,
}

/// Reads a body without checking its signature.
///
/// # Errors
/// [`Refusal::TOO_LARGE`] or [`Refusal::MALFORMED`].
pub fn parse(bytes: &[u8]) -> Result<(ReportBody<'_>, Report), Refusal> {
    let body = ReportBody::decode(bytes)?;
    if body.statement.len() > REPORT_MAX_BYTES {
        return Err(Refusal::TOO_LARGE);
    }
    Ok((body, codec::decode(body.statement)?))
}

/// Checks a report. Whether it is newer than the last one taken is for the database to say.
///
/// # Errors
/// [`ReportError`].
pub fn check(bytes: &[u8], world: &World, now_seconds: u64) -> Result<TakenReport, ReportError> {
    let (body, report) = parse(bytes).map_err(ReportError::Malformed)?;
    let device = body.device;
    let newest = world.newest.as_ref().ok_or(ReportError::Unserved)?;
    let listed = newest.pack.roster().device(&device).and_then(|listed| listed.public_key());
    let key = listed.ok_or(ReportError::Unknown(device))?;
    let message = Message::new(Kind::Report, &world.fleet(), &device.0, body.statement);
    let verified = message.and_then(|message| message.verify(&[key], 1, body.signature));
    verified.map_err(|_| ReportError::Signature(device))?;
    if !world.challenger.accepts(device, &report.challenge, now_seconds) {
        return Err(ReportError::Challenge);
    }
    Ok(TakenReport { device, taken_seconds: now_seconds, body: bytes.to_vec(), report })
}
