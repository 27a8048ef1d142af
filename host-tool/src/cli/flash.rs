//! `steadfast flash`: write a device's identity and first configuration into a flash image.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use steadfast::compile::explain;
use steadfast::flash::{self, Board, First, FlashError, Image, Job};
use steadfast::fleet::{At, Fleet};
use steadfast::keys::{Home, KeyFile, Purpose};
use steadfast::pack::Pack;
use steadfast::schema::Risk;
use steadfast::value::FieldPath;
use steadfast::whole::{self, Over};
use steadfast_core::id::{DeviceId, SchemaId};
use steadfast_core::identity::{Provisioned, SERVER_MAX_BYTES};
use steadfast_core::position::Position;
use steadfast_core::statement::PublicKey;

use super::{Exit, reading};

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
    match known.public_key {
        Some(public) if public == key.public_key() => {}
        Some(_) => bail!("{} is not the key that the inventory has for {}", args.key.display(), args.device),
        None => bail!(
            "the inventory has no key for {device}, so nobody would believe its reports; run `steadfast device enroll {device}` \
             and use the key that it makes",
            device = args.device
        ),
    }
    let floor = Position { epoch: chain.newest().publisher_epoch, sequence: 0 };
    let identity = Provisioned {
        fleet: chain.fleet(),
        device: known.id,
        seed: key.seed().clone(),
        keyring: chain.newest().clone(),
        floor,
        server: server(&args.server)?,
    };
    let schema = args.schema.as_deref().map(parse_schema).transpose()?;
    let first = signed.as_ref().map(|(pack, signatures)| First { pack, signatures, schema });
    let mut image = open(args, &board, known.id)?;
    warn_of_server(args, signed.as_ref().map(|(pack, _)| pack));
    let schema = flash::write(&Job { board: &board, identity: &identity, first }, &mut image);
    let schema = schema.map_err(|error| match error {
        FlashError::Refused(_) => Exit::Unverified.with(error),
        error => error.into(),
    })?;
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
    Ok((reading::pack(path)?, reading::signatures(path)?))
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

fn open(args: &FlashArgs, board: &Board, device: DeviceId) -> anyhow::Result<Image> {
    if !args.out.exists() {
        return Ok(flash::blank(board));
    }
    let bytes = fs::read(&args.out).with_context(|| format!("{} cannot be read", args.out.display()))?;
    let image = flash::existing(board, bytes)?;
    if !args.force {
        flash::require_free(board, &image, device)?;
    }
    Ok(image)
}

/// Says where the device will not ask, although somebody may think so.
fn warn_of_server(args: &FlashArgs, pack: Option<&Pack>) {
    let named = pack.and_then(|pack| server_in_commit(args, pack));
    match named {
        Some((field, value)) if !args.server.is_empty() && value != args.server => eprintln!(
            "warning: the pack says {field} = {value}: once it runs that, the device asks {value}, not {}",
            args.server
        ),
        None if args.server.is_empty() => eprintln!(
            "warning: no --server is given{}: unless the device's own firmware or settings name one, it has nobody to ask",
            if pack.is_some() { ", and none was found in the pack's commit" } else { "" }
        ),
        _ => {}
    }
}

/// The text field `server` of a section that decides about connectivity, by the pack's commit; `None` too where that commit is
/// not at hand.
fn server_in_commit(args: &FlashArgs, pack: &Pack) -> Option<(String, String)> {
    let fleet = Fleet::open(&args.fleet, &At::Commit(pack.release().commit.to_string())).ok()?;
    let device = fleet.device(&args.device)?;
    let sections = fleet.model(device).newest().sections.iter().filter(|section| section.risk == Risk::Connectivity);
    let paths = sections.filter_map(|section| FieldPath::parse(&format!("{}.server", section.name)));
    let mut fields = paths.flat_map(|path| explain(&fleet, device, Some(&path)).fields);
    fields.find_map(|field| {
        let value = field.value?.as_str()?.to_owned();
        (!value.is_empty()).then_some((field.field, value))
    })
}

/// The image holds the device's private key.
fn save(path: &Path, image: &Image) -> anyhow::Result<()> {
    let written = whole::write(path, image.bytes(), (whole::PRIVATE, Over::File));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

/// The server's address as a device reads it. One that it cannot read would leave it without a server until somebody comes by.
fn server(text: &str) -> anyhow::Result<heapless::String<SERVER_MAX_BYTES>> {
    let sound = |(host, port): (&str, &str)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !host.is_empty() && host.chars().all(plain) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if !text.is_empty() && !text.rsplit_once(':').is_some_and(sound) {
        bail!("--server {text} is no address of the form host:port, like 192.0.2.1:8440");
    }
    let too_long =
        |_| anyhow!("--server {text} is longer than {SERVER_MAX_BYTES} bytes; give the server a shorter name");
    text.parse().map_err(too_long)
}

#[cfg(test)]
mod tests {
    use super::server;

    #[test]
    fn only_what_a_device_can_read_is_a_server() {
        for good in ["", "10.0.2.2:8440", "config.example.org:80"] {
            assert!(server(good).is_ok(), "{good}");
        }
        for wrong in ["10.0.2.2", "http://10.0.2.2:8440", "10.0.2.2:", ":8440", "host:0", "host:99999", "a host:1"] {
            assert!(server(wrong).is_err(), "{wrong}");
        }
        assert!(server(&format!("{}:80", "x".repeat(70))).is_err());
    }
}
