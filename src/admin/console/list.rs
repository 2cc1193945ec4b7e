//! Lists: rows that are searched, sorted, turned by pages and taken along as CSV. All of it is in the URL, so that a list can be kept and sent.

use std::fmt::Write as _;

use super::{layout::Shown, visit::Visit};
use crate::access::page::escaped;

/// Rows of a page.
const ROWS: usize = 50;

/// One field of a row: its text is what is searched and exported. HTML is made of it for the rows of a page alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    look: Look,
    /// Where it leads.
    to: Option<String>,
    /// What it is sorted by, where that is not its text.
    order: Option<i64>,
}

/// How the text of a cell is shown.
#[derive(Debug, Clone, Default)]
enum Look {
    #[default]
    Plain,
    English,
    Time,
    Sign(Sign),
    /// By HTML in its place.
    Made(String),
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// What the gateway says in English alone.
    pub(super) fn english(text: &str) -> Self {
        Self { look: Look::English, ..Self::text(text) }
    }

    pub(super) fn number(number: impl Into<i128>) -> Self {
        let number = number.into();
        Self { order: Some(i64::try_from(number).unwrap_or(i64::MAX)), ..Self::text(number.to_string()) }
    }

    /// A time as RFC 3339 has it; nothing where there is none.
    pub(super) fn time(text: Option<&str>) -> Self {
        text.map_or_else(|| Self::text("–"), |text| Self { look: Look::Time, ..Self::text(text) })
    }

    /// A state: a sign and a word, never a colour alone. `rank` sorts, the worst first.
    pub(super) fn sign(sign: Sign, word: &str) -> Self {
        Self { look: Look::Sign(sign), order: Some(sign as i64), ..Self::text(word) }
    }

    /// The same, and it leads somewhere. `to` is a path of ours.
    pub(super) fn link(self, to: &str) -> Self {
        Self { to: Some(to.to_owned()), ..self }
    }

    /// What can be done: of no use but on the page.
    pub(super) fn action(html: String) -> Self {
        Self { look: Look::Made(html), ..Self::default() }
    }

    fn html(&self) -> String {
        let html = match &self.look {
            Look::Plain => escaped(&self.text),
            Look::English => format!("<span lang=\"en\">{}</span>", escaped(&self.text)),
            Look::Time => time(&self.text),
            Look::Sign(sign) => sign.html(&self.text),
            Look::Made(html) => html.clone(),
        };
        self.to.as_ref().map_or_else(|| html.clone(), |to| format!("<a href=\"{}\">{html}</a>", escaped(to)))
    }
}

/// A time in HTML: the date and the time, in UTC.
pub(super) fn time(text: &str) -> String {
    let shown = text.get(..16).map_or_else(|| text.to_owned(), |minutes| minutes.replace('T', " "));
    let zone = if text.ends_with('Z') { " UTC" } else { "" };
    format!("<time datetime=\"{0}\">{1}{zone}</time>", escaped(text), escaped(&shown))
}

/// How it stands, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Red,
    Amber,
    Green,
    Grey,
}

impl Sign {
    /// By the gateway's own words.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "red" | "confirmed" | "critical" | "high" | "missing" | "expired" | "withdrawn" | "gap" | "out"
            | "finding" => Self::Red,
            "amber" | "possible" | "medium" | "due" | "waiting" | "outdated" | "proposed" => Self::Amber,
            "green" | "ok" | "cleared" | "closed" | "done" | "valid" | "signed" | "in_force" | "up" => Self::Green,
            _ => Self::Grey,
        }
    }

    /// In HTML, with its word.
    pub(super) fn html(self, word: &str) -> String {
        let (class, sign) = match self {
            Self::Red => ("red", "✖"),
            Self::Amber => ("amber", "▲"),
            Self::Green => ("green", "●"),
            Self::Grey => ("grey", "○"),
        };
        format!("<span class=\"sign {class}\"><span aria-hidden=\"true\">{sign}</span> {}</span>", escaped(word))
    }
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its name in URLs and exports.
    key: &'static str,
    label: String,
    /// Whether it is exported, and sorted by.
    is_data: bool,
    is_number: bool,
}

impl Column {
    pub(super) fn new(key: &'static str, label: impl Into<String>) -> Self {
        Self { key, label: label.into(), is_data: true, is_number: false }
    }

