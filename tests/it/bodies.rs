//! What rules see of a body is what libmodsecurity shows them, and never less.

use std::{collections::HashMap, fmt::Write as _};

use privet::shield::{
    body::{Parsed, Processor, read},
    fields::Bounds,
};

use crate::peer::{self, Exchange, Outcome};

const BOUNDS: Bounds = Bounds { arguments: 1000, depth: 100 };
const FORM: &str = "multipart/form-data; boundary=b";

/// What is compared: each list's bytes in hexadecimal, in one message.
const RULES: &str = r#"
    SecRuleEngine On
    SecRequestBodyAccess On
    SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
    SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
    SecRule ARGS_NAMES "@unconditionalMatch" "id:11,phase:2,pass,nolog,t:none,t:hexEncode,setvar:'tx.names=%{tx.names}|%{MATCHED_VAR}'"
    SecRule ARGS "@unconditionalMatch" "id:12,phase:2,pass,nolog,t:none,t:hexEncode,setvar:'tx.values=%{tx.values}|%{MATCHED_VAR}'"
    SecRule FILES "@unconditionalMatch" "id:13,phase:2,pass,nolog,t:none,t:hexEncode,setvar:'tx.files=%{tx.files}|%{MATCHED_VAR}'"
    SecRule MULTIPART_PART_HEADERS "@unconditionalMatch" "id:14,phase:2,pass,nolog,t:none,t:trim,t:hexEncode,setvar:'tx.heads=%{tx.heads}|%{MATCHED_VAR}'"
    SecRule XML:/* "@unconditionalMatch" "id:15,phase:2,pass,nolog,t:none,t:hexEncode,setvar:'tx.texts=%{tx.texts}|%{MATCHED_VAR}'"
    SecRule XML://@* "@unconditionalMatch" "id:16,phase:2,pass,nolog,t:none,t:hexEncode,setvar:'tx.attributes=%{tx.attributes}|%{MATCHED_VAR}'"
    SecAction "id:21,phase:2,pass,log,msg:'%{tx.names}'"
    SecAction "id:22,phase:2,pass,log,msg:'%{tx.values}'"
    SecAction "id:23,phase:2,pass,log,msg:'%{tx.files}'"
    SecAction "id:24,phase:2,pass,log,msg:'%{tx.heads}'"
    SecAction "id:25,phase:2,pass,log,msg:'%{tx.texts}'"
    SecAction "id:26,phase:2,pass,log,msg:'%{tx.attributes}'"
    SecAction "id:27,phase:2,pass,log,msg:'%{REQBODY_ERROR}'"
    SecAction "id:28,phase:2,pass,log,msg:'%{MULTIPART_STRICT_ERROR}'"
    SecAction "id:29,phase:2,pass,log,msg:'%{MULTIPART_UNMATCHED_BOUNDARY}'"
"#;

/// What either has read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// By what they are called in the rules; sorted, for the order differs.
    lists: [Vec<String>; 6],
    error: bool,
    strict: bool,
    unmatched: u8,
}

fn theirs(outcome: Outcome) -> Seen {
    let said: HashMap<u32, String> = outcome.matched.into_iter().zip(outcome.messages).collect();
    // A rule whose message is empty is not logged.
    let said = |id: u32| said.get(&id).map_or("", String::as_str);
    let list = |id: u32| {
        let mut list: Vec<String> = said(id).split('|').skip(1).map(str::to_owned).collect();
        list.sort();
        list
    };
    let lists = [21, 22, 23, 24, 25, 26].map(list);
    Seen { lists, error: said(27) == "1", strict: said(28) == "1", unmatched: said(29).parse().unwrap_or_default() }
}

fn ours(parsed: &Parsed) -> Seen {
    fn sorted<'a>(list: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        let mut list: Vec<String> = list.map(hex).collect();
        list.sort();
        list
    }
    let lists = [
        sorted(parsed.arguments.iter().map(|(name, _)| name)),
        sorted(parsed.arguments.iter().map(|(_, value)| value)),
        sorted(parsed.files.iter().map(|(_, file)| file)),
        sorted(parsed.part_headers.iter().map(|(_, line)| line.trim_ascii())),
        sorted(parsed.xml_texts.iter().map(|(_, text)| text)),
        sorted(parsed.xml_attributes.iter().map(|(_, value)| value)),
    ];
    let flags = &parsed.multipart;
    Seen { lists, error: parsed.error.is_some(), strict: flags.strict_error(), unmatched: flags.unmatched_boundary }
}

/// Both, for each of some thousand bodies that are put together of these.
fn compare(
    processor: Processor,
    content_type: &str,
    make: impl Fn(&mut fastrand::Rng) -> Vec<u8>,
    agree: impl Fn(&[u8], &Seen, &Seen) -> bool,
) {
    let Some(peer) = peer::peer() else { return };
    let mut random = fastrand::Rng::with_seed(11);
    let bodies: Vec<Vec<u8>> = (0..3000).map(|_| make(&mut random)).filter(|body| !body.is_empty()).collect();
    let exchange = |body: &Vec<u8>| {
        let length = body.len();
        let head =
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n");
        Exchange { request: [head.as_bytes(), body].concat(), response: Vec::new() }
    };
    let exchanges: Vec<Exchange> = bodies.iter().map(exchange).collect();
    let outcomes = peer::ask(&peer, RULES, &exchanges);
    let (mut wrong, mut same) = (Vec::new(), 0);
    for (body, outcome) in bodies.iter().zip(outcomes) {
        let (theirs, ours) = (theirs(outcome), ours(&read(processor, content_type.as_bytes(), body, BOUNDS)));
        same += usize::from(theirs == ours);
        if theirs != ours && !agree(body, &ours, &theirs) {
            wrong.push(format!("{}\n  ours   {ours:?}\n  theirs {theirs:?}", body.escape_ascii()));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(same * 5 > bodies.len(), "only {same} of {} are the same", bodies.len());
    println!("{same} of {} are the same", bodies.len());
}

fn some(random: &mut fastrand::Rng, most: usize, of: &[&str]) -> Vec<u8> {
    (0..random.usize(1..=most)).flat_map(|_| random.choice(of).expect("some").bytes()).collect()
}

#[test]
fn forms_are_read_as_the_reference_reads_them() {
    let of = ["a", "b", "=", "&", "=", "&", "+", "%41", "%00", "%zz", "%", "%4", ";", "\u{e9}", "%u0041", "%26", "\""];
    let make = |random: &mut fastrand::Rng| some(random, 12, &of);
    compare(Processor::UrlEncoded, "application/x-www-form-urlencoded", make, |_, _, _| false);
}

/// A value, now and then a broken one.
fn json(random: &mut fastrand::Rng, depth: u8, out: &mut Vec<u8>) {
    let odd = ["", ",", "]", "}", "x", "\"", "\\", "\n", "1 ", "tru"];
    if random.u8(..60) == 0 {
        out.extend_from_slice(random.choice(odd).expect("some").as_bytes());
    }
    let text = |random: &mut fastrand::Rng, out: &mut Vec<u8>| {
        let of = ["a", "b.c", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\\"", "\\\\", "\\/", "\u{e9}", " "];
        out.push(b'"');
        if random.bool() {
            out.extend(some(random, 4, &of));
        }
        out.push(b'"');
    };
    match random.u8(..if depth > 4 { 5 } else { 9 }) {
        0 => out.extend_from_slice(random.choice(["null", "true", "false"]).expect("some").as_bytes()),
        1 => out
            .extend_from_slice(random.choice(["0", "-1.50", "1e5", "12345678901234567890"]).expect("some").as_bytes()),
        2..5 => text(random, out),
        5..7 => {
            out.push(b'[');
            for at in 0..random.u8(..4) {
                out.extend_from_slice(if at > 0 { b" ," } else { b"" });
                json(random, depth + 1, out);
            }
            out.push(b']');
        }
        _ => {
            out.push(b'{');
            for at in 0..random.u8(..4) {
                out.extend_from_slice(if at > 0 { b"," } else { b"" });
                text(random, out);
                out.extend_from_slice(b" : ");
                json(random, depth + 1, out);
            }
            out.push(b'}');
        }
    }
}

#[test]
fn json_is_read_as_the_reference_reads_it() {
    let make = |random: &mut fastrand::Rng| {
        let mut body = Vec::new();
        json(random, 0, &mut body);
        body
    };
    compare(Processor::Json, "application/json", make, |_, ours, theirs| {
        // What is broken is told by both, or is several values, which ours reads.
        theirs.error && (ours.error || ours.lists[1].len() >= theirs.lists[1].len())
    });
}

fn multipart(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut body = some(random, 1, &["", "", "", "", "", "", "", "x\r\n", "\r\n"]);
    for _ in 0..random.u8(..4) {
        body.extend(some(
            random,
            1,
            &["--b\r\n", "--b\r\n", "--b\r\n", "--b\r\n", "--b\r\n", "--b\r\n", "--b\n", "--b \r\n", "--bb\r\n"],
        ));
        let names = [
            "name=a",
            "name=\"a\"",
            "name=\"b c\"",
            "name=\"d\\\"e\"",
            "name=\"f\\g\"",
            "name=\"h'i\"",
            "name='j'",
            "name",
            "name=\"\"",
        ];
        let usual = random.u8(..4) > 0;
        body.extend_from_slice(b"Content-Disposition: form-data; ");
        body.extend(some(random, 1, if usual { &names[..6] } else { &names[..] }));
        let files = [
            "; filename=\"x.txt\"",
            "; filename=y",
            "; filename=\"\"",
            "; filename=\"z\"; filename=\"w\"",
            " ; filename = v",
        ];
        if random.u8(..3) == 0 {
            body.extend(some(random, 1, if usual { &files[..3] } else { &files[..] }));
        }
        body.extend_from_slice(b"\r\n");
        let heads = [
            "Content-Type: text/plain\r\n",
            "X-Y:z\r\n",
            "X: y\n",
            " folded\r\n",
            "\tfolded\r\n",
            "no colon\r\n",
            ":\r\n",
        ];
        if random.u8(..3) == 0 {
            body.extend(some(random, 1, if usual { &heads[..2] } else { &heads[..] }));
        }
        body.extend_from_slice(if random.u8(..30) == 0 { b"" } else { b"\r\n" });
        body.extend(some(random, 4, &["1", "\r\n", "\n", "--", "--c", "\r\n--c\r\n", "x--b", "\0", "\u{e9}", "-- b"]));
        body.extend(some(random, 1, &["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", ""]));
    }
    body.extend(some(
        random,
        1,
        &["--b--\r\n", "--b--\r\n", "--b--\r\n", "--b--\r\n", "--b--", "--b--\r\nx", "--b--\n", "--b", ""],
    ));
    body
}

#[test]
fn forms_in_parts_are_read_as_the_reference_reads_them() {
    // The reference loses line ends within a value.
    let joined = |seen: &Seen| {
        let bytes = |value: &String| value.as_bytes().as_chunks::<2>().0.to_vec();
        let join = |value: &String| bytes(value).into_iter().filter(|pair| ![b"0d", b"0a"].contains(&pair)).collect();
        let mut values: Vec<Vec<[u8; 2]>> = seen.lists[1].iter().map(join).collect();
        values.sort();
        values
    };
    let same = |ours: &Seen, theirs: &Seen| {
        [0, 2, 3].iter().all(|at| ours.lists[*at] == theirs.lists[*at]) && joined(ours) == joined(theirs)
    };
    compare(Processor::Multipart, FORM, multipart, |body, ours, theirs| {
        // A line ends at NUL for the reference when it looks for boundaries.
        let nul = body.contains(&0);
        let flags = |seen: &Seen| (seen.error, seen.strict, if nul { 0 } else { seen.unmatched });
        if same(ours, theirs) && flags(ours) == flags(theirs) {
            return true;
        }
        // The reference gives up where it finds something that applications differ about; ours tells, and reads on.
        let told = ours.error && (theirs.error || theirs.strict || same(ours, theirs));
        // A form without fields is none to the reference.
        told || theirs.error && ours.lists.iter().all(Vec::is_empty)
    });
}

#[test]
fn xml_is_read_as_the_reference_reads_it() {
    let make = |random: &mut fastrand::Rng| {
        let mut body = Vec::new();
        let mut open = vec!["r"];
        body.extend_from_slice(b"<r a=\"1\">");
        for _ in 0..random.u8(..10) {
            let broken = random.u8(..9) == 0;
            let name = random.choice(["a", "b:c", "\u{e9}"]).expect("some");
            match random.u8(..4) {
                0 => {
                    body.extend_from_slice(format!("<{name}").as_bytes());
                    let attributes = ["", " x='1'", " y=\"a&amp;b\"", " z = '&#65;\"'", " w='&gt;'", " v=1", " u"];
                    body.extend(some(random, 1, if broken { &attributes[..] } else { &attributes[..5] }));
                    open.push(name);
                    body.push(b'>');
                }
                1 if open.len() > 1 => {
                    let name = open.pop().expect("an element");
                    body.extend_from_slice(format!("</{name} >").as_bytes());
                }
                _ => {
                    let texts = [
                        "t",
                        " ",
                        "&lt;",
                        "&#x41;",
                        "<!-- c -->",
                        "<![CDATA[<d>&amp;]]>",
                        "<?p i?>",
                        "<e/>",
                        "\n",
                        "\u{e9}",
                        "&foo;",
                        "&",
                        "<",
                    ];
                    body.extend(some(random, 3, if broken { &texts[..] } else { &texts[..10] }));
                }
            }
        }
        while random.u8(..40) > 0
            && let Some(name) = open.pop()
        {
            body.extend_from_slice(format!("</{name}>").as_bytes());
        }
        body
    };
    compare(Processor::Xml, "text/xml", make, |_, ours, theirs| theirs.error && ours.error);
}
