//! Whom operators and lists ban, before the handshake: files that change, an agent as recorded, and a real `CrowdSec` agent.

use std::{
    fs,
    io::Write as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use socket2::{Domain, Socket, Type};

use crate::{
    bans::{STRICT, application, ban, done, get, probe, refused, request, serves, socket},
    support::{Beside, Privet, free_port, read_all},
};

#[test]
fn orders_and_lists_hold_before_the_handshake() {
    let application = application();
    let list = "[[shield.ban.list]]\nname = \"drop\"\nfile = \"drop.txt\"\n";
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("drop.txt");
    fs::write(&file, "# a list\n127.0.0.51 ; one\nnobody\n").expect("written");
    let list = list.replace("drop.txt", &file.display().to_string());
    let privet = Privet::with(&format!("{}{STRICT}{list}", application.route("")));
    let hello = |from: &str| {
        let mut socket = socket(&privet, from);
        socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
        read_all(&mut socket)
    };
    assert_eq!((get(&privet, "127.0.0.51", "/", ""), hello("127.0.0.51")), (String::new(), String::new()));
    assert!(serves(&privet, "127.0.0.50", "") && serves(&privet, "127.0.0.52", ""));
    let added = done(&ban(&privet, &["add", "127.0.0.50", "--for", "1h", "--reason", "scraping"]));
    assert!(added.contains("127.0.0.50 is banned until 20"), "{added}");
    assert_eq!((get(&privet, "127.0.0.50", "/", ""), hello("127.0.0.50")), (String::new(), String::new()));
    probe(&privet, "127.0.0.53", "");
    assert!(
        get(&privet, "127.0.0.53", "/", "").starts_with("HTTP/1.1 403"),
        "a scenario's ban is told, after the head"
    );
    // The other door as well.
    let plain = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    plain.bind(&SocketAddr::from(([127, 0, 0, 50], 0)).into()).expect("bound");
    plain.connect(&privet.http.into()).expect("connected");
    let mut plain = TcpStream::from(plain);
    let _ = plain.write_all(request("/", "").as_bytes());
    assert_eq!(read_all(&mut plain), "");
    assert_eq!(privet.metric("privet_banned_connections_total"), 5);
    assert_eq!(privet.metric("privet_bans_active{source=\"list:drop\"}"), 1);
    assert!(refused(&ban(&privet, &["lift", "127.0.0.51"])).contains("on the list `drop`"));
    done(&ban(&privet, &["lift", "127.0.0.50"]));
    assert!(serves(&privet, "127.0.0.50", ""));
    for (args, why) in [
        (&["add", "nobody", "--reason", "x"][..], "neither an address nor a network"),
        (&["add", "0.0.0.0/0", "--reason", "x"], "too wide"),
        (&["add", "192.0.2.1", "--reason", " "], "say why"),
        (&["add", "192.0.2.1", "--for", "0s", "--reason", "x"], "from 1s"),
        (&["lift", "nobody"], "neither an address nor a network"),
    ] {
        assert!(refused(&ban(&privet, args)).contains(why), "{args:?}");
    }
    assert_eq!(ban(&privet, &["add", "192.0.2.1"]).status.code(), Some(2), "a reason is asked for");
    // A list that changes is read again; one that is gone goes on as it was.
    let beside = dir.path().join("new");
    fs::write(&beside, "127.0.0.52\n127.0.0.54/31\n").expect("written");
    fs::rename(&beside, &file).expect("renamed");
    privet.until("read again", || !serves(&privet, "127.0.0.52", ""));
    assert!(serves(&privet, "127.0.0.51", "") && !serves(&privet, "127.0.0.55", ""));
    fs::remove_file(&file).expect("removed");
    privet.until("missed", || privet.metrics().contains("privet_ban_list_up{list=\"drop\"} 0"));
    assert!(!serves(&privet, "127.0.0.52", ""));
}

/// An agent as version 1.4 answers, which goes away and comes back.
#[test]
fn decisions_of_an_agent_are_followed() {
    let application = application();
    let agent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = agent.local_addr().expect("bound").port();
    let away = Arc::new(AtomicBool::new(false));
    let off = Arc::clone(&away);
    thread::spawn(move || {
        let mut deltas = 0;
        for mut socket in agent.incoming().flatten() {
            let mut head = [0; 4096];
            let read = std::io::Read::read(&mut socket, &mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).to_lowercase();
            let decision = |value: &str| {
                format!(
                    r#"{{"duration":"3h59m49s","id":1,"origin":"cscli","scenario":"x","scope":"Ip","type":"ban","value":"{value}"}}"#
                )
            };
            let (status, body) = if off.load(Relaxed) {
                ("500 Internal Server Error", String::new())
            } else if !head.contains("x-api-key: the-key\r\n") {
                ("403 Forbidden", r#"{"message":"access forbidden"}"#.to_owned())
            } else if head.contains("get /v1/decisions/stream?startup=true ") {
                deltas = 0;
                (
                    "200 OK",
                    format!(r#"{{"deleted":null,"new":[{},{}]}}"#, decision("127.0.0.51"), decision("127.0.0.52")),
                )
            } else {
                deltas += 1;
                match deltas {
                    1 => (
                        "200 OK",
                        format!(r#"{{"deleted":[{}],"new":[{}]}}"#, decision("127.0.0.51"), decision("127.0.0.53")),
                    ),
                    _ => ("200 OK", r#"{"deleted":null,"new":null}"#.to_owned()),
                }
            };
            let _ = write!(
                socket,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let list = format!(
        "[[shield.ban.list]]\nname = \"agent\"\ncrowdsec = \"http://127.0.0.1:{port}\"\napi_key = \"the-key\"\nevery = \"1s\"\n"
    );
    let privet = Privet::with(&format!("{}{STRICT}{list}", application.route("")));
    privet.until("followed", || !serves(&privet, "127.0.0.53", ""));
    assert!(serves(&privet, "127.0.0.51", "") && !serves(&privet, "127.0.0.52", ""));
    away.store(true, Relaxed);
    privet.until("away", || privet.metrics().contains("privet_ban_list_up{list=\"agent\"} 0"));
    assert!(!serves(&privet, "127.0.0.52", ""), "what was decided holds");
    away.store(false, Relaxed);
    privet
        .until("back, from the beginning", || serves(&privet, "127.0.0.53", "") || !serves(&privet, "127.0.0.51", ""));
    privet.until("followed again", || privet.metrics().contains("privet_ban_list_up{list=\"agent\"} 1"));
    assert!(!privet.log().contains("the-key"));
    let wrong = privet.dir.path().join("privet.toml");
    privet.rewrite(|text| text.replace("the-key", "another"));
    privet.until("refused", || privet.log().contains("refuses the key"));
    assert!(wrong.exists());
}

/// The folder with Debian's `CrowdSec`: installed, or unpacked by `tests/run` without being started.
fn crowdsec() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/crowdsec");
    [own, PathBuf::from("/")]
        .into_iter()
        .find(|root| root.join("usr/bin/cscli").exists() && root.join("usr/bin/crowdsec").exists())
}

#[test]
fn a_real_crowdsec_agent_is_followed() {
    let Some(root) = crowdsec() else {
        return eprintln!("skipped: there is no crowdsec; tests/run unpacks it");
    };
    let dir = tempfile::tempdir().expect("a folder");
    let place = |name: &str| dir.path().join(name).display().to_string();
    let port = free_port();
    for name in ["hub", "data", "notifications", "plugins"] {
        fs::create_dir(dir.path().join(name)).expect("made");
    }
    let config = format!(
        "common:\n  daemonize: false\n  log_media: stdout\n  log_level: info\nconfig_paths:\n  config_dir: {0}\n  data_dir: {1}\n  simulation_path: {0}/simulation.yaml\n  \
         hub_dir: {2}\n  index_path: {2}/.index.json\n  notification_dir: {3}\n  plugin_dir: {4}\ncscli:\n  output: human\ndb_config:\n  type: sqlite\n  db_path: {1}/crowdsec.db\n\
         api:\n  client:\n    credentials_path: {0}/local.yaml\n  server:\n    log_level: info\n    listen_uri: 127.0.0.1:{port}\n    profiles_path: {0}/profiles.yaml\n    trusted_ips: []\n\
         prometheus:\n  enabled: false\n",
        dir.path().display(),
        place("data"),
        place("hub"),
        place("notifications"),
        place("plugins"),
    );
    fs::write(dir.path().join("config.yaml"), config).expect("written");
    fs::write(dir.path().join("simulation.yaml"), "simulation: false\n").expect("written");
    fs::write(dir.path().join("profiles.yaml"), "name: all\nfilters:\n - Alert.Remediation == true\ndecisions:\n - type: ban\n   duration: 4h\non_success: break\n").expect("written");
    fs::write(dir.path().join("local.yaml"), "").expect("written");
    fs::write(dir.path().join("hub/.index.json"), "{}").expect("written");
    let cscli = |args: &[&str]| {
        let out = Command::new(root.join("usr/bin/cscli"))
            .args(["-c", &place("config.yaml")])
            .args(args)
            .output()
            .expect("runs");
        let text = String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned();
        assert!(out.status.success(), "cscli {args:?}: {text}");
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    };
    cscli(&[
        "machines",
        "add",
        "here",
        "--password",
        "a-password",
        "--force",
        "-u",
        &format!("http://127.0.0.1:{port}"),
        "-f",
        &place("local.yaml"),
    ]);
    let key = cscli(&["bouncers", "add", "privet", "-o", "raw"]);
    let log = fs::File::create(dir.path().join("log")).expect("a log");
    let agent = Command::new(root.join("usr/bin/crowdsec"))
        .args(["-c", &place("config.yaml"), "-no-cs", "-no-capi"])
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .expect("starts");
    let _agent = Beside(agent);
    let read = || fs::read_to_string(dir.path().join("log")).unwrap_or_default();
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok(), "never up:\n{}", read());
    cscli(&["decisions", "add", "--ip", "127.0.0.51", "--duration", "1h"]);
    cscli(&["decisions", "add", "--range", "127.0.0.64/28", "--duration", "1h"]);
    let application = application();
    let list = format!(
        "[[shield.ban.list]]\nname = \"agent\"\ncrowdsec = \"http://127.0.0.1:{port}\"\napi_key_file = \"key\"\nevery = \"1s\"\n"
    );
    fs::write(dir.path().join("key"), format!("{key}\n")).expect("written");
    let list = list.replace("\"key\"", &format!("\"{}\"", place("key")));
    let privet = Privet::with(&format!("{}{STRICT}{list}", application.route("")));
    privet.until("followed", || !serves(&privet, "127.0.0.51", "") && !serves(&privet, "127.0.0.70", ""));
    assert!(serves(&privet, "127.0.0.52", ""));
    assert_eq!(privet.metric("privet_bans_active{source=\"list:agent\"}"), 2);
    cscli(&["decisions", "add", "--ip", "127.0.0.52", "--duration", "1h"]);
    privet.until("something new", || !serves(&privet, "127.0.0.52", ""));
    cscli(&["decisions", "delete", "--ip", "127.0.0.51"]);
    privet.until("something ended", || serves(&privet, "127.0.0.51", ""));
    assert!(!serves(&privet, "127.0.0.52", "") && !privet.log().contains(&key));
}
