//! The certificate that a server shows.

use rustls::{client::verify_server_name, pki_types::ServerName, server::ParsedCertificate};
use time::{OffsetDateTime, macros::format_description};
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _, public_key::PublicKey, x509::X509Name,
};

use super::{
    Probe,
    budget::Spent,
    client::{Error, Shown, has_rule},
    tls::Facts,
};
use crate::scan::{finding::Seen, rules::transport as rule};

/// Days before its end from which a certificate should have been renewed.
const SOON: i64 = 14;
/// Signature algorithms that rest on MD5 or SHA-1.
const WEAK: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
];

/// Looks at the chain that a client is shown.
///
/// # Errors
/// When nothing more may be asked.
pub async fn look(probe: &Probe<'_>, facts: &mut Facts) -> Result<(), Spent> {
    probe.budget.take().await?;
    let shown = async {
        let socket = probe.connect(probe.target).await?;
        probe.handshake(probe.target, socket).await
    };
    match tokio::time::timeout(super::budget::PATIENCE, shown).await {
        Ok(Ok((_, Some(shown)))) => judge(probe, facts, &shown),
        Ok(Ok((_, None))) => probe.note("the server has shown no certificate"),
        Ok(Err(Error::Spent(spent))) => return Err(spent),
        Ok(Err(error)) => probe.note(format!("the certificate could not be looked at: {error}")),
        Err(_) => probe.note("the certificate could not be looked at: there was no answer in time"),
    }
    Ok(())
}

fn judge(probe: &Probe<'_>, facts: &mut Facts, shown: &Shown) {
    let Some(own) = shown.chain.first() else { return };
    let Ok((_, certificate)) = X509Certificate::from_der(own) else {
        probe.found_here(&rule::UNTRUSTED, &Seen::sample("it can't be read"));
        return;
    };
    let now = OffsetDateTime::now_utc();
    for (place, der) in shown.chain.iter().enumerate() {
        let Ok((_, one)) = X509Certificate::from_der(der) else { continue };
        let name = if place == 0 { "its own".to_owned() } else { named(one.subject()) };
        validity(probe, &name, &one, now);
        let algorithm = one.signature_algorithm.algorithm.to_id_string();
        // Nobody checks the signature of a root.
        if one.subject() != one.issuer()
            && let Some((_, weak)) = WEAK.iter().find(|(oid, _)| *oid == algorithm)
        {
            probe.found_here(&rule::WEAK_SIGNATURE, &Seen::new(name, *weak));
        }
    }
    key(probe, &certificate);
    let wrong = match (ParsedCertificate::try_from(own), ServerName::try_from(probe.target.name().to_owned())) {
        (Ok(parsed), Ok(name)) => verify_server_name(&parsed, &name).is_err(),
        _ => false,
    };
    if wrong {
        probe.found_here(&rule::WRONG_NAME, &Seen::sample(format!("it is for {}", names(&certificate).join(", "))));
    }
    if let Some(fault) = shown.fault.as_ref().filter(|fault| !has_rule(fault)) {
        let issuer = named(certificate.issuer());
        probe.found_here(&rule::UNTRUSTED, &Seen::sample(format!("{fault}; issued by {issuer}")));
    }
    facts.certificate = Some(super::super::finding::shown(
        &format!(
            "{}, by {}, until {}",
            names(&certificate).join(", "),
            named(certificate.issuer()),
            day(certificate.validity().not_after.to_datetime())
        ),
        probe.eye,
    ));
}

fn validity(probe: &Probe<'_>, name: &str, certificate: &X509Certificate<'_>, now: OffsetDateTime) {
    let (from, until) =
        (certificate.validity().not_before.to_datetime(), certificate.validity().not_after.to_datetime());
    if now < from {
        probe.found_here(&rule::EXPIRED, &Seen::new(name, format!("begins on {}", day(from))));
    } else if now > until {
        probe.found_here(&rule::EXPIRED, &Seen::new(name, format!("ended on {}", day(until))));
    } else if (until - now).whole_days() < SOON && (until - from).whole_days() > SOON * 2 {
        probe.found_here(&rule::EXPIRING, &Seen::new(name, format!("ends on {}", day(until))));
    }
}

fn key(probe: &Probe<'_>, certificate: &X509Certificate<'_>) {
    let (kind, bits, least) = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => ("RSA", key.key_size(), 2048),
        Ok(PublicKey::EC(point)) => ("a curve", point.key_size(), 256),
        Ok(PublicKey::DSA(_)) => ("DSA", 0, 1),
        _ => return,
    };
    if bits < least {
        probe.found_here(&rule::WEAK_KEY, &Seen::new(kind, format!("{bits} bits")));
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extension = certificate.subject_alternative_name().ok().flatten();
    let alternatives = extension.into_iter().flat_map(|extension| extension.value.general_names.iter());
    let named = alternatives.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress([a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}")),
        _ => None,
    });
    let named: Vec<String> = named.take(8).collect();
    if named.is_empty() { vec!["no name".to_owned()] } else { named }
}

fn named(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|name| name.as_str().ok());
    let organization = name.iter_organization().next().and_then(|name| name.as_str().ok());
    common.or(organization).unwrap_or("nobody").to_owned()
}

fn day(time: OffsetDateTime) -> String {
    time.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}
