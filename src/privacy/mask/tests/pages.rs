//! Records of HTML: where they end, and what their cells say.

use super::records::shown;
use crate::format::Media;

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
