//! Canaries: invented people in lists, each reader their own, and whoever is found with one.

use serde_json::{Value, json};

use crate::{
    disclosure::records,
    gate::{Browser, PASSWORD},
    registry::{does, founded, json as said, refuses},
    support::{Origin, Privet},
};

const HERE: &str = " --config privet.toml";

/// Lists of 20 customers, as JSON, CSV and on a page; nobody else exists.
fn application() -> Origin {
    Origin::start_with(|request, _| {
        let target = request.split(' ').nth(1).unwrap_or_default();
        let (status, kind, body) = if target.starts_with("/customers/") {
            ("404 Not Found", "text/plain", "nobody".to_owned())
        } else if target.starts_with("/api/export.csv") {
            let rows: String = (1..=20)
                .map(|id| format!("{id},Kim Minsu,kim{id}@example.com,010-2345-{:04}\r\n", 1000 + id))
                .collect();
            ("200 OK", "text/csv", format!("id,name,email,phone\r\n{rows}"))
        } else if target.starts_with("/desk/") {
            let row = |id: usize| {
                format!(
                    "<tr class=\"{}\"><td><input type=checkbox name=ids value={id}><a href=\"/customers/{id}\">{id}</a><td>김민수\
                     <td><a href=\"mailto:kim{id}@example.com\">kim{id}@example.com</a><td>010-2345-{:04}<td>gold</tr>\n",
                    ["odd", "even"][id % 2],
                    1000 + id
                )
            };
            let rows: String = (1..=20).map(row).collect();
            let page = format!(
                "<!DOCTYPE html><meta charset=utf-8><p>1&ndash;20 of 134<table><tr><th>ID<th>이름<th>E-mail<th>Phone<th>Level</tr>\n{rows}</table>"
            );
            ("200 OK", "text/html; charset=utf-8", page)
        } else {
            let row =
                |id| json!({ "id": id, "name": "Kim Minsu", "email": format!("kim{id}@example.com"), "level": "gold" });
            ("200 OK", "application/json", json!({ "customers": (1..=20).map(row).collect::<Vec<_>>() }).to_string())
        };
        Some(format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nETag: \"one\"\r\nCache-Control: public\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    })
}

fn office(application: &Origin) -> Privet {
    let url = application.url();
    let gate = format!("upstream = \"{url}\"\ngate = \"staff\"\nrecord = true\ndownload = \"plain\"\n");
    let privet = Privet::with(&format!(
        "[[route]]\npath = \"/api\"\n{gate}subject = [\"json:/customers/*/id\", \"csv:id\"]\n\
         [route.canary]\nmail = \"crm.example\"\nids = \"9000000-9999999\"\nphone = \"010-0###-####\"\n\
         [[route]]\npath = \"/desk\"\n{gate}subject = \"html:column:ID\"\n\
         [route.canary]\nmail = \"crm.example\"\nids = \"9000000-9999999\"\nphone = \"010-0###-####\"\n\
         [[route]]\npath = \"/customers\"\n{gate}subject = \"path:2\"\n\
         [[route]]\npath = \"/open\"\nupstream = \"{url}\"\nrecord = true\nsubject = \"json:/none/*/id\"\n"
    ));
    founded(&privet, &["ann", "bob"]);
    privet
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body: {answer}")).1
}

fn header(answer: &str, name: &str) -> String {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
    line.unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned()
}

/// The one who is none of the 20.
fn canary(answer: &str) -> Value {
    let list: Value = serde_json::from_str(body(answer)).expect("JSON");
    let all = list["customers"].as_array().expect("a list");
    assert_eq!(all.len(), 21, "{answer}");
    let mut invented = all.iter().filter(|one| one["id"].as_u64().is_none_or(|id| id > 20));
    let canary = invented.next().expect("one more").clone();
    assert!(invented.next().is_none() && canary["level"] == "gold" && canary["name"] != "Kim Minsu", "{canary}");
    canary
}

#[test]
fn a_list_that_has_left_says_whose_it_was() {
    let application = application();
    let privet = office(&application);
    let dir = privet.dir.path();
    let (ann, bob) = (Browser(&privet, "ann"), Browser(&privet, "bob"));
    ann.sign_in("ann", PASSWORD);
    bob.sign_in("bob", PASSWORD);
    let [of_ann, again, of_bob] = [ann.get("/api/list"), ann.get("/api/list?page=2"), bob.get("/api/list")];
    let (own, other) = (canary(&of_ann), canary(&of_bob));
    assert_eq!(own, canary(&again), "the same at each look");
    assert!(own["id"] != other["id"] && own["email"] != other["email"], "{own} {other}");
    assert_eq!(header(&of_ann, "etag"), header(&again, "etag"));
    assert_ne!(header(&of_ann, "etag"), header(&of_bob, "etag"));
    assert!(header(&of_ann, "cache-control").contains("private, no-store"));
    let file = ann.get("/api/export.csv");
    assert_eq!(body(&file).lines().count(), 22);
    privet.until("written", || records(&privet, "disclosure.done").len() == 4);
    for record in records(&privet, "disclosure.done") {
        let of = &record["body"];
        let subjects = of["subjects"].as_array().expect("subjects").len();
        assert_eq!((of["people"].as_u64(), subjects, of["canaries"].as_u64()), (Some(20), 20, Some(1)), "{of}");
        assert_eq!((&of["unattributed"], &of["shown"]["EMAIL_ADDRESS"]), (&0.into(), &20.into()), "{of}");
    }

    // Ann is curious, and so is Bob, who can't know whom he asks for but from her.
    let (id, mail) = (own["id"].to_string(), own["email"].as_str().expect("an address"));
    assert!(ann.get(&format!("/customers/{id}")).starts_with("HTTP/2 404"));
    assert!(bob.get(&format!("/customers/{id}")).starts_with("HTTP/2 404"));
    let case = || said(dir, &format!("incident show 1 --json{HERE}"));
    let cases = || said(dir, &format!("incident list --json{HERE}"))["cases"].as_array().map_or(0, Vec::len);
    privet.until("a case", || cases() == 1);
    let opened = case();
    assert_eq!(
        (&opened["by"]["rule"], opened["signs"].as_array().map(Vec::len)),
        (&"canary".into(), Some(1)),
        "{opened}"
    );
    assert!(opened["title"].as_str().is_some_and(|title| title.contains("the list of ann on */api")), "{opened}");
    let sign = &opened["signs"][0];
    assert_eq!((&sign["severity"], &sign["person"]["subject"]), (&"high".into(), &"bob".into()), "{sign}");
    assert_eq!(sign["planted"], json!([{ "person": { "issuer": "staff", "subject": "ann" }, "route": "*/api" }]));
    let text = does(dir, &format!("incident show 1{HERE}"));
    assert!(text.contains("suspected: bob, ann") && text.contains("planted into the list of ann on */api"), "{text}");
    // Somebody outside has an address of Bob's list.
    let address = other["email"].as_str().expect("an address").replace('@', "%40");
    assert!(privet.get(&format!("/open/find?email={address}"), "").starts_with("HTTP/1.1 200"));
    privet.until("another sign", || case()["signs"].as_array().is_some_and(|signs| signs.len() == 2));
    assert_eq!(case()["signs"][1]["planted"][0]["person"]["subject"], "bob");

    // What was found outside.
    refuses(dir, &format!("incident canary {id}{HERE}"), 2, "--as NAME");
    refuses(dir, &format!("incident canary {id} --as ann{HERE}"), 1, "only a privacy officer");
    let told = does(dir, &format!("incident canary 17 {id} {mail} --as one{HERE}"));
    assert!(told.contains("planted into the list of ann on */api: 1 id, 1 mail; last shown 2"), "{told}");
    assert!(!told.contains("bob"), "{told}");
    std::fs::write(dir.join("dump.csv"), body(&file)).expect("written");
    let told = said(dir, &format!("incident canary --file dump.csv --json --as one{HERE}"));
    assert_eq!(told["canaries"].as_array().map(Vec::len), Some(1), "{told}");
    let (by, person) = (&told["canaries"][0]["found"], &told["canaries"][0]["person"]["subject"]);
    assert_eq!((by, person), (&json!({ "id": 1, "mail": 1, "phone": 1 }), &"ann".into()), "{told}");
    assert!(does(dir, &format!("incident canary 17 --as two{HERE}")).contains("none of 1 values"));
    let traced = records(&privet, "incident.traced");
    let by: Vec<&Value> = traced.iter().map(|record| &record["body"]["by"]["subject"]).collect();
    assert_eq!(by, ["one", "one", "two"]);
    assert_eq!(traced[0]["body"]["holders"][0]["person"]["subject"], "ann");
    // Its address stands in no record and no log.
    let text = format!("{}{}{traced:?}", privet.log(), privet.out());
    assert!(!text.contains(mail) && !text.contains(&address.replace("%40", "@")) && !text.contains(&address));
}

/// The row of the one who is none of the 20.
fn planted_row(page: &str) -> String {
    assert_eq!(page.matches("<tr class=").count(), 21, "{page}");
    let mut rows = page.lines().filter(|line| line.starts_with("<tr class=") && line.contains("@crm.example"));
    let row = rows.next().unwrap_or_else(|| panic!("nobody is planted: {page}")).to_owned();
    assert!(rows.next().is_none(), "{page}");
    row
}

#[test]
fn a_page_that_has_left_says_whose_it_was() {
    let application = application();
    let privet = office(&application);
    let dir = privet.dir.path();
    let (ann, bob) = (Browser(&privet, "ann"), Browser(&privet, "bob"));
    ann.sign_in("ann", PASSWORD);
    bob.sign_in("bob", PASSWORD);
    let [of_ann, again, of_bob] = [ann.get("/desk/list"), ann.get("/desk/list?page=2"), bob.get("/desk/list")];
    let row = planted_row(&of_ann);
    assert_eq!(row, planted_row(&again), "the same at each look");
    assert_ne!(row, planted_row(&of_bob));
    let id: String = row.split("value=\"").nth(1).expect("an id").chars().take_while(char::is_ascii_digit).collect();
    assert!(id.len() == 7 && row.matches(&id).count() == 3 && row.contains("<td>gold</tr>"), "{row}");
    assert!(!row.contains("김민수") && !row.contains("kim") && row.contains("<td>010-0"), "{row}");
    assert!(of_ann.contains("of 134") && header(&of_ann, "cache-control").contains("private, no-store"));
    privet.until("written", || records(&privet, "disclosure.done").len() == 3);
    for record in records(&privet, "disclosure.done") {
        let of = &record["body"];
        assert_eq!((of["people"].as_u64(), of["canaries"].as_u64()), (Some(20), Some(1)), "{of}");
        assert_eq!((&of["unattributed"], &of["shown"]["EMAIL_ADDRESS"]), (&0.into(), &40.into()), "{of}");
    }
    // Somebody else follows its link, and the page is found outside.
    assert!(bob.get(&format!("/customers/{id}")).starts_with("HTTP/2 404"));
    let cases = || said(dir, &format!("incident list --json{HERE}"))["cases"].as_array().map_or(0, Vec::len);
    privet.until("a case", || cases() == 1);
    let text = does(dir, &format!("incident show 1{HERE}"));
    assert!(text.contains("suspected: bob, ann") && text.contains("planted into the list of ann on */desk"), "{text}");
    std::fs::write(dir.join("saved.html"), body(&of_ann)).expect("written");
    let told = said(dir, &format!("incident canary --file saved.html --json --as one{HERE}"));
    let holders = told["canaries"].as_array().expect("holders");
    assert_eq!((holders.len(), &holders[0]["person"]["subject"]), (1, &"ann".into()), "{told}");
    assert_eq!(holders[0]["found"], json!({ "id": 3, "mail": 2, "phone": 1 }), "{told}");
}
