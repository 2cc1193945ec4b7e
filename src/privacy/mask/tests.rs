use std::{fmt::Write as _, sync::Arc};

use super::{Mask, Rewriter, engine_settings, settings::Uninspectable};
use crate::{
    format::{Malformed, Media, path::Pattern},
    privacy::{Engine, Keys, Tally, settings::Settings},
};

fn mask(paths: &[&str]) -> Arc<Mask> {
    let engine = Engine::new(&engine_settings(&Settings::default()), Arc::new(Keys::ephemeral().expect("keys")));
    let paths = paths.iter().map(|path| Pattern::parse(path).expect("a pattern")).collect();
    Arc::new(Mask::new(Arc::new(engine), paths, "test".to_owned()))
}

fn run<'a>(
    mask: &Arc<Mask>,
    media: Option<Media>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(String, Tally, String), Malformed> {
    let mut rewriter = Rewriter::new(mask, media, None, Uninspectable::Refuse, None);
    let mut out = Vec::new();
    for piece in pieces {
        rewriter.push(piece, &mut out)?;
    }
    rewriter.finish(&mut out)?;
    let mut fields = String::new();
    let tally = rewriter.found(|found| {
        for row in found.rows() {
            let counts: Vec<String> = row.masked.iter().map(|(kind, n)| format!("{kind}:{n}")).collect();
            let _ = writeln!(fields, "{} {}", row.field, counts.join(","));
        }
        found.masked()
    });
    Ok((String::from_utf8_lossy(&out).into_owned(), tally.unwrap_or_default(), fields))
}

const VALUES: [&str; 6] = [
    "kim.minsu@example.com",
    "010-2345-6789",
    "901231-1234563",
    "4111 1111 1111 1111",
    "김민수",
    "서울특별시 강남구 테헤란로 12",
];

fn bodies() -> Vec<(Media, String)> {
    let [email, phone, rrn, card, name, address] = VALUES;
    let json = format!(
        "{{\"id\":7,\"name\":\"{name}\",\"email\":\"{email}\",\"phone\":\"{phone}\",\"rrn\":\"{rrn}\",\"card\":\"{card}\",\"address\":\"{address}\",\"ok\":true}}"
    );
    vec![
        (Media::Json, format!("{{\"customers\":[{json},{json}],\"total\":2}}")),
        (Media::JsonLines, format!("{json}\n{json}\n")),
        (
            Media::Csv,
            format!(
                "id,name,email,phone,rrn,card,address\r\n1,{name},{email},{phone},{rrn},{card},\"{address}, 3층\"\r\n"
            ),
        ),
        (Media::Form, format!("id=1&email=kim.minsu%40example.com&phone={phone}&rrn={rrn}&card=4111+1111+1111+1111")),
        (
            Media::Xml,
            format!(
                "<c><id>1</id><name>{name}</name><email>{email}</email><phone>{phone}</phone><x rrn=\"{rrn}\" card='{card}'/><address>{address}</address></c>"
            ),
        ),
        (
            Media::Html,
            format!(
                "<table><tr><th>id<th>name<th>email<th>phone<th>rrn<th>card<th>address</tr><tr><td>1<td>{name}<td>{email}<td>{phone}<td>{rrn}<td>{card}<td>{address}</tr></table>\
                 <input name=\"name\" value=\"{name}\"><input name=phone value={phone}><a href=\"mailto:{email}\">mail</a>\
                 <script>var c = {{\"phone\": \"{phone}\"}};</script><script type=\"application/json\">{json}</script><!-- {email} -->"
            ),
        ),
        (Media::Text, format!("phone: {phone}, mail {email}, rrn {rrn}, card {card}\n이름: {name}\n주소: {address}\n")),
        (Media::Events, format!("id: 1\ndata: {json}\n\ndata: call {phone}\n\n")),
    ]
}

#[test]
fn no_value_comes_through_whatever_the_cuts() {
    let mask = mask(&[]);
    for (media, body) in bodies() {
        let whole = run(&mask, Some(media), [body.as_bytes()]).expect("readable");
        for value in VALUES.iter().chain(&["kim.minsu", "2345", "1234563", "1111 1111"]) {
            assert!(!whole.0.contains(value), "{media:?} {value}: {}", whole.0);
        }
        assert!(!whole.1.is_empty());
        for cut in 0..=body.len() {
            let (a, b) = body.as_bytes().split_at(cut);
            assert_eq!(run(&mask, Some(media), [a, b]), Ok(whole.clone()), "{media:?} {cut}");
        }
        assert_eq!(run(&mask, Some(media), body.as_bytes().chunks(1)), Ok(whole.clone()), "{media:?}");
    }
}

#[test]
fn a_masked_body_stays_as_it_is() {
    let mask = mask(&[]);
    for (media, body) in bodies() {
        let once = run(&mask, Some(media), [body.as_bytes()]).expect("readable").0;
        let twice = run(&mask, Some(media), [once.as_bytes()]).expect("readable").0;
        assert_eq!(twice, once, "{media:?}");
    }
}

