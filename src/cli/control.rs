//! Talks to a running gateway over its control socket.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::safe::scrubbed;
use crate::{
    admin::control,
    config::{Config, Flags},
};

/// Most bytes of an answer.
const LONGEST: usize = 64 << 20;

/// Which gateway.
#[derive(Debug, clap::Args)]
pub struct Gateway {
    /// Its data folder [default: data].
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// The configuration that names it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Gateway {
    /// The configuration, where one was named.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub(super) fn loaded(&self) -> Result<Option<Config>, String> {
        let load = |path: &PathBuf| Config::load(path, &Flags::default());
        self.config.as_ref().map(load).transpose().map_err(|report| scrubbed(&report.to_string()))
    }

    /// The configuration's text, where one was named and can be read.
    pub(super) fn text(&self) -> Option<String> {
        std::fs::read_to_string(self.config.as_ref()?).ok()
    }

    /// The data folder, where no configuration was named.
    pub(super) fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("data"))
    }

    /// The data folder; the exit code after telling why it is not known.
    ///
    /// # Errors
    /// When the configuration is invalid.
    pub fn data_dir(&self) -> Result<PathBuf, ExitCode> {
        let config = self.loaded().map_err(|report| {
            eprintln!("{report}");
            ExitCode::from(2)
        })?;
        Ok(config.map_or_else(|| self.folder(), |config| config.data_dir))
    }

    /// Asks it; the exit code after telling why there is no answer.
    ///
    /// # Errors
    /// When no gateway answers (exit 3), or it says no (exit 1).
    pub fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, ExitCode> {
        let data_dir = self.data_dir()?;
        let (status, answer) = exchange(&data_dir, method, path, body.to_string()).map_err(|error| {
            let place = data_dir.join(control::NAME);
            eprintln!("privet: no running gateway answers at {}: {error}", place.display());
            eprintln!("    hint: start one, or name its data folder (--data DIR) or configuration (--config FILE)");
            ExitCode::from(3)
        })?;
        if status.is_success() {
            return Ok(answer);
        }
        eprintln!("privet: {}", answer["error"].as_str().unwrap_or("the gateway refuses"));
        Err(ExitCode::FAILURE)
    }
}

/// One request to the gateway of `data_dir`, and its answer.
pub(super) fn exchange(
    data_dir: &Path,
    method: Method,
    path: &str,
    body: String,
) -> io::Result<(http::StatusCode, Value)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(request(data_dir, method, path, body))
}

/// The same, where there is a runtime.
pub(super) async fn request(
    data_dir: &Path,
    method: Method,
    path: &str,
    body: String,
) -> io::Result<(http::StatusCode, Value)> {
    let stream = UnixStream::connect(data_dir.join(control::NAME)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "privet")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::<Bytes>::from(body))
        .map_err(io::Error::other)?;
    let (parts, body) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
    let bytes = Limited::new(body, LONGEST).collect().await.map_err(io::Error::other)?.to_bytes();
    Ok((parts.status, serde_json::from_slice(&bytes)?))
}
