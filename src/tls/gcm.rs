//! AES-GCM of TLS 1.3 by ring, on processors that work on two blocks at once (VAES) and have no AVX-512: aws-lc takes one block at a time
//! there, and is half as fast. Everything else of a suite, its keys and hashes, stays aws-lc's; so does AES-GCM on any other processor.

use std::sync::LazyLock;

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use rustls::{
    CipherSuite, CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion,
    SupportedCipherSuite, Tls13CipherSuite,
    crypto::{
        aws_lc_rs::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384},
        cipher::{
            self, AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
            OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload, Tls13AeadAlgorithm,
            UnsupportedOperationError, make_tls13_aad,
        },
    },
};

/// The suite that does what `suite` does, as fast as this processor can.
pub(super) fn fastest(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    if is_ahead() { by_ring(suite) } else { suite }
}

/// Whether ring is ahead of aws-lc on this processor.
fn is_ahead() -> bool {
    let wide = is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512bw");
    is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("vpclmulqdq")
        && is_x86_feature_detected!("avx2")
        && !wide
}

fn by_ring(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    static AES_128: LazyLock<Option<Tls13CipherSuite>> = LazyLock::new(|| of(TLS13_AES_128_GCM_SHA256, &Gcm::Aes128));
    static AES_256: LazyLock<Option<Tls13CipherSuite>> = LazyLock::new(|| of(TLS13_AES_256_GCM_SHA384, &Gcm::Aes256));
    let other = match suite.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => AES_128.as_ref(),
        CipherSuite::TLS13_AES_256_GCM_SHA384 => AES_256.as_ref(),
        _ => None,
    };
    other.map_or(suite, SupportedCipherSuite::Tls13)
}

fn of(suite: SupportedCipherSuite, gcm: &'static dyn Tls13AeadAlgorithm) -> Option<Tls13CipherSuite> {
    let Tls13CipherSuite { common, hkdf_provider, .. } = suite.tls13()?;
    Some(Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: common.suite,
            hash_provider: common.hash_provider,
            confidentiality_limit: common.confidentiality_limit,
        },
        hkdf_provider: *hkdf_provider,
        aead_alg: gcm,
        quic: None,
    })
}

#[derive(Debug, Clone, Copy)]
enum Gcm {
    Aes128,
    Aes256,
}

/// A key in one direction. rustls gives it as long as it is asked to; with any other nothing is sealed and nothing opened.
struct Sealed {
    key: Option<LessSafeKey>,
    iv: Iv,
}

impl Gcm {
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Aes128 => &AES_128_GCM,
            Self::Aes256 => &AES_256_GCM,
        }
    }

    fn sealed(self, key: &AeadKey, iv: Iv) -> Box<Sealed> {
        let key = UnboundKey::new(self.algorithm(), key.as_ref()).ok().map(LessSafeKey::new);
        Box::new(Sealed { key, iv })
    }
}

impl Sealed {
    /// rustls counts records, and ends a connection before a number comes twice.
    fn nonce(&self, seq: u64) -> Nonce {
        Nonce::assume_unique_for_key(cipher::Nonce::new(&self.iv, seq).0)
    }
}

impl Tls13AeadAlgorithm for Gcm {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        self.sealed(&key, iv)
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        self.sealed(&key, iv)
    }

    fn key_len(&self) -> usize {
        self.algorithm().key_len()
    }

    fn extract_keys(&self, key: AeadKey, iv: Iv) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Ok(match self {
            Self::Aes128 => ConnectionTrafficSecrets::Aes128Gcm { key, iv },
            Self::Aes256 => ConnectionTrafficSecrets::Aes256Gcm { key, iv },
        })
    }
}

impl MessageEncrypter for Sealed {
    fn encrypt(&mut self, message: OutboundPlainMessage<'_>, seq: u64) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&message.typ.to_array());
        let key = self.key.as_ref().ok_or(Error::EncryptError)?;
        let aad = Aad::from(make_tls13_aad(length));
        key.seal_in_place_append_tag(self.nonce(seq), aad, &mut payload).map_err(|_| Error::EncryptError)?;
        // RFC 8446, section 5.2: from outside every record is data of TLS 1.2.
        Ok(OutboundOpaqueMessage::new(ContentType::ApplicationData, ProtocolVersion::TLSv1_2, payload))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        // Its type, and the tag.
        length + 1 + AES_128_GCM.tag_len()
    }
}

