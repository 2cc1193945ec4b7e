//! `[access_log]` and `[seal]`.

use std::path::Path;

use super::{context::Context, diagnose::Diagnostics, reader::Table};
use crate::{
    observe::access_log::settings::{Format, Keep, Rotate, Settings, Target, WhenFull},
    seal,
};

/// Which keys seal: a file of its own, or one in the data folder.
pub fn seal(mut table: Table, data_dir: &Path, context: &Context<'_>, d: &mut Diagnostics<'_>) -> seal::Settings {
    let named = table.text("key_file", d).map(|text| context.keys(&text));
    table.finish(d);
    seal::Settings { key_file: Some(named.unwrap_or_else(|| data_dir.join("seal.key"))) }
}

/// The access log.
pub fn access_log(mut table: Table, seal: &seal::Settings, context: &Context<'_>, d: &mut Diagnostics<'_>) -> Settings {
    let default = Settings::default();
    let formats = [("json", Format::Json), ("combined", Format::Combined)];
    let full = [("drop", WhenFull::Drop), ("wait", WhenFull::Wait)];
    let target = match table.text("path", d).as_deref() {
        None => default.target,
        Some("-") => Target::Stdout,
        Some("off") => Target::Off,
        Some(path) => Target::File(context.path(path)),
    };
    let format = table.choice("format", d, &formats, default.format);
    let when_full = table.choice("when_full", d, &full, default.when_full);
    let queue = usize::try_from(table.size("queue", d, default.queue as u64)).unwrap_or(usize::MAX);
    let (place, queue_place) = (table.place("sealed"), table.place("queue"));
    let sealed = table.flag("sealed", d, false);
    let mut rotate = table.table("rotate", "access_log.rotate", d);
    let mut keep = table.table("keep", "access_log.keep", d);
    let settings = Settings {
        format,
        when_full,
        queue,
        rotate: Rotate {
            size: rotate.size_or_off("size", d, default.rotate.size),
            age: rotate.duration_or_off("age", d, default.rotate.age),
        },
        keep: Keep {
            files: keep.number("files", d, 0..=100_000).and_then(|n| u32::try_from(n).ok()).or(default.keep.files),
            age: keep.duration_or_off("age", d, default.keep.age),
        },
        sealed: if sealed { seal.key_file.clone() } else { None },
        target,
    };
    if queue < 64 << 10 {
        d.note(&queue_place, "`queue` must be at least \"64KiB\": a line may have several", None);
    }
    if sealed && !matches!(settings.target, Target::File(_)) {
        d.note(&place, "only a file can be sealed", Some("set `access_log.path` to a file".to_owned()));
    } else if sealed && seal.key_file.is_none() {
        d.note(&place, "there is no place for the key", Some("set `data_dir`, or `seal.key_file`".to_owned()));
    }
    rotate.finish(d);
    keep.finish(d);
    table.finish(d);
    settings
}
