//! `[telemetry]`: where what is observed is sent.

use std::time::Duration;

use http::{HeaderName, HeaderValue, header};

use super::{context::Context, diagnose::Diagnostics, reader::Table, secret};
use crate::observe::otlp::{
    Settings,
    settings::{Endpoint, Protocol, Share, Signal},
};

const WANTED: &str = "a URL such as \"http://127.0.0.1:4317\"";

/// `None` where nothing is sent.
pub(super) fn resolve(table: Option<Table>, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Settings> {
    let mut table = table?;
    let (span, place) = (table.span.clone(), table.place("endpoint"));
    let given = place != span;
    let endpoint = table.parsed("endpoint", d, WANTED, |text| Endpoint::parse(text).map_err(str::to_owned));
    let protocols = [("grpc", Protocol::Grpc), ("http/protobuf", Protocol::Http)];
    let protocol = table.choice("protocol", d, &protocols, Protocol::Grpc);
    let signals_place = table.place("signals");
    let signal = |text: &str| Signal::of(text).ok_or_else(|| format!("\"{text}\" is not known"));
    let signals = table.list("signals", d, "\"traces\", \"metrics\" or \"logs\"", signal);
    if signals.as_ref().is_some_and(Vec::is_empty) {
        d.note(&signals_place, "`signals` is empty: nothing would be sent", Some("remove `[telemetry]`".to_owned()));
    }
    let share = |text: &str| Share::parse(text).ok_or_else(|| format!("\"{text}\" is not a percentage"));
    let sample = table.parsed("sample", d, "a percentage such as \"10%\" or \"0.5%\"", share).unwrap_or(Share::ALL);
    let interval = interval(&mut table, d);
    let authorization = authorization(&mut table, context, d);
    let ca_place = table.place("ca");
    let ca = table.text("ca", d).map(|text| context.path(&text));
    let service_name = table.text("service_name", d).filter(|name| !name.is_empty());
    let resource = table.list("resource", d, "\"NAME=VALUE\"", attribute).unwrap_or_default();
    let cleartext_reason = table.text("cleartext_reason", d).filter(|text| !text.trim().is_empty());
    table.finish(d);
    let Some(endpoint) = endpoint else {
        if !given {
            d.note(&span, "`[telemetry]` says nothing of where it goes", Some(format!("add `endpoint`: {WANTED}")));
        }
        return None;
    };
    if endpoint.is_exposed() && cleartext_reason.is_none() {
        let hint = "use https, or say why cleartext is acceptable here: `cleartext_reason = \"...\"`".to_owned();
        d.note(&place, format!("`{endpoint}` would be reached in cleartext beyond loopback"), Some(hint));
    }
    if protocol == Protocol::Grpc && !endpoint.path.is_empty() {
        let hint = "remove the path, or set `protocol = \"http/protobuf\"`".to_owned();
        d.note(&place, "gRPC has no path", Some(hint));
    }
    match &ca {
        Some(_) if !endpoint.tls => {
            d.note(&ca_place, "`ca` without TLS would protect nothing", Some("write https in `endpoint`".to_owned()));
        }
        Some(ca) => context.files.push(ca.clone()),
        None => {}
    }
    Some(Settings {
        endpoint,
        protocol,
        signals: signals.unwrap_or(Signal::ALL.into()).into_iter().collect(),
        sample,
        interval,
        authorization,
        ca,
        service_name: service_name.unwrap_or_else(|| "privet".to_owned()),
        resource,
        cleartext_reason,
    })
}

fn interval(table: &mut Table, d: &mut Diagnostics<'_>) -> Duration {
    let place = table.place("interval");
    let interval = table.duration("interval", d, Duration::from_secs(60));
    if interval < Duration::from_secs(1) || interval > Duration::from_secs(3600) {
        d.note(&place, "`interval` must be from 1s to 1h", None);
    }
    interval
}

fn authorization(
    table: &mut Table,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<(HeaderName, HeaderValue)> {
    let place = table.place("authorization_header");
    let name = |text: &str| text.parse::<HeaderName>().map_err(|_| "it is not the name of a header".to_owned());
    let name = table.parsed("authorization_header", d, "the name of a header", name);
    let value = secret::text(table, ["authorization", "authorization_file"], context, d);
    if value.is_none() && name.is_some() {
        d.note(&place, "`authorization_header` without `authorization`", Some("set both".to_owned()));
    }
    let (text, place) = value?;
    let Ok(mut value) = HeaderValue::from_str(&text) else {
        d.note(&place, "`authorization` holds what a header can't", None);
        return None;
    };
    value.set_sensitive(true);
    Some((name.unwrap_or(header::AUTHORIZATION), value))
}

/// `NAME=VALUE`
fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("it has no name and value".to_owned()),
    }
}
