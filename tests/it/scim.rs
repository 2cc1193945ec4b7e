//! Identity providers that say who is here, by SCIM: in the forms that Entra ID and Okta send, and by every check of `scim2-tester`.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::{
    gate::{add, staff},
    oidc::{Case, Curl},
    registry::{does, password, refuses},
    support::{Beside, free_port, python},
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A gateway that knows Alice by her provider, with two officers, and the door for SCIM.
struct Office {
    case: Case,
    console: u16,
}

impl Office {
    fn new(subject: &str) -> Self {
        let console = free_port();
        let case = Case::with(&format!("console = \"127.0.0.1:{console}\""), |issuer| {
            format!("[[scim]]\nname = \"mock\"\nissuer = \"{issuer}\"\nsubject = \"{subject}\"\ntoken = \"{TOKEN}\"\n")
        });
        Self { case, console }
    }

    fn founded(subject: &str) -> Self {
        let office = Self::new(subject);
        password(office.case.privet.dir.path());
        for name in ["one", "two"] {
            add(&office.case.privet, name, &[]);
        }
        staff(&office.case.privet, &["init", "one", "two"], "");
        office
    }

    /// Its status, and what it says.
    fn ask_as(&self, token: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let url = format!("https://localhost:{}/scim/v2{path}", self.console);
        let bearer = format!("Authorization: Bearer {token}");
        let mut args = vec!["-X", method, "-H", &bearer, "-w", "\n%{http_code}", &url];
        if !body.is_empty() {
            args.extend(["-H", "Content-Type: application/scim+json; charset=utf-8", "--data-raw", body]);
        }
        let said = self.case.privet.curl(&args);
        let (body, status) = said.rsplit_once('\n').unwrap_or_else(|| panic!("{said}"));
        (status.parse().unwrap_or_else(|_| panic!("{said}")), serde_json::from_str(body).unwrap_or_default())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        self.ask_as(TOKEN, method, path, body)
    }

    fn create(&self, body: &str) -> String {
        let (status, user) = self.ask("POST", "/Users", body);
        assert_eq!(status, 201, "{user}");
        user["id"].as_str().expect("an id").to_owned()
    }

    fn order(&self, line: &str) -> String {
        does(self.case.privet.dir.path(), &format!("{line} --config privet.toml"))
    }

    /// What a program of Alice's session is told.
    fn status(&self, browser: &Curl) -> String {
        browser.ask(&self.case.url("/"), &["-H", "Accept: application/json"]).status().to_owned()
    }
}

/// As Entra ID makes one: much that is not ours to know is in it.
const ENTRA: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
  "externalId":"alice","userName":"alice.kim@example.com","active":true,"displayName":"Alice Kim",
  "emails":[{"primary":true,"type":"work","value":"alice.kim@example.com"}],"meta":{"resourceType":"User"},
  "name":{"formatted":"Alice Kim","familyName":"Kim","givenName":"Alice"},"title":"Clerk",
  "phoneNumbers":[{"type":"mobile","value":"010-1234-5678"}],
  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Marketing"}}"#;

