//! A frame in lines that are no wider than they may be: what does not fit is left out, from the right, and nothing wraps.

use std::collections::BTreeMap;

use super::frame::{CLASSES, Frame, Rates, Route, Upstream};
use crate::cli::safe::printable;

/// What a piece of a line is to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plain,
    Head,
    Good,
    Doubt,
    Bad,
}

/// A piece of a line.
struct Piece {
    text: String,
    sign: Sign,
}

impl Piece {
    fn new(text: impl Into<String>, sign: Sign) -> Self {
        Self { text: text.into(), sign }
    }

    fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Sign::Plain)
    }

    /// Bad where it is so.
    fn bad_if(is_bad: bool, text: impl Into<String>) -> Self {
        Self::new(text, if is_bad { Sign::Bad } else { Sign::Plain })
    }

    fn paint(&self, text: &str, colours: bool) -> String {
        let code = match self.sign {
            Sign::Head => "1",
            Sign::Good => "32",
            Sign::Doubt => "33",
            Sign::Bad => "31",
            Sign::Plain => return text.to_owned(),
        };
        if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The frame, no line of it wider than `width`.
pub(super) fn lines(frame: &Frame, width: usize, colours: bool) -> Vec<String> {
    let mut out = facts(frame, width, colours);
    out.push(String::new());
    let routes = frame.routes.iter().map(route).collect();
    out.extend(table(
        &["ROUTE", "REQ/S", "P50", "P99", "2XX", "3XX", "4XX", "5XX", "MASKED/S"],
        routes,
        width,
        colours,
    ));
    out.push(String::new());
    let upstreams = frame.upstreams.iter().map(upstream).collect();
    out.extend(table(&["UPSTREAM", "STATE", "IN FLIGHT", "OPEN", "IDLE", "NEW/S", "ROUTE"], upstreams, width, colours));
    out
}

fn facts(frame: &Frame, width: usize, colours: bool) -> Vec<String> {
    let (requests, clients, tls) = (&frame.requests, &frame.connections, &frame.handshakes);
    let mut all = vec![
        (
            "requests",
            vec![
                Piece::plain(format!("{}/s", number(requests.per_second))),
                Piece::plain(format!("in flight {}", requests.in_flight)),
                Piece::plain(format!("p50 {}", time(requests.p50_ms))),
                Piece::plain(format!("p99 {}", time(requests.p99_ms))),
            ],
        ),
        ("statuses", CLASSES.iter().skip(1).map(|class| status(&requests.status, class, true)).collect()),
        (
            "clients",
            vec![
                Piece::plain(format!("open {}", clients.open)),
                Piece::plain(format!("new {}/s", number(clients.per_second))),
                Piece::bad_if(
                    clients.refused_per_second > 0.0,
                    format!("turned away {}/s", number(clients.refused_per_second)),
                ),
                Piece::plain(format!("handshakes {}/s", number(tls.per_second))),
                Piece::bad_if(tls.failed_per_second > 0.0, format!("failed {}/s", number(tls.failed_per_second))),
                Piece::plain(format!("p99 {}", time(tls.p99_ms))),
            ],
        ),
        ("refused", rates(&frame.refusals, |_| Sign::Plain)),
        ("logins", rates(&frame.logins, |verdict| if verdict == "success" { Sign::Plain } else { Sign::Doubt })),
        ("shield", rates(&frame.shield, |verdict| if verdict == "passed" { Sign::Plain } else { Sign::Doubt })),
        ("antivirus", rates(&frame.antivirus, |verdict| if verdict == "clean" { Sign::Plain } else { Sign::Bad })),
        ("redacted", rates(&frame.redactions, |_| Sign::Plain)),
    ];
    let refused = frame.bans.refused_per_second;
    let mut bans = levels(&frame.bans.active, |_| Sign::Plain);
    if !bans.is_empty() || refused > 0.0 {
        bans.push(Piece::plain(format!("refused {}/s", number(refused))));
    }
    all.push(("banned", bans));
    all.extend(frame.journal.as_ref().map(|journal| {
        let state = if journal.up { Piece::new("up", Sign::Good) } else { Piece::new("DOWN", Sign::Bad) };
        let pieces = vec![
            state,
            Piece::plain(format!("waiting {}", journal.queue)),
            Piece::plain(format!("records {}/s", number(journal.records_per_second))),
            Piece::bad_if(journal.dropped > 0, format!("dropped {}", journal.dropped)),
        ];
        ("journal", pieces)
    }));
    let log = &frame.log;
    all.push((
        "log",
        vec![
            Piece::plain(format!("waiting {} B", log.queue_bytes)),
            Piece::plain(format!("lines {}/s", number(log.lines_per_second))),
            Piece::bad_if(log.dropped > 0, format!("dropped {}", log.dropped)),
        ],
    ));
    all.push(("cases", levels(&frame.incidents, |status| if status == "confirmed" { Sign::Bad } else { Sign::Plain })));
    let standing = |status: &str| match status {
        "green" => Sign::Good,
        "amber" => Sign::Doubt,
        _ => Sign::Bad,
    };
    all.push(("clauses", levels(&frame.clauses, standing)));
    let shown = all.into_iter().filter(|(_, pieces)| !pieces.is_empty());
    shown.map(|(name, pieces)| fact(name, &pieces, width, colours)).collect()
}

/// A name, and as many pieces as there is room for.
fn fact(name: &str, pieces: &[Piece], width: usize, colours: bool) -> String {
    let head = cut(&format!("{name:<10}"), width);
    let mut used = columns(&head);
    let mut line = Piece::new("", Sign::Head).paint(&head, colours);
    for piece in pieces {
        let own = columns(&piece.text) + 2;
        if used + own > width {
            break;
        }
        used += own;
        line.push_str("  ");
        line.push_str(&piece.paint(&piece.text, colours));
    }
    line
}

/// Rows of as many columns as there is room for. The first is as wide as its longest, and cut where even that does not fit; numbers are to the right.
fn table(heads: &[&str], rows: Vec<Vec<Piece>>, width: usize, colours: bool) -> Vec<String> {
    let head: Vec<Piece> = heads.iter().map(|head| Piece::new(*head, Sign::Head)).collect();
    let all: Vec<Vec<Piece>> = std::iter::once(head).chain(rows).collect();
    let wide = |at: usize| all.iter().filter_map(|row| row.get(at)).map(|piece| columns(&piece.text)).max();
    let mut widths: Vec<usize> = Vec::new();
    for own in (0..heads.len()).filter_map(wide) {
        let used: usize = widths.iter().map(|width| width + 2).sum();
        match widths.len() {
            0 => widths.push(own.min(width)),
            _ if used + own > width => break,
            _ => widths.push(own),
        }
    }
    let line = |row: &Vec<Piece>| {
        let cell = |(at, (piece, width)): (usize, (&Piece, &usize))| {
            let text = cut(&piece.text, *width);
            let room = " ".repeat(width.saturating_sub(columns(&text)));
            let is_text = matches!(heads.get(at), Some(&("ROUTE" | "UPSTREAM" | "STATE")));
            let text = piece.paint(&text, colours);
            if is_text { text + &room } else { room + &text }
        };
        let cells: Vec<String> = row.iter().zip(&widths).enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

fn route(route: &Route) -> Vec<Piece> {
    let mut row = vec![
        Piece::plain(printable(&route.route)),
        Piece::plain(number(route.per_second)),
        Piece::plain(time(route.p50_ms)),
        Piece::plain(time(route.p99_ms)),
    ];
    row.extend(CLASSES.iter().skip(1).map(|class| status(&route.status, class, false)));
    row.push(Piece::plain(number(route.redactions_per_second)));
    row
}

fn upstream(upstream: &Upstream) -> Vec<Piece> {
    let state = match (upstream.up, upstream.ejected) {
        (true, false) => Piece::new("up", Sign::Good),
        (true, true) => Piece::new("ejected", Sign::Doubt),
        (false, _) => Piece::new("DOWN", Sign::Bad),
    };
    vec![
        Piece::plain(printable(&upstream.upstream)),
        state,
        Piece::plain(upstream.in_flight.to_string()),
        Piece::plain(upstream.open.to_string()),
        Piece::plain(upstream.idle.to_string()),
        Piece::plain(number(upstream.connections_per_second)),
        Piece::plain(printable(&upstream.route)),
    ]
}

fn status(rates: &Rates, class: &str, named: bool) -> Piece {
    let rate = rates.get(class).copied().unwrap_or_default();
    let sign = match class {
        "5xx" if rate > 0.0 => Sign::Bad,
        "4xx" if rate > 0.0 => Sign::Doubt,
        _ => Sign::Plain,
    };
    Piece::new(if named { format!("{class} {}/s", number(rate)) } else { number(rate) }, sign)
}

/// Those that are not nought, the fastest first.
fn rates(rates: &Rates, sign: impl Fn(&str) -> Sign) -> Vec<Piece> {
    let mut all: Vec<(&String, f64)> =
        rates.iter().map(|(word, rate)| (word, *rate)).filter(|(_, rate)| *rate > 0.0).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.iter().map(|(word, rate)| Piece::new(format!("{} {}/s", printable(word), number(*rate)), sign(word))).collect()
}

fn levels(levels: &BTreeMap<String, i64>, sign: impl Fn(&str) -> Sign) -> Vec<Piece> {
    let some = levels.iter().filter(|(_, level)| **level != 0);
    some.map(|(word, level)| Piece::new(format!("{} {level}", printable(word)), sign(word))).collect()
}

fn number(rate: f64) -> String {
    if rate > 0.0 && rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

fn time(ms: Option<f64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.1}ms"),
        Some(ms) if ms < 1000.0 => format!("{ms:.0}ms"),
        Some(ms) => format!("{:.1}s", ms / 1000.0),
    }
}

/// How much room a text takes at most: what is beyond Latin may be two columns wide.
fn columns(text: &str) -> usize {
    text.chars().map(wide).sum()
}

fn wide(c: char) -> usize {
    if c < '\u{300}' { 1 } else { 2 }
}

/// The beginning of a text that fits.
pub(super) fn cut(text: &str, width: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += wide(*c);
            used <= width
        })
        .collect()
}
