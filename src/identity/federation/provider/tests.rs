use serde_json::json;

use super::{
    super::testing::{Documents, NOW, Signer, asked, issuer, now, ok, put, serve},
    *,
};
use crate::dial::testing::{Authority, put as pem};

struct Case {
    documents: Documents,
    provider: Arc<Provider>,
}

impl Case {
    async fn new(signer: &Signer) -> Self {
        let documents = Documents::default();
        let name = format!("http://{}", serve(Arc::clone(&documents)).await);
        put(
            &documents,
            "/.well-known/openid-configuration",
            ok(&json!({ "issuer": name, "jwks_uri": format!("{name}/jwks") })),
        );
        let provider = Provider::new(&issuer(&name), None);
        let case = Self { documents, provider };
        case.publish(signer, "k1");
        case
    }

    fn publish(&self, signer: &Signer, kid: &str) {
        put(&self.documents, "/jwks", ok(&json!({ "keys": [signer.jwk(kid)] })));
    }

    async fn check(&self, signer: &Signer, kid: &str) -> Result<(), Refused> {
        let claims = json!({ "iss": self.provider.issuer.name, "aud": "us", "sub": "a", "exp": NOW + 60 });
        let token = signer.token(&json!({ "kid": kid }), &claims);
        self.provider.verify(&token, &["us".into()], Kind::Access, now()).await.map(drop)
    }

    /// As if the last fetch were half a minute ago.
    fn later(&self) {
        *self.provider.last() = Instant::now().checked_sub(BETWEEN_WISHES);
    }

    async fn round(&self) {
        let mut rounds = self.provider.rounds.subscribe();
        let before = *rounds.borrow_and_update();
        if before == 0 {
            rounds.changed().await.unwrap();
        }
    }
}

#[tokio::test]
async fn keys_rotate_under_tokens() {
    let (old, new) = (Signer::ec(), Signer::rsa());
    let case = Case::new(&old).await;
    tokio::spawn(Arc::clone(&case.provider).run());
    // The first token waits for the first fetch.
    assert_eq!(case.check(&old, "k1").await, Ok(()));
    case.publish(&new, "k2");
    assert_eq!(case.check(&new, "k2").await, Err(Refused::UnknownKey), "asked just now");
    assert_eq!(asked(&case.documents, "/jwks"), 1);
    case.later();
    assert_eq!(case.check(&new, "k2").await, Ok(()));
    assert_eq!(case.check(&old, "k1").await, Err(Refused::UnknownKey), "taken back by its issuer");
    for kid in ["a", "b", "c"] {
        assert_eq!(case.check(&new, kid).await, Err(Refused::UnknownKey));
    }
    assert_eq!(asked(&case.documents, "/jwks"), 2, "tokens that anybody can make cause one fetch in half a minute");
}

#[tokio::test]
async fn the_last_good_keys_stay_while_an_issuer_is_broken() {
    let signer = Signer::ec();
    let case = Case::new(&signer).await;
    tokio::spawn(Arc::clone(&case.provider).run());
    case.round().await;
    for broken in ["HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".into(), ok(&json!({ "keys": [] })), String::new()] {
        put(&case.documents, "/jwks", broken);
        case.later();
        assert_eq!(case.check(&signer, "other").await, Err(Refused::UnknownKey));
        assert_eq!(case.check(&signer, "k1").await, Ok(()));
    }
    assert_eq!(asked(&case.documents, "/jwks"), 4);
    // But not for ever.
    let set = KeySet::parse(json!({ "keys": [signer.jwk("k1")] }).to_string().as_bytes()).unwrap();
    case.provider.keys.store(Some(Arc::new(Known { set, until: Instant::now() })));
    *case.provider.last() = Some(Instant::now());
    assert_eq!(case.check(&signer, "k1").await, Err(Refused::UnknownKey));
}

