//! An authenticator and a browser in a few lines, for tests: everything that they say can be changed.

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::credential::Passkey;

pub(in crate::identity::passkey) const HOST: &str = "shop.example";
/// Present, verified.
pub(in crate::identity::passkey) const UP_UV: u8 = 0b101;

pub(in crate::identity::passkey) enum Secret {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// A passkey as its owner has it.
pub(in crate::identity::passkey) struct Token {
    pub(in crate::identity::passkey) secret: Secret,
    pub(in crate::identity::passkey) id: Vec<u8>,
    pub(in crate::identity::passkey) handle: Vec<u8>,
    pub(in crate::identity::passkey) counter: u32,
    pub(in crate::identity::passkey) flags: u8,
    pub(in crate::identity::passkey) host: String,
    /// Members of client data that are not as a browser would write them.
    pub(in crate::identity::passkey) odd: serde_json::Value,
}

/// Base64, as it goes through forms and JSON.
pub(in crate::identity::passkey) fn text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(in crate::identity::passkey) fn bytes(of: &[u8]) -> Vec<u8> {
    let length = u16::try_from(of.len()).expect("short");
    [&[0x59], &length.to_be_bytes()[..], of].concat()
}

impl Token {
    pub(in crate::identity::passkey) fn new() -> Self {
        let secret = Secret::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"));
        Self::of(secret)
    }

    pub(in crate::identity::passkey) fn of(secret: Secret) -> Self {
        let id = (0..20).map(|_| fastrand::u8(..)).collect();
        let host = HOST.to_owned();
        Self { secret, id, handle: Vec::new(), counter: 0, flags: UP_UV, host, odd: json!({}) }
    }

    pub(in crate::identity::passkey) fn ed25519() -> Self {
        Self::of(Secret::EdDsa(Ed25519KeyPair::generate().expect("a key")))
    }

    pub(in crate::identity::passkey) fn rsa() -> Self {
        Self::of(Secret::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")))
    }

    pub(in crate::identity::passkey) fn cose(&self) -> Vec<u8> {
        match &self.secret {
            Secret::Es256(key) => {
                let point = key.public_key().as_ref();
                [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", &point[1..33], b"\x22\x58\x20", &point[33..]].concat()
            }
            Secret::EdDsa(key) => [b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", key.public_key().as_ref()].concat(),
            Secret::Rs256(key) => {
                let n = key.public_key().modulus().big_endian_without_leading_zero().to_vec();
                [b"\xa4\x01\x03\x03\x39\x01\x00\x20".to_vec(), bytes(&n), b"\x21\x43\x01\x00\x01".to_vec()].concat()
            }
        }
    }

    pub(in crate::identity::passkey) fn client(&self, act: &str, challenge: &str) -> Vec<u8> {
        let mut client = json!({ "type": act, "challenge": challenge, "origin": format!("https://{HOST}"),
            "crossOrigin": false, "other": "passed over" });
        for (name, value) in self.odd.as_object().expect("members") {
            client[name] = value.clone();
        }
        client.to_string().into_bytes()
    }

    pub(in crate::identity::passkey) fn data(&self, made: bool) -> Vec<u8> {
        let site = digest::digest(&digest::SHA256, self.host.as_bytes());
        let flags = self.flags | if made { 1 << 6 } else { 0 };
        let mut data = [site.as_ref(), &[flags], &self.counter.to_be_bytes()].concat();
        if made {
            let length = u16::try_from(self.id.len()).expect("short");
            data.extend([&[0; 16], &length.to_be_bytes()[..], &self.id, &self.cose()].concat());
        }
        data
    }

    /// What `navigator.credentials.create` gives: client data, and the attestation object.
    pub(in crate::identity::passkey) fn create(&self, challenge: &str) -> (Vec<u8>, Vec<u8>) {
        let data = bytes(&self.data(true));
        let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData"[..], &data].concat();
        (self.client("webauthn.create", challenge), object)
    }

    /// What `navigator.credentials.get` gives: client data, authenticator data, the signature.
    pub(in crate::identity::passkey) fn get(&self, challenge: &str) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let (client, data) = (self.client("webauthn.get", challenge), self.data(false));
        let hash = digest::digest(&digest::SHA256, &client);
        let signature = self.sign(&[&data, hash.as_ref()].concat());
        (client, data, signature)
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Es256(key) => key.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec(),
            Secret::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Secret::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("signed");
                signature
            }
        }
    }

    /// Fields of the form that the script sends.
    pub(in crate::identity::passkey) fn answer(&self, challenge: &str) -> String {
        let (client, data, signature) = self.get(challenge);
        format!(
            "id={}&client={}&data={}&signature={}&handle={}",
            text(&self.id),
            text(&client),
            text(&data),
            text(&signature),
            text(&self.handle)
        )
    }
}

/// What would be kept of `token`.
pub(in crate::identity::passkey) fn kept(token: &Token) -> Passkey {
    Passkey {
        id: token.id.clone(),
        handle: [7; 16],
        host: HOST.into(),
        key: token.cose(),
        counter: token.counter,
        copied: false,
        last: 10,
        name: "laptop".into(),
        created: 0,
    }
}
