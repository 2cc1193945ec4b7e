use super::*;

fn accept(value: &'static str) -> Look {
    Look::of(Some(&HeaderValue::from_static(value)))
}

#[test]
fn browsers_get_a_page_and_programs_an_object() {
    assert_eq!(accept("text/html,application/xhtml+xml,*/*;q=0.8"), Look::Html);
    assert_eq!(accept("application/json, text/html"), Look::Json);
    assert_eq!(accept("*/*"), Look::Json);
    assert_eq!(Look::of(None), Look::Json);
}

#[test]
fn a_refusal_is_not_cached() {
    let response = respond(&Kind::NoRoute.into(), Look::Html, &HeaderValue::from_static("abc"));
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
}

#[test]
fn people_are_sent_elsewhere_and_programs_refused() {
    let refusal = || {
        let more = More { elsewhere: Some(HeaderValue::from_static("/captcha")), ..More::default() };
        Refusal { kind: Kind::LoginLimited, source: None, more: Some(Box::new(more)) }
    };
    let to = |look| respond(&refusal(), look, &HeaderValue::from_static("abc"));
    assert_eq!(
        (to(Look::Html).status(), to(Look::Json).status()),
        (StatusCode::SEE_OTHER, StatusCode::TOO_MANY_REQUESTS)
    );
    assert_eq!(to(Look::Html).headers()[header::LOCATION], "/captcha");
    assert!(!to(Look::Json).headers().contains_key(header::LOCATION));
}

#[test]
fn a_wait_is_told_to_people_and_programs() {
    let more = More { wait: Some(Duration::from_millis(89_001)), ..More::default() };
    let refusal = Refusal { kind: Kind::LoginLimited, source: None, more: Some(Box::new(more)) };
    let response = respond(&refusal, Look::Json, &HeaderValue::from_static("abc"));
    assert_eq!(response.headers()[header::RETRY_AFTER], "90");
    assert_eq!(
        (for_people(1), for_people(90), for_people(91)),
        ("1 second".into(), "90 seconds".into(), "2 minutes".into())
    );
    assert_eq!((for_people(3600), for_people(5401)), ("60 minutes".into(), "2 hours".into()));
}
