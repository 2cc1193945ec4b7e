//! Records of people who agreed, and of others.

use std::{
    cell::RefCell,
    fmt::Write as _,
    rc::Rc,
    sync::{Arc, LazyLock},
};

use super::reveal::revealing;
use crate::{
    format::{Malformed, Media},
    privacy::{
        Kind, Kinds,
        mask::{
            Facts, Judge, Mask, Rewriter, Verdict,
            settings::{At, Records, Uninspectable},
        },
    },
};

/// What a judge was told.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Told {
    /// Subject and verdict of each record; `?` where nobody is known.
    records: Vec<(String, Verdict)>,
    /// Whose record each value was seen in, its type, and the value.
    seen: Vec<(String, Kind, String)>,
    at: String,
}

/// Shows records of people who agreed.
#[derive(Debug)]
struct Consent {
    others: Verdict,
    told: Rc<RefCell<Told>>,
}

impl Judge for Consent {
    fn record(&mut self, facts: &Facts<'_>) -> Verdict {
        let verdict = if facts.agreed() { Verdict::Show } else { self.others };
        let subject = facts.subject.map_or("?".into(), |id| String::from_utf8_lossy(id).into_owned());
        let mut told = self.told.borrow_mut();
        told.at.clone_from(&subject);
        told.records.push((subject, verdict));
        verdict
    }

    fn outside(&mut self) -> Verdict {
        self.told.borrow_mut().at.clear();
        Verdict::Mask
    }

    fn seen(&mut self, kind: &Kind, value: &[u8]) {
        let mut told = self.told.borrow_mut();
        let at = told.at.clone();
        told.seen.push((at, kind.clone(), String::from_utf8_lossy(value).into_owned()));
    }
}

fn records(subject: &[&str], consent: &[&str]) -> Arc<Records> {
    let read = |all: &[&str]| all.iter().map(|at| At::parse(at).expect("a place")).collect();
    Arc::new(Records { subject: read(subject), consent: read(consent) })
}

fn ours() -> Arc<Records> {
    records(
        &["json:/customers/*/id", "json:/id", "csv:id", "html:data-id", "html:column:ID"],
        &["json:/customers/*/agreed", "json:/agreed", "csv:agreed", "html:data-agreed", "html:column:Agreed"],
    )
}

/// What comes of the pieces of a body, and what the judge was told.
fn judged<'a>(
    records: &Arc<Records>,
    others: Verdict,
    media: Media,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(String, Told), Malformed> {
    let told = Rc::new(RefCell::new(Told::default()));
    let judge = Box::new(Consent { others, told: Rc::clone(&told) });
    static OPEN: LazyLock<Arc<Mask>> = LazyLock::new(|| revealing(&[], Kinds::all()));
    let mut rewriter = Rewriter::new(
        &OPEN,
        Some(media),
        Some(encoding_rs::UTF_8),
        Uninspectable::Refuse,
        Some((Arc::clone(records), judge)),
    );
    let mut out = Vec::new();
    for piece in pieces {
        rewriter.push(piece, &mut out)?;
    }
    rewriter.finish(&mut out)?;
    let told = told.borrow().clone();
    let shown: u64 = rewriter.found(|found| found.shown().iter().map(|(_, n)| n).sum()).unwrap_or(0);
    assert_eq!(shown, told.seen.len() as u64, "counted as seen");
    Ok((String::from_utf8_lossy(&out).into_owned(), told))
}

/// The same for every cut.
fn whatever_the_cuts(
    records: &Arc<Records>,
    others: Verdict,
    media: Media,
    body: &str,
) -> Result<(String, Told), Malformed> {
    let whole = judged(records, others, media, [body.as_bytes()]);
    let singly = judged(records, others, media, body.as_bytes().chunks(1));
    assert_eq!(singly.is_ok(), whole.is_ok(), "{media:?} a byte at a time: {body}");
    if whole.is_err() {
        return whole;
    }
    assert_eq!(singly, whole, "{media:?} a byte at a time: {body}");
    // Each place, but of a long body each so many.
    let step = if body.len() < 1500 { 1 } else { body.len() / 40 };
    for cut in (0..=body.len()).step_by(step) {
        let (a, b) = body.as_bytes().split_at(cut);
        assert_eq!(judged(records, others, media, [a, b]), whole, "{media:?} cut at {cut}: {body}");
    }
    whole
}

