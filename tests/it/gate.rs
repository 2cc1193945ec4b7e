//! The gate of a route: who may pass, what the application is told, and the pages where people sign in.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::{
    redis::Redis,
    support::{Origin, Privet, binary, python},
};

pub const PASSWORD: &str = "vq9 kT2z mellow harbour";

/// An application that tells what it was asked.
pub fn application() -> Origin {
    Origin::start_with(|request, _| {
        let body = format!("you asked: {}", request.lines().next().unwrap_or_default());
        Some(format!(
            "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    })
}

fn gated(application: &Origin, more: &str) -> Privet {
    Privet::with(&format!("{}{more}", application.route("gate = \"staff\"")))
}

/// `privet staff ...` beside the configuration; what it printed.
pub fn staff(privet: &Privet, args: &[&str], input: &str) -> String {
    let mut child = Command::new(binary())
        .arg("staff")
        .args(args)
        .args(["--config", "privet.toml"])
        .current_dir(privet.dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let out = child.wait_with_output().expect("ended");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

pub fn add(privet: &Privet, name: &str, more: &[&str]) -> String {
    let args = [&["add", name, "--password-stdin"], more].concat();
    staff(privet, &args, &format!("{PASSWORD}\n"))
}

/// A browser of curl's: its cookies are in a file called `jar`.
pub struct Browser<'p>(pub &'p Privet, pub &'static str);

impl Browser<'_> {
    fn ask(&self, args: &[&str]) -> String {
        let jar = self.1;
        self.0.curl(&[&["-i", "-b", jar, "-c", jar, "-H", "Accept: text/html"], args].concat())
    }

    pub fn get(&self, target: &str) -> String {
        self.ask(&[&self.0.url(target)])
    }

    /// Asks as a browser does whose page of this other place needs it.
    pub fn ask_from(&self, site: &str, target: &str) -> String {
        self.ask(&["-H", &format!("Sec-Fetch-Site: {site}"), &self.0.url(target)])
    }

    pub fn post(&self, target: &str, fields: &[&str]) -> String {
        let data = fields.iter().flat_map(|field| ["--data-urlencode", field]);
        let url = self.0.url(target);
        self.ask(&data.chain([url.as_str()]).collect::<Vec<_>>())
    }

    /// The token of the form on a page.
    pub fn token(&self, target: &str) -> String {
        let page = self.get(target);
        let at = page.find("name=\"form\" value=\"").unwrap_or_else(|| panic!("no form: {page}")) + 19;
        format!("form={}", &page[at..at + page[at..].find('"').expect("an end")])
    }

    pub fn sign_in(&self, name: &str, password: &str) -> String {
        let token = self.token("/.privet/sign-in?return=%2Fa%3Fb");
        let (name, password) = (format!("username={name}"), format!("password={password}"));
        self.post("/.privet/sign-in?return=%2Fa%3Fb", &[&token, &name, &password])
    }

    pub fn passes(&self) -> bool {
        self.get("/x").starts_with("HTTP/2 200")
    }
}

#[test]
fn nobody_passes_who_is_not_known() {
    let application = application();
    let privet = gated(&application, "");
    let page = privet.get("/orders?id=7", "Accept: text/html\r\n").to_lowercase();
    assert!(page.starts_with("http/1.1 303"), "{page}");
    assert!(
        page.contains("location: /.privet/sign-in?return=%2forders%3fid%3d7\r\n")
            || page.contains("location: /.privet/sign-in?return=/orders%3fid%3d7\r\n"),
        "{page}"
    );
    let program = privet.get("/orders", "Accept: application/json\r\n").to_lowercase();
    assert!(program.starts_with("http/1.1 401") && program.contains("www-authenticate: "), "{program}");
    let forged = privet.get("/orders", "X-Privet-User: admin\r\nCookie: __Host-privet-session=AAAA\r\n");
    assert!(forged.starts_with("HTTP/1.1 401"), "{forged}");
    assert!(privet.get("/.privet/nothing", "").starts_with("HTTP/1.1 404"));
    assert!(privet.get("/.PRIVET/x", "").starts_with("HTTP/1.1 404"));
    assert_eq!(application.seen(), "", "the application has seen nothing");
    // Privet's own pages are its own where there is no gate, too.
    let open = Privet::with(&application.route(""));
    assert!(open.get("/.privet/sign-in", "").starts_with("HTTP/1.1 404"));
    assert_eq!(application.seen(), "");
}

#[test]
fn staff_signs_in_and_the_application_is_told_who_asks() {
    let application = application();
    let privet = gated(&application, "");
    add(&privet, "alice", &["--role", "clerk", "--role", "privacy_officer"]);
    let browser = Browser(&privet, "jar");
    let wrong = browser.sign_in("alice", "not it at all, sorry");
    assert!(wrong.contains("role=\"alert\"") && !wrong.contains("alice"), "{wrong}");
    let answer = browser.sign_in("alice", PASSWORD).to_lowercase();
    assert!(answer.starts_with("http/2 303") && answer.contains("location: /a?b\r\n"), "{answer}");
    assert!(
        answer.contains("set-cookie: __host-privet-session=") && answer.contains("set-cookie: __host-privet-device=")
    );
    let page = browser.ask(&["-H", "X-Privet-User: root", "-H", "X-Privet-Roles: admin", &privet.url("/x")]);
    assert!(page.starts_with("HTTP/2 200") && page.to_lowercase().contains("cache-control: private\r\n"), "{page}");
    let seen = application.seen().to_lowercase();
    assert!(
        seen.contains("x-privet-user: alice\r\n") && seen.contains("x-privet-roles: clerk,privacy_officer\r\n"),
        "{seen}"
    );
    assert!(!seen.contains("root") && !seen.contains("admin") && !seen.contains("__host-privet"), "{seen}");
    // Out: with the token of its page alone.
    assert!(browser.passes());
    assert!(browser.post("/.privet/sign-out", &["form=x"]).starts_with("HTTP/2 4"));
    assert!(browser.passes());
    let token = browser.token("/.privet/sign-out");
    assert!(browser.post("/.privet/sign-out", &[&token]).starts_with("HTTP/2 200"));
    assert!(!browser.passes());
    assert!(!privet.log().contains("alice") && !privet.out().contains("alice"), "nobody's name in a log");
}

#[test]
fn accounts_that_are_closed_or_revoked_are_out_at_once() {
    let application = application();
    let privet = gated(&application, "");
    add(&privet, "alice", &[]);
    let browser = Browser(&privet, "jar");
    browser.sign_in("alice", PASSWORD);
    assert!(browser.passes());
    staff(&privet, &["revoke", "alice"], "");
    privet.until("revoked", || !browser.passes());
    browser.sign_in("alice", PASSWORD);
    assert!(browser.passes(), "the account itself still stands");
    staff(&privet, &["leave", "alice"], "");
    privet.until("closed", || !browser.passes());
    assert!(browser.sign_in("alice", PASSWORD).starts_with("HTTP/2 4"));
}

#[test]
fn guesses_at_the_gate_are_limited_like_any_other() {
    let application = application();
    let privet = gated(&application, "");
    add(&privet, "alice", &[]);
    let browser = Browser(&privet, "jar");
    let statuses: Vec<String> =
        (0..7).map(|n| browser.sign_in("alice", &format!("a wrong guess {n}"))[7..10].to_owned()).collect();
    assert_eq!(statuses[5..], ["429", "429"], "{statuses:?}");
    assert!(browser.sign_in("alice", PASSWORD).to_lowercase().contains("retry-after: "));
    assert_eq!(privet.metric("privet_login_attempts_total{verdict=\"failure\",limit=\"\"}"), 5);
}

#[test]
fn routes_ask_for_roles_and_for_more_proof() {
    let application = application();
    let route = |path: &str, more: &str| application.route(&format!("path = \"{path}\"\ngate = \"staff\"\n{more}"));
    let privet = Privet::with(&format!(
        "{}{}{}{}",
        route("/clerks", "roles = [\"clerk\"]"),
        route("/officers", "roles = [\"privacy_officer\"]"),
        route("/twice", "step_up = { second_factor = true }"),
        route("/token", "identity_token = true"),
    ));
    add(&privet, "alice", &["--role", "clerk"]);
    let browser = Browser(&privet, "jar");
    browser.sign_in("alice", PASSWORD);
    assert!(browser.get("/clerks").starts_with("HTTP/2 200"));
    assert!(browser.get("/officers").starts_with("HTTP/2 403"));
    assert!(browser.get("/twice").starts_with("HTTP/2 403"), "who has no second factor can't give one");
    assert!(browser.get("/token").starts_with("HTTP/2 200"));
    let seen = application.seen();
    let token = seen.lines().find_map(|line| line.to_lowercase().starts_with("x-privet-token: ").then(|| &line[16..]));
    assert_eq!(token.expect("a token").split('.').count(), 3);
    assert!(!seen.contains("/officers") && !seen.contains("/twice"), "{seen}");
}

#[test]
fn a_browser_walks_the_pages_with_a_one_time_code() {
    let application = application();
    let privet = gated(&application, "");
    let shown = add(&privet, "alice", &["--role", "clerk", "--totp"]);
    let secret = shown.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a secret").to_owned();
    let out = Command::new(python())
        .arg("-c")
        .arg(concat!(include_str!("browser.py"), include_str!("sign_in.py")))
        .args([&privet.url("/orders?id=7"), "alice", PASSWORD, &secret])
        .output()
        .expect("python runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
    assert!(application.seen().to_lowercase().contains("x-privet-user: alice\r\n"));
}

#[test]
fn replicas_share_sessions_and_what_was_revoked_stays_so() {
    let application = application();
    let mut redis = Redis::start();
    let keys = tempfile::tempdir().expect("a folder");
    let shared = format!(
        "[seal]\nkey_file = \"{0}/seal.key\"\n[[realm]]\nname = \"staff\"\nstaff_file = \"{0}/staff.sealed\"\n[store]\nredis = \"{1}\"\nreplicas = 2\n",
        keys.path().display(),
        redis.url()
    );
    let (one, two) = (gated(&application, &shared), gated(&application, &shared));
    let up = |privet: &Privet| privet.metric("privet_store_up") == 1;
    one.until("up", || up(&one) && up(&two));
    add(&one, "alice", &[]);
    two.until("read", || two.log().contains("staff file was read again"));
    let here = Browser(&one, "jar");
    here.sign_in("alice", PASSWORD);
    assert!(here.passes());
    let jar = std::fs::read_to_string(one.dir.path().join("jar")).expect("cookies");
    let line = jar.lines().find(|line| line.contains("__Host-privet-session")).expect("a session");
    let cookie = format!("Cookie: __Host-privet-session={}\r\n", line.rsplit('\t').next().expect("a value"));
    let there = |privet: &Privet| privet.get("/x", &cookie).starts_with("HTTP/1.1 200");
    assert!(there(&two), "{}", two.log());
    // While the store is away, what each knows holds.
    redis.kill();
    one.until("away", || one.metric("privet_store_up") == 0 && two.metric("privet_store_up") == 0);
    assert!(there(&one) && there(&two));
    let token = here.token("/.privet/sign-out");
    assert!(here.post("/.privet/sign-out", &[&token]).starts_with("HTTP/2 200"));
    assert!(!there(&one));
    redis.restart();
    one.until("back", || up(&one) && up(&two));
    two.until("told", || !there(&two));
    assert!(!there(&one) && !there(&two), "a session that was ended never comes back");
}

#[test]
fn sessions_are_listed_and_ended_from_the_command_line() {
    let application = application();
    let privet = gated(&application, "");
    add(&privet, "alice", &["--role", "clerk"]);
    let sessions = |args: &[&str]| {
        let out = Command::new(binary())
            .arg("sessions")
            .args(args)
            .args(["--config", "privet.toml"])
            .current_dir(privet.dir.path())
            .output()
            .expect("runs");
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    assert_eq!(sessions(&["list"]), (Some(0), "nobody is signed in\n".to_owned()));
    let (one, two) = (Browser(&privet, "one"), Browser(&privet, "two"));
    one.sign_in("alice", PASSWORD);
    two.sign_in("alice", PASSWORD);
    let (_, list) = sessions(&["list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let row = &list["sessions"][0];
    assert_eq!(
        (&row["subject"], &row["roles"][0], &row["methods"][0]),
        (&"alice".into(), &"clerk".into(), &"password".into())
    );
    assert_eq!(list["sessions"].as_array().map(Vec::len), Some(2));
    let handle = row["handle"].as_str().expect("a handle");
    assert_eq!(sessions(&["end", handle]).0, Some(0));
    assert_eq!(sessions(&["end", handle]).0, Some(1), "it is gone");
    assert_eq!([&one, &two].iter().filter(|browser| browser.passes()).count(), 1);
    assert_eq!(sessions(&["end", "--subject", "alice"]), (Some(0), "1 ended\n".to_owned()));
    assert!(!one.passes() && !two.passes());
    drop(privet);
}

#[test]
fn other_routes_of_the_host_get_no_session_and_no_spoofed_identity() {
    let (own, other) = (application(), application());
    let privet = Privet::with(&format!(
        "[head]\nunderscores = \"keep\"\n{}{}",
        own.route("gate = \"staff\""),
        other.route("path = \"/public\"")
    ));
    add(&privet, "alice", &[]);
    let browser = Browser(&privet, "jar");
    browser.sign_in("alice", PASSWORD);
    assert!(browser.passes());
    let said = ["-H", "X_Privet_User: root", "-H", "x_forwarded_for: 6.6.6.6"];
    for target in ["/x", "/public"] {
        let url = privet.url(target);
        browser.ask(&[&said[..], &[&url]].concat());
    }
    for seen in [own.seen().to_lowercase(), other.seen().to_lowercase()] {
        assert!(!seen.contains("__host-privet") && !seen.contains("root") && !seen.contains("6.6.6.6"), "{seen}");
    }
}
