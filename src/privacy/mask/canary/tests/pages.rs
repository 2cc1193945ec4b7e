//! Forged rows of tables and elements of lists on pages.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use super::{Counter, Told, canary, mask, planted, records, run};
use crate::{
    format::Media,
    privacy::{
        Kinds,
        mask::{Judge, Rewriter, settings::Uninspectable},
    },
};

const HEAD: &str = "<table class=list><thead><tr><th>ID</th><th>Name</th><th>E-mail</th><th>Phone</th><th>Level</th><th>Memo</th>\
    <th>Visits</th><th></th></tr></thead>\n<tbody>\n";

/// What no other row may have, of the row of this number.
fn own(id: u32) -> Vec<String> {
    vec![
        id.to_string(),
        format!("Minsu{}", name(id)),
        format!("kim{id}"),
        format!("010-2345-{}", id - 80_000),
        format!("0102345{}", id - 80_000),
        format!("is {}", name(id)),
        format!("#t{id}x"),
    ]
}

fn name(id: u32) -> String {
    ["a", "b", "c", "d", "e", "f", "g"].map(|part| part.repeat(1 + id as usize / 7 % 3))[id as usize % 7].clone()
}

/// A row as an application of long ago has it, with whose it is at every corner.
fn row(id: u32) -> String {
    let (name, phone, zebra, visits) = (name(id), id - 80_000, ["odd", "even"][id as usize % 2], 100 + id * 7 % 800);
    format!(
        "  <tr id=\"row{id}\" class=\"{zebra} c-{id}\" onmouseover=\"show('{id}', 'Kim Minsu{name}', this)\">\n    \
         <td><input type=hidden name=\"customer_id\" value='{id}'><a href=\"/customers/{id}/edit?tab=1&amp;from=list\">{id}</a></td>\n    \
         <td title=\"Kim Minsu{name}\"> Kim Minsu{name} </td><td><a href=mailto:kim{id}@example.com>kim{id}@example.com</a></td>\n    \
         <td><a href=\"tel:0102345{phone}\">010-2345-{phone}</a></td><td>gold</td><td>whose wife is {name}</td><td>7,{visits}</td>\n    \
         <td><!-- row of kim{id}@example.com --><a href=\"/find?q=kim{id}%40example.com#t{id}x\">View</a></td></tr>\n"
    )
}

fn table(n: u32) -> String {
    let rows: String = (81_011..81_011 + n).map(row).collect();
    format!(
        "<h1>1&ndash;{n} of 134</h1>{HEAD}{rows}</tbody>\n<tfoot><tr><td>Total</td><td>{n}</td></tr></tfoot></table>\n<p>the end"
    )
}

/// The row of whoever has this id, from one sign to the other.
fn between<'a>(out: &'a str, from: &str, to: &str) -> &'a str {
    let start = out.find(from).unwrap_or_else(|| panic!("no {from}: {out}"));
    let end = out[start..].find(to).unwrap_or_else(|| panic!("no {to}: {out}"));
    &out[start..start + end + to.len()]
}

/// Nothing but `new` is more than there was.
#[track_caller]
fn adds(body: &str, out: &str, new: &str) {
    assert_eq!(out.replacen(new, "", 1), body, "{new}: {out}");
    assert_ne!(out, body);
}

/// Names of tags in their order.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter_map(|rest| rest.split([' ', '>']).next()).collect()
}

#[test]
fn a_table_has_one_row_more_and_nothing_of_its_neighbours() {
    for seed in 1..12 {
        let body = table(20);
        let (out, told) = run(&canary(seed), &mask(Kinds::all(), &[]), Media::Html, [body.as_bytes()]);
        assert_eq!((told.canaries, told.subjects.len()), (1, 21), "20 people, and a sum: {out}");
        let canary = canary(seed);
        let id = canary.id().expect("an id");
        let new = between(&out, &format!("<tr id=\"row{id}\""), "</tr>");
        adds(&body, &out, &format!("{new}\n  "));
        assert_eq!(tags(new), tags(&row(81_011)), "{new}");
        for part in [
            format!("<tr id=\"row{id}\" class=\""),
            format!("onmouseover=\"show(&#39;{id}&#39;, &#39;"),
            format!("value=\"{id}\"><a href=\"/customers/{id}/edit?tab=1&amp;from=list\">{id}</a>"),
            format!("<a href=\"mailto:{0}\">{0}</a>", canary.mail()),
            format!("<a href=\"tel:{}\">{}</a>", canary.phone().replace('-', ""), canary.phone()),
            "</td><td>gold</td><td></td><td>".to_owned(),
            format!("<!--  --><a href=\"/find?q={}#", canary.mail().replace('@', "%40")),
            ">View</a></td></tr>".to_owned(),
        ] {
            assert!(new.contains(&part), "{part}: {new}");
        }
        for real in (81_011..81_031).flat_map(own) {
            assert!(!new.contains(&real), "{real}: {new}");
        }
        let shown = new.split("<td title=\"").nth(1).and_then(|rest| rest.split(['"', '<']).next()).expect("a title");
        assert!(new.contains(&format!("\"> {shown} </td>")) && shown.contains(' '), "the same name: {new}");
        assert!(new.contains("class=\"odd c-") || new.contains("class=\"even c-"), "{new}");
    }
}

