//! `privet redact` and `privet reveal`: pipes, files, compression, in place.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::support::binary;

fn redact(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary()).arg("redact").args(args).current_dir(dir).output().expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Log lines, each with a value, and a private key here and there.
fn log(lines: usize) -> String {
    (0..lines)
        .map(|i| match i % 5000 {
            4999 => {
                "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n".to_owned()
            }
            _ => format!("2026-11-25T10:00:00Z INFO order {i} of user{i}@example.com, 010-1234-{:04}\n", i % 10_000),
        })
        .collect()
}

#[test]
fn a_piped_line_goes_out_before_the_next_comes() {
    let mut child = Command::new(binary())
        .args(["redact", "--operator", "redact"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    for (line, expected) in [
        ("a", ""),
        (" kim@example.com\n", "a <EMAIL_ADDRESS>\n"),
        ("x\n", "x\n"),
        (
            "{\"name\":\"Kim Minsu\",\"card\":4111111111111111}\n",
            "{\"name\":\"<PERSON>\",\"card\":\"<CREDIT_CARD>\"}\n",
        ),
    ] {
        input.write_all(line.as_bytes()).expect("written");
        if !expected.is_empty() {
            let mut read = String::new();
            output.read_line(&mut read).expect("read");
            assert_eq!(read, expected);
        }
    }
    drop(input);
    let done = child.wait_with_output().expect("ended");
    assert!(done.status.success());
    assert!(text(&done.stderr).contains("1  PERSON"), "{}", text(&done.stderr));
}

#[test]
fn all_cores_give_what_one_gives() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = log(60_000);
    fs::write(dir.path().join("app.log"), &log).expect("written");
    let of_file = redact(dir.path(), &["--operator", "redact", "--json", "app.log"]);
    let piped = Command::new("sh")
        .args(["-c", &format!("cat app.log | {} redact --operator redact --quiet", binary().display())])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert!(of_file.stdout == piped.stdout && piped.stderr.is_empty());
    let shown = text(&of_file.stdout);
    assert!(!shown.contains('@') && !shown.contains("MIIE") && !shown.contains("010-"));
    assert_eq!(shown.lines().count(), 60_000);
    let counts: serde_json::Value = serde_json::from_slice(&of_file.stderr).expect("JSON");
    assert_eq!(counts["rewritten"]["EMAIL_ADDRESS"], 59_988);
    assert_eq!(counts["rewritten"]["PRIVATE_KEY"], 12);
}

#[test]
fn compressed_files_are_read_and_replaced_as_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let plain = "mail kim@example.com\n".repeat(1000);
    let sh = |command: &str| {
        let done = Command::new("sh").args(["-c", command]).current_dir(dir.path()).output().expect("runs");
        assert!(done.status.success(), "{command}: {}", text(&done.stderr));
        text(&done.stdout)
    };
    fs::write(dir.path().join("a.log"), &plain).expect("written");
    sh("gzip -k a.log && zstd -q a.log && cp a.log b.log && chmod 640 b.log && ln -s b.log link.log");
    let expected = "mail <EMAIL_ADDRESS>\n".repeat(1000);
    for name in ["a.log", "a.log.gz", "a.log.zst"] {
        let done = redact(dir.path(), &["--operator", "redact", name]);
        assert!(text(&done.stdout) == expected, "{name}");
    }
    let done = redact(dir.path(), &["--operator", "redact", "--in-place", "a.log.gz", "a.log.zst", "link.log"]);
    assert!(done.status.success() && done.stdout.is_empty(), "{}", text(&done.stderr));
    assert_eq!(sh("gzip -dc a.log.gz"), expected);
    assert_eq!(sh("zstd -qdc a.log.zst"), expected);
    assert_eq!(sh("cat b.log"), expected);
    assert!(fs::symlink_metadata(dir.path().join("link.log")).expect("there").is_symlink());
    assert_eq!(fs::metadata(dir.path().join("b.log")).expect("there").permissions().mode() & 0o777, 0o640);
    // Nothing is left beside them.
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 5);
}