#[test]
fn whoever_is_inactive_at_entra_is_out_with_the_next_request() {
    let office = Office::founded("externalId");
    // Its test of the connection asks for somebody who is not there.
    let (status, none) = office.ask("GET", "/Users?filter=userName+eq+%22e4a9%22", "");
    assert_eq!((status, &none["totalResults"]), (200, &json!(0)));
    let id = office.create(ENTRA);
    let at = format!("/Users/{id}");
    let (status, found) = office.ask("GET", "/Users?filter=externalId%20eq%20%22alice%22", "");
    assert_eq!((status, &found["Resources"][0]["id"]), (200, &json!(id)));
    let browser = Curl::of(&office.case.privet, "alice");
    office.case.sign_in(&browser, "/");
    assert_eq!(office.status(&browser), "200");
    // Whoever is known is what officers say.
    let session = browser.ask(&office.case.url("/.privet/session"), &[]).0;
    assert!(session.contains("\"roles\":[]"), "{session}");
    let issuer = office.case.provider.issuer();
    office.order(&format!("staff grant alice marketing --reason newsletter --issuer {issuer} --as one"));
    assert!(browser.ask(&office.case.url("/.privet/session"), &[]).0.contains("\"roles\":[\"marketing\"]"));
    let off = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#;
    let on = off.replace("False", "True");
    let (status, after) = office.ask("PATCH", &at, off);
    assert_eq!((status, &after["active"]), (200, &json!(false)), "{after}");
    assert_eq!(office.status(&browser), "401");
    assert_eq!(browser.ask(&office.case.url("/"), &[]).status(), "303", "a page is sent to the sign-in");
    // She signs in at the provider, perhaps, and is nobody here.
    let back = office.case.provider.answer(&office.case.leave(&browser, "/"), "sub=alice");
    browser.ask(&back, &[]);
    assert_eq!(office.status(&browser), "401");
    // Back with no role, and by another sign-in.
    assert_eq!(office.ask("PATCH", &at, &on).1["active"], true);
    assert_eq!(office.status(&browser), "401", "a session that has ended does not come back");
    office.case.sign_in(&browser, "/");
    assert_eq!(office.status(&browser), "200");
    assert!(browser.ask(&office.case.url("/.privet/session"), &[]).0.contains("\"roles\":[]"));
    assert_eq!(office.ask("DELETE", &at, "").0, 204);
    assert_eq!(office.status(&browser), "401");
    assert_eq!(office.ask("GET", &at, "").0, 404);
    // It is all in the journal, by the provider, and outlives the process.
    let left = office.order("audit search --kind staff.left --json");
    assert!(left.lines().count() == 2 && left.lines().all(|line| line.contains("scim:mock")), "{left}");
    office.order(&format!("staff certificate alice alice.json --issuer {issuer}"));
    let certificate = std::fs::read(office.case.privet.dir.path().join("alice.json")).expect("a file");
    let certificate: Value = serde_json::from_slice(&certificate).expect("JSON");
    assert_eq!(certificate["grants"][0]["role"], "marketing", "{certificate}");
    office.order("audit verify");
    let everything = office.order("audit search --json");
    let logs = office.case.privet.log() + &office.case.privet.out();
    for never in ["010-1234-5678", "Alice Kim", "Marketing"] {
        assert!(!everything.contains(never) && !logs.contains(never), "{never}");
    }
    for name in ["alice", TOKEN] {
        assert!(!logs.contains(name) && !office.case.privet.metrics().contains(name), "{name}");
    }
}

/// As Okta makes and ends one.
#[test]
fn whoever_is_inactive_at_okta_is_out_with_the_next_request() {
    let office = Office::founded("userName");
    let okta = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"alice","name":{"givenName":"Alice","familyName":"Kim"},
        "emails":[{"primary":true,"value":"alice@example.com","type":"work"}],"displayName":"Alice Kim","locale":"ko-KR",
        "externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq","active":true}"#;
    assert_eq!(
        office.ask("GET", "/Users?filter=userName%20eq%20%22alice%22&startIndex=1&count=100", "").1["totalResults"],
        0
    );
    let at = format!("/Users/{}", office.create(okta));
    assert_eq!(office.ask("POST", "/Users", okta).1["scimType"], "uniqueness");
    let browser = Curl::of(&office.case.privet, "alice");
    office.case.sign_in(&browser, "/");
    assert_eq!(office.status(&browser), "200");
    let off = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}"#;
    let dir = office.case.privet.dir.path();
    let half = Command::new("curl")
        .args([
            "-sSN",
            "--max-time",
            "60",
            "--cacert",
            "certs/ca.pem",
            "-b",
            "alice",
            "-o",
            "half",
            &office.case.url("/half"),
        ])
        .current_dir(dir)
        .stderr(Stdio::null())
        .spawn()
        .expect("curl runs");
    let mut half = Beside(half);
    office.case.privet.until("half of it", || std::fs::read(dir.join("half")).is_ok_and(|bytes| bytes == b"half"));
    assert_eq!(office.ask("PATCH", &at, off).0, 200);
    let code = half.0.wait().expect("ended").code();
    assert!(code == Some(18) || code == Some(92), "cut, and not waited for: {code:?}");
    assert_eq!(office.status(&browser), "401");
    // Profile changes go on for those who are not here, and by PUT.
    let (status, after) =
        office.ask("PUT", &at, &okta.replace("\"active\":true", "\"active\":false").replace("Kim", "Lee"));
    assert_eq!((status, &after["active"]), (200, &json!(false)));
    assert_eq!(office.ask("PUT", &at, okta).1["active"], true);
    office.case.sign_in(&browser, "/");
    assert_eq!(office.status(&browser), "200");
    assert_eq!(office.ask("PUT", &at, &okta.replace("\"active\":true", "\"active\":false")).0, 200);
    assert_eq!(office.status(&browser), "401");
    assert!(!office.order("audit search --json").contains("1mz050nq"), "a password is kept nowhere");
    assert_eq!(office.ask("GET", "/Groups?startIndex=1&count=100", "").0, 501);
    // The same after a start.
    let before = office.ask("GET", "/Users", "").1;
    let privet = office.case.privet.restarted();
    let office = Office { case: Case { privet, ..office.case }, ..office };
    assert_eq!(office.ask("GET", "/Users", "").1, before);
}