    pub(super) fn number(key: &'static str, label: impl Into<String>) -> Self {
        Self { is_number: true, ..Self::new(key, label) }
    }

    pub(super) fn action(label: impl Into<String>) -> Self {
        Self { is_data: false, ..Self::new("", label) }
    }
}

/// A list.
#[derive(Debug)]
pub(super) struct List {
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl List {
    /// The page of it that is asked for, below `above`; or all of it as a file.
    pub(super) fn show(mut self, visit: &Visit, above: &str) -> Shown {
        let all = self.rows.len();
        self.search(visit);
        self.sort(visit);
        if visit.query.one("format") == Some("csv") {
            return Shown::file("text/csv; charset=utf-8; header=present", &file_name(&visit.path), self.csv());
        }
        let found = self.rows.len();
        let pages = found.div_ceil(ROWS).max(1);
        let asked = visit.query.number("page").and_then(|page| usize::try_from(page).ok()).unwrap_or(1);
        let page = asked.clamp(1, pages);
        let rows: Vec<Vec<Cell>> = self.rows.drain(..).skip((page - 1) * ROWS).take(ROWS).collect();
        self.rows = rows;
        let mut out = above.to_owned();
        out.push_str(&tools(visit, found, all));
        out.push_str(&self.table(Some(visit)));
        out.push_str(&turn(visit, page, pages));
        Shown::html(out)
    }

    fn search(&mut self, visit: &Visit) {
        let Some(wanted) = visit.query.one("q").map(str::to_lowercase) else { return };
        self.rows.retain(|row| row.iter().any(|cell| cell.text.to_lowercase().contains(&wanted)));
    }

    fn sort(&mut self, visit: &Visit) {
        let Some(asked) = visit.query.one("sort") else { return };
        let (key, down) = asked.strip_prefix('-').map_or((asked, false), |key| (key, true));
        let Some(at) = self.columns.iter().position(|column| column.is_data && column.key == key) else { return };
        self.rows.sort_by(|one, other| {
            let order = match (one[at].order, other[at].order) {
                (Some(one), Some(other)) => one.cmp(&other),
                _ => one[at].text.to_lowercase().cmp(&other[at].text.to_lowercase()),
            };
            if down { order.reverse() } else { order }
        });
    }

    /// The table alone; it can be sorted where a visit is told.
    pub(super) fn table(&self, visit: Option<&Visit>) -> String {
        let id = format!("t{:x}", crc(&self.caption));
        let mut out = format!(
            "<div class=\"scroll\" role=\"region\" aria-labelledby=\"{id}\" tabindex=\"0\"><table><caption id=\"{id}\">{}</caption><thead><tr>",
            escaped(&self.caption)
        );
        for column in &self.columns {
            out.push_str(&heading(column, visit));
        }
        out.push_str("</tr></thead><tbody>");
        if self.rows.is_empty() {
            let none = visit.map_or("–", |visit| visit.say("Nothing.", "없습니다."));
            let _ = write!(out, "<tr><td colspan=\"{}\">{none}</td></tr>", self.columns.len());
        }
        for row in &self.rows {
            out.push_str("<tr>");
            for (number, (cell, column)) in row.iter().zip(&self.columns).enumerate() {
                let class = if column.is_number { " class=\"number\"" } else { "" };
                let _ = match number {
                    0 => write!(out, "<th scope=\"row\"{class}>{}</th>", cell.html()),
                    _ => write!(out, "<td{class}>{}</td>", cell.html()),
                };
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
        out
    }

    fn csv(&self) -> Vec<u8> {
        let data: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].is_data).collect();
        // What tells spreadsheets that it is UTF-8.
        let mut out = "\u{feff}".to_owned();
        let mut line = |fields: Vec<&str>| {
            let fields: Vec<String> = fields.into_iter().map(csv_field).collect();
            out.push_str(&fields.join(","));
            out.push_str("\r\n");
        };
        line(data.iter().map(|at| self.columns[*at].key).collect());
        for row in &self.rows {
            line(data.iter().filter_map(|at| row.get(*at)).map(|cell| cell.text.as_str()).collect());
        }
        out.into_bytes()
    }
}

/// A field as RFC 4180 has it. A spreadsheet must not take it for a formula.
pub(super) fn csv_field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn heading(column: &Column, visit: Option<&Visit>) -> String {
    let class = if column.is_number { " class=\"number\"" } else { "" };
    let label = escaped(&column.label);
    let Some(visit) = visit.filter(|_| column.is_data) else { return format!("<th scope=\"col\"{class}>{label}</th>") };
    let sorted = visit.query.one("sort").unwrap_or_default();
    let (order, sign, next) = match sorted.strip_prefix('-') {
        Some(key) if key == column.key => (" aria-sort=\"descending\"", " ▼", column.key.to_owned()),
        None if sorted == column.key => (" aria-sort=\"ascending\"", " ▲", format!("-{}", column.key)),
        _ => ("", "", column.key.to_owned()),
    };
    let query = visit.query.with(&[("sort", Some(&next)), ("page", None), ("lang", None)]);
    format!(
        "<th scope=\"col\"{class}{order}><a href=\"{query}\">{label}</a><span aria-hidden=\"true\">{sign}</span></th>"
    )
}

/// The form that searches, how much was found, and the way to take it along.
fn tools(visit: &Visit, found: usize, all: usize) -> String {
    let mut hidden = String::new();
    for (name, value) in visit.query.fields_without(&["q", "page", "lang", "format"]) {
        let _ = write!(hidden, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value));
    }
    let q = escaped(visit.query.one("q").unwrap_or_default());
    let query = visit.query.with(&[("format", Some("csv")), ("page", None), ("lang", None)]);
    let count = match visit.language {
        _ if found == all => visit.say("{n} rows", "{n}건").replace("{n}", &all.to_string()),
        _ => visit
            .say("{f} of {n} rows", "{n}건 중 {f}건")
            .replace("{f}", &found.to_string())
            .replace("{n}", &all.to_string()),
    };
    format!(
        "<div class=\"tools\"><form role=\"search\" method=\"get\"><label for=\"q\">{}</label> \
         <input id=\"q\" name=\"q\" type=\"search\" value=\"{q}\" maxlength=\"100\">{hidden} <button>{}</button></form>\
         <p role=\"status\">{count}</p><p><a href=\"{query}\">{}</a></p></div>",
        visit.say("Search in this list", "목록에서 검색"),
        visit.say("Search", "검색"),
        visit.say("Take along as CSV", "CSV로 내보내기"),
    )
}

