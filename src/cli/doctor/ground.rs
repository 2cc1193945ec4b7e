//! What checks look at: the configuration, the machine, and the gateway, where one runs.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use http::Method;
use serde_json::Value;

use super::holder;
use crate::{cli::control, config::Config};

/// Longest wait for an answer of the gateway's.
const PATIENCE: Duration = Duration::from_secs(5);

/// All of it.
#[derive(Debug)]
pub(super) struct Ground {
    /// The configuration's file.
    pub(super) file: PathBuf,
    /// Its text.
    pub(super) text: String,
    /// What it says.
    pub(super) config: Config,
    /// The authorities that clients believe, where they are not the system's.
    pub(super) ca: Option<PathBuf>,
    /// What runs by it.
    pub(super) gateway: Gateway,
    /// Below which `/proc`, `/sys` and `/etc` are read.
    pub(super) root: PathBuf,
    /// When.
    pub(super) now: SystemTime,
}

/// A gateway on the same data folder.
#[derive(Debug, PartialEq)]
pub(super) enum Gateway {
    /// None.
    Absent,
    /// One that answers.
    Runs(Live),
    /// One holds the folder and does not answer; its number, where that is known, and why.
    Silent(Option<u32>, String),
    /// Its folder is another user's.
    Hidden(String),
}

/// A gateway that answers.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Live {
    /// The number of its process, where it is of this machine.
    pub(super) id: Option<u32>,
    /// SHA-256 of the text of the configuration that it works by, in hexadecimal.
    pub(super) sha256: Option<String>,
    /// Its certificates, as `certs show` has them.
    pub(super) certificates: Vec<Value>,
}

impl Ground {
    pub(super) fn new(file: PathBuf, config: Config, ca: Option<PathBuf>) -> Self {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let gateway = Gateway::find(&config.data_dir);
        Self { file, text, config, ca, gateway, root: PathBuf::from("/"), now: SystemTime::now() }
    }

    /// The gateway, where it answers.
    pub(super) fn live(&self) -> Option<&Live> {
        if let Gateway::Runs(live) = &self.gateway { Some(live) } else { None }
    }

    /// The number of the gateway's process, or our own word for ourselves.
    pub(super) fn process(&self) -> String {
        self.live().and_then(|live| live.id).map_or_else(|| "self".to_owned(), |id| id.to_string())
    }

    /// A small file of the system's; empty where there is none.
    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    /// A line of `/proc/PROCESS/status`.
    pub(super) fn status(&self, name: &str) -> Option<String> {
        let text = self.read(&format!("proc/{}/status", self.process()));
        text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
    }

    /// The user who serves: the gateway's; else ours, or where that is root the data folder's owner.
    pub(super) fn user(&self) -> u32 {
        let own = rustix::process::geteuid().as_raw();
        if self.live().is_some_and(|live| live.id.is_some()) {
            let ids = self.status("Uid");
            let effective = ids.as_deref().and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
            return effective.unwrap_or(own);
        }
        match fs::metadata(&self.config.data_dir) {
            Ok(about) if own == 0 => about.uid(),
            _ => own,
        }
    }

    /// Now, in seconds since 1970.
    pub(super) fn seconds(&self) -> u64 {
        self.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    /// Waits for what asks others.
    ///
    /// # Errors
    /// When the process gets no runtime.
    pub(super) fn wait<T>(work: impl Future<Output = T>) -> Result<T, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("there is no runtime: {error}"))?;
        let outcome = runtime.block_on(work);
        // A name that is still looked up concerns nobody any more.
        runtime.shutdown_background();
        Ok(outcome)
    }
}

impl Gateway {
    /// Asks for it.
    fn find(data_dir: &Path) -> Self {
        let holder = || holder::of_lock(Path::new("/proc/locks"), &data_dir.join("lock"));
        let asked = Ground::wait(async {
            let ask = |path| async move {
                let asked = control::request(data_dir, Method::GET, path, String::new());
                tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
            };
            let (_, known) = ask("/v1/configuration").await?;
            let (_, listed) = ask("/v1/certificates").await?;
            Ok::<_, std::io::Error>((known, listed))
        });
        match asked {
            Err(why) => Self::Hidden(why),
            Ok(Ok((known, listed))) => Self::Runs(Live {
                id: numbered(data_dir),
                sha256: known["sha256"].as_str().map(str::to_owned),
                certificates: listed["certificates"].as_array().cloned().unwrap_or_default(),
            }),
            Ok(Err(error)) => match error.kind() {
                ErrorKind::PermissionDenied => Self::Hidden(format!("{} is another user's", data_dir.display())),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused if holder().is_none() => Self::Absent,
                _ => Self::Silent(holder(), error.to_string()),
            },
        }
    }
}

/// The number that a gateway has written into its lock, where such a process is here.
fn numbered(data_dir: &Path) -> Option<u32> {
    let id = fs::read_to_string(data_dir.join("lock")).ok()?.trim().parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    (name.trim() == "privet").then_some(id)
}
