//! The first contents of a device's flash: its identity and, from a signed pack, its first configuration.
//!
//! The configuration is verified exactly as the device would verify it, staged and recorded by core's own code, and
//! counts as confirmed: whoever flashes a device vouches for it.

mod board;
mod image;
#[cfg(test)]
mod tests;

use embassy_futures::block_on;
use steadfast_core::content::ObjectRef;
use steadfast_core::envelope::Trust;
use steadfast_core::flash::layout::Slot;
use steadfast_core::flash::record::{RECORD_BYTES, RecordStore};
use steadfast_core::flash::slot::Store;
use steadfast_core::flash::stage::{Finish, ObjectSource, Target, Wanted};
use steadfast_core::id::{DeviceId, SchemaId};
use steadfast_core::identity::{IDENTITY_MAX_BYTES, Provisioned};
use steadfast_core::manifest::Manifest;
use steadfast_core::position::Position;
use steadfast_core::record::{BootRecord, SlotRecord, Standing};
use steadfast_core::refusal::Refusal;
use thiserror::Error;

pub use board::{Board, BoardError};
pub use image::Image;

use crate::pack::Pack;

/// Bytes through which a slot is written and read.
const CHUNK_BYTES: usize = 4096;

/// Why an image cannot be made.
#[derive(Debug, Error)]
pub enum FlashError {
    /// A file that is not an image of this board.
    #[error("the image has {found} bytes, but this board's flash has {wanted}; name the right board, or another file")]
    WrongSize {
        /// The board's flash.
        wanted: u32,
        /// The file.
        found: usize,
    },
    /// The image is some device's already.
    #[error(
        "the image holds {0} already; say --force to make this device of it: its record and both of its slots are erased"
    )]
    Taken(String),
    /// The image is this very device's.
    #[error(
        "the image is this device's already. With --force it starts anew: its record and both slots are erased, and with them what it \
         confirmed, what it rejected and its floor"
    )]
    Own,
    /// The identity region is too small.
    #[error("the identity does not fit the board's identity region: {0}")]
    Identity(Refusal),
    /// No leaf for it.
    #[error("release {sequence} has no configuration for this device{}; add it to the inventory, publish, and use that pack", schema.map_or_else(String::new, |schema| format!(" and schema {schema}")))]
    NotInRelease {
        /// The release.
        sequence: u32,
        /// The schema that was asked for.
        schema: Option<SchemaId>,
    },
    /// Several firmware versions are in the field.
    #[error("the release has this device under several schemas; name its firmware's with --schema: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    SeveralSchemas(Vec<SchemaId>),
    /// What the device itself would say.
    #[error("the device would refuse this pack: {0}")]
    Refused(Refusal),
}

/// What to flash.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The board.
    pub board: &'a Board,
    /// Who the device will be.
    pub identity: &'a Provisioned,
    /// Its first configuration; without one it runs its firmware's defaults and asks.
    pub first: Option<First<'a>>,
}

/// A device's first configuration.
#[derive(Clone, Copy, Debug)]
pub struct First<'a> {
    /// The release it comes from.
    pub pack: &'a Pack,
    /// The publishers' signature entries.
    pub signatures: &'a [u8],
    /// The schema of its firmware; only needed where the release has several for this device.
    pub schema: Option<SchemaId>,
}

/// An image of erased flash.
#[must_use]
pub fn blank(board: &Board) -> Image {
    Image::new(vec![board.layout.erased; board.bytes as usize], board.layout.erased)
}

/// An image that was read from a file or a chip.
///
/// # Errors
/// [`FlashError::WrongSize`].
pub fn existing(board: &Board, bytes: Vec<u8>) -> Result<Image, FlashError> {
    if bytes.len() == board.bytes as usize {
        Ok(Image::new(bytes, board.layout.erased))
    } else {
        Err(FlashError::WrongSize { wanted: board.bytes, found: bytes.len() })
    }
}

/// Refuses an image that holds an identity, and says whose.
///
/// # Errors
/// [`FlashError::Own`], [`FlashError::Taken`].
pub fn require_free(board: &Board, image: &Image, device: DeviceId) -> Result<(), FlashError> {
    let region = &image.bytes()[board.identity.start as usize..board.identity.end() as usize];
    if region.iter().all(|byte| *byte == board.layout.erased) {
        return Ok(());
    }
    match region.get(..IDENTITY_MAX_BYTES).map(Provisioned::decode) {
        Some(Ok(found)) if found.device == device => Err(FlashError::Own),
        Some(Ok(found)) => Err(FlashError::Taken(format!("the identity of device {}", found.device))),
        _ => Err(FlashError::Taken("what is no identity of this program".to_owned())),
    }
}

