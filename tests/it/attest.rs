//! The truth of the policy: with everything on each clause is true; with one thing broken just those clauses are not that rest on it; and what
//! can be taken along is what was signed.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

use crate::{
    clamd::Clamd,
    gate::add,
    registry::{does, json, password, run},
    support::{Beside, OK, Origin, Privet, binary, free_port, python},
};

const HERE: &str = " --config privet.toml";
const FONT: &str = "/usr/share/fonts/truetype/nanum/NanumGothic.ttf";
const RULES: &str = "/usr/share/modsecurity-crs";

/// The demo application alone.
fn demo() -> (Beside, u16) {
    let port = free_port();
    let mut command = Command::new(binary());
    command.args(["demo", "--listen", &format!("127.0.0.1:{port}"), "--linger", "0"]).stdout(Stdio::null());
    let demo = Beside(command.spawn().expect("runs"));
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(240), "nothing listens at {port}");
        thread::sleep(Duration::from_millis(50));
    }
    (demo, port)
}

/// A certificate for shop.example of an authority of its own.
fn certificates(dir: &Path) {
    let mut root = CertificateParams::new(Vec::new()).expect("parameters");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let mut leaf = CertificateParams::new(vec!["shop.example".to_owned(), "localhost".to_owned()]).expect("parameters");
    leaf.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(1);
    leaf.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(90);
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    fs::create_dir_all(dir.join("certs")).expect("made");
    fs::write(dir.join("certs/ca.pem"), issuer.pem()).expect("written");
    fs::write(dir.join("tls.crt"), leaf.pem()).expect("written");
    fs::write(dir.join("tls.key"), key.serialize_pem()).expect("written");
    fs::set_permissions(dir.join("tls.key"), fs::Permissions::from_mode(0o600)).expect("set");
}

/// The shipped policy, which names types and recipients.
fn policy(types: &str, recipients: &str) -> String {
    let shipped = include_str!("../../src/attest/policy.toml");
    shipped.replacen("\n[[clause]]", &format!("\ntypes = [{types}]\nrecipients = [{recipients}]\n\n[[clause]]"), 1)
}

/// A gateway with everything on, in a folder whose files are there already.
fn everything(port: u16, clamd: &Clamd, outside: &Path) -> Privet {
    certificates(outside);
    fs::write(outside.join("policy.toml"), policy("\"EMAIL_ADDRESS\", \"IP_ADDRESS\"", "")).expect("written");
    let route = |more: &str| {
        format!(
            "[[route]]\nhost = \"shop.example\"\nupstream = \"http://127.0.0.1:{port}\"\nshield = \"block\"\nantivirus = \"block\"\nwatch = true\n{more}\n"
        )
    };
    let at = |name: &str| outside.join(name).display().to_string();
    Privet::with(&format!(
        "[[tls.certificate]]\nchain = \"{}\"\nkey = \"{}\"\n[access_log]\npath = \"access.log\"\n\
         [journal]\ncheckpoint = \"200ms\"\n[[journal.witness]]\nfile = \"witness\"\nevery = \"1s\"\n\
         [attest]\npolicy = \"{}\"\n[antivirus]\n{}[shield]\nrules = \"{RULES}\"\n\
         [[login]]\npath = \"/login\"\npreset = \"form-redirect\"\nusername = \"form:email\"\n{}{}",
        at("tls.crt"),
        at("tls.key"),
        at("policy.toml"),
        clamd.unix(),
        route(""),
        route(
            "path = \"/api/customers\"\ngate = \"staff\"\nmask = \"policy\"\ndownload = \"seal\"\n\
             subject = [\"json:/customers/*/id\"]\nconsent = [\"json:/customers/*/marketing_consent\"]"
        ),
    ))
}

/// What `attest` says; its exit code must fit.
fn attest(dir: &Path, more: &str) -> Value {
    let (code, said) = run(dir, &format!("attest --json{more}{HERE}"));
    let at = said.find('{').unwrap_or_else(|| panic!("no report: {said}"));
    let report: Value = serde_json::Deserializer::from_str(&said[at..])
        .into_iter()
        .next()
        .and_then(Result::ok)
        .unwrap_or_else(|| panic!("no report: {said}"));
    let red = !standing(&report, "red").is_empty();
    assert_eq!(code, i32::from(red), "{said}");
    report
}

