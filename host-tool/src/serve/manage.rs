//! What people and their tools ask: releases, devices, status. JSON, except for uploads, which are bytes.
//!
//! Nobody is asked who they are yet, so a server listens on this machine alone unless told otherwise. Publishing is safe all the
//! same: a release is taken for its signatures, never for who sends it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use steadfast_core::id::DeviceId;
use steadfast_core::position::Position;
use steadfast_core::release::Release;
use steadfast_core::report::Report;
use steadfast_core::statement::{SIGNATURE_BYTES, SIGNATURES_MAX};

use super::api::{DeviceInfo, DevicePage, FORMAT, FleetInfo, Problem, ProblemCode, Published, SIGNATURES_HEADER, Why};
use super::folder::FolderError;
use super::intake::{self, IntakeError, Standing};
use super::listen::in_time;
use super::start::is_needed;
use super::status::{self, Heard};
use super::store::{DeviceRow, ReleaseRow};
use super::upload::{Pace, Upload, UploadError};
use super::world::{Newest, World};
use super::{Server, StoreError, now_seconds, report};
use crate::diagnostics::closest;
use crate::keys::KeyringFile;
use crate::pack::Pack;
use crate::sign;
use crate::words::counted;

/// Most devices on one page.
const PAGE_MAX: u32 = 10_000;

/// Largest keyring file.
const KEYRING_BODY_MAX_BYTES: usize = 2048;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/fleet", get(fleet))
        .route("/v1/keyrings", post(keyring).layer(DefaultBodyLimit::max(KEYRING_BODY_MAX_BYTES)))
        .route("/v1/devices", get(devices))
        .route("/v1/devices/{name}", get(why))
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(from_fn(in_time))
        .route("/v1/releases", get(releases).post(publish).layer(DefaultBodyLimit::disable()))
}

/// A problem with the status it travels under.
pub(super) struct Failed(StatusCode, Problem);

impl Failed {
    fn new(status: StatusCode, code: ProblemCode, error: impl ToString) -> Self {
        Self(status, Problem { code, error: error.to_string() })
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::new(StatusCode::INSUFFICIENT_STORAGE, ProblemCode::Full, error),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, ProblemCode::Failed, error),
        }
    }
}

impl From<FolderError> for Failed {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Full(_) => Self::new(StatusCode::INSUFFICIENT_STORAGE, ProblemCode::Full, error),
            FolderError::Chain(_) => Self::new(StatusCode::CONFLICT, ProblemCode::Refused, error),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, ProblemCode::Failed, error),
        }
    }
}

impl From<IntakeError> for Failed {
    fn from(error: IntakeError) -> Self {
        let (status, code) = match error {
            IntakeError::Folder(error) => return error.into(),
            IntakeError::Store(error) => return error.into(),
            IntakeError::Pack(_) | IntakeError::Verify(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, ProblemCode::Unverified)
            }
            IntakeError::Superseded { .. } => (StatusCode::CONFLICT, ProblemCode::Superseded),
            IntakeError::Taken(_) | IntakeError::FloorFalls { .. } | IntakeError::FloorTooHigh { .. } => {
                (StatusCode::CONFLICT, ProblemCode::Refused)
            }
        };
        Self::new(status, code, error)
    }
}

impl From<UploadError> for Failed {
    fn from(error: UploadError) -> Self {
        let status = match error {
            UploadError::Slow => StatusCode::REQUEST_TIMEOUT,
            UploadError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            UploadError::Broken => StatusCode::BAD_REQUEST,
        };
        Self::new(status, ProblemCode::Malformed, error)
    }
}

async fn fleet(State(server): State<Arc<Server>>) -> Result<Json<FleetInfo>, Failed> {
    let world = server.world();
    let rows = server.store.releases().await?;
    Ok(Json(FleetInfo {
        format: FORMAT,
        fleet: world.fleet().to_string(),
        keyring_version: world.chain.newest().version,
        newest: rows.last().and_then(status::release),
        served: rows.last().map(|row| row.digest) == world.newest.as_ref().map(|newest| newest.pack.digest()),
    }))
}

async fn releases(State(server): State<Arc<Server>>) -> Result<Response, Failed> {
    let rows = server.store.releases().await?;
    let releases: Vec<_> = rows.iter().rev().filter_map(status::release).collect();
    Ok(Json(serde_json::json!({ "format": FORMAT, "releases": releases })).into_response())
}