#[test]
fn json_stays_json_and_what_is_nobodys_stays() {
    let mask = mask(&[]);
    let (out, _, fields) = run(&mask, Some(Media::Json), [bodies()[0].1.as_bytes()]).expect("readable");
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(value["customers"][1]["id"], 7);
    assert_eq!(value["customers"][0]["phone"], "010-****-6789");
    assert_eq!(value["total"], 2);
    assert!(
        fields.contains("/customers/*/phone PHONE_NUMBER:2\n") && fields.contains("/customers/*/rrn KR_RRN:2\n"),
        "{fields}"
    );
    let plain = "{\"id\":123456789,\"ts\":1732500000,\"uuid\":\"3f2504e0-4f89-11d3-9a0c-0305e82c3301\",\"price\":12.5,\"title\":\"A chair\"}";
    assert_eq!(run(&mask, Some(Media::Json), [plain.as_bytes()]).expect("readable").0, plain);
    let number =
        run(&mask, Some(Media::Json), [&b"{\"card\":4111111111111111,\"alice@example.com\":1}"[..]]).expect("readable");
    assert!(
        !number.0.contains("41111") && number.0.starts_with("{\"card\":\"") && !number.0.contains("alice"),
        "{}",
        number.0
    );
    // The client goes on with what it was handed.
    let token = "{\"access_token\":\"Zm9vYmFyYmF6cXV4MTIzNDU2\",\"csrf_token\":\"0123456789abcdef\"}";
    assert_eq!(run(&mask, Some(Media::Json), [token.as_bytes()]).expect("readable").0, token);
}

#[test]
fn paths_name_what_is_masked_whatever_it_is() {
    let mask = mask(&["/rows/*/note", "/secret"]);
    let body = r#"{"rows":[{"note":"anything","n":1},{"note":12},{"note":null},{"note":true},{"note":["a",{"b":"c"}]},{"note":"010-2345-6789"},{"note":""}],"secret":{"x":1}}"#;
    let (out, _, _) = run(&mask, Some(Media::Json), [body.as_bytes()]).expect("readable");
    assert_eq!(
        out,
        r#"{"rows":[{"note":"***","n":1},{"note":"***"},{"note":null},{"note":null},{"note":["***",{"b":"***"}]},{"note":"010-****-6789"},{"note":""}],"secret":{"x":"***"}}"#
    );
    let long = format!("{{\"rows\":[{{\"note\":\"{}\"}}]}}", "word ".repeat(20_000));
    assert_eq!(
        run(&mask, Some(Media::Json), [long.as_bytes()]).expect("readable").0,
        "{\"rows\":[{\"note\":\"***\"}]}"
    );
    let password = format!("{{\"password\":\"{}\"}}", "w".repeat(100_000));
    assert_eq!(run(&mask, Some(Media::Json), [password.as_bytes()]).expect("readable").0, "{\"password\":\"***\"}");
}

#[test]
fn a_body_without_a_label_is_told_by_its_first_bytes() {
    let mask = mask(&[]);
    let (out, _, _) = run(&mask, None, [&b"  {\"phone\":"[..], b"\"010-2345-6789\"}"]).expect("readable");
    assert_eq!(out, "  {\"phone\":\"010-****-6789\"}");
    assert!(run(&mask, None, [&b"\x89PNG\r\n\x1a\n\0\0"[..]]).is_err());
    assert_eq!(run(&mask, None, [&b""[..]]).expect("readable").0, "");
    assert!(run(&mask, Some(Media::Json), [&b"<html>"[..]]).is_err());
    let mut lenient = Rewriter::new(&mask, Some(Media::Json), None, Uninspectable::Pass, None);
    let mut out = Vec::new();
    lenient.push(b"<html><td>010-2345-6789", &mut out).expect("readable");
    lenient.finish(&mut out).expect("readable");
    assert_eq!(String::from_utf8_lossy(&out), "<html><td>010-****-6789");
}

#[test]
fn korean_pages_of_old_are_masked_and_stay_korean() {
    let mask = mask(&[]);
    let page = "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=euc-kr\"></head><table><tr><th>성명<td>김민수<tr><th>전화<td>010-2345-6789</table>";
    let (raw, _, _) = encoding_rs::EUC_KR.encode(page);
    for size in [1, 7, 10_000] {
        let mut rewriter = Rewriter::new(&mask, Some(Media::Html), None, Uninspectable::Refuse, None);
        let mut out = Vec::new();
        for piece in raw.chunks(size) {
            rewriter.push(piece, &mut out).expect("readable");
        }
        rewriter.finish(&mut out).expect("readable");
        let (text, _, broken) = encoding_rs::EUC_KR.decode(&out);
        assert!(!broken && !text.contains("민수") && text.contains("010-****-6789") && text.contains("성명"), "{text}");
    }
}

