//! Units of systemd that are to start the gateway with this configuration, and disagree with it.

use std::{net::SocketAddr, path::Path};

use super::{finding::Found, ground::Ground};

/// Where units are, the ones that win first.
const FOLDERS: [&str; 3] = ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system"];

pub(super) fn look(at: &Ground, found: &Found) {
    let Some(service) = unit(at, "privet.service") else { return };
    let file = std::path::absolute(&at.file).unwrap_or_else(|_| at.file.clone());
    let starts =
        |line: &str| line.starts_with("ExecStart=") && line.split_whitespace().any(|word| Path::new(word) == file);
    if !service.lines().any(starts) {
        return;
    }
    let server = &at.config.server;
    for (name, key, address) in
        [("privet-https.socket", "https", Some(server.https)), ("privet-http.socket", "http", server.http)]
    {
        // One that nobody has enabled holds nothing.
        if !at.root.join("etc/systemd/system/sockets.target.wants").join(name).exists() {
            continue;
        }
        let Some(text) = unit(at, name) else { continue };
        let streams: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("ListenStream=")).map(str::trim).collect();
        let agrees = |stream: &&str| address.is_some_and(|address| is_same(stream, address));
        if !streams.iter().any(agrees) {
            let said = address.map_or_else(|| "off".to_owned(), |address| address.to_string());
            let seen = format!(
                "{name} listens at {}, and `listen.{key}` is {said}: what differs is refused at the start",
                streams.join(", ")
            );
            found.fault("socket", seen, format!("make them the same (`systemctl edit {name}`, with an empty ListenStream= first), then `systemctl daemon-reload`"));
        }
    }
}

/// Whether a `ListenStream=` means an address; a port alone is all addresses.
fn is_same(stream: &str, address: SocketAddr) -> bool {
    let whole = stream.parse::<SocketAddr>().or_else(|_| format!("[::]:{stream}").parse());
    whole.is_ok_and(|whole| whole == address)
}

/// A unit and its drop-ins; nothing where it is not there, or masked.
fn unit(at: &Ground, name: &str) -> Option<String> {
    let mut text =
        FOLDERS.iter().map(|folder| at.read(&format!("{folder}/{name}"))).find(|text| !text.trim().is_empty())?;
    for folder in FOLDERS {
        let mut drops: Vec<_> = std::fs::read_dir(at.root.join(format!("{folder}/{name}.d")))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        drops.sort();
        for drop in drops {
            let more = std::fs::read_to_string(drop).unwrap_or_default();
            // An empty value begins the list anew.
            if more.lines().any(|line| line.trim() == "ListenStream=") {
                text = text.lines().filter(|line| !line.starts_with("ListenStream=")).collect::<Vec<_>>().join("\n");
            }
            text.push('\n');
            text.push_str(&more);
        }
    }
    Some(text)
}
