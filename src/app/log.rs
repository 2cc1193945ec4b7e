//! Diagnostics of the process itself, on standard error, scrubbed by the rule set of all outputs.

use std::{
    io::IsTerminal as _,
    panic,
    sync::{Arc, LazyLock},
};

use tracing_subscriber::EnvFilter;

use crate::{
    config::Config,
    observe::scrub_layer::{Fields, Rules, Scrubbing},
    privacy::{Engine, Keys, settings::Settings},
};

/// What diagnostics are scrubbed by: one for the process, as the subscriber is.
static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

/// Starts logging; `PRIVET_LOG` sets the level (`info` by default). Until a configuration is read, the default rules scrub, with
/// keys of this process alone.
///
/// A panic is a fault of ours: it is told with its place, never with its message, which may hold data.
pub fn start() {
    if let Ok(engine) = Keys::ephemeral().map(|keys| Engine::new(&Settings::default(), keys))
        && let Ok(engine) = engine
    {
        RULES.set(&Arc::new(engine));
    }
    let filter = EnvFilter::try_from_env("PRIVET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .fmt_fields(Fields(RULES.clone()))
        .with_writer(Scrubbing(RULES.clone()))
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "unknown".to_owned(), |l| format!("{}:{}", l.file(), l.line()));
        tracing::error!(place, "a fault in Privet; the request or task under way has ended, the rest goes on");
    }));
}

/// The rule set of a configuration.
///
/// # Errors
/// When a detector of its own can't be used.
pub fn engine(_config: &Config) -> anyhow::Result<Arc<Engine>> {
    Ok(Arc::new(Engine::new(&Settings::default(), Keys::ephemeral()?)?))
}

/// Scrubs diagnostics by `engine` from now on.
pub fn scrub_by(engine: &Arc<Engine>) {
    RULES.set(engine);
}
