use super::{
    HELD,
    testing::{Kind, run},
    websocket,
};

/// The output and what was shown are the same for every cut, and for a byte at a time.
fn same_for_every_cut(kind: Kind, body: &[u8]) -> (String, Vec<String>) {
    let whole = run(kind, [body]);
    let cuts: Vec<usize> = if body.len() < 4096 {
        (0..=body.len()).collect()
    } else {
        (0..300).chain(HELD - 20..HELD + 40).chain(body.len() - 100..=body.len()).filter(|n| *n <= body.len()).collect()
    };
    for cut in cuts {
        let (a, b) = body.split_at(cut);
        assert_eq!(run(kind, [a, b]), whole, "{kind:?} cut at {cut}");
    }
    assert_eq!(run(kind, body.chunks(1)), whole, "{kind:?} a byte at a time");
    let (out, fields) = whole.unwrap_or_else(|error| panic!("{kind:?}: {error}: {}", String::from_utf8_lossy(body)));
    (String::from_utf8_lossy(&out).into_owned(), fields)
}

const PLAIN: &[(Kind, &str)] = &[
    (Kind::Json, " {\"a\" : [1, -2.5e+3, true, null, \"x\\u00e9\\\"\\\\\", {}, []], \"b\":{\"c\":\"\"}}\r\n"),
    (Kind::Json, "\u{FEFF}\"text\""),
    (Kind::Json, ")]}',\n[1]"),
    (Kind::Json, "12"),
    (Kind::Json, ""),
    (Kind::Lines, "{\"a\":1}\n{\"a\":2}\n\n3\n"),
    (Kind::Csv, "id,name\r\n1,\"a \"\"b\"\", c\"\r\n,,\r\n2,x"),
    (Kind::Csv, "\u{FEFF}id;name\n1;a\n"),
    (Kind::Csv, ""),
    (Kind::Form, "a=1&b=%ED%95%9C+x&c&=&d=%zz%"),
    (
        Kind::Xml,
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b \"c>d\">]><a b='1' c:d=\"&lt;\">t &amp; u<!-- n > o --><![CDATA[<p>]]]]><q/></a>\n",
    ),
    (
        Kind::Html,
        "<!doctype html><p class=a>x &amp; y<br/>z<!-- c --><script>if (a < b) { c = \"d\" }</script><style>p{}</style><input value='q'>",
    ),
    (Kind::Text, "any\0thing"),
    (Kind::Events, ": hello\r\nid: 1\ndata: {\"a\":1}\ndata: x\n\ndata\r\rretry: 10\n\nrest"),
];

#[test]
fn what_is_left_alone_passes_byte_for_byte() {
    for (kind, body) in PLAIN {
        assert_eq!(same_for_every_cut(*kind, body.as_bytes()).0, *body, "{kind:?}");
    }
}

#[test]
fn json_values_are_replaced_where_they_stand() {
    let (out, fields) = same_for_every_cut(
        Kind::Json,
        br#"{"phone":"010-1234-5678","list":[{"phone":1012345678,"ok":true},{"phone":null}],"a\u0062":"s\u0065cret \ud83d\ude00","secret":["x"],"phone":["a",{"b":"c"}]}"#,
    );
    assert_eq!(
        out,
        "{\"phone\":\"010-****\",\"list\":[{\"phone\":\"010-****\",\"ok\":true},{\"phone\":null}],\"a\\u0062\":\"<\\\"&'é\\u0001> 😀\",\
         \"<\\\"&'é\\u0001>\":[\"x\"],\"phone\":[\"010-****\",{\"b\":\"c\"}]}"
    );
    assert_eq!(fields[1], "/list/*/phone=1012345678");
    assert_eq!(fields[4], "/ab=secret 😀");
    assert_eq!(fields.last().map(String::as_str), Some("/phone/*/b=c"));
}