#[test]
fn a_file_is_replaced_as_a_whole_or_not_at_all() {
    let dir = tempfile::tempdir().expect("a folder");
    let broken = dir.path().join("a.json");
    fs::write(&broken, "{\"name\":\"Kim Minsu\",]").expect("written");
    let done = redact(dir.path(), &["--in-place", "a.json"]);
    assert_eq!(done.status.code(), Some(2), "{}", text(&done.stderr));
    assert!(text(&done.stderr).contains("--format lines") && !text(&done.stderr).contains("Kim"));
    assert!(fs::read_to_string(&broken).expect("there").contains("Kim"));
    let path = dir.path().join("a.csv");
    fs::write(&path, "name,phone\nKim Minsu,010-1234-5678\n").expect("written");
    let held = File::open(&path).expect("opens");
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    let done = redact(dir.path(), &["--in-place", "a.csv"]);
    assert_eq!(done.status.code(), Some(3));
    assert!(text(&done.stderr).contains("locked by another process"), "{}", text(&done.stderr));
    drop(held);
    let done = redact(dir.path(), &["--in-place", "--operator", "mask", "a.csv"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(fs::read_to_string(&path).expect("there"), "name,phone\nK** M****,010-****-5678\n");
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 2);
    assert_eq!(redact(dir.path(), &["absent.log"]).status.code(), Some(3));
    assert_eq!(redact(dir.path(), &["--operator", "encrypt", "a.csv"]).status.code(), Some(2));
}

#[test]
fn what_is_encrypted_is_opened_with_the_key_and_a_recorded_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    let plain = "call 010-1234-5678, mail kim@example.com\n";
    fs::write(dir.path().join("a.log"), plain).expect("written");
    let sealed = redact(dir.path(), &["--operator", "encrypt", "--key-file", "k/keys", "a.log"]);
    assert_eq!(sealed.status.code(), Some(2), "no folder is made for keys: {}", text(&sealed.stderr));
    let sealed = redact(dir.path(), &["--operator", "encrypt", "--key-file", "keys", "a.log"]);
    let shown = text(&sealed.stdout);
    assert!(shown.contains("<PHONE_NUMBER#") && !shown.contains("kim@"), "{shown}");
    fs::write(dir.path().join("sealed.log"), &sealed.stdout).expect("written");
    let reveal =
        |args: &[&str]| Command::new(binary()).arg("reveal").args(args).current_dir(dir.path()).output().expect("runs");
    let open = ["--key-file", "keys", "sealed.log"];
    assert_eq!(reveal(&open).status.code(), Some(2), "without a reason");
    let opened = reveal(&[&open[..], &["--reason", "complaint 17 of kim@example.com"]].concat());
    assert_eq!(text(&opened.stdout), plain);
    let record = fs::read_to_string(dir.path().join("reveal.jsonl")).expect("a record");
    assert_eq!(record.lines().count(), 2);
    assert!(record.contains("complaint 17 of <EMAIL_ADDRESS") && record.contains("\"opened\":2"), "{record}");
    assert!(!record.contains("kim@"));
    // Another key opens nothing, and no record is no opening.
    fs::write(dir.path().join("other"), "2020-01 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").expect("written");
    fs::set_permissions(dir.path().join("other"), fs::Permissions::from_mode(0o600)).expect("set");
    let closed = reveal(&["--key-file", "other", "--reason", "testing", "sealed.log"]);
    assert_eq!((closed.status.code(), text(&closed.stdout)), (Some(1), shown));
    let refused = reveal(&[&open[..], &["--reason", "testing", "--record", "absent/r.jsonl"]].concat());
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(3), 0));
}

#[test]
fn what_would_pass_unread_is_refused_and_findings_come_a_line_a_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let wide: Vec<u8> = "\u{FEFF}kim@example.com\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(dir.path().join("wide.log"), wide).expect("written");
    let done = redact(dir.path(), &["wide.log"]);
    assert_eq!((done.status.code(), done.stdout.len()), (Some(2), 0));
    assert!(text(&done.stderr).contains("iconv"), "{}", text(&done.stderr));
    fs::write(dir.path().join("t.jsonl"), "{\"text\":\"kim@example.com\"}\n\n{\"text\":\"\"}\n").expect("written");
    let detect = |args: &str| {
        let command = format!("{} detect --jsonl text --output json {args}", binary().display());
        Command::new("sh").args(["-c", &command]).current_dir(dir.path()).output().expect("runs")
    };
    let found = text(&detect("t.jsonl").stdout);
    let lines: Vec<&str> = found.lines().collect();
    assert!(lines[0].contains("\"type\":\"EMAIL_ADDRESS\",\"start\":0,\"end\":15"), "{found}");
    assert_eq!(lines[1..], ["{\"findings\":[]}"; 2]);
    assert_eq!(detect("t.jsonl > /dev/full").status.code(), Some(3));
    assert_eq!(detect(".").status.code(), Some(3));
    assert_eq!(detect("absent").status.code(), Some(3));
}
