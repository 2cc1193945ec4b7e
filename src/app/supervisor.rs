//! What a supervisor such as systemd is told of the process (`sd_notify(3)`), and that it lives (`WatchdogSec=`).
//!
//! Nobody has to listen. A line says where Privet listens and how it goes, and nothing of those who come.

use std::{
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    process,
    str::FromStr,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{MissedTickBehavior, interval};

use crate::common::pulse::Pulse;

/// Longest time that a supervisor which does not read may keep us.
const PATIENCE: Duration = Duration::from_secs(1);
/// A worker beats once a second; less than this is no silence.
const LEAST_SILENCE: Duration = Duration::from_secs(5);

/// Who started the process and wants to know how it is, if anybody.
#[derive(Debug)]
pub struct Supervisor {
    line: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names. One that can't be told anything is warned of, and the gateway serves as well.
    #[must_use]
    pub fn find() -> Self {
        let place = env::var_os("NOTIFY_SOCKET").filter(|place| !place.is_empty());
        let line = place.and_then(|place| {
            open(&place)
                .inspect_err(|error| tracing::warn!(%error, "the supervisor's NOTIFY_SOCKET can't be used"))
                .ok()
        });
        Self { line, watchdog: watchdog(number("WATCHDOG_USEC"), number("WATCHDOG_PID")) }
    }

    /// Listening, and working by its configuration.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// About to look at its configuration anew; [`Self::ready`] ends it.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reloading"));
    }

    /// On its way down, which takes `most` at most, whatever the unit's `TimeoutStopSec=` says.
    pub fn stopping(&self, most: Duration) {
        self.tell(&format!(
            "STOPPING=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS=ending when what is in flight is answered",
            most.as_micros()
        ));
    }

    /// Says that the process lives, from the runtime that this is called on, and as long as all workers were heard of within the time
    /// that the watchdog allows.
    pub fn keep_alive(&self, workers: Vec<Pulse>) {
        let (Some(allowed), Some((socket, place))) = (self.watchdog, &self.line) else { return };
        let Ok(socket) = socket.try_clone() else { return };
        let place = place.clone();
        tokio::spawn(async move {
            let mut every = interval(allowed / 2);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                if workers.iter().all(|pulse| pulse.silence() < allowed.max(LEAST_SILENCE)) {
                    let _ = socket.send_to_addr(b"WATCHDOG=1", &place);
                } else {
                    tracing::error!("a worker does nothing any more; the supervisor is not told that all is well");
                }
            }
        });
    }

    fn tell(&self, what: &str) {
        if let Some((socket, place)) = &self.line
            && let Err(error) = socket.send_to_addr(what.as_bytes(), place)
        {
            tracing::warn!(%error, "the supervisor can't be told");
        }
    }
}

fn open(place: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match place.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(place)?,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a path nor an abstract name")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok((socket, address))
}

/// How long the supervisor lets us be silent, where it watches this very process.
fn watchdog(micros: Option<u64>, process: Option<u32>) -> Option<Duration> {
    let meant = process.is_none_or(|id| id == process::id());
    // Half of it must be a time that can be waited for.
    micros.filter(|micros| meant && *micros >= 1_000).map(Duration::from_micros)
}

fn number<T: FromStr>(variable: &str) -> Option<T> {
    env::var(variable).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(socket: &UnixDatagram) -> String {
        let mut buf = [0; 512];
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        let n = socket.recv(&mut buf).expect("told");
        String::from_utf8_lossy(&buf[..n]).into_owned()
    }

    fn at(place: &str, watchdog: Option<Duration>) -> Supervisor {
        Supervisor { line: Some(open(OsStr::new(place)).expect("a place")), watchdog }
    }

    #[test]
    fn it_is_told_in_a_file_and_in_an_abstract_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("notify");
        let file = UnixDatagram::bind(&path).expect("bound");
        at(path.to_str().expect("text"), None).ready("serving on 127.0.0.1:8443");
        assert_eq!(told(&file), "READY=1\nSTATUS=serving on 127.0.0.1:8443");

        let name = format!("privet-supervisor-{}", process::id());
        let bound = SocketAddr::from_abstract_name(&name).expect("a name");
        let hidden = UnixDatagram::bind_addr(&bound).expect("bound");
        let supervisor = at(&format!("@{name}"), None);
        supervisor.reloading();
        assert!(told(&hidden).starts_with("RELOADING=1\nMONOTONIC_USEC="));
        supervisor.stopping(Duration::from_secs(33));
        assert!(told(&hidden).starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=33000000\n"));
    }

    #[test]
    fn a_place_of_no_use_is_an_error_and_no_panic() {
        assert!(open(OsStr::new("vsock:2:1234")).is_err());
        assert!(open(OsStr::new(&format!("/{}", "x".repeat(200)))).is_err());
        at("/nowhere/at/all", None).ready("nobody hears this");
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        assert_eq!(watchdog(Some(30_000_000), None), Some(Duration::from_secs(30)));
        assert_eq!(watchdog(Some(30_000_000), Some(process::id())), Some(Duration::from_secs(30)));
        assert_eq!(watchdog(Some(30_000_000), Some(1)), None);
        assert_eq!(watchdog(Some(0), None), None);
    }

    #[tokio::test]
    async fn silence_of_a_worker_is_silence_of_all() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        socket.set_nonblocking(true).expect("set");
        let supervisor = at(path.to_str().expect("text"), Some(Duration::from_millis(200)));
        let (dead, live) = (Pulse::default(), Pulse::default());
        supervisor.keep_alive(vec![dead.clone(), live.clone()]);
        let heard = || {
            let mut buf = [0; 64];
            let mut count = 0;
            while socket.recv(&mut buf).is_ok() {
                count += 1;
            }
            count
        };
        let mut before = 0;
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            before += heard();
            if dead.silence() > LEAST_SILENCE + Duration::from_millis(500) {
                break;
            }
            live.beat();
        }
        assert!(before >= 2, "it was told while both lived");
        heard();
        live.beat();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(heard(), 0, "one of them does nothing");
    }
}