#[test]
fn what_is_no_json_is_refused() {
    for body in [
        "{",
        "[1,]",
        "{\"a\"}",
        "{\"a\":1,}",
        "tru",
        "nope",
        "1 2",
        "\"a",
        "[1}",
        "{]",
        "\"\\x\"",
        "<html>",
        "{a:1}",
        "\"a\" x",
        "-a",
        "'a'",
        "[\"\\ud8\"]",
        "undefined",
    ] {
        for size in [1, 2, 100] {
            assert!(run(Kind::Json, body.as_bytes().chunks(size)).is_err(), "{body}");
        }
    }
    assert!(run(Kind::Json, ["[".repeat(600).as_bytes()]).is_err());
    assert!(run(Kind::Json, ["{\"a\":".repeat(600).as_bytes()]).is_err());
    assert!(run(Kind::Json, [format!("{{\"{}\":1}}", "a".repeat(9000)).as_bytes()]).is_err());
    assert!(run(Kind::Json, [format!("[{}]", "1".repeat(2000)).as_bytes()]).is_err());
}

#[test]
fn columns_have_the_names_of_the_first_line() {
    let (out, fields) = same_for_every_cut(
        Kind::Csv,
        b"\xEF\xBB\xBFid;\"phone\";note, more\r\n1;010-1;a secret\n2;\"010;2\";\"x \"\"secret\"\"\"\n\n3;;",
    );
    assert_eq!(
        out,
        "\u{FEFF}id;\"phone\";note, more\r\n1;010-****;\"a <\"\"&'é\u{1}>\"\n2;\"010-****\";\"x \"\"<\"\"&'é\u{1}>\"\"\"\n\n3;;"
    );
    assert_eq!(fields[..3], ["/=id", "/=phone", "/=note, more"]);
    assert_eq!(fields[4], "/phone=010-1");
    assert_eq!(fields[6], "/id=2");
    // A first line that holds data names nothing.
    let (_, fields) = same_for_every_cut(Kind::Csv, b"phone,secret\n1,2\n");
    assert_eq!(fields[2..], ["/=1", "/=2"]);
}

#[test]
fn forms_are_decoded_and_encoded_again() {
    let (out, fields) = same_for_every_cut(Kind::Form, b"phone=010%2D1&a%5Bphone%5D=1&se%63ret=+x&b=a+secr%65t&phone");
    assert_eq!(out, "phone=010-****&a%5Bphone%5D=1&%3C%22%26%27%C3%A9%01%3E=+x&b=a+%3C%22%26%27%C3%A9%01%3E&phone");
    assert_eq!(fields, ["/phone=010-1", "/a[phone]=1", "/secret= x", "/b=a secret"]);
}

#[test]
fn xml_elements_and_attributes_name_what_they_hold() {
    let (out, fields) = same_for_every_cut(
        Kind::Xml,
        b"<s:a xmlns:s='u'><s:phone x=\"1 > 0\" phone = '1'>010&#45;1</s:phone><b>a <![CDATA[secret]]> &eacute;<!--secret--></b><phone/></s:a>",
    );
    assert_eq!(
        out,
        "<s:a xmlns:s='u'><s:phone x=\"1 > 0\" phone = '010-****'>010-****</s:phone><b>a <![CDATA[<\"&'é\u{1}>]]> &eacute;<!--<\"&'é\u{1}>--></b><phone/></s:a>"
    );
    assert!(
        fields.contains(&"/a/phone=010-1".to_owned()) && fields.contains(&"/a/phone/phone=1".to_owned()),
        "{fields:?}"
    );
    for body in ["<a", "<a b=c>", "<a b='c>", "< a>", "<!-- x", "<![CDATA[ x ]]", "a<>"] {
        assert!(run(Kind::Xml, [body.as_bytes()]).is_err(), "{body}");
    }
}

