//! What only asking a site tells.

use crate::scan::rule::{Looks, Remedy, Rule, Scope, Severity};

/// An account that does not exist may try for ever.
pub static LOGIN_UNTHROTTLED: Rule = Rule {
    id: "login-unthrottled",
    title: "Passwords can be guessed as fast as the network allows",
    severity: Severity::High,
    cwe: 307,
    why: "Lists of leaked passwords are tried on every login that lets them.",
    mend: "Limit failed attempts by account and by address.",
    remedy: Remedy::Table("[[login]]\npath = \"{path}\"\npreset = \"auto\""),
    points: 0,
    scope: Scope::Page,
    looks: Looks::Probe,
};

/// A file that is nobody's business.
pub static EXPOSED_FILE: Rule = Rule {
    id: "exposed-file",
    title: "A file that is nobody's business can be fetched",
    severity: Severity::Critical,
    cwe: 538,
    why: "It holds source code, passwords or data, and scanners look for it all day.",
    mend: "Take the file out of the served folder, and change every secret in it.",
    remedy: Remedy::Route("shield = \"block\""),
    points: 0,
    scope: Scope::Page,
    looks: Looks::Probe,
};

/// The request comes back with its headers.
pub static TRACE: Rule = Rule {
    id: "method-trace",
    title: "TRACE sends requests back",
    severity: Severity::Medium,
    cwe: 693,
    why: "What proxies add, and cookies that scripts can't read, come back in the body.",
    mend: "Turn it off: `TraceEnable off` in Apache.",
    remedy: Remedy::InFront,
    points: 0,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// What `Allow` offers.
pub static METHODS: Rule = Rule {
    id: "method-writes",
    title: "The server offers methods that change files",
    severity: Severity::Low,
    cwe: 650,
    why: "PUT and DELETE on files are how pages are replaced; where an interface means them, this is no fault.",
    mend: "Refuse methods that the application does not use.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// Cleartext where TLS is spoken too.
pub static NO_REDIRECT: Rule = Rule {
    id: "cleartext-served",
    title: "Pages are served in cleartext",
    severity: Severity::High,
    cwe: 319,
    why: "Whoever is in between reads and changes everything.",
    mend: "Answer every request in cleartext by 308 to https, and nothing else.",
    remedy: Remedy::InFront,
    points: 40,
    scope: Scope::Site,
    looks: Looks::Probe,
};

/// The application beside Privet.
pub static AROUND: Rule = Rule {
    id: "reachable-around",
    title: "The application can be reached around Privet",
    severity: Severity::Critical,
    cwe: 419,
    why: "Whoever asks it directly passes by every safeguard: no mask, no gate, no limit, no record.",
    mend: "Let the application listen on 127.0.0.1 or a Unix socket, or let a firewall pass Privet alone (`privet intercept --print`).",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Probe,
};

pub(super) static RULES: &[&Rule] = &[&LOGIN_UNTHROTTLED, &EXPOSED_FILE, &TRACE, &METHODS, &NO_REDIRECT, &AROUND];
