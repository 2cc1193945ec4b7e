use serde_json::{Value, json};

use super::{draw::lines, frame::Frame, screen::is_end, snapshot::Snapshot};

fn look(at: u64, families: &[(&str, &[Value])]) -> Snapshot {
    let families: Vec<Value> =
        families.iter().map(|(name, samples)| json!({ "name": name, "samples": samples })).collect();
    serde_json::from_value(json!({ "at": at, "families": families })).expect("a snapshot")
}

fn request(route: &str, status: &str, count: u64) -> Value {
    json!({ "labels": { "route": route, "method": "GET", "status": status, "principal": "anonymous" }, "value": count })
}

fn times(route: &str, buckets: [u64; 3]) -> Value {
    let mut all = vec![0; 15];
    all[..3].copy_from_slice(&buckets);
    json!({ "labels": { "route": route }, "buckets": all })
}

/// Two looks at two routes, ten seconds apart.
fn pair() -> (Snapshot, Snapshot) {
    let up = json!({ "labels": { "route": "shop/", "upstream": "127.0.0.1:1" }, "value": 0 });
    let before = look(
        10_000,
        &[
            ("privet_requests_total", &[request("crm/", "2xx", 5), request("shop/", "2xx", 100)]),
            ("privet_request_duration_seconds", &[times("crm/", [5, 0, 0]), times("shop/", [100, 0, 0])]),
        ],
    );
    let after = look(
        20_000,
        &[
            ("privet_build_info", &[json!({ "labels": { "version": "1.2.3" }, "value": 1 })]),
            (
                "privet_requests_total",
                &[request("crm/", "2xx", 5), request("shop/", "2xx", 150), request("shop/", "5xx", 10)],
            ),
            ("privet_request_duration_seconds", &[times("crm/", [5, 0, 0]), times("shop/", [150, 0, 10])]),
            ("privet_requests_in_flight", &[json!({ "labels": {}, "value": 3 })]),
            ("privet_upstream_up", &[up]),
            ("privet_redactions_total", &[json!({ "labels": { "route": "shop/", "type": "KR_RRN" }, "value": 20 })]),
            ("privet_journal_up", &[json!({ "labels": {}, "value": 1 })]),
            ("privet_journal_dropped_total", &[json!({ "labels": {}, "value": 7 })]),
            ("privet_bans_active", &[json!({ "labels": { "source": "operator" }, "value": 2 })]),
        ],
    );
    (before, after)
}

#[test]
fn rates_are_of_what_has_happened_in_between() {
    let (before, after) = pair();
    let frame = serde_json::to_value(Frame::between(&before, &after)).expect("JSON");
    assert_eq!((&frame["seconds"], &frame["version"]), (&json!(10.0), &json!("1.2.3")));
    assert_eq!((&frame["requests"]["per_second"], &frame["requests"]["in_flight"]), (&json!(6.0), &json!(3)));
    assert_eq!(frame["requests"]["status"], json!({ "2xx": 5.0, "5xx": 1.0 }));
    let [shop, crm] = [0, 1].map(|at| &frame["routes"][at]);
    assert_eq!((&shop["route"], &crm["route"]), (&json!("shop/"), &json!("crm/")), "the busiest first");
    assert_eq!((&crm["per_second"], &crm["p50_ms"]), (&json!(0.0), &Value::Null), "nothing has happened there");
    // 50 of 60 took half a millisecond at most, and the slowest up to 2.5.
    assert!(shop["p50_ms"].as_f64().is_some_and(|ms| ms < 0.5), "{shop}");
    assert!(shop["p99_ms"].as_f64().is_some_and(|ms| ms > 1.0 && ms <= 2.5), "{shop}");
    assert_eq!((&shop["redactions_per_second"], &frame["redactions"]["KR_RRN"]), (&json!(2.0), &json!(2.0)));
    assert_eq!((&frame["upstreams"][0]["up"], &frame["journal"]["dropped"]), (&json!(false), &json!(7)));
}

#[test]
fn a_gateway_that_has_begun_anew_has_counted_nothing_yet() {
    let (before, after) = pair();
    let frame = Frame::between(&after, &before);
    assert!(frame.requests.per_second.abs() < f64::EPSILON && frame.requests.p50_ms.is_none());
    let frame = Frame::between(&after, &after);
    assert!(frame.requests.per_second.abs() < f64::EPSILON && frame.requests.in_flight == 3);
}

#[test]
fn what_does_not_fit_is_left_out_and_nothing_wraps() {
    let (before, after) = pair();
    let frame = Frame::between(&before, &after);
    let wide = lines(&frame, 160, false).join("\n");
    for shown in ["6.0/s", "in flight 3", "KR_RRN 2.0/s", "operator 2", "dropped 7", "MASKED/S", "DOWN", "127.0.0.1:1"]
    {
        assert!(wide.contains(shown), "{shown} in {wide}");
    }
    assert!(!wide.contains('\x1b'));
    for width in 0..100 {
        let narrow = lines(&frame, width, false);
        assert!(narrow.iter().all(|line| line.chars().count() <= width), "{width}: {narrow:?}");
    }
    let narrow = lines(&frame, 30, false).join("\n");
    assert!(narrow.contains("REQ/S") && !narrow.contains("MASKED/S"), "{narrow}");
    assert!(lines(&frame, 160, true).join("\n").contains("\x1b[31mDOWN\x1b[0m"));
}

#[test]
fn a_name_moves_no_cursor() {
    let before = look(0, &[]);
    let after = look(1000, &[("privet_requests_total", &[request("\u{1b}[2J/", "2xx", 1)])]);
    assert!(!lines(&Frame::between(&before, &after), 80, false).join("\n").contains('\u{1b}'));
}

#[test]
fn keys_that_end_it() {
    assert!([b'q', b'Q', 3, 4].into_iter().all(is_end) && !is_end(b'x'));
}