/// Clauses that stand so.
fn standing(report: &Value, how: &str) -> Vec<String> {
    let clauses = report["clauses"].as_array().expect("clauses").iter();
    clauses.filter(|it| it["standing"] == how).map(|it| it["id"].as_str().expect("an id").to_owned()).collect()
}

fn controls(report: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let all = report["controls"].as_array().expect("controls").iter();
    all.map(|it| (text(&it["control"]), (text(&it["standing"]), text(&it["why"])))).collect()
}

/// Clauses that name one of these controls, by the report itself.
fn resting_on(report: &Value, broken: &[&str]) -> Vec<String> {
    let names = |it: &Value| {
        let all = ["controls", "supports"].map(|list| it[list].as_array().expect("a list").clone());
        all.concat().iter().any(|name| broken.contains(&name.as_str().expect("a name")))
    };
    let clauses = report["clauses"].as_array().expect("clauses").iter();
    clauses.filter(|it| names(it)).map(|it| it["id"].as_str().expect("an id").to_owned()).collect()
}

/// Exactly these controls are red, and exactly the clauses that rest on them; a line of the table.
#[track_caller]
fn breaks(report: &Value, what: &str, broken: &[&str]) {
    let seen = controls(report);
    let red: Vec<&str> =
        seen.iter().filter(|(_, (how, _))| how == "red" || how == "off").map(|(name, _)| &**name).collect();
    let mut broken = broken.to_vec();
    broken.sort_unstable();
    assert_eq!(red, broken, "{what}: {seen:#?}");
    assert_eq!(standing(report, "red"), resting_on(report, &broken), "{what}");
    let why: Vec<&str> = broken.iter().map(|name| &*seen[*name].1).collect();
    println!("| {what} | {} | {} | {} |", broken.join(", "), standing(report, "red").join(", "), why.join(" / "));
}

fn reload(privet: &Privet, change: impl FnOnce(String) -> String) {
    let applied = || privet.metric("privet_config_reloads_total{result=\"applied\"}");
    let before = applied();
    privet.rewrite(change);
    privet.until("reloaded", || applied() > before);
}

/// Changes the configuration, looks, and changes it back.
fn with(privet: &Privet, what: &str, change: &[(&str, &str)], broken: &[&str]) {
    let path = privet.dir.path().join("privet.toml");
    let before = fs::read_to_string(&path).expect("a file");
    reload(privet, |text| {
        change.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from} is not in it");
            text.replace(from, to)
        })
    });
    breaks(&attest(privet.dir.path(), ""), what, broken);
    reload(privet, |_| before);
}

