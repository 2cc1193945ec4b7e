//! `privet backup verify`: whether a back-up is whole, and its journal what was written.

use std::{path::PathBuf, process::ExitCode};

use serde_json::json;

use super::{KeyArgs, VouchedArgs, failed};
use crate::{
    backup::archive::{Checked, verify},
    cli::audit,
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
    vouched: VouchedArgs,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VerifyArgs) -> ExitCode {
    let outside = match args.vouched.outside.read() {
        Ok(outside) => outside,
        Err(code) => return code,
    };
    let key = match args.key.key(false) {
        Ok(key) => key,
        Err(code) => return code,
    };
    let checked = match verify(&args.file, &key, args.vouched.with(&outside)) {
        Ok(checked) => checked,
        Err(error) => return failed(&error),
    };
    if args.json {
        println!("{}", object(&checked));
    } else {
        print(&checked);
    }
    ExitCode::from(u8::from(checked.journals.fit().is_err()))
}

fn object(checked: &Checked) -> serde_json::Value {
    let journals = checked.journals.0.iter();
    json!({
        "whole": checked.journals.fit().is_ok(), "sha256": hex(&checked.sum.sha256), "bytes": checked.sum.bytes,
        "created": audit::time_text(checked.list.created), "privet": checked.list.privet,
        "files": checked.list.files,
        "journals": journals.map(|(which, report)| audit::verify::object(&which.to_string(), report)).collect::<Vec<_>>(),
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
    for (which, report) in &checked.journals.0 {
        println!("journal    {which}");
        audit::verify::print(report);
    }
    if checked.journals.0.is_empty() {
        println!("no journal");
    }
}
