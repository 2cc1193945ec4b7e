//! People and machines that others vouch for: a real provider (`oidc-provider-mock`), real certificates, and curl.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::support::{Origin, Privet, free_port, python};

/// A provider with one person, Alice. Ended when dropped.
pub struct Provider {
    child: Child,
    port: u16,
}

impl Provider {
    pub fn start() -> Self {
        let port = free_port();
        let alice = r#"{"sub":"alice","email":"alice@example.com","groups":["kc-privacy","kc-other"]}"#;
        let port_text = port.to_string();
        let child = Command::new(python())
            .args(["-m", "oidc_provider_mock", "--host", "127.0.0.1", "--port", &port_text, "--require-nonce"])
            .args(["--user-claims", alice])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python runs");
        let provider = Self { child, port };
        let document = format!("{}/.well-known/openid-configuration", provider.issuer());
        for _ in 0..600 {
            if Command::new("curl").args(["-sf", "-o", "/dev/null", &document]).status().expect("curl runs").success() {
                return provider;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the provider never answers");
    }

    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A token that it has signed for Alice, to whoever is called `audience`.
    pub fn token(&self, audience: &str) -> String {
        let question = format!(
            "{}/oauth2/authorize?response_type=code&client_id={audience}&redirect_uri=http://127.0.0.1/cli&scope=openid&nonce={}",
            self.issuer(),
            free_port() // it takes a nonce once, and no port is given twice
        );
        let back = self.answer(&question, "sub=alice");
        let code = back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code");
        let form =
            format!("grant_type=authorization_code&code={code}&redirect_uri=http://127.0.0.1/cli&client_id={audience}");
        let tokens = Curl::plain()
            .ask(&format!("{}/oauth2/token", self.issuer()), &["--data", &form, "-u", &format!("{audience}:s")]);
        let token = tokens.0.split("\"id_token\": \"").nth(1).and_then(|rest| rest.split('"').next());
        token.unwrap_or_else(|| panic!("{}", tokens.0)).to_owned()
    }

    /// What somebody's browser is sent back to who fills in the provider's form.
    pub fn answer(&self, question: &str, form: &str) -> String {
        let answer = Curl::plain().ask(question, &["--data", form]);
        assert!(question.starts_with(&self.issuer()), "{question}");
        answer.header("location")
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser: curl and its cookies.
pub struct Curl {
    ca: Option<PathBuf>,
    jar: Option<PathBuf>,
}

pub struct Answer(pub String);

impl Curl {
    fn plain() -> Self {
        Self { ca: None, jar: None }
    }

    pub fn of(privet: &Privet, jar: &str) -> Self {
        let dir: &Path = privet.dir.path();
        Self { ca: Some(dir.join("certs/ca.pem")), jar: Some(dir.join(jar)) }
    }

    pub fn ask(&self, url: &str, more: &[&str]) -> Answer {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-i", "--max-time", "60"]).args(more);
        if !more.iter().any(|argument| argument.starts_with("Accept:")) {
            curl.args(["-H", "Accept: text/html"]);
        }
        if let Some(ca) = &self.ca {
            curl.arg("--cacert").arg(ca);
        }
        if let Some(jar) = &self.jar {
            curl.arg("-b").arg(jar).arg("-c").arg(jar);
        }
        let out = curl.arg(url).output().expect("curl runs");
        assert!(out.status.success(), "{url}: {}", String::from_utf8_lossy(&out.stderr));
        Answer(String::from_utf8_lossy(&out.stdout).into_owned())
    }
}

impl Answer {
    pub fn status(&self) -> &str {
        self.0.split(' ').nth(1).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> String {
        let line = self.0.lines().take_while(|line| !line.is_empty()).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        line.unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }
}

pub struct Case {
    pub provider: Provider,
    pub privet: Privet,
    pub origin: Origin,
}

impl Case {
    fn new() -> Self {
        Self::with("", |_| String::new())
    }

    /// With more lines in `[listen]`, and more tables for the provider's issuer.
    pub fn with(listen: &str, more: impl Fn(&str) -> String) -> Self {
        // Half of an answer, for whoever is to leave before its end.
        let half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
        let answer = move |request: &str| if request.starts_with("GET /half") { half } else { crate::support::OK };
        let origin = Origin::start_with(move |request, _| Some(answer(request).to_owned()));
        let provider = Provider::start();
        let more = more(&provider.issuer());
        let privet = Privet::with_listen(
            listen,
            &format!(
                "{more}[[realm]]\nname = \"staff\"\nbasic = true\n\
             oidc = {{ issuer = \"{}\", client_id = \"privet\", client_secret = \"s3cret-of-ours\", scopes = [\"openid\", \"email\"], \
             roles = {{ kc-privacy = \"privacy_officer\" }} }}\n\
             [[route]]\nupstream = \"http://{}\"\ngate = \"staff\"\n\
             [[route]]\npath = \"/fresh\"\nupstream = \"http://{}\"\ngate = \"staff\"\nstep_up = {{ max_age = \"15m\" }}\n\
             [[route]]\npath = \"/admin\"\nupstream = \"http://{}\"\ngate = \"staff\"\nroles = [\"admin\"]\n",
                provider.issuer(),
                origin.address,
                origin.address,
                origin.address,
            ),
        );
        Self { provider, privet, origin }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.privet.https)
    }

    /// From a page to the provider: the question that the browser carries there.
    pub fn leave(&self, browser: &Curl, path: &str) -> String {
        let start = browser.ask(&self.url(path), &[]);
        assert_eq!(start.status(), "303", "{}", start.0);
        let start = start.header("location");
        assert!(start.starts_with("/.privet/oidc/start"), "{start}");
        let mut question = None;
        self.privet.until("the provider is known", || {
            let answer = browser.ask(&self.url(&start), &[]);
            question = (answer.status() == "303").then(|| answer.header("location"));
            question.is_some()
        });
        question.expect("asked")
    }

    pub fn sign_in(&self, browser: &Curl, path: &str) -> String {
        let back = self.provider.answer(&self.leave(browser, path), "sub=alice");
        let arrival = browser.ask(&back, &[]);
        assert_eq!((arrival.status(), arrival.header("location").as_str()), ("303", path), "{}", arrival.0);
        back
    }
}

#[test]
fn a_person_signs_in_at_the_provider_and_the_application_is_told_who_it_is() {
    let case = Case::new();
    let browser = Curl::of(&case.privet, "alice");
    let back = case.sign_in(&browser, "/orders?x=1");
    let answer = browser.ask(&case.url("/orders?x=1"), &["-H", "X-Privet-User: root"]);
    assert_eq!(answer.status(), "200", "{}", answer.0);
    let seen = case.origin.seen().to_lowercase();
    assert!(
        seen.contains("\r\nx-privet-user: alice\r\n") && seen.contains("\r\nx-privet-roles: privacy_officer\r\n"),
        "{seen}"
    );
    assert!(!seen.contains("root") && !seen.contains("__host-privet"), "{seen}");
    assert_eq!(browser.ask(&case.url("/admin"), &[]).status(), "403");
    // Once and no more, and from this browser alone.
    assert_eq!(browser.ask(&back, &[]).header("location"), "/", "a page of one's own history");
    assert_eq!(Curl::of(&case.privet, "mallory").ask(&back, &[]).status(), "403");
    // Nothing of the exchange is in any log.
    let logs = case.privet.log() + &case.privet.out();
    let code = back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code");
    for secret in ["s3cret-of-ours", code, "alice"] {
        assert!(!logs.contains(secret), "{secret}");
    }
}

#[test]
fn a_sign_in_that_another_browser_began_is_nobodys() {
    let case = Case::new();
    let (mallory, alice) = (Curl::of(&case.privet, "mallory"), Curl::of(&case.privet, "alice"));
    let back = case.provider.answer(&case.leave(&mallory, "/"), "sub=mallory");
    case.leave(&alice, "/");
    let arrival = alice.ask(&back, &[]);
    assert_eq!(arrival.status(), "403", "{}", arrival.0);
    assert!(!arrival.0.contains("__Host-privet-session"), "{}", arrival.0);
    assert!(arrival.0.contains("/.privet/oidc/start") && arrival.0.contains("role=\"alert\""));
    assert_eq!(alice.ask(&case.url("/"), &[]).status(), "303");
    // Nor one that was denied, or whose code is made up.
    let denied = case.leave(&alice, "/").replace("/oauth2/authorize?", "/.privet/oidc/callback?error=access_denied&");
    let denied = denied.replace(&case.provider.issuer(), &case.url(""));
    assert_eq!(alice.ask(&denied, &[]).status(), "403");
    let back = case.provider.answer(&case.leave(&alice, "/"), "sub=alice");
    let (start, rest) = back.split_once("code=").expect("a code");
    let made_up = format!("{start}code=x{rest}");
    assert_eq!(alice.ask(&made_up, &[]).status(), "403");
    assert_eq!(alice.ask(&back, &[]).status(), "403", "the state was used up by it");
}

#[test]
fn a_fresh_sign_in_is_asked_of_the_provider() {
    let case = Case::new();
    let browser = Curl::of(&case.privet, "alice");
    case.sign_in(&browser, "/");
    let question = browser.ask(&case.url("/.privet/oidc/start?return=/fresh&fresh=1"), &[]).header("location");
    assert!(question.contains("&prompt=login&max_age=0"), "{question}");
    let arrival = browser.ask(&case.provider.answer(&question, "sub=alice"), &[]);
    assert_eq!((arrival.status(), arrival.header("location").as_str()), ("303", "/fresh"));
    assert_eq!(browser.ask(&case.url("/fresh"), &[]).status(), "200");
}

#[test]
fn signing_out_goes_on_to_the_provider() {
    let case = Case::new();
    let browser = Curl::of(&case.privet, "alice");
    case.sign_in(&browser, "/");
    let page = browser.ask(&case.url("/.privet/sign-out"), &[]);
    let token = page.0.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
    let origin = format!("Origin: https://{}", case.privet.https);
    let out = browser.ask(&case.url("/.privet/sign-out"), &["--data", &format!("form={token}"), "-H", &origin]);
    assert_eq!(out.status(), "200", "{}", out.0);
    assert_eq!(out.header("refresh"), format!("0;url={}/oauth2/end_session?client_id=privet", case.provider.issuer()));
    assert_eq!(browser.ask(&case.url("/"), &[]).status(), "303");
}

#[test]
fn programs_are_told_how_they_get_in() {
    let case = Case::new();
    let program = Curl::of(&case.privet, "none");
    let answer = program.ask(&case.url("/"), &["-H", "Accept: application/json"]);
    assert_eq!(
        (answer.status(), answer.header("www-authenticate").as_str()),
        ("401", "Basic realm=\"staff\", charset=\"UTF-8\"")
    );
    let privet = env!("CARGO_BIN_EXE_privet");
    let add = "printf 'a long passphrase of ours' | \"$0\" staff add batch --role importer --password-stdin --config privet.toml";
    let added =
        Command::new("sh").args(["-c", add, privet]).current_dir(case.privet.dir.path()).output().expect("runs");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let with = |pair: &str| {
        program.ask(&case.url("/job"), &["-H", "Accept: application/json", "-u", pair]).status().to_owned()
    };
    // Whoever tries before is one who fails, and must wait in the end.
    case.privet.until("the account is read", || case.privet.log().contains("staff file was read again"));
    assert_eq!(with("batch:a long passphrase of ours"), "200");
    assert_eq!(with("batch:another"), "401");
    let seen = case.origin.seen().to_lowercase();
    assert!(seen.contains("\r\nx-privet-user: batch\r\n") && !seen.contains("\r\nauthorization:"), "{seen}");
}

#[test]
fn a_bearer_of_the_issuers_token_passes() {
    let (provider, origin) = (Provider::start(), Origin::start(crate::support::OK));
    let privet = Privet::with(&format!(
        "[[realm]]\nname = \"staff\"\njwt = {{ issuer = \"{}\", audience = [\"cli\"], roles = {{ kc-privacy = \"privacy_officer\" }} }}\n\
         [[route]]\nupstream = \"http://{}\"\ngate = \"staff\"\n",
        provider.issuer(),
        origin.address,
    ));
    let program = Curl::of(&privet, "none");
    let with = |token: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        program.ask(&format!("https://{}/", privet.https), &["-H", "Accept: application/json", "-H", &bearer])
    };
    let token = provider.token("cli");
    assert_eq!(with(&token).status(), "200", "the first one waits for the issuer's keys");
    let seen = origin.seen().to_lowercase();
    assert!(seen.contains("\r\nx-privet-user: alice\r\nx-privet-roles: privacy_officer\r\n"), "{seen}");
    assert!(!seen.contains("authorization"), "{seen}");
    let (head, rest) = token.split_once('.').expect("a token");
    let none = format!("eyJhbGciOiJub25lIn0.{}.", rest.split('.').next().unwrap_or_default());
    for bad in [provider.token("other"), none, format!("{head}.{}", rest.to_lowercase()), "x".repeat(20_000)] {
        let answer = with(&bad);
        assert_eq!(answer.status(), "401", "{}", answer.0);
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"staff\", error=\"invalid_token\"");
    }
    assert!(!privet.log().contains(&token[..40]) && !privet.out().contains("alice"));
}

#[test]
fn a_workload_passes_by_its_certificate() {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
    };
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let origin = Origin::start(crate::support::OK);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let trusted = write("clients.pem", &ca.pem());
    let privet = Privet::with(&format!(
        "[tls.client]\nmode = \"request\"\nca = \"{trusted}\"\n[[realm]]\nname = \"staff\"\n\
         certificate = {{ trust_domain = \"example.org\", roles = {{ \"spiffe://example.org/batch/*\" = \"importer\" }} }}\n\
         [[route]]\nupstream = \"http://{}\"\ngate = \"staff\"\nroles = [\"importer\"]\n",
        origin.address,
    ));
    let with = |id: &str| {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(id.try_into().expect("ASCII"))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let chain = write("client.pem", &params.signed_by(&key, &ca).expect("signed").pem());
        let key = write("client.key", &key.serialize_pem());
        let program = Curl::of(&privet, "none");
        let more = ["-H", "Accept: application/json", "--cert", &chain, "--key", &key];
        program.ask(&format!("https://{}/", privet.https), &more).status().to_owned()
    };
    assert_eq!(with("spiffe://example.org/batch/a"), "200");
    assert!(
        origin
            .seen()
            .to_lowercase()
            .contains("\r\nx-privet-user: spiffe://example.org/batch/a\r\nx-privet-roles: importer\r\n")
    );
    assert_eq!(with("spiffe://example.org/web"), "403", "known, without the role");
    assert_eq!(with("spiffe://other.example/batch/a"), "401");
    let nobody =
        Curl::of(&privet, "none").ask(&format!("https://{}/", privet.https), &["-H", "Accept: application/json"]);
    assert_eq!(nobody.status(), "401");
}
