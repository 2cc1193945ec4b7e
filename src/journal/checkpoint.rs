//! Signed checkpoints: how large the tree is and what its root is, as a note that anybody can check.
//!
//! The form is C2SP's: `tlog-checkpoint` in a `signed-note`, so that witnesses and tools for transparency logs can read it.
//!
//! ```text
//! privet/journal/4b1f0c77a95e2d36
//! 1024
//! hHmU1aPZaTT9sJDVJ4jMzfC8eeqJ3yX7lDW2wUXBDEk=
//!
//! — privet/journal/4b1f0c77a95e2d36 base64(key id, 4 bytes; signature)
//! ```
//! A signature's algorithm is a byte of its key, and a note may carry several: Ed25519 is 1, and an ML-DSA will be another line
//! of the same note. Lines of unknown keys are passed over, as the form wants it.

use aws_lc_rs::{
    digest, rand,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::tree::Hash;

/// Most bytes of a note.
pub(super) const LONGEST: usize = 64 << 10;
const DASH: &str = "\u{2014} ";

/// How a checkpoint is signed, by the numbers of C2SP's `signed-note`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    /// RFC 8032.
    Ed25519 = 1,
}

/// Why a text is no key or no checkpoint of this journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not have the form of a key.
    #[error("it is not a key of a signed note")]
    Key,
    /// The key is for an algorithm that this version does not know.
    #[error("its algorithm is not known to this version")]
    Algorithm,
    /// It does not have the form of a checkpoint.
    #[error("it is not a checkpoint in a signed note")]
    Shape,
    /// It is another log's.
    #[error("it is of another log")]
    Origin,
    /// No line is signed by this key.
    #[error("it is not signed by the journal's key")]
    Unsigned,
    /// The line that says so is not this key's signature of it.
    #[error("its signature is not right")]
    Signature,
    /// No random bytes, or the library refuses.
    #[error("the cryptographic library failed")]
    Cipher,
}

/// How large a tree is, and its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Records.
    pub size: u64,
    /// Root over their leaf hashes.
    pub root: Hash,
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64_STANDARD.encode(self.root))
    }

    /// The text without its signatures: lines beyond the third are extensions, which are covered and not looked at.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty())?.to_owned();
        let number = lines.next()?;
        let size = number.parse::<u64>().ok().filter(|size| size.to_string() == number)?;
        let line = lines.next()?;
        let root: Hash = BASE64_STANDARD.decode(line).ok()?.try_into().ok()?;
        lines.all(|line| !line.is_empty()).then_some(Self { origin, size, root })
    }
}

/// The notes of a text that may hold many, one after the other with empty lines between them, as a witness keeps them. What is no note, such as
/// one that was never written to its end, is passed over.
#[must_use]
pub fn notes(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let (mut found, mut said, mut signed, mut behind) = (Vec::new(), String::new(), String::new(), false);
    for line in text.lines().chain([""]) {
        if behind && !said.is_empty() && line.starts_with(DASH) {
            signed.extend([line, "\n"]);
            continue;
        }
        if !signed.is_empty() {
            found.push(format!("{said}\n{signed}"));
            said.clear();
            signed.clear();
        }
        if line.is_empty() {
            behind = true;
            continue;
        }
        if std::mem::take(&mut behind) {
            said.clear();
        }
        said.extend([line, "\n"]);
    }
    found
}

/// Who checks: `origin+id+key`, a line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    origin: String,
    public: [u8; 32],
}

