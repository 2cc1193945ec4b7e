use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

fn form(query: &str, body: &str) -> Result<String, Unreadable> {
    typed(&Username::Form("email".into()), FORM, query, body.as_bytes())
}

fn json(body: &str) -> Result<String, Unreadable> {
    typed(&Username::Json(vec!["email".into()]), "application/json", "", body.as_bytes())
}

fn typed(source: &Username, kind: &str, query: &str, body: &[u8]) -> Result<String, Unreadable> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).expect("a header"));
    read(source, 4096, Some(query), &headers, body)
}

const ALICE: &str = "alice@example.com";

#[test]
fn one_account_has_one_name_however_it_is_written() {
    for body in [
        "email=alice%40example.com&password=x",
        "email=ALICE@Example.com",
        "password=x&email=+alice%40example.com+",
        "%65mail=alice@example.com",
        "EMAIL=alice@example.com",
        "+email=alice@example.com",
        "email[]=alice@example.com",
        "email%00x=alice@example.com",
        "email=al%E2%80%8Bice@example.com",
        "email=%EF%BD%81lice@example.com",
        "email=%C3%A1lice@example.com",
    ] {
        assert_eq!(form("", body), Ok(ALICE.to_owned()), "{body}");
    }
    assert_eq!(form("email=alice@example.com", ""), Ok(ALICE.to_owned()));
    assert_eq!(form("", "email=%E1%B8%BAim"), form("", "email=%E1%B8%BBim"));
    assert_eq!(form("", "email="), Ok(String::new()));
}

#[test]
fn what_two_readers_could_take_differently_is_refused() {
    use Unreadable::{Ambiguous, Malformed, Missing, TooLarge};
    for (query, body, why) in [
        ("", "email=a&email=b", Ambiguous),
        ("", "email=a&Email=b", Ambiguous),
        ("", "email=a&+email=b", Ambiguous),
        ("", "email=a&email[0]=b", Ambiguous),
        ("email=a", "email=b", Ambiguous),
        ("", "email=a;email=b", Ambiguous),
        ("", "x=1;email=b", Ambiguous),
        ("", "email;x=a", Ambiguous),
        ("", "password=x", Missing),
        ("", "%zz=1&email=a", Malformed),
        ("", "email=a%00b", Malformed),
        ("", "email=ad%3Cb1%3Emin", Ambiguous),
        ("", "email=ad%2541min", Ambiguous),
        ("", "email=ad%26zwj%3Bmin", Ambiguous),
    ] {
        assert_eq!(form(query, body), Err(why), "{query} {body}");
    }
    assert_eq!(form("", &format!("email={}", "a".repeat(1025))), Err(TooLarge));
    assert_eq!(form("", &"x".repeat(4097)), Err(TooLarge));
}