#[test]
fn pages_name_their_values_where_a_reader_would_look() {
    let (out, fields) = same_for_every_cut(
        Kind::Html,
        "<table><tr><th>id<th>phone</tr><tr><td>1<td><b>010</b>-1</tr></table>\
         <table><tr><th>phone:</th><td>2</td></tr><tr><td>note</td><td>n</td><td>phone</td><td>3</td></tr></table>\
         <dl><dt>phone<dd>4</dl><input name=phone value=50 placeholder=p><textarea name=phone>6</textarea>\
         <select name=phone><option value=70>8</select><i data-phone='90' title=\"a &quot;secret&quot;\">x &eacute; secret</i>\
         <script type=application/json>{\"phone\":\"10\",\"a\":\"</\"}</script><script>var a = 'secret';</script><!-- secret -->"
            .as_bytes(),
    );
    for expected in [
        "/phone=010",
        "/phone=-1",
        "/phone=2",
        "/phone=3",
        "/phone=4",
        "/phone=50",
        "/phone=6",
        "/phone=70",
        "/phone=8",
        "/phone=90",
        "/phone=10",
    ] {
        assert!(fields.contains(&expected.to_owned()), "{expected} {fields:#?}");
    }
    for expected in ["/note=n", "/id=1", "=var a = 'secret';"] {
        assert!(fields.contains(&expected.to_owned()), "{expected} {fields:#?}");
    }
    assert!(!out.contains("secret") && out.contains("title=\"a &quot;&lt;&quot;&amp;&#39;é\u{1}&gt;&quot;\""), "{out}");
    assert!(
        out.contains("<textarea name=phone>010-****</textarea>") && out.contains("value=\"010-****\" placeholder=p"),
        "{out}"
    );
    assert!(out.contains("x &eacute; &lt;&quot;&amp;&#39;é"), "{out}");
}

#[test]
fn a_tag_that_never_ends_is_looked_at_too() {
    for body in
        ["<p>x</p><input value=\"secret", "<p>secret", "<!-- secret", "<a href=secret", "<script>'secret'", "x <secret"]
    {
        let (out, _) = same_for_every_cut(Kind::Html, body.as_bytes());
        assert!(!out.contains("secret"), "{body} {out}");
    }
}

#[test]
fn events_go_out_at_once() {
    let mut seen = super::testing::Seen::default();
    let mut events = super::events::Events::new(&mut seen);
    let mut out = Vec::new();
    events.push(b"data: {\"phone\":\"1\"}\n", &mut out).expect("valid");
    assert!(out.is_empty());
    events.push(b"\nda", &mut out).expect("valid");
    assert_eq!(String::from_utf8_lossy(&out), "data: {\"phone\":\"010-****\"}\n\n");
    let (out, _) = same_for_every_cut(
        Kind::Events,
        b"event: secret\r\nid: 1\r\ndata: a\r\ndata: secret\r\n\r\ndata: {\"a\":\r\ndata: \"secret\"}\r\n\r\n",
    );
    assert_eq!(
        out,
        "event: <\"&'é\u{1}>\r\nid: 1\r\ndata: a\ndata: <\"&'é\u{1}>\n\r\ndata: {\"a\":\ndata: \"<\\\"&'é\\u0001>\"}\n\r\n"
    );
    assert!(run(Kind::Events, [vec![b'a'; 2 << 20].as_slice()]).is_err());
}

fn frame(opcode: u8, last: bool, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    websocket::write(opcode, payload, &mut out);
    if !last {
        out[0] &= 0x7F;
    }
    out
}

#[test]
fn messages_of_a_websocket_are_read_whole() {
    let long = "x".repeat(70_000);
    let body = [
        frame(1, true, b"{\"phone\":\"1\"}"),
        frame(1, false, b"a sec"),
        frame(9, true, b"ping"),
        frame(0, false, b"re"),
        frame(0, true, b"t"),
        frame(1, true, long.as_bytes()),
        frame(1, true, b"plain"),
        frame(8, true, b"\x03\xe8"),
    ]
    .concat();
    let expected = [
        frame(1, true, b"{\"phone\":\"010-****\"}"),
        frame(9, true, b"ping"),
        frame(1, true, "a <\"&'é\u{1}>".as_bytes()),
    ]
    .concat();
    // Long messages are not shown as a whole to this visitor.
    let short = [&body[..body.len() - 70_000 - 10 - 7 - 4], &body[body.len() - 11..]].concat();
    let (out, _) = same_for_every_cut(Kind::Frames, &short);
    assert!(out.as_bytes().starts_with(String::from_utf8_lossy(&expected).as_bytes()), "{out}");
    for wrong in [
        frame(2, true, b"binary"),
        frame(0, true, b"alone"),
        [frame(1, false, b"a"), frame(1, true, b"b")].concat(),
        frame(9, false, b""),
        vec![0xC1, 0],
        vec![0x81, 0x80, 0, 0, 0, 0],
        vec![0x81, 127, 0, 0, 0, 0, 0xFF, 0, 0, 0],
    ] {
        assert!(run(Kind::Frames, [wrong.as_slice()]).is_err(), "{wrong:?}");
    }
}