pub(super) async fn publish(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Published>, Failed> {
    let malformed = |error: &str| Failed::new(StatusCode::BAD_REQUEST, ProblemCode::Malformed, error);
    let header = headers.get(SIGNATURES_HEADER).and_then(|value| value.to_str().ok());
    let signatures = header.and_then(|text| crate::hex::decode_any(text, SIGNATURES_MAX * SIGNATURE_BYTES));
    let signatures =
        signatures.ok_or_else(|| malformed("the upload's header has no signature entries in hexadecimal"))?;
    let mut upload = Upload::new(body, Pace::ORDINARY);
    let rows = server.store.releases().await?;
    let limit = match intake::announced(upload.head().await?, &signatures, &server.world(), &rows) {
        Ok(limit) => limit,
        Err(error) => {
            upload.drain().await;
            return Err(error.into());
        }
    };
    // One at a time has its bytes in memory. It keeps its turn until they are dealt with.
    let turn = server.uploads.clone().lock_owned().await;
    let bytes = upload.whole(limit).await?;
    // In a task of its own: a client that hangs up must not leave a release half taken.
    let taken = tokio::spawn(async move {
        let _turn = turn;
        server.take_in_turn(bytes, signatures).await
    });
    Ok(Json(taken.await.map_err(|error| StoreError::Failed(error.to_string()))??))
}

impl Server {
    async fn take_in_turn(self: Arc<Self>, bytes: Vec<u8>, signatures: Vec<u8>) -> Result<Published, IntakeError> {
        let _one_at_a_time = self.intake.lock().await;
        self.clone().take_release(bytes, signatures).await
    }

    /// Verifies a release and makes it the newest; the caller holds the intake lock.
    async fn take_release(self: Arc<Self>, bytes: Vec<u8>, signatures: Vec<u8>) -> Result<Published, IntakeError> {
        let rows = self.store.releases().await?;
        let world = self.world();
        let judge = move || {
            let pack = Pack::parse(bytes)?;
            let standing = intake::admit(&pack, &signatures, &world, &rows)?;
            let signatures = sign::believed(world.chain.newest(), &signatures);
            Ok::<_, IntakeError>((pack, signatures, standing, rows))
        };
        let (pack, signatures, standing, rows) = blocking(judge).await?;
        let position = pack.release().position();
        let devices = pack.leaves().devices().len() as u32;
        let before = self.world().newest.clone().filter(|_| standing == Standing::New);
        let changed = match &before {
            Some(before) => Some(pack.changed_from(&before.pack)),
            None => rows.is_empty().then_some(devices),
        };
        let row = match rows.into_iter().last().filter(|_| standing == Standing::Known) {
            Some(row) => row,
            None => ReleaseRow {
                digest: pack.digest(),
                statement: pack.statement().to_vec(),
                signatures: signatures.clone(),
                pack_bytes: pack.bytes().len() as u64,
                published_seconds: now_seconds(),
            },
        };
        let published = status::release(&row);
        self.clone().keep_release(pack, &row, standing).await?;
        let release = published.ok_or_else(|| StoreError::Failed(format!("release {} is gone", position.sequence)))?;
        (self.log)(&format!(
            "release {} of commit {} taken, for {}",
            release.sequence,
            release.commit,
            counted(devices as usize, "device")
        ));
        Ok(Published { release, known: standing == Standing::Known, devices, changed })
    }

    /// The file, then the row, then the world: a kill between any two of them leaves nothing half done.
    async fn keep_release(
        self: Arc<Self>,
        pack: Pack,
        row: &ReleaseRow,
        standing: Standing,
    ) -> Result<(), IntakeError> {
        let position = pack.release().position();
        let (server, kept) = (self.clone(), pack);
        let write = move || server.folder.keep_pack(position, kept.bytes()).map(|()| kept);
        let pack = blocking(move || Ok::<_, IntakeError>(write()?)).await?;
        if standing == Standing::New {
            self.store.add_release(position, row).await?;
        }
        let release = *pack.release();
        self.replace_world(self.world().with(pack, row.signatures.clone()));
        if let Err(error) = self.clone().prune(&release).await {
            // The release is taken; what is left over is swept after the next one.
            (self.log)(&format!("old releases were not removed: {error}"));
        }
        Ok(())
    }

    /// Drops the releases that nobody can be moved to any more and nobody runs.
    async fn prune(self: Arc<Self>, newest: &Release) -> Result<(), IntakeError> {
        let rows = self.store.releases().await?;
        let all = intake::floors(&rows).map(|(position, _)| position);
        let accepted = self.table.accepted();
        let (kept, dropped): (Vec<Position>, Vec<Position>) =
            all.partition(|position| is_needed(*position, newest, &accepted));
        let world = self.world();
        let mut shelf = (*world.shelf).clone();
        dropped.iter().for_each(|position| shelf.forget(*position));
        self.replace_world(World { shelf: Arc::new(shelf), ..(*world).clone() });
        self.folder.sweep(&kept)?;
        Ok(())
    }
}

impl World {
    /// The world after a release became the newest.
    pub(super) fn with(&self, pack: Pack, signatures: Vec<u8>) -> Self {
        let release = *pack.release();
        let mut floors: BTreeMap<_, _> = (*self.floors).clone();
        floors.insert(release.position(), release.floor());
        let mut shelf = (*self.shelf).clone();
        shelf.add(&pack);
        let newest = Some(Arc::new(Newest::new(pack, signatures)));
        Self { newest, floors: Arc::new(floors), shelf: Arc::new(shelf), ..self.clone() }
    }
}

/// Runs what takes long without holding up other requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IntakeError> + Send + 'static,
) -> Result<T, IntakeError> {
    let ended = |error: tokio::task::JoinError| StoreError::Failed(error.to_string());
    tokio::task::spawn_blocking(work).await.map_err(ended)?
}

