//! Every key, once: what it takes, its default, and what it means. The reader refuses what is not here, and
//! `docs/CONFIGURATION.md` is made from it.

use std::fmt::Write as _;

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its table: `""`, `listen`, `tls.certificate[]`, ...
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it takes, with an example in TOML.
    pub example: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it means, with units.
    pub doc: &'static str,
}

const fn key(
    table: &'static str,
    name: &'static str,
    example: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { table, name, example, default, doc }
}

/// All keys, a table after the other.
pub const KEYS: &[Key] = &[
    key("", "data_dir", "\"data\"", "data", "Folder for Privet's own state; made with mode 0700 when missing."),
    key("listen", "https", "\"0.0.0.0:8443\"", "127.0.0.1:8443", "Address where TLS is served."),
    key(
        "listen",
        "http",
        "\"0.0.0.0:8080\"",
        "127.0.0.1:8080",
        "Address where cleartext requests are redirected to https; \"off\" closes it.",
    ),
    key(
        "listen",
        "admin",
        "\"127.0.0.1:9901\"",
        "127.0.0.1:9901",
        "Address of /livez, /readyz, /metrics and /personal-data (counts only), without TLS; \"off\" closes it.",
    ),
    key("listen", "workers", "2", "one a core, cgroup quota honoured", "Threads that serve."),
    key(
        "listen",
        "trusted",
        "[\"10.0.0.0/8\"]",
        "[]",
        "Networks whose X-Forwarded-*, Forwarded and PROXY headers are believed, and whose connections are not counted by address.",
    ),
    key(
        "listen",
        "proxy_protocol",
        "false",
        "false",
        "Whether every connection starts with a PROXY protocol header, version 1 or 2. Needs `trusted`.",
    ),
    key(
        "listen",
        "redirect_port",
        "443",
        "the port of https",
        "Port named in redirects to https, where a mapping changes it.",
    ),
    key(
        "listen",
        "acme_webroot",
        "\"/var/lib/acme\"",
        "none",
        "Folder under which /.well-known/acme-challenge/TOKEN is answered on the cleartext address (HTTP-01).",
    ),
    key(
        "tls",
        "profile",
        "\"intermediate\"",
        "intermediate",
        "Mozilla's profile: \"modern\" is TLS 1.3 only, \"intermediate\" TLS 1.2 and 1.3.",
    ),
    key(
        "tls",
        "development_dir",
        "\"certs\"",
        "certs, in the current folder",
        "Where a development CA and leaf are made when no [[tls.certificate]] is given.",
    ),
    key(
        "tls.certificate[]",
        "chain",
        "\"tls.crt\"",
        "required",
        "PEM file, leaf first. Watched: a change is taken without a restart.",
    ),
    key("tls.certificate[]", "key", "\"tls.key\"", "required", "PEM file: PKCS#1, PKCS#8 or SEC1, not encrypted."),
    key(
        "tls.client",
        "mode",
        "\"off\"",
        "off",
        "Client certificates: \"off\", \"request\" (a client without one goes on) or \"require\".",
    ),
    key(
        "tls.client",
        "ca",
        "\"clients.pem\"",
        "required unless off",
        "PEM bundle of the authorities that sign client certificates.",
    ),
    key("tls.client", "crl", "\"clients.crl\"", "none", "Revocation list, PEM or DER."),
    key("limits", "connections", "10000", "10000", "Open client connections in all."),
    key(
        "limits",
        "connections_per_address",
        "2000",
        "2000",
        "Open client connections of one address; IPv6 counts by /64.",
    ),
    key("limits", "handshake_timeout", "\"10s\"", "10s", "From accept to the end of the TLS handshake."),
    key("limits", "header_timeout", "\"10s\"", "10s", "From the first byte of a request head to its last; 408 then."),
    key("limits", "header_bytes", "\"32KiB\"", "32KiB", "A request head; 431 beyond it."),
    key("limits", "header_count", "100", "100", "Lines of a request head; 431 beyond it."),
    key("limits", "uri_bytes", "\"8KiB\"", "8KiB", "A request target; 414 beyond it."),
    key("limits", "body_idle_timeout", "\"30s\"", "30s", "Longest silence of a client that owes body bytes; 408 then."),
    key(
        "limits",
        "body_min_rate",
        "\"240B\"",
        "240B",
        "Least request body bytes a second, over the time spent waiting for them, after one body_idle_timeout; \"0B\" is off.",
    ),
    key("limits", "stall_timeout", "\"60s\"", "60s", "Longest time that a client may leave answer bytes unread."),
    key("limits", "keep_alive", "\"75s\"", "75s", "Longest silence between two requests of a connection."),
    key(
        "limits",
        "connection_age",
        "\"1h\"",
        "1h",
        "Age at which a connection is asked to end after its current requests.",
    ),
    key("limits", "h2_streams", "128", "128", "HTTP/2 requests at once on one connection."),
    key(
        "limits",
        "h2_resets",
        "200",
        "200",
        "HTTP/2 requests that a client may cancel on one connection, when they are over half of all.",
    ),
    key(
        "limits",
        "login_keys",
        "1000000",
        "1000000",
        "Accounts, addresses and devices whose attempts to sign in are remembered, all logins together; 82 bytes each, the oldest leaves. A change needs a restart.",
    ),
    key(
        "head",
        "underscores",
        "\"refuse\"",
        "refuse",
        "Header names with `_`: \"refuse\" (400), \"strip\" or \"keep\".",
    ),
    key(
        "head",
        "path_parameters",
        "\"strip\"",
        "strip",
        "`;name=value` in a path: \"refuse\" (400), \"strip\" or \"keep\".",
    ),
    key("head", "encoded_slash", "\"refuse\"", "refuse", "`%2F` in a path: \"refuse\" (400) or \"keep\"."),
    key(
        "head",
        "non_utf8",
        "\"refuse\"",
        "refuse",
        "Path bytes that are not UTF-8: \"refuse\" (400) or \"keep\", for applications with older encodings.",
    ),
    key(
        "shutdown",
        "delay",
        "\"3s\"",
        "3s; 0s without a file",
        "From SIGTERM to the closing of the listeners; readiness fails at once.",
    ),
    key(
        "shutdown",
        "deadline",
        "\"28s\"",
        "28s",
        "From SIGTERM to the end, whatever still runs. Longer than `delay`, shorter than the grace period of who sends it.",
    ),
    key(
        "access_log",
        "path",
        "\"-\"",
        "-",
        "File of the access log, made with mode 0600; \"-\" is standard output, \"off\" writes none. No personal data is in it: paths, queries and referrers are scrubbed, addresses are pseudonyms.",
    ),
    key(
        "access_log",
        "format",
        "\"json\"",
        "json",
        "\"json\": an object a line with OpenTelemetry's names; \"combined\": Apache's combined log format.",
    ),
    key(
        "access_log",
        "when_full",
        "\"drop\"",
        "drop",
        "When lines can't be written as fast as they come: \"drop\" them and count (privet_log_dropped_total), or let requests \"wait\", and refuse them (503) while writing fails.",
    ),
    key("access_log", "queue", "\"8MiB\"", "8MiB", "Most bytes of lines that wait to be written."),
    key(
        "access_log",
        "sealed",
        "false",
        "false",
        "Whether the file is encrypted at rest (AES-256-GCM); `privet logs open` reads it.",
    ),
    key(
        "access_log.rotate",
        "size",
        "\"256MiB\"",
        "256MiB",
        "Size at which the file is put aside under its name with the time behind it; \"off\" is never. SIGUSR1 opens it anew for tools that move it themselves.",
    ),
    key("access_log.rotate", "age", "\"1d\"", "1d", "Age at which the file is put aside; \"off\" is never."),
    key("access_log.keep", "files", "30", "30", "Most files that were put aside; the oldest are deleted."),
    key(
        "access_log.keep",
        "age",
        "\"30d\"",
        "30d",
        "Age at which a file that was put aside is deleted; \"off\" is never.",
    ),
    key(
        "seal",
        "key_file",
        "\"seal.key\"",
        "seal.key in data_dir",
        "Keys that seal what is kept, in the same form as `privacy.key_file`; made with mode 0600 when missing and needed.",
    ),
    key(
        "privacy",
        "operator",
        "\"token\"",
        "token",
        "What is written in the place of personal data in logs: \"token\" (keyed pseudonym), \"mask\", \"redact\" (the type), \"drop\", \"encrypt\" (`privet reveal` opens it); for addresses \"truncate\" (/24, /48) and \"preserve\" (another address of the same network).",
    ),
    key("privacy", "operators", "{ IP_ADDRESS = \"truncate\" }", "{}", "The same for single types."),
    key(
        "privacy",
        "key_file",
        "\"pseudonym.key\"",
        "pseudonym.key in data_dir",
        "Keys of tokens and encryption: a line an epoch, its name and 32 bytes in base64; the last is written with. Made with mode 0600 when missing. Watched.",
    ),
    key("privacy", "threshold", "50", "50", "Least confidence of a finding, percent."),
    key("privacy", "off", "[\"MAC_ADDRESS\"]", "[]", "Types that are not looked for."),
    key(
        "privacy",
        "allow",
        "[\"noreply@example.com\"]",
        "[]",
        "Values that are nobody's, without regard to ASCII case.",
    ),
    key(
        "privacy",
        "allow_regex",
        "[\"10\\\\..*\"]",
        "[]",
        "Patterns of values that are nobody's; a value is matched as a whole.",
    ),
    key(
        "privacy",
        "allow_domains",
        "[\"example.com\"]",
        "[]",
        "Mail domains that are nobody's, with those below them.",
    ),
    key(
        "privacy.detector[]",
        "name",
        "\"EMPLOYEE_NO\"",
        "required",
        "Type of what an own detector finds: capitals, digits and `_`.",
    ),
    key(
        "privacy.detector[]",
        "regex",
        "\"E[0-9]{6}\"",
        "required",
        "What a value looks like (regex crate, over bytes).",
    ),
    key(
        "privacy.detector[]",
        "keywords",
        "[\"employee\"]",
        "[]",
        "Words of which one must stand near; with none the pattern is enough.",
    ),
    key(
        "privacy.detector[]",
        "max_length",
        "7",
        "64",
        "Most bytes of a value, at most 1024; of a longer one the rest of the word is dropped.",
    ),
    key(
        "privacy.detector[]",
        "checksum",
        "\"luhn\"",
        "none",
        "Check digits that a value must have: \"luhn\", \"verhoeff\" or \"mod97\".",
    ),
    key(
        "store",
        "redis",
        "\"rediss://redis.example:6379\"",
        "none",
        "Redis or Valkey that replicas share: \"rediss://[[USER]:PASSWORD@]HOST:PORT/DATABASE\", \"unix:/PATH\", \"rediss+sentinel://HOST:PORT,HOST:PORT/MASTER\" or \"rediss-cluster://HOST:PORT,HOST:PORT\"; `redis` in the place of `rediss` is cleartext. Secret: `redis_file` names a file that holds it.",
    ),
    key(
        "store",
        "redis_password",
        "\"...\"",
        "none",
        "Password there. Secret: `redis_password_file` names a file that holds it.",
    ),
    key(
        "store",
        "sentinel_password",
        "\"...\"",
        "none",
        "Password at the sentinels. Secret: `sentinel_password_file` names a file that holds it.",
    ),
    key(
        "store",
        "ca",
        "\"redis-ca.pem\"",
        "the system's",
        "PEM bundle of the only authorities believed for TLS to the store.",
    ),
    key("store", "prefix", "\"privet:\"", "privet:", "What every key in the store begins with."),
    key(
        "store",
        "timeout",
        "\"50ms\"",
        "50ms",
        "Longest wait for an answer of the store. After one that did not come nobody waits until the store is back.",
    ),
    key(
        "store",
        "replicas",
        "3",
        "1",
        "Replicas of Privet that share the store. While it is away each goes on with its share: a limit divided by this, at least 1.",
    ),
    key(
        "store",
        "cleartext_reason",
        "\"private bridge\"",
        "none",
        "Why cleartext to the store beyond loopback is allowed; without it that is an error.",
    ),
    key(
        "login[]",
        "host",
        "\"shop.example\"",
        "any",
        "Host name of an application's own login whose attempts are limited, or \"*.example.com\". docs/LOGIN.md says how.",
    ),
    key(
        "login[]",
        "path",
        "\"/login\"",
        "that of the preset, or required",
        "Where attempts go; also with slashes at its end and in another case. With Basic, everything below as well.",
    ),
    key(
        "login[]",
        "preset",
        "\"form-redirect\"",
        "none",
        "\"form-redirect\", \"json-401\", \"wordpress\", \"basic\", \"spring\", \"django\", or \"auto\", which learns from answers: where the username stands and what tells a failure.",
    ),
    key(
        "login[]",
        "method",
        "[\"POST\"]",
        "every one but GET, HEAD and OPTIONS",
        "Methods of attempts. A GET whose query names an account and a password is one in any case.",
    ),
    key(
        "login[]",
        "username",
        "\"form:email\"",
        "that of the preset, or required",
        "Where the username stands: \"form:NAME\" (urlencoded or multipart), \"json:/POINTER\", \"basic\", \"header:NAME\", or \"auto\" (a field of a usual name). What can't be read without doubt is refused (400).",
    ),
    key(
        "login[]",
        "without_username",
        "\"refuse\"",
        "refuse; pass with the preset wordpress",
        "A body without the username's field: \"refuse\", or \"pass\" where it can't be an attempt.",
    ),
    key(
        "login[]",
        "realm",
        "\"shop\"",
        "the host",
        "Logins of one realm have accounts, addresses and devices in common.",
    ),
    key(
        "login[]",
        "body_limit",
        "\"64KiB\"",
        "64KiB",
        "Most bytes of a request body that are held and read for the username; refused beyond it.",
    ),
    key(
        "login[]",
        "max_consecutive",
        "100",
        "100",
        "Failures of an account in a row after which only familiar clients pass (NIST SP 800-63B: never over 100).",
    ),
    key("login[]", "forget", "\"1d\"", "1d", "Quiet time after which failures in a row are forgotten."),
    key(
        "login[]",
        "remember",
        "\"90d\"",
        "90d",
        "For how long a success makes a device (by a signed cookie) and an address familiar to the account.",
    ),
    key(
        "login[].failure",
        "status",
        "[401]",
        "that of the preset",
        "Statuses of a failure: any of these signs is one.",
    ),
    key("login[].failure", "location", "\"^/login\"", "none", "Pattern in Location, as a whole or from its path on."),
    key(
        "login[].failure",
        "redirect",
        "\"back\"",
        "none",
        "A redirect \"back\" to the login's path, or \"away\" from it.",
    ),
    key("login[].failure", "cookie", "\"flash_error\"", "none", "Cookie that is set; a `*` at the end is any rest."),
    key("login[].failure", "cookie_absent", "\"sessionid\"", "none", "Cookie that is not set."),
    key("login[].failure", "body", "\"wrong password\"", "none", "Pattern in the first 64 KiB of the body."),
    key(
        "login[].success",
        "status",
        "[302]",
        "that of the preset",
        "Statuses of a success: all of these signs together are one.",
    ),
    key("login[].success", "location", "\"^/account\"", "none", "Pattern in Location, as a whole or from its path on."),
    key(
        "login[].success",
        "redirect",
        "\"away\"",
        "none",
        "A redirect \"back\" to the login's path, or \"away\" from it.",
    ),
    key("login[].success", "cookie", "\"sessionid\"", "none", "Cookie that is set; a `*` at the end is any rest."),
    key("login[].success", "cookie_absent", "\"flash_error\"", "none", "Cookie that is not set."),
    key("login[].success", "body", "\"welcome\"", "none", "Pattern in the first 64 KiB of the body."),
    key(
        "login[].limits",
        "account_address",
        "\"5/1m\"",
        "5/1m",
        "Failures of an account from one address, or from a familiar device.",
    ),
    key("login[].limits", "account", "\"20/1h\"", "20/1h", "Failures of an account, from wherever."),
    key(
        "login[].limits",
        "address",
        "\"30/1m\"",
        "30/1m",
        "Failures from an address (IPv6: a /64), whoever they name.",
    ),
    key("login[].limits", "route", "\"600/1m\"", "600/1m", "Failures of the login as a whole."),
    key("route[]", "host", "\"shop.example\"", "any", "Host name, or \"*.example.com\" for any one label before it."),
    key("route[]", "path", "\"/\"", "/", "Path prefix, matched at segment borders; the longest wins."),
    key(
        "route[]",
        "upstream",
        "[\"http://127.0.0.1:9000\"]",
        "required",
        "The application: \"http://HOST:PORT\", \"https://HOST:PORT\", \"unix:/PATH\", or a list of these and of { url = \"...\", weight = 2 }.",
    ),
    key(
        "route[]",
        "cleartext_reason",
        "\"same machine, private bridge\"",
        "none",
        "Why cleartext beyond loopback is allowed here; without it that is an error.",
    ),
    key(
        "route[]",
        "cleartext",
        "\"redirect\"",
        "redirect",
        "What a cleartext request gets: \"redirect\" (308), \"refuse\" (403) or \"serve\", which needs cleartext_reason.",
    ),
    key(
        "route[]",
        "strip_prefix",
        "false",
        "false",
        "Whether the application gets the path without the route's prefix.",
    ),
    key(
        "route[]",
        "rewrite_prefix",
        "\"/legacy\"",
        "none",
        "Prefix that the application gets in place of the route's.",
    ),
    key(
        "route[]",
        "balance",
        "\"round_robin\"",
        "round_robin",
        "\"round_robin\" or \"least_connections\", both by weight.",
    ),
    key(
        "route[]",
        "http2",
        "false",
        "false",
        "HTTP/2 to the application: by ALPN on https, by prior knowledge on http. WebSockets still use HTTP/1.1.",
    ),
    key(
        "route[]",
        "pass_host",
        "true",
        "true",
        "Whether the application gets the client's Host; otherwise the upstream's own.",
    ),
    key(
        "route[]",
        "upstream_authorization",
        "\"Basic ...\"",
        "none",
        "Authorization header that Privet sets towards the application. Secret: `upstream_authorization_file` names a file that holds it.",
    ),
    key(
        "route[]",
        "upstream_idle",
        "\"4s\"",
        "4s",
        "How long an idle connection to the application is kept; shorter where the application's Keep-Alive header says so.",
    ),
    key("route[]", "upstream_max_idle", "1024", "1024", "Idle connections kept, a worker and endpoint."),
    key("route[]", "connect_timeout", "\"5s\"", "5s", "To connect to the application, TLS included."),
    key(
        "route[]",
        "response_timeout",
        "\"60s\"",
        "60s",
        "From the sent request to the head of the answer, and the longest silence within the answer; 504 then.",
    ),
    key("route[]", "timeout", "\"off\"", "off", "Longest time for a whole exchange; \"off\" is no bound."),
    key("route[]", "resolve_every", "\"10s\"", "10s", "How often an upstream's name is resolved again."),
    key("route[]", "body_limit", "\"10GiB\"", "10GiB", "Largest request body; 413 beyond it. \"off\" is no bound."),
    key(
        "route[]",
        "upgrade",
        "[\"websocket\"]",
        "[\"websocket\"]",
        "Protocols that Upgrade and extended CONNECT may name.",
    ),
    key(
        "route[]",
        "hsts",
        "\"max-age=63072000\"",
        "max-age=63072000",
        "Strict-Transport-Security for host names (never for localhost and addresses); \"off\" leaves the application's.",
    ),
    key(
        "route[]",
        "mask",
        "\"all\"",
        "off",
        "What of the application's answers is masked: \"off\", or \"all\" personal data in JSON, NDJSON, HTML, XML, CSV, forms, text, server-sent events and WebSocket messages.",
    ),
    key(
        "route[]",
        "mask_paths",
        "[\"/customers/*/phone\"]",
        "[]",
        "Places in masked bodies whose values are masked whatever they are: names from the outside in, \"*\" for any one; of a table or form, the column's or field's name.",
    ),
    key(
        "route[]",
        "uninspectable",
        "\"refuse\"",
        "refuse",
        "What becomes of an answer on a masked route that can't be read (pictures, scripts, unknown codings, broken JSON, gRPC): \"refuse\" (503) or \"pass\".",
    ),
    key("route[]", "rewrite_location", "true", "true", "Whether Location: http:// of our own hosts becomes https://."),
    key(
        "route[]",
        "url_privacy",
        "\"log\"",
        "log",
        "Personal data in a path or query: rewritten in the \"log\" and counted; \"strip\" also keeps it out of the Referer to others (Referrer-Policy); \"reject\" also answers 400.",
    ),
    key("route[]", "access_log", "true", "true", "Whether the route's requests are in the access log."),
    key("route[].privacy", "operator", "\"redact\"", "that of [privacy]", "The same as in [privacy], on this route."),
    key(
        "route[].privacy",
        "operators",
        "{ EMAIL_ADDRESS = \"mask\" }",
        "those of [privacy]",
        "Added to those of [privacy].",
    ),
    key("route[].privacy", "threshold", "60", "that of [privacy]", "The same as in [privacy], on this route."),
    key("route[].privacy", "off", "[\"POSTAL_CODE\"]", "[]", "Added to those of [privacy]."),
    key("route[].privacy", "allow", "[\"shop@example.com\"]", "[]", "Added to those of [privacy]."),
    key("route[].privacy", "allow_regex", "[\"192\\\\.168\\\\..*\"]", "[]", "Added to those of [privacy]."),
    key("route[].privacy", "allow_domains", "[\"shop.example\"]", "[]", "Added to those of [privacy]."),
    key("route[].cookies", "secure", "true", "true", "Add Secure to the application's cookies."),
    key("route[].cookies", "http_only", "true", "true", "Add HttpOnly to the application's cookies."),
    key(
        "route[].cookies",
        "same_site",
        "\"lax\"",
        "lax",
        "Add SameSite where absent: \"lax\", \"strict\", \"none\" or \"off\".",
    ),
    key(
        "route[].cookies",
        "script_readable",
        "[\"XSRF-TOKEN\"]",
        "[]",
        "Cookies that scripts must read: no HttpOnly for these.",
    ),
    key(
        "route[].upstream_tls",
        "ca",
        "\"internal-ca.pem\"",
        "the system's",
        "PEM bundle of the only authorities believed for https upstreams.",
    ),
    key(
        "route[].upstream_tls",
        "server_name",
        "\"app.internal\"",
        "the URL's host",
        "Name sent as SNI and checked in the certificate.",
    ),
    key("route[].upstream_tls", "chain", "\"client.crt\"", "none", "Client certificate for the application."),
    key("route[].upstream_tls", "key", "\"client.key\"", "none", "Its key."),
    key("route[].health", "path", "\"/healthz\"", "required", "Path asked by GET; 2xx and 3xx are healthy."),
    key("route[].health", "interval", "\"5s\"", "5s", "Time between checks."),
    key("route[].health", "timeout", "\"2s\"", "2s", "Longest time for one check."),
    key("route[].health", "healthy_after", "2", "2", "Good checks in a row that bring an endpoint back."),
    key("route[].health", "unhealthy_after", "3", "3", "Bad checks in a row that take it out."),
    key(
        "route[].ejection",
        "failures",
        "5",
        "5",
        "Failures in a row on live requests that take an endpoint out for a while; 0 is off. The only endpoint is never taken out.",
    ),
    key(
        "route[].ejection",
        "duration",
        "\"10s\"",
        "10s",
        "First time out; doubles each time in a row, up to ten times this.",
    ),
    key("route[].retry", "attempts", "1", "1", "Further tries of a request that was surely not processed."),
    key("route[].retry", "budget_percent", "20", "20", "Retries allowed, in percent of requests."),
];

