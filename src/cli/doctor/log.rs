//! Whether the access log can be written where it is to go.

use std::path::Path;

use super::{data::may_write, finding::Found, ground::Ground};
use crate::observe::access_log::settings::Target;

pub(super) fn look(at: &Ground, found: &Found) {
    let Target::File(path) = &at.config.access_log.target else { return };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (user, shown) = (at.user(), path.display());
    if !folder.is_dir() {
        let seen = format!("the folder of the access log {shown} is missing");
        return found.fault("path", seen, format!("install -d -m 750 -o {user} {}", folder.display()));
    }
    // A log that is put aside makes a new file.
    let unwritable = [folder, path].into_iter().find(|place| place.exists() && !may_write(place, user));
    if let Some(place) = unwritable {
        let seen =
            format!("{} can't be written by user {user}, and the access log {shown} is to go there", place.display());
        found.fault(
            "path",
            seen,
            format!("chown {user} {}; in a unit name it in LogsDirectory= or ReadWritePaths=", place.display()),
        );
    }
}