impl MessageDecrypter for Sealed {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        seq: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let key = self.key.as_ref().ok_or(Error::DecryptError)?;
        let payload = &mut message.payload;
        let aad = Aad::from(make_tls13_aad(payload.len()));
        let length = key.open_in_place(self.nonce(seq), aad, payload).map_err(|_| Error::DecryptError)?.len();
        payload.truncate(length);
        message.into_tls13_unpadded_message()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        sync::Arc,
    };

    use rustls::{
        ClientConfig, ClientConnection, ServerConfig, ServerConnection,
        crypto::{CryptoProvider, aws_lc_rs},
    };

    use super::*;

    fn only(suite: SupportedCipherSuite) -> Arc<CryptoProvider> {
        Arc::new(CryptoProvider { cipher_suites: vec![suite], ..aws_lc_rs::default_provider() })
    }

    fn pair(ours: SupportedCipherSuite, theirs: SupportedCipherSuite) -> (ServerConnection, ClientConnection) {
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
        let mut trusted = rustls::RootCertStore::empty();
        trusted.add(own.cert.der().clone()).expect("a certificate");
        let server = ServerConfig::builder_with_provider(only(ours)).with_protocol_versions(&[&rustls::version::TLS13]);
        let server = server.expect("a version").with_no_client_auth();
        let server = server.with_single_cert(vec![own.cert.der().clone()], key).expect("a key");
        let client =
            ClientConfig::builder_with_provider(only(theirs)).with_protocol_versions(&[&rustls::version::TLS13]);
        let client = client.expect("a version").with_root_certificates(trusted).with_no_client_auth();
        let name = "localhost".try_into().expect("a name");
        (
            ServerConnection::new(Arc::new(server)).expect("a server"),
            ClientConnection::new(Arc::new(client), name).expect("a client"),
        )
    }

    /// Carries what either has to say to the other; `spoil` may change what goes to the client.
    fn carry(
        server: &mut ServerConnection,
        client: &mut ClientConnection,
        spoil: impl Fn(&mut Vec<u8>),
    ) -> Result<(), Error> {
        while server.wants_write() || client.wants_write() {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).expect("memory");
            }
            let mut rest = &wire[..];
            while !rest.is_empty() {
                server.read_tls(&mut rest).expect("memory");
                server.process_new_packets()?;
            }
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).expect("memory");
            }
            spoil(&mut wire);
            let mut rest = &wire[..];
            while !rest.is_empty() {
                client.read_tls(&mut rest).expect("memory");
                client.process_new_packets()?;
            }
        }
        Ok(())
    }

    #[test]
    fn what_one_seals_the_other_opens() {
        for suite in [TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384] {
            assert_ne!(
                format!("{:p}", by_ring(suite).tls13().expect("1.3")),
                format!("{:p}", suite.tls13().expect("1.3"))
            );
            let (mut server, mut client) = pair(by_ring(suite), suite);
            carry(&mut server, &mut client, |_| {}).expect("a handshake");
            for size in [1, 15, 16, 17, 255, 4096, 16_384] {
                let sent: Vec<u8> = (0..size).map(|i: u32| i.to_le_bytes()[0]).collect();
                server.writer().write_all(&sent).expect("room");
                client.writer().write_all(&sent).expect("room");
                carry(&mut server, &mut client, |_| {}).expect("whole records");
                let mut read = vec![0; sent.len()];
                client.reader().read_exact(&mut read).expect("all of it");
                assert!(read == sent, "{size}");
                server.reader().read_exact(&mut read).expect("all of it");
                assert!(read == sent, "{size}");
            }
            server.writer().write_all(b"x").expect("room");
            let spoilt = carry(&mut server, &mut client, |wire| {
                if let Some(last) = wire.last_mut() {
                    *last ^= 1;
                }
            });
            assert_eq!(spoilt, Err(Error::DecryptError));
        }
    }

    #[test]
    fn what_is_spoilt_on_its_way_here_is_not_opened() {
        let (mut client_side, mut ours) = pair(TLS13_AES_128_GCM_SHA256, by_ring(TLS13_AES_128_GCM_SHA256));
        carry(&mut client_side, &mut ours, |_| {}).expect("a handshake");
        client_side.writer().write_all(b"x").expect("room");
        let spoilt = carry(&mut client_side, &mut ours, |wire| wire[7] ^= 1);
        assert_eq!(spoilt, Err(Error::DecryptError));
    }

    #[test]
    fn other_suites_stay_as_they_are() {
        let chacha = aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
        assert_eq!(fastest(chacha), chacha);
        let old = aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
        assert_eq!(by_ring(old), old);
    }
}
