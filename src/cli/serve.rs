//! `privet serve`: from flags or a file to a running gateway, until a signal ends it.

use std::{net::SocketAddr, process::ExitCode};

use super::{ServeArgs, safe::scrubbed};
use crate::{
    app::{self, Source, log},
    common::{clock, memory},
    config::Report,
    demo,
    server::inherited::{self, Inherited},
};

/// Serves until a signal; exit 2 for a bad configuration, 3 when an address, file or privilege is not to be had.
#[must_use]
pub fn run(args: ServeArgs) -> ExitCode {
    if let Some(now) = args.now {
        clock::start_at(now);
    }
    // Before there are threads and descriptors of our own.
    let inherited = match Inherited::take() {
        Ok(inherited) => inherited,
        Err(error) => {
            eprintln!("privet: {error}");
            return ExitCode::from(2);
        }
    };
    log::start();
    for exposed in memory::exposed() {
        tracing::warn!("{exposed}");
    }
    let mut flags = args.flags();
    let mut application = None;
    if args.demo {
        match demo::Application::start(SocketAddr::from(([127, 0, 0, 1], 0))) {
            Ok(started) => {
                flags.to = Some(format!("http://{}", started.address()));
                flags.safeguards = demo::SAFEGUARDS;
                application = Some(started);
            }
            Err(error) => {
                eprintln!("privet: the demo application can't be started: {error}");
                return ExitCode::from(3);
            }
        }
    }
    let source = match (args.config, &flags.to) {
        (Some(path), _) => Source::File(path, flags),
        (None, Some(_)) => Source::Flags(flags),
        (None, None) => {
            eprintln!(
                "privet: nothing to protect\n    hint: name an application (--to URL), a file (--config FILE), or try --demo"
            );
            return ExitCode::from(2);
        }
    };
    let code = match app::run(&source, inherited, application.is_some()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A report starts each line with the file, so that editors can jump there.
            let report = error.is::<Report>();
            eprintln!("{}{}", if report { "" } else { "privet: " }, scrubbed(&format!("{error:#}")));
            ExitCode::from(if report || error.is::<inherited::Error>() { 2 } else { 3 })
        }
    };
    drop(application);
    code
}
