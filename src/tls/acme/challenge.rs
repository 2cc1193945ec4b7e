//! Answers to challenges that are pending: what an authority looks for to believe that a domain is ours.
//!
//! They are in memory, and in a folder beside the certificates: where replicas share that folder, the authority may come to another
//! one than the one that orders.

use std::{
    collections::{HashMap, HashSet},
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, NoServerSessionStorage},
    sign::{CertifiedKey, SingleCertAndKey},
};

use crate::{common::replace::replace, dial::pem};

/// What an authority's handshake asks to speak (RFC 8737, section 6.2).
const PROTOCOL: &[u8] = b"acme-tls/1";
/// Longest answer in bytes; RFC 8555 section 8.1 has a token and a thumbprint.
const LONGEST: u64 = 4096;

/// Why there is no answer to a challenge.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its certificate can't be made.
    #[error("a certificate for the challenge can't be made")]
    Make(#[from] rcgen::Error),
    /// The TLS library does not take it.
    #[error("a certificate for the challenge is refused")]
    Tls(#[from] rustls::Error),
    /// It can't be left for other replicas.
    #[error("{} can't be written", .path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It can't be read again.
    #[error(transparent)]
    Pem(#[from] pem::Error),
}

/// The pending answers, read by workers without a lock.
#[derive(Debug, Default)]
pub struct Challenges {
    pending: ArcSwap<Pending>,
    shared: ArcSwap<Shared>,
}

#[derive(Clone, Default)]
struct Pending {
    /// By domain.
    handshakes: HashMap<String, Arc<ServerConfig>>,
    /// By token.
    texts: HashMap<String, Arc<[u8]>>,
}

/// Where replicas leave theirs, and for which domains they may: nobody else's name leads to a file.
#[derive(Debug, Default)]
struct Shared {
    folder: PathBuf,
    domains: HashSet<String>,
}

/// One answer; it is withdrawn when this is dropped.
#[derive(Debug)]
#[must_use]
pub(in crate::tls) struct Offered {
    challenges: Arc<Challenges>,
    answer: Answer,
    file: PathBuf,
}

#[derive(Debug)]
enum Answer {
    Handshake(String, Arc<ServerConfig>),
    Text(String, Arc<[u8]>),
}

impl Challenges {
    /// From now on answers of replicas are looked for in `folder` too, for these domains.
    pub(in crate::tls) fn share(&self, folder: PathBuf, domains: HashSet<String>) {
        self.shared.store(Arc::new(Shared { folder, domains }));
    }

    /// How to shake hands with an authority that validates a domain; `None` for everybody else, and where nothing is pending.
    #[must_use]
    pub fn handshake(&self, hello: &ClientHello<'_>) -> Option<Arc<ServerConfig>> {
        let mut protocols = hello.alpn()?;
        // The only one it may offer: nobody who wants to speak HTTP is ever led here.
        if protocols.next() != Some(PROTOCOL) || protocols.next().is_some() {
            return None;
        }
        let domain = hello.server_name()?.to_ascii_lowercase();
        if let Some(own) = self.pending.load().handshakes.get(&domain) {
            return Some(Arc::clone(own));
        }
        let shared = self.shared.load();
        let file = shared.domains.get(&domain).map(|domain| handshake_file(&shared.folder, domain))?;
        read_handshake(&file).ok().map(Arc::new)
    }

    /// What to answer over HTTP to whoever asks for `token`.
    #[must_use]
    pub fn text(&self, token: &str) -> Option<Arc<[u8]>> {
        if let Some(own) = self.pending.load().texts.get(token) {
            return Some(Arc::clone(own));
        }
        let shared = self.shared.load();
        let is_shared = !shared.domains.is_empty() && is_token(token);
        is_shared.then(|| read_text(&shared.folder.join(token)))?.map(Arc::from)
    }

    /// Answers TLS-ALPN-01 challenges for `domain` by `digest`, the SHA-256 of the key authorization.
    ///
    /// # Errors
    /// When the certificate can't be made.
    pub(in crate::tls) fn offer_handshake(self: &Arc<Self>, domain: &str, digest: &[u8; 32]) -> Result<Offered, Error> {
        let file = handshake_file(&self.shared.load().folder, domain);
        write(&file, certificate(domain, digest)?.as_bytes())?;
        let config = Arc::new(read_handshake(&file)?);
        let answer = Answer::Handshake(domain.to_owned(), Arc::clone(&config));
        self.change(|pending| drop(pending.handshakes.insert(domain.to_owned(), Arc::clone(&config))));
        Ok(Offered { challenges: Arc::clone(self), answer, file })
    }

    /// Answers HTTP-01 challenges for `token`.
    ///
    /// # Errors
    /// When it can't be left for other replicas; a token with anything but the letters of RFC 8555 is none.
    pub(super) fn offer_text(self: &Arc<Self>, token: &str, text: &str) -> Result<Offered, Error> {
        let file = self.shared.load().folder.join(if is_token(token) { token } else { "" });
        write(&file, text.as_bytes())?;
        let text: Arc<[u8]> = text.as_bytes().into();
        let answer = Answer::Text(token.to_owned(), Arc::clone(&text));
        self.change(|pending| drop(pending.texts.insert(token.to_owned(), Arc::clone(&text))));
        Ok(Offered { challenges: Arc::clone(self), answer, file })
    }

    fn change(&self, change: impl Fn(&mut Pending)) {
        self.pending.rcu(|pending| {
            let mut pending = Pending::clone(pending);
            change(&mut pending);
            pending
        });
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        // A later answer to the same question stays.
        self.challenges.change(|pending| match &self.answer {
            Answer::Handshake(domain, own) => {
                pending.handshakes.retain(|known, config| known != domain || !Arc::ptr_eq(config, own));
            }
            Answer::Text(token, own) => pending.texts.retain(|known, text| known != token || !Arc::ptr_eq(text, own)),
        });
        // One that stays is of no use to anybody.
        let _ = fs::remove_file(&self.file);
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} handshakes, {} texts", self.handshakes.len(), self.texts.len())
    }
}

/// RFC 8555, section 8.3: base64url.
fn is_token(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=200).contains(&text.len()) && text.bytes().all(plain)
}