#[test]
fn it_is_the_same_wherever_a_page_is_cut() {
    let body = table(16);
    let (out, told) = planted(&canary(1), Media::Html, &body);
    assert_eq!(told.canaries, 1);
    assert!(out.contains(canary(1).mail()) && out.contains("of 134"));
    assert_ne!(planted(&canary(2), Media::Html, &body).0, out, "each their own");
    let short = format!(
        "<table><tr><th>ID<th>Mail<!-- x -->{}</table>",
        rows(5, |id| format!("<tr><td>{id}<td>kim{id}@a.example\n"))
    );
    assert!(short.len() < 600 && planted(&canary(1), Media::Html, &short).1.canaries == 1, "at every byte");
}

/// Rows of a table with these cells behind the id.
fn rows(n: usize, row: impl Fn(usize) -> String) -> String {
    (1..=n).map(row).collect()
}

#[test]
fn pages_stay_as_they_are_where_it_can_not_be_told() {
    let plain = |id: usize| format!("<tr><td>{id}</td><td>kim{id}@a.example</td></tr>\n");
    let page = |rows: String| format!("<table><tr><th>ID<th>Mail</tr>{rows}</table>");
    for body in [
        String::new(),
        "<p>nobody".to_owned(),
        page(rows(3, plain)),
        page(String::new()),
        // No records, or none that a canary can be among.
        format!("<table><tr><th>No<th>Mail</tr>{}</table>", rows(5, plain)),
        page(rows(5, |id| format!("<tr><td>x{id}</td><td>a</td></tr>"))),
        // More of one person than anybody has, and rows that are too long.
        rows(5, |id| format!("<tr data-id={id}>{}</tr>", rows(300, |n| format!("<td>kim{id}x{n}@a.example")))),
        rows(5, |id| format!("<tr data-id={id}><td>{}</tr>", "a ".repeat(40_000))),
        // A script, a template of text, and what is none of the table.
        format!("<script>var rows = '{}';</script>", rows(5, |id| format!("<tr data-id={id}><td>{id}</td></tr>"))),
        format!("<textarea>{}</textarea>", rows(5, |id| format!("<tr data-id={id}><td>{id}</td></tr>"))),
        format!("<!-- {} -->", rows(5, |id| format!("<tr data-id={id}><td>{id}</td></tr>"))),
        // Cells that reach over rows.
        rows(5, |id| format!("<tr data-id={id}><td rowspan=2>{id}</td></tr><tr data-id={id}><td>b</td></tr>")),
        format!(
            "<table><tr><td rowspan=9>Seoul</td></tr>{}</table>",
            rows(5, |id| format!("<tr data-id={id}><td>a</tr>"))
        ),
        // A row for each alone, elements around each, or within others that go on.
        rows(5, |id| format!("<table><tr data-id={id}><td>a</td></tr></table>")),
        rows(5, |id| format!("<form><tr data-id={id}><td>a</td></tr></form>")),
        rows(5, |id| format!("<td data-id={id}>a</td>")),
        rows(5, |id| format!("<div><span data-id={id}>a</div>")),
        rows(5, |id| format!("<section><div data-id={id}>a</section>")),
        rows(5, |id| format!("<ul><li><div data-id={id}><ul><li>a</div></ul></ul>")),
        // Text between, a script in each, and a page that breaks off.
        rows(5, |id| format!("<li data-id={id}>a</li>, ")),
        rows(5, |id| {
            format!("<li data-id={id}>a<script>add({id}, '{}')</script></li>", ["a", "b", "c"].concat().repeat(id))
        }),
        format!("{}<tr><td>5", page(rows(4, plain)).trim_end_matches("</table>")),
        // The last is a sum.
        page(rows(4, plain) + "<tr><td>Total</td><td>4</td></tr>"),
    ] {
        let (out, told) = planted(&canary(1), Media::Html, &body);
        assert_eq!((out, told.canaries), (body, 0));
    }
}

