//! `privet backup verify`: whether a back-up is whole, and its journal what was written.

use std::{path::PathBuf, process::ExitCode};

use serde_json::json;

use super::{KeyArgs, failed};
use crate::{
    backup::archive::{Checked, verify},
    cli::audit::{self, verify::OutsideArgs},
    journal::tree::hex,
};

/// What `backup verify` takes.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The back-up.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    outside: OutsideArgs,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VerifyArgs) -> ExitCode {
    let outside = match args.outside.read() {
        Ok(outside) => outside,
        Err(code) => return code,
    };
    let key = match args.key.key(false) {
        Ok(key) => key,
        Err(code) => return code,
    };
    let checked = match verify(&args.file, &key, outside.outside()) {
        Ok(checked) => checked,
        Err(error) => return failed(&error),
    };
    if args.json {
        println!("{}", object(&checked));
    } else {
        print(&checked);
    }
    ExitCode::from(u8::from(checked.unfit().is_some()))
}

fn object(checked: &Checked) -> serde_json::Value {
    json!({
        "whole": checked.unfit().is_none(), "sha256": hex(&checked.sum.sha256), "bytes": checked.sum.bytes,
        "created": audit::time_text(checked.list.created), "privet": checked.list.privet,
        "files": checked.list.files, "journal": checked.journal.as_ref().map(|report| audit::verify::object("journal", report)),
    })
}

fn print(checked: &Checked) {
    let list = &checked.list;
    println!("sha256     {}", hex(&checked.sum.sha256));
    println!("created    {} by privet {}", audit::time_text(list.created), list.privet);
    println!("files      {}, all open", list.files.len());
    for file in list.files.iter().filter(|file| file.was.is_some()) {
        println!("           {} was {}", file.name, file.was.as_deref().unwrap_or_default());
    }
    match &checked.journal {
        Some(report) => audit::verify::print(report),
        None => println!("no journal"),
    }
}
