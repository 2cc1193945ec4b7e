//! The Core Rule Set's regression files: go-ftw's YAML, and the bytes that its stages send.

use std::{collections::BTreeMap, fs, path::Path};

use base64::Engine as _;
use serde::Deserialize;

/// One file.
#[derive(Debug, Deserialize)]
pub struct File {
    pub rule_id: u32,
    pub tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
pub struct Test {
    pub test_id: u32,
    pub stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
pub struct Stage {
    pub input: Input,
    pub output: Output,
}

#[derive(Debug, Deserialize)]
pub struct Input {
    pub method: Option<String>,
    pub uri: Option<String>,
    pub version: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub data: Option<String>,
    pub encoded_data: Option<String>,
    pub encoded_request: Option<String>,
    pub autocomplete_headers: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub struct Output {
    pub log: Option<Log>,
}

#[derive(Debug, Deserialize)]
pub struct Log {
    #[serde(default)]
    pub expect_ids: Vec<u32>,
    #[serde(default)]
    pub no_expect_ids: Vec<u32>,
    pub match_regex: Option<String>,
}

/// All files of a folder, by name.
pub fn files(folder: &Path) -> Vec<(String, File)> {
    let mut files = Vec::new();
    let folders = fs::read_dir(folder).expect("a folder").flatten().filter(|entry| entry.path().is_dir());
    for entry in folders.flat_map(|folder| fs::read_dir(folder.path()).expect("a folder").flatten()) {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).expect("a file");
            let file = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            files.push((path.file_stem().expect("a name").to_string_lossy().into_owned(), file));
        }
    }
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files
}

impl Input {
    /// What is sent.
    pub fn bytes(&self) -> Vec<u8> {
        if let Some(encoded) = &self.encoded_request {
            let compact: String = encoded.chars().filter(|c| !c.is_whitespace()).collect();
            return base64::engine::general_purpose::STANDARD.decode(compact).expect("base64");
        }
        let (method, uri) = (self.method.as_deref().unwrap_or("GET"), self.uri.as_deref().unwrap_or("/"));
        let version = self.version.as_deref().unwrap_or("HTTP/1.1");
        let mut headers: Vec<(String, String)> = self.headers.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        let has = |headers: &[(String, String)], name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        let complete = self.autocomplete_headers.unwrap_or(true);
        let mut data = match (&self.data, &self.encoded_data) {
            (Some(data), _) => data.as_bytes().to_vec(),
            (None, Some(encoded)) => base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64"),
            (None, None) => Vec::new(),
        };
        let form = "application/x-www-form-urlencoded";
        if !data.is_empty() && complete {
            if !has(&headers, "Content-Type") {
                headers.push(("Content-Type".into(), form.into()));
            }
            let kind = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("Content-Type")).map(|(_, v)| v.as_str());
            if kind == Some(form) && unescaped(&data) == data {
                data = escaped(&data);
            }
        }
        let kind = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("Content-Type")).map(|(_, v)| v.clone());
        if kind.is_some_and(|kind| kind.starts_with("multipart/form-data;")) {
            data = data.split(|b| *b == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
        }
        if complete {
            if !has(&headers, "Connection") {
                headers.push(("Connection".into(), "close".into()));
            }
            let with_body = method.starts_with("POST") || ["PUT", "PATCH", "DELETE"].iter().any(|m| method.contains(m));
            if (!data.is_empty() || with_body) && !has(&headers, "Content-Length") {
                headers.push(("Content-Length".into(), data.len().to_string()));
            }
        }
        let mut out = format!("{method} {uri} {version}\r\n").into_bytes();
        for (name, value) in headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&data);
        out
    }
}

fn unescaped(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < data.len() {
        let hex = data.get(at + 1..at + 3).and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok());
        match (data[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            // Not an escape: nothing of it can be told.
            (b'%', None) => return Vec::new(),
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn escaped(data: &[u8]) -> Vec<u8> {
    let escape = |part: &[u8]| {
        let mut out = Vec::new();
        for byte in part {
            match byte {
                b' ' => out.push(b'+'),
                b if b.is_ascii_alphanumeric() || b"-_.~".contains(b) => out.push(*b),
                b => out.extend_from_slice(format!("%{b:02X}").as_bytes()),
            }
        }
        out
    };
    let pairs = data.split(|b| *b == b'&').map(|token| match token.iter().position(|b| *b == b'=') {
        Some(at) => [escape(&token[..at]), escape(&token[at + 1..])].join(&b'='),
        None => escape(token),
    });
    pairs.collect::<Vec<_>>().join(&b'&')
}
