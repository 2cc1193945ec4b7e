use std::{fs, os::unix::fs::symlink, time::Duration};

use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;
use crate::{
    dial::testing::{Authority, Leaf, put},
    tls::{
        acceptor::Acceptor,
        settings::{Acme, Certificate, Trust},
        testing::{any_client, client, every_scheme, leaf_in, shake, shown, with_leaf},
    },
};

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> SystemTime {
    SystemTime::now()
}

/// Lays a pair out as Kubernetes does a secret: `tls.crt -> ..data/tls.crt`, `..data -> ..N`.
fn mount(dir: &Path, version: &str, leaf: &Leaf) -> Certificate {
    let data = dir.join(format!("..{version}"));
    fs::create_dir(&data).unwrap();
    put(&data, "tls.crt", &leaf.chain);
    put(&data, "tls.key", &leaf.key);
    symlink(format!("..{version}"), dir.join("..data_tmp")).unwrap();
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    for name in ["tls.crt", "tls.key"] {
        let _ = symlink(Path::new("..data").join(name), dir.join(name));
    }
    Certificate { chain: dir.join("tls.crt"), key: dir.join("tls.key") }
}

#[tokio::test]
async fn a_symlink_swap_is_taken_over_and_live_connections_go_on() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("CA");
    let pair = mount(dir.path(), "1", &authority.leaf(&["a.test"], 1));
    let settings = Settings { certificates: vec![pair.clone()], ..crate::tls::testing::settings(dir.path()) };
    let store = Store::open(&settings, now()).unwrap();
    assert!(store.refresh(now()).is_empty());
    let before = leaf_in(&pair.chain);
    let (near, far) = tokio::io::duplex(16 * 1024);
    let connector = TlsConnector::from(any_client());
    let acceptor = Acceptor::new(store.clone());
    let name = ServerName::try_from("a.test").unwrap();
    let (client, server) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
    let (mut client, (mut server, _)) = (client.unwrap(), server.unwrap().unwrap());

    mount(dir.path(), "2", &authority.leaf(&["a.test"], 2));
    fs::remove_dir_all(dir.path().join("..1")).unwrap();
    let events = store.refresh(now());
    assert!(matches!(&events[..], [Event::Reloaded { files }] if files.len() == 2));
    let after = leaf_in(&pair.chain);
    assert_ne!(before, after);
    assert_eq!(shown(&store, &any_client(), "a.test").await, after);
    client.write_all(b"still here").await.unwrap();
    client.flush().await.unwrap();
    let mut bytes = [0; 10];
    server.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"still here");
    assert!(store.refresh(now()).is_empty());
}

#[tokio::test]
async fn a_mismatched_pair_is_told_once_and_mends_itself() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("CA");
    let (one, two) = (authority.leaf(&["a.test"], 1), authority.leaf(&["a.test"], 2));
    let store = Store::open(&with_leaf(dir.path(), "a", &one), now()).unwrap();
    let chain = put(dir.path(), "a.pem", &two.chain);
    let events = store.refresh(now());
    assert!(matches!(
        &events[..],
        [Event::Kept { file, error: Error::File(pem::Error::Mismatch { .. }) }] if *file == chain
    ));
    assert!(store.refresh(now()).is_empty());
    assert_ne!(shown(&store, &any_client(), "a.test").await, leaf_in(&chain));

    put(dir.path(), "a.pem", &two.chain[..two.chain.len() / 2]);
    assert!(matches!(&store.refresh(now())[..], [Event::Kept { .. }]));
    put(dir.path(), "a.pem", &two.chain);
    assert!(store.refresh(now()).is_empty());
    put(dir.path(), "a.key", &two.key);
    assert!(matches!(&store.refresh(now())[..], [Event::Reloaded { .. }]));
    assert_eq!(shown(&store, &any_client(), "a.test").await, leaf_in(&chain));

    fs::remove_file(&chain).unwrap();
    assert!(matches!(&store.refresh(now())[..], [Event::Kept { .. }]));
    put(dir.path(), "a.pem", &two.chain);
    assert!(store.refresh(now()).is_empty());
}

