//! Malware on live traffic, with a real ICAP server: Debian's c-icap, which asks a clamd of the test's own.

use std::{
    fs,
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tempfile::TempDir;

use crate::{
    antivirus::{FORM, FOUND, MIB, form, post, privet, sink, text, upload_zeros, zipped},
    clamd::{Clamd, eicar},
    support::{OK, Origin, Privet, free_port},
};

/// A c-icap in a folder of its own. Ended when dropped, with its children.
struct Server {
    child: Option<Child>,
    dir: TempDir,
    port: u16,
}

impl Server {
    /// One that asks this clamd; nothing where it is not installed.
    fn start(clamd: &Clamd) -> Option<Self> {
        let folder = Path::new("/usr/lib").join(format!("{}-linux-gnu/c_icap", std::env::consts::ARCH));
        if !folder.join("virus_scan.so").exists() {
            println!("skipped: c-icap and libc-icap-mod-virus-scan are not installed");
            return None;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let (path, port) = (dir.path().display(), free_port());
        let modules = folder.display();
        let config = format!(
            "PidFile {path}/pid\nCommandsSocket {path}/ctl\nTimeout 60\nStartServers 1\nMaxServers 1\nMinSpareThreads 1\n\
             MaxSpareThreads 20\nThreadsPerChild 10\nPort 127.0.0.1:{port}\nServerName test\nTmpDir {path}\n\
             MaxMemObject 131072\nModulesDir {modules}\nServicesDir {modules}\nTemplateDir /usr/share/c_icap/templates/\n\
             TemplateDefaultLanguage en\nLoadMagicFile /etc/c-icap/c-icap.magic\nServerLog {path}/log\nAccessLog {path}/access\n\
             Module common clamd_mod.so\nclamd_mod.ClamdSocket {}/ctl\nService antivirus virus_scan.so\n\
             ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple\n\
             virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GRAPHICS STREAM DOCUMENT\n\
             virus_scan.MaxObjectSize 5M\nvirus_scan.SendPercentData 0\nvirus_scan.DefaultEngine clamd\n",
            clamd.dir.path().display()
        );
        fs::write(dir.path().join("c-icap.conf"), config).expect("written");
        let mut server = Self { child: None, dir, port };
        server.run();
        Some(server)
    }

    fn run(&mut self) {
        let child = Command::new("c-icap")
            .args(["-N", "-f"])
            .arg(self.dir.path().join("c-icap.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        self.child = Some(child.expect("c-icap runs"));
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(start.elapsed() < Duration::from_secs(240), "c-icap never listened: {log}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it and its children, at once.
    fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = child.wait();
    }

    /// `icap = ...` for one of its services.
    fn place(&self, service: &str) -> String {
        format!("icap = \"icap://127.0.0.1:{}/{service}\"\n", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn no_infected_file_passes_an_icap_server() {
    let clamd = Clamd::start();
    let Some(server) = Server::start(&clamd) else { return };
    let infected = String::from_utf8(eicar()).expect("text");
    let origin = Origin::start_with(move |request, _| {
        let body = if request.starts_with("GET /infected") { infected.as_str() } else { "a clean answer" };
        Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    });
    let privet = Privet::with(&format!(
        "{}[antivirus]\n{}",
        origin.route("antivirus = \"block\"\nantivirus_downloads = \"block\""),
        server.place("avscan")
    ));
    let (eicar, clean) = (eicar(), vec![b'x'; 300_000]);
    let zip = zipped("a.com", &eicar);
    let coded = BASE64_STANDARD.encode(&zip);
    let xml = format!("<upload><file>{coded}</file></upload>").into_bytes();
    let field = format!("name=kim&file={}", coded.replace('+', "%2B").replace('/', "%2F")).into_bytes();
    for (target, headers, body) in [
        ("/raw", "", eicar.clone()),
        ("/zip", "Content-Type: application/zip\r\n", zip.clone()),
        ("/form", FORM, form(&[("clean.pdf", &clean), ("kim.minsu@example.com.pdf", &eicar)])),
        ("/xml", "Content-Type: application/xml\r\n", xml),
        ("/field", "Content-Type: application/x-www-form-urlencoded\r\n", field),
    ] {
        let answer = post(&privet, target, headers, &body);
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains(FOUND), "{target}: {answer}");
    }
    assert_eq!(origin.seen(), "", "no byte of any");
    for (target, headers, body) in
        [("/clean", "", clean.clone()), ("/clean-form", FORM, form(&[("a.pdf", &clean), ("b.pdf", &clean)]))]
    {
        assert!(post(&privet, target, headers, &body).starts_with("HTTP/1.1 200"), "{target}");
        assert!(origin.seen().ends_with(&String::from_utf8_lossy(&body).into_owned()), "{target}");
    }
    let answer = privet.get("/infected", "");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains(FOUND) && !answer.contains("FILE!"), "{answer}");
    assert!(privet.get("/clean", "").ends_with("a clean answer"));
    // Of ICAP nobody knows how old signatures are: that is said, and is no fault.
    let status = self::privet(&privet, &["antivirus", "status"]);
    let said = text(&status);
    assert!(
        status.status.success() && said.contains("/avscan answers") && said.contains("unknown age (tag "),
        "{said}"
    );
    assert!(!privet.metrics().contains("privet_antivirus_signatures_stale 1"));
    let log = fs::read_to_string(server.dir.path().join("access")).unwrap_or_default();
    assert!(!log.contains("kim.minsu") && !log.contains("clean-form"), "the server is told nothing: {log}");
    let outbreak = privet.dir.path().join("worm.hdb");
    fs::write(&outbreak, "44d88612fea8a8f36de82e1278abb02f:68:Worm\n").expect("written");
    assert!(!self::privet(&privet, &["antivirus", "outbreak", "worm.hdb"]).status.success());
}

#[test]
fn more_than_an_icap_server_looks_at_is_refused() {
    let clamd = Clamd::start();
    let Some(server) = Server::start(&clamd) else { return };
    let (address, got) = sink();
    // clamd behind it looks at 25 MiB; another of its services sends back unseen what is larger than 5 MiB.
    for (service, size) in [("avscan", 26 * MIB), ("virus_scan", 12 * MIB)] {
        let privet = Privet::with(&format!(
            "[[route]]\nupstream = \"http://{address}\"\nantivirus = \"block\"\n[antivirus]\nmax_size = \"40MiB\"\n{}",
            server.place(service)
        ));
        let answer = upload_zeros(&privet, "/", size);
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("antivirus_excess"), "{service}: {answer}");
        if service == "virus_scan" {
            // Not in its simple mode it may begin to answer before it has seen all, of small files too.
            continue;
        }
        let answer = upload_zeros(&privet, "/", MIB);
        assert!(answer.starts_with("HTTP/1.1 200"), "{service}: {answer} {}", privet.log());
        assert_eq!(got.swap(0, std::sync::atomic::Ordering::SeqCst), MIB);
    }
}

#[test]
fn an_icap_server_that_goes_and_comes_is_noticed_without_a_restart() {
    let (mut clamd, origin) = (Clamd::start(), Origin::start(OK));
    let Some(mut server) = Server::start(&clamd) else { return };
    let privet = Privet::with(&format!(
        "{}{}[antivirus]\ntimeout = \"30s\"\n{}",
        origin.route("antivirus = \"block\""),
        origin.route("path = \"/open\"\nantivirus = \"block\"\nantivirus_unavailable = \"open\""),
        server.place("avscan")
    ));
    let clean = |target: &str, byte: u8| post(&privet, target, "", &[byte; 5000]);
    assert!(clean("/", 1).starts_with("HTTP/1.1 200"));
    server.kill();
    let answer = clean("/", 2);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("antivirus_unavailable"), "{answer}");
    privet.until("noticed", || privet.metric("privet_antivirus_up") == 0);
    assert!(post(&privet, "/", "", &eicar()).starts_with("HTTP/1.1 503"));
    assert!(clean("/open", 3).starts_with("HTTP/1.1 200"));
    server.run();
    privet.until("back", || clean("/", 4).starts_with("HTTP/1.1 200"));
    assert!(post(&privet, "/open", "", &eicar()).starts_with("HTTP/1.1 403"));
    assert!(
        privet.log().contains("the ICAP server does not answer")
            && privet.log().contains("the ICAP server answers again")
    );
    // It answers, but can't scan.
    clamd.kill();
    assert!(clean("/", 5).starts_with("HTTP/1.1 503"));
}

#[test]
fn with_both_each_has_to_call_a_file_clean() {
    let (clamd, mut other, origin) = (Clamd::start(), Clamd::start(), Origin::start(OK));
    other.kill();
    let own: String = b"only the other one knows".iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(other.database().join("own.ndb"), format!("Test.Other:0:*:{own}\n")).expect("written");
    other.run();
    let Some(mut server) = Server::start(&other) else { return };
    let privet = Privet::with(&format!(
        "{}[antivirus]\n{}{}",
        origin.route("antivirus = \"block\""),
        clamd.unix(),
        server.place("avscan")
    ));
    let send = |body: &[u8]| post(&privet, "/", "", body);
    assert!(send(b"clean").starts_with("HTTP/1.1 200"));
    assert!(send(&eicar()).contains(FOUND), "clamd alone finds it");
    let answer = send(b"something that only the other one knows, which is bad");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("Test.Other"), "{answer}");
    server.kill();
    assert!(send(b"clean as well").starts_with("HTTP/1.1 503"), "one silence is too much");
    privet.until("noticed", || privet.metric("privet_antivirus_up") == 0);
    assert!(send(b"clean once more").starts_with("HTTP/1.1 503"));
    assert!(send(&eicar()).contains(FOUND), "one finding is enough");
    server.run();
    privet.until("back", || send(b"and clean").starts_with("HTTP/1.1 200"));
}