/// A list in one format.
struct Form {
    media: Media,
    start: &'static str,
    end: &'static str,
    between: &'static str,
    record: fn(usize, bool) -> String,
}

const FORMS: [Form; 5] = [
    Form {
        media: Media::Json,
        start: "{\"total\":100,\"contact\":\"staff@example.com\",\"customers\":[\n  ",
        end: "\n], \"next\":\"staff@example.com\"}",
        between: ",\n  ",
        record: |id, agreed| {
            format!(
                "{{\"id\":{id},\"email\":\"person{id}@example.com\",\"phones\":[\"010-2345-{:04}\"],\"agreed\":{agreed}}}",
                id
            )
        },
    },
    Form {
        media: Media::JsonLines,
        start: "",
        end: "",
        between: "\n",
        record: |id, agreed| {
            format!(
                "{{\"agreed\":\"{}\",\"email\":\"person{id}@example.com\",\"phone\":\"010-2345-{id:04}\",\"id\":\"{id}\"}}",
                if agreed { "Y" } else { "N" }
            )
        },
    },
    Form {
        media: Media::Csv,
        start: "\u{FEFF}ID,email,phone,note,agreed\r\n",
        end: "",
        between: "\r\n",
        record: |id, agreed| format!("{id},person{id}@example.com,010-2345-{id:04},\"a\r\nb\",{}", u8::from(agreed)),
    },
    Form {
        media: Media::Html,
        start: "<p>staff@example.com<table><thead><tr><th>ID<th>Mail<th>Phone<th>Agreed</tr></thead><tbody>\n",
        end: "</tbody></table>staff@example.com",
        between: "\n",
        record: |id, agreed| {
            format!(
                "<tr><td><a href=/customers/{id}>{id}</a></td><td>person{id}@example.com</td><td>010-2345-{id:04}</td><td>{}</td></tr>",
                if agreed { "동의" } else { "거부" }
            )
        },
    },
    Form {
        media: Media::Html,
        start: "staff@example.com<ul>\n",
        end: "</ul>staff@example.com",
        between: "",
        record: |id, agreed| {
            format!(
                "<li class=x data-id={id} data-agreed='{agreed}'>person{id}@example.com <b>010-2345-{id:04}</b> kim<p>x\n"
            )
        },
    },
];

fn agrees(id: usize) -> bool {
    // 37 of 100.
    id * 37 % 100 < 37
}

