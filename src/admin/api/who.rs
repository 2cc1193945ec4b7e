//! Which program asks: by its bearer token, or else by the certificate that its connection has proved to hold.

use std::time::SystemTime;

use http::{HeaderMap, header};
use rustls::pki_types::CertificateDer;

use super::problem::Problem;
use crate::{
    admin::{
        by::Program,
        settings::{Client, May, bearer},
    },
    identity::federation::{certificate, settings::Certificate},
};

/// The program, and what it may do.
///
/// # Errors
/// When it is none of them. A token that is not good is not made good by a certificate.
pub(super) fn identify(
    clients: &[Client],
    headers: &HeaderMap,
    certificate: Option<&CertificateDer<'_>>,
    now: SystemTime,
) -> Result<(Program, May), Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        let known = bearer(headers)
            .and_then(|token| clients.iter().find(|client| client.tokens.iter().any(|known| known.is(token))));
        let client = known.ok_or_else(|| Problem::unauthorized(true))?;
        return Ok((Program { name: client.name.clone(), certificate: None }, client.may));
    }
    // A browser brings it whatever page has asked, and no program is a page.
    let is_page = headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
    let certificate = certificate.filter(|_| !is_page);
    let named = |client: &Client| {
        let (kind, wanted) = client.certificate.as_ref()?;
        let settings = Certificate { subject: *kind, trust_domain: None, roles: Vec::new() };
        let principal = certificate::principal(certificate?, &settings, now).ok()?;
        let program = Program { name: client.name.clone(), certificate: Some(principal.subject.clone()) };
        (principal.subject == *wanted).then_some((program, client.may))
    };
    clients.iter().find_map(named).ok_or_else(|| Problem::unauthorized(false))
}
