//! Whether browsers will believe the certificates, and whether the gateway serves those that lie there.

use std::{path::Path, sync::Arc};

use rustls::RootCertStore;

use super::{
    finding::{Found, span, why},
    ground::Ground,
};
use crate::{
    dial::dialer,
    gateway::settings::HostPattern,
    tls::{
        inspect::{Pair, Trust, covers},
        settings::Certificate,
    },
};

/// A certificate that lives for longer should have been renewed so long before its end.
const SOON: i64 = 14 * 86_400;
/// From which on it can't wait.
const NOW: i64 = 3 * 86_400;

pub(super) fn look(at: &Ground, found: &Found) {
    let settings = &at.config.tls;
    if settings.is_development() {
        let mend = "[[tls.certificate]] or [[tls.acme]] before anybody comes; to try it, import the development CA (`privet certs dev-ca --config FILE`)";
        return found.note("development", "the certificate is one of the development CA, which no browser knows", mend);
    }
    let mut names: Vec<String> = settings.acme.iter().flat_map(|order| order.domains.clone()).collect();
    let mut unread = false;
    for certificate in &settings.certificates {
        match Pair::read(&certificate.chain, &certificate.key) {
            Ok(pair) => {
                names.extend(pair.names().iter().cloned());
                validity(at, certificate, &pair, found);
                chain(at, certificate, &pair, found);
                served(at, certificate, pair.validity(), found);
            }
            Err(error) => {
                unread = true;
                let mend = "put the leaf first and its own key beside it: both `openssl x509 -in CHAIN -noout -pubkey` and `openssl pkey -in KEY -pubout` must print the same. A running gateway keeps what it had";
                found.fault("pair", why(&error), mend);
            }
        }
    }
    // Its names are not known.
    if !unread {
        hosts(at, &names, found);
    }
}

fn validity(at: &Ground, certificate: &Certificate, pair: &Pair, found: &Found) {
    let ((since, until), now) = (pair.validity(), i64::try_from(at.seconds()).unwrap_or(i64::MAX));
    let (chain, days) = (certificate.chain.display(), |seconds: i64| span(seconds.unsigned_abs()));
    let renew = "renew it; a changed file is taken into use by itself, and [[tls.acme]] renews without anybody";
    if now >= until {
        found.fault("expired", format!("the certificate in {chain} has ended {} ago", days(now - until)), renew);
    } else if now < since {
        let mend = "see whether the clock is right; else wait, or put the one before it back";
        found.fault("early", format!("the certificate in {chain} begins in {}", days(since - now)), mend);
    } else if until - now < SOON && until - since > SOON * 2 {
        let seen = format!("the certificate in {chain} ends in {}", days(until - now));
        found.graded(until - now < NOW, "soon", seen, format!("{renew}; see why nobody has"));
    }
}

/// Whether clients can build the chain.
fn chain(at: &Ground, certificate: &Certificate, pair: &Pair, found: &Found) {
    let roots: Arc<RootCertStore> = match dialer::roots(at.ca.as_deref()) {
        Ok(roots) => Arc::new(roots),
        Err(error) => return found.unseen(format!("the chain of {}: {}", certificate.chain.display(), why(&error))),
    };
    let chain = certificate.chain.display();
    match pair.trust(roots) {
        Trust::Believed => {}
        Trust::Missing(issuer) => found.fault(
            "chain",
            format!("clients can't build the chain of {chain}: the certificate of \"{issuer}\" is missing in it, and is no authority of this machine"),
            "append the intermediate certificates that your authority has sent along (its \"full chain\"); with an authority of your own, name it: `privet doctor --ca FILE`",
        ),
        Trust::Private(authority) => found.warning(
            "private",
            format!("the chain of {chain} ends in \"{authority}\", which this machine does not believe"),
            "clients must have it imported; `privet doctor --ca FILE` looks as they do",
        ),
        Trust::Refused(why) => found.fault("chain", format!("clients will not take the chain of {chain}: {why}"), "order another one"),
    }
}

/// Whether the running gateway uses what lies in the file.
fn served(at: &Ground, certificate: &Certificate, validity: (i64, i64), found: &Found) {
    let Some(live) = at.live() else { return };
    let is_it = |place: &str| absolute(Path::new(place)) == absolute(&certificate.chain);
    let listed =
        live.certificates.iter().find(|row| row["source"] == "file" && row["place"].as_str().is_some_and(is_it));
    let time = |row: &serde_json::Value, name: &str| {
        let text = row[name].as_str()?;
        let at = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
        at.ok().map(time::OffsetDateTime::unix_timestamp)
    };
    let known = listed.and_then(|row| time(row, "since").zip(time(row, "until")));
    if known == Some(validity) {
        return;
    }
    let seen = format!("the gateway serves another certificate than the one in {}", certificate.chain.display());
    found.fault(
        "served",
        seen,
        "its log says why it keeps the old one; mend the files, and `systemctl reload privet` (SIGHUP)",
    );
}

fn absolute(path: &Path) -> std::path::PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Whether each route's host has a certificate.
fn hosts(at: &Ground, names: &[String], found: &Found) {
    let mut told = Vec::new();
    for route in &at.config.gateway.routes {
        let host = match &route.host {
            HostPattern::Any => continue,
            HostPattern::Exact(host) if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') => continue,
            HostPattern::Exact(host) => host.clone(),
            HostPattern::Wildcard(suffix) => format!("*.{suffix}"),
        };
        if covers(names, &host) || told.contains(&host) {
            continue;
        }
        let mend =
            "order a certificate that has the name, and add it ([[tls.certificate]], or `domains` of [[tls.acme]])";
        found.fault(
            "host",
            format!("no certificate is for {host}, which a route serves: browsers will refuse it"),
            mend,
        );
        told.push(host);
    }
}
