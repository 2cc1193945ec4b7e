//! `privet init`: a commented configuration that `check` accepts, from a few answers, or from the file of nginx or Caddy.
//!
//! `ask` and the readers `nginx` and `caddy` make a `model` of sites; `write` makes the text. What can't be carried over is listed with its line,
//! and what was closed stays closed.

mod ask;
mod caddy;
mod model;
mod nginx;
mod source;
mod write;

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;

use self::model::Model;
use super::{
    check,
    safe::{printable, scrubbed},
};
use crate::{
    common::replace::replace,
    config::{Config, Flags, Report},
};

/// Its owner changes it, and its group may read it.
const MODE: u32 = 0o640;

/// What `init` takes.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct InitArgs {
    /// Take over what nginx or Caddy does, as far as Privet can do the same.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "upstream", "acme", "certificate", "development", "cleartext_reason"])]
    from: Option<PathBuf>,
    /// Whose file that is [default: Caddy's where its name says so, else nginx's].
    #[arg(long, value_enum, requires = "from")]
    format: Option<Format>,
    /// Name of the host that people type.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Where the application is, such as <http://127.0.0.1:8080>.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Why cleartext to an application beyond this machine is acceptable.
    #[arg(long, value_name = "TEXT")]
    cleartext_reason: Option<String>,
    /// Order a certificate, and name this mail address to the authority, whose terms you agree to.
    #[arg(long, value_name = "MAIL", group = "tls")]
    acme: Option<String>,
    /// The directory of another authority than Let's Encrypt.
    #[arg(long, value_name = "URL", requires = "acme")]
    acme_directory: Option<String>,
    /// PEM file of the certificate and its chain.
    #[arg(long, value_name = "FILE", group = "tls", requires = "key")]
    certificate: Option<PathBuf>,
    /// PEM file of its key.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// A certificate of a development CA, which no browser knows, on loopback.
    #[arg(long, group = "tls")]
    development: bool,
    /// The application holds personal data.
    #[arg(long)]
    personal_data: bool,
    /// Path where people sign in at the application.
    #[arg(long, value_name = "PATH")]
    login: Option<String>,
    /// Privet's own folder.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Where TLS is served.
    #[arg(long, value_name = "ADDR")]
    https: Option<String>,
    /// Where cleartext is led to https, or "off".
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
    /// The configuration to write, or `-` for standard output.
    #[arg(short, long, value_name = "FILE", default_value = "privet.toml")]
    output: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
    /// Ask nothing: what flags do not say has its default.
    #[arg(long)]
    yes: bool,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Nginx,
    Caddy,
}

/// Runs; exit 1 where a file would be written over, 2 for what can't be read or used, 3 where nothing can be written.
#[must_use]
pub fn run(args: &InitArgs) -> ExitCode {
    let to_stdout = args.output.as_os_str() == "-";
    if !to_stdout && !args.force && args.output.exists() {
        eprintln!(
            "privet init: {} is there already\n    hint: name another file (--output), or write over it (--force)",
            args.output.display()
        );
        return ExitCode::FAILURE;
    }
    let model = match model(args) {
        Ok(model) => model,
        Err(error) => {
            eprintln!("privet init: {}", scrubbed(&format!("{error:#}")));
            return ExitCode::from(2);
        }
    };
    let text = write::text(&model, &title(args));
    let base = if to_stdout { Path::new("") } else { args.output.parent().unwrap_or(Path::new("")) };
    if let Err(report) = valid(&args.output.display().to_string(), &text, base) {
        eprintln!(
            "privet init: what was read makes no valid configuration; nothing is written\n{}",
            scrubbed(&report.to_string())
        );
        return ExitCode::from(2);
    }
    let written =
        if to_stdout { io::stdout().write_all(text.as_bytes()) } else { put(&args.output, &text, args.force) };
    if let Err(error) = written {
        eprintln!("privet init: {} can't be written: {error}", args.output.display());
        return ExitCode::from(3);
    }
    tell(args, &model, to_stdout);
    ExitCode::SUCCESS
}

fn model(args: &InitArgs) -> anyhow::Result<Model> {
    let mut model = match &args.from {
        None => ask::model(args)?,
        Some(file) => {
            let mut model = match args.format.unwrap_or_else(|| Format::of(file)) {
                Format::Nginx => nginx::read(file)?,
                Format::Caddy => caddy::read(file)?,
            };
            if model.routes.is_empty() {
                anyhow::bail!(
                    "no route comes of {}: it leads to no application that Privet could stand in front of{}",
                    file.display(),
                    listed(&model)
                );
            }
            model.personal = args.personal_data;
            if let Some(login) = &args.login {
                model.login =
                    Some(model::path(login).ok_or_else(|| anyhow::anyhow!("the login is at a path such as /login"))?);
            }
            model
        }
    };
    model.data_dir.clone_from(&args.data);
    model.https = args.https.clone().or(model.https);
    model.http = args.http.clone().or(model.http);
    Ok(model)
}

impl Format {
    fn of(file: &Path) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if name.contains("caddy") { Self::Caddy } else { Self::Nginx }
    }
}

/// The first line of the configuration.
fn title(args: &InitArgs) -> String {
    match &args.from {
        Some(file) => format!("Privet, from {}.", file.display()),
        None => "Privet.".to_owned(),
    }
}

/// What `privet check` says of it.
fn valid(name: &str, text: &str, base: &Path) -> Result<(), Report> {
    let config = Config::parse(name, text, base, &|name| std::env::var(name).ok(), &Flags::default())?;
    check::certificates(&config, name)
}

/// Writes a new file, or in the place of one.
fn put(path: &Path, text: &str, force: bool) -> io::Result<()> {
    if force {
        return replace(path, MODE, text.as_bytes());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn tell(args: &InitArgs, model: &Model, to_stdout: bool) {
    if args.json && !to_stdout {
        let lost = |lost: &model::Lost| json!({ "file": shown(&lost.place.file), "line": lost.place.line, "what": shown(&lost.what), "why": shown(&lost.why) });
        let lost: Vec<_> = model.lost.iter().map(lost).collect();
        println!("{}", json!({ "file": args.output, "routes": model.routes.len(), "lost": lost }));
        return;
    }
    if !model.lost.is_empty() {
        eprintln!("not carried over, or different:{}", listed(model));
    }
    if !to_stdout {
        let file = args.output.display();
        println!("{file}: written, and accepted by `privet check`; routes: {}", model.routes.len());
        println!("next:  privet doctor --config {file}      privet serve --config {file}");
    }
}

/// What was lost, a line each.
fn listed(model: &Model) -> String {
    let line = |lost: &model::Lost| format!("{}:{}: {}: {}", lost.place.file, lost.place.line, lost.what, lost.why);
    model.lost.iter().map(|lost| format!("\n  {}", shown(&line(lost)))).collect::<Vec<_>>().concat()
}

/// What others have written, as a terminal may show it.
fn shown(text: &str) -> String {
    scrubbed(&printable(text))
}

#[cfg(test)]
mod tests;
