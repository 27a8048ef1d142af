//! `steadfast flash`: write a device's identity and first configuration into a flash image.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use steadfast::flash::{self, Board, First, FlashError, Image, Job};
use steadfast::fleet::{At, Fleet};
use steadfast::keys::{Home, KeyFile, Purpose};
use steadfast::pack::Pack;
use steadfast::sign;
use steadfast_core::id::{DeviceId, SchemaId};
use steadfast_core::identity::{Provisioned, SERVER_MAX_BYTES};
use steadfast_core::position::Position;
use steadfast_core::statement::PublicKey;

use super::Exit;

/// Arguments of `steadfast flash`.
#[derive(Args, Debug)]
pub(crate) struct FlashArgs {
    /// The device's name in the inventory.
    device: String,
    /// The board's description.
    #[arg(long, value_name = "BOARD.TOML")]
    board: PathBuf,
    /// The device's private key, from `steadfast device enroll`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the device asks while no configuration says it, as host:port.
    #[arg(long, value_name = "HOST:PORT", default_value = "")]
    server: String,
    /// A signed pack with the device's first configuration; without one it runs its firmware's defaults and asks.
    #[arg(long, value_name = "FILE")]
    pack: Option<PathBuf>,
    /// The schema of its firmware, where the pack has several for this device.
    #[arg(long, value_name = "ID")]
    schema: Option<String>,
    /// The image to write: a new file, or one of the board's size, of which only Steadfast's regions change.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over another device's identity.
    #[arg(long)]
    force: bool,
    /// The fleet's folder: the one with `steadfast.toml`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// Do everything but write the file.
    #[arg(long)]
    dry_run: bool,
}

/// What the inventory says about the device.
struct Known {
    id: DeviceId,
    public_key: Option<PublicKey>,
}

/// Runs `steadfast flash`.
pub(crate) fn run(args: &FlashArgs) -> anyhow::Result<Exit> {
    let board = Board::load(&args.board)?;
    let key = KeyFile::load_for(&args.key, Purpose::Device)?;
    let chain = Home::open(&args.fleet)?.chain()?;
    let signed = args.pack.as_deref().map(load_signed).transpose()?;
    let known = match &signed {
        Some((pack, _)) => in_pack(pack, &args.device)?,
        None => in_inventory(&args.fleet, &args.device)?,
    };
    if known.public_key.is_some_and(|public| public != key.public_key()) {
        bail!("{} is not the key that the inventory has for {}", args.key.display(), args.device);
    }
    let floor = Position { epoch: chain.newest().publisher_epoch, sequence: 0 };
    let identity = Provisioned {
        fleet: chain.fleet(),
        device: known.id,
        seed: key.seed().clone(),
        keyring: chain.newest().clone(),
        floor,
        server: args.server.parse().map_err(|_| {
            anyhow!("--server {} is longer than {SERVER_MAX_BYTES} bytes; give the device a shorter name", args.server)
        })?,
    };
    let schema = args.schema.as_deref().map(parse_schema).transpose()?;
    let first = signed.as_ref().map(|(pack, signatures)| First { pack, signatures, schema });
    let mut image = open(args, &board)?;
    let schema = flash::write(&Job { board: &board, identity: &identity, first }, &mut image)?;
    if args.dry_run {
        eprintln!("{} would be written; nothing was, because of --dry-run", args.out.display());
        return Ok(Exit::Fine);
    }
    save(&args.out, &image)?;
    eprintln!("{} is {} ({})", args.out.display(), args.device, known.id);
    if let (Some(schema), Some((pack, _))) = (schema, &signed) {
        eprintln!("it starts with release {} for schema {schema}", pack.release().sequence);
    }
    Ok(Exit::Fine)
}

fn load_signed(path: &Path) -> anyhow::Result<(Pack, Vec<u8>)> {
    Ok((Pack::open(path)?, sign::load(path)?))
}

fn in_pack(pack: &Pack, name: &str) -> anyhow::Result<Known> {
    let listed = pack.roster().named(name).ok_or_else(|| {
        anyhow!("release {} has no device `{name}`; use the pack of a later release", pack.release().sequence)
    })?;
    Ok(Known { id: listed.device(), public_key: listed.public_key() })
}

fn in_inventory(fleet: &Path, name: &str) -> anyhow::Result<Known> {
    let fleet = Fleet::open(fleet, &At::Worktree)?;
    let device = fleet
        .device(name)
        .ok_or_else(|| anyhow!("the inventory has no device `{name}`; add it with `steadfast device enroll {name}`"))?;
    Ok(Known { id: device.id, public_key: device.public_key.map(PublicKey) })
}

fn parse_schema(text: &str) -> anyhow::Result<SchemaId> {
    SchemaId::from_hex(text).ok_or_else(|| {
        anyhow!("`{text}` is no schema id; `steadfast schema list` shows them, 64 hexadecimal digits each")
    })
}

fn open(args: &FlashArgs, board: &Board) -> anyhow::Result<Image> {
    if !args.out.exists() {
        return Ok(flash::blank(board));
    }
    let bytes = fs::read(&args.out).with_context(|| format!("{} cannot be read", args.out.display()))?;
    let image = flash::existing(board, bytes)?;
    if flash::is_taken(board, &image) && !args.force {
        bail!(FlashError::Taken);
    }
    Ok(image)
}

/// Writes beside the file and renames, so that a full disk leaves the old image as it was.
fn save(path: &Path, image: &Image) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritten = || format!("{} cannot be written", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(unwritten)?;
    file.write_all(image.bytes()).with_context(unwritten)?;
    file.as_file().sync_all().with_context(unwritten)?;
    file.persist(path).with_context(unwritten)?;
    Ok(())
}
