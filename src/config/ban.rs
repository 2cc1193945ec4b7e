//! `[shield.ban]`: who is banned, for what and for how long.

use std::{fs, path::PathBuf, time::Duration};

use http::HeaderValue;
use ipnet::IpNet;

use super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    reader::Table,
    secret,
};
use crate::{
    common::{limit::Limit, secret::Secret, unit},
    dial::address::Address,
    shield::ban::{
        networks::network,
        scenario::Scenario,
        settings::{Answer, Crowdsec, List, Origin, Settings},
    },
};

const LONGEST: Duration = seconds(365 * 86_400);
/// Most lists: each is asked for every request.
const LISTS: usize = 16;
const LIMIT: &str = "a number and a duration such as \"10/1m\", or \"off\",";

/// `None` where nobody is banned.
pub(super) fn resolve(
    table: Option<Table>,
    trusted: &[IpNet],
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Settings> {
    let mut table = table?;
    let usual = Settings::default();
    let contact_place = table.place("contact");
    let contact = table.text("contact", d).filter(|text| !text.trim().is_empty());
    if contact.as_ref().is_some_and(|text| text.len() > 200 || text.contains(char::is_control)) {
        d.note(&contact_place, "`contact` must be at most 200 bytes in one line: it stands on a page", None);
    }
    let answers = [("page", Answer::Page), ("close", Answer::Close)];
    let max_keys = table.number("max_keys", d, 1000..=100_000_000).and_then(|n| usize::try_from(n).ok());
    let settings = Settings {
        contact,
        answer: table.choice("answer", d, &answers, usual.answer),
        allow: table.list("allow", d, "a network such as \"192.0.2.0/24\"", network).unwrap_or_default(),
        trusted: trusted.to_vec(),
        limits: Scenario::ALL.map(|scenario| limit(&mut table, scenario, d)),
        steps: steps(&mut table, d).unwrap_or(usual.steps),
        forget: bounded(&mut table, "forget", usual.forget, [seconds(1), LONGEST], d),
        max_keys: max_keys.unwrap_or(usual.max_keys),
        scanner_paths: table.list("scanner_paths", d, "a path such as \"/old-admin\"", path).unwrap_or_default(),
        lists: lists(&mut table, context, d),
    };
    table.finish(d);
    Some(settings)
}

fn limit(table: &mut Table, scenario: Scenario, d: &mut Diagnostics<'_>) -> Option<Limit> {
    let parse = |text: &str| if text == "off" { Ok(None) } else { Limit::parse(text).map(Some) };
    table.parsed(scenario.name(), d, LIMIT, parse).unwrap_or(Some(scenario.usual()))
}

fn steps(table: &mut Table, d: &mut Diagnostics<'_>) -> Option<Vec<Duration>> {
    let place = table.place("steps");
    let step = |text: &str| match unit::parse_duration(text) {
        Ok(step) if (seconds(1)..=LONGEST).contains(&step) => Ok(step),
        Ok(_) => Err(format!("\"{text}\" is not from 1s to 365d")),
        Err(error) => Err(error.to_string()),
    };
    let steps = table.list("steps", d, "a duration such as \"10m\"", step)?;
    if steps.is_empty() || steps.len() > Settings::STEPS {
        d.note(&place, format!("`steps` must hold from 1 to {} durations", Settings::STEPS), None);
        return None;
    }
    Some(steps)
}

fn bounded(
    table: &mut Table,
    name: &'static str,
    usual: Duration,
    [least, most]: [Duration; 2],
    d: &mut Diagnostics<'_>,
) -> Duration {
    let place = table.place(name);
    let found = table.duration(name, d, usual);
    if !(least..=most).contains(&found) {
        let (least, days) = (least.as_secs(), most.as_secs() / 86_400);
        d.note(&place, format!("`{name}` must be from {least}s to {days}d"), None);
    }
    found
}

fn path(text: &str) -> Result<String, String> {
    if text.len() > 1 && text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("it is no path below `/`".to_owned())
    }
}

