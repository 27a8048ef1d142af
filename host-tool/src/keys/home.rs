//! What keys need to know of a fleet repository: the fleet's id. Its keyrings are always in one place. Read as the folder lies, because the
//! newest keyring counts, whatever commit is built.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use steadfast_core::id::FleetId;
use thiserror::Error;

use super::{Chain, ChainError};
use crate::fleet::SETTINGS_FILE;

/// Where keyrings are.
const KEYRINGS: &str = "keys/keyring";

/// Why a folder is no fleet.
#[derive(Debug, Error)]
pub enum HomeError {
    /// No settings.
    #[error("there is no {SETTINGS_FILE} in {}; run `steadfast init` there, or name the fleet's folder with --fleet", .0.display())]
    NoFleet(PathBuf),
    /// Settings without a fleet's id.
    #[error("{} does not say `id` under [fleet] as 32 hexadecimal digits; `steadfast check` says more", .0.display())]
    NoId(PathBuf),
    /// Keyrings of another fleet.
    #[error("the keyrings in {} are those of fleet {found}, and this is fleet {wanted}", .folder.display())]
    AnotherFleet {
        /// Where they are.
        folder: PathBuf,
        /// Whose they are.
        found: FleetId,
        /// Whose they should be.
        wanted: FleetId,
    },
    /// The keyrings.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// A fleet repository, as far as keys are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The fleet's folder.
    pub folder: PathBuf,
    /// The fleet's id.
    pub fleet: FleetId,
    /// The folder of keyrings.
    pub keyrings: PathBuf,
}

#[derive(Deserialize)]
struct Settings {
    fleet: Fleet,
}

#[derive(Deserialize)]
struct Fleet {
    id: String,
}

impl Home {
    /// Reads the settings in a fleet's folder.
    ///
    /// # Errors
    /// [`HomeError::NoFleet`], [`HomeError::NoId`].
    pub fn open(folder: &Path) -> Result<Self, HomeError> {
        let path = folder.join(SETTINGS_FILE);
        let text = std::fs::read_to_string(&path).map_err(|_| HomeError::NoFleet(folder.to_owned()))?;
        let fleet = toml::from_str::<Settings>(&text).ok().map(|settings| settings.fleet);
        let id = fleet.and_then(|fleet| FleetId::from_hex(&fleet.id)).ok_or(HomeError::NoId(path))?;
        Ok(Self { folder: folder.to_owned(), fleet: id, keyrings: folder.join(KEYRINGS) })
    }

    /// Reads the fleet's keyrings.
    ///
    /// # Errors
    /// [`HomeError::Chain`], [`HomeError::AnotherFleet`].
    pub fn chain(&self) -> Result<Chain, HomeError> {
        let chain = Chain::load(&self.keyrings)?;
        if chain.fleet() == self.fleet {
            return Ok(chain);
        }
        let folder = self.keyrings.clone();
        Err(HomeError::AnotherFleet { folder, found: chain.fleet(), wanted: self.fleet })
    }
}
