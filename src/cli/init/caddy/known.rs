//! What is not carried over: why, and what does it instead.

use super::syntax::Line;
use crate::cli::init::model::Model;

const WHY: &[(&str, &str)] = &[
    ("abort", "Privet refuses what no route is for"),
    ("acme_server", "Privet is no authority"),
    (
        "basic_auth",
        "passwords are not carried over: the route is closed by `gate = \"staff\"`; `privet staff add` makes accounts",
    ),
    (
        "basicauth",
        "passwords are not carried over: the route is closed by `gate = \"staff\"`; `privet staff add` makes accounts",
    ),
    ("bind", "there is one `listen.https` for all sites"),
    ("encode", "Privet does not compress: the application does"),
    ("error", "Privet answers nothing of its own: let the application answer"),
    ("file_server", "Privet serves no files: put a server for them behind a route"),
    ("forward_auth", "who may pass is `gate` of the route, by which it is closed; [realm.oidc] signs in at a provider"),
    ("handle_errors", "Privet's own pages stand for what it refuses"),
    (
        "header",
        "its value has placeholders, or holds for some requests only: `headers` and `hide_headers` of the route",
    ),
    ("header_down", "`headers` and `hide_headers` of the route"),
    (
        "header_up",
        "applications get X-Forwarded-*, Forwarded and X-Real-IP, and no other header: `upstream_authorization_file` sets Authorization",
    ),
    ("health_body", "a check looks at the status alone"),
    ("health_headers", "a check sends no headers of its own"),
    ("health_status", "2xx and 3xx are healthy"),
    ("intercept", "answers are not exchanged"),
    ("lb_policy", "requests go in turn, or to the least busy: `balance`"),
    ("log", "Privet has one log, without personal data: [access_log]"),
    ("map", "there are no variables"),
    ("method", "methods are not rewritten"),
    ("metrics", "`listen.admin` has metrics"),
    ("php_fastcgi", "Privet speaks HTTP alone: put the application's own HTTP server behind it"),
    ("push", "HTTP/2 pushes nothing any more"),
    (
        "rate_limit",
        "logins are limited by [[login]], misbehaviour by [shield.ban]; there is no limit on requests as such",
    ),
    ("redir", "Privet redirects to https and nowhere else: let the application redirect"),
    ("request_header", "applications get X-Forwarded-*, Forwarded and X-Real-IP, and no other header"),
    ("respond", "Privet answers nothing of its own: let the application answer"),
    ("rewrite", "paths are not rewritten by patterns; `strip_prefix` and `rewrite_prefix` change prefixes"),
    ("root", "Privet serves no files: put a server for them behind a route"),
    ("templates", "Privet serves no files"),
    (
        "tls_insecure_skip_verify",
        "certificates of applications are always verified: name their authority in `ca` of [route.upstream_tls]",
    ),
    ("tracing", "[telemetry] sends traces"),
    ("try_files", "Privet serves no files: everything goes to the application"),
    ("uri", "`strip_prefix` and `rewrite_prefix` change prefixes"),
    ("vars", "there are no variables"),
    ("protocols", "HTTP/1.1 and HTTP/2 are spoken"),
    ("on_demand_tls", "certificates are ordered for names that are written down: [[tls.acme]]"),
    ("acme_dns", "domains are shown by tls-alpn-01 or http-01"),
    ("storage", "certificates are kept in the data folder"),
];

/// Says that a line was not carried over.
pub(super) fn lose(line: &Line, model: &mut Model) {
    let name = line.name();
    let why = WHY.iter().find(|(known, _)| *known == name).map_or("Privet has nothing of the kind", |(_, why)| why);
    model.lose(&line.place, name, why);
}
