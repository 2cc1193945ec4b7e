//! Privet's own configuration, where it leaves something open that it need not.

use crate::scan::rule::{Looks, Remedy, Rule, Scope, Severity};

/// A route is served, or its application reached, in cleartext.
pub static CLEARTEXT_ROUTE: Rule = Rule {
    id: "config-cleartext",
    title: "A route is served, or its application reached, in cleartext",
    severity: Severity::Medium,
    cwe: 319,
    why: "What goes over that way can be read and changed by who is on it.",
    mend: "Use TLS; a Unix socket or loopback where both are on one machine.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Forwarding headers of too many are believed.
pub static WIDE_TRUST: Rule = Rule {
    id: "config-wide-trust",
    title: "Forwarding headers of too many are believed",
    severity: Severity::High,
    cwe: 348,
    why: "Whoever is in `listen.trusted` says which address a client has: limits, bans and logs go by it.",
    mend: "Name the load balancers' own addresses in `listen.trusted`.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// A route has no rules against intrusion.
pub static UNGUARDED: Rule = Rule {
    id: "config-unguarded",
    title: "A route has no rules against intrusion",
    severity: Severity::Low,
    cwe: 693,
    why: "What scanners and worms send reaches the application.",
    mend: "Set `shield = \"detect\"`, look at what it finds, then `\"block\"`.",
    remedy: Remedy::Route("shield = \"detect\""),
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Rules against intrusion only look on.
pub static ONLY_DETECTED: Rule = Rule {
    id: "config-only-detected",
    title: "Rules against intrusion only look on",
    severity: Severity::Info,
    cwe: 693,
    why: "What they find reaches the application all the same.",
    mend: "Set `shield = \"block\"` when what is found is found rightly.",
    remedy: Remedy::Route("shield = \"block\""),
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// A route's answers are not watched.
pub static UNWATCHED: Rule = Rule {
    id: "config-unwatched",
    title: "A route's answers are not watched",
    severity: Severity::Info,
    cwe: 778,
    why: "What an application gives away is found by whoever looks first.",
    mend: "Set `watch = true`.",
    remedy: Remedy::Route("watch = true"),
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// A route masks nothing.
pub static UNMASKED: Rule = Rule {
    id: "config-unmasked",
    title: "A route masks nothing",
    severity: Severity::Info,
    cwe: 359,
    why: "Everything that the application shows is shown to whoever may pass.",
    mend: "Set `mask = \"all\"`, or `\"policy\"` with a gate.",
    remedy: Remedy::Route("mask = \"all\""),
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Answers that can't be read pass a mask.
pub static UNINSPECTED: Rule = Rule {
    id: "config-uninspected",
    title: "Answers that can't be read pass a mask",
    severity: Severity::Medium,
    cwe: 693,
    why: "A broken or oddly coded answer shows what the mask would have hidden.",
    mend: "Leave `uninspectable` at `\"refuse\"`.",
    remedy: Remedy::Route("uninspectable = \"refuse\""),
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Requests pass that two readers take differently.
pub static LAX_HEAD: Rule = Rule {
    id: "config-lax-head",
    title: "Requests pass that two readers take differently",
    severity: Severity::Medium,
    cwe: 436,
    why: "A rule reads one path and the application another.",
    mend: "Leave `[head]` at its defaults.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Cookies or HSTS of a route are left as they are.
pub static UNHARDENED: Rule = Rule {
    id: "config-unhardened",
    title: "Cookies or HSTS of a route are left as they are",
    severity: Severity::Low,
    cwe: 614,
    why: "Privet's defaults for cookies and Strict-Transport-Security are turned off.",
    mend: "Leave `cookies` and `hsts` at their defaults.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Health and metrics can be reached from elsewhere.
pub static OPEN_ADMIN: Rule = Rule {
    id: "config-open-admin",
    title: "Health and metrics can be reached from elsewhere",
    severity: Severity::Low,
    cwe: 668,
    why: "They are cleartext and ask nobody: they name routes, and how much they are used.",
    mend: "Let `listen.admin` be a loopback address, or a network of your own behind a firewall.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Requests are not written down.
pub static UNLOGGED: Rule = Rule {
    id: "config-unlogged",
    title: "Requests are not written down",
    severity: Severity::Low,
    cwe: 778,
    why: "What has happened can't be told afterwards.",
    mend: "Leave `access_log` on.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// There is no journal.
pub static UNRECORDED: Rule = Rule {
    id: "config-no-journal",
    title: "There is no journal",
    severity: Severity::Info,
    cwe: 778,
    why: "Who has seen whose data, and who has changed what, is not kept.",
    mend: "Leave `[journal]` on.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Nobody is ever banned.
pub static UNBANNED: Rule = Rule {
    id: "config-no-bans",
    title: "Nobody is ever banned",
    severity: Severity::Info,
    cwe: 799,
    why: "Scanners and guessers go on for ever, within each single limit.",
    mend: "Add `[shield.ban]`.",
    remedy: Remedy::Table("[shield.ban]\nscanner = \"10/10m\""),
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// No login is guarded.
pub static NO_LOGIN: Rule = Rule {
    id: "config-no-login",
    title: "No login is guarded",
    severity: Severity::Info,
    cwe: 307,
    why: "Passwords of the application can be guessed as fast as it answers.",
    mend: "Name its login in `[[login]]`.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// A key can be read by others.
pub static READABLE_KEY: Rule = Rule {
    id: "config-readable-key",
    title: "A key can be read by others",
    severity: Severity::High,
    cwe: 732,
    why: "Whoever has an account on the machine can be the server, or read what is sealed.",
    mend: "`chmod 600` the file, owned by the user that Privet runs as.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

/// Rules have not been renewed for long.
pub static OLD_RULES: Rule = Rule {
    id: "config-old-rules",
    title: "Rules have not been renewed for long",
    severity: Severity::Low,
    cwe: 1329,
    why: "Attacks and holes that were published since are not known to them.",
    mend: "Update the rule set, or the RetireJS file.",
    remedy: Remedy::Nothing,
    points: 0,
    scope: Scope::Page,
    looks: Looks::Configuration,
};

pub(super) static RULES: &[&Rule] = &[
    &CLEARTEXT_ROUTE,
    &WIDE_TRUST,
    &UNGUARDED,
    &ONLY_DETECTED,
    &UNWATCHED,
    &UNMASKED,
    &UNINSPECTED,
    &LAX_HEAD,
    &UNHARDENED,
    &OPEN_ADMIN,
    &UNLOGGED,
    &UNRECORDED,
    &UNBANNED,
    &NO_LOGIN,
    &READABLE_KEY,
    &OLD_RULES,
];