#[tokio::test]
async fn a_named_place_needs_no_discovery() {
    let signer = Signer::ec();
    let case = Case::new(&signer).await;
    let name = case.provider.issuer.name.clone();
    let provider = Provider::new(&issuer(&name), Address::parse(&format!("{name}/jwks")).ok());
    let case = Case { documents: case.documents, provider };
    tokio::spawn(Arc::clone(&case.provider).run());
    case.round().await;
    assert_eq!(case.check(&signer, "k1").await, Ok(()));
    assert_eq!(asked(&case.documents, "/.well-known/openid-configuration"), 0);
    assert!(case.provider.metadata().is_none());
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_too_much_not_read() {
    let signer = Signer::ec();
    let case = Case::new(&signer).await;
    put(&case.documents, "/elsewhere", ok(&json!({ "keys": [signer.jwk("k1")] })));
    put(&case.documents, "/jwks", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".into());
    assert!(matches!(case.provider.refresh().await, Err(Error::Status(302))));
    assert_eq!(asked(&case.documents, "/elsewhere"), 0);
    put(&case.documents, "/jwks", ok(&json!({ "keys": [signer.jwk("k1")], "more": "x".repeat(600 << 10) })));
    assert!(matches!(case.provider.refresh().await, Err(Error::Fetch(fetch::Error::Body))));
}

#[test]
fn a_document_is_of_its_issuer_and_sends_nobody_into_the_clear() {
    let known = issuer("https://id.example/a");
    let parse = |value: &Value| Metadata::parse(value.to_string().as_bytes(), &known);
    let metadata = parse(&json!({
        "issuer": "https://id.example/a",
        "authorization_endpoint": "https://login.example/authorize?x=y",
        "token_endpoint": "http://127.0.0.1/token",
        "jwks_uri": "http://id.example/jwks",
        "userinfo_endpoint": 7,
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }))
    .unwrap();
    assert!(metadata.authorization.is_some() && metadata.secret_in_form && !metadata.names_itself);
    assert_eq!((metadata.token, metadata.jwks, metadata.userinfo, metadata.end_session), (None, None, None, None));
    for other in ["https://id.example/a/", "https://id.example/b", ""] {
        assert_eq!(parse(&json!({ "issuer": other })), None);
    }
    assert_eq!(Metadata::parse(b"[]", &known), None);
}

/// An issuer behind TLS: `openssl s_server`, ended when dropped.
struct Tls(std::process::Child);

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn keys_come_over_tls_from_whom_the_authority_has_signed() {
    use std::io::BufRead as _;
    let (dir, ours, other) = (tempfile::tempdir().unwrap(), Authority::new("ours"), Authority::new("other"));
    let (ca, wrong) = (pem(dir.path(), "ca.pem", ours.pem()), pem(dir.path(), "other.pem", other.pem()));
    let (chain, key) = ours.leaf(&["localhost"], 1).write(dir.path(), "leaf");
    let keys = json!({ "keys": [Signer::ec().jwk("k1")] }).to_string();
    // The server writes a file as it is.
    pem(dir.path(), "jwks", format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{keys}", keys.len()));
    let mut server = std::process::Command::new("openssl")
        .args(["s_server", "-HTTP", "-accept", "127.0.0.1:0", "-cert"])
        .arg(chain)
        .arg("-key")
        .arg(key)
        .current_dir(dir.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(server.stdout.take().unwrap()).lines();
    let _server = Tls(server);
    let port =
        lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ")?.rsplit(':').next()?.parse::<u16>().ok()).unwrap();
    let ask = async |host: &str, ca| {
        let place = Address::parse(&format!("https://{host}:{port}/jwks")).unwrap();
        Provider::new(&Issuer { ca, ..issuer("https://id.example") }, Some(place)).refresh().await
    };
    ask("localhost", Some(ca.clone())).await.unwrap();
    for (host, ca) in [("localhost", Some(wrong)), ("127.0.0.1", Some(ca)), ("localhost", None)] {
        let refused = ask(host, ca).await;
        assert!(
            matches!(refused, Err(Error::Fetch(fetch::Error::Connect(crate::dial::Error::Tls(_))))),
            "{host}: {refused:?}"
        );
    }
}
