//! Made-up people's data is sent through every route, and looked for in whatever is written of that.

use std::{sync::Arc, time::Duration};

use http::header;

use super::super::{
    looking::{Looking, entrant},
    person::Person,
    prober::{Ask, MARK},
    report::Finding,
};
use crate::{common::clock, journal::search::Filter, observe::access_log::Lookout};

/// How long lines may take to be written.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends, waits for the lines, and searches them and the journal.
pub(super) async fn scrubbed(at: &Looking<'_>) -> Result<Finding, String> {
    let prober = at.prober()?;
    let live = at.grounds.live.as_ref().ok_or("unknown: no gateway runs here")?;
    let since = clock::millis();
    // Of its own, in letters: lines of other probes may still be on their way, and a number might be taken for somebody's.
    let mark: String = (0..12).map(|_| fastrand::lowercase()).collect();
    let mark = format!("{MARK}-{mark}");
    let lookout = Arc::new(Lookout::new(&mark));
    if let Some(log) = &live.log {
        log.watch(Some(Arc::clone(&lookout)));
    }
    let mut sent = Vec::new();
    let mut expected = 0;
    for route in &at.facts().routes {
        let person = Person::of(fastrand::u64(..));
        let (probe, mut headers) = entrant(route);
        let values: Vec<String> =
            person.values().iter().map(|(kind, value)| format!("{}={value}", kind.to_lowercase())).collect();
        let query = format!("?{}", values.join("&"));
        headers.push((header::REFERER, format!("https://{}/{mark}{query}", prober.host(route))));
        let path = format!("{}/{mark}", route.path.trim_end_matches('/'));
        let path = Some(&*path);
        let asked = prober.ask(route, Ask { path, query, headers, probe, ..Ask::default() }).await;
        expected += usize::from(route.access_log && live.log.is_some());
        sent.push((route.name.clone(), person));
        if let Err(why) = asked {
            unwatch(at);
            return Err(why);
        }
    }
    let begun = std::time::Instant::now();
    while lookout.lines() < expected && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unwatch(at);
    let records = at.records(&Filter { since: Some(since), ..Filter::default() }).unwrap_or_default();
    let texts: Vec<String> =
        records.iter().map(|(_, line)| serde_json::Value::Object(line.body.clone()).to_string()).collect();
    let mut wrong = Vec::new();
    for (route, person) in &sent {
        for (kind, value) in person.values() {
            if lookout.has(value) {
                wrong.push(format!("a {kind} of a request to {route} is in the access log in clear"));
            }
            if texts.iter().any(|text| text.contains(value)) {
                wrong.push(format!("a {kind} of a request to {route} is in the journal in clear"));
            }
        }
    }
    let doubts = if lookout.lines() < expected {
        vec![format!("only {} of {expected} lines were written in time", lookout.lines())]
    } else {
        Vec::new()
    };
    let (lines, routes, kept) = (lookout.lines(), sent.len(), texts.len());
    let green = format!("none of it is in {lines} lines of {routes} routes, nor in {kept} records");
    Ok(Finding::of(&wrong, &doubts, green).at("privet audit search --since TIME"))
}

fn unwatch(at: &Looking<'_>) {
    if let Some(log) = at.grounds.live.as_ref().and_then(|live| live.log.as_ref()) {
        log.watch(None);
    }
}