impl Verifier {
    /// Reads the line.
    ///
    /// # Errors
    /// When it is none, or of another algorithm.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.trim_end_matches('\n').splitn(3, '+');
        let (Some(origin), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Key);
        };
        let key = BASE64_STANDARD.decode(key).map_err(|_| Error::Key)?;
        let (algorithm, public) = key.split_first().ok_or(Error::Key)?;
        if *algorithm != Algorithm::Ed25519 as u8 {
            return Err(Error::Algorithm);
        }
        let public = public.try_into().map_err(|_| Error::Key)?;
        let key = Self { origin: origin.to_owned(), public };
        if is_name(origin) && key.id_text() == id { Ok(key) } else { Err(Error::Key) }
    }

    /// Which log's.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The line.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}+{}+{}", self.origin, self.id_text(), BASE64_STANDARD.encode(self.key()))
    }

    fn key(&self) -> Vec<u8> {
        [&[Algorithm::Ed25519 as u8][..], &self.public].concat()
    }

    fn id(&self) -> [u8; 4] {
        let said = [self.origin.as_bytes(), b"\n", &self.key()].concat();
        let digest = digest::digest(&digest::SHA256, &said);
        let bytes = digest.as_ref();
        [bytes[0], bytes[1], bytes[2], bytes[3]]
    }

    fn id_text(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id()))
    }

    /// The checkpoint of a note that this key has signed.
    ///
    /// # Errors
    /// When it is none, of another log, or not signed so.
    pub fn check(&self, note: &[u8]) -> Result<Checkpoint, Error> {
        let note = std::str::from_utf8(note).ok().filter(|note| note.len() <= LONGEST).ok_or(Error::Shape)?;
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(Error::Shape)?;
        // The text ends with its line's end, and the signatures with theirs.
        let text = &note[..=text.len()];
        let checkpoint = Checkpoint::parse(text).ok_or(Error::Shape)?;
        let lines = signatures.strip_suffix('\n').ok_or(Error::Shape)?;
        if checkpoint.origin != self.origin {
            return Err(Error::Origin);
        }
        let mut known = Err(Error::Unsigned);
        for line in lines.split('\n') {
            let (name, signed) = line.strip_prefix(DASH).and_then(|line| line.split_once(' ')).ok_or(Error::Shape)?;
            let signed = BASE64_STANDARD.decode(signed).map_err(|_| Error::Shape)?;
            let (id, signature) = signed.split_first_chunk::<4>().ok_or(Error::Shape)?;
            if name == self.origin && *id == self.id() {
                let key = UnparsedPublicKey::new(&ED25519, self.public);
                key.verify(text.as_bytes(), signature).map_err(|_| Error::Signature)?;
                known = Ok(());
            }
        }
        known.map(|()| checkpoint)
    }
}

/// Who signs. Its text is `PRIVATE+KEY+origin+id+key`, the form of Go's `note` package.
pub(super) struct Signer {
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; 32]>,
    verifier: Verifier,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.verifier.origin)
    }
}

const PRIVATE: &str = "PRIVATE+KEY+";

impl Signer {
    /// A new key of a new log.
    pub(super) fn random() -> Result<Self, Error> {
        let (mut name, mut seed) = ([0; 8], Zeroizing::new([0; 32]));
        rand::fill(&mut name).and_then(|()| rand::fill(&mut *seed)).map_err(|_| Error::Cipher)?;
        Self::of(&format!("privet/journal/{:016x}", u64::from_be_bytes(name)), seed)
    }

    fn of(origin: &str, seed: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| Error::Cipher)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| Error::Cipher)?;
        Ok(Self { pair, seed, verifier: Verifier { origin: origin.to_owned(), public } })
    }

    /// Reads the key's text.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.trim_end_matches('\n').strip_prefix(PRIVATE).ok_or(Error::Key)?.splitn(3, '+');
        let (Some(origin), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Key);
        };
        let key = Zeroizing::new(BASE64_STANDARD.decode(key).map_err(|_| Error::Key)?);
        let (algorithm, seed) = key.split_first().ok_or(Error::Key)?;
        if *algorithm != Algorithm::Ed25519 as u8 {
            return Err(Error::Algorithm);
        }
        let signer = Self::of(origin, Zeroizing::new(seed.try_into().map_err(|_| Error::Key)?))?;
        if is_name(origin) && signer.verifier.id_text() == id { Ok(signer) } else { Err(Error::Key) }
    }

    /// The key's text, which must stay secret.
    pub(super) fn text(&self) -> Zeroizing<String> {
        let key = Zeroizing::new([&[Algorithm::Ed25519 as u8][..], &*self.seed].concat());
        let key = Zeroizing::new(BASE64_STANDARD.encode(&*key));
        Zeroizing::new(format!("{PRIVATE}{}+{}+{}\n", self.verifier.origin, self.verifier.id_text(), *key))
    }

    /// Who checks what this signs.
    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signed note of a tree.
    pub(super) fn sign(&self, size: u64, root: Hash) -> String {
        let origin = &self.verifier.origin;
        let text = Checkpoint { origin: origin.clone(), size, root }.text();
        let signature = self.pair.sign(text.as_bytes());
        let signed = BASE64_STANDARD.encode([&self.verifier.id()[..], signature.as_ref()].concat());
        format!("{text}\n{DASH}{origin} {signed}\n")
    }
}

