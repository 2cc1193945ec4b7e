use aws_lc_rs::rsa::KeySize;
use serde_json::json;

use super::*;
use crate::identity::passkey::testing::{HOST, Token, UP_UV, bytes, kept};

fn site() -> Site {
    Site::of(HOST, None).expect("a site")
}

/// What becomes of an assertion by `token`, as it is now, of `passkey`.
fn assert_by(token: &Token, passkey: &Passkey) -> Result<(), Refused> {
    let (client_data, data, signature) = token.get("AAAA");
    let client = ClientData::read(&client_data).ok_or(Refused::Malformed)?;
    let handle = Some(token.handle.as_slice()).filter(|handle| !handle.is_empty());
    let assertion = Assertion { client_data: &client_data, data: &data, signature: &signature, handle };
    assertion.verify(&client, passkey, &site(), 11).map(|_| ())
}

fn enrol_by(token: &Token) -> Result<(), Refused> {
    let (client, object) = token.create("AAAA");
    let client = ClientData::read(&client).ok_or(Refused::Malformed)?;
    let made = enrol(&client, &object, &site())?;
    assert_eq!((&made.id, &made.key), (&token.id, &token.cose()));
    Ok(())
}

#[test]
fn three_kinds_of_keys_are_taken() {
    for mut token in [Token::new(), Token::ed25519(), Token::rsa()] {
        assert_eq!(enrol_by(&token), Ok(()));
        let passkey = kept(&token);
        assert_eq!(assert_by(&token, &passkey), Ok(()));
        token.handle = vec![7; 16];
        assert_eq!(assert_by(&token, &passkey), Ok(()));
        let others = Passkey { key: Token::new().cose(), ..passkey };
        assert_eq!(assert_by(&token, &others), Err(Refused::Signature));
    }
}

#[test]
fn what_is_wrong_with_either_is_refused() {
    type Change = fn(&mut Token);
    let cases: [(Change, Refused); 12] = [
        (|token| token.odd = json!({ "type": "payment.get" }), Refused::Origin),
        (|token| token.odd = json!({ "origin": "https://evil.example" }), Refused::Origin),
        (|token| token.odd = json!({ "origin": "http://shop.example" }), Refused::Origin),
        (|token| token.odd = json!({ "origin": "https://shop.example:8443" }), Refused::Origin),
        (|token| token.odd = json!({ "origin": "https://sub.shop.example" }), Refused::Origin),
        (|token| token.odd = json!({ "crossOrigin": true }), Refused::Origin),
        (|token| token.odd = json!({ "topOrigin": "https://evil.example" }), Refused::Origin),
        (|token| token.host = "evil.example".into(), Refused::Site),
        (|token| token.flags = 0b001, Refused::Unverified),
        (|token| token.flags = 0b100, Refused::Unverified),
        (|token| token.flags = UP_UV | 1 << 4, Refused::Copies),
        (|token| token.flags = UP_UV | 1 << 7, Refused::Malformed),
    ];
    for (n, (change, refused)) in cases.into_iter().enumerate() {
        let mut token = Token::new();
        let passkey = kept(&token);
        change(&mut token);
        assert_eq!(assert_by(&token, &passkey), Err(refused), "case {n} of an assertion");
        assert_eq!(enrol_by(&token), Err(refused), "case {n} of an enrolment");
    }
}

#[test]
fn what_does_not_fit_the_kept_passkey_is_refused() {
    let mut token = Token::new();
    let passkey = kept(&token);
    token.handle = vec![8; 16];
    assert_eq!(assert_by(&token, &passkey), Err(Refused::Person));
    token.handle.clear();
    token.flags = UP_UV | 1 << 3;
    assert_eq!(assert_by(&token, &passkey), Err(Refused::Copies));
    token.flags = UP_UV;
    let elsewhere = Passkey { host: "crm.example".into(), ..passkey.clone() };
    assert_eq!(assert_by(&token, &elsewhere), Err(Refused::Site));
    for (last, refused) in [(11, Err(Refused::Replayed)), (12, Err(Refused::Replayed)), (10, Ok(()))] {
        assert_eq!(assert_by(&token, &Passkey { last, ..passkey.clone() }), refused);
    }
    for (kept, now, outcome) in [
        (5, 6, Ok(())),
        (0, 1, Ok(())),
        (0, 0, Ok(())),
        (5, 5, Err(Refused::Counter)),
        (5, 4, Err(Refused::Counter)),
        (5, 0, Err(Refused::Counter)),
    ] {
        token.counter = now;
        assert_eq!(assert_by(&token, &Passkey { counter: kept, ..passkey.clone() }), outcome, "{kept} -> {now}");
    }
}

