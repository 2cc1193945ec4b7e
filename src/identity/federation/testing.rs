//! An issuer for tests: keys made on the spot, never the same twice, and documents as raw answers.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::settings::{ALGORITHMS, Issuer, Oidc, Roles};
use crate::dial::address::Address;

/// The time of tests.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// Signs tokens.
pub(crate) enum Signer {
    Ec(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Signer {
    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    /// Its public half as a JWK.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..]) })
            }
            Self::Rsa(pair) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "kid": kid, "n": B64.encode(parts.n), "e": B64.encode(parts.e) })
            }
        }
    }

    /// Its public half as DER: what a confused verifier takes for a shared secret.
    pub(crate) fn der(&self) -> Vec<u8> {
        match self {
            Self::Ec(pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    }

    /// A token of this header, whose algorithm is filled in where it has none, and these claims.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let mut header = header.clone();
        if header.get("alg").is_none() {
            header["alg"] = json!(self.algorithm());
        }
        let message = unsigned(&header, claims);
        let random = SystemRandom::new();
        let signature = match self {
            Self::Ec(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut out).unwrap();
                out
            }
        };
        format!("{message}.{}", B64.encode(signature))
    }
}

/// Header and claims, without a signature.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()))
}

/// `base` with `more` put over it; `null` takes away.
pub(crate) fn with(base: &Value, more: &Value) -> Value {
    let mut out = base.clone();
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            out.as_object_mut().unwrap().remove(name);
        } else {
            out[name] = value.clone();
        }
    }
    out
}

/// Documents by path, as raw answers, and how often each was asked for.
pub(crate) type Documents = Arc<Mutex<HashMap<String, (String, usize)>>>;

pub(crate) async fn serve(documents: Documents) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let answer = documents.lock().unwrap().get_mut(path).map(|(text, asked)| {
                *asked += 1;
                text.clone()
            });
            let answer = answer.unwrap_or_else(|| "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

pub(crate) fn ok(body: &Value) -> String {
    let body = body.to_string();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub(crate) fn put(documents: &Documents, path: &str, answer: String) {
    documents.lock().unwrap().entry(path.into()).or_default().0 = answer;
}

pub(crate) fn asked(documents: &Documents, path: &str) -> usize {
    documents.lock().unwrap().get(path).map_or(0, |(_, asked)| *asked)
}

/// Whoever is called `name`, believed in all algorithms.
pub(crate) fn issuer(name: &str) -> Issuer {
    Issuer {
        name: name.into(),
        address: Address::parse(name).unwrap(),
        algorithms: ALGORITHMS.map(|(_, algorithm)| algorithm).to_vec(),
        ca: None,
    }
}

/// A provider that calls us `us`.
pub(crate) fn oidc(name: &str) -> Oidc {
    Oidc {
        issuer: issuer(name),
        client_id: "us".into(),
        client_secret: Some(crate::common::secret::Secret::new("s")),
        scopes: vec!["openid".into(), "groups".into()],
        subject_claim: "sub".into(),
        roles: Roles { claim: "groups".into(), map: vec![("g".into(), "clerk".into())], pass: false },
    }
}
