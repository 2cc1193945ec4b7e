//! The console over a journal and findings of a size that years bring: what a page costs is counted, in bytes and records, and not timed.

use std::{fs, path::Path, time::Duration};

use privet::{
    journal::{Journal, Kind, Record, Settings},
    seal::Ring,
};

use crate::{
    gate::{PASSWORD, add},
    oidc::Curl,
    registry::{does, password},
    support::{Origin, Privet, free_port},
};

const HERE: &str = " --config privet.toml";
/// Rows of a page of a list.
const ROWS: usize = 50;
/// Bytes that a page may have, however much there is behind it.
const PAGE: usize = 100_000;
/// Bytes of a page's reading that are no records: files of the process itself, answers to others.
const AROUND: u64 = 2_000_000;

/// An officer's browser at the console, and what the gateway does for it.
struct Desk {
    privet: Privet,
    console: u16,
    browser: Curl,
}

/// A page, and what it has cost.
struct Seen {
    body: String,
    /// Bytes that the gateway has read from anywhere meanwhile.
    read: u64,
}

impl Desk {
    fn at(privet: Privet, console: u16) -> Self {
        let browser = Curl::of(&privet, "officer");
        let desk = Self { privet, console, browser };
        let page = desk.browser.ask(&desk.url("/.privet/sign-in"), &[]);
        let token = page.0.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let fields = format!("form={}&username=one&password={}", token.expect("a token"), PASSWORD.replace(' ', "+"));
        let answer = desk.browser.ask(&desk.url("/.privet/sign-in"), &["--data", &fields]);
        assert_eq!(answer.status(), "303", "{}", answer.0);
        // What a gateway reads by itself after its start, of what has happened before, is no page's doing.
        let mut before = desk.read();
        desk.privet.until("at rest", || {
            std::thread::sleep(Duration::from_millis(500));
            let now = desk.read();
            let quiet = now - before < 100_000;
            before = now;
            quiet
        });
        desk
    }

    fn url(&self, target: &str) -> String {
        format!("https://127.0.0.1:{}{target}", self.console)
    }

    fn see(&self, target: &str) -> Seen {
        let before = self.read();
        let answer = self.browser.ask(&self.url(target), &["--max-time", "600"]);
        let read = self.read() - before;
        assert_eq!(answer.status(), "200", "{target}: {}", answer.0);
        let body = answer.0.split_once("\r\n\r\n").expect("a head").1.to_owned();
        println!("{target}: {} bytes, {} rows, {read} bytes were read", body.len(), rows(&body));
        Seen { body, read }
    }

    /// A page of HTML, which is small, and no reading to speak of.
    fn page(&self, target: &str) -> String {
        let seen = self.see(target);
        assert!(seen.body.len() < PAGE, "{target}: {} bytes", seen.body.len());
        assert!(seen.read < AROUND, "{target}: {} bytes were read", seen.read);
        seen.body
    }

    /// Bytes that the gateway has read so far, by every call that reads.
    fn read(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/io", self.privet.child.id())).expect("a process");
        let line = text.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("a count");
        line.trim().parse().expect("a number")
    }
}

fn rows(page: &str) -> usize {
    page.matches("<th scope=\"row\"").count()
}

