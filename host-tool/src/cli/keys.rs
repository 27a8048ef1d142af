//! `steadfast keys`: a fleet's first keys and keyring, and what they are.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use steadfast::hex;
use steadfast::keys::{Chain, Home, KeyFile, Plan, Planned, Purpose, RolePlan};
use steadfast_core::keyring::{Director, Keyring, Role};
use steadfast_core::statement::PublicKey;

use super::{Exit, Format};

/// Keeps private keys out of git, wherever in the repository their folder is.
const GITIGNORE: &str = "*.key\n";

/// Arguments of `steadfast keys`.
#[derive(Args, Debug)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand, Debug)]
enum KeysCommand {
    /// Make a fleet's first keys and its keyring.
    New(NewArgs),
    /// Show a fleet's keyrings, or what a key file is for.
    Show(ShowArgs),
}

/// A key that can be made by itself, for a keyring that somebody else signs.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Single {
    /// Signs releases.
    Publisher,
    /// Signs assignments.
    Director,
}

#[derive(Args, Debug)]
struct NewArgs {
    /// The fleet's folder: the one with `steadfast.toml`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// Make this one key and no keyring, for a fleet whose keyring is made elsewhere. Needs --out.
    #[arg(long, value_enum, requires = "out", conflicts_with_all = ["root", "root_threshold", "publisher", "publisher_key",
        "publisher_threshold", "director", "no_director"])]
    only: Option<Single>,
    /// Where to put the private keys; `keys` in the fleet's folder unless given.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// How many root keys to make.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    root: u8,
    /// How many of them must sign a keyring.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    root_threshold: u8,
    /// How many publisher keys to make, besides those named with --publisher-key; 1 unless some are named.
    #[arg(long, value_name = "NUMBER")]
    publisher: Option<u8>,
    /// The public half of a publisher key that somebody else holds; may be given several times.
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    publisher_key: Vec<PublicKey>,
    /// How many publishers must sign a release.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    publisher_threshold: u8,
    /// The public half of the director key that a server has made, instead of making one here.
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    director: Option<PublicKey>,
    /// No director: devices take releases in ascending order from anywhere.
    #[arg(long, conflicts_with = "director")]
    no_director: bool,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// A private key's file; the fleet's keyrings unless given.
    key: Option<PathBuf>,
    /// The fleet's folder: the one with `steadfast.toml`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    fleet: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn public_key(text: &str) -> Result<PublicKey, String> {
    hex::decode(text)
        .map(PublicKey)
        .filter(PublicKey::is_usable)
        .ok_or_else(|| "not a public key: 64 hexadecimal digits, as `steadfast keys show FILE` prints them".to_owned())
}

/// Runs `steadfast keys`.
pub(crate) fn run(args: &KeysArgs) -> anyhow::Result<Exit> {
    match &args.command {
        KeysCommand::New(args) => new(args),
        KeysCommand::Show(args) => show(args),
    }
}

fn new(args: &NewArgs) -> anyhow::Result<Exit> {
    if let (Some(only), Some(out)) = (args.only, &args.out) {
        return single(only, out, args.dry_run);
    }
    let home = Home::open(&args.fleet)?;
    let keys = args.out.clone().unwrap_or_else(|| home.folder.join("keys"));
    let planned = plan(args, &home).carry_out()?;
    let verb = if args.dry_run { "would write" } else { "wrote" };
    if !args.dry_run {
        ignore(&keys)?;
        planned.write(&home.keyrings, &keys)?;
    }
    print!("{}", written(&planned, (verb, &keys, &home.keyrings)));
    if !args.dry_run {
        eprintln!("next: move the root key to a safe place offline; commit {}", home.keyrings.display());
    }
    Ok(Exit::Fine)
}

fn single(only: Single, out: &Path, dry_run: bool) -> anyhow::Result<Exit> {
    let purpose = match only {
        Single::Publisher => Purpose::Publisher,
        Single::Director => Purpose::Director,
    };
    let (key, path) = (KeyFile::generate(purpose)?, out.join(format!("{purpose}.key")));
    if dry_run {
        println!("would write {}", path.display());
        return Ok(Exit::Fine);
    }
    ignore(out)?;
    key.save(&path)?;
    println!("{}", hex::encode(&key.public_key().0));
    eprintln!("wrote {} (keep it secret); the line above is its public half", path.display());
    Ok(Exit::Fine)
}

