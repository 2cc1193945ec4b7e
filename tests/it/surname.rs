//! Whether whoever opens a record has its surname: told while both names are at hand, and written down without either.

use std::fs;

use serde_json::Value;

use crate::{
    disclosure::{HERE, ask, pledge, records},
    gate::{Browser, PASSWORD, add},
    registry::{does, password},
    support::{Origin, Privet},
};

const NAMES: [&str; 5] = ["제갈 영희", "Zhuge Liang", "김철수", "제갈민수", "JEGAL Min"];

/// An application whose pages greet whoever has signed in.
fn application() -> Origin {
    Origin::start_with(|request, _| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let one = |id: usize| format!("{{\"id\":{id},\"name\":\"{}\"}}", NAMES[id % NAMES.len()]);
        let people = match path.strip_prefix("/people/").and_then(|id| id.parse().ok()) {
            Some(id) => one(id),
            None => (0..5).map(one).collect::<Vec<_>>().join(","),
        };
        let body = format!("{{\"user\":{{\"name\":\"제갈공명\"}},\"people\":[{people}]}}");
        Some(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    })
}

#[test]
fn a_surname_is_compared_and_no_name_is_written_down() {
    let application = application();
    let route = application.route("gate = \"staff\"\nmask = \"policy\"\nsubject = [\"json:/people/*/id\"]\n");
    let privet = Privet::with(&format!("{route}[[incident.staff]]\nperson = \"carl\"\nname = \"제갈공명\"\n"));
    let dir = privet.dir.path();
    password(dir);
    for name in ["one", "two", "carl", "eve"] {
        add(&privet, name, &[]);
    }
    does(dir, &format!("staff init one two{HERE}"));
    for name in ["carl", "eve"] {
        does(dir, &format!("staff grant {name} complaints --reason desk --as one{HERE}"));
        Browser(&privet, name).sign_in(name, PASSWORD);
        pledge(dir, name);
    }
    let open = |who: &str, path: &str| {
        let answer = ask(&privet, who, path, &["X-Privet-Purpose: complaint", "X-Privet-Ticket: A-1"]);
        assert!(answer.starts_with("HTTP/2 200"), "{answer}");
        answer
    };
    for (n, path) in ["/people/0", "/people/1", "/people/2", "/people", "/people/3", "/people/5", "/people/8"]
        .into_iter()
        .enumerate()
    {
        open("carl", path);
        privet.until("written", || records(&privet, "disclosure.done").len() == n + 1);
    }
    open("eve", "/people/0");
    privet.until("written", || records(&privet, "disclosure.done").len() == 8);
    let done = records(&privet, "disclosure.done");
    let told: Vec<&Value> = done.iter().map(|record| &record["body"]["surname"]).collect();
    let (yes, no) = (Value::from(true), Value::from(false));
    assert_eq!(
        told,
        [&yes, &no, &no, &Value::Null, &yes, &yes, &yes, &Value::Null],
        "a list, and somebody whose name nobody knows"
    );
    let share = done[0]["body"]["surname_share"].as_f64().expect("a share");
    assert!((0.5..2.0).contains(&share), "{share}");
    privet.until("told", || !does(dir, &format!("incident list{HERE}")).is_empty());
    let listed = does(dir, &format!("incident list{HERE}"));
    assert!(listed.contains("surname"), "{listed}");
    // Nobody's name is in any record, nor anywhere else on disk but in the configuration.
    let all = does(dir, &format!("audit search --json{HERE}"));
    let log = privet.log() + &privet.out() + &privet.metrics();
    for text in [&all, &log, &listed] {
        for name in ["제갈", "공명", "영희", "Zhuge", "철수", "JEGAL"] {
            assert!(!text.contains(name), "{name} is in {text}");
        }
    }
    let mut folders = vec![dir.join("data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                let found = memchr::memmem::find(&bytes, "제갈".as_bytes());
                assert!(found.is_none(), "{}", path.display());
            }
        }
    }
}
