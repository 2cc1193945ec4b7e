use std::{fmt::Write as _, fs, path::Path};

use super::*;

fn parse(text: &str) -> Result<Config, Report> {
    let environment = |name: &str| (name == "SET").then(|| "10.0.0.0/8".to_owned());
    Config::parse("privet.toml", text, Path::new("/etc/privet"), &environment, &Flags::default())
}

/// Compares with a file, or writes it with `PRIVET_BLESS=1`.
fn golden(path: &Path, actual: &str) {
    if std::env::var_os("PRIVET_BLESS").is_some() {
        fs::write(path, actual).expect("written");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let differs = actual.lines().zip(expected.lines()).find(|(a, b)| a != b);
    let shown = path.display();
    assert!(actual == expected, "{shown} differs at {differs:?}; look, then run with PRIVET_BLESS=1");
}

#[test]
fn the_reference_in_docs_is_the_schema() {
    golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURATION.md"), &schema::reference());
}

#[test]
fn golden_configurations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config");
    let mut seen = 0;
    for entry in fs::read_dir(&folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "toml") {
            seen += 1;
            let mut outcome = match parse(&fs::read_to_string(&path).expect("a file")) {
                Ok(config) => config.summary().join("\n"),
                Err(report) => report.to_string(),
            };
            let _ = writeln!(outcome);
            golden(&path.with_extension("expected"), &outcome);
        }
    }
    assert!(seen >= 8, "only {seen} cases");
}

/// The example of the reference with every key set to its example value is understood: no key is documented but unread.
#[test]
fn every_documented_key_is_read() {
    let reference = schema::reference();
    let example = reference.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    // Some keys exclude each other, and some name files that are read; the rest must be accepted together.
    let example = example
        .replace("pledge = \"pledge.txt\"\n", "")
        .replace("templates = \"templates\"\n", "")
        .replace("font = \"NanumGothic.ttf\"\n", "")
        .replace("rewrite_prefix = \"/legacy\"\n", "")
        .replace("policies = \"policies\"\n", "")
        .replace("policy = \"policy.toml\"\n", "")
        .replace("pledge = \"pledge.txt\"\n", "")
        .replace("sentinel_password = \"...\"\n", "")
        .replace("path = \"journal\"\n", "")
        .replace("rules = \"/usr/share/modsecurity-crs\"\n", "")
        .replace("setup = \"crs-setup.conf\"\n", "")
        .replace("before = [\"own-before.conf\"]\n", "")
        .replace("after = [\"own-after.conf\"]\n", "")
        .replace("retirejs = \"jsrepository.json\"\n", "")
        .replace("unless = \"^[0-9]+$\"\n", "")
        .replace("file = \"lists/drop.txt\"\n", "")
        .replace("crowdsec = \"http://127.0.0.1:8080\"\n", "crowdsec = \"https://127.0.0.1:8080\"\n")
        .replace("\ntoken = \"...\"\n", &format!("\ntoken = \"{}\"\n", "x".repeat(32)))
        .replace("realm = \"staff\"\n", "realm = \"office\"\n")
        .replace("http://127.0.0.1:9000", "https://127.0.0.1:9000");
    // A witness is one of three.
    let example = ["url = \"https://witness", "mail = "].iter().fold(example, |text, start| {
        let at = text.find(&format!("\n{start}")).expect("a witness");
        format!("{}\n[[journal.witness]]{}", &text[..at], &text[at..])
    });
    // Notices go out one way, and in TLS or for a reason.
    let at = |name: &str| example.find(&format!("\n[{name}]")).expect("a table");
    let (before, mail, webhook, page) = (0, at("incident.mail"), at("incident.webhook"), at("incident.page"));
    let clear = example[mail..webhook].replace("cleartext_reason = \"...\"\n", "");
    let examples = [
        [&example[before..mail], &clear, &example[page..]].concat(),
        [&example[before..mail], &example[webhook..]].concat(),
    ];
    for example in examples {
        if let Err(report) = parse(&example) {
            panic!("{report}");
        }
    }
}