/// A key's name: not empty, without blanks and plus signs.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 256 && !text.contains(|c: char| c == '+' || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_checked_and_nothing_else() {
        let signer = Signer::random().expect("a key");
        let note = signer.sign(42, [7; 32]);
        let verifier = Verifier::parse(&signer.verifier().text()).expect("a key");
        let checkpoint = verifier.check(note.as_bytes()).expect("signed");
        assert_eq!((checkpoint.size, checkpoint.root), (42, [7; 32]));
        for at in 0..note.len() {
            let mut forged = note.clone().into_bytes();
            forged[at] ^= 1;
            assert!(verifier.check(&forged).is_err(), "byte {at}");
        }
        let other = Signer::of(verifier.origin(), Zeroizing::new([1; 32])).expect("a key");
        assert_eq!(verifier.check(other.sign(42, [7; 32]).as_bytes()), Err(Error::Unsigned));
        let both = note.clone() + other.sign(42, [7; 32]).rsplit("\n\n").next().expect("a line");
        assert_eq!(verifier.check(both.as_bytes()), Ok(checkpoint), "lines of unknown keys are passed over");
        let stranger = Signer::random().expect("a key");
        assert_eq!(verifier.check(stranger.sign(42, [7; 32]).as_bytes()), Err(Error::Origin));
    }

    #[test]
    fn many_notes_are_told_apart() {
        let signer = Signer::random().expect("a key");
        let kept: Vec<String> = (1..4).map(|size| signer.sign(size, [7; 32])).collect();
        let torn = &kept[1][..kept[1].len() / 3];
        let text = format!("{}\n{torn}\n\n{}\n\n{}garbage\n\nmore", kept[0], kept[1], kept[2]);
        assert_eq!(notes(text.as_bytes()), kept);
        assert_eq!(notes(kept[0].as_bytes()), kept[..1]);
        assert_eq!(notes(kept.concat().as_bytes()), kept, "nothing between them");
        assert_eq!(notes(text.replace('\n', "\r\n").as_bytes()), kept, "as mail has it");
        assert!(notes(b"").is_empty() && notes("\u{2014} a b\n".as_bytes()).is_empty());
    }

    /// Go's own example of `golang.org/x/mod/sumdb/note`.
    #[test]
    fn keys_have_the_form_of_signed_notes() {
        let private = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let signer = Signer::parse(private).expect("a key");
        assert_eq!(signer.verifier().text(), public);
        assert_eq!(signer.text().trim_end(), private);
        assert!(!format!("{signer:?}").contains("AYEK"));
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signed =
            BASE64_STANDARD.encode([&signer.verifier().id()[..], signer.pair.sign(text.as_bytes()).as_ref()].concat());
        assert_eq!(
            signed,
            "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
        );
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "a",
            "a+b+c",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "a b+00000000+AQ==",
        ] {
            assert_eq!(Verifier::parse(text), Err(Error::Key), "{text}");
            assert!(Signer::parse(text).is_err());
        }
        assert_eq!(Verifier::parse("a+00000000+BgEC"), Err(Error::Algorithm));
        for text in ["", "\n", "a\n1\n", "a\n01\nAAAA\n\n", "a\n-1\nAAAA\n", "\n1\n\n"] {
            assert_eq!(Checkpoint::parse(text), None, "{text:?}");
        }
    }
}
