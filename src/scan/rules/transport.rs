//! TLS and certificates, as a client sees them.

use crate::scan::rule::{Looks, Remedy, Rule, Scope, Severity};

const ACME: Remedy = Remedy::Table("[[tls.acme]]\ndomains = [\"{host}\"]\nagree_to_terms = true");

/// TLS is not spoken.
pub static NO_TLS: Rule = Rule {
    id: "tls-none",
    title: "TLS is not spoken",
    severity: Severity::High,
    cwe: 319,
    why: "Everything that is sent and received can be read and changed on the way.",
    mend: "Serve by TLS.",
    remedy: Remedy::InFront,
    points: 40,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// SSL 3.0 is spoken.
pub static SSL3: Rule = Rule {
    id: "tls-sslv3",
    title: "SSL 3.0 is spoken",
    severity: Severity::High,
    cwe: 327,
    why: "Its way of encrypting can be undone by who is in between (POODLE).",
    mend: "Turn off everything below TLS 1.2.",
    remedy: Remedy::InFront,
    points: 20,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// TLS 1.0 or 1.1 is spoken.
pub static OLD_TLS: Rule = Rule {
    id: "tls-old",
    title: "TLS 1.0 or 1.1 is spoken",
    severity: Severity::Medium,
    cwe: 327,
    why: "They rest on SHA-1 and MD5 and are deprecated by RFC 8996.",
    mend: "Turn off everything below TLS 1.2.",
    remedy: Remedy::InFront,
    points: 10,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// TLS 1.3 is not spoken.
pub static NO_TLS13: Rule = Rule {
    id: "tls-without-1-3",
    title: "TLS 1.3 is not spoken",
    severity: Severity::Low,
    cwe: 327,
    why: "TLS 1.2 shows certificates to everybody in between, and leaves more to configure wrongly.",
    mend: "Take a server and a library that speak TLS 1.3.",
    remedy: Remedy::InFront,
    points: 5,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// A cipher suite is accepted that is broken.
pub static BROKEN_SUITE: Rule = Rule {
    id: "tls-broken-suite",
    title: "A cipher suite is accepted that is broken",
    severity: Severity::High,
    cwe: 327,
    why: "NULL encrypts nothing, anonymous ones authenticate nobody, and export, DES, 3DES and RC4 ciphers can be undone.",
    mend: "Allow suites with AES-GCM or ChaCha20-Poly1305 only.",
    remedy: Remedy::InFront,
    points: 20,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// Suites without forward secrecy are accepted.
pub static NO_SECRECY: Rule = Rule {
    id: "tls-without-forward-secrecy",
    title: "Suites without forward secrecy are accepted",
    severity: Severity::Low,
    cwe: 327,
    why: "Who gets the server's key later can read everything that was recorded before; and RSA key exchange has leaked through its errors time and again.",
    mend: "Allow suites that begin with ECDHE only.",
    remedy: Remedy::InFront,
    points: 5,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// Suites in CBC mode are accepted.
pub static CBC_SUITE: Rule = Rule {
    id: "tls-cbc-suite",
    title: "Suites in CBC mode are accepted",
    severity: Severity::Info,
    cwe: 327,
    why: "Several attacks have read what such suites protect by the time that errors take; each was mended, in every library again.",
    mend: "Allow suites with AES-GCM or ChaCha20-Poly1305 only.",
    remedy: Remedy::InFront,
    points: 0,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// TLS compresses.
pub static COMPRESSION: Rule = Rule {
    id: "tls-compression",
    title: "TLS compresses",
    severity: Severity::Medium,
    cwe: 310,
    why: "The length of what is sent tells secrets within it (CRIME).",
    mend: "Turn compression off.",
    remedy: Remedy::InFront,
    points: 10,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// Renegotiation is not secured.
pub static RENEGOTIATION: Rule = Rule {
    id: "tls-insecure-renegotiation",
    title: "Renegotiation is not secured",
    severity: Severity::Medium,
    cwe: 300,
    why: "Who is in between can put own bytes before a client's request (RFC 5746).",
    mend: "Take a current library.",
    remedy: Remedy::InFront,
    points: 5,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// No key exchange that outlasts quantum computers.
pub static NO_QUANTUM: Rule = Rule {
    id: "tls-without-post-quantum",
    title: "No key exchange that outlasts quantum computers",
    severity: Severity::Info,
    cwe: 327,
    why: "What is recorded today can be read when there are such computers; X25519MLKEM768 prevents that.",
    mend: "Take a server and a library that speak X25519MLKEM768.",
    remedy: Remedy::InFront,
    points: 0,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// A Diffie-Hellman group is too small.
pub static WEAK_GROUP: Rule = Rule {
    id: "tls-weak-group",
    title: "A Diffie-Hellman group is too small",
    severity: Severity::Medium,
    cwe: 326,
    why: "Groups of less than 2048 bits can be broken by who has the means (Logjam).",
    mend: "Use elliptic curves only, or a group of 2048 bits or more.",
    remedy: Remedy::InFront,
    points: 10,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// The certificate is not valid now.
pub static EXPIRED: Rule = Rule {
    id: "certificate-expired",
    title: "The certificate is not valid now",
    severity: Severity::Critical,
    cwe: 298,
    why: "Browsers refuse it, and people learn to click warnings away.",
    mend: "Renew it.",
    remedy: ACME,
    points: 20,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// The certificate ends soon.
pub static EXPIRING: Rule = Rule {
    id: "certificate-expiring",
    title: "The certificate ends soon",
    severity: Severity::Medium,
    cwe: 298,
    why: "When it has ended, browsers refuse the site.",
    mend: "Renew it, and find out why that did not happen by itself.",
    remedy: ACME,
    points: 0,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// The certificate is of no authority that is believed.
pub static UNTRUSTED: Rule = Rule {
    id: "certificate-untrusted",
    title: "The certificate is of no authority that is believed",
    severity: Severity::High,
    cwe: 295,
    why: "Clients can't tell the server from who is in between; where they are told not to look, nothing is protected.",
    mend: "Take a certificate of an authority that clients believe; send the intermediate ones too.",
    remedy: ACME,
    points: 20,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// The certificate is for another name.
pub static WRONG_NAME: Rule = Rule {
    id: "certificate-name",
    title: "The certificate is for another name",
    severity: Severity::High,
    cwe: 297,
    why: "Browsers refuse it; other clients may be told not to look.",
    mend: "Take a certificate that has the name among its alternative names.",
    remedy: ACME,
    points: 20,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// The certificate's key is too small.
pub static WEAK_KEY: Rule = Rule {
    id: "certificate-weak-key",
    title: "The certificate's key is too small",
    severity: Severity::High,
    cwe: 326,
    why: "RSA of less than 2048 bits, or a curve of less than 256, can be broken by who has the means.",
    mend: "Make a key on P-256, or RSA of 2048 bits or more.",
    remedy: Remedy::Nothing,
    points: 10,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// The certificate is signed with a broken hash.
pub static WEAK_SIGNATURE: Rule = Rule {
    id: "certificate-weak-signature",
    title: "The certificate is signed with a broken hash",
    severity: Severity::High,
    cwe: 327,
    why: "With MD5 and SHA-1 a second certificate with the same signature can be made.",
    mend: "Have it signed with SHA-256.",
    remedy: ACME,
    points: 10,
    scope: Scope::Site,
    looks: Looks::Probe,
};

pub(super) static RULES: &[&Rule] = &[
    &NO_TLS,
    &SSL3,
    &OLD_TLS,
    &NO_TLS13,
    &BROKEN_SUITE,
    &NO_SECRECY,
    &CBC_SUITE,
    &COMPRESSION,
    &RENEGOTIATION,
    &NO_QUANTUM,
    &WEAK_GROUP,
    &EXPIRED,
    &EXPIRING,
    &UNTRUSTED,
    &WRONG_NAME,
    &WEAK_KEY,
    &WEAK_SIGNATURE,
];
