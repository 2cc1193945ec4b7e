//! Cipher suites of TLS 1.2 and below, by how well they protect.

/// How well a suite protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// AEAD and forward secrecy.
    Good,
    /// Forward secrecy, in CBC mode.
    Cbc,
    /// The server's key alone protects everything.
    NoSecrecy,
    /// Not at all, to somebody who cares.
    Broken,
}

/// A suite: its number, the name that IANA has for it, and how well it protects.
pub type Suite = (u16, &'static str, Strength);

use Strength::{Broken, Cbc, Good, NoSecrecy};

/// All that are looked for.
pub const SUITES: &[Suite] = &[
    (0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Good),
    (0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Good),
    (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Good),
    (0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Good),
    (0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Good),
    (0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Good),
    (0xCCAA, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Good),
    (0x009E, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", Good),
    (0x009F, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", Good),
    (0xC0AC, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", Good),
    (0xC0AD, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", Good),
    (0xC09E, "TLS_DHE_RSA_WITH_AES_128_CCM", Good),
    (0xC09F, "TLS_DHE_RSA_WITH_AES_256_CCM", Good),
    (0xC05D, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384", Good),
    (0xC061, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384", Good),
    (0xC009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Cbc),
    (0xC00A, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Cbc),
    (0xC013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Cbc),
    (0xC014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Cbc),
    (0xC023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", Cbc),
    (0xC024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", Cbc),
    (0xC027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", Cbc),
    (0xC028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", Cbc),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", Cbc),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", Cbc),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", Cbc),
    (0x006B, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", Cbc),
    (0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA", Cbc),
    (0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", Cbc),
    (0xC076, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", Cbc),
    (0xC077, "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384", Cbc),
    (0x009C, "TLS_RSA_WITH_AES_128_GCM_SHA256", NoSecrecy),
    (0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384", NoSecrecy),
    (0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", NoSecrecy),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", NoSecrecy),
    (0x003C, "TLS_RSA_WITH_AES_128_CBC_SHA256", NoSecrecy),
    (0x003D, "TLS_RSA_WITH_AES_256_CBC_SHA256", NoSecrecy),
    (0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", NoSecrecy),
    (0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", NoSecrecy),
    (0xC09C, "TLS_RSA_WITH_AES_128_CCM", NoSecrecy),
    (0xC09D, "TLS_RSA_WITH_AES_256_CCM", NoSecrecy),
    (0x0096, "TLS_RSA_WITH_SEED_CBC_SHA", NoSecrecy),
    (0x0007, "TLS_RSA_WITH_IDEA_CBC_SHA", Broken),
    (0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", Broken),
    (0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", Broken),
    (0xC008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", Broken),
    (0xC012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", Broken),
    (0x0004, "TLS_RSA_WITH_RC4_128_MD5", Broken),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA", Broken),
    (0xC007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", Broken),
    (0xC011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA", Broken),
    (0x0009, "TLS_RSA_WITH_DES_CBC_SHA", Broken),
    (0x0015, "TLS_DHE_RSA_WITH_DES_CBC_SHA", Broken),
    (0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", Broken),
    (0x0006, "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", Broken),
    (0x0008, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", Broken),
    (0x0014, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA", Broken),
    (0x0001, "TLS_RSA_WITH_NULL_MD5", Broken),
    (0x0002, "TLS_RSA_WITH_NULL_SHA", Broken),
    (0x003B, "TLS_RSA_WITH_NULL_SHA256", Broken),
    (0xC006, "TLS_ECDHE_ECDSA_WITH_NULL_SHA", Broken),
    (0xC010, "TLS_ECDHE_RSA_WITH_NULL_SHA", Broken),
    (0x0018, "TLS_DH_anon_WITH_RC4_128_MD5", Broken),
    (0x001B, "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA", Broken),
    (0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", Broken),
    (0x003A, "TLS_DH_anon_WITH_AES_256_CBC_SHA", Broken),
    (0x00A6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256", Broken),
    (0xC018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", Broken),
    (0xC019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", Broken),
];

/// Suites of TLS 1.3, which protect well all of them.
pub const SUITES_13: &[(u16, &str)] = &[
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256"),
];

/// Groups of key exchange.
pub const GROUPS: &[(u16, &str)] = &[
    (0x11EC, "X25519MLKEM768"),
    (0x11EB, "SecP256r1MLKEM768"),
    (0x001D, "x25519"),
    (0x0017, "secp256r1"),
    (0x0018, "secp384r1"),
    (0x0019, "secp521r1"),
    (0x001E, "x448"),
    (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"),
];

/// Those of [`GROUPS`] that outlast quantum computers.
pub const POST_QUANTUM: &[u16] = &[0x11EC, 0x11EB];
