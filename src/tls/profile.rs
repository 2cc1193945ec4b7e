//! Mozilla's profiles in the terms of rustls.
//!
//! Suites and groups follow <https://wiki.mozilla.org/Security/Server_Side_TLS>, in its order, which is
//! what both sides take: every suite here is strong, and AES of 128 bits costs a large answer a fifth
//! less than that of 256. Only who puts `ChaCha20` first, as phones without AES in hardware do, gets it.
//! Finite-field DHE, which the intermediate profile also lists, is not in rustls.

use std::sync::Arc;

use rustls::{
    CipherSuite, NamedGroup, ProtocolVersion, SupportedProtocolVersion,
    crypto::{
        CryptoProvider,
        aws_lc_rs::{self, cipher_suite as suite, kx_group as group},
    },
    version::{TLS12, TLS13},
};

use super::settings::Profile;

static MODERN: [&SupportedProtocolVersion; 1] = [&TLS13];
static INTERMEDIATE: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// The versions of a profile.
pub(super) fn versions(profile: Profile) -> &'static [&'static SupportedProtocolVersion] {
    match profile {
        Profile::Modern => &MODERN,
        Profile::Intermediate => &INTERMEDIATE,
    }
}

/// The suites and groups of a profile.
pub(super) fn provider(profile: Profile) -> Arc<CryptoProvider> {
    let mut suites =
        vec![suite::TLS13_AES_128_GCM_SHA256, suite::TLS13_AES_256_GCM_SHA384, suite::TLS13_CHACHA20_POLY1305_SHA256];
    if profile == Profile::Intermediate {
        suites.extend([
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ]);
    }
    #[cfg(target_arch = "x86_64")]
    for suite in &mut suites {
        *suite = super::gcm::fastest(*suite);
    }
    Arc::new(CryptoProvider {
        cipher_suites: suites,
        kx_groups: vec![group::X25519MLKEM768, group::X25519, group::SECP256R1, group::SECP384R1],
        ..aws_lc_rs::default_provider()
    })
}

/// Whether a client that offers these asks for `ChaCha20` before all others.
pub(super) fn wants_chacha20(offered: &[CipherSuite]) -> bool {
    // Values that nobody knows may stand anywhere (RFC 8701).
    let first = offered.iter().find(|suite| suite.as_str().is_some());
    first.is_some_and(|suite| {
        matches!(
            suite,
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        )
    })
}

/// `1.2` or `1.3`, as OpenTelemetry's `tls.protocol.version` has it.
pub(super) fn version_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "1.3",
        ProtocolVersion::TLSv1_2 => "1.2",
        // No profile offers another.
        _ => "unknown",
    }
}

/// IANA's name of a suite.
pub(super) fn suite_name(suite: CipherSuite) -> &'static str {
    match suite {
        // rustls writes TLS13_, IANA writes TLS_.
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => other.as_str().unwrap_or("unknown"),
    }
}

/// IANA's name of a group.
pub(super) fn group_name(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
        NamedGroup::X25519 => "x25519",
        NamedGroup::secp256r1 => "secp256r1",
        NamedGroup::secp384r1 => "secp384r1",
        other => other.as_str().unwrap_or("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modern_knows_no_older_version() {
        let modern = provider(Profile::Modern);
        assert_eq!(modern.cipher_suites.len(), 3);
        assert_eq!(versions(Profile::Modern).len(), 1);
        let intermediate = provider(Profile::Intermediate);
        assert_eq!(intermediate.cipher_suites.len(), 9);
        assert_eq!(suite_name(intermediate.cipher_suites[3].suite()), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    }
}
