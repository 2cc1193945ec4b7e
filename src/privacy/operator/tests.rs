use super::*;
use crate::{
    privacy::keys::Ring,
    seal::{self, keys::SECRET},
};

fn keys() -> Keys {
    Keys::derive("2026-11", &[1; SECRET]).expect("valid")
}

fn written(operator: Operator, kind: &Kind, value: &str) -> String {
    let mut out = Vec::new();
    write(operator, &keys(), kind, value.as_bytes(), &mut out);
    String::from_utf8(out).expect("text")
}

#[test]
fn a_token_is_one_for_all_ways_of_writing() {
    let token = |kind: &Kind, value: &str| written(Operator::Token, kind, value);
    let email = token(&Kind::Email, "Kim@Example.com");
    assert_eq!(email.len(), "<EMAIL_ADDRESS:q7m3f2kdx4hw9abc>".len());
    assert_eq!(email, token(&Kind::Email, "kim@example.com"));
    let phone = token(&Kind::Phone, "010-1234-5678");
    for other in ["01012345678", "+82 10-1234-5678", "+82 (0)10 1234 5678", "010.1234.5678"] {
        assert_eq!(phone, token(&Kind::Phone, other), "{other}");
    }
    assert_ne!(phone, token(&Kind::Phone, "+1 010-1234-5678"));
    assert_eq!(token(&Kind::CreditCard, "4111 1111 1111 1111"), token(&Kind::CreditCard, "4111111111111111"));
    assert_eq!(token(&Kind::IpAddress, "::ffff:203.0.113.7"), token(&Kind::IpAddress, "203.0.113.7"));
    assert_eq!(token(&Kind::Person, "Ann  Lee"), token(&Kind::Person, "ann lee"));
    assert_ne!(token(&Kind::Password, "A"), token(&Kind::Password, "a"));
}

#[test]
fn a_mask_shows_what_is_needed_and_is_its_own_mask() {
    for (kind, value, mask) in [
        (Kind::Email, "kim.minsu@example.com", "k***@example.com"),
        (Kind::Phone, "010-1234-5678", "010-****-5678"),
        (Kind::Phone, "01012345678", "010****5678"),
        (Kind::Phone, "02-123-4567", "02-***-4567"),
        (Kind::Phone, "+82 10-1234-5678", "+82 **-****-5678"),
        (Kind::Phone, "(212) 555-0187", "(212) ***-0187"),
        (Kind::Phone, "1588-1234", "****-1234"),
        (Kind::CreditCard, "4111 1111 1111 1111", "**** **** **** 1111"),
        (Kind::KrRrn, "900101-1234567", "900101-*******"),
        (Kind::Iban, "DE89370400440532013000", "******************3000"),
        (Kind::UsSsn, "123-45-6789", "***-**-*789"),
        (Kind::IpAddress, "203.0.113.77", "203.0.113.*"),
        (Kind::IpAddress, "2001:db8:1:2::5", "2001:db8:1:*"),
        (Kind::Person, "김서윤", "김**"),
        (Kind::Person, "John Smith", "J*** S****"),
        (Kind::Location, "서울특별시 강남구 테헤란로 42길 15", "서울특별시 강남구 ***"),
        (Kind::Location, "서울특별시  강남구 테헤란로", "서울특별시 강남구 ***"),
        (Kind::Location, "서울특별시\u{3000}강남구 테헤란로 12", "서울특별시 강남구 ***"),
        (Kind::Location, "서울특별시 강남구 12", "서울특별시 강남구 ***"),
        (Kind::Location, "서울특별시 강남구", "서울특별시 강남구"),
        (Kind::Location, "12 Main Street, Springfield", "***, Springfield"),
        (Kind::DateOfBirth, "1990-01-31", "1990-**-**"),
        (Kind::Password, "hunter2", "********"),
        (Kind::KrPassport, "M12345678", "******678"),
        (Kind::Own("X".into()), "E123456", "*******"),
    ] {
        assert_eq!(written(Operator::Mask, &kind, value), mask, "{value}");
        if kind != Kind::IpAddress {
            assert_eq!(written(Operator::Mask, &kind, mask), mask);
        }
    }
}

#[test]
fn addresses_are_cut_or_kept_in_their_networks() {
    assert_eq!(written(Operator::Truncate, &Kind::IpAddress, "203.0.113.77"), "203.0.113.0");
    assert_eq!(written(Operator::Truncate, &Kind::IpAddress, "2001:db8:1:2::5"), "2001:db8:1::");
    let kept = written(Operator::Preserve, &Kind::IpAddress, "203.0.113.77");
    assert!(kept.parse::<std::net::Ipv4Addr>().is_ok() && kept != "203.0.113.77");
    assert!(written(Operator::Truncate, &Kind::Email, "a@b.cd").starts_with("<EMAIL_ADDRESS:"));
}

#[test]
fn what_is_encrypted_is_opened_by_its_epoch_alone() {
    let ring = Ring::of(&seal::Ring::ephemeral().expect("random")).expect("valid");
    let mut mark = Vec::new();
    write(Operator::Encrypt, &ring.current(), &Kind::Person, "김서윤".as_bytes(), &mut mark);
    let mark = String::from_utf8(mark).expect("text");
    let inner = mark.trim_matches(['<', '>']);
    assert_eq!(open(&ring, inner.as_bytes()).as_deref(), Some("김서윤".as_bytes()));
    assert_eq!(open(&ring, inner.replace("ephemeral", "2026-10").as_bytes()), None);
    assert_eq!(open(&ring, inner.replace("PERSON", "LOCATION").as_bytes()), None);
    assert_eq!(open(&ring, b"PERSON:abc"), None);
    let other = Ring::of(&seal::Ring::ephemeral().expect("random")).expect("valid");
    assert_eq!(open(&other, inner.as_bytes()), None);
}

#[test]
fn marks_are_known_again() {
    let known = |name: &[u8]| Kind::ALL.iter().any(|kind| kind.name().as_bytes() == name);
    let mark = written(Operator::Token, &Kind::Password, "hunter2");
    let sealed = written(Operator::Encrypt, &Kind::Phone, "010-1234-5678");
    let text = format!("a {mark} <PERSON> <b> ZZ <PHONE_NUMBER:010-1234-5678> <PERSONS> {sealed}");
    let marked = |part: &str| {
        let start = text.find(part).expect("there");
        is_mark(text.as_bytes(), start, start + part.len(), known)
    };
    for part in [&mark[1..], &mark[10..20], &mark, "PERSON", "<PERSON>", &sealed[20..30]] {
        assert!(marked(part), "{part}");
    }
    for part in ["a", "<b>", "ZZ", "010-1234-5678", "<PERSONS>", "> <PERSON"] {
        assert!(!marked(part), "{part}");
    }
}
