//! Incidents: a staged leak through the demo application, whose affected people must be the truth exactly; clocks; who decides.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
    process::Command,
};

use privet::demo::Application;
use serde_json::Value;

use crate::{
    disclosure::records,
    gate::{Browser, PASSWORD},
    registry::{does, founded, json, password, refuses},
    support::{Origin, Privet, ask_plain, binary, script},
};

const HERE: &str = " --config privet.toml";

/// A number in a query.
fn number(request: &str, name: &str) -> usize {
    let at = request.find(&format!("{name}=")).map_or(0, |at| at + name.len() + 1);
    request[at..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// What the demo application does not do: a file of some customers, an answer that never comes to its end, and lists for programs.
fn more() -> Origin {
    Origin::start_with(|request, _| {
        let (from, to) = (number(request, "from"), number(request, "to"));
        let (kind, disposition, body) = if request.contains("/file/export.csv") {
            let rows: String = (from..=to).map(|id| format!("{id},person{id}@example.com\r\n")).collect();
            ("text/csv", "Content-Disposition: attachment; filename=\"a.csv\"\r\n", format!("id,email\r\n{rows}"))
        } else {
            let row = |id| format!("{{\"id\":{id},\"email\":\"person{id}@example.com\"}}");
            let rows: Vec<String> = (from..=to).map(row).collect();
            ("application/json", "", format!("{{\"customers\":[{}]}}", rows.join(",")))
        };
        // All records are sent, and the end is not.
        let missing = if request.contains("held.json") { 100_000 } else { 0 };
        let length = body.len() + missing;
        Some(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{disposition}Content-Length: {length}\r\n\r\n{body}"))
    })
}

fn office(application: &Application, more: &Origin) -> Privet {
    let demo = format!("upstream = \"http://{}\"\n", application.address());
    let gate = "gate = \"staff\"\nrecord = true\ndownload = \"plain\"\n";
    let privet = Privet::with(&format!(
        "[[route]]\npath = \"/\"\n{demo}{gate}subject = \"json:/customers/*/id\"\n\
         [[route]]\npath = \"/customers\"\n{demo}{gate}subject = [\"path:2\", \"html:column:id\"]\n\
         [[route]]\npath = \"/file\"\nupstream = \"{0}\"\n{gate}subject = [\"csv:id\", \"json:/customers/*/id\"]\n\
         [[route]]\npath = \"/open\"\nupstream = \"{0}\"\nrecord = true\nsubject = \"json:/customers/*/id\"\n",
        more.url()
    ));
    founded(&privet, &["ann", "mallory"]);
    privet
}

/// The customers of the demo application, by the address by which they are reached.
fn customers(application: &Application, dir: &Path) -> BTreeMap<String, usize> {
    let ask = "GET /export.csv HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut socket = TcpStream::connect(application.address()).expect("connected");
    socket.write_all(ask.as_bytes()).expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("read");
    let at = answer.find("id,name,email").expect("a list");
    // Whatever the chunks were: rows alone are taken.
    let lines = answer[at..].lines().filter(|line| line.split(',').count() >= 8);
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    fs::write(dir.join("customers.csv"), &text).expect("written");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = |row: csv::StringRecord| (row[2].to_owned(), row[0].parse().expect("an id"));
    let all: BTreeMap<_, _> = reader.records().map(|line| row(line.expect("a row"))).collect();
    assert_eq!(all.len(), 5000, "each has an address of their own");
    all
}

/// Pages through 1,234 customers, breaks one answer off, and takes a file along.
fn leak(privet: &Privet) {
    let browser = Browser(privet, "mallory");
    browser.sign_in("mallory", PASSWORD);
    // Twenty pages on one connection, as a browser asks for them.
    let urls: Vec<String> = (1..=20).map(|page| privet.url(&format!("/api/customers?page={page}&size=50"))).collect();
    let urls: Vec<&str> = urls.iter().flat_map(|url| ["-o", "page", url]).collect();
    let said = privet.curl(&[&["-b", "mallory", "-w", "%{http_code} "], &urls[..]].concat());
    assert_eq!(said.matches("200").count(), 20, "{said}");
    for page in 21..=23 {
        assert!(browser.get(&format!("/customers?page={page}")).starts_with("HTTP/2 200"));
    }
    for id in 1151..=1154 {
        assert!(browser.get(&format!("/customers/{id}")).starts_with("HTTP/2 200"));
    }
    assert!(browser.get("/customers/9999").starts_with("HTTP/2 404"), "nobody");
    let file = browser.get("/file/export.csv?from=1155&to=1234");
    assert!(file.starts_with("HTTP/2 200") && file.contains("person1234@"), "{file}");
    // Every record of it has come; its end has not.
    let mut tls = privet.tls();
    let cookies = fs::read_to_string(privet.dir.path().join("mallory")).expect("cookies");
    let pairs: Vec<String> = cookies
        .lines()
        .map(|line| line.trim_start_matches("#HttpOnly_").split('\t').collect::<Vec<_>>())
        .filter(|parts| parts.len() == 7)
        .map(|parts| format!("{}={}", parts[5], parts[6]))
        .collect();
    let ask = format!(
        "GET /file/held.json?from=1225&to=1264 HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n",
        pairs.join("; ")
    );
    tls.write_all(ask.as_bytes()).expect("sent");
    let (mut text, mut buf) = (String::new(), [0; 4096]);
    while !text.contains("person1264@") {
        let read = tls.read(&mut buf).expect("read");
        assert!(read > 0, "{text}");
        text += &String::from_utf8_lossy(&buf[..read]);
    }
    drop(tls);
    // Somebody else's work.
    let ann = Browser(privet, "ann");
    ann.sign_in("ann", PASSWORD);
    assert!(ann.get("/api/customers?page=90&size=50").starts_with("HTTP/2 200"));
    privet.until("written", || {
        let done = records(privet, "disclosure.done");
        done.len() == 31 && done.iter().all(|record| record["body"]["queued"].is_null())
    });
}

#[test]
fn affected_people_are_the_truth_exactly() {
    let (application, more) =
        (Application::start("127.0.0.1:0".parse().expect("an address")).expect("started"), more());
    let privet = office(&application, &more);
    let dir = privet.dir.path();
    let customers = customers(&application, dir);
    leak(&privet);
    refuses(
        dir,
        &format!("incident open kim@example.com_saw_pages --as one{HERE}"),
        2,
        "personal data is in the title",
    );
    refuses(dir, &format!("incident open pages --as ann{HERE}"), 1, "only a privacy officer");
    refuses(dir, &format!("incident open pages --person mallory{HERE}"), 2, "who orders this");
    // It has opened by itself, about this person and all that they have seen.
    privet.until("a case", || json(dir, &format!("incident show 1 --json{HERE}"))["number"] == 1);
    let case = json(dir, &format!("incident show 1 --json{HERE}"));
    assert!(case["by"]["rule"].is_string() && case["scope"]["persons"][0]["subject"] == "mallory", "{case}");
    refuses(dir, &format!("incident affected 7{HERE}"), 1, "no such case");

    let found = json(dir, &format!("incident affected 1 --json --as one{HERE}"));
    assert_eq!((&found["confirmed"], &found["possible"]), (&1234.into(), &30.into()), "{found}");
    let cover = &found["coverage"];
    assert_eq!((&cover["records"], &cover["whole"], &cover["empty"]), (&30.into(), &28.into(), &1.into()), "{found}");
    for nothing in ["unattributed", "unfinished", "destroyed", "locked"] {
        assert_eq!(cover[nothing], 0, "{nothing}: {found}");
    }
    let people = |name: &str| -> BTreeSet<String> {
        let all = found["people"][name].as_array().expect("a list");
        all.iter().map(|one| one.as_str().expect("text").to_owned()).collect()
    };
    assert_eq!((people("confirmed").len(), people("possible").len()), (1234, 30));
    assert!(people("confirmed").is_disjoint(&people("possible")));

    // The controller's own list says who they are.
    let said = does(
        dir,
        &format!("incident affected 1 --match customers.csv --column id --address email -o notify.csv{HERE}"),
    );
    assert!(said.contains("of 5000 rows 1234 are of people who are confirmed and 30"), "{said}");
    assert!(said.contains("in no row: 0 confirmed, 0 possible"), "{said}");
    let rows = fs::read_to_string(dir.join("notify.csv")).expect("rows");
    let mut lines = rows.lines();
    assert_eq!(lines.next(), Some("address,subject,certainty"));
    let (mut confirmed, mut possible) = (BTreeSet::new(), BTreeSet::new());
    for line in lines {
        let [address, subject, certainty] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let id = customers[address];
        let fresh = if certainty == "confirmed" { confirmed.insert(id) } else { possible.insert(id) };
        assert!(fresh && people(certainty).contains(subject), "{line}");
    }
    assert_eq!(confirmed, (1..=1234).collect(), "those and nobody else");
    assert_eq!(possible, (1235..=1264).collect());
    assert_eq!(fs::metadata(dir.join("notify.csv")).expect("a file").permissions().mode() & 0o777, 0o600);
    let again = format!("incident affected 1 --match customers.csv --column id -o notify.csv{HERE}");
    refuses(dir, &again, 3, "notify.csv can't be made");
    let wrong = format!("incident affected 1 --match customers.csv --column nothing{HERE}");
    refuses(dir, &wrong, 2, "the first line has: id, name, email");
    let whole = does(dir, &format!("incident affected 1 --match customers.csv --column id:id{HERE}"));
    assert!(whole.contains("id,name,email,phone,rrn,address,card,marketing_consent,subject,certainty\n"), "{whole}");
    // Nothing of it is kept.
    for file in ["log", "out"] {
        let text = fs::read_to_string(dir.join(file)).expect("a log");
        assert!(!customers.keys().take(50).any(|address| text.contains(address.as_str())), "{file}");
    }

    // What was counted decides what is asked for.
    does(dir, &format!("incident confirm 1 --reason seen_in_the_records --as one{HERE}"));
    let case = json(dir, &format!("incident show 1 --json{HERE}"));
    let report =
        case["clocks"].as_array().expect("clocks").iter().find(|clock| clock["duty"] == "report").expect("one");
    assert_eq!((&report["applies"], &report["law"]), (&"yes".into(), &"kr-pipa".into()), "{report}");
    assert!(report["why"].as_str().expect("why").starts_with("1234 people, 30 more possible"), "{report}");
    assert!(case["facts"]["types"].as_array().expect("types").contains(&"KR_RRN".into()), "{case}");
    let left = report["left_seconds"].as_i64().expect("seconds");
    assert!((71 * 3600..=72 * 3600).contains(&left), "{left}");
    assert!(does(dir, &format!("incident show 1{HERE}")).contains("suspected: mallory"));
    // Whoever it was sees nothing more.
    assert!(Browser(&privet, "mallory").get("/customers/1").starts_with("HTTP/2 200"));
    does(dir, &format!("incident remedy 1 suspend mallory --reason seen_in_the_records --as one{HERE}"));
    assert!(!Browser(&privet, "mallory").get("/customers/1").starts_with("HTTP/2 200"));
    // A day alone, or a route, is less.
    does(dir, &format!("incident open one_route --person mallory --route */file --as one{HERE}"));
    let file = json(dir, &format!("incident affected 2 --json{HERE}"));
    assert_eq!((&file["confirmed"], &file["possible"]), (&80.into(), &30.into()), "{file}");
    does(dir, &format!("incident open earlier --until 2026-01-01 --as one{HERE}"));
    assert_eq!(json(dir, &format!("incident affected 3 --json{HERE}"))["coverage"]["records"], 0);
}

#[test]
fn officers_decide_in_their_own_name_with_a_gateway_and_without() {
    let (application, more) =
        (Application::start("127.0.0.1:0".parse().expect("an address")).expect("started"), more());
    let privet = office(&application, &more);
    let dir = privet.dir.path();
    // Known 71 hours ago: an hour is left, and is told of once.
    let known = time::OffsetDateTime::now_utc() - time::Duration::hours(71);
    let known = known.format(&time::format_description::well_known::Rfc3339).expect("a time");
    does(dir, &format!("incident open mail_to_the_wrong_list --known-at {known} --person two --as one{HERE}"));
    refuses(dir, &format!("incident confirm 1 --as two{HERE}"), 1, "whoever is suspected");
    privet.until("told", || records(&privet, "incident.warned").len() == 3);
    let warned = records(&privet, "incident.warned");
    let duties: BTreeSet<&str> =
        warned.iter().map(|record| record["body"]["warning"]["duty"].as_str().expect("a duty")).collect();
    assert_eq!(duties, ["notice", "possible_notice", "report"].into());
    assert!(warned.iter().all(|record| record["body"]["warning"]["level"] == "hour"), "{warned:?}");
    assert_eq!(privet.metric("privet_incidents{status=\"possible\"}"), 1);
    let left = privet.metric("privet_incident_deadline_seconds{law=\"kr-pipa\",duty=\"notice\"}");
    assert!((1..=3600).contains(&left), "{left}");
    let listed = does(dir, &format!("incident list{HERE}"));
    assert!(listed.contains("1\tpossible") && listed.contains(" min left"), "{listed}");

    does(dir, &format!("incident confirm 1 --as one{HERE}"));
    refuses(dir, &format!("incident close 1 --as one{HERE}"), 1, "2 duties of the law");
    refuses(dir, &format!("incident report-done 1 --law gdpr --as one{HERE}"), 1, "no law of this configuration");
    does(dir, &format!("incident report-done 1 --law kr-pipa --reference 2026-17 --as one{HERE}"));
    does(dir, &format!("incident delay 1 --duty notice --reason addresses_are_looked_for --as one{HERE}"));
    let before = json(dir, &format!("incident show 1 --json{HERE}"));

    // The same from the journal, where no gateway runs, and by the same code.
    privet.signal("-TERM");
    privet.until("ended", || UnixStream::connect(dir.join("data/control.sock")).is_err());
    let after = json(dir, &format!("incident show 1 --json{HERE}"));
    let of = |case: &Value| {
        let mut case = case.clone();
        for name in ["clocks", "now", "unread"] {
            case.as_object_mut().expect("an object").remove(name);
        }
        case
    };
    assert_eq!(of(&before), of(&after));
    refuses(dir, &format!("incident note 1 x --as two{HERE}"), 1, "whoever is suspected");
    does(
        dir,
        &format!("incident note 1 it_was_a_drill --external-intrusion false --risk none --acquit two --as one{HERE}"),
    );
    does(dir, &format!("incident report-done 1 --law kr-pipa --duty notice --not-due --reason a_drill --as two{HERE}"));
    does(dir, &format!("incident close 1 --as two{HERE}"));
    refuses(dir, &format!("incident clear 1 --reason x --as two{HERE}"), 1, "the case is closed");
    let privet = privet.restarted();
    let dir = privet.dir.path();
    let text = does(dir, &format!("incident show 1{HERE}"));
    for said in
        ["closed", "external intrusion: false", "done ", ": 2026-17", "not asked for", "late\t", "it was a drill"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(privet.metric("privet_incidents{status=\"closed\"}"), 1);
    assert!(!privet.metrics().contains("privet_incident_deadline_seconds{"));
    let unread = privet.metric("privet_incident_unread_records");
    assert_eq!(unread, 0);
}

#[test]
fn clocks_run_on_the_clock_of_records() {
    let privet = Privet::demo_with(&["--now", "2026-09-12T00:00:00Z", "--data", "data"]);
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two"] {
        let add = format!("echo '{PASSWORD}' | \"$0\" staff add {name} --password-stdin");
        let added = Command::new("sh").args(["-c", &add]).arg(binary()).current_dir(dir).status().expect("runs");
        assert!(added.success());
    }
    does(dir, "staff init one two");
    does(dir, "incident open new_law --as one");
    does(dir, "incident open old_law --known-at 2026-09-10T23:00:00Z --as one");
    let duties = |number: u64| {
        let case = json(dir, &format!("incident show {number} --json"));
        let clocks = case["clocks"].as_array().expect("clocks").clone();
        clocks.iter().map(|clock| clock["duty"].as_str().expect("a duty").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(duties(1), ["possible_notice", "notice", "report"]);
    assert_eq!(duties(2), ["notice", "report"], "the law of the day on which it was known");
    let case = json(dir, "incident show 1 --json");
    assert!(case["opened"].as_str().expect("a time").starts_with("2026-09-12T00:"), "{case}");
    assert!(case["clocks"][0]["due"].as_str().expect("a time").starts_with("2026-09-15T00:"), "{case}");
}

/// Asks on one HTTP/2 connection with windows of 1,000 bytes that are never made larger, and ends without a word.
const STREAMS: &str = r#"
import socket, ssl, sys, h2.connection, h2.config, h2.events, h2.settings
port, ca = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca)
context.set_alpn_protocols(["h2"])
sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
h2c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
h2c.local_settings = h2.settings.Settings(client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1000})
h2c.initiate_connection()
sock.sendall(h2c.data_to_send())
ended, data = set(), {}
def ask(stream, first, last):
    h2c.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
        (":path", f"/open/list?from={first}&to={last}")], end_stream=True)
    sock.sendall(h2c.data_to_send())
def until(done):
    while not done():
        got = sock.recv(65536)
        assert got, "closed"
        for event in h2c.receive_data(got):
            if isinstance(event, h2.events.DataReceived):
                data[event.stream_id] = data.get(event.stream_id, 0) + len(event.data)
            elif isinstance(event, h2.events.StreamEnded):
                ended.add(event.stream_id)
        sock.sendall(h2c.data_to_send())
ask(1, 1, 400)
until(lambda: data.get(1, 0) >= 1000)
ask(3, 2001, 2003)
until(lambda: 3 in ended)
ask(5, 3001, 3400)
until(lambda: data.get(5, 0) >= 1000)
h2c.reset_stream(5)
sock.sendall(h2c.data_to_send())
ask(7, 2011, 2013)
until(lambda: 7 in ended)
sock.close()
"#;

#[test]
fn on_one_connection_some_answers_arrive_and_others_do_not() {
    let (application, more) =
        (Application::start("127.0.0.1:0".parse().expect("an address")).expect("started"), more());
    let privet = office(&application, &more);
    let dir = privet.dir.path();
    script(&privet, STREAMS);
    privet.until("written", || records(&privet, "disclosure.done").len() == 4);
    does(dir, &format!("incident open lists --route */open --as one{HERE}"));
    let mut list = String::from("id\n");
    (1..=5000).for_each(|id| list += &format!("{id}\n"));
    fs::write(dir.join("ids.csv"), list).expect("written");
    let rows = does(dir, &format!("incident affected 1 --match ids.csv --column id -o out.csv{HERE}"));
    let text = fs::read_to_string(dir.join("out.csv")).expect("rows");
    let ids = |certainty: &str| -> BTreeSet<usize> {
        let of = text.lines().filter(|line| line.ends_with(certainty));
        of.map(|line| line.split(',').next().expect("a cell").parse().expect("an id")).collect()
    };
    assert_eq!(ids("confirmed"), (2001..=2003).chain(2011..=2013).collect(), "{rows}");
    assert!(!ids("possible").is_empty(), "{rows}");
    assert!(ids("possible").iter().all(|id| (1..=400).contains(id) || (3001..=3400).contains(id)), "{rows}");
    // What is asked in cleartext is asked of nobody.
    assert!(
        ask_plain(privet.admin, "GET /v1/incidents HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").contains("404")
    );
}