/// Tables and keys of safeguards that this version does not have. Ignoring one would leave data unprotected in silence.
pub const LATER: &[(&str, &str)] = &[
    ("", "shield"),
    ("", "antivirus"),
    ("listen", "console"),
    ("store", "postgres"),
    ("route[]", "gate"),
    ("route[]", "shield"),
    ("route[]", "antivirus"),
    ("route[]", "watch"),
    ("route[]", "record"),
    ("route[]", "subject"),
];

/// Keys whose value may be given by a file instead, under this name with `_file`, and is never shown.
pub const SECRETS: &[&str] = &["upstream_authorization", "redis", "redis_password", "sentinel_password"];

/// The names that may stand in `table`: its keys and its tables.
#[must_use]
pub fn names(table: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = KEYS.iter().filter(|k| k.table == table).map(|k| k.name).collect();
    for key in KEYS {
        let inner = match table {
            "" => Some(key.table),
            _ => key.table.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')),
        };
        if let Some(inner) = inner.and_then(|t| t.split('.').next()).filter(|t| !t.is_empty()) {
            names.push(inner.strip_suffix("[]").unwrap_or(inner));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// `docs/CONFIGURATION.md`.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(
        "# Configuration\n\nMade from the table in `src/config/schema.rs` by `PRIVET_BLESS=1 cargo test --lib config`; a test fails when it drifts.\n\n\
         TOML. Unknown keys are refused. Sizes: `B`, `KB`, `MB`, `GB` (powers of 1000), `KiB`, `MiB`, `GiB` (powers of 1024). Durations: `ms`, `s`, `m`, `h`, `d`,\n\
         also joined (`\"1h30m\"`). Relative paths start at the file's folder. In any text, `${NAME}` is an environment variable,\n\
         `${NAME:-default}` has a default, and `$$` is a dollar sign. A secret key `x` may be given as `x_file = \"path\"` instead.\n\n\
         `privet check --config FILE` tells everything that is wrong, with line, column and a hint. SIGHUP or a change of the file reloads it; an invalid\n\
         file is refused and the old configuration goes on. `listen.workers` needs a restart.\n\n## Every key\n\n```toml\n",
    );
    let mut table = "";
    for key in KEYS {
        if key.table != table {
            table = key.table;
            let header = match table.strip_suffix("[]") {
                Some(list) => format!("[[{list}]]"),
                None => format!("[{}]", table.replace("[]", "")),
            };
            let _ = write!(out, "\n{header}\n");
        }
        let _ = writeln!(out, "# {}\n# Default: {}.\n{} = {}", key.doc, key.default, key.name, key.example);
    }
    out.push_str("```\n\n## Every default\n\n| table | key | default |\n|---|---|---|\n");
    for key in KEYS {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} |",
            if key.table.is_empty() { "(top)" } else { key.table },
            key.name,
            key.default
        );
    }
    out
}
