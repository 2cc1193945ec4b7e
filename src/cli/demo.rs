//! `privet demo`: the legacy application with made-up customers alone, unprotected, for trying Privet in front of it where the two do not
//! share a process: in a Pod, for one.

use std::{io, net::SocketAddr, process::ExitCode, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::demo::Application;

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Where it listens, in cleartext.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// For how many seconds it still answers after SIGTERM, as an application should whose Pod is being taken out of service.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    linger: u64,
}

/// Serves until SIGTERM or SIGINT; exit 3 when the address is not to be had.
#[must_use]
pub fn run(args: &DemoArgs) -> ExitCode {
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("privet demo: can't serve on {}: {error}", args.listen);
            ExitCode::from(3)
        }
    }
}

fn serve(args: &DemoArgs) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // As the first process of a container it would not get signals that it doesn't ask for.
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let application = Application::start(args.listen)?;
        println!("an unprotected demo application on http://{}", application.address());
        tokio::select! {
            _ = terminate.recv() => sleep(Duration::from_secs(args.linger)).await,
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