fn turn(visit: &Visit, page: usize, pages: usize) -> String {
    if pages == 1 {
        return String::new();
    }
    let link = |to: usize, text: &str| {
        let query = visit.query.with(&[("page", Some(&to.to_string())), ("lang", None)]);
        format!("<a href=\"{query}\">{text}</a>")
    };
    let before = if page > 1 { link(page - 1, visit.say("Previous", "이전")) } else { String::new() };
    let after = if page < pages { link(page + 1, visit.say("Next", "다음")) } else { String::new() };
    let here = visit.say("Page {p} of {n}", "{n}쪽 중 {p}쪽").replace("{p}", &page.to_string());
    format!(
        "<nav class=\"turn\" aria-label=\"{}\">{before} <span>{}</span> {after}</nav>",
        visit.say("Pages", "쪽"),
        here.replace("{n}", &pages.to_string())
    )
}

fn file_name(path: &str) -> String {
    let name: String =
        path.trim_matches('/').chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("privet-{name}.csv")
}

/// Tells captions of one page apart.
fn crc(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_takes_no_field_for_a_formula() {
        assert_eq!(csv_field("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(csv_field("-5"), "-5");
        assert_eq!(csv_field("+cmd"), "'+cmd");
        assert_eq!(csv_field("a, b"), "\"a, b\"");
        assert_eq!(csv_field("가"), "가");
    }

    #[test]
    fn a_cell_is_safe_in_a_page() {
        assert_eq!(Cell::text("<b>").html(), "&lt;b&gt;");
        assert_eq!(Cell::text("a").link("/x?\"").html(), "<a href=\"/x?&quot;\">a</a>");
        assert!(Cell::time(Some("2026-11-29T10:20:30Z")).html().contains(">2026-11-29 10:20 UTC<"));
        assert_eq!(Cell::time(None).text, "–");
    }
}