#[test]
fn lists_of_all_forms() {
    let id = canary(1).id().expect("an id").to_owned();
    let mail = canary(1).mail().to_owned();
    for (body, new) in [
        // Tags left out, in capitals, without quotes; heads again; comments between.
        (
            format!("<TABLE><TR><TH>ID<TH>Mail{}</TABLE>", rows(5, |id| format!("<TR><TD>{id}<TD>kim{id}@a.example"))),
            format!("<TR><TD>{id}<TD>{mail}"),
        ),
        (
            format!(
                "<table><thead><tr><td>ID<td>Mail<tbody>{}<tfoot><tr><td>5<td>",
                rows(5, |id| format!("<tr><td>{id}<td>kim{id}@a.example"))
            ),
            format!("<tr><td>{id}<td>{mail}"),
        ),
        (
            format!(
                "<table><tr><th>ID<th>Mail</tr>{}</table>",
                rows(5, |id| format!(
                    "<tr><td>{id}</td><td>kim{id}@a.example</td></tr><!-- > --><tr><th>ID</th><th>Mail</th></tr>"
                ))
            ),
            format!("<tr><td>{id}</td><td>{mail}</td></tr>"),
        ),
        // By attributes: rows, without any head; elements of lists; cards.
        (
            format!("<table>{}</table>", rows(5, |id| format!("<tr data-id={id}><td>kim{id}@a.example</td></tr>\r\n"))),
            format!("<tr data-id=\"{id}\"><td>{mail}</td></tr>\r\n"),
        ),
        (
            format!("<ul>{}</ul>", rows(5, |id| format!("<li data-id='{id}'>kim{id}@a.example <b>vip</b>\n"))),
            format!("<li data-id=\"{id}\">{mail} <b>vip</b>\n"),
        ),
        (
            rows(5, |id| format!("<div class=card data-id={id}><p>kim{id}@a.example<p>gold</div>\n")),
            format!("<div class=card data-id=\"{id}\"><p>{mail}<p>gold</div>\n"),
        ),
        (
            rows(5, |id| format!("<dl data-id={id}><dt>E-mail<dd>kim{id}@a.example</dl>")),
            format!("<dl data-id=\"{id}\"><dt>E-mail<dd>{mail}</dl>"),
        ),
        (
            format!(
                "<table>{}</table>",
                rows(5, |id| format!("<tbody data-id={id}><tr><td>kim{id}@a.example<tr><td>x</tbody>"))
            ),
            format!("<tbody data-id=\"{id}\"><tr><td>{mail}<tr><td>x</tbody>"),
        ),
        // A table in a table of the page's own look; a script that is the same in each but for the id.
        (
            format!(
                "<table><tr><td rowspan=2>menu<td><table><tr><th>ID{}</table></table>",
                rows(5, |id| format!("<tr><td>{id}<script>add({id})</script></tr>"))
            ),
            format!("<tr><td>{id}<script>add({id})</script></tr>"),
        ),
    ] {
        let (out, told) = planted(&canary(1), Media::Html, &body);
        assert_eq!(told.canaries, 1, "{body}");
        adds(&body, &out, &new);
    }
}

#[test]
fn it_stands_within_its_list() {
    let body = table(5);
    let (out, _) = planted(&canary(1), Media::Html, &body);
    assert!(
        out.contains(">View</a></td></tr>\n  </tbody>\n<tfoot>") && out.find(canary(1).mail()) < out.find("</tbody>"),
        "{out}"
    );
    let twice = format!("{}{}", table(5), table(6));
    assert_eq!(planted(&canary(1), Media::Html, &twice).1.canaries, 2, "each list has one");
}

#[test]
fn what_is_masked_of_others_is_masked_of_it() {
    let body = table(20);
    let closed = mask(Kinds::default(), &["/Level"]);
    let (out, told) = run(&canary(1), &closed, Media::Html, [body.as_bytes()]);
    assert_eq!(told.canaries, 1);
    let canary = canary(1);
    assert!(out.contains(canary.id().expect("an id")) && !out.contains(canary.mail()) && !out.contains(canary.phone()));
    assert_eq!((out.matches("<td>***</td>").count(), out.matches("gold").count()), (21, 0));
}