fn lists(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Vec<List> {
    let place = table.place("list");
    let mut lists: Vec<List> = Vec::new();
    for table in table.tables("list", "shield.ban.list[]", d) {
        let span = table.span.clone();
        let Some(list) = list(table, context, d) else { continue };
        if lists.iter().any(|other| other.name == list.name) {
            d.note(&span, format!("a second list called `{}`", list.name), None);
        }
        lists.push(list);
    }
    if lists.len() > LISTS {
        d.note(&place, format!("more than {LISTS} lists"), Some("join some of the files".to_owned()));
    }
    lists
}

fn list(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<List> {
    let span = table.span.clone();
    let given = table.has("name");
    let name = table.parsed("name", d, "a short name such as \"spamhaus\"", name);
    if !given {
        d.note(&span, "a list needs a name, which metrics and `privet ban list` show", Some("add `name`".to_owned()));
    }
    let origin = match (table.has("file"), table.has("crowdsec")) {
        (true, false) => file(&mut table, context, d).map(Origin::File),
        (false, true) => crowdsec(&mut table, context, d).map(|agent| Origin::Crowdsec(Box::new(agent))),
        _ => {
            let hint = "write a [[shield.ban.list]] for each".to_owned();
            d.note(&span, "a list is one of `file` and `crowdsec`", Some(hint));
            return None;
        }
    };
    table.finish(d);
    Some(List { name: name?, origin: origin? })
}

fn name(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    if (1..=32).contains(&text.len()) && text.bytes().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("it must be 1 to 32 lower-case letters, digits, `_` or `-`".to_owned())
    }
}

fn file(table: &mut Table, context: &Context<'_>, d: &mut Diagnostics<'_>) -> Option<PathBuf> {
    let place = table.place("file");
    let path = table.text("file", d).map(|text| context.path(&text))?;
    // Read again whenever it changes; what can't be read now was named wrongly.
    match fs::File::open(&path) {
        Ok(_) => Some(path),
        Err(error) => {
            d.note(&place, format!("{} can't be read: {error}", path.display()), None);
            None
        }
    }
}

fn crowdsec(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Crowdsec> {
    let (span, place) = (table.span.clone(), table.place("crowdsec"));
    let url = "a URL such as \"http://127.0.0.1:8080\"";
    let address = table.parsed("crowdsec", d, url, |text| {
        let address = Address::parse_exposed(text).map_err(|error| error.to_string())?;
        address.below("/").map(|_| address).map_err(|_| "it has a query".to_owned())
    });
    let reason = table.text("cleartext_reason", d).filter(|text| !text.trim().is_empty());
    let exposed = address.as_ref().is_some_and(Address::is_exposed);
    if exposed && reason.is_none() {
        let hint = "use https, or say why cleartext is acceptable here: `cleartext_reason = \"...\"`".to_owned();
        d.note(&place, "the agent, and its key, would be reached in cleartext beyond loopback", Some(hint));
    }
    let key = secret::text(table, ["api_key", "api_key_file"], context, d);
    match &key {
        None => d.note(
            &span,
            "an agent answers nobody without a key",
            Some("add `api_key_file`: `cscli bouncers add` makes one".to_owned()),
        ),
        Some((text, place)) if text.is_empty() || HeaderValue::from_str(text).is_err() => {
            d.note(place, "`api_key` holds what a header can't", None);
        }
        Some(_) => {}
    }
    let ca_place = table.place("ca");
    let ca = table.text("ca", d).map(|text| context.path(&text));
    match &ca {
        Some(_) if address.as_ref().is_some_and(|address| address.server_name().is_none()) => {
            d.note(&ca_place, "`ca` without TLS would protect nothing", Some("write https in `crowdsec`".to_owned()));
        }
        Some(ca) => context.files.push(ca.clone()),
        None => {}
    }
    let every = bounded(table, "every", seconds(10), [seconds(1), seconds(86_400)], d);
    let key = Secret::new(key?.0);
    Some(Crowdsec { address: address?, key, ca, every, cleartext_reason: reason.filter(|_| exposed) })
}
