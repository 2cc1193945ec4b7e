//! Versions, suites and groups after Mozilla's server side TLS guidelines, version 5.7
//! (<https://wiki.mozilla.org/Security/Server_Side_TLS>), as far as rustls has them: all of `modern`, and of
//! `intermediate` all but finite-field Diffie-Hellman.

use rustls::{
    SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    version::{TLS12, TLS13},
};

use super::settings::Profile;

/// The protocol versions of a profile.
#[must_use]
pub fn versions(profile: Profile) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match profile {
        Profile::Modern => &BOTH[..1],
        Profile::Intermediate => &BOTH,
    }
}

/// Suites and groups; the same for both profiles, since a suite belongs to one version.
///
/// The hybrid group comes first, so that clients which have it get post-quantum key exchange.
#[must_use]
pub fn provider() -> CryptoProvider {
    use aws_lc_rs::{cipher_suite as suite, kx_group as group};
    CryptoProvider {
        cipher_suites: vec![
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![group::X25519MLKEM768, group::X25519, group::SECP256R1, group::SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}
