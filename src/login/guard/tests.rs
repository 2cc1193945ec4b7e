use super::*;
use crate::{
    login::{settings::Preset, testing},
    seal,
};

fn guard() -> Arc<Guard> {
    Guard::new(Keyring::of(&seal::Ring::ephemeral().expect("random bytes")), 10_000)
}

fn rule(preset: Preset) -> Arc<Rule> {
    Arc::new(Rule::new(&testing::rule(preset)).expect("no patterns"))
}

fn check(
    guard: &Arc<Guard>,
    rule: &Arc<Rule>,
    account: &str,
    address: &str,
    headers: &HeaderMap,
) -> Result<Attempt, Refused> {
    let account = Account::new(account).expect("a name");
    guard.check(rule, &Who { account: &account, address: address.parse().expect("an address"), headers })
}

#[test]
fn what_is_dropped_is_given_back_and_what_fails_is_told() {
    let (guard, rule, none) = (guard(), rule(Preset::FormRedirect), HeaderMap::new());
    let mut events = guard.subscribe();
    for _ in 0..50 {
        drop(check(&guard, &rule, "alice", "192.0.2.1", &none).expect("nothing was charged"));
    }
    for _ in 0..5 {
        let mut unanswered = check(&guard, &rule, "bob", "192.0.2.2", &none).expect("room");
        unanswered.forward();
    }
    assert!(check(&guard, &rule, "bob", "192.0.2.2", &none).is_err(), "who does not wait for answers pays for them");
    let _ = events.try_recv();
    for _ in 0..5 {
        let (verdict, cookie) = check(&guard, &rule, "alice", "192.0.2.1", &none).expect("room").settle(End::Failure);
        assert_eq!((verdict, cookie), (Verdict::Failure, None));
    }
    let refused = check(&guard, &rule, "alice", "192.0.2.1", &none).expect_err("none");
    assert_eq!(refused.why, Why::AccountAddress);
    let headers = refused.headers();
    assert_eq!(headers["ratelimit-policy"], "\"account_address\";q=5;w=60");
    assert!(headers["ratelimit"].to_str().expect("text").starts_with("\"account_address\";r=0;t="));
    let told: Vec<Verdict> = std::iter::from_fn(|| events.try_recv().ok()).map(|event| event.verdict).collect();
    assert_eq!(told, [vec![Verdict::Failure; 5], vec![Verdict::Refused(Why::AccountAddress)]].concat());
    assert_eq!(guard.top(2).iter().map(|offender| offender.count).collect::<Vec<_>>(), [6, 6]);
}

#[test]
fn a_cookie_makes_a_device_familiar_for_its_account() {
    let (guard, rule, none) = (guard(), rule(Preset::FormRedirect), HeaderMap::new());
    let (_, cookie) = check(&guard, &rule, "alice", "192.0.2.1", &none).expect("room").settle(End::Success);
    let cookie = cookie.expect("a cookie");
    let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let shown: HeaderMap = [(header::COOKIE, HeaderValue::from_str(&pair).expect("a value"))].into_iter().collect();
    for i in 0..40 {
        let _ = check(&guard, &rule, "alice", &format!("198.51.100.{i}"), &none)
            .map(|attempt| attempt.settle(End::Failure));
    }
    assert_eq!(check(&guard, &rule, "alice", "192.0.2.9", &none).expect_err("a stranger").why, Why::Account);
    assert!(check(&guard, &rule, "alice", "192.0.2.9", &shown).is_ok());
    let other = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("__Host-privet-device=AQEB"))]);
    assert!(check(&guard, &rule, "alice", "192.0.2.9", &other).is_err());
}

#[test]
fn one_inner_address_for_many_accounts_is_noticed_once() {
    let mut sameness = Sameness::default();
    let mut seen = |address: &str| {
        (0..120_u8).filter(|i| sameness.see(address.parse().expect("an address"), Key([i % 20; 16]))).count()
    };
    assert_eq!(seen("203.0.113.1"), 0);
    assert_eq!(seen("10.0.0.1"), 1);
    assert_eq!(seen("10.0.0.1"), 0);
}