#[test]
fn of_many_pairs_each_is_looked_at_in_its_turn() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("CA");
    let mut settings = with_leaf(dir.path(), "a", &authority.leaf(&["a.test"], 1));
    let last = with_leaf(dir.path(), "z", &authority.leaf(&["z.test"], 1)).certificates.remove(0);
    settings.certificates = vec![settings.certificates[0].clone(); 2 * LOOKS];
    settings.certificates.push(last.clone());
    let store = Store::open(&settings, now()).unwrap();
    for (turn, at) in [(0, 3), (1, 2), (2, 2)] {
        let new = authority.leaf(&["z.test"], 2 + turn);
        put(dir.path(), "z.key", &new.key);
        put(dir.path(), "z.pem", &new.chain);
        let found = (1..=3).find(|_| store.refresh(now()).iter().any(|event| matches!(event, Event::Reloaded { .. })));
        assert!(found.is_some_and(|looks| looks <= at), "{turn}: {found:?}");
    }
}

#[tokio::test]
async fn the_development_leaf_renews_itself() {
    let dir = TempDir::new().unwrap();
    let settings = crate::tls::testing::settings(dir.path());
    let store = Store::open(&settings, now()).unwrap();
    let chain = settings.development_dir.join("leaf.pem");
    let before = leaf_in(&chain);
    assert_eq!(shown(&store, &any_client(), "localhost").await, before);
    assert!(store.refresh(now() + DAY * 59).is_empty());
    let late = now() + DAY * 70;
    assert!(matches!(&store.refresh(late)[..], [Event::Reloaded { .. }]));
    assert_ne!(leaf_in(&chain), before);
    assert_eq!(shown(&store, &any_client(), "localhost").await, leaf_in(&chain));
    let [(name, until)] = &store.expiries()[..] else {
        panic!("one certificate");
    };
    assert_eq!(name, "localhost");
    let left = until - seconds(late);
    assert!(left > 89 * 86_400 && left < 90 * 86_400);

    fs::remove_file(&chain).unwrap();
    assert!(matches!(&store.refresh(late)[..], [Event::Reloaded { .. }]));
    fs::write(settings.development_dir.join("ca.pem"), "spoilt").unwrap();
    let events = store.refresh(late + DAY * 70);
    assert!(matches!(&events[..], [Event::Kept { error: Error::Development(_), .. }]));
    assert!(store.refresh(late + DAY * 70).is_empty());
}

#[test]
fn expiry_is_told_once() {
    let dir = TempDir::new().unwrap();
    let leaf = Authority::new("CA").leaf(&["a.test"], 1);
    let late = now() + DAY * 400;
    let store = Store::open(&with_leaf(dir.path(), "a", &leaf), late).unwrap();
    assert!(matches!(&store.refresh(late)[..], [Event::Expired { since, .. }] if *since < seconds(late)));
    assert!(store.refresh(late).is_empty());
}

#[tokio::test]
async fn a_new_revocation_list_ends_resumption_too() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("Clients");
    let (chain, key) = authority.leaf(&["me.test"], 7).write(dir.path(), "me");
    let trust = Trust {
        ca: put(dir.path(), "ca.pem", authority.pem()),
        crl: Some(put(dir.path(), "list.crl", authority.revoke(&[], 30))),
    };
    let settings =
        Settings { client: Client::Require(trust), ..with_leaf(dir.path(), "a", &authority.leaf(&["a.test"], 1)) };
    let store = Store::open(&settings, now()).unwrap();
    let me = client(crate::tls::testing::BOTH, &every_scheme(), Some((&chain, &key)));
    for resumed in [false, true] {
        let agreed = shake(&store, &me, "a.test").await.0.unwrap();
        assert_eq!(agreed.resumed, resumed);
        assert_eq!(agreed.client_certificate, Some(leaf_in(&chain)));
    }
    put(dir.path(), "list.crl", authority.revoke(&[7], 30));
    assert!(matches!(&store.refresh(now())[..], [Event::Reloaded { .. }]));
    let refused = shake(&store, &me, "a.test").await.0.unwrap_err();
    assert_eq!(refused, crate::tls::Error::ClientCertificate("revoked"));

    put(dir.path(), "list.crl", "not a list");
    assert!(matches!(&store.refresh(now())[..], [Event::Kept { .. }]));
    assert!(shake(&store, &me, "a.test").await.0.is_err());

    // A list past its time can vouch for nobody.
    put(dir.path(), "list.crl", authority.revoke(&[], -1));
    let events = store.refresh(now());
    assert!(matches!(&events[..], [Event::Reloaded { .. }, Event::Expired { .. }]));
    let refused = shake(&store, &me, "a.test").await.0.unwrap_err();
    assert_eq!(refused, crate::tls::Error::ClientCertificate("the revocation list has expired"));
}

