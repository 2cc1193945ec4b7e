//! Public keys of passkeys, as COSE has them (RFC 9052, RFC 9053, RFC 8230).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

use super::cbor::{Reader, Value};

/// ECDSA on P-256 with SHA-256.
pub const ES256: i64 = -7;
/// Ed25519.
pub const EDDSA: i64 = -8;
/// RSASSA-PKCS1-v1_5 with SHA-256.
pub const RS256: i64 = -257;

/// Bytes of the shortest RSA modulus.
const LEAST_MODULUS: usize = 256;
/// And of the longest.
const MOST_MODULUS: usize = 1024;

/// A public key that can verify.
pub enum PublicKey<'a> {
    /// Of an elliptic curve.
    Curve(ParsedPublicKey),
    /// RSA.
    Rsa(RsaPublicKeyComponents<&'a [u8]>),
}

impl std::fmt::Debug for PublicKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PublicKey")
    }
}

/// What stands in a COSE key, as far as the three algorithms need it.
#[derive(Default)]
struct Parts<'a> {
    kind: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    first: Option<&'a [u8]>,
    second: Option<&'a [u8]>,
}

impl<'a> PublicKey<'a> {
    /// Reads the key at the beginning of `reader`; `None` where it is of no algorithm of ours, or not on its curve.
    #[must_use]
    pub fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let parts = Parts::read(reader)?;
        match (parts.kind?, parts.algorithm?, parts.curve, parts.first, parts.second) {
            (2, ES256, Some(1), Some(x), Some(y)) if x.len() == 32 && y.len() == 32 => {
                let point = [&[4], x, y].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).ok().map(Self::Curve)
            }
            (1, EDDSA, Some(6), Some(x), None) if x.len() == 32 => {
                ParsedPublicKey::new(&ED25519, x).ok().map(Self::Curve)
            }
            (3, RS256, None, Some(n), Some(e))
                if (LEAST_MODULUS..=MOST_MODULUS).contains(&n.len()) && (1..=8).contains(&e.len()) && n[0] >= 0x80 =>
            {
                Some(Self::Rsa(RsaPublicKeyComponents { n, e }))
            }
            _ => None,
        }
    }

    /// Whether `signature` is this key's, of `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Curve(key) => key.verify_sig(message, signature).is_ok(),
            Self::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok(),
        }
    }
}

impl<'a> Parts<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let Value::Map(pairs) = reader.value()? else { return None };
        let mut parts = Self::default();
        for _ in 0..pairs {
            let Value::Int(label) = reader.value()? else { return None };
            let value = reader.value()?;
            let fresh = match (label, value) {
                (1, Value::Int(kind)) => parts.kind.replace(kind).is_none(),
                (3, Value::Int(algorithm)) => parts.algorithm.replace(algorithm).is_none(),
                (-1, Value::Int(curve)) => parts.curve.replace(curve).is_none(),
                // RSA has its modulus where the others have their curve.
                (-1, Value::Bytes(n)) => parts.first.replace(n).is_none(),
                (-2, Value::Bytes(bytes)) if parts.kind == Some(3) => parts.second.replace(bytes).is_none(),
                (-2, Value::Bytes(x)) => parts.first.replace(x).is_none(),
                (-3, Value::Bytes(y)) => parts.second.replace(y).is_none(),
                _ => false,
            };
            if !fresh {
                return None;
            }
        }
        Some(parts)
    }
}
