//! Who has agreed, as applications say: by their own form, and at an address of their own.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    disclosure::{ALL, HERE, agreed, application, ask, mail, office, pledge, records},
    gate::{Browser, PASSWORD},
    registry::does,
    support::{Origin, Privet},
};

#[test]
fn consent_is_learned_from_the_applications_own_form() {
    let shop = Origin::start_with(|request, _| {
        let status = if request.contains("refuse") { "400 Bad Request" } else { "302 Found" };
        Some(format!("HTTP/1.1 {status}\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"))
    });
    let form = "[access.consent]\nform = { path = \"/account/consent\", field = \"marketing\", id = \"form:email\" }\n";
    let privet = Privet::with(&format!("{}{form}", shop.route("")));
    let post = |path: &str, body: &str| privet.curl(&["-i", "--data", body, &privet.url(path)]);
    let known = || {
        let said = does(privet.dir.path(), &format!("audit search --kind consent --json{HERE}"));
        said.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["kind"].clone()).collect::<Vec<_>>()
    };
    assert!(post("/account/consent", "email=kim%40example.com&marketing=on").starts_with("HTTP/2 302"));
    assert!(shop.seen().contains("email=kim%40example.com&marketing=on"), "the application has it as it came");
    assert_eq!(known(), ["consent.given"]);
    assert!(post("/account/consent", "email=lee%40example.com&marketing=on&refuse=1").starts_with("HTTP/2 400"));
    assert!(post("/other", "email=lee%40example.com&marketing=on").starts_with("HTTP/2 302"));
    assert!(post("/account/consent", "email=kim%40example.com").starts_with("HTTP/2 302"), "a box that is not ticked");
    assert_eq!(known(), ["consent.given", "consent.withdrawn"]);
    assert!(!(privet.log() + &privet.out()).contains("kim"));
}

#[test]
fn consent_is_what_the_application_answers_with_at_an_address_of_its_own() {
    let application = application();
    let said = Arc::new(Mutex::new("email,ads\nx@example.com,perhaps\n".to_owned()));
    let says = Arc::clone(&said);
    let endpoint = Origin::start_with(move |request, _| {
        if !request.to_lowercase().contains("\r\nauthorization: bearer hunter2\r\n") {
            return Some("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_owned());
        }
        let body = says.lock().expect("whole").clone();
        let status = if body.is_empty() { "503 Service Unavailable" } else { "200 OK" };
        Some(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    });
    let more = format!(
        "[access.consent.endpoint]\nurl = \"{}/consents\"\nid = \"id\"\nagreed = \"ads\"\nevery = \"1s\"\nauthorization = \"Bearer hunter2\"\n",
        endpoint.url()
    );
    let privet = office(&application, &more);
    let dir = privet.dir.path();
    Browser(&privet, "ann").sign_in("ann", PASSWORD);
    pledge(dir, "ann");
    let sees = |id: usize| {
        ask(&privet, "ann", "/list.json", &["X-Privet-Purpose: marketing"]).contains(&format!("\"{}\"", mail(id)))
    };
    // A column that is not there is told, once.
    privet.until("told", || privet.log().contains("does not say who has agreed"));
    let one = (1..=ALL).find(|id| agreed(*id)).expect("somebody");
    assert!(sees(one), "as the record itself says");
    let say = |text: String| *said.lock().expect("whole") = text;
    say(format!("id,ads\n{one},no\n"));
    privet.until("withdrawn", || !sees(one));
    say(format!("[{{\"id\":{one},\"ads\":true}}]"));
    privet.until("given again, in JSON", || sees(one));
    // While it is away what it said last holds; so does what somebody has said to us, whatever it has not heard of.
    say(String::new());
    privet.until("away", || privet.log().contains("it answers with 503"));
    assert!(sees(one));
    does(dir, &format!("consent withdraw {one} --as id{HERE}"));
    say(format!("id,ads\n{one},yes\n"));
    privet.until("there again", || privet.log().matches("says again who has agreed").count() == 2);
    assert!(!sees(one), "it has not heard of the withdrawal");
    say(format!("id,ads\n{one},no\n"));
    let asked = endpoint.connections();
    privet.until("heard of it", || endpoint.connections() > asked + 1);
    say(format!("id,ads\n{one},yes\n"));
    privet.until("and agreed again", || sees(one));
    let sources: Vec<Value> =
        records(&privet, "consent").iter().map(|record| record["body"]["source"].clone()).collect();
    assert_eq!(sources, ["endpoint", "endpoint", "command", "endpoint"]);
    let log = privet.log() + &privet.out();
    assert!(!log.contains("hunter2") && !log.contains("example.com"), "{log}");
    // Another configuration asks nobody.
    privet.rewrite(|text| {
        text.replace("[access.consent.endpoint]", "[ignored]").split("[ignored]").next().unwrap_or_default().to_owned()
    });
    privet.until("taken", || {
        let asked = endpoint.connections();
        thread::sleep(Duration::from_millis(2500));
        endpoint.connections() == asked
    });
}
