//! The key that signs packs: Ed25519, `DATA/attest.key`, mode 0600, made when the first pack is.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    rand,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

/// Its name in the data folder.
pub const NAME: &str = "attest.key";
/// What stands before the seed.
const HEAD: &str = "privet-attest-ed25519 ";
/// What stands before an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Why it can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no such key.
    #[error("{} holds no key of this kind: move it away, and a new one is made", .0.display())]
    Key(PathBuf),
    /// There is no randomness.
    #[error("the system gives no random bytes")]
    Random,
}

/// Who signs.
pub struct Signer(Ed25519KeyPair);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", text_of(&self.public()))
    }
}

impl Signer {
    /// The key of a data folder; made where there is none.
    ///
    /// # Errors
    /// When it can't be read or made.
    pub fn load_or_make(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join(NAME);
        let io = |source| Error::Io { path: path.clone(), source };
        match fs::read_to_string(&path).map(Zeroizing::new) {
            Ok(text) => Self::parse(&text).ok_or_else(|| Error::Key(path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut seed = Zeroizing::new([0; 32]);
                rand::fill(&mut *seed).map_err(|_| Error::Random)?;
                let text = Zeroizing::new(format!("{HEAD}{}\n", BASE64_STANDARD.encode(*seed)));
                let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())).map_err(io)?;
                Self::parse(&text).ok_or_else(|| Error::Key(path.clone()))
            }
            Err(error) => Err(io(error)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let seed = Zeroizing::new(BASE64_STANDARD.decode(text.trim().strip_prefix(HEAD)?).ok()?);
        Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(Self)
    }

    /// The key that checks what it signs.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap_or_default()
    }

    /// Signs.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }
}

/// Whether `signature` is of `bytes`, by this key.
#[must_use]
pub fn verify(key: &[u8; 32], bytes: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(bytes, signature).is_ok()
}

/// A key as OpenSSL reads it.
#[must_use]
pub fn public_pem(key: &[u8; 32]) -> String {
    let der = [&SPKI[..], key].concat();
    format!("{BEGIN}\n{}\n{END}\n", BASE64_STANDARD.encode(der))
}

/// The key of such a text.
#[must_use]
pub fn public_of(pem: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(pem).ok()?.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let der = BASE64_STANDARD.decode(text.trim()).ok()?;
    der.strip_prefix(&SPKI)?.try_into().ok()
}

/// A key in one line.
#[must_use]
pub fn text_of(key: &[u8; 32]) -> String {
    BASE64_STANDARD.encode(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_checks_what_it_signs() {
        let dir = tempfile::tempdir().expect("a folder");
        let signer = Signer::load_or_make(dir.path()).expect("made");
        let again = Signer::load_or_make(dir.path()).expect("read");
        let key = signer.public();
        assert_eq!(key, again.public());
        assert_eq!(fs::metadata(dir.path().join(NAME)).expect("a file").mode() & 0o777, 0o600);
        assert_eq!(public_of(public_pem(&key).as_bytes()), Some(key));
        let signature = again.sign(b"a");
        assert!(
            verify(&key, b"a", &signature) && !verify(&key, b"b", &signature) && !verify(&[0; 32], b"a", &signature)
        );
        fs::write(dir.path().join(NAME), "nonsense").expect("written");
        assert!(matches!(Signer::load_or_make(dir.path()), Err(Error::Key(_))));
    }
}
