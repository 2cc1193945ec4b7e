//! Answers to challenges that are pending: what an authority looks for to believe that a domain is ours.

use std::{collections::HashMap, fmt, sync::Arc};

use arc_swap::ArcSwap;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::PrivatePkcs8KeyDer,
    server::{ClientHello, NoServerSessionStorage},
    sign::{CertifiedKey, SingleCertAndKey},
};

/// What an authority's handshake asks to speak (RFC 8737, section 6.2).
const PROTOCOL: &[u8] = b"acme-tls/1";

/// Why there is no answer to a challenge.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its certificate can't be made.
    #[error("a certificate for the challenge can't be made")]
    Make(#[from] rcgen::Error),
    /// The TLS library does not take it.
    #[error("a certificate for the challenge is refused")]
    Tls(#[from] rustls::Error),
}

/// The pending answers, read by workers without a lock.
#[derive(Debug, Default)]
pub struct Challenges(ArcSwap<Pending>);

#[derive(Clone, Default)]
struct Pending {
    /// By domain.
    handshakes: HashMap<String, Arc<ServerConfig>>,
    /// By token.
    texts: HashMap<String, Arc<str>>,
}

/// One answer; it is withdrawn when this is dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct Offered {
    challenges: Arc<Challenges>,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Handshake(String, Arc<ServerConfig>),
    Text(String, Arc<str>),
}

impl Challenges {
    /// How to shake hands with an authority that validates a domain; `None` for everybody else, and where nothing is pending.
    #[must_use]
    pub fn handshake(&self, hello: &ClientHello<'_>) -> Option<Arc<ServerConfig>> {
        let mut protocols = hello.alpn()?;
        // The only one it may offer: nobody who wants to speak HTTP is ever led here.
        if protocols.next() != Some(PROTOCOL) || protocols.next().is_some() {
            return None;
        }
        self.0.load().handshakes.get(&hello.server_name()?.to_ascii_lowercase()).cloned()
    }

    /// What to answer over HTTP to whoever asks for `token`.
    #[must_use]
    pub fn text(&self, token: &str) -> Option<Arc<str>> {
        self.0.load().texts.get(token).cloned()
    }

    /// Answers TLS-ALPN-01 challenges for `domain` by `digest`, the SHA-256 of the key authorization.
    ///
    /// # Errors
    /// When the certificate can't be made.
    pub(super) fn offer_handshake(self: &Arc<Self>, domain: &str, digest: &[u8; 32]) -> Result<Offered, Error> {
        let config = Arc::new(config(domain, digest)?);
        let answer = Answer::Handshake(domain.to_owned(), Arc::clone(&config));
        self.change(|pending| drop(pending.handshakes.insert(domain.to_owned(), Arc::clone(&config))));
        Ok(Offered { challenges: Arc::clone(self), answer })
    }

    /// Answers HTTP-01 challenges for `token`.
    pub(super) fn offer_text(self: &Arc<Self>, token: &str, text: &str) -> Offered {
        let text: Arc<str> = text.into();
        let answer = Answer::Text(token.to_owned(), Arc::clone(&text));
        self.change(|pending| drop(pending.texts.insert(token.to_owned(), Arc::clone(&text))));
        Offered { challenges: Arc::clone(self), answer }
    }

    fn change(&self, change: impl Fn(&mut Pending)) {
        self.0.rcu(|pending| {
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
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} handshakes, {} texts", self.handshakes.len(), self.texts.len())
    }
}

/// A configuration of its own: no session, no ticket and no client certificate has anything to do with a challenge.
fn config(domain: &str, digest: &[u8; 32]) -> Result<ServerConfig, Error> {
    let mut params = CertificateParams::new([domain.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let signer = aws_lc_rs::sign::any_supported_type(&PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
    let pair = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signer));
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

    #[test]
    fn an_answer_is_there_until_it_is_withdrawn() {
        let challenges = Arc::new(Challenges::default());
        let first = challenges.offer_text("token", "token.one");
        let second = challenges.offer_text("token", "token.two");
        drop(first);
        assert_eq!(challenges.text("token").as_deref(), Some("token.two"));
        assert_eq!(challenges.text("other"), None);
        drop(second);
        assert_eq!(challenges.text("token"), None);
        let offered = challenges.offer_handshake("a.test", &[7; 32]).expect("a certificate");
        assert_eq!(challenges.0.load().handshakes.len(), 1);
        drop(offered);
        assert_eq!(challenges.0.load().handshakes.len(), 0);
    }
}