/// Writes identity, record and slots into the image; what lies outside these regions stays. Returns the schema of the
/// first configuration.
///
/// # Errors
/// [`FlashError`]; the image is of no use then.
pub fn write(job: &Job<'_>, image: &mut Image) -> Result<Option<SchemaId>, FlashError> {
    block_on(async {
        let layout = &job.board.layout;
        for region in [job.board.identity, layout.record, layout.a, layout.b] {
            erase(image, region.start, region.end()).await;
        }
        write_identity(job, image).await?;
        match &job.first {
            Some(first) => write_first(job, first, image).await.map(Some),
            None => {
                // Without one the device would have to believe that it lost its record.
                let mut record = BootRecord::new(job.identity.keyring.clone(), job.identity.floor);
                commit(job.board, image, &mut record).await.map(|()| None).map_err(FlashError::Refused)
            }
        }
    })
}

async fn erase(image: &mut Image, from: u32, to: u32) {
    use embedded_storage_async::nor_flash::NorFlash as _;
    let Ok(()) = image.erase(from, to).await;
}

async fn write_identity(job: &Job<'_>, image: &mut Image) -> Result<(), FlashError> {
    use embedded_storage_async::nor_flash::NorFlash as _;
    let mut buffer = [0; IDENTITY_MAX_BYTES];
    let bytes = job.identity.encode(&mut buffer).map_err(FlashError::Identity)?;
    if bytes.len() > job.board.identity.length as usize {
        return Err(FlashError::Identity(Refusal::DOES_NOT_FIT));
    }
    let Ok(()) = image.write(job.board.identity.start, bytes).await;
    Ok(())
}

async fn write_first(job: &Job<'_>, first: &First<'_>, image: &mut Image) -> Result<SchemaId, FlashError> {
    let schema = choose_schema(job, first)?;
    let place = first.pack.leaves().find(&job.identity.device, schema.prefix());
    let place = place.ok_or_else(|| not_in_release(first, Some(schema)))?;
    let envelope = first.pack.envelope(&place, first.signatures);
    let trust = Trust {
        fleet: job.identity.fleet,
        device: job.identity.device,
        schema,
        keyring: &job.identity.keyring,
        accepted: Position::ZERO,
        floor: job.identity.floor,
    };
    let verified = trust.verify(&envelope, None).map_err(FlashError::Refused)?;
    let manifest = Manifest::parse(&envelope[verified.manifest()]).map_err(FlashError::Refused)?;
    let (target, finish) = (Target::Slot(Slot::A), Finish::Unknown);
    let wanted = Wanted { content: verified.content(), manifest, target, finish };
    let mut store = Store { flash: image, layout: &job.board.layout, chunk: &mut [0; CHUNK_BYTES] };
    store.stage(&wanted, &mut FromPack(first.pack)).await.map_err(FlashError::Refused)?;

    let mut record = BootRecord::new(job.identity.keyring.clone(), verified.floor());
    record.a = Some(SlotRecord {
        content: verified.content(),
        schema: schema.prefix(),
        position: verified.position(),
        standing: Standing::Confirmed,
    });
    record.confirmed = Some(Slot::A);
    record.accepted = verified.position();
    commit(job.board, image, &mut record).await.map_err(FlashError::Refused)?;
    Ok(schema)
}

async fn commit(board: &Board, image: &mut Image, record: &mut BootRecord) -> Result<(), Refusal> {
    let mut buffer = [0; RECORD_BYTES];
    let (mut store, _) = RecordStore::load(image, &board.layout, &mut buffer).await?;
    store.commit(image, record, &mut buffer).await
}

fn choose_schema(job: &Job<'_>, first: &First<'_>) -> Result<SchemaId, FlashError> {
    if let Some(schema) = first.schema {
        return Ok(schema);
    }
    let schemas: Vec<_> = first.pack.leaves().of(&job.identity.device).map(|place| place.schema).collect();
    match schemas[..] {
        [schema] => Ok(schema),
        [] => Err(not_in_release(first, None)),
        _ => Err(FlashError::SeveralSchemas(schemas)),
    }
}

fn not_in_release(first: &First<'_>, schema: Option<SchemaId>) -> FlashError {
    FlashError::NotInRelease { sequence: first.pack.release().sequence, schema }
}

/// Objects out of a pack.
struct FromPack<'a>(&'a Pack);

impl ObjectSource for FromPack<'_> {
    async fn read(&mut self, _: usize, object: ObjectRef, offset: u32, buffer: &mut [u8]) -> Result<usize, Refusal> {
        let bytes = self.0.object(&object.digest).ok_or(Refusal::OBJECT_UNAVAILABLE)?;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}
