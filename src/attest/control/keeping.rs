//! What lies on this machine: sealed, and for Privet's own user alone.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use super::super::{grounds::Facts, looking::Looking, report::Finding};
use crate::{journal::Place, seal::settings::variable};

/// What every record's plain text begins with.
const PLAIN: &[u8] = b"{\"body\":";
/// The same, of another order.
const KIND: &[u8] = b"\"kind\":\"";

/// Looks for plain text in what is kept.
pub(super) fn sealed(at: &Looking<'_>) -> Result<Finding, String> {
    let facts = at.facts();
    let (Some(journal), Some(seal)) = (&facts.journal, &facts.seal) else {
        return Ok(Finding::off("no journal is kept, or there is no key that seals").at("[journal], [seal]"));
    };
    let (mut wrong, mut files) = (Vec::new(), 0);
    for place in journal.place.all().map_err(|error| error.to_string())? {
        let Place::Folder(folder) = &place else { continue };
        for entry in fs::read_dir(folder).map_err(|error| error.to_string())?.flatten() {
            if entry.path().extension().is_none_or(|extension| extension != "journal") {
                continue;
            }
            let bytes = fs::read(entry.path()).map_err(|error| error.to_string())?;
            files += 1;
            if [PLAIN, KIND].iter().any(|text| memchr::memmem::find(&bytes, text).is_some()) {
                wrong.push(format!("{} holds plain text", entry.path().display()));
            }
        }
    }
    if variable(seal).is_none() && !seal.exists() {
        wrong.push(format!("the key file {} is missing", seal.display()));
    }
    Ok(Finding::of(&wrong, &[], format!("{files} files of the journal hold no plain text")).at("docs/JOURNAL.md"))
}

/// Looks at who may read keys and folders.
pub(super) fn private(at: &Looking<'_>) -> Finding {
    let mut wrong = Vec::new();
    let mut looked = 0;
    for (path, about) in private_files(at.facts()) {
        match about.map(|about| about.mode()) {
            Ok(mode) if mode & 0o077 != 0 => wrong.push(format!("{} has mode {:o}", path.display(), mode & 0o7777)),
            Ok(_) => looked += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    Finding::of(&wrong, &[], format!("{looked} keys and folders are for their owner alone")).at("chmod 600 FILE")
}

/// The data folder and every file of keys, and what the system says of each.
pub fn private_files(facts: &Facts) -> impl Iterator<Item = (&Path, io::Result<fs::Metadata>)> {
    let keys = facts.keys.iter().filter(|path| variable(path).is_none());
    [&facts.data_dir].into_iter().chain(keys).map(|path| (path.as_path(), fs::metadata(path)))
}