#[test]
fn of_a_hundred_people_the_37_who_agreed_are_shown() {
    for form in &FORMS {
        let join = |ids: &mut dyn Iterator<Item = usize>| {
            let all: Vec<String> = ids.map(|id| (form.record)(id, agrees(id))).collect();
            format!("{}{}{}", form.start, all.join(form.between), form.end)
        };
        let body = join(&mut (1..=100));
        for others in [Verdict::Drop, Verdict::Mask] {
            let (out, told) = whatever_the_cuts(&ours(), others, form.media, &body).expect("readable");
            let expected: Vec<_> =
                (1..=100).map(|id: usize| (id.to_string(), if agrees(id) { Verdict::Show } else { others })).collect();
            assert_eq!(told.records, expected, "{:?}", form.media);
            let agreed: Vec<usize> = (1..=100).filter(|&id| agrees(id)).collect();
            assert_eq!(agreed.len(), 37);
            for id in 1..=100 {
                let (mail, phone) = (format!("person{id}@example.com"), format!("010-2345-{id:04}"));
                assert_eq!(out.contains(&mail), agrees(id), "{:?} {mail}: {out}", form.media);
                assert_eq!(out.contains(&phone), agrees(id), "{:?} {phone}: {out}", form.media);
                let seen: Vec<_> = told.seen.iter().filter(|(at, ..)| *at == id.to_string()).collect();
                assert_eq!(seen.len(), if agrees(id) { 2 } else { 0 }, "{:?} {id} {seen:?}", form.media);
            }
            assert_eq!(told.seen.len(), 74);
            assert!(!out.contains("staff@"), "{out}");
            if others == Verdict::Drop {
                let left = join(&mut agreed.iter().copied()).replace("staff@", "s***@");
                // Of a list whose first element is left out the space in front of the next one stays.
                let even = |text: &str| text.replace("\r\n", "\n").trim_end().replace(['\n', ' '], "");
                assert_eq!(even(&out), even(&left), "{:?}", form.media);
            }
        }
        let all = join(&mut (1..=100)).replace("staff@", "s***@");
        let (out, _) = judged(&ours(), Verdict::Show, form.media, [body.as_bytes()]).expect("readable");
        assert_eq!(out, all, "{:?}", form.media);
        // Where nothing tells of records all of it is nobody's.
        let (out, told) =
            judged(&records(&["path:2"], &[]), Verdict::Drop, form.media, [body.as_bytes()]).expect("readable");
        assert!(told.records.is_empty() && !out.contains("person1@") && out.contains("p***@"), "{:?}", form.media);
    }
}

#[test]
fn a_list_may_be_cut_anywhere() {
    for form in &FORMS {
        let all: Vec<String> = [3, 1, 6, 2].map(|id| (form.record)(id, agrees(id))).to_vec();
        let body = format!("{}{}{}", form.start, all.join(form.between), form.end);
        for others in [Verdict::Drop, Verdict::Mask] {
            let (_, told) = whatever_the_cuts(&ours(), others, form.media, &body).expect("readable");
            assert_eq!(told.records.iter().map(|(id, _)| id.as_str()).collect::<String>(), "3162");
            assert_eq!(told.seen.len(), 4, "{:?}", form.media);
        }
    }
}

/// Which mails come through, of each body.
fn shown(media: Media, bodies: &[(&str, &str)]) {
    for others in [Verdict::Drop, Verdict::Mask] {
        for (body, expected) in bodies {
            let mut mails = String::new();
            match whatever_the_cuts(&ours(), others, media, body) {
                Ok((out, told)) => {
                    for n in 1..=5 {
                        let mail = format!("p{n}@example.com");
                        if out.contains(&mail) {
                            let _ = write!(mails, "{n}");
                        }
                        let seen = told.seen.iter().any(|(_, _, value)| *value == mail);
                        assert_eq!(out.contains(&mail), seen, "{media:?} {body}: {out}");
                    }
                }
                Err(_) => mails.push('!'),
            }
            assert_eq!(mails, *expected, "{media:?} {others:?}: {body}");
        }
    }
}

