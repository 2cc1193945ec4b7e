//! The gateway itself: whether one runs, answers, and works by this file.

use std::fs;

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    finding::Found,
    ground::{Gateway, Ground, Live},
};
use crate::journal::tree::hex;

pub(super) fn look(at: &Ground, found: &Found) {
    let folder = at.config.data_dir.display();
    match &at.gateway {
        Gateway::Absent => found.note(
            "absent",
            format!("no gateway runs with the data folder {folder}"),
            "`privet serve --config FILE`, or `systemctl start privet`; what is looked at is what it will find",
        ),
        Gateway::Hidden(why) => {
            found.unseen(format!("whether a gateway runs: {why}; look as the user that serves, or as root"));
        }
        Gateway::Silent(id, why) => {
            let who = id.map_or_else(String::new, |id| format!(" (process {id})"));
            found.fault(
                "silent",
                format!("a gateway holds the data folder {folder}{who} and does not answer: {why}"),
                "its log, and `ss -xlp` for DATA/control.sock; it starts, ends or hangs. If it hangs, `kill -ABRT` and start it anew",
            );
        }
        Gateway::Runs(live) => runs(at, live, found),
    }
}

fn runs(at: &Ground, live: &Live, found: &Found) {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, at.text.as_bytes()).as_ref());
    if live.sha256.as_ref().is_some_and(|known| *known != hex(&sum)) {
        let seen = format!(
            "the gateway does not work by {} as it is now: it was started with another file, or has refused this one",
            at.file.display()
        );
        found.fault("stale", seen, "`privet check --config FILE`, then `systemctl reload privet` (SIGHUP), and read its log: it says why a new configuration is refused");
    }
    let program = live.id.and_then(|id| fs::read_link(at.root.join(format!("proc/{id}/exe"))).ok());
    if program.is_some_and(|program| program.to_string_lossy().ends_with(" (deleted)")) {
        let seen = "the program that runs is not the one that is installed: it was replaced since the start";
        found.warning(
            "replaced",
            seen,
            "`systemctl restart privet`; with its sockets held by systemd no connection is lost",
        );
    }
}
