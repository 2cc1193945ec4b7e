//! TLS: what is spoken, by which certificates, and whether anything goes without.

use http::{StatusCode, header};

use super::super::{
    looking::{Looking, entrant},
    prober::Ask,
    report::Finding,
};
use crate::{
    gateway::settings::Cleartext,
    scan::{probe::tls, rule::Severity},
    tls::Source,
};

/// A certificate that ends sooner is in doubt.
const SOON: i64 = 7 * 86_400;

/// Offers everything that was ever spoken.
pub(super) async fn protocol(at: &Looking<'_>) -> Result<Finding, String> {
    let prober = at.prober()?;
    let Some(route) = at.facts().routes.first() else { return Ok(Finding::off("nothing is served")) };
    let target = prober.target(route, false).ok_or("TLS is not served")?;
    let mut facts = tls::Facts::default();
    let spent = tls::look(&prober.with(&target), &mut facts).await;
    spent.map_err(|spent| format!("not everything was offered: {spent}"))?;
    let grave = prober.found().into_iter().filter(|found| found.rule.id.starts_with("tls-"));
    let grave: Vec<&str> = grave.filter(|it| it.rule.severity >= Severity::Medium).map(|it| it.rule.id).collect();
    let look = format!("privet scan https://{}/ --connect {}:{}", target.host, target.connect.0, target.connect.1);
    let spoken = facts.protocols.join(", ");
    Ok(if facts.protocols.is_empty() {
        Finding::amber("no handshake came about: are client certificates asked for?").at(look)
    } else if grave.is_empty() {
        Finding::green(format!("{spoken}; {}", facts.groups.join(", "))).at(look)
    } else {
        Finding::red(format!("{spoken}; {}", grave.join(", "))).at(look)
    })
}

/// When certificates end.
pub(super) fn certificate(at: &Looking<'_>) -> Result<Finding, String> {
    let live = at.grounds.live.as_ref().ok_or("unknown: no gateway runs here")?;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let (mut wrong, mut doubts, mut sound) = (Vec::new(), Vec::new(), 0);
    for listed in live.tls.list() {
        let name = listed.names.first().cloned().unwrap_or_else(|| "a certificate without a name".to_owned());
        match listed.validity {
            Some((_, until)) if until <= now => wrong.push(format!("{name} has expired")),
            Some((since, _)) if since > now => wrong.push(format!("{name} is not valid yet")),
            Some((_, until)) if until - now < SOON => doubts.push(format!("{name} ends within a week")),
            None => doubts.push(format!("{name} has not come yet")),
            Some(_) if matches!(listed.source, Source::Development(_)) => {
                doubts.push(format!("{name} is of the development CA, which no browser knows"));
            }
            Some(_) => sound += 1,
        }
    }
    let green = format!("{sound} certificates are valid for a week and more");
    Ok(Finding::of(&wrong, &doubts, green).at("privet certs show"))
}

/// Whether browsers are told to come by TLS only.
pub(super) async fn hsts(at: &Looking<'_>) -> Result<Finding, String> {
    let prober = at.prober()?;
    let (mut wrong, mut doubts) = (Vec::new(), Vec::new());
    for route in &at.facts().routes {
        let (probe, headers) = entrant(route);
        let answer = prober.ask(route, Ask { headers, probe, ..Ask::default() }).await?;
        let said = answer.header(header::STRICT_TRANSPORT_SECURITY);
        // Browsers take no notice of it for addresses (RFC 6797, section 8.1.1), and it would bar developers from this machine.
        let host = prober.host(route);
        if host == "localhost" || host.parse::<std::net::IpAddr>().is_ok() {
            wrong.extend(route.hsts.is_none().then(|| format!("{} sets none", route.name)));
        } else if answer.status == StatusCode::OK && !says(said) {
            wrong.push(format!("{} says no Strict-Transport-Security", route.name));
        } else if answer.status != StatusCode::OK && route.hsts.is_none() {
            doubts.push(format!("{} was not answered, and sets none by itself", route.name));
        }
    }
    Ok(Finding::of(&wrong, &doubts, format!("said on {} routes", at.facts().routes.len())).at("`hsts` of [[route]]"))
}

fn says(header: &str) -> bool {
    let age = header.split(';').find_map(|part| part.trim().strip_prefix("max-age="));
    age.and_then(|age| age.trim_matches('"').parse::<u64>().ok()).is_some_and(|age| age > 0)
}

/// Whether anything is served, or handed on, without TLS.
pub(super) async fn cleartext(at: &Looking<'_>) -> Result<Finding, String> {
    let facts = at.facts();
    let served = facts.routes.iter().filter(|route| route.cleartext == Cleartext::Serve);
    let mut wrong: Vec<String> = served.map(|route| format!("{} is served in cleartext", route.name)).collect();
    let asked = at.grounds.live.as_ref().is_some_and(|live| live.http.is_some());
    if asked {
        let prober = at.prober()?;
        for route in facts.routes.iter().filter(|route| route.cleartext != Cleartext::Serve) {
            let answer = prober.ask(route, Ask { cleartext: true, ..Ask::default() }).await?;
            let leads = answer.status.is_redirection() && answer.header(header::LOCATION).starts_with("https://");
            if !leads && !answer.status.is_client_error() {
                wrong.push(format!("{} answers {} in cleartext", route.name, answer.status.as_u16()));
            }
        }
    }
    let doubts = facts.cleartext.iter().map(|(place, reason)| format!("{place} is in cleartext: {reason}"));
    let doubts: Vec<String> = doubts.collect();
    if wrong.is_empty() && doubts.is_empty() && !asked {
        at.prober()?;
    }
    let green = if asked { "cleartext leads to TLS on every route" } else { "nothing listens without TLS" };
    Ok(Finding::of(&wrong, &doubts, green).at("privet check --config FILE"))
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn nought_is_not_said() {
        assert!(says("max-age=31536000; includeSubDomains") && says("includeSubDomains; max-age=\"1\""));
        assert!(!says("") && !says("max-age=0") && !says("includeSubDomains"));
    }
}
