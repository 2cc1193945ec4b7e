//! `privet top`: what goes by at a running gateway, as its metrics have it: rates between two looks, and never a person.
//!
//! `snapshot` is one look, `frame` what has happened between two, `draw` the frame in lines, and `screen` the terminal that they are on.

mod draw;
mod frame;
mod screen;
mod snapshot;
#[cfg(test)]
mod tests;

use std::{
    io::{self, IsTerminal as _, Write as _, stdin, stdout},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval_at},
};

use self::{frame::Frame, screen::Screen, snapshot::Snapshot};
use super::control::Gateway;
use crate::common::{colour, unit};

/// How wide a table is that is on no terminal.
const WIDE: usize = 160;

/// What `top` takes.
#[derive(Debug, clap::Args)]
pub struct TopArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// How often it looks; rates are of what has happened in between.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = every)]
    interval: Duration,
    /// One table of one interval, and then end; so it does as well where it is on no terminal.
    #[arg(long)]
    once: bool,
    /// JSON instead of a table: an object an interval, a line each.
    #[arg(long)]
    json: bool,
}

fn every(text: &str) -> Result<Duration, String> {
    let every = unit::parse_duration(text).map_err(|error| error.to_string())?;
    let right = (Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&every);
    if right { Ok(every) } else { Err("it must be from 100ms to 1h".to_owned()) }
}

/// Runs; exit 3 when no gateway answers, or the terminal can't be used.
#[must_use]
pub fn run(args: &TopArgs) -> ExitCode {
    let folder = match args.gateway.data_dir() {
        Ok(folder) => folder,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(watch(args, &folder))) {
        // Whoever reads may have enough.
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("privet top: {error}");
            eprintln!(
                "    hint: start a gateway, or name its data folder (--data DIR) or configuration (--config FILE)"
            );
            ExitCode::from(3)
        }
    }
}

/// Looks until somebody has seen enough; the terminal is as before when it comes back.
async fn watch(args: &TopArgs, folder: &Path) -> io::Result<()> {
    let mut before = Snapshot::take(folder).await?;
    let on_screen = !args.json && !args.once && stdin().is_terminal() && stdout().is_terminal();
    let mut ticks = interval_at(Instant::now() + args.interval, args.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if !on_screen {
        loop {
            ticks.tick().await;
            let now = Snapshot::take(folder).await?;
            plain(&Frame::between(&before, &now), args.json)?;
            if args.once || !args.json {
                return Ok(());
            }
            before = now;
        }
    }
    let [mut resized, mut ended, mut hung_up] =
        [signal(SignalKind::window_change())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    let (mut screen, mut keys) = Screen::begin()?;
    // Levels are there at once, rates with the next look.
    let mut frame = Frame::between(&before, &before);
    loop {
        screen.draw(&frame, args.interval)?;
        tokio::select! {
            _ = ticks.tick() => {
                let now = Snapshot::take(folder).await?;
                frame = Frame::between(&before, &now);
                before = now;
            }
            key = keys.recv() => if key.is_none_or(screen::is_end) { return Ok(()) },
            _ = resized.recv() => {}
            _ = ended.recv() => return Ok(()),
            _ = hung_up.recv() => return Ok(()),
        }
    }
}

fn plain(frame: &Frame, json: bool) -> io::Result<()> {
    let mut out = stdout().lock();
    if json {
        serde_json::to_writer(&mut out, frame)?;
        return writeln!(out).and_then(|()| out.flush());
    }
    let lines = draw::lines(frame, WIDE, colour::on(&stdout()));
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