#[test]
fn json_that_says_two_things_says_nothing() {
    shown(
        Media::Json,
        &[
            (r#"{"customers":[{"id":1,"agreed":true,"m":"p1@example.com"},{"id":2,"m":"p2@example.com"}]}"#, "1"),
            // Twice, in one way or another.
            (r#"{"customers":[{"id":1,"id":2,"agreed":true,"m":"p1@example.com"}]}"#, ""),
            (r#"{"customers":[{"id":1,"agreed":true,"m":"p1@example.com","agreed":false}]}"#, ""),
            (r#"{"customers":[{"id":1,"agreed":false,"m":"p1@example.com","\u0061greed":true}]}"#, ""),
            (r#"{"customers":[{"id":1,"agreed":true,"agreed":null,"m":"p1@example.com"}]}"#, ""),
            (r#"{"customers":[{"id":1,"agreed":{"agreed":true},"m":"p1@example.com"}]}"#, ""),
            (r#"{"customers":[{"id":1,"agreed":[true],"m":"p1@example.com"}]}"#, ""),
            // Of others, within and behind.
            (r#"{"customers":[{"id":1,"x":{"agreed":true},"m":"p1@example.com"}]}"#, ""),
            (r#"{"customers":[{"id":1,"m":"p1@example.com"},{"agreed":true}]}"#, ""),
            (r#"{"customers":[{"id":1,"agreed":true}],"m":"p1@example.com"}"#, ""),
            (r#"{"customers":["p1@example.com",["p2@example.com"],{"agreed":true,"m":"p3@example.com"}]}"#, "3"),
            (
                r#"{"customers":[{"agreed":true,"n":{"customers":[{"id":2,"agreed":false,"m":"p2@example.com"}]}}]}"#,
                "2",
            ),
            // Members of an object are records as elements of a list are.
            (r#"{"customers":{"p1@example.com":{"agreed":false},"p2@example.com":{"agreed":true}}}"#, "2"),
            (r#"{"customers":[{"agreed":true,"m":"p1@example.com"}],"customers":[{"m":"p2@example.com"}]}"#, "1"),
            // What is no JSON.
            (r#"{"customers":[{"agreed":true,"m":"p1@example.com"}"#, "!"),
            (r#"{"customers":[{"agreed":true,"m":"p1@example.com""#, "!"),
            (r#"{"customers":[{"m":"p1@example.com"]}]}"#, "!"),
            (r#"{"customers":[{"agreed":true},]}"#, "!"),
            (r#"{"customers":[,{"agreed":true}]}"#, "!"),
            (r#"{"customers":[{"agreed":true} {"agreed":true}]}"#, "!"),
            (r#"{"customers":[{"agreed":true}]} {"m":"p1@example.com"}"#, "!"),
            (r#"{"id":1,"agreed":true,"m":"p1@example.com"}"#, "1"),
            // The whole is a record where no other lies in it.
            (
                r#"{"id":1,"agreed":true,"m":"p1@example.com","customers":[{"agreed":true,"m":"p2@example.com"}],"n":"p3@example.com"}"#,
                "2",
            ),
            (r#"{"id":1,"agreed":true,"m":"p1@example.com","x":{"customers":[]}}"#, "1"),
            (r#"{"customers":[]}"#, ""),
            (r#"{"customers":null}"#, ""),
        ],
    );
}

#[test]
fn what_is_left_of_json_is_json() {
    let two = records(&["json:/customers/*/id"], &["json:/customers/*/agreed"]);
    for (body, expected) in [
        (r#"{"customers":[ 1 , {"agreed":true} , 2 ]}"#, r#"{"customers":[  {"agreed":true} ]}"#),
        (r#"{"customers":[1,2,3]}"#, r#"{"customers":[]}"#),
        (r#"{"customers":{"a":1,"b":{"agreed":1},"c":"x"},"d":[]}"#, r#"{"customers":{"b":{"agreed":1}},"d":[]}"#),
        ("\u{FEFF})]}',\n{\"customers\":[7]}", "\u{FEFF})]}',\n{\"customers\":[]}"),
    ] {
        let (out, _) = whatever_the_cuts(&two, Verdict::Drop, Media::Json, body).expect("JSON");
        assert_eq!(out, expected);
    }
    let one = records(&["json:/id", "json:/customers/*/id"], &["json:/agreed", "json:/customers/*/agreed"]);
    for (media, body, expected) in [
        (Media::Json, " {\"id\":1} ", " null "),
        (Media::Json, "\u{FEFF}[1]", "\u{FEFF}null"),
        (Media::JsonLines, "{\"id\":1}\r\n{\"agreed\":1}\n\n{\"id\":2}", "{\"agreed\":1}\n\n"),
        (Media::JsonLines, "\u{1E}{\"id\":1}\n\u{1E}{\"agreed\":1}\n\u{1E}3\n", "\u{1E}{\"agreed\":1}\n"),
        (
            Media::JsonLines,
            "\u{1E}{\"customers\":[{\"id\":1},{\"agreed\":1}]}\n{\"agreed\":1}\n",
            "\u{1E}{\"customers\":[{\"agreed\":1}]}\n{\"agreed\":1}\n",
        ),
        (Media::JsonLines, "1 2{\"agreed\":1}\n", "{\"agreed\":1}\n"),
    ] {
        let (out, _) = whatever_the_cuts(&one, Verdict::Drop, media, body).expect("JSON");
        assert_eq!(out, expected);
    }
    let deep = records(&["json:/groups/*/people/*/profile/id"], &["json:/groups/*/people/*/profile/ok"]);
    let body = r#"{"groups":[{"people":[{"profile":{"id":1,"ok":1}},{"profile":{"id":2}},{"profile":{"ok":1},"profile":{}}]},{"people":[{"profile":{"id":3,"ok":"yes"}}]}]}"#;
    let (out, told) = whatever_the_cuts(&deep, Verdict::Drop, Media::Json, body).expect("JSON");
    assert_eq!(
        out,
        r#"{"groups":[{"people":[{"profile":{"id":1,"ok":1}}]},{"people":[{"profile":{"id":3,"ok":"yes"}}]}]}"#
    );
    assert_eq!(told.records.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["1", "2", "?", "3"]);
}

#[test]
fn lines_of_csv_that_can_be_parted_otherwise_say_nothing() {
    shown(
        Media::Csv,
        &[
            ("id,m,agreed\n1,p1@example.com,1\n2,p2@example.com,0\n3,p3@example.com,1", "13"),
            ("\u{FEFF}\"id\";\"Agreed\";m\r\n1;\"true\";p1@example.com\r\n2;;p2@example.com\r\n\r\n", "1"),
            // More fields, or fewer.
            ("id,m,agreed\n1,a,p1@example.com,1\n2,p2@example.com\n3,1", ""),
            ("id,agreed,m\n1,1,p1@example.com\r2,0,p2@example.com\n3,1,p3@example.com\n", "3"),
            ("id,agreed,m\n1,1, \"p1@example.com\n2,0,p2@example.com\"\n3,1,p3@example.com\n", "3"),
            ("id,agreed,m\n1,1,\"p1@example.com\n2,0,p2@example.com\"\n", "12"),
            ("id,agreed,m\n1,1,\"p1@example.com\n2,0,p2@example.com\n", ""),
            ("id,agreed,m\n1,1,x\"p1@example.com\"\n2,1,\"p2@example.com\"x\n", ""),
            // Two columns of one name.
            ("id,agreed,m,agreed\n1,1,p1@example.com,0\n2,1,p2@example.com,1\n", "2"),
            // No head, or another.
            ("1,1,p1@example.com\n2,1,p2@example.com\n", ""),
            ("no,m\n1,p1@example.com\n", ""),
            ("", ""),
            ("id,agreed", ""),
        ],
    );
    let tabs = whatever_the_cuts(&ours(), Verdict::Drop, Media::Tsv, "id\tagreed\n1\t1\n2\t0\n").expect("TSV");
    assert_eq!(tabs.0, "id\tagreed\n1\t1\n");
    let quoted = "id,note,agreed\n1,\"x\n\"\"y\"\"\",1\n2,\"\n\",0\n\n3,,1\n";
    let (out, _) = whatever_the_cuts(&ours(), Verdict::Drop, Media::Csv, quoted).expect("CSV");
    assert_eq!(out, "id,note,agreed\n1,\"x\n\"\"y\"\"\",1\n\n3,,1\n");
}

#[test]
fn a_record_that_is_too_long_is_nobodys() {
    let filler = "word ".repeat(250_000);
    for (media, body) in [
        (
            Media::Json,
            format!(
                r#"{{"customers":[{{"id":1,"agreed":true,"x":"{filler}","m":"p1@example.com"}},{{"id":2,"agreed":true,"m":"p2@example.com"}}]}}"#
            ),
        ),
        (
            Media::JsonLines,
            format!(
                "{{\"id\":1,\"agreed\":true,\"x\":\"{filler}\",\"m\":\"p1@example.com\"}}\n{{\"id\":2,\"agreed\":true,\"m\":\"p2@example.com\"}}"
            ),
        ),
        (Media::Csv, format!("id,agreed,x,m\n1,1,{filler},p1@example.com\n2,1,,p2@example.com")),
        (
            Media::Html,
            format!(
                "<p data-id=1 data-agreed=1>{filler}p1@example.com</p><p data-id=2 data-agreed=1>p2@example.com</p>"
            ),
        ),
    ] {
        for others in [Verdict::Drop, Verdict::Mask] {
            let whole = judged(&ours(), others, media, [body.as_bytes()]).expect("readable");
            assert_eq!(whole.1.records, [("?".to_owned(), others), ("2".to_owned(), Verdict::Show)], "{media:?}");
            assert!(!whole.0.contains("p1@") && whole.0.contains("p2@example.com"));
            assert_eq!(whole.0.len() < 1000, others == Verdict::Drop);
            for size in [1000, 65_537] {
                assert_eq!(
                    judged(&ours(), others, media, body.as_bytes().chunks(size)),
                    Ok(whole.clone()),
                    "{media:?}"
                );
            }
        }
    }
}

#[test]
fn a_record_of_html_ends_no_later_than_a_browser_ends_it() {
    shown(
        Media::Html,
        &[
            ("<ul><li data-id=1 data-agreed=1>p1@example.com<li data-id=2>p2@example.com</ul>", "1"),
            ("<ul><li data-id=1 data-agreed=1>p1@example.com<li>p2@example.com</ul>p3@example.com", "1"),
            ("<ul><li data-id=1 data-agreed=1>p1@example.com<ul><li>p2@example.com</ul>p3@example.com</ul>", "123"),
            ("<p data-id=1 data-agreed=1>p1@example.com<div>p2@example.com</div>", "1"),
            ("<td><div data-id=1 data-agreed=1>p1@example.com<td>p2@example.com", "1"),
            ("<a data-id=1 data-agreed=1>p1@example.com<a data-id=2>p2@example.com</a>", "1"),
            ("<h2 data-id=1 data-agreed=1>p1@example.com<h3>p2@example.com</h3>", "1"),
            ("<div><span data-id=1 data-agreed=1>p1@example.com</div>p2@example.com", "1"),
            ("<input data-id=1 data-agreed=1 value=p1@example.com>p2@example.com", "1"),
            ("<svg><a data-id=1 data-agreed=1 /></svg>p2@example.com", ""),
            ("p2@example.com<div data-id=1 data-agreed=1>p1@example.com</div>p3@example.com<!--p4@example.com-->", "1"),
            ("<div data-id=1 data-agreed=1>p1@example.com", "1"),
            ("<div data-id=1 data-agreed=1>a<input value=p1@example.com", "1"),
            ("<div data-id=2>a<input value=p1@example.com", ""),
            (
                "<!-- <div data-id=1 data-agreed=1> -->p1@example.com<script>'<div data-id=1 data-agreed=1>'</script>p2@example.com",
                "",
            ),
            ("<table data-id=1 data-agreed=1><tr><td>p1@example.com<tr><td>p2@example.com</table>p3@example.com", "12"),
            // Rows, by their attributes.
            ("<table><tr data-id=1 data-agreed=1><td>p1@example.com<tr data-id=2><td>p2@example.com</table>", "1"),
            ("<table><tr data-id=1 data-agreed=1><td>p1@example.com<tr><td>p2@example.com</table>", "1"),
            ("<table><tr data-id=1 data-agreed=1><td>p1@example.com</td><table><tr><td>p2@example.com</table>", "1"),
            (
                "<table><tr data-id=1 data-agreed=1><td><table><tr><td>p1@example.com</table><td>p2@example.com</table>p3@example.com",
                "12",
            ),
            (
                "<table><tr data-id=1 data-agreed=1><td><table><tr><td>p1@example.com</tr></tr><tr><td>p2@example.com",
                "1",
            ),
            ("<tr data-id=1 data-agreed=1><td>p1@example.com</tr>\n<tr data-id=2><td>p2@example.com</tr>", "1"),
            // What is said twice.
            ("<div data-id=1 data-agreed=1>p1@example.com<b data-id=2>x</b></div>", ""),
            ("<div data-id=1 data-agreed=1>p1@example.com<b data-id=1>x</b></div>", "1"),
            ("<div data-id=1 data-agreed=1>p1@example.com<b data-agreed=0></b></div>", ""),
            ("<div data-id=1 data-id=2 data-agreed=1>p1@example.com</div>", ""),
            (
                "<div data-id=1><b DATA-AGREED='&#49;'>p1@example.com</b></div><div data-id=2 data-agreed=n>p2@example.com</div>",
                "1",
            ),
            ("<p data-agreed=1>p1@example.com", ""),
        ],
    );
}

#[test]
fn rows_are_told_by_the_heads_of_their_columns() {
    let head = "<table><thead><tr><th>ID<th>Mail<th>Agreed</tr></thead>";
    let page = |rows: &str| format!("{head}{rows}</table>");
    let cases: Vec<(String, &str)> = [
        ("<tr><td>1<td>p1@example.com<td>Y<tr><td>2<td>p2@example.com<td>N", "1"),
        ("<tbody><tr><td>1</td><td>p1@example.com</td><td> <b>yes</b>\n</td></tr><tfoot><tr><td>2<td>p2@example.com<td>no", "1"),
        // The head again, and rows that look like one.
        ("<tr><th>ID<th>Mail<th>agreed<tr><th>1<th>p1@example.com<th>Y<tr><th>2<th>p2@example.com<th>N", "1"),
        ("<thead><tr><td>1<td>p1@example.com<td>Y</thead>", ""),
        // Cells out of their columns.
        ("<tr><td colspan=2>1 p1@example.com<td>Y<tr><td colspan=2x>1 p2@example.com<td>Y", "1"),
        ("<tr><td rowspan=2>1<td>p1@example.com<td>Y<tr><td>2<td>p2@example.com<td>Y<tr><td>3<td>p3@example.com<td>Y", "13"),
        ("<tr><td rowspan=0>1<td>p1@example.com<td>Y<tr><td>2<td>p2@example.com<td>Y", ""),
        // Tables within a row.
        ("<tr><td>1<td>p1@example.com<table><tr><td>p2@example.com</table><td>Y<tr><td>3<td>p3@example.com<td>Y", "3"),
        ("<tr><td>1<td>p1@example.com", ""),
        ("<tr data-id=1><td>1<td>p1@example.com<td>Y<tr data-id=9><td>2<td>p2@example.com<td>Y", "1"),
        ("<tr data-id=1 data-agreed=0><td>1<td>p1@example.com<td>Y", ""),
    ]
    .map(|(rows, mails)| (page(rows), mails))
    .into_iter()
    .chain([
        ("<table><tr><td>A layout<table><tr><th>ID<th>Agreed<th>m<tr><td>1<td>Y<td>p1@example.com<tr><td>2<td>N<td>p2@example.com</table>p3@example.com</table>".to_owned(), "1"),
        ("<table><tr><th>ID<th>ID<th>Agreed<tr><td>1<td>1<td>Y p1@example.com<tr><td>1<td>2<td>Y".to_owned(), ""),
        ("<table><tr><th rowspan=2>ID<th colspan=2>Contact<th rowspan=2>Agreed<tr><th>m<th>n<tr><td>1<td>p1@example.com<td>x<td>Y<tr><td>2<td>p2@example.com<td>x<td>N</table>".to_owned(), "1"),
        ("<table><tr><td>ID<td>Agreed<td>m<tr><td>1<td>Y<td>p1@example.com</table>".to_owned(), ""),
    ])
    .collect();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(body, mails)| (body.as_str(), *mails)).collect();
    shown(Media::Html, &cases);
}
