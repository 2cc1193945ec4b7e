//! Whether authorities can be asked for certificates, and whether what was ordered has come.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use super::{
    asked::PATIENCE,
    finding::{Found, span, why},
    ground::Ground,
};
use crate::{dial::asker::Asker, tls::settings::Acme};

/// An ordered certificate that ends sooner should have been renewed.
const SOON: i64 = 7 * 86_400;

pub(super) fn look(at: &Ground, found: &Found) {
    let orders = &at.config.tls.acme;
    let asked = async {
        join_all(orders.iter().map(|order| directory(order, found))).await;
        join_all(orders.iter().flat_map(|order| &order.domains).map(|domain| resolves(domain, found))).await;
    };
    if let Err(why) = Ground::wait(asked) {
        found.unseen(why);
    }
    for row in at.live().into_iter().flat_map(|live| &live.certificates).filter(|row| row["source"] == "acme") {
        standing(row, at, found);
    }
}

async fn directory(order: &Acme, found: &Found) {
    let asker = Asker::new(order.ca.clone(), PATIENCE);
    let Ok(request) = Request::get("/").body(Full::<Bytes>::default()) else { return };
    let place = &order.directory;
    match asker.ask(place, request).await {
        Err(error) => found.fault(
            "unreachable",
            format!("the authority's directory {place} can't be asked: {}", why(&error)),
            "let this machine connect to it (DNS, firewall; a proxy is not used); name its authority in `ca` of [[tls.acme]] where it is one of your own",
        ),
        Ok(answer) => {
            let is_one = serde_json::from_slice::<Value>(answer.body()).is_ok_and(|said| said["newOrder"].is_string());
            if answer.status() != StatusCode::OK || !is_one {
                let seen = format!("what answers {} at {place} is no directory of ACME", answer.status().as_u16());
                found.fault("directory", seen, "mend `directory` of [[tls.acme]]: authorities say what theirs is");
            }
        }
    }
}

/// The authority comes by the domain's name.
async fn resolves(domain: &str, found: &Found) {
    let looked = tokio::time::timeout(Duration::from_secs(5), tokio::net::lookup_host((domain, 443))).await;
    if !looked.is_ok_and(|looked| looked.is_ok_and(|mut all| all.next().is_some())) {
        let seen = format!("{domain}, for which a certificate is ordered, does not resolve here");
        found.warning(
            "domain",
            seen,
            "add an A or AAAA record that leads here: the authority comes by it to see whether the domain is yours",
        );
    }
}

/// How an order stands in the running gateway.
fn standing(row: &Value, at: &Ground, found: &Found) {
    let names = row["names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let trouble = row["trouble"].as_str().map_or_else(String::new, |text| format!(": {text}"));
    let mend = "`privet certs show` says when it is tried next; port 443 (tls-alpn-01) or 80 (http-01) of each name must lead here from the internet";
    let until = row["until"].as_str().and_then(|text| {
        let at = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
        at.ok().map(time::OffsetDateTime::unix_timestamp)
    });
    match until {
        None => found.fault("waiting", format!("the certificate of {names} has not come yet{trouble}"), mend),
        Some(until) => {
            let left = until - i64::try_from(at.seconds()).unwrap_or(i64::MAX);
            if left < SOON && !trouble.is_empty() {
                let left = span(u64::try_from(left).unwrap_or(0));
                found.fault(
                    "renewal",
                    format!("the certificate of {names} ends in {left} and is not renewed{trouble}"),
                    mend,
                );
            }
        }
    }
}