#[test]
fn notices_of_incidents() {
    let incident = |text: &str| parse(&format!("[incident]\n{text}\n[[route]]\nupstream = \"http://127.0.0.1:1\"\n"));
    for good in [
        "[incident.mail]\nsmtp = \"smtp://mail.example\"\nfrom = \"hunter2@b.example\"\nsmtp_user = \"a\"\nsmtp_password = \"hunter3\"",
        "[incident.mail]\nsmtp = \"smtp://mail.example\"\nfrom = \"a@b\"\ncleartext_reason = \"a relay on this rack\"",
        "[incident.webhook]\nurl = \"http://127.0.0.1:1/\"\nauthorization = \"Bearer hunter2\"\n[incident.page]\nurl = \"https://shop.example\"",
    ] {
        let config = incident(good).expect(good);
        let shown = format!("{config:?} {:?}", config.summary());
        assert!(!shown.contains("hunter"), "{good}");
        assert_eq!(shown.contains("cleartext allowed: a relay"), good.contains("a relay"));
    }
    for (bad, why) in [
        ("contact = \"\"", "1 to 300 characters"),
        ("rate = 0", "`rate`"),
        ("retry = \"1ms\"", "from 1s to 1h"),
        ("font = \"none.ttf\"", "`font` can't be used"),
        ("templates = \"none\"", "`templates` can't be read"),
        ("[incident.mail]\nfrom = \"a@b\"", "has no `smtp`"),
        ("[incident.mail]\nsmtp = \"smtps://a\"\nfrom = \"a\"", "no address of a mailbox"),
        ("[incident.mail]\nsmtp = \"smtps://a\"\nfrom = \"a@b\"\ncleartext_reason = \"x\"", "nothing goes in clear"),
        ("[incident.webhook]\nurl = \"http://far.example/\"", "http:// is for this machine"),
        (
            "[incident.mail]\nsmtp = \"smtps://a\"\nfrom = \"a@b\"\n[incident.webhook]\nurl = \"https://a/\"",
            "both [incident.mail]",
        ),
        ("[incident.page]\nurl = \"http://127.0.0.1/\"", "it must be https://"),
        ("[incident.page]\nurl = \"https://a/path\"", "without a path"),
        ("[incident.page]\nurl = \"https://a\"\nevery = \"2d\"", "from 1s to 24h"),
    ] {
        let report = incident(bad).expect_err(bad).to_string();
        assert!(report.contains(why), "{bad}: {report}");
    }
}

#[test]
fn witnesses_of_the_journal() {
    let witness =
        |text: &str| parse(&format!("[[journal.witness]]\n{text}\n[[route]]\nupstream = \"http://127.0.0.1:1\"\n"));
    for good in [
        "file = \"kept\"\nevery = \"10m\"",
        "url = \"http://127.0.0.1:1/\"\nauthorization = \"Bearer hunter2\"",
        "mail = \"hunter2@example.com\"\nsmtp = \"smtp://mail.example\"\nsmtp_user = \"a\"\nsmtp_password = \"hunter3\"",
    ] {
        let config = witness(good).expect(good);
        assert!(!format!("{config:?} {:?}", config.summary()).contains("hunter"), "{good}");
        assert_eq!(config.journal.expect("a journal").witnesses.len(), 1);
    }
    for (bad, why) in [
        ("", "one of `file`, `url` and `mail`"),
        ("file = \"a\"\nurl = \"https://a/\"", "one of `file`, `url` and `mail`"),
        ("file = \"a\"\nevery = \"1ms\"", "from 1s to 31d"),
        ("file = \"a\"\nca = \"ca.pem\"", "unknown key `ca`"),
        ("url = \"http://far.example/\"", "http:// is for this machine"),
        ("url = \"http://127.0.0.1/\"\nca = \"ca.pem\"", "`ca` without TLS"),
        ("mail = \"a@b.example\"", "without a server"),
        ("mail = \"a\"\nsmtp = \"smtps://a\"", "no address of a mailbox"),
        ("mail = \"a@b\"\nsmtp = \"smtps://a\"\nsmtp_user = \"u\"", "belong together"),
    ] {
        let report = witness(bad).expect_err(bad).to_string();
        assert!(report.contains(why), "{report}");
    }
}