/// What stands in a link to older records.
fn older(page: &str) -> Option<u64> {
    let turn = page.rsplit("<nav class=\"turn\"").next()?;
    let link = turn.rsplit("before=").next().filter(|_| turn.contains("before="))?;
    link.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// So many disclosures, behind what a gateway has written that is not there at this time: one of 10,000 is by somebody else than all others.
fn write(dir: &Path, count: u64) {
    let settings = Settings::new(dir.join("data/journal"));
    let open = || Journal::open(&settings, Ring::load(&dir.join("data/seal.key")).expect("keys"));
    // It is held until the process has gone.
    let mut tries = 0..600;
    let journal = loop {
        match open() {
            Ok(journal) => break journal,
            Err(error) => assert!(tries.next().is_some(), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    for number in 0..count {
        let person = if number % 10_000 == 7 { "rare" } else { "ann" };
        let fields = [
            ("person", person.into()),
            ("issuer", "staff".into()),
            ("roles", vec!["marketing"].into()),
            ("address", "192.0.2.7".into()),
            ("route", "shop".into()),
            ("action", "view".into()),
            ("purpose", "newsletter".into()),
            ("people", 2_u64.into()),
            ("subjects", vec!["AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB"].into()),
            ("shown", serde_json::json!({ "EMAIL_ADDRESS": 2, "PERSON": 2 })),
            ("complete", true.into()),
        ];
        journal.note(&Record::new(Kind::DisclosureDone, fields));
        // The queue holds twice as many, and drops what finds no room.
        while number % 1024 == 0 && journal.waiting() > 4096 {
            std::thread::yield_now();
        }
    }
    assert!(journal.end(Duration::from_secs(600)), "all is on the disk");
}

fn pages_over(count: u64) {
    let console = free_port();
    let privet = Privet::with_listen(
        &format!("console = \"127.0.0.1:{console}\""),
        "[[route]]\nupstream = \"http://127.0.0.1:9\"\ngate = \"staff\"\n",
    );
    let dir = privet.dir.path().to_owned();
    password(&dir);
    for name in ["one", "two"] {
        add(&privet, name, &[]);
    }
    does(&dir, &format!("staff init one two{HERE}"));
    privet.signal("-TERM");
    privet.until("ended", || std::os::unix::net::UnixStream::connect(dir.join("data/control.sock")).is_err());
    write(&dir, count);
    let files = fs::read_dir(dir.join("data/journal")).expect("a folder").flatten();
    let sizes = files.filter(|file| file.file_name().to_string_lossy().ends_with(".journal"));
    let sizes: Vec<u64> = sizes.map(|file| file.metadata().expect("a file").len()).collect();
    let (all, largest) = (sizes.iter().sum::<u64>(), sizes.iter().copied().max().expect("a file"));
    println!("{count} records: {all} bytes in {} files", sizes.len());
    let desk = Desk::at(privet.restarted(), console);
    let before = desk.privet.peak();

    // What does not look into the journal reads none of it.
    for path in [
        "/",
        "/people",
        "/people/grants",
        "/people/handovers",
        "/people/reviews",
        "/people/due",
        "/incidents",
        "/state",
    ] {
        desk.page(path);
    }
    // The newest are in the last files.
    let newest = desk.see("/disclosures");
    assert!(rows(&newest.body) == ROWS && newest.body.len() < PAGE, "{} bytes", newest.body.len());
    assert!(newest.read < 2 * largest + AROUND, "{} of {all} bytes", newest.read);
    let last = older(&newest.body).expect("there are older ones");
    // So are those of any place.
    let middle = desk.see(&format!("/disclosures?before={}", count / 2));
    assert!(rows(&middle.body) == ROWS && middle.read < 2 * largest + AROUND, "{} of {all} bytes", middle.read);
    assert_eq!(older(&middle.body), Some(count / 2 - ROWS as u64), "no more are opened than are shown");
    // Nobody of this name: a page opens 50,000 and says so, and the next one goes on from there.
    let nobody = desk.see("/disclosures?person=nobody");
    let stopped = older(&nobody.body).expect("it has stopped");
    assert!(rows(&nobody.body) == 0 && nobody.body.contains("Looked back to"), "{}", nobody.body);
    assert!((50_000 - 200..=50_000 + 200).contains(&(last + ROWS as u64 - stopped)), "{last} {stopped}");
    let next = desk.see(&format!("/disclosures?person=nobody&before={stopped}"));
    let further = older(&next.body);
    assert!(further.is_none_or(|further| stopped - further == 50_000), "{stopped} {further:?}");
    assert_eq!(further.is_none(), stopped <= 50_000, "all was looked at, or there is more");
    // A record alone costs its file, and nothing before it.
    let one = desk.see(&format!("/disclosures?record={}", count / 3));
    assert!(rows(&one.body) == 1 && one.read < largest + AROUND, "{}", one.body);
    // An export ends where its bounds are.
    let csv = desk.see("/disclosures?format=csv");
    assert_eq!(csv.body.lines().count(), 10_001);
    let rare = desk.see("/disclosures?person=rare&format=jsonl");
    let expected = usize::try_from(count.min(500_000) / 10_000).expect("a number");
    assert!(rare.body.lines().count().abs_diff(expected) <= 1, "{}", rare.body);
    assert!(!csv.body.contains("AAAAAAAAAAAAAAAAAAAAAA"), "nobody's pseudonym is taken along");
    // A file of the journal at a time is what memory holds.
    let grown = (desk.privet.peak() - before) * 1024;
    println!("the gateway has grown by {grown} bytes");
    assert!(grown < 2 * largest.min(all) + (128 << 20), "{grown}");
}

#[test]
fn pages_over_a_long_journal_cost_what_those_over_a_short_one_do() {
    pages_over(60_000);
}

#[test]
#[ignore = "writes a million records; run it by name when the journal or a page that reads it changes"]
fn pages_over_a_million_records_cost_what_those_over_a_short_journal_do() {
    pages_over(1_000_000);
}

/// An application with as many faults as an answer can have.
fn application() -> Origin {
    Origin::start_with(|_, _| {
        let body = "<html><head><title>Index of /</title><script src=http://other.example/a.js></script></head>\
                    <body><form action=http://other.example/><input type=password name=p></form>\
                    <a href=\"/x?sessionid=0123456789abcdef\">x</a> 10.1.2.3 \
                    <pre>Traceback (most recent call last):\n  File \"a.py\", line 1</pre></body></html>";
        Some(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: Apache/2.4.1\r\nX-Powered-By: PHP/5.1\r\nSet-Cookie: sid=1\r\n\
             Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    })
}

/// As many findings as rules make of answers of so many routes; the watch takes a small share of the processor, so that many take a while.
fn findings_of(routes: usize) {
    let application = application();
    let console = free_port();
    let table = |number| application.route(&format!("path = \"/r{number}\"\nwatch = true\n"));
    let routes_text: String = (0..routes).map(table).collect();
    let privet = Privet::with_listen(&format!("console = \"127.0.0.1:{console}\""), &routes_text);
    password(privet.dir.path());
    for name in ["one", "two"] {
        add(&privet, name, &[]);
    }
    does(privet.dir.path(), &format!("staff init one two{HERE}"));
    let desk = Desk::at(privet, console);
    let looked = || desk.privet.metric("privet_scan_answers_total{outcome=\"looked\"}");
    for number in 0..routes {
        desk.privet.get(&format!("/r{number}/a"), "");
        // Few may wait, or some are passed over.
        desk.privet.until("looked at", || looked() + 20 > number as u64);
    }
    desk.privet.until("all were looked at", || looked() == routes as u64);
    let count = |page: &str| -> usize {
        let said = page.split("<p role=\"status\">").nth(1).and_then(|rest| rest.split([' ', '<']).next());
        said.and_then(|said| said.parse().ok()).unwrap_or_else(|| panic!("no count: {page}"))
    };
    let all = count(&desk.page("/findings"));
    println!("{all} findings of {routes} routes");
    assert!(all >= routes * 15 && all.is_multiple_of(routes), "each route has the same: {all}");
    // A page has 50 rows, whichever it is, and whatever it is sorted by.
    for query in ["", "?page=2", "?sort=-route", "?sort=title&page=7", "?sort=severity", "?q=cookie"] {
        assert_eq!(rows(&desk.page(&format!("/findings{query}"))), ROWS, "{query}");
    }
    let last = desk.page(&format!("/findings?page={}", all.div_ceil(ROWS)));
    assert_eq!(rows(&last), (all - 1) % ROWS + 1);
    assert_eq!(rows(&desk.page("/findings?page=999999")), rows(&last), "beyond the last is the last");
    let of_one = desk.page(&format!("/findings?q=r{}", routes - 1));
    assert_eq!(count(&of_one), all / routes, "the findings of one route");
    assert_eq!(rows(&desk.page("/findings?q=nothing+of+this+name")), 0);
    // All of them are taken along, and no more than are asked for.
    let csv = desk.see("/findings?format=csv").body;
    assert_eq!(csv.lines().count(), all + 1);
    assert!(csv.starts_with("\u{feff}severity,title,route,"), "{}", &csv[..60]);
    let some = desk.see(&format!("/findings?q=r{}&format=csv", routes - 1)).body;
    assert_eq!(some.lines().count(), all / routes + 1);
}

#[test]
fn many_findings_are_searched_sorted_turned_and_taken_along() {
    findings_of(60);
}

#[test]
#[ignore = "lets rules look at the answers of 670 routes, which takes minutes; run it by name when lists or the watch change"]
fn ten_thousand_findings_are_searched_sorted_turned_and_taken_along() {
    findings_of(670);
}
