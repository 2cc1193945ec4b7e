//! Files that scanners look for, told by what is in them: a site that answers everything with a page has none of them.

use bytes::Bytes;
use http::Request;

use super::{Probe, budget::Spent, client::Error};
use crate::scan::{finding::Seen, rules::site as rule};

/// A path, what it is, and what its content shows.
type File = (&'static str, &'static str, fn(&[u8]) -> bool);

/// Short on purpose: each is a line in somebody's log.
const FILES: &[File] = &[
    ("/.git/HEAD", "a Git repository", |body| body.starts_with(b"ref: refs/") || is_hash(body)),
    ("/.svn/wc.db", "a Subversion working copy", |body| body.starts_with(b"SQLite format 3")),
    ("/.env", "settings with secrets", is_environment),
    ("/.aws/credentials", "keys of a cloud", |body| has(body, b"aws_secret_access_key")),
    ("/.htpasswd", "hashes of passwords", |body| has(body, b":$apr1$") || has(body, b":$2y$") || has(body, b":{SHA}")),
    ("/.npmrc", "a token of a package registry", |body| has(body, b"_authToken=")),
    ("/.DS_Store", "a folder's list of files", |body| body.starts_with(b"\0\0\0\x01Bud1")),
    ("/id_rsa", "a private key", |body| has(body, b"PRIVATE KEY-----")),
    ("/backup.sql", "a dump of a database", is_dump),
    ("/dump.sql", "a dump of a database", is_dump),
    ("/wp-config.php.bak", "settings with secrets", |body| has(body, b"DB_PASSWORD")),
    ("/web.config", "a server's settings", |body| has(body, b"<configuration")),
    ("/WEB-INF/web.xml", "an application's inside", |body| has(body, b"<web-app")),
    ("/docker-compose.yml", "how services are run", |body| has(body, b"services:") && !has(body, b"<html")),
    ("/phpinfo.php", "PHP's settings", |body| has(body, b"phpinfo()")),
    ("/server-status", "who asks for what", |body| has(body, b"Apache Server Status")),
    ("/actuator/env", "an application's settings", |body| has(body, b"\"propertySources\"")),
    ("/actuator/heapdump", "an application's memory", |body| {
        body.starts_with(b"JAVA PROFILE") || body.starts_with(&[0x1F, 0x8B])
    }),
    ("/debug/pprof/", "a profiler", |body| has(body, b"Types of profiles available")),
    ("/.vscode/sftp.json", "a password of a server", |body| has(body, b"\"password\"") && has(body, b"\"host\"")),
];
/// Refusals in a row after which the site has made itself clear.
const ENOUGH: u32 = 5;

/// Asks for each of them.
///
/// # Errors
/// When nothing more may be asked.
pub async fn look(probe: &Probe<'_>) -> Result<(), Spent> {
    let mut refused = 0;
    for (asked, (path, what, is_it)) in FILES.iter().enumerate() {
        let Ok(request) = Request::get(*path).body(Bytes::new()) else { continue };
        match probe.ask(probe.target, request).await {
            Ok(answer) if answer.status.is_success() && is_it(&answer.body) => {
                refused = 0;
                // What is in it is nobody's business: the report says what it is.
                probe.found(&rule::EXPOSED_FILE, &probe.target.place(path), &Seen::new(*path, *what));
            }
            Ok(answer) if [403, 429, 503].contains(&answer.status.as_u16()) => refused += 1,
            Ok(_) => refused = 0,
            Err(Error::Spent(spent)) => return Err(spent),
            Err(_) => refused += 1,
        }
        if refused == ENOUGH && asked + 1 < FILES.len() && is_shut(probe).await? {
            probe.note(format!(
                "the site refuses a scanner: {} of {} files were asked for before it was left alone",
                asked + 1,
                FILES.len()
            ));
            return Ok(());
        }
    }
    Ok(())
}

/// Whether a site refuses everything by now, and not such files alone.
async fn is_shut(probe: &Probe<'_>) -> Result<bool, Spent> {
    let Ok(request) = Request::get(&probe.target.path).body(Bytes::new()) else { return Ok(true) };
    match probe.ask(probe.target, request).await {
        Ok(answer) => Ok([403, 429, 503].contains(&answer.status.as_u16())),
        Err(Error::Spent(spent)) => Err(spent),
        Err(_) => Ok(true),
    }
}

fn has(body: &[u8], sign: &[u8]) -> bool {
    memchr::memmem::find(body, sign).is_some()
}

fn is_hash(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.len() == 40 && body.iter().all(u8::is_ascii_hexdigit)
}

/// Lines of `NAME=value`, and no markup.
fn is_environment(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    lines.peek().is_some()
        && !text.contains('<')
        && lines.take(5).all(|line| {
            line.trim_start_matches("export ").split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
            })
        })
}

fn is_dump(body: &[u8]) -> bool {
    let start = &body[..body.len().min(4096)];
    has(start, b"CREATE TABLE") || has(start, b"INSERT INTO") || has(start, b"PostgreSQL database dump")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of them may hold, and what a site says that answers everything.
    const HELD: &[(&str, &[u8])] = &[
        ("/.git/HEAD", b"ref: refs/heads/main\n"),
        ("/.svn/wc.db", b"SQLite format 3\0"),
        ("/.env", b"# settings\nAPP_KEY=base64:x\nDB_PASSWORD=y\n"),
        ("/.aws/credentials", b"[default]\naws_secret_access_key = x\n"),
        ("/.htpasswd", b"kim:$apr1$x$y\n"),
        ("/.npmrc", b"//registry/:_authToken=x\n"),
        ("/.DS_Store", b"\0\0\0\x01Bud1\0"),
        ("/id_rsa", b"-----BEGIN OPENSSH PRIVATE KEY-----\n"),
        ("/backup.sql", b"-- MySQL dump\nCREATE TABLE a (b int);\n"),
        ("/dump.sql", b"-- PostgreSQL database dump\n"),
        ("/wp-config.php.bak", b"<?php define('DB_PASSWORD', 'x');"),
        ("/web.config", b"<?xml version=\"1.0\"?><configuration>"),
        ("/WEB-INF/web.xml", b"<web-app version=\"2.5\">"),
        ("/docker-compose.yml", b"services:\n  web:\n"),
        ("/phpinfo.php", b"<title>phpinfo()</title>"),
        ("/server-status", b"<h1>Apache Server Status for x</h1>"),
        ("/actuator/env", b"{\"propertySources\":[]}"),
        ("/actuator/heapdump", b"JAVA PROFILE 1.0.2"),
        ("/debug/pprof/", b"<p>Types of profiles available:"),
        ("/.vscode/sftp.json", b"{\"host\":\"x\",\"password\":\"y\"}"),
    ];

    #[test]
    fn each_is_told_by_its_content() {
        for (path, _, is_it) in FILES {
            let (_, content) = HELD.iter().find(|(held, _)| held == path).expect("a sample of each");
            assert!(is_it(content), "{path}");
            for other in [
                &b"<html><head><title>Shop</title></head><body>welcome</body></html>"[..],
                b"",
                b"not found",
                b"{\"error\":1}",
            ] {
                assert!(!is_it(other), "{path}: {}", String::from_utf8_lossy(other));
            }
        }
    }
}