#[test]
fn each_signed_byte_counts() {
    let token = Token::new();
    let passkey = kept(&token);
    let (client_data, data, signature) = token.get("AAAA");
    let client = ClientData::read(&client_data).expect("client data");
    let taken = |client_data: &[u8], data: &[u8], signature: &[u8]| {
        Assertion { client_data, data, signature, handle: None }.verify(&client, &passkey, &site(), 11).is_ok()
    };
    assert!(taken(&client_data, &data, &signature));
    for part in 0..3 {
        let mut parts = [client_data.clone(), data.clone(), signature.clone()];
        for at in 0..parts[part].len() {
            parts[part][at] ^= 4;
            assert!(!taken(&parts[0], &parts[1], &parts[2]), "byte {at} of part {part}");
            parts[part][at] ^= 4;
        }
    }
}

#[test]
fn attestations_that_are_cut_or_made_up_are_refused() {
    let (client, object) = Token::new().create("AAAA");
    let client = ClientData::read(&client).expect("client data");
    assert!(enrol(&client, &object, &site()).is_ok());
    for end in 0..object.len() {
        assert!(enrol(&client, &object[..end], &site()).is_err(), "cut at {end}");
    }
    assert!(enrol(&client, &[&object[..], b"\x00"].concat(), &site()).is_err());
    // Without a credential, as an assertion has it.
    let bare = [&b"\xa1\x68authData"[..], &bytes(&Token::new().data(false))].concat();
    assert_eq!(enrol(&client, &bare, &site()), Err(Refused::Malformed));
    // No bytes that anybody sends make it panic.
    for _ in 0..2000 {
        let mut odd = object.clone();
        let at = fastrand::usize(..odd.len());
        odd[at] = fastrand::u8(..);
        let _ = enrol(&client, &odd, &site());
    }
}

#[test]
fn keys_that_are_weak_or_none_are_refused() {
    let refused = |cose: &[u8]| {
        let data = [&Token::new().data(true)[..32 + 5], &[0; 16], b"\x00\x01x", cose].concat();
        let object = [&b"\xa1\x68authData"[..], &bytes(&data)].concat();
        let client = ClientData::read(&Token::new().client("webauthn.create", "AAAA")).expect("client data");
        enrol(&client, &object, &site()) == Err(Refused::Malformed)
    };
    let good = Token::new().cose();
    assert!(!refused(&good));
    for (at, byte, why) in [
        (2, 1, "another type of key"),
        (4, 0x27, "another algorithm"),
        (4, 0x25, "an algorithm that nobody has asked for"),
        (6, 2, "another curve"),
        (20, good[20] ^ 1, "a point that is on no curve"),
        (3, 1, "a label that stands twice"),
        (0, 0xa4, "something after the key"),
    ] {
        let mut odd = good.clone();
        odd[at] = byte;
        assert!(refused(&odd), "{why}");
    }
    let rsa = Token::rsa().cose();
    assert!(!refused(&rsa));
    let n = &rsa[11..][..256];
    let short = [b"\xa4\x01\x03\x03\x39\x01\x00\x20".to_vec(), bytes(&n[..128]), b"\x21\x43\x01\x00\x01".to_vec()];
    assert!(refused(&short.concat()), "1024 bits");
    assert_eq!(KeySize::Rsa2048.len(), 256);
}

#[test]
fn addresses_and_odd_hosts_have_no_passkeys() {
    let of = |host: &str| Site::of(host, None).map(|site| (site.id, site.origin));
    assert_eq!(of("Shop.Example:443"), Some(("shop.example".into(), "https://shop.example".into())));
    assert_eq!(of("localhost:8443"), Some(("localhost".into(), "https://localhost:8443".into())));
    for none in ["127.0.0.1", "127.0.0.1:8443", "[::1]", "[::1]:8443", "", "a b", "shop.example.", "x\"y"] {
        assert_eq!(of(none), None, "{none}");
    }
    let below = |host: &str| Site::of(host, Some("example.com")).map(|site| (site.id, site.origin));
    assert_eq!(below("crm.example.com:8443"), Some(("example.com".into(), "https://crm.example.com:8443".into())));
    assert_eq!(below("example.com"), Some(("example.com".into(), "https://example.com".into())));
    for none in ["example.org", "badexample.com", "com", "example.com.evil.example", "127.0.0.1"] {
        assert_eq!(below(none), None, "{none}");
    }
}
