//! The database: releases ever published, each device's last report, and the reports that changed something.
//!
//! SQLite in one file, synced on every commit: what was acknowledged survives a kill and a power cut. Packs are files (see
//! `folder`); a row is written after its file.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, SqliteConnection};
use steadfast_core::digest::Digest;
use steadfast_core::id::{DeviceId, FleetId};
use steadfast_core::position::Position;
use steadfast_core::report::Report;
use thiserror::Error;

/// The layout that this program reads and writes, in SQLite's `user_version`.
const SCHEMA_VERSION: i64 = 1;

/// Reports kept for one device as evidence: years of ordinary life, and a bound for a device that changes its mind all day.
const EVIDENCE_MAX: i64 = 64;

/// A device's row, with the time of its last report that said something new.
const DEVICE: &str = "SELECT *, (SELECT evidence.taken_seconds FROM evidence WHERE evidence.id = device.id \
                      ORDER BY evidence.issued_seconds DESC LIMIT 1) AS since_seconds FROM device";

/// Connections that read; one more writes.
const READERS: u32 = 4;

const SCHEMA: &str = "
CREATE TABLE fleet (id BLOB NOT NULL);
CREATE TABLE release (
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, digest BLOB NOT NULL, statement BLOB NOT NULL,
    signatures BLOB NOT NULL, pack_bytes INTEGER NOT NULL, published_seconds INTEGER NOT NULL,
    PRIMARY KEY (epoch, sequence));
CREATE TABLE device (
    id BLOB PRIMARY KEY, seen_seconds INTEGER NOT NULL, taken_seconds INTEGER, issued_seconds INTEGER, report BLOB
) WITHOUT ROWID;
CREATE TABLE evidence (
    id BLOB NOT NULL, issued_seconds INTEGER NOT NULL, taken_seconds INTEGER NOT NULL, report BLOB NOT NULL,
    PRIMARY KEY (id, issued_seconds)) WITHOUT ROWID;
";

/// Why the database did not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Not SQLite, or damaged.
    #[error(
        "the database {} is damaged: {}. Move it away and start again: releases can be published again and devices report again; \
         or put back a copy", .0.display(), .1
    )]
    Damaged(PathBuf, String),
    /// Written by a later program.
    #[error("the database {} has layout {}, and this program knows {SCHEMA_VERSION}; take a newer program", .0.display(), .1)]
    Later(PathBuf, i64),
    /// Of another fleet.
    #[error(
        "the data directory belongs to fleet {found}, and the keyring to fleet {wanted}; choose another folder with --data"
    )]
    AnotherFleet {
        /// The data directory's.
        found: FleetId,
        /// The keyring's.
        wanted: FleetId,
    },
    /// The disk is full.
    #[error("the database cannot be written: the disk is full; free some space and try again")]
    Full,
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// SQLite's result codes that mean a full disk, and that mean damage (<https://sqlite.org/rescode.html>).
const CODES_FULL: [&str; 2] = ["13", "778"];
const CODES_DAMAGED: [&str; 2] = ["11", "26"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
        if CODES_FULL.contains(&code.as_str()) { Self::Full } else { Self::Failed(error.to_string()) }
    }
}

/// A release as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRow {
    /// SHA-256 of the statement.
    pub digest: Digest,
    /// The statement.
    pub statement: Vec<u8>,
    /// The publishers' entries.
    pub signatures: Vec<u8>,
    /// How large its pack is.
    pub pack_bytes: u64,
    /// When it was taken in, Unix seconds.
    pub published_seconds: u64,
}

/// A signed report as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenReport {
    /// Whose.
    pub device: DeviceId,
    /// When, Unix seconds.
    pub taken_seconds: u64,
    /// The body as it came, signature and all.
    pub body: Vec<u8>,
    /// What it says.
    pub report: Report,
}

