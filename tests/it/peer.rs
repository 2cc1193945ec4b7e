//! libmodsecurity, the engine that the Core Rule Set is written for: what it makes of rules and requests.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

/// What became of a request.
#[derive(Debug, Deserialize)]
pub struct Outcome {
    /// Ids of the rules that matched, in order; none with `nolog` or `noauditlog`.
    pub matched: Vec<u32>,
    /// The `msg` of each.
    pub messages: Vec<String>,
    /// What it would answer instead; 0: nothing.
    pub status: u16,
}

/// A raw request, and the raw response to it unless that is empty.
#[derive(Debug)]
pub struct Exchange {
    pub request: Vec<u8>,
    pub response: Vec<u8>,
}

/// The built program; none where its compiler or its library is missing, which is printed.
pub fn peer() -> Option<PathBuf> {
    let built =
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/shield/build")).output().expect("bash");
    let said = String::from_utf8_lossy(&built.stderr);
    if built.status.code() == Some(3) {
        eprintln!("skipped: {said}");
        return None;
    }
    assert!(built.status.success(), "{said}");
    Some(PathBuf::from(String::from_utf8_lossy(&built.stdout).trim_end()))
}

/// Each of these under these rules.
pub fn ask(peer: &Path, rules: &str, exchanges: &[Exchange]) -> Vec<Outcome> {
    let dir = tempfile::tempdir().expect("a folder");
    let (rules_at, exchanges_at) = (dir.path().join("rules.conf"), dir.path().join("exchanges"));
    fs::write(&rules_at, rules).expect("rules");
    let mut all = Vec::new();
    for Exchange { request, response } in exchanges {
        all.extend_from_slice(format!("{} {}\n", request.len(), response.len()).as_bytes());
        all.extend_from_slice(request);
        all.extend_from_slice(response);
    }
    fs::write(&exchanges_at, all).expect("exchanges");
    let mut command = Command::new(peer);
    command
        .arg("--messages")
        .arg(&rules_at)
        .stdin(File::open(&exchanges_at).expect("exchanges"))
        .stderr(Stdio::piped());
    let answer = command.output().expect("the peer");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let lines = String::from_utf8(answer.stdout).expect("ASCII");
    let outcomes: Vec<Outcome> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(outcomes.len(), exchanges.len());
    outcomes
}

#[test]
fn the_reference_sees_all_phases_and_tells_what_it_refuses() {
    let Some(peer) = peer() else { return };
    let rules = r#"
        SecRuleEngine On
        SecRequestBodyAccess On
        SecResponseBodyAccess On
        SecResponseBodyMimeType text/plain
        SecRule REQUEST_HEADERS:X-A "@streq 1" "id:1,phase:1,pass,log,msg:'%{REQUEST_METHOD} %{REQUEST_PROTOCOL}'"
        SecRule ARGS:b "@streq 2" "id:2,phase:2,pass,log,msg:'%{MATCHED_VAR}'"
        SecRule RESPONSE_STATUS "@streq 404" "id:3,phase:3,pass,log,msg:'%{RESPONSE_HEADERS.X-C}'"
        SecRule RESPONSE_BODY "@contains four" "id:4,phase:4,deny,status:418,log"
        SecRule REQUEST_URI "@contains /" "id:6,phase:1,pass,nolog"
        SecRule REQUEST_URI "@contains /" "id:5,phase:5,pass,log"
    "#;
    let request = b"POST /x HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\nb=2";
    let response = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-C: \xff\r\n\r\nfour";
    let exchanges = [
        Exchange { request: request.to_vec(), response: response.to_vec() },
        Exchange { request: b"GET / HTTP/1.0\nHost: a\n\n".to_vec(), response: Vec::new() },
    ];
    let outcomes = ask(&peer, rules, &exchanges);
    assert_eq!((&outcomes[0].matched[..], outcomes[0].status), (&[1, 2, 3, 4, 5][..], 418));
    assert_eq!(outcomes[0].messages[..3], ["POST HTTP/1.1", "2", "\u{ff}"]);
    assert_eq!((&outcomes[1].matched[..], outcomes[1].status), (&[5][..], 0));
}