#[test]
fn it_is_made_of_a_row_that_is_shown() {
    let agrees = |id: usize| if id.is_multiple_of(2) { "예" } else { "false" };
    let body = format!(
        "<table><tr><th>ID<th>Agreed<th>Mail</tr>{}</table>",
        rows(30, |id| format!("<tr><td>{id}<td>{}<td>kim{id}@a.example</tr>\n", agrees(id)))
    );
    let (out, told) = planted(&canary(5), Media::Html, &body);
    assert_eq!((told.subjects.len(), told.canaries, out.matches("<tr><td>").count()), (30, 1, 16));
    assert!(!out.contains("false") && out.contains(&format!("<td>예<td>{}", canary(5).mail())), "{out}");
}

#[test]
fn references_and_encodings_are_read_and_written() {
    let name = |id: usize| format!("&#44608;민{}", ["수", "지", "호", "서", "아", "준"][id % 6]);
    let row = |id: usize| {
        format!(
            "<tr><td>{id}<td><a href=\"?id={id}&amp;x=1&amp;n=&#44608;{id}\">{}</a><td>{}세<td>A &amp; B</tr>\n",
            name(id),
            20 + 3 * id
        )
    };
    let body = format!("<table><tr><th>&#48264;&#54840;<th>&#51060;름&nbsp;<th>나이<th></tr>{}</table>", rows(6, row));
    let (out, told) = planted(&canary(1), Media::Html, &body);
    let id = canary(1).id().expect("an id").to_owned();
    let new = between(&out, &format!("<tr><td>{id}"), "</tr>");
    adds(&body, &out, &format!("{new}\n"));
    assert_eq!(told.canaries, 1);
    assert!(new.contains(&format!("<td>{id}<td><a href=\"?id={id}&amp;x=1&amp;n=")), "{new}");
    assert!(new.contains("세<td>A &amp; B</tr>") && !new.contains("김민") && !new.contains("44608"), "{new}");
    // The same page as it was written when pages were in EUC-KR.
    let (old, _, _) = encoding_rs::EUC_KR.encode(&body);
    let judge = Box::new(Counter(Rc::new(RefCell::new(Told::default())))) as Box<dyn Judge>;
    let mut rewriter = Rewriter::new(
        &mask(Kinds::all(), &[]),
        Some(Media::Html),
        Some(encoding_rs::EUC_KR),
        Uninspectable::Refuse,
        Some((records(false), judge)),
    )
    .planting(Some(canary(1)));
    let mut bytes = Vec::new();
    old.chunks(7).for_each(|piece| rewriter.push(piece, &mut bytes).expect("read"));
    rewriter.finish(&mut bytes).expect("read");
    assert_eq!(encoding_rs::EUC_KR.decode(&bytes).0, out);
}

/// What a fuzzer does, for a moment and always alike: whatever becomes of a page, it is the page of before with something between,
/// wherever it is cut.
#[test]
fn mangled_pages_lose_nothing() {
    const SPICE: [&str; 16] = [
        "<",
        ">",
        "\"",
        "</tr>",
        "<tr>",
        "<td>",
        "</td>",
        "<table>",
        "</table>",
        "<!--",
        "-->",
        "</a>",
        "<li data-id=9>",
        "&",
        "<textarea>",
        "<td rowspan=2>",
    ];
    let mut random = fastrand::Rng::with_seed(11);
    let open: Arc<_> = mask(Kinds::all(), &[]);
    let mut planted = 0;
    for _ in 0..150 {
        let mut body = table(7).into_bytes();
        for _ in 0..random.usize(1..5) {
            let at = random.usize(..body.len());
            if random.bool() {
                body.splice(at..at, SPICE[random.usize(..SPICE.len())].bytes());
            } else {
                let end = body.len().min(at + random.usize(1..30));
                body.drain(at..end);
            }
        }
        let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let judge = Box::new(Counter(Rc::new(RefCell::new(Told::default())))) as Box<dyn Judge>;
            let judged = Some((records(false), judge));
            let mut rewriter =
                Rewriter::new(&open, Some(Media::Html), Some(encoding_rs::UTF_8), Uninspectable::Refuse, judged)
                    .planting(Some(canary(1)));
            let mut out = Vec::new();
            for piece in pieces {
                rewriter.push(piece, &mut out)?;
            }
            rewriter.finish(&mut out).map(|()| out)
        };
        let whole = read(&mut std::iter::once(body.as_slice()));
        let size = random.usize(1..50);
        let cut = read(&mut body.chunks(size));
        let text = String::from_utf8_lossy(&body);
        assert!(whole.is_err() && cut.is_err() || whole == cut, "{text}");
        let Ok(out) = whole else { continue };
        let mut rest = out.iter();
        assert!(body.iter().all(|byte| rest.any(|other| other == byte)), "{text}");
        planted += usize::from(out.len() > body.len());
    }
    assert!(planted > 30, "{planted}");
}