#[test]
fn officers_have_the_last_word() {
    let office = Office::new("externalId");
    let dir = office.case.privet.dir.path().to_owned();
    let (status, said) = office.ask("POST", "/Users", ENTRA);
    assert!(status == 503 && said["detail"].as_str().is_some_and(|text| text.contains("privet staff init")), "{said}");
    password(&dir);
    add(&office.case.privet, "one", &[]);
    add(&office.case.privet, "two", &[]);
    staff(&office.case.privet, &["init", "one", "two"], "");
    let at = format!("/Users/{}", office.create(ENTRA));
    let issuer = office.case.provider.issuer();
    assert!(office.order("staff list").contains("\talice.kim@example.com"));
    // Whom an officer has let go, an officer lets join again.
    let off = r#"{"Operations":[{"op":"replace","path":"active","value":false}]}"#;
    let on = r#"{"Operations":[{"op":"replace","path":"active","value":true}]}"#;
    office.order(&format!("staff leave alice --issuer {issuer} --as one"));
    assert_eq!(office.ask("GET", &at, "").1["active"], false);
    let (status, said) = office.ask("PATCH", &at, on);
    assert!(status == 409 && said["detail"].as_str().is_some_and(|text| text.contains("officer")), "{said}");
    let here = "--config privet.toml";
    refuses(&dir, &format!("staff certificate two two.json {here}"), 1, "has left");
    office.order(&format!("staff add alice --issuer {issuer} --as one"));
    assert_eq!(office.ask("PATCH", &at, on).0, 200);
    // The last officer does not go by what a directory says.
    office.order(&format!("staff grant alice privacy-officer --reason stands_in --issuer {issuer} --as one"));
    let proposal = office.order("staff list");
    let number = proposal.split("staff confirm ").nth(1).and_then(|rest| rest.split('`').next()).expect("a number");
    office.order(&format!("staff confirm {number} --as two"));
    office.order("staff leave two --as one");
    office.order("staff leave one --as one");
    for (method, path, body) in [("PATCH", at.as_str(), off), ("DELETE", at.as_str(), "")] {
        let (status, said) = office.ask(method, path, body);
        let detail = said["detail"].as_str().unwrap_or_default();
        assert!(status == 409 && detail.contains("no privacy officer without an end would be left"), "{said}");
    }
    assert_eq!(office.ask("GET", &at, "").1["active"], true);
    // A token is changed without a pause: both are good until the old one is taken away.
    let fresh = "fedcba9876543210fedcba9876543210";
    assert_eq!(office.ask_as(fresh, "GET", &at, "").0, 401);
    office.case.privet.rewrite(|text| text.replace(&format!("\"{TOKEN}\""), &format!("\"{TOKEN}\\n{fresh}\"")));
    office.case.privet.until("both", || office.ask_as(fresh, "GET", &at, "").0 == 200);
    assert_eq!(office.ask("GET", &at, "").0, 200);
    office.case.privet.rewrite(|text| text.replace(&format!("{TOKEN}\\n"), ""));
    office.case.privet.until("one", || office.ask("GET", &at, "").0 == 401);
    assert!(office.case.privet.metric("privet_scim_requests_total{outcome=\"unauthorized\"}") >= 2);
    // The door closes and opens with the configuration.
    let console = format!("console = \"127.0.0.1:{}\"", office.console);
    let moved = free_port();
    office.case.privet.rewrite(|text| text.replace(&console, &format!("console = \"127.0.0.1:{moved}\"")));
    let office = Office { console: moved, ..office };
    office.case.privet.until("moved", || {
        let url = format!("https://localhost:{moved}/scim/v2/Users");
        office.case.privet.curl(&["-o", "/dev/null", "-w", "%{http_code}", &url]).ends_with("401")
    });
}

#[test]
fn every_check_of_a_client_from_elsewhere() {
    for subject in ["externalId", "userName"] {
        let office = Office::founded(subject);
        let Output { status, stdout, stderr } = Command::new(python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/scim.py"))
            .args([&office.console.to_string(), "certs/ca.pem", TOKEN])
            .current_dir(office.case.privet.dir.path())
            .output()
            .expect("python runs");
        let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        assert!(status.success(), "{subject}: {said}");
        office.order("audit verify");
    }
}
