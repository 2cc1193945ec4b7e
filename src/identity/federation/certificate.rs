//! The name in a client certificate. The TLS handshake has verified its chain, purpose and revocation; what is looked at here is
//! who it is for, and whether it still holds, since a connection may outlive its certificate.

use std::time::{SystemTime, UNIX_EPOCH};

use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    prelude::FromDer as _,
};

use super::{
    super::principal::{Method, Principal},
    settings::{Certificate, Name},
};

/// `issuer` of those who come with a certificate.
pub const ISSUER: &str = "certificate";
/// Longest name in bytes: that of a SPIFFE id.
const LONGEST: usize = 2048;

/// Why a certificate tells nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It can't be read.
    #[error("the client certificate can't be read")]
    Malformed,
    /// Expired, or not valid yet.
    #[error("the client certificate is not valid now")]
    Validity,
    /// No name of the kind that counts, or several: one must not be chosen by chance.
    #[error("the client certificate has not exactly one name of the kind that counts")]
    Name,
    /// The name is of another trust domain, or no SPIFFE id.
    #[error("the client certificate is of another trust domain")]
    TrustDomain,
}

/// Who `der` is for.
///
/// # Errors
/// When it tells nobody.
pub fn principal(der: &[u8], settings: &Certificate, now: SystemTime) -> Result<Principal, Refused> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| Refused::Malformed)?;
    if !rest.is_empty() {
        return Err(Refused::Malformed);
    }
    let validity = certificate.validity();
    let seconds = now.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    if seconds.is_none_or(|now| now < validity.not_before.timestamp() || now > validity.not_after.timestamp()) {
        return Err(Refused::Validity);
    }
    let subject = only(names(&certificate, settings.subject)?)?;
    if let Some(domain) = &settings.trust_domain
        && !is_spiffe(&subject, domain)
    {
        return Err(Refused::TrustDomain);
    }
    Ok(Principal {
        issuer: ISSUER.to_owned(),
        roles: roles(&subject, settings),
        subject,
        methods: vec![Method::Certificate],
        // Its key was used in the handshake of this connection.
        authenticated_at: now,
        name: None,
    })
}

fn names(certificate: &X509Certificate<'_>, kind: Name) -> Result<Vec<String>, Refused> {
    if kind == Name::CommonName {
        let names = certificate.subject().iter_common_name();
        return names.map(|name| name.as_str().map(str::to_owned).map_err(|_| Refused::Malformed)).collect();
    }
    let mut found = Vec::new();
    for extension in certificate.extensions() {
        // The library leaves an extension that it can't read as it is.
        if let ParsedExtension::ParseError { .. } = extension.parsed_extension() {
            return Err(Refused::Malformed);
        }
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else { continue };
        for name in &names.general_names {
            match (kind, name) {
                (Name::Uri, GeneralName::URI(text)) | (Name::Email, GeneralName::RFC822Name(text)) => {
                    found.push((*text).to_owned());
                }
                (Name::Dns, GeneralName::DNSName(text)) => found.push(text.to_ascii_lowercase()),
                _ => {}
            }
        }
    }
    Ok(found)
}

fn only(names: Vec<String>) -> Result<String, Refused> {
    let [name] = <[String; 1]>::try_from(names).map_err(|_| Refused::Name)?;
    let legal = (1..=LONGEST).contains(&name.len()) && !name.chars().any(char::is_control) && !name.contains('*');
    if legal { Ok(name) } else { Err(Refused::Name) }
}

/// The form of an id that names a workload (SPIFFE-ID, section 2).
fn is_spiffe(id: &str, domain: &str) -> bool {
    let Some(path) = id.strip_prefix("spiffe://").and_then(|rest| rest.strip_prefix(domain)) else { return false };
    let legal = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    path.strip_prefix('/').is_some_and(|path| path.split('/').all(legal))
}