#[test]
fn bodies_that_are_no_plain_forms_are_refused() {
    let source = Username::Form("email".into());
    let body = b"email=a";
    assert_eq!(typed(&source, "text/plain", "", body), Err(Unreadable::Type));
    assert_eq!(typed(&source, "application/json", "", b"{\"email\":\"a\"}"), Err(Unreadable::Type));
    assert_eq!(typed(&source, "application/x-www-form-urlencoded; charset=utf-16", "", body), Err(Unreadable::Charset));
    assert_eq!(typed(&source, "application/x-www-form-urlencoded; charset=\"UTF-8\"", "", body), Ok("a".into()));
    let mut headers = HeaderMap::new();
    assert_eq!(read(&source, 99, None, &headers, body), Err(Unreadable::Type));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    headers.append(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    assert_eq!(read(&source, 99, None, &headers, body), Err(Unreadable::Type));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert_eq!(read(&source, 99, None, &headers, body), Err(Unreadable::Coded));
}

#[test]
fn multipart_forms_are_refused() {
    // Their readers differ about line ends, quotes and boundaries: one body could name two accounts.
    let source = Username::Form("email".into());
    let body = b"--XyZ\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@example.com\r\n--XyZ--\r\n";
    assert_eq!(typed(&source, "multipart/form-data; boundary=XyZ", "", body), Err(Unreadable::Type));
}

#[test]
fn json_names_its_account_once() {
    for body in [
        r#"{"email":"alice@example.com","password":"x"}"#,
        r#"{"password":{"email":"b"},"\u0065mail":"ALICE@example.com"}"#,
        r#"{"Email":"alice@example.com"}"#,
    ] {
        assert_eq!(json(body), Ok(ALICE.to_owned()), "{body}");
    }
    assert_eq!(json(r#"{"email":12}"#), Ok("12".into()));
    for body in [
        r#"{"email":"a","email":"b"}"#,
        r#"{"email":"a","EMAIL":"b"}"#,
        r#"{"email":["a"],"email":"b"}"#,
        r#"{"email":{"$gt":""}}"#,
        r#"{"email":["a"]}"#,
    ] {
        assert_eq!(json(body), Err(Unreadable::Ambiguous), "{body}");
    }
    assert_eq!(json(r#"{"email":"a"}{"email":"b"}"#), Err(Unreadable::Malformed));
    assert_eq!(json(r"{'email':'a'}"), Err(Unreadable::Malformed));
    assert_eq!(json(r#"[{"email":"a"}]"#), Err(Unreadable::Missing));
    let kind = "application/json";
    let deep = Username::Json(vec!["user".into(), "name".into()]);
    assert_eq!(typed(&deep, kind, "", br#"{"user":{"name":"a"},"name":"b"}"#), Ok("a".into()));
    assert_eq!(typed(&deep, kind, "", br#"{"user":{"name":"a"},"user":{"name":"b"}}"#), Err(Unreadable::Ambiguous));
    let one = Username::Json(vec!["email".into()]);
    assert_eq!(typed(&one, kind, "email=b", br#"{"email":"a"}"#), Err(Unreadable::Ambiguous));
    assert_eq!(typed(&one, kind, "", b"{\"email\":\"\xFF\"}"), Err(Unreadable::Charset));
    assert_eq!(typed(&one, "text/plain", "", br#"{"email":"a"}"#), Err(Unreadable::Type));
}

#[test]
fn basic_credentials_and_headers() {
    let basic = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a header"));
        read(&Username::Basic, 0, None, &headers, b"")
    };
    assert_eq!(basic("Basic QWxpY2U6eDp5"), Ok("alice".into()));
    assert_eq!(basic("basic  QWxpY2U6eA"), Ok("alice".into()));
    assert_eq!(basic("Basic QWxpY2U="), Err(Unreadable::Malformed));
    assert_eq!(basic("Basic"), Err(Unreadable::Malformed));
    assert_eq!(basic("Bearer QWxpY2U6eA"), Err(Unreadable::Missing));
    let mut headers = HeaderMap::new();
    let source = Username::Header(http::HeaderName::from_static("x-user"));
    assert_eq!(read(&source, 0, None, &headers, b""), Err(Unreadable::Missing));
    headers.append("x-user", HeaderValue::from_static("Bob"));
    assert_eq!(read(&source, 0, None, &headers, b""), Ok("bob".into()));
    headers.append("x-user", HeaderValue::from_static("eve"));
    assert_eq!(read(&source, 0, None, &headers, b""), Err(Unreadable::Ambiguous));
}

#[test]
fn a_usual_name_is_found_but_only_one() {
    let guess = |kind: &str, body: &[u8]| typed(&Username::Guess, kind, "", body);
    assert_eq!(guess(FORM, b"csrf=1&j_username=Bob&j_password=x"), Ok("bob".into()));
    assert_eq!(guess("application/json", br#"{"user":{"email":"Bob"}}"#), Err(Unreadable::Ambiguous));
    assert_eq!(guess("application/json", br#"{"data":{"email":"Bob"}}"#), Ok("bob".into()));
    assert_eq!(guess(FORM, b"username=a&email=b"), Err(Unreadable::Ambiguous));
    assert_eq!(guess(FORM, b"name=a"), Err(Unreadable::Missing));
}

#[test]
fn a_login_by_get_is_seen_in_the_query() {
    let source = Username::Form("email".into());
    assert!(is_in_query(&source, "email=a&password=b") && is_in_query(&source, "x=1;EMAIL=a&user_pw=b"));
    assert!(!is_in_query(&source, "email=a") && !is_in_query(&source, "password=b") && !is_in_query(&source, ""));
}

#[test]
fn a_password_is_read_as_it_was_sent_or_not_at_all() {
    let read = |place: &Place, kind: &str, body: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).expect("a header"));
        password(place, 1000, None, &headers, body.as_bytes()).map(|password| password.to_vec())
    };
    let form = |body| read(&Place::Form("password".into()), FORM, body);
    assert_eq!(form("email=a&password=+Corr%C3%A9ct+"), Some(" Corréct ".into()));
    for none in ["email=a", "password=", "password=a&password=b", "password[]=a&password=b", "password=%x"] {
        assert_eq!(form(none), None, "{none}");
    }
    let json = |body| read(&Place::Json(vec!["user".into(), "pw".into()]), "application/json", body);
    assert_eq!(json(r#"{"user":{"pw":"a\"b"}}"#), Some("a\"b".into()));
    assert_eq!(json(r#"{"user":{"pw":["a"]}}"#), None);
}
