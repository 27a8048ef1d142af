//! `steadfast serve`: the control plane, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use steadfast::serve::{Config, LISTEN_DEFAULT, Ready};
use tokio::signal::unix::{SignalKind, signal};

use super::Exit;

/// Arguments of `steadfast serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// The folder in which the server keeps everything. It is made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Where to listen. Nobody is asked for a password, so think before opening it to a network.
    #[arg(long, default_value = LISTEN_DEFAULT, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The fleet's keyrings (a folder, or the first one's file); needed once, for a new data folder.
    #[arg(long, value_name = "PATH")]
    keyring: Option<PathBuf>,
    /// The director's private key file; needed once, for a new data folder.
    #[arg(long, value_name = "FILE")]
    director_key: Option<PathBuf>,
}

/// Runs `steadfast serve`. The first line on standard output is the address, once requests are answered.
pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    let config = Config {
        data: args.data.clone(),
        listen: args.listen,
        keyring: args.keyring.clone(),
        director_key: args.director_key.clone(),
        log: |line| eprintln!("{line}"),
    };
    let runtime = tokio::runtime::Runtime::new().context("the server cannot start its threads")?;
    runtime.block_on(async {
        let server = Ready::new(&config).await?;
        for line in &server.recovered {
            eprintln!("recovered: {line}");
        }
        let mut stop = signal(SignalKind::terminate()).context("signals cannot be watched")?;
        println!("http://{}", server.address());
        let stopped = async move {
            tokio::select! {
                _ = stop.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            eprintln!("stopping");
        };
        server.run(stopped).await?;
        Ok(Exit::Fine)
    })
}
