//! Starting: from whatever the last run left to a consistent server, and saying what was put right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use steadfast_core::position::Position;
use steadfast_core::release::Release;

use super::challenge::Challenger;
use super::folder::{Folder, FolderError};
use super::intake::floors;
use super::store::{ReleaseRow, Store};
use super::told::{Table, Told};
use super::world::{Newest, Shelf, World};
use super::writer::Writer;
use super::{Config, ServeError, Server, report};
use crate::keys::{Chain, ChainError, KeyFile, KeyringFile, Purpose};
use crate::pack::Pack;

pub(super) async fn open(config: &Config) -> Result<(Server, Vec<String>), ServeError> {
    let folder = Folder::open(&config.data)?;
    let (chain, director) = trust(&folder, config)?;
    let store = Store::open(&config.data.join("steadfast.db"), chain.fleet()).await?;
    let table = Arc::new(Table::default());
    for row in store.devices().await? {
        let told = row.report.as_ref().and_then(|(_, body)| report::parse(body).ok());
        table.restore(row.device, row.seen_seconds, told.map(|(_, report)| Told::new(&report)));
    }
    let rows = store.releases().await?;
    let (kept, mut recovered) = shelve(&folder, &rows, &table);
    for path in folder.sweep(&kept.positions)? {
        recovered.push(format!("removed {}: an unfinished upload, or a release that nobody needs", path.display()));
    }
    let world = World {
        challenger: Challenger::new(director.seed()),
        director,
        chain: Arc::new(chain),
        newest: kept.newest.map(Arc::new),
        floors: Arc::new(floors(&rows).collect::<BTreeMap<_, _>>()),
        shelf: Arc::new(kept.shelf),
    };
    let writer = Writer::start(store.clone(), table.clone());
    let server = Server {
        folder,
        store,
        table,
        world: Arc::new(world).into(),
        writer,
        log: config.log,
        intake: tokio::sync::Mutex::default(),
        uploads: Arc::default(),
    };
    Ok((server, recovered))
}

/// Keyrings and director key, kept in the data directory once they fit each other.
fn trust(folder: &Folder, config: &Config) -> Result<(Chain, KeyFile), ServeError> {
    let given = config.keyring.as_deref().map(read_chain).transpose().map_err(FolderError::from)?;
    let kept = folder.chain()?;
    if let (Some(kept), Some(given)) = (&kept, &given)
        && let Some(version) = differing(kept, given)
    {
        return Err(ServeError::AnotherKeyring { path: folder.path().to_owned(), version });
    }
    // The longer one, where both are there: a fleet's own folder may have a later keyring.
    let chain = kept.into_iter().chain(given).max_by_key(|chain| chain.files().len());
    let Some(chain) = chain else {
        let key = folder.director_or_new()?;
        let key = crate::hex::encode(&key.public_key().0);
        return Err(ServeError::MadeDirector { path: folder.path().to_owned(), key });
    };
    let director = folder.director(config.director_key.as_deref())?;
    let director = director.ok_or_else(|| ServeError::NoDirector(folder.path().to_owned()))?;
    // It is needed once, so that it need not be there any more.
    if let Some(path) = config.director_key.as_deref().filter(|path| path.exists())
        && KeyFile::load_for(path, Purpose::Director).map_err(FolderError::from)?.public_key() != director.public_key()
    {
        return Err(ServeError::AnotherDirector(folder.path().to_owned()));
    }
    if !chain.newest().director.keys().contains(&director.public_key()) {
        let key = crate::hex::encode(&director.public_key().0);
        return Err(ServeError::WrongDirector { key, version: chain.newest().version });
    }
    folder.keep_director(&director)?;
    folder.keep_keyrings(&chain)?;
    Ok((chain, director))
}

/// The first version at which two chains differ, as far as both go.
fn differing(a: &Chain, b: &Chain) -> Option<u32> {
    let mut pairs = a.files().iter().zip(b.files()).zip(1..);
    pairs.find(|((a, b), _)| (a.fleet, &a.statement) != (b.fleet, &b.statement)).map(|(_, version)| version)
}

/// A keyring file, or a folder of them.
fn read_chain(path: &Path) -> Result<Chain, ChainError> {
    if path.is_dir() {
        return Chain::load(path);
    }
    let bytes = std::fs::read(path).map_err(|error| ChainError::File(path.to_owned(), error))?;
    Chain::start(KeyringFile::decode(&bytes)?)
}

/// The releases that are still needed.
#[derive(Default)]
struct KeptReleases {
    positions: Vec<Position>,
    newest: Option<Newest>,
    shelf: Shelf,
}

/// Reads the packs of the releases that are still needed. A missing or damaged one is said and left out: devices keep what
/// they have, and the same release can be published again.
fn shelve(folder: &Folder, rows: &[ReleaseRow], table: &Table) -> (KeptReleases, Vec<String>) {
    let mut kept = KeptReleases::default();
    let mut found = Vec::new();
    let Some(newest) = rows.last().and_then(|row| Release::decode(&row.statement).ok()) else {
        return (kept, found);
    };
    let accepted = table.accepted();
    for row in rows {
        let Ok(release) = Release::decode(&row.statement) else { continue };
        let position = release.position();
        if !is_needed(position, &newest, &accepted) {
            continue;
        }
        match Pack::open(&folder.pack(position)) {
            Ok(pack) if pack.digest() == row.digest => {
                kept.shelf.add(&pack);
                kept.positions.push(position);
                if position == newest.position() {
                    kept.newest = Some(Newest::new(pack, row.signatures.clone()));
                }
            }
            Ok(_) => {
                found.push(format!("release {} is not the one that was published: publish it again", release.sequence))
            }
            Err(error) => {
                found.push(format!("release {} cannot be served: {error}; publish it again", release.sequence))
            }
        }
    }
    (kept, found)
}

/// Whether a release is kept: devices may be moved to it, or one says it is there.
pub(super) fn is_needed(position: Position, newest: &Release, accepted: &BTreeSet<Position>) -> bool {
    position >= newest.floor() || position == newest.position() || accepted.contains(&position)
}