/// A device as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    /// Which.
    pub device: DeviceId,
    /// When it last polled, Unix seconds.
    pub seen_seconds: u64,
    /// Its last report: when, and the body as it came.
    pub report: Option<(u64, Vec<u8>)>,
    /// Since when its reports have said what the last one says; 0 without any.
    pub since_seconds: u64,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is the device's newest, and says something new.
    Changed,
    /// It is the device's newest, and says what the one before said.
    Same,
    /// One with that challenge or a later one was taken before.
    Replayed,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Store {
    /// Opens or makes the database of a fleet and checks that it is whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(path: &Path, fleet: FleetId) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let told = |error: sqlx::Error| damaged(path, error);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.map_err(told)?;
        prepare(&writer, path, fleet).await?;
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_with(options).await.map_err(told)?;
        Ok(Self { readers, writer })
    }

    /// Every release, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn releases(&self) -> Result<Vec<ReleaseRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM release ORDER BY epoch, sequence").fetch_all(&self.readers).await?;
        rows.iter().map(release).collect()
    }

    /// Adds a release whose pack is in its place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_release(&self, position: Position, row: &ReleaseRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO release VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(position.epoch)
            .bind(position.sequence)
            .bind(&row.digest.0[..])
            .bind(&row.statement[..])
            .bind(&row.signatures[..])
            .bind(row.pack_bytes as i64)
            .bind(row.published_seconds as i64)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Every device that was ever heard.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn devices(&self) -> Result<Vec<DeviceRow>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{DEVICE} ORDER BY id"))).fetch_all(&self.readers).await?;
        rows.iter().map(device).collect()
    }

    /// The devices from an id on, at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn devices_from(&self, from: DeviceId, limit: u32) -> Result<Vec<DeviceRow>, StoreError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(format!("{DEVICE} WHERE id >= $1 ORDER BY id LIMIT $2")));
        let rows = query.bind(&from.0[..]).bind(limit).fetch_all(&self.readers).await?;
        rows.iter().map(device).collect()
    }

    /// The reports of a device that changed something, the newest first: when taken, and the body.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn evidence(&self, device: DeviceId) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let query =
            sqlx::query("SELECT taken_seconds, report FROM evidence WHERE id = $1 ORDER BY issued_seconds DESC");
        let rows = query.bind(&device.0[..]).fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((row.try_get::<i64, _>(0)? as u64, row.try_get(1)?))).collect()
    }

    /// Notes when devices were last seen.
    ///
    /// # Errors
    /// [`StoreError`]; then none of them is noted.
    pub async fn seen(&self, devices: &[(DeviceId, u64)]) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        for (device, seen_seconds) in devices {
            let query = "INSERT INTO device (id, seen_seconds) VALUES ($1, $2) \
                         ON CONFLICT (id) DO UPDATE SET seen_seconds = excluded.seen_seconds";
            sqlx::query(query).bind(&device.0[..]).bind(*seen_seconds as i64).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Keeps a batch of verified reports in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; then none of them is kept.
    pub async fn keep(&self, reports: &[TakenReport]) -> Result<Vec<Kept>, StoreError> {
        let mut transaction = self.writer.begin().await?;
        let mut all = Vec::with_capacity(reports.len());
        for taken in reports {
            all.push(keep(&mut transaction, taken).await?);
        }
        transaction.commit().await?;
        Ok(all)
    }

    /// Finishes what is under way and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn prepare(writer: &SqlitePool, path: &Path, fleet: FleetId) -> Result<(), StoreError> {
    let told = |error: sqlx::Error| damaged(path, error);
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(writer).await.map_err(told)?;
    if version == 0 {
        let mut transaction = writer.begin().await?;
        sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await.map_err(told)?;
        sqlx::query("INSERT INTO fleet VALUES ($1)").bind(&fleet.0[..]).execute(&mut *transaction).await?;
        sqlx::raw_sql("PRAGMA user_version = 1").execute(&mut *transaction).await?;
        return Ok(transaction.commit().await?);
    }
    if version != SCHEMA_VERSION {
        return Err(StoreError::Later(path.to_owned(), version));
    }
    let check: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(writer).await.map_err(told)?;
    if check != "ok" {
        return Err(StoreError::Damaged(path.to_owned(), check));
    }
    let id: Vec<u8> = sqlx::query_scalar("SELECT id FROM fleet").fetch_one(writer).await.map_err(told)?;
    let found = FleetId(array(&id)?);
    if found == fleet { Ok(()) } else { Err(StoreError::AnotherFleet { found, wanted: fleet }) }
}

