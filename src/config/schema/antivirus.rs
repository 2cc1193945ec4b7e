//! `[antivirus]`: scanners, and what is held for them.

use super::key::{Key, key};

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    key(
        "antivirus",
        "clamd",
        "\"unix:/run/clamav/clamd.ctl\"",
        "unix:/run/clamav/clamd.ctl; none where `icap` is named",
        "Where ClamAV's clamd listens: \"unix:/PATH\" or \"tcp:HOST:PORT\".",
    ),
    key(
        "antivirus",
        "icap",
        "\"icap://127.0.0.1:1344/avscan\"",
        "none",
        "The service of an ICAP server (RFC 3507), in place of clamd or, where `clamd` is named as well, besides it: both have to call a file clean then.",
    ),
    key(
        "antivirus",
        "cleartext_reason",
        "\"own network\"",
        "none",
        "Why files go to a scanner in cleartext beyond loopback; without it that is an error.",
    ),
    key(
        "antivirus",
        "connections",
        "4",
        "4",
        "Most bodies that are scanned at once: not more than clamd's MaxThreads. What an ICAP server allows (`Max-Connections`) is kept besides.",
    ),
    key("antivirus", "queue", "64", "64", "Most bodies that wait for their turn; what comes beyond is not scanned."),
    key("antivirus", "timeout", "\"60s\"", "60s", "Longest wait for a turn, and longest time of a scan."),
    key(
        "antivirus",
        "on_unavailable",
        "\"closed\"",
        "closed",
        "What becomes of a body that can't be judged on routes that block, because a scanner is away, slow or full, or the body can't be taken apart: \"closed\" (refused) or \"open\".",
    ),
    key(
        "antivirus",
        "max_age",
        "\"24h\"",
        "24h",
        "Age from which on clamd's signatures are stale (ICAP tells no age): told in metrics, log and status, and refused where a route says so.",
    ),
    key(
        "antivirus",
        "max_size",
        "\"25MiB\"",
        "25MiB",
        "Largest body that is scanned: not more than clamd's StreamMaxLength and MaxFileSize.",
    ),
    key(
        "antivirus",
        "exceeded",
        "\"refuse\"",
        "refuse",
        "What becomes of a body that is larger, or finds no room, on routes that block: \"refuse\" or \"pass\".",
    ),
    key(
        "antivirus",
        "memory",
        "\"64MiB\"",
        "64MiB",
        "Bytes of bodies that wait in memory; others wait sealed on disk.",
    ),
    key("antivirus", "spool", "\"4GiB\"", "4GiB", "Bytes of bodies that wait, in memory and on disk."),
    key("antivirus", "spool_per_address", "\"1GiB\"", "1GiB", "The same, of one client address."),
    key(
        "antivirus",
        "database",
        "\"/var/lib/clamav\"",
        "none",
        "clamd's folder of signatures, for `privet antivirus outbreak`; Privet must be allowed to write there.",
    ),
    key(
        "antivirus",
        "remember",
        "\"24h\"",
        "24h",
        "How long it is remembered, in memory and by hash, which files have passed.",
    ),
    key("antivirus", "quarantine", "true", "false", "Keep infected files, sealed, in DATA/quarantine."),
    key("antivirus", "quarantine_size", "\"1GiB\"", "1GiB", "Bytes of all of them; what comes beyond is not kept."),
    key("antivirus", "quarantine_keep", "\"30d\"", "30d", "How long they are kept."),
];
