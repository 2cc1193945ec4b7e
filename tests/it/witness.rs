//! Checkpoints outside of the operator's hands: in a file, at a URL, in a mailbox; and what they tell of a rollback.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::support::{Origin, Privet, binary};

fn audit(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary()).arg("audit").args(args).current_dir(dir).output().expect("runs")
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

/// A server that takes every mail; what it was told.
fn mail_server() -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let told = Arc::new(Mutex::new(String::new()));
    let all = Arc::clone(&told);
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let all = Arc::clone(&all);
            thread::spawn(move || take_mail(&socket, &all));
        }
    });
    (port, told)
}

fn take_mail(mut socket: &TcpStream, told: &Mutex<String>) {
    let mut lines = BufReader::new(socket).lines();
    let _ = socket.write_all(b"220 here\r\n");
    let mut data = false;
    while let Some(Ok(line)) = lines.next() {
        told.lock().expect("told").extend([line.as_str(), "\n"]);
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            _ if data && line == "." => b"250 taken\r\n",
            _ if data => continue,
            "EHLO" => b"250-here\r\n250 8BITMIME\r\n",
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 well\r\n",
        };
        data = line == "DATA" || (data && line != ".");
        let _ = socket.write_all(answer);
    }
}

fn unquoted(mail: &str) -> String {
    let joined = mail.replace("=\n", "").replace("=E2=80=94", "\u{2014}").replace("=2E", ".");
    joined.replace("=3D", "=")
}

#[test]
fn witnesses_take_checkpoints_by_themselves_and_tell_of_a_rollback() {
    let application = Origin::start(crate::support::OK);
    let origin = Origin::start("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
    let (port, mails) = mail_server();
    let text_of = format!(
        "[journal]\ncheckpoint = \"200ms\"\n[[journal.witness]]\nfile = \"kept\"\nevery = \"1s\"\n\
         [[journal.witness]]\nurl = \"{}/take\"\nauthorization = \"Bearer hush\"\nevery = \"1s\"\n\
         [[journal.witness]]\nmail = \"audit@example.com\"\nsmtp = \"smtp://127.0.0.1:{port}\"\nevery = \"1s\"\n{}",
        origin.url(),
        application.route("")
    );
    let mut privet = Privet::with(&text_of);
    let dir = privet.dir.path().to_owned();
    let kept = || fs::read_to_string(dir.join("kept")).unwrap_or_default();
    let notes = || privet::journal::checkpoint::notes(kept().as_bytes()).len();
    let up = |privet: &Privet, name: &str| privet.metric(&format!("privet_journal_witness_up{{witness=\"{name}\"}}"));
    privet.until("taken by all", || ["1 file", "2 url", "3 mail"].iter().all(|name| up(&privet, name) == 1));
    privet.until("once more", || notes() >= 3);
    let seen = origin.seen();
    assert!(seen.starts_with("POST /take HTTP/1.1\r\n") && seen.contains("privet/journal/"), "{seen}");
    assert!(seen.to_lowercase().contains("authorization: bearer hush\r\n"));
    let mail = unquoted(&mails.lock().expect("told"));
    assert!(mail.contains("RCPT TO:<audit@example.com>") && mail.contains("Subject: Privet: checkpoint "), "{mail}");
    fs::write(dir.join("mailed"), mail.replace('\r', "")).expect("written");
    let verified = audit(&dir, &["verify", "--checkpoint", "mailed", "--json"]);
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert!(verified.status.success() && report["witnessed"].as_u64() > Some(0), "{report}");
    let told = text(&audit(&dir, &["search", "--kind", "journal.witnessed"]));
    assert!(["1 file", "2 url", "3 mail"].iter().all(|name| told.contains(&format!("witness={name}"))), "{told}");
    assert!(!privet.log().contains("audit@"), "whose mailbox it is is nobody's business");
    // Its newest counts, and is found by the configuration.
    let verified = audit(&dir, &["verify", "--config", "privet.toml", "--json"]);
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert!(verified.status.success() && report["witnessed"].as_u64() > Some(2), "{report}");

    // The operator goes back to yesterday.
    let copied = Command::new("cp").args(["-a", "data/journal", "yesterday"]).current_dir(&dir).status();
    assert!(copied.expect("cp runs").success());
    let before = notes();
    privet.until("more", || notes() > before + 1);
    privet.child.kill().expect("killed");
    privet.child.wait().expect("ended");
    fs::remove_dir_all(dir.join("data/journal")).expect("removed");
    fs::rename(dir.join("yesterday"), dir.join("data/journal")).expect("moved");
    let (before, all) = (notes(), kept());
    let alarm = audit(&dir, &["witness", "--data", "data", "--file", "kept", "--once"]);
    assert!(alarm.status.code() == Some(1) && text(&alarm).contains("ROLLBACK"), "{}", text(&alarm));
    let verified = audit(&dir, &["verify", "--config", "privet.toml"]);
    assert!(
        verified.status.code() == Some(1) && text(&verified).contains("the outside checkpoint says"),
        "{}",
        text(&verified)
    );
    let privet = privet.restarted();
    privet.until("told", || privet.log().contains("A WITNESS DOES NOT KNOW THIS JOURNAL"));
    assert_eq!(up(&privet, "1 file"), 0);
    assert_eq!((notes(), kept()), (before, all), "nothing is written over what was seen");
    privet.until("written", || {
        let told = text(&audit(privet.dir.path(), &["search", "--kind", "journal.witness_failed", "--json"]));
        told.contains("\"alarm\":true")
    });
}

#[test]
fn a_witness_that_does_not_agree_is_loud_and_one_that_is_away_is_tried_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    fs::create_dir(dir.join("data")).expect("made");
    let ring = privet::seal::Ring::load_or_make(&dir.join("data/seal.key")).expect("keys");
    let settings = privet::journal::Settings::new(dir.join("data/journal"));
    let settings = privet::journal::Settings { checkpoint: Duration::from_secs(3600), ..settings };
    let journal = privet::journal::Journal::open(&settings, ring).expect("opened");
    journal.note(&privet::journal::Record::process_stopped());
    let once = |url: &str| audit(dir, &["witness", "--once", "--url", url]);
    let early = once("http://127.0.0.1:9/");
    assert!(early.status.code() == Some(3) && text(&early).contains("no signed checkpoint yet"), "{}", text(&early));
    drop(journal);
    let disagrees = Origin::start("HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno");
    let out = once(&disagrees.url());
    assert!(out.status.code() == Some(1) && text(&out).contains("ROLLBACK OR FORGERY"), "{}", text(&out));
    let away = once("http://127.0.0.1:9/");
    assert_eq!(away.status.code(), Some(3), "{}", text(&away));
    let takes = Origin::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let out = once(&takes.url());
    assert!(out.status.success() && text(&out).contains("has taken the checkpoint over 3 records"), "{}", text(&out));
    assert_eq!(once("http://witness.example/").status.code(), Some(2), "not in clear to another machine");
    assert_eq!(audit(dir, &["witness", "--once"]).status.code(), Some(2), "nobody is named");
}