async fn keyring(State(server): State<Arc<Server>>, body: Bytes) -> Result<StatusCode, Failed> {
    let _one_at_a_time = server.intake.lock().await;
    let world = server.world();
    let mut chain = (*world.chain).clone();
    let extended = KeyringFile::decode(&body).and_then(|next| chain.extend(next));
    extended.map_err(FolderError::from)?;
    if !chain.newest().director.keys().contains(&world.director.public_key()) {
        let error = "this keyring does not name this server's director key, so devices would not believe it any more";
        return Err(Failed::new(StatusCode::CONFLICT, ProblemCode::Refused, error));
    }
    server.folder.keep_keyrings(&chain)?;
    (server.log)(&format!("keyring {} taken", chain.newest().version));
    server.replace_world(World { chain: Arc::new(chain), ..(*world).clone() });
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Page {
    from: Option<String>,
    limit: Option<u32>,
}

async fn devices(State(server): State<Arc<Server>>, Query(page): Query<Page>) -> Result<Json<DevicePage>, Failed> {
    let from = match page.from.as_deref() {
        None => DeviceId::NONE,
        Some(text) => DeviceId::from_hex(text)
            .ok_or_else(|| Failed::new(StatusCode::BAD_REQUEST, ProblemCode::Malformed, "`from` is no device id"))?,
    };
    let limit = page.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let world = server.world();
    // One more than asked for, to know where the next page begins.
    let rows = server.store.devices_from(from, limit + 1).await?;
    let known: BTreeMap<DeviceId, DeviceRow> = rows.into_iter().map(|row| (row.device, row)).collect();
    let listed = world.newest.iter().flat_map(|newest| newest.pack.roster().devices().map(|listed| listed.device()));
    let listed = listed.filter(|id| *id >= from).take(limit as usize + 1);
    let mut ids: Vec<DeviceId> = listed.chain(known.keys().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    let next = ids.get(limit as usize).map(DeviceId::to_string);
    ids.truncate(limit as usize);
    let devices = ids.iter().map(|id| server.info(&world, *id, known.get(id)).0).collect();
    Ok(Json(DevicePage { format: FORMAT, now_seconds: now_seconds(), devices, next }))
}

impl Server {
    /// A line about a device, and its last report.
    fn info(&self, world: &World, device: DeviceId, row: Option<&DeviceRow>) -> (DeviceInfo, Option<Report>) {
        let body = row.and_then(|row| row.report.as_ref());
        let report = body.and_then(|(_, body)| report::parse(body).ok()).map(|(_, report)| report);
        let saved = row.map_or(0, |row| row.seen_seconds);
        let seen_seconds = self.table.known(&device).seen_seconds.max(saved);
        let taken_seconds = body.map_or(0, |(taken, _)| *taken);
        let since_seconds = row.map_or(0, |row| row.since_seconds);
        let (last, now_seconds) = (report.as_ref(), now_seconds());
        let heard = Heard { device, seen_seconds, taken_seconds, since_seconds, report: last, now_seconds };
        (status::device(world, &heard), report)
    }
}

async fn why(State(server): State<Arc<Server>>, Path(name): Path<String>) -> Result<Json<Why>, Failed> {
    let world = server.world();
    let roster = world.newest.as_ref().map(|newest| newest.pack.roster());
    let named = roster.and_then(|roster| roster.named(&name)).map(|listed| listed.device());
    let missing = || {
        let names = roster.iter().flat_map(|roster| roster.devices().map(|listed| listed.name()));
        let error = match closest(&name, names) {
            Some(near) => format!("no device is called `{name}`; did you mean `{near}`?"),
            None => format!("no device is called `{name}`; `steadfast status` lists all"),
        };
        Failed::new(StatusCode::NOT_FOUND, ProblemCode::NotFound, error)
    };
    let device = named.or_else(|| DeviceId::from_hex(&name)).ok_or_else(missing)?;
    let row = server.store.devices_from(device, 1).await?.into_iter().find(|row| row.device == device);
    if row.is_none() && roster.is_none_or(|roster| roster.device(&device).is_none()) {
        return Err(missing());
    }
    let (info, last) = server.info(&world, device, row.as_ref());
    let rows = server.store.releases().await?;
    let accepted = last.as_ref().map(|report| report.accepted);
    let at = |position: Position| {
        let row = rows.iter().find(|row| Release::decode(&row.statement).is_ok_and(|r| r.position() == position));
        row.and_then(status::release)
    };
    let evidence = server.store.evidence(device).await?;
    let reports = evidence.iter().filter_map(|(taken, body)| Some((*taken, report::parse(body).ok()?.1)));
    Ok(Json(Why {
        format: FORMAT,
        now_seconds: now_seconds(),
        desired: info.desired.as_ref().and(rows.last()).and_then(status::release),
        running: accepted.and_then(at),
        waiting_for: status::waiting_for(&world, &info, last.as_ref()),
        reports: reports.map(|(taken, report)| status::report(&world, taken, &report)).collect(),
        device: info,
    }))
}
