//! Signing in at the console in a real browser: by passkey, by one-time code, and at a provider.

use std::process::Command;

use crate::{
    gate::{PASSWORD, add, staff},
    oidc::Provider,
    registry::{does, password},
    support::{Privet, free_port, python},
};

const HERE: &str = " --config privet.toml";

/// A console whose officers are one and two, with more lines for their realm.
fn office(realm: &str) -> (Privet, String) {
    let console = free_port();
    let privet = Privet::with_listen(
        &format!("console = \"127.0.0.1:{console}\""),
        &format!(
            "[[realm]]\nname = \"staff\"\n{realm}\n[[route]]\nupstream = \"http://127.0.0.1:9\"\ngate = \"staff\"\n"
        ),
    );
    password(privet.dir.path());
    for name in ["one", "two"] {
        add(&privet, name, &[]);
    }
    does(privet.dir.path(), &format!("staff init one two{HERE}"));
    // A name: there are no passkeys for addresses.
    (privet, format!("https://localhost:{console}"))
}

fn walk(privet: &Privet, site: &str, way: &str, who: &str, secret: &str) {
    let out = Command::new(python())
        .args(["-c", concat!(include_str!("browser.py"), include_str!("console_sign_in.py"))])
        .args([site, PASSWORD, way, who, secret])
        .output()
        .expect("python runs");
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{}\n{said}", privet.log());
}

#[test]
fn an_officer_signs_in_by_a_passkey() {
    let (privet, site) = office("passkeys = true");
    walk(&privet, &site, "passkey", "two", "");
    assert!(staff(&privet, &["list"], "").contains("two\tactive\tpassword, 1 passkey"));
}

#[test]
fn an_officer_signs_in_by_a_one_time_code() {
    let (privet, site) = office("second_factor = \"optional\"");
    let shown = staff(&privet, &["totp", "two"], "");
    let secret = shown.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a secret").to_owned();
    privet.until("the account is read", || privet.log().contains("staff file was read again"));
    walk(&privet, &site, "code", "two", &secret);
}

#[test]
fn an_officer_signs_in_at_a_provider() {
    let provider = Provider::start();
    let issuer = provider.issuer();
    let (privet, site) = office(&format!(
        "oidc = {{ issuer = \"{issuer}\", client_id = \"privet\", client_secret = \"s3cret-of-ours\", scopes = [\"openid\"] }}"
    ));
    let order = |line: &str| does(privet.dir.path(), &format!("{line}{HERE}"));
    // Whom the provider vouches for is nobody here before two officers have said what they are.
    let said = order(&format!("staff grant alice privacy-officer --issuer {issuer} --reason holidays --as one"));
    let number: String =
        said.split("confirm ").nth(1).expect("a number").chars().take_while(char::is_ascii_digit).collect();
    order(&format!("staff confirm {number} --as two"));
    walk(&privet, &site, "provider", "alice", &issuer);
    let looked = order("audit search --kind access.looked --json");
    assert!(looked.contains("\"alice\"") && looked.contains(&issuer), "by the name that the provider has: {looked}");
    assert!(!privet.log().contains("alice") && !privet.log().contains("s3cret-of-ours"), "nobody's name in a log");
}