fn plan(args: &NewArgs, home: &Home) -> Plan {
    let makes_director = u8::from(args.director.is_none() && !args.no_director);
    let publishers = args.publisher.unwrap_or(u8::from(args.publisher_key.is_empty()));
    Plan {
        fleet: home.fleet,
        root: RolePlan { make: args.root, known: Vec::new(), threshold: args.root_threshold },
        publisher: RolePlan {
            make: publishers,
            known: args.publisher_key.clone(),
            threshold: args.publisher_threshold,
        },
        director: RolePlan { make: makes_director, known: args.director.into_iter().collect(), threshold: 1 },
    }
}

fn written(planned: &Planned, (verb, keys, keyrings): (&str, &Path, &Path)) -> String {
    let mut text = String::new();
    for (name, key) in &planned.keys {
        let (path, purpose, id) = (keys.join(name), key.purpose(), key.public_key().id());
        let _ = writeln!(text, "{verb} {} ({purpose} key {id}, keep it secret)", path.display());
    }
    let _ = writeln!(text, "{verb} {}", keyrings.join("1.keyring").display());
    text
}

/// Writes a `.gitignore` for private keys into their folder, unless there is one.
pub(super) fn ignore(keys: &Path) -> anyhow::Result<()> {
    let path = keys.join(".gitignore");
    if path.exists() {
        return Ok(());
    }
    let written = fs::create_dir_all(keys).and_then(|()| fs::write(&path, GITIGNORE));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

fn show(args: &ShowArgs) -> anyhow::Result<Exit> {
    let document = match &args.key {
        Some(path) => {
            let key = KeyFile::load(path)?;
            json!({ "format": 1, "purpose": key.purpose().word(), "public_key": hex::encode(&key.public_key().0) })
        }
        None => chain_document(&Home::open(&args.fleet)?.chain()?)?,
    };
    match (args.format, &args.key) {
        (Format::Json, _) => println!("{document:#}"),
        (Format::Text, Some(_)) => println!("{} key {}", word(&document["purpose"]), word(&document["public_key"])),
        (Format::Text, None) => print!("{}", chain_text(&document)),
    }
    Ok(Exit::Fine)
}

fn chain_document(chain: &Chain) -> anyhow::Result<Value> {
    let keyrings: Result<Vec<Value>, _> = chain
        .files()
        .iter()
        .map(|file| Keyring::decode(&file.statement))
        .map(|keyring| keyring.map(|keyring| document(&keyring)))
        .collect();
    let keyrings = keyrings.map_err(|refusal| anyhow!("a keyring does not decode: {refusal}"))?;
    Ok(json!({ "format": 1, "fleet": chain.fleet().to_string(), "keyrings": keyrings }))
}

fn document(keyring: &Keyring) -> Value {
    let all = |keys: &[PublicKey]| keys.iter().map(|key| hex::encode(&key.0)).collect::<Vec<_>>();
    let role = |role: &Role| json!({ "threshold": role.threshold, "keys": all(&role.keys) });
    let kind = match &keyring.director {
        Director::None => "none",
        Director::Assignments(_) => "assignments",
        Director::Heads(_) => "heads",
    };
    json!({
        "version": keyring.version,
        "publisher_epoch": keyring.publisher_epoch,
        "root": role(&keyring.root),
        "publisher": role(&keyring.publisher),
        "director": { "kind": kind, "keys": all(keyring.director.keys()) },
    })
}

fn chain_text(document: &Value) -> String {
    let mut text = format!("fleet {}\n", word(&document["fleet"]));
    for keyring in document["keyrings"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "keyring {}, publisher epoch {}", keyring["version"], keyring["publisher_epoch"]);
        for name in ["root", "publisher"] {
            let keys = keyring[name]["keys"].as_array().map_or(0, Vec::len);
            let _ = writeln!(text, "  {name}: {} of {keys}", keyring[name]["threshold"]);
            lines(&mut text, &keyring[name]["keys"]);
        }
        let _ = writeln!(text, "  director: {}", word(&keyring["director"]["kind"]));
        lines(&mut text, &keyring["director"]["keys"]);
    }
    text
}

fn lines(text: &mut String, keys: &Value) {
    for key in keys.as_array().into_iter().flatten() {
        let _ = writeln!(text, "    {}", word(key));
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