#[test]
fn the_map_shows_no_value_as_a_name() {
    let mask = mask(&[]);
    let body = "{\"김민수\":{\"phone\":\"010-2345-6789\"},\"k12345678\":{\"phone\":\"010-2345-6789\"},\"kim@example.com\":\"x 010-2345-6789\"}";
    let (_, _, fields) = run(&mask, Some(Media::Json), [body.as_bytes()]).expect("readable");
    assert!(!fields.contains("민수") && !fields.contains("12345678") && !fields.contains("example"), "{fields}");
    let html = "<table><tr><td>Kim</td><td>010-2345-6789</td></tr></table>";
    let (_, _, fields) = run(&mask, Some(Media::Html), [html.as_bytes()]).expect("readable");
    assert!(!fields.contains("Kim"), "{fields}");
    let letter = |n: u8| char::from(b'a' + n);
    let many = (0..1000_u16).fold(String::new(), |mut all, i| {
        let [a, b, c] = [i / 100, i / 10 % 10, i % 10].map(|n| letter(u8::try_from(n).unwrap_or(0)));
        let _ = write!(all, "\"f{a}{b}{c}\":\"010-2345-6789\",");
        all
    });
    let (_, _, fields) = run(&mask, Some(Media::Json), [format!("{{{many}\"z\":1}}").as_bytes()]).expect("readable");
    assert!(fields.lines().count() <= 129 && fields.contains("(other)"), "{fields}");
}

#[test]
fn a_mark_counts_more_than_a_label() {
    let mask = mask(&[]);
    let text = "\u{feff}<p>이름: 김민수, 010-2345-6789";
    let wide = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<u8>>();
    for (body, encoding) in [
        (wide(u16::to_le_bytes), encoding_rs::UTF_16LE),
        (wide(u16::to_be_bytes), encoding_rs::UTF_16BE),
        (text.as_bytes().to_vec(), encoding_rs::UTF_8),
    ] {
        for label in [Some(encoding_rs::UTF_8), Some(encoding_rs::EUC_KR), None] {
            for cut in 0..4 {
                let mut rewriter = Rewriter::new(&mask, Some(Media::Html), label, Uninspectable::Refuse, None);
                let mut out = Vec::new();
                rewriter.push(&body[..cut], &mut out).expect("HTML");
                rewriter.push(&body[cut..], &mut out).expect("HTML");
                rewriter.finish(&mut out).expect("HTML");
                let (shown, _) = encoding.decode_with_bom_removal(&out);
                assert_eq!(shown, "<p>이름: 김**, 010-****-6789", "{label:?} {cut}");
            }
        }
    }
    let unmarked: Vec<u8> = "kim@example.com".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (out, ..) = run(&mask, Some(Media::Text), [&unmarked[..]]).expect("text");
    assert_eq!(out.replace('\0', ""), "k***@example.com");
    let hidden = encoding_rs::EUC_KR.encode("<!-- <meta charset=utf-16> --><meta charset=euc-kr><p>이름: 김민수").0;
    let mut rewriter = Rewriter::new(&mask, Some(Media::Html), None, Uninspectable::Refuse, None);
    let mut out = Vec::new();
    rewriter.push(&hidden, &mut out).expect("HTML");
    rewriter.finish(&mut out).expect("HTML");
    assert!(encoding_rs::EUC_KR.decode(&out).0.ends_with("이름: 김**"));
}

#[test]
fn nothing_hides_in_odd_corners_of_a_page() {
    let mask = mask(&[]);
    for (page, expected) in [
        ("<p>kim&#64example.com 010&shy;-2345-6789", "<p>k***@example.com 010-****-6789"),
        ("<p>kim\0@exam\0ple.com", "<p>k***@example.com"),
        ("<input value=kim@example.com value=x>", "<input value=\"k***@example.com\">"),
        ("<input value=ab value=kim@example.com>", "<input value=\"ab\">"),
        ("<input name=a kim@example.com=1>", "<input name=a>"),
        ("<noscript><b title=x>kim@example.com</b></noscript>", "<noscript><b title=x>k***@example.com</b></noscript>"),
        (
            "<script type=text/template><b>kim@example.com</b></script>",
            "<script type=text/template><b>k***@example.com</b></script>",
        ),
        (
            "<table><tr><th colspan=2>고객<th>이름</tr><tr><td>1<td>2<td>김민수</table>",
            "<table><tr><th colspan=2>고객<th>이름</tr><tr><td>1<td>2<td>김**</table>",
        ),
    ] {
        let (out, ..) = run(&mask, Some(Media::Html), [page.as_bytes()]).expect("HTML");
        assert_eq!(out, expected);
    }
    let (out, ..) = run(&mask, Some(Media::Xml), [&b"<?pi kim@example.com?><a/>"[..]]).expect("XML");
    assert_eq!(out, "<?pi \"k***@example.com\"?><a/>");
}

mod records;
mod reveal;