#[tokio::test]
async fn other_settings_come_wholly_or_not_at_all() {
    let dir = TempDir::new().unwrap();
    let authority = Authority::new("CA");
    let first = with_leaf(dir.path(), "a", &authority.leaf(&["a.test"], 1));
    let store = Store::open(&first, now()).unwrap();
    let me = any_client();
    shake(&store, &me, "a.test").await.0.unwrap();

    let mut second = with_leaf(dir.path(), "b", &authority.leaf(&["b.test"], 2));
    second.certificates.push(Certificate { chain: dir.path().join("none.pem"), key: dir.path().join("none.key") });
    let error = store.reconfigure(&second, now()).unwrap_err();
    assert!(error.to_string().contains("none.pem"));
    assert_eq!(store.expiries()[0].0, "a.test");

    second.certificates.truncate(1);
    second.certificates.extend(first.certificates.clone());
    store.reconfigure(&second, now()).unwrap();
    assert!(store.expiries().iter().any(|(name, _)| name == "b.test"));
    let resumed = shake(&store, &me, "a.test").await.0.unwrap();
    assert!(resumed.resumed, "the same trust keeps its tickets");

    let ca = put(dir.path(), "ca.pem", authority.pem());
    second.client = Client::Request(Trust { ca, crl: None });
    store.reconfigure(&second, now()).unwrap();
    let fresh = shake(&store, &me, "a.test").await.0.unwrap();
    assert!(!fresh.resumed && fresh.client_certificate.is_none());
}

#[tokio::test]
async fn what_is_ordered_is_taken_when_it_comes_and_stays_when_it_goes() {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let authority = Authority::new("CA");
    let acme = vec![
        crate::tls::acme::testing::settings(&["a.test", "b.test"]),
        crate::tls::acme::testing::settings(&["c.test"]),
    ];
    let settings = Settings { acme, acme_dir: at.to_owned(), ..crate::tls::testing::settings(at) };
    let bundle = |serial| {
        let leaf = authority.leaf(&["a.test", "b.test"], serial);
        format!("Ordered by somebody\n{}{}", leaf.key, leaf.chain)
    };
    put(at, "c.test.pem", "damaged");
    let store = Store::open(&settings, now()).unwrap();
    assert!(!settings.development_dir.exists());
    assert!(matches!(&store.refresh(now())[..], [Event::Kept { file, .. }] if file.ends_with("c.test.pem")));
    assert!(store.refresh(now()).is_empty() && store.expiries().is_empty());
    assert_eq!(shake(&store, &any_client(), "a.test").await.0, Err(crate::tls::Error::NoCertificate));
    assert_eq!(store.list().iter().map(|listed| listed.validity).collect::<Vec<_>>(), [None, None]);

    let file = put(at, "a.test.pem", bundle(1));
    assert!(matches!(&store.refresh(now())[..], [Event::Reloaded { files }] if *files == [file.clone()]));
    let first = leaf_in(&file);
    assert_eq!(shown(&store, &any_client(), "b.test").await, first);
    assert_eq!(store.expiries()[0].0, "a.test");
    let listed = &store.list()[0];
    assert_eq!((listed.names.len(), listed.issuer.as_deref()), (2, Some("CA")));
    assert_eq!(shake(&store, &any_client(), "c.test").await.0, Err(crate::tls::Error::NoCertificate));

    fs::remove_file(&file).unwrap();
    assert!(matches!(&store.refresh(now())[..], [Event::Kept { .. }]));
    // Nor does a reload lose what was read.
    store.reconfigure(&settings, now()).unwrap();
    assert_eq!(shown(&store, &any_client(), "a.test").await, first);
    put(at, "a.test.pem", bundle(2));
    assert!(store.refresh(now()).iter().any(|event| matches!(event, Event::Reloaded { .. })));
    assert_eq!(shown(&store, &any_client(), "a.test").await, leaf_in(&file));

    let broken =
        Settings { acme: vec![Acme { ca: Some(at.join("none.pem")), ..settings.acme[0].clone() }], ..settings };
    assert!(store.reconfigure(&broken, now()).is_err_and(|error| error.to_string().contains("none.pem")));
}