#[test]
fn each_clause_is_true_until_what_it_rests_on_is_broken() {
    if !Path::new(RULES).is_dir() {
        println!("skipped: modsecurity-crs is not installed");
        return;
    }
    let ((_demo, port), mut clamd) = (demo(), Clamd::start());
    clamd.daily(Duration::from_secs(3600));
    clamd.ask("RELOAD");
    let outside = tempfile::tempdir().expect("a folder");
    let privet = everything(port, &clamd, outside.path());
    let dir = privet.dir.path();
    certificates_of(dir, outside.path());
    password(dir);
    for name in ["one", "two", "ann"] {
        add(&privet, name, &[]);
    }
    privet.until("witnessed", || !does(dir, &format!("audit search --kind journal.witnessed{HERE}")).is_empty());
    println!("| broken | controls | clauses | why |\n|---|---|---|---|");
    let before = attest(dir, "");
    breaks(
        &before,
        "nothing was set up",
        &[
            "backup.drilled",
            "grants.certified",
            "handover.done",
            "officers.two",
            "pledge.signed",
            "pledge.wall",
            "review.done",
        ],
    );
    does(dir, &format!("staff init one two{HERE}"));
    for name in ["one", "two"] {
        does(dir, &format!("pledge sign --agree 1 --as {name}{HERE}"));
    }
    breaks(&attest(dir, ""), "no back-up was brought back", &["backup.drilled"]);
    drill(dir);
    let whole = attest(dir, "");
    breaks(&whole, "nothing", &[]);
    assert_eq!(standing(&whole, "green").len(), 10, "{:#?}", controls(&whole));

    with(
        &privet,
        "a route in cleartext",
        &[("watch = true\n\n", "watch = true\ncleartext = \"serve\"\ncleartext_reason = \"old scanners\"\n\n")],
        &["tls.cleartext"],
    );
    with(
        &privet,
        "no rules on a route",
        &[(
            "shield = \"block\"\nantivirus = \"block\"\nwatch = true\npath",
            "antivirus = \"block\"\nwatch = true\npath",
        )],
        &["shield.blocks"],
    );
    with(&privet, "a route is not watched", &[("watch = true\npath", "path")], &["scan.watched"]);
    with(
        &privet,
        "no limit on a login",
        &[("[[login]]\npath = \"/login\"\npreset = \"form-redirect\"\nusername = \"form:email\"\n", "")],
        &["login.limited"],
    );
    with(&privet, "a route without a mask", &[("mask = \"policy\"", "record = true")], &["mask.holds", "role.refused"]);
    with(
        &privet,
        "phone numbers are not looked for",
        &[("[journal]", "[privacy]\noff = [\"PHONE_NUMBER\"]\n[journal]")],
        &["logs.scrubbed"],
    );
    with(&privet, "files leave as they are", &[("download = \"seal\"", "download = \"plain\"")], &["download.sealed"]);
    with(
        &privet,
        "no Strict-Transport-Security",
        &[("watch = true\n\n", "watch = true\nhsts = \"off\"\n\n")],
        &["tls.hsts"],
    );

    let key = dir.join("data/pseudonym.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("set");
    breaks(&attest(dir, ""), "others may read a key", &["rest.private"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("set");

    clamd.kill();
    breaks(&attest(dir, ""), "clamd is away", &["antivirus.blocks", "antivirus.fresh"]);
    clamd.run();
    privet.until("clamd is back", || controls(&attest(dir, " --clause technical-b"))["antivirus.blocks"].0 == "green");

    does(dir, &format!("staff grant ann complaints --reason joined --as one{HERE}"));
    breaks(&attest(dir, ""), "somebody has not signed", &["pledge.signed"]);
    does(dir, &format!("staff leave ann --as one{HERE}"));
    breaks(&attest(dir, ""), "nobody has taken over", &["handover.done"]);
    does(dir, &format!("staff grant two complaints --reason instead --as one{HERE}"));
    breaks(&attest(dir, ""), "nothing any more", &[]);

    let answer = privet.get("/api/customers?q=010-1234-5678", "Accept: */*\r\nUser-Agent: Mozilla/5.0\r\n");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    privet.until("on the map", || privet.told("/v1/personal-data").contains("PHONE_NUMBER"));
    breaks(&attest(dir, ""), "a type that the policy does not name", &["drift.types"]);
    const TYPES: &str = "\"EMAIL_ADDRESS\", \"IP_ADDRESS\", \"PHONE_NUMBER\"";
    fs::write(outside.path().join("policy.toml"), policy(TYPES, "")).expect("written");
    privet.until("named", || controls(&attest(dir, " --clause managerial-a"))["drift.types"].0 == "green");
    recipients(&privet, outside.path(), TYPES);

    // Probes have taught nothing, banned nobody and are in no review; records say what they are.
    let logins = json(dir, &format!("logins --json{HERE}"));
    assert!(logins["addresses"].as_array().is_some_and(Vec::is_empty), "{logins}");
    let seen = does(dir, &format!("audit search --kind disclosure.done --json{HERE}"));
    assert!(!seen.is_empty() && seen.lines().all(|line| line.contains("\"probe\":true")), "{seen}");
    let malware = does(dir, &format!("audit search --kind malware.found --json{HERE}"));
    assert!(malware.contains("\"probe\":true") && malware.contains("\"refused\":true"), "{malware}");
    let done = does(dir, &format!("audit search --kind attest.done --json{HERE}"));
    assert!(done.lines().count() > 10 && done.contains("\"controls_red\":[\"antivirus.blocks\""), "{done}");
    assert!(privet.metric("privet_probes_total{result=\"admitted\"}") > 100);
    assert_eq!(privet.metric("privet_probes_total{result=\"refused\"}"), 0);

    // A byte of the journal, with the gateway still running.
    let segment = dir.join("data/journal/00000000000000000000.journal");
    let mut bytes = fs::read(&segment).expect("a journal");
    bytes[200] ^= 1;
    fs::write(&segment, &bytes).expect("written");
    let report = attest(dir, "");
    let seen = controls(&report);
    assert_eq!(seen["journal.whole"].0, "red", "{seen:#?}");
    assert!(seen["journal.whole"].1.contains("record 0 is the first bad one"), "{seen:#?}");
    assert_eq!(standing(&report, "red"), ["managerial-b"], "what else needs records is in doubt, not untrue");
    println!("| a byte of the journal | journal.whole | managerial-b | {} |", seen["journal.whole"].1);
}

/// A page of the application lets another site's script in, which the policy does not name, and then does.
fn recipients(privet: &Privet, outside: &Path, types: &str) {
    let dir = privet.dir.path();
    let page = "<title>Shop</title><script src=\"https://tracker.example/x.js?id=7\"></script><img src=https://shop.example/logo.png>\
                <img src=https://img.shop.example/a.png><a href=https://elsewhere.example/>x</a>";
    let length = page.len();
    let origin = Origin::start_with(move |_, _| {
        Some(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{page}"))
    });
    let route = format!(
        "[[route]]\nhost = \"shop.example\"\npath = \"/shop\"\nupstream = \"{}\"\nshield = \"block\"\nantivirus = \"block\"\nwatch = true\n",
        origin.url()
    );
    let before = fs::read_to_string(dir.join("privet.toml")).expect("a file");
    reload(privet, |text| text + &route);
    breaks(&attest(dir, ""), "nobody has seen the page", &[]);
    assert!(privet.get("/shop/", "Accept: */*\r\nUser-Agent: Mozilla/5.0\r\n").starts_with("HTTP/1.1 200"));
    privet.until("looked at", || {
        does(dir, &format!("scan --live{HERE}")).contains("name tracker.example (script, 1 times")
    });
    let report = attest(dir, "");
    breaks(&report, "a page loads another site's script", &["drift.recipients"]);
    assert_eq!(privet.metric("privet_attest_clauses{status=\"red\"}"), 1, "as of the last look at the whole");
    let why = &controls(&report)["drift.recipients"].1;
    assert!(why.contains("tracker.example is named by answers of shop.example/shop (script)"), "{why}");
    assert!(why.contains("img.shop.example is named") && !why.contains(" shop.example is named"), "{why}");
    assert!(!why.contains("x.js") && !why.contains("elsewhere"), "names alone, and of what is loaded: {why}");
    let named = |names: &str, how: &str| {
        fs::write(outside.join("policy.toml"), policy(types, names)).expect("written");
        privet.until(how, || controls(&attest(dir, " --clause managerial-a"))["drift.recipients"].0 == how);
    };
    named("\"tracker.example\", \"*.shop.example\"", "green");
    breaks(&attest(dir, ""), "a recipient that the policy names", &[]);
    named("\"*.shop.example\"", "red");
    reload(privet, |_| before);
    breaks(&attest(dir, ""), "the page is gone", &[]);
    named("", "green");
}

/// The support's clients believe the authority that is in the gateway's folder.
fn certificates_of(dir: &Path, outside: &Path) {
    fs::create_dir_all(dir.join("certs")).expect("made");
    fs::copy(outside.join("certs/ca.pem"), dir.join("certs/ca.pem")).expect("copied");
}

fn drill(dir: &Path) {
    crate::backup::key_file(&dir.join("kept.key"));
    fs::create_dir_all(dir.join("backups")).expect("made");
    let made = json(dir, &format!("backup create --to backups --key-file kept.key --json{HERE}"));
    let file = made["file"].as_str().expect("a file");
    let out = Command::new(binary())
        .args(["backup", "restore", file, "--data", "drill", "--drill-of", "privet.toml", "--key-file", "kept.key"])
        .current_dir(dir)
        .output()
        .expect("runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn what_is_no_tag_is_taken_off_and_the_application_asked() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let forged = format!("{:032x}/99999999999/privacy-officer/1/-/{}", 7, "ab".repeat(32));
    for tag in [&*forged, "1", "", "-"] {
        let answer = privet.get("/x", &format!("X-Privet-Probe: {tag}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
    }
    let twice = format!("X-Privet-Probe: {forged}\r\nX-Privet-Probe: {forged}\r\n");
    assert!(privet.get("/x", &twice).starts_with("HTTP/1.1 200"));
    let seen = origin.seen().to_lowercase();
    assert_eq!(seen.matches("get /x ").count(), 5, "{seen}");
    assert!(!seen.contains("x-privet-probe"), "{seen}");
    assert_eq!(privet.metric("privet_probes_total{result=\"refused\"}"), 5);
    assert_eq!(privet.metric("privet_probes_total{result=\"admitted\"}"), 0);
    privet.until("written", || privet.out().lines().count() >= 5);
    assert!(!privet.out().contains("probe"), "no line says that it was one");
}

#[test]
fn without_a_gateway_what_lies_here_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    fs::write(dir.join("privet.toml"), "[[route]]\nupstream = \"http://127.0.0.1:9\"\nshield = \"block\"\n")
        .expect("written");
    let report = attest(dir, "");
    let seen = controls(&report);
    assert_eq!((report["live"].as_bool(), &*seen["shield.blocks"].0), (Some(false), "amber"));
    assert!(seen["shield.blocks"].1.contains("no gateway runs"), "{seen:#?}");
    assert_eq!(seen["login.limited"].0, "off", "what is not configured is known");
    assert!(standing(&report, "green").is_empty());
    let (code, said) = run(dir, &format!("attest --clause nothing{HERE}"));
    assert!(code == 2 && said.contains("no clause called \"nothing\""), "{said}");
    let (code, said) = run(dir, "attest");
    assert!(code == 3 && said.contains("--config"), "{said}");
    fs::write(dir.join("own.toml"), "title_ko = \"가\"\ntitle_en = \"a\"\n[[clause]]\nid = \"a\"\ntext_ko = \"가\"\ntext_en = \"a\"\ncontrols = [\"tls.nonsense\"]\n").expect("written");
    let with_policy = "[[route]]\nupstream = \"http://127.0.0.1:9\"\n[attest]\npolicy = \"own.toml\"\n";
    fs::write(dir.join("privet.toml"), with_policy).expect("written");
    let (code, said) = run(dir, "check --config privet.toml");
    assert!(code == 2 && said.contains("own.toml:7:") && said.contains("journal.whole"), "{said}");
}

#[test]
fn a_pack_is_whole_until_a_byte_of_it_is_changed() {
    let origin = Origin::start(OK);
    let text = format!(
        "{}[telemetry]\nendpoint = \"http://127.0.0.1:9\"\nauthorization = \"Bearer geheim\"\n[incident]\nfont = \"{FONT}\"\n",
        origin.route("gate = \"staff\"\nrecord = true")
    );
    let privet = Privet::with(&text);
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "ann"] {
        add(&privet, name, &[]);
    }
    does(dir, &format!("staff init one two{HERE}"));
    does(dir, &format!("staff grant ann marketing --reason newsletter --as one{HERE}"));
    does(dir, &format!("pledge sign --agree 1 --as one{HERE}"));
    does(dir, &format!("staff leave ann --as two{HERE}"));
    let (code, said) = run(dir, &format!("attest --pack evidence.zip{HERE}"));
    assert!(code == 1 && said.contains("evidence.zip: ") && said.contains("signed by"), "{said}");
    let (code, said) = run(dir, &format!("attest --pack evidence.zip{HERE}"));
    assert!(code == 3 && said.contains("exists"), "never written over: {said}");
    let pack = dir.join("evidence.zip");
    assert_eq!(fs::metadata(&pack).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(does(dir, "attest --verify evidence.zip").contains("whole and unchanged"));
    let noted = does(dir, &format!("audit search --kind attest.packed --json{HERE}"));
    assert!(said_of(&noted, "manifest_sha256").len() == 64, "{noted}");

    // By other programs, as README.txt says.
    let out = Command::new(python())
        .args(["-c", "import zipfile;zipfile.ZipFile('evidence.zip').extractall('pack')"])
        .current_dir(dir)
        .status();
    assert!(out.expect("python runs").success());
    let out = dir.join("pack");
    let verify = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "attest.pub.pem",
        "-rawin",
        "-in",
        "manifest.json",
        "-sigfile",
        "manifest.sig",
    ];
    for (program, args) in [("openssl", &verify[..]), ("sha256sum", &["-c", "--quiet", "SHA256SUMS"])] {
        let done = Command::new(program).args(args).current_dir(&out).output().expect("runs");
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap_or_else(|_| panic!("{name} is there"));
    let config = read("configuration.toml");
    assert!(!config.contains("geheim") && config.contains("\nauthorization = \""), "{config}");
    let leavers: Value = serde_json::from_str(&read("leavers.json")).expect("JSON");
    assert_eq!(
        (&leavers[0]["person"]["subject"], &leavers[0]["seen"]["records"]),
        (&"ann".into(), &0.into()),
        "{leavers}"
    );
    assert!(leavers[0]["what"].as_str().is_some_and(|what| what.contains("leaver certificate")), "{leavers}");
    assert!(read("records/grants.jsonl").contains("grant.given"));
    assert!(
        read("records/pledges.jsonl").contains("pledge.signed") && read("report.json").contains("technical-a-password")
    );
    let page = read("summary.html");
    assert!(
        page.contains("default-src 'none'") && page.contains("prefers-color-scheme:dark") && page.contains("개인정보")
    );
    assert!(!page.contains("<script") && read("README.txt").contains("openssl pkeyutl"));
    let paper =
        Command::new("pdftotext").args(["-layout", "summary.pdf", "-"]).current_dir(&out).output().expect("runs");
    let paper = String::from_utf8_lossy(&paper.stdout);
    assert!(paper.contains("technical-a-password") && paper.contains("확인 필요 / in doubt"), "{paper}");
    oscal(&out.join("oscal-assessment-results.json"));

    let bytes = fs::read(&pack).expect("a file");
    for at in [200, bytes.len() / 2, bytes.len() - 30] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::File::create(dir.join("changed.zip")).and_then(|mut file| file.write_all(&changed)).expect("written");
        assert_eq!(run(dir, "attest --verify changed.zip").0, 1, "byte {at}");
    }
}

fn said_of(lines: &str, name: &str) -> String {
    let line: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    let body = if line["body"].is_object() { &line["body"] } else { &line };
    body[name].as_str().unwrap_or_default().to_owned()
}

/// By the models that NIST's schemas are made into.
fn oscal(file: &Path) {
    const SCRIPT: &str = "import sys\nfrom pathlib import Path\nfrom trestle.oscal.assessment_results import AssessmentResults\n\
        model = AssessmentResults.oscal_read(Path(sys.argv[1]))\nresult = model.results[0]\n\
        print(len(result.findings), len(result.observations), model.metadata.oscal_version)";
    let trestle = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/trestle/bin/python");
    if !trestle.exists() {
        println!("skipped: compliance-trestle is not installed (tests/run)");
        return;
    }
    let out = Command::new(trestle).args(["-c", SCRIPT]).arg(file).output().expect("python runs");
    let (said, error) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && said.starts_with("10 "), "{said}{error}");
}