#[test]
fn long_values_are_shown_in_parts() {
    let long = |unit: &str, tail: &str| format!("{}secret{tail}", unit.repeat(HELD / unit.len() + 10));
    for (kind, before, unit, after, expected) in [
        (Kind::Json, "{\"a\":\"", "x\\u00e9\\n", "\",\"b\":1}", "a+"),
        (Kind::Json, "[\"", "\\ud83d\\ude00", "\"]", "+"),
        (Kind::Csv, "a,b\n1,", "y", "\n2,3", "b+"),
        (Kind::Csv, "", "y z", "", "+"),
        (Kind::Form, "c=1&a=", "%20+", "&b=2", "a+"),
        (Kind::Xml, "<a><b>", "&lt;c", "</b></a>", "b+"),
        (Kind::Xml, "<a><![CDATA[", "]]c>", "]]></a>", "a+"),
        (Kind::Html, "<p>", "&amp; c", "</p>", "+"),
        (Kind::Text, "", "é", "", "+"),
    ] {
        let body = format!("{before}{}{after}", long(unit, " more"));
        let whole = run(kind, [body.as_bytes()]).expect("valid");
        assert!(
            whole.1.iter().any(|f| f.starts_with(expected) && f.len() > expected.len()),
            "{kind:?} {:?}",
            whole.1.len()
        );
        let text = String::from_utf8_lossy(&whole.0).into_owned();
        assert!(!text.contains("secret") && (text.contains('é') || text.contains("%C3%A9")), "{kind:?}");
        for size in [1, 1000, HELD - 1] {
            assert_eq!(run(kind, body.as_bytes().chunks(size)), Ok(whole.clone()), "{kind:?} {size}");
        }
    }
}

/// What a fuzzer does, for a moment and always alike: bodies with bytes changed, doubled, left out and put in.
#[test]
fn mangled_bodies_panic_nowhere_and_come_out_alike() {
    const SPICE: &[u8] = b"\"\\<>&;=,:'[]{}/!-?%+\n\r\t 0a\0\xED\x95\x9C\xFFu";
    let mut random = fastrand::Rng::with_seed(11);
    let all =
        [Kind::Json, Kind::Lines, Kind::Csv, Kind::Form, Kind::Xml, Kind::Html, Kind::Text, Kind::Events, Kind::Frames];
    for round in 0..4000 {
        let (_, body) = PLAIN[random.usize(..PLAIN.len())];
        let mut body = body.replace('x', "secret").into_bytes();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..=body.len());
            match random.u8(..3) {
                0 => body.insert(at, SPICE[random.usize(..SPICE.len())]),
                1 if at < body.len() => drop(body.remove(at)),
                _ => {
                    let piece = body[at..body.len().min(at + random.usize(..8))].to_vec();
                    let to = random.usize(..=body.len());
                    drop(body.splice(to..to, piece));
                }
            }
        }
        let kind = all[round % all.len()];
        let whole = run(kind, [body.as_slice()]);
        let (a, b) = body.split_at(random.usize(..=body.len()));
        let cut = run(kind, [a, b]);
        let singly = run(kind, body.chunks(1));
        let shown = String::from_utf8_lossy(&body);
        assert_eq!(whole.is_ok(), cut.is_ok(), "{kind:?} {shown:?}");
        assert_eq!(whole.is_ok(), singly.is_ok(), "{kind:?} {shown:?}");
        if let (Ok((whole, _)), Ok((cut, _)), Ok((singly, _))) = (whole, cut, singly) {
            assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&cut), "{kind:?} {shown:?}");
            assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&singly), "{kind:?} {shown:?}");
        }
    }
}