fn roles(subject: &str, settings: &Certificate) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (pattern, role) in &settings.roles {
        let fits = pattern.strip_suffix('*').map_or(pattern == subject, |start| subject.starts_with(start));
        if fits && !found.contains(role) {
            found.push(role.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, DnType, KeyPair, SanType, string::Ia5String};
    use time::OffsetDateTime;

    use super::{super::testing::now, *};

    fn certificate(names: &[SanType], common: Option<&str>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params.distinguished_name.push(DnType::CommonName, common);
        }
        params.subject_alt_names = names.to_vec();
        params.not_before = OffsetDateTime::from(now() - Duration::from_secs(60));
        params.not_after = OffsetDateTime::from(now() + Duration::from_secs(60));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn text(text: &str) -> Ia5String {
        text.try_into().unwrap()
    }

    fn settings(subject: Name, trust_domain: Option<&str>) -> Certificate {
        let roles = [("spiffe://example.org/batch/*", "importer"), ("spiffe://example.org/batch/a", "reader")];
        Certificate {
            subject,
            trust_domain: trust_domain.map(str::to_owned),
            roles: roles.map(|(a, b)| (a.into(), b.into())).to_vec(),
        }
    }

    fn subject(der: &[u8], settings: &Certificate) -> Result<String, Refused> {
        principal(der, settings, now()).map(|principal| principal.subject)
    }

    #[test]
    fn the_kind_of_name_that_counts_is_taken_and_no_other() {
        let names = [
            SanType::URI(text("spiffe://example.org/batch/a")),
            SanType::DnsName(text("Batch.example.org")),
            SanType::Rfc822Name(text("batch@example.org")),
        ];
        let der = certificate(&names, Some("batch"));
        for (kind, expected) in [
            (Name::Uri, "spiffe://example.org/batch/a"),
            (Name::Dns, "batch.example.org"),
            (Name::Email, "batch@example.org"),
            (Name::CommonName, "batch"),
        ] {
            assert_eq!(subject(&der, &settings(kind, None)), Ok(expected.into()));
        }
        let found = principal(&der, &settings(Name::Uri, Some("example.org")), now()).unwrap();
        assert_eq!(found.roles, ["importer", "reader"]);
        assert_eq!(found.methods, [Method::Certificate]);
        for kind in [Name::Uri, Name::Dns, Name::Email, Name::CommonName] {
            let none = certificate(&[SanType::IpAddress([127, 0, 0, 1].into())], None);
            assert_eq!(subject(&none, &settings(kind, None)), Err(Refused::Name));
        }
    }

    #[test]
    fn several_names_are_none() {
        let two = [SanType::DnsName(text("a.example")), SanType::DnsName(text("b.example"))];
        assert_eq!(subject(&certificate(&two, None), &settings(Name::Dns, None)), Err(Refused::Name));
        let wild = [SanType::DnsName(text("*.example"))];
        assert_eq!(subject(&certificate(&wild, None), &settings(Name::Dns, None)), Err(Refused::Name));
    }

    #[test]
    fn only_ids_of_the_trust_domain() {
        for bad in [
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org.evil/a",
            "spiffe://example.org:1/a",
            "spiffe://u@example.org/a",
            "spiffe://example.org/a/../b",
            "spiffe://example.org/a//b",
            "spiffe://example.org/a?b",
            "spiffe://example.org/a%2fb",
            "https://example.org/a",
        ] {
            let der = certificate(&[SanType::URI(text(bad))], None);
            assert_eq!(subject(&der, &settings(Name::Uri, Some("example.org"))), Err(Refused::TrustDomain), "{bad}");
        }
    }

    #[test]
    fn a_certificate_that_has_expired_on_the_way_tells_nobody() {
        let der = certificate(&[], Some("batch"));
        let rules = settings(Name::CommonName, None);
        for seconds in [61, 1 << 40] {
            assert_eq!(principal(&der, &rules, now() + Duration::from_secs(seconds)), Err(Refused::Validity));
        }
        assert_eq!(principal(&der, &rules, now() - Duration::from_secs(61)), Err(Refused::Validity));
        assert_eq!(principal(&der, &rules, UNIX_EPOCH), Err(Refused::Validity));
        for cut in 0..der.len() {
            assert!(principal(&der[..cut], &rules, now()).is_err());
        }
    }
}