async fn keep(transaction: &mut SqliteConnection, taken: &TakenReport) -> Result<Kept, StoreError> {
    let id = &taken.device.0[..];
    let issued = taken.report.challenge.issued_seconds as i64;
    let last = sqlx::query("SELECT issued_seconds, report FROM device WHERE id = $1");
    let last = last.bind(id).fetch_optional(&mut *transaction).await?;
    let (last_issued, last_body) = match &last {
        Some(row) => (row.try_get::<Option<i64>, _>(0)?, row.try_get::<Option<Vec<u8>>, _>(1)?),
        None => (None, None),
    };
    if last_issued.is_some_and(|last| last >= issued) {
        return Ok(Kept::Replayed);
    }
    let query = "INSERT INTO device VALUES ($1, $2, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET \
                 seen_seconds = excluded.seen_seconds, taken_seconds = excluded.taken_seconds, \
                 issued_seconds = excluded.issued_seconds, report = excluded.report";
    let (taken_seconds, body) = (taken.taken_seconds as i64, &taken.body[..]);
    sqlx::query(query).bind(id).bind(taken_seconds).bind(issued).bind(body).execute(&mut *transaction).await?;
    let kept = if last_body.is_some_and(|last| same(&last, &taken.report)) { Kept::Same } else { Kept::Changed };
    if kept == Kept::Changed {
        let query = sqlx::query("INSERT INTO evidence VALUES ($1, $2, $3, $4)");
        query.bind(id).bind(issued).bind(taken_seconds).bind(body).execute(&mut *transaction).await?;
        let trim = "DELETE FROM evidence WHERE id = $1 AND issued_seconds <= (SELECT issued_seconds FROM evidence \
                    WHERE id = $1 ORDER BY issued_seconds DESC LIMIT 1 OFFSET $2)";
        sqlx::query(trim).bind(id).bind(EVIDENCE_MAX).execute(&mut *transaction).await?;
    }
    Ok(kept)
}

/// Whether a report says, challenge apart, what the last one said.
fn same(last: &[u8], report: &Report) -> bool {
    let last = super::report::parse(last).map(|(_, last)| Report { challenge: report.challenge, ..last });
    last.is_ok_and(|last| last == *report)
}

fn release(row: &sqlx::sqlite::SqliteRow) -> Result<ReleaseRow, StoreError> {
    Ok(ReleaseRow {
        digest: Digest(array(row.try_get("digest")?)?),
        statement: row.try_get("statement")?,
        signatures: row.try_get("signatures")?,
        pack_bytes: row.try_get::<i64, _>("pack_bytes")? as u64,
        published_seconds: row.try_get::<i64, _>("published_seconds")? as u64,
    })
}

fn device(row: &sqlx::sqlite::SqliteRow) -> Result<DeviceRow, StoreError> {
    let taken: Option<i64> = row.try_get("taken_seconds")?;
    let report: Option<Vec<u8>> = row.try_get("report")?;
    Ok(DeviceRow {
        device: DeviceId(array(row.try_get("id")?)?),
        seen_seconds: row.try_get::<i64, _>("seen_seconds")? as u64,
        report: taken.map(|taken| taken as u64).zip(report),
        since_seconds: row.try_get::<Option<i64>, _>("since_seconds")?.unwrap_or_default() as u64,
    })
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Failed("an id or digest in it has the wrong length".to_owned()))
}

/// An error while opening: a file that is no database, or one that is damaged, is said by name.
fn damaged(path: &Path, error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    if CODES_DAMAGED.contains(&code.as_str()) {
        return StoreError::Damaged(path.to_owned(), error.to_string());
    }
    error.into()
}
