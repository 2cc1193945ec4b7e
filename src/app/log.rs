//! Diagnostics of the process itself, on standard error, scrubbed by the rule set of all outputs.

use std::{
    fmt, panic,
    sync::{Arc, LazyLock},
};

use time::{OffsetDateTime, macros::format_description};
use tracing_subscriber::{
    EnvFilter,
    fmt::{format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    common::{clock, colour},
    observe::{
        otlp::{Outlet, Telemetry},
        scrub_layer::{Fields, Rules, Scrubbing, Tee},
    },
    privacy::{Engine, Keys, settings::Settings},
};

/// The time of a line, which says so where the clock was set.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
        let now = OffsetDateTime::from(clock::now()).format(format).map_err(|_| fmt::Error)?;
        writer.write_str(&now)?;
        if clock::is_set() { writer.write_str(" (set by --now)") } else { Ok(()) }
    }
}

/// What diagnostics are scrubbed by: one for the process, as the subscriber is.
static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

/// Where diagnostics go besides standard error.
static TEE: LazyLock<Tee> = LazyLock::new(|| Tee::new(&RULES));

/// Starts logging; `PRIVET_LOG` sets the level (`info` by default). Until a configuration is read, the default rules scrub, with
/// keys of this process alone.
///
/// A panic is a fault of ours: it is told with its place, never with its message, which may hold data.
pub fn start() {
    if let Ok(keys) = Keys::ephemeral() {
        RULES.set(&Arc::new(Engine::new(&Settings::default(), Arc::new(keys))));
    }
    let filter = EnvFilter::try_from_env("PRIVET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .fmt_fields(Fields(RULES.clone()))
        .with_timer(Clock)
        .with_writer(Scrubbing(RULES.clone()))
        .with_ansi(colour::on(&std::io::stderr()))
        .finish()
        .with(TEE.clone())
        .try_init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "unknown".to_owned(), |l| format!("{}:{}", l.file(), l.line()));
        tracing::error!(place, "a fault in Privet; the request or task under way has ended, the rest goes on");
    }));
}

/// Scrubs diagnostics by `engine` from now on.
pub fn scrub_by(engine: &Arc<Engine>) {
    RULES.set(engine);
}

/// Sends diagnostics by `telemetry` too from now on, where it wants them.
pub fn send_by(telemetry: Option<&Telemetry>) {
    TEE.set(telemetry.and_then(Outlet::of));
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    /// Set in the process that panics.
    const INNER: &str = "PRIVET_TEST_OF_PANICS";

    /// A request's task panics with data in its message: all that the process says of it is looked at. No request can make Privet panic
    /// from outside, so the test's own process, started anew, stands for it.
    #[test]
    fn a_panic_in_a_task_is_told_without_its_message() {
        if env::var_os(INNER).is_some() {
            return panic_in_a_task();
        }
        let name = "app::log::tests::a_panic_in_a_task_is_told_without_its_message";
        let out = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(INNER, "1")
            .env("PRIVET_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .output()
            .expect("runs");
        let all = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert!(out.status.success(), "{all}");
        assert!(all.contains("a fault in Privet") && all.contains("src/app/log.rs:"), "{all}");
        for value in ["minsu", "010-9876", "hunter2"] {
            assert!(!all.contains(value), "{value} in {all}");
        }
    }

    fn panic_in_a_task() {
        super::start();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let tasks = tokio::task::LocalSet::new();
        let task = tasks.spawn_local(async { panic!("kim.minsu@example.net 010-9876-5432 password=hunter2") });
        let error = runtime.block_on(tasks.run_until(task)).expect_err("it ended");
        assert!(error.is_panic());
    }
}
