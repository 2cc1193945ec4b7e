//! Whether the clock is right: one-time codes, tokens, certificates and records go by it.

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;

use super::{
    asked::{date, head},
    finding::{Found, span},
    ground::Ground,
};
use crate::{gateway::settings::Route, journal::ending};

/// From which on others disagree with us: an answer says whole seconds, and takes a moment.
const OFF: Duration = Duration::from_secs(5);
/// From which on one-time codes and tokens are refused.
const GRAVE: Duration = Duration::from_secs(30);
/// Most applications that are asked.
const MOST: usize = 8;

pub(super) fn look(at: &Ground, found: &Found) {
    others(at, found);
    journal(at, found);
}

/// Asks applications what time it is.
fn others(at: &Ground, found: &Found) {
    let routes = at.config.gateway.routes.iter();
    let asked = routes.filter(|route| !route.upstream.http2).take(MOST).map(|route| skew(route));
    let heard = match Ground::wait(join_all(asked)) {
        Ok(heard) => heard,
        Err(why) => return found.unseen(why),
    };
    let heard = heard.into_iter().flatten().max_by_key(|(_, off, _)| *off);
    let Some((route, off, ahead)) = heard.filter(|(_, off, _)| *off > OFF) else { return };
    let way = if ahead { "ahead of" } else { "behind" };
    let seen =
        format!("this machine's clock is {} {way} that of the application of route {route}", span(off.as_secs()));
    let mend = "see which of them is wrong (`timedatectl`, `date -u`), and keep both by NTP (chrony, systemd-timesyncd): one-time codes and tokens are refused from half a minute on, certificates by whole days";
    found.graded(off > GRAVE, "skew", seen, mend);
}

/// How far our clock is off that of a route's application, and whether it is ahead.
async fn skew(route: &Route) -> Option<(&str, Duration, bool)> {
    let endpoint = route.upstream.endpoints.first()?;
    let path = route.upstream.health.as_ref().map_or("/", |health| &health.path);
    let theirs = date(&head(endpoint, path).await?)?;
    let ours = SystemTime::now();
    let (off, ahead) = match ours.duration_since(theirs) {
        Ok(off) => (off, true),
        Err(error) => (error.duration(), false),
    };
    Some((&route.name, off, ahead))
}

/// A record of tomorrow says that the clock was ahead then, or is behind now.
fn journal(at: &Ground, found: &Found) {
    let Some(journal) = &at.config.journal else { return };
    // What can't be read `journal` tells.
    for place in journal.place.own().unwrap_or_default() {
        let last = ending::look(&place).ok().and_then(|ending| ending.last).map(|millis| millis / 1000);
        let Some(early) = last.and_then(|last| last.checked_sub(at.seconds())).filter(|early| *early > OFF.as_secs())
        else {
            continue;
        };
        let seen = format!("the last record of the journal in {place} is of {} from now", span(early));
        let mend = "the clock is behind now, or was ahead when that was written: mend it before more is written, and say in the journal's papers from when to when it was wrong; a gateway whose clock was set by `--now` shares its data folder with none other";
        found.graded(early > GRAVE.as_secs(), "future", seen, mend);
    }
}