fn handshake_file(folder: &Path, domain: &str) -> PathBuf {
    folder.join(format!("{domain}.pem"))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(file, 0o600, bytes).map_err(|source| Error::Write { path: file.to_owned(), source })
}

/// The text of a small file.
pub(crate) fn read_text(file: &Path) -> Option<Vec<u8>> {
    let meta = fs::metadata(file).ok()?;
    (meta.is_file() && meta.len() <= LONGEST).then(|| fs::read(file).ok())?
}

/// A certificate that says who has been asked what, and its key.
fn certificate(domain: &str, digest: &[u8; 32]) -> Result<String, Error> {
    let mut params = CertificateParams::new([domain.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    Ok(key.serialize_pem() + &params.self_signed(&key)?.pem())
}

/// A configuration of its own: no session, no ticket and no client certificate has anything to do with a challenge.
fn read_handshake(file: &Path) -> Result<ServerConfig, Error> {
    // Not compared with each other: what reads certificates stumbles over the critical extension.
    let signer = aws_lc_rs::sign::any_supported_type(&*pem::private_key(file)?)?;
    let pair = CertifiedKey::new(pem::certificates(file)?, signer);
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenges() -> (tempfile::TempDir, Arc<Challenges>, Arc<Challenges>) {
        let dir = tempfile::tempdir().expect("a folder");
        let replica = || {
            let challenges = Arc::new(Challenges::default());
            challenges.share(dir.path().to_owned(), HashSet::from(["a.test".to_owned()]));
            challenges
        };
        let (one, other) = (replica(), replica());
        (dir, one, other)
    }

    #[test]
    fn an_answer_is_there_until_it_is_withdrawn_and_replicas_have_it_too() {
        let (dir, one, other) = challenges();
        let offered = one.offer_text("token", "token.thumb").expect("written");
        for replica in [&one, &other] {
            assert_eq!(replica.text("token").as_deref(), Some(&b"token.thumb"[..]));
            assert_eq!(replica.text("tokens"), None);
        }
        drop(offered);
        assert_eq!((one.text("token"), other.text("token")), (None, None));
        let offered = one.offer_handshake("a.test", &[7; 32]).expect("a certificate");
        assert_eq!(one.pending.load().handshakes.len(), 1);
        drop(offered);
        assert_eq!(one.pending.load().handshakes.len(), 0);
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_later_answer_stays() {
        let (_dir, one, _) = challenges();
        let first = one.offer_text("token", "token.one").expect("written");
        let _second = one.offer_text("token", "token.two").expect("written");
        drop(first);
        assert_eq!(one.text("token").as_deref(), Some(&b"token.two"[..]));
    }

    #[test]
    fn no_token_leads_out_of_the_folder() {
        let (dir, one, _) = challenges();
        fs::write(dir.path().join("../x-outside"), "secret").expect("written");
        assert_eq!(one.text("../x-outside"), None);
        fs::remove_file(dir.path().join("../x-outside")).expect("removed");
        assert!(one.offer_text("../x-outside", "y").is_err());
        assert_eq!((one.text(""), one.text(".")), (None, None));
    }
}
