//! `steadfast demo`: a fleet on this machine, and what becomes of good and bad commits.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context as _;
use clap::Args;
use steadfast::demo::DemoError;
use steadfast::demo::machine::Machine;
use steadfast::demo::story;
use steadfast::demo::world::Tools;
use tokio::signal::unix::{SignalKind, signal};

use super::Exit;

/// Arguments of `steadfast demo`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// The emulated board: qemu-riscv-virt or qemu-emcraft-sf2.
    #[arg(long, default_value = Machine::RiscvVirt.name(), value_name = "NAME")]
    board: Machine,
    /// The firmware of the emulated board, as `cargo xtask build-board` prints it.
    #[arg(long, value_name = "FILE")]
    board_elf: PathBuf,
    /// The gateway's program, `steadfast-gateway`.
    #[arg(long, value_name = "FILE")]
    gateway: PathBuf,
    /// The project's folder, with `examples` and `boards`.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    project: PathBuf,
}

/// Runs `steadfast demo`. Ends with 1 when anything does not come as told. Leaves nothing behind, stopped or not.
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    let steadfast = std::env::current_exe().context("this program does not know its own path")?;
    let absolute = |path: &PathBuf| std::path::absolute(path).with_context(|| format!("{}", path.display()));
    let tools = Tools {
        steadfast,
        gateway: absolute(&args.gateway)?,
        machine: args.board,
        board_elf: absolute(&args.board_elf)?,
        project: absolute(&args.project)?,
    };
    story::check_tools(&tools).context("`cargo xtask demo` builds what is missing; run it in the project's folder")?;
    let stop = Arc::new(AtomicBool::new(false));
    watch_signals(Arc::clone(&stop))?;
    match story::tell(tools, Arc::clone(&stop), &|line| println!("{line}")) {
        // The terminal sends Ctrl-C to the story's programs, too: what they then fail with is no news.
        Err(_) if stop.load(Ordering::Relaxed) => Err(DemoError::Stopped.into()),
        outcome => outcome.map(|()| Exit::Fine).map_err(Into::into),
    }
}

/// Notes that somebody wants the story to end: it then cleans up and ends by itself.
fn watch_signals(stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("signals cannot be watched")?;
    let entered = runtime.enter();
    let watch = |kind| signal(kind).context("signals cannot be watched");
    let mut interrupt = watch(SignalKind::interrupt())?;
    let mut terminate = watch(SignalKind::terminate())?;
    let mut hangup = watch(SignalKind::hangup())?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        stop.store(true, Ordering::Relaxed);
    });
    Ok(())
}
