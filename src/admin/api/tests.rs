use std::{
    collections::BTreeSet,
    time::{Duration, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::pki_types::CertificateDer;
use serde_json::Value;

use super::{
    Api, DOCUMENT,
    body::{self, Takes},
    operation::{self, OPERATIONS},
    who,
};
use crate::{
    admin::settings::{Client, May, Token},
    identity::federation::settings::Name,
};

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("JSON")
}

#[test]
fn the_document_has_every_operation_and_no_other() {
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let told: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("methods").keys().filter(|key| *key != "parameters");
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let known: BTreeSet<_> = OPERATIONS.iter().map(|one| (one.method.to_string(), one.path.to_owned())).collect();
    assert_eq!(told, known);
    for one in OPERATIONS {
        let told = &paths[one.path][one.method.as_str().to_lowercase()];
        assert_eq!(told["security"].is_array(), one.may.is_none(), "{}: health alone is open", one.path);
        assert_eq!(told["requestBody"].is_object(), one.takes != Takes::Nothing, "{}", one.path);
        assert_eq!(told["responses"]["403"].is_object(), one.may == Some(May::Operate), "{}", one.path);
        assert!(Api::has(one.path), "{} is behind the door of the API", one.path);
    }
}

#[test]
fn a_thing_has_one_path() {
    for path in ["/v1/incidents/1", "/v1/incidents/18446744073709551615", "/v1/bans", "/livez"] {
        assert!(operation::is_known(path), "{path}");
    }
    for path in [
        "/v1/incidents/",
        "/v1/incidents/0",
        "/v1/incidents/01",
        "/v1/incidents/+1",
        "/v1/incidents/1/",
        "/v1/incidents/orders",
        "/v1",
        "/v1/bans/",
    ] {
        assert!(!operation::is_known(path), "{path}");
    }
    assert_eq!(operation::allowed("/v1/attest"), "GET, HEAD, POST");
    assert_eq!((operation::allowed("/v1/bans"), operation::allowed("/v1/reload")), ("GET, HEAD", "POST"));
}

#[test]
fn health_alone_is_open() {
    let open: Vec<&str> = OPERATIONS.iter().filter(|one| operation::is_open(one.path)).map(|one| one.path).collect();
    assert_eq!(open, ["/livez", "/readyz"]);
    assert!(!operation::is_open("/v1/nothing") && !operation::is_open("/v1"));
}

#[test]
fn a_body_is_read_strictly() {
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    let read = |takes, text: &str| body::read(takes, Some(&json), text.as_bytes()).ok();
    let ban = read(Takes::Ban, r#"{"address":"192.0.2.1","reason":"x","for_ms":1.0}"#).expect("a ban");
    let ban: Value = serde_json::from_slice(&ban).expect("JSON");
    assert_eq!((&ban["address"], &ban["for_ms"], &ban["dry_run"]), (&"192.0.2.1".into(), &1.into(), &false.into()));
    for bad in [
        r#"{"address":"192.0.2.1"}"#,
        r#"{"address":"192.0.2.1","reason":"x","for":"1h"}"#,
        r#"{"address":"192.0.2.1","reason":"x","for_ms":"1h"}"#,
        r#"{"address":"192.0.2.1","reason":"x","for_ms":null}"#,
        r#"{"address":"192.0.2.1","reason":"x","for_ms":1.5}"#,
        r#"{"address":"192.0.2.1","reason":"x","for_ms":-1}"#,
        r#"{"address":" 192.0.2.1","reason":"x"}"#,
        r#"["192.0.2.1","x"]"#,
        "",
    ] {
        assert!(read(Takes::Ban, bad).is_none(), "{bad}");
    }
    assert!(read(Takes::Clause, "{}").is_some() && read(Takes::Clause, "").is_none());
    assert!(read(Takes::Nothing, "").is_some() && read(Takes::Nothing, "{}").is_none());
    assert!(body::read(Takes::Clause, None, b"{}").is_err());
}

#[test]
fn a_program_is_known_by_its_token_or_its_certificate() {
    let token = "0123456789abcdef0123456789abcdef";
    let client = |name: &str, tokens, certificate, may| Client { name: name.to_owned(), tokens, certificate, may };
    let clients = [
        client("deploy", vec![Token::of(token)], None, May::Operate),
        client("looks", Vec::new(), Some((Name::Uri, "spiffe://example.org/looks".to_owned())), May::Read),
    ];
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let certificate = |name: &str| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(name.try_into().expect("ASCII"))];
        params.not_before = (now - Duration::from_secs(60)).into();
        params.not_after = (now + Duration::from_secs(60)).into();
        let key = KeyPair::generate().expect("a key");
        CertificateDer::from(params.self_signed(&key).expect("signed").der().to_vec())
    };
    let (good, other) = (certificate("spiffe://example.org/looks"), certificate("spiffe://example.org/looks/x"));
    let headers = |value: Option<&str>| {
        let mut headers = HeaderMap::new();
        headers.extend(value.map(|value| (header::AUTHORIZATION, HeaderValue::from_str(value).expect("a value"))));
        headers
    };
    let bearer = format!("bearer {token}");
    let (program, may) = who::identify(&clients, &headers(Some(&bearer)), Some(&good), now).expect("known");
    assert_eq!((program.name.as_str(), program.certificate, may), ("deploy", None, May::Operate));
    let (program, may) = who::identify(&clients, &headers(None), Some(&good), now).expect("known");
    assert_eq!((program.name.as_str(), may), ("looks", May::Read));
    assert_eq!(program.certificate.as_deref(), Some("spiffe://example.org/looks"));
    let later = now + Duration::from_secs(120);
    let mut page = headers(None);
    page.insert(header::ORIGIN, HeaderValue::from_static("https://other.example"));
    assert!(who::identify(&clients, &page, Some(&good), now).is_err(), "a page of somebody's browser is no program");
    for (value, certificate, at) in [
        (None, None, now),
        (None, Some(&other), now),
        (None, Some(&good), later),
        (Some("Bearer x"), Some(&good), now),
        (Some("Basic eDp5"), Some(&good), now),
        (Some("Bearer"), None, now),
    ] {
        let refused = who::identify(&clients, &headers(value), certificate, at).expect_err("nobody").answer();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert!(refused.headers().contains_key(header::WWW_AUTHENTICATE));
    }
}
