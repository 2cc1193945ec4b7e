//! Bans, and lists of others.

use super::key::{Key, key};

const TABLE: &str = "shield.ban";
const LIST: &str = "shield.ban.list[]";

/// The keys, a table after the other.
pub(super) const KEYS: &[Key] = &[
    key(
        TABLE,
        "login",
        "\"20/10m\"",
        "20/10m",
        "Failed attempts to sign in that an address (IPv6: a /64) may have, and in which time as many are forgotten; beyond them it is banned. \"off\" counts none. Bans are on where [shield.ban] stands; docs/BANS.md has the whole of it.",
    ),
    key(TABLE, "attack", "\"10/10m\"", "10/10m", "The same for requests that rules have refused."),
    key(
        TABLE,
        "scanner",
        "\"6/10m\"",
        "6/10m",
        "The same for paths that only scanners ask for (/.env, /.git, /wp-login.php, ...), where the application has no such thing; each path once.",
    ),
    key(
        TABLE,
        "not_found",
        "\"60/1m\"",
        "60/1m",
        "The same for requests for what is not there (404, 410); each path once.",
    ),
    key(
        TABLE,
        "protocol",
        "\"20/1m\"",
        "20/1m",
        "The same for requests that are no well-formed HTTP, or that could be read in two ways.",
    ),
    key(
        TABLE,
        "steps",
        "[\"10m\", \"1h\", \"1d\"]",
        "[\"10m\", \"1h\", \"1d\"]",
        "How long the first ban lasts, the second, and so on; the last is for all that follow. At most 8.",
    ),
    key(TABLE, "forget", "\"7d\"", "7d", "Quiet time after the end of a ban from which on the next is a first one."),
    key(
        TABLE,
        "allow",
        "[\"192.0.2.0/24\"]",
        "[]",
        "Networks that nothing bans, neither scenarios nor lists nor `privet ban add`. Those of `listen.trusted` are among them.",
    ),
    key(
        TABLE,
        "contact",
        "\"security@example.com\"",
        "none",
        "Whom those who are banned may ask; it stands on their page.",
    ),
    key(
        TABLE,
        "answer",
        "\"page\"",
        "page",
        "What a banned request gets: a \"page\" (403) that says why, until when and how to get out, or \"close\": its stream is closed. Behind a proxy of `listen.trusted` it is the page.",
    ),
    key(
        TABLE,
        "scanner_paths",
        "[\"/old-admin\"]",
        "[]",
        "Paths that only scanners ask for, besides those that are known, with all below them.",
    ),
    key(
        TABLE,
        "max_keys",
        "100000",
        "100000",
        "Addresses and sessions that are remembered, of at most 120 bytes each; who is banned goes last.",
    ),
    key(LIST, "name", "\"spamhaus\"", "required", "A name for metrics and `privet ban list`."),
    key(
        LIST,
        "file",
        "\"lists/drop.txt\"",
        "none",
        "A file: an address or a network a line, comments behind # or ;. Read again when it changes. Who is on it is refused before the handshake.",
    ),
    key(
        LIST,
        "crowdsec",
        "\"http://127.0.0.1:8080\"",
        "none",
        "In place of a file: the local API of a CrowdSec agent, whose decisions to ban addresses and ranges are followed.",
    ),
    key(
        LIST,
        "api_key",
        "\"...\"",
        "required with crowdsec",
        "The key that the agent knows this gateway by (`cscli bouncers add privet`). A secret: `api_key_file` names a file instead.",
    ),
    key(LIST, "every", "\"10s\"", "10s", "How often the agent is asked for what is new: from 1s to 1d."),
    key(
        LIST,
        "ca",
        "\"crowdsec-ca.pem\"",
        "the system's authorities",
        "PEM file: the only authorities believed for the agent.",
    ),
    key(
        LIST,
        "cleartext_reason",
        "\"inside the pod\"",
        "none",
        "Why the agent may be reached without TLS beyond this machine.",
    ),
];