#[test]
fn an_expanded_value_is_never_structure() {
    let config = parse("[listen]\ntrusted = [\"${SET}\"]\n[[route]]\nupstream = \"http://${HOST:-127.0.0.1}:9000\"\n")
        .expect("valid");
    assert_eq!(config.server.trusted.len(), 1);
    assert!(parse("[[route]]\nupstream = \"${UNSET}\"\n").is_err_and(|r| r.to_string().contains("`UNSET` is not set")));
}

#[test]
fn flags_make_a_configuration_of_their_own() {
    let flags =
        Flags { to: Some("http://127.0.0.1:9000".into()), https: Some("127.0.0.1:0".into()), ..Flags::default() };
    let config = Config::from_flags(&flags).expect("valid");
    assert_eq!(config.server.https.port(), 0);
    assert_eq!(config.server.shutdown.delay, Duration::ZERO);
    let far = Flags { to: Some("http://app.example".into()), ..Flags::default() };
    assert!(Config::from_flags(&far).is_err_and(|r| r.to_string().contains("cleartext")));
}

#[test]
fn a_secret_is_never_shown() {
    let text = "[[route]]\nupstream = \"http://127.0.0.1:1\"\nupstream_authorization = \"Basic\\nhunter2\"\n";
    assert!(parse(text).is_err_and(|r| !r.to_string().contains("hunter2")));
    let text = "[[route]]\nupstream = \"http://127.0.0.1:1\"\nupstream_authorization = \"Basic hunter2\"\n";
    assert!(!format!("{:?}", parse(text)).contains("hunter2"));
}

#[test]
fn a_shared_store() {
    let route = "\n[seal]\nkey_file = \"seal.key\"\n[[route]]\nupstream = \"http://127.0.0.1:1\"\n";
    let store = |text: &str| parse(&format!("[store]\n{text}{route}"));
    let settings =
        store("redis = \"redis+sentinel://:hunter2@127.0.0.1/m\"\nsentinel_password = \"hunter3\"\nreplicas = 3");
    let config = settings.expect("valid");
    assert!(config.summary().contains(&"store  redis+sentinel://127.0.0.1:26379/m, replicas: 3".to_owned()));
    assert!(!format!("{config:?}").contains("hunter"));
    let settings = config.store.expect("a store");
    assert_eq!((settings.replicas, settings.timeout), (3, Duration::from_millis(50)));
    for (text, why) in [
        ("redis = \"redis://far.example\"", "in cleartext beyond loopback"),
        ("redis = \"redis://:hunter2@127.0.0.1\"\nredis_password = \"hunter3\"", "both `redis` and `redis_password`"),
        ("redis = \"redis://127.0.0.1\"\nca = \"ca.pem\"", "`ca` without TLS"),
        ("redis = \"redis://127.0.0.1\"\nsentinel_password = \"hunter2\"", "without sentinels"),
        ("redis = \"redis://127.0.0.1\"\ntimeout = \"6s\"", "from 1ms to 5s"),
        ("redis = \"redis://127.0.0.1\"\nprefix = \"{x}\"", "letters, digits"),
        ("redis = \"http://u:hunter2@127.0.0.1\"", "the scheme is not known"),
        ("postgres = \"x\"", "the scheme is not known"),
        ("postgres = \"postgres://u:hunter2@far.example/d?sslmode=disable\"", "in cleartext beyond loopback"),
        ("postgres = \"postgres://u:hunter2@far.example/d?sslmode=prefer\"", "verify-full"),
        ("postgres = \"postgres://u@127.0.0.1/d\"\npostgres_ca = \"ca.pem\"", "without TLS"),
        ("postgres = \"postgres://u@127.0.0.1/d\"\nprefix = \"x\"", "about Redis"),
        ("postgres = \"postgres://u@127.0.0.1/d\"\n[journal]\npath = \"journal\"", "and `path` elsewhere"),
        ("replicas = 3", "where the store is"),
    ] {
        let report = store(text).expect_err(text).to_string();
        assert!(report.contains(why) && !report.contains("hunter"), "{report}");
    }
    let both =
        store("redis = \"redis://127.0.0.1\"\npostgres = \"postgres://u:hunter2@far.example/d\"").expect("valid");
    assert!(both.store.is_some() && both.summary().contains(&"journal postgres://far.example/d".to_owned()));
    assert!(!format!("{both:?}").contains("hunter2"));
    let alone = store("postgres = \"postgres://u@far.example/d?sslmode=disable\"\ncleartext_reason = \"own network\"");
    let alone = alone.expect("valid");
    assert!(alone.store.is_none() && alone.summary().contains(&"       cleartext allowed: own network".to_owned()));
    let reason = "redis = \"redis://far.example\"\ncleartext_reason = \"own network\"";
    assert!(store(reason).is_ok_and(|c| c.summary().contains(&"       cleartext allowed: own network".to_owned())));
}

#[test]
fn certificates_by_acme() {
    let parse = |acme: &str, listen: &str| {
        parse(&format!(
            "data_dir = \"data\"\n[listen]\n{listen}\n[[tls.acme]]\n{acme}\n[[route]]\nupstream = \"http://127.0.0.1:1\"\n"
        ))
    };
    let config = parse("domains = [\"Shop.example.\"]\nagree_to_terms = true", "http = \"off\"").expect("valid");
    let order = &config.tls.acme[0];
    assert_eq!((order.domains.join(","), order.challenge.name()), ("shop.example".to_owned(), "tls-alpn-01"));
    assert_eq!(order.directory.to_string(), "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!(config.tls.acme_dir, Path::new("/etc/privet/data/acme"));
    let cert = "cert   shop.example, ordered from https://acme-v02.api.letsencrypt.org/directory by tls-alpn-01";
    assert!(config.summary().contains(&cert.to_owned()));
    let name = "domains = [\"a.example\"]\nagree_to_terms = true\n";
    for (acme, why) in [
        ("domains = [\"a.example\"]", "agrees to the authority's terms"),
        ("agree_to_terms = true", "what the certificate is for"),
        ("domains = []\nagree_to_terms = true", "`domains` is empty"),
        ("domains = [\"*.a.example\"]\nagree_to_terms = true", "needs DNS-01"),
        ("domains = [\"192.0.2.1\"]\nagree_to_terms = true", "is an address"),
        ("domains = [\"b\u{fc}cher.example\"]\nagree_to_terms = true", "xn--"),
        ("domains = [\"localhost\"]\nagree_to_terms = true", "could look up"),
        ("domains = [\"../a.example\"]\nagree_to_terms = true", "could look up"),
        (&format!("{name}directory = \"http://ca.example/dir\""), "for this machine alone"),
        (&format!("{name}challenge = \"dns-01\""), "\"dns-01\" is not known"),
        (&format!("{name}challenge = \"http-01\""), "`listen.http`"),
        (&format!("{name}contact = [\"nobody\"]"), "not a mail address"),
        (&format!("{name}renew_before = \"1s\""), "at least 1m"),
        (&format!("{name}external_account = {{ key_id = \"a\" }}"), "as the authority has given them"),
        (&format!("{name}external_account = {{ key_id = \"a\", hmac_key = \"hunter2!\" }}"), "not base64"),
        (&format!("{name}[[tls.acme]]\n{name}"), "ordered twice"),
    ] {
        let report = parse(acme, "http = \"off\"").expect_err(acme).to_string();
        assert!(report.contains(why) && !report.contains("hunter"), "{acme}: {report}");
    }
    let bound = format!("{name}external_account = {{ key_id = \"a\", hmac_key = \"aHVudGVy+w==\" }}");
    let config = parse(&bound, "").expect("valid");
    assert!(!format!("{config:?}").contains("aHVudGVy"));
    assert_eq!(
        config.tls.acme[0].external_account.as_ref().map(crate::tls::settings::ExternalAccount::key),
        Some(b"hunter\xfb".to_vec())
    );
}
