//! The lines of a configuration that mend what was found, as `privet check` takes them.

use std::fmt::Write as _;

use crate::scan::{finding::Finding, rule::Remedy};

/// Lines for the route of `title`, and tables behind it. `upstream` is given where there is no configuration yet, so that the whole is one; else
/// `text` is the configuration, and of tables that it has there are only lines to add.
#[must_use]
pub fn write(findings: &[&Finding], title: &str, upstream: Option<&str>, text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut headers: Vec<(&str, String)> = Vec::new();
    let mut hidden: Vec<&str> = Vec::new();
    let mut tables: Vec<String> = Vec::new();
    for finding in findings {
        match finding.rule.remedy {
            Remedy::Route(line) => push(&mut lines, line.to_owned()),
            Remedy::Header(name, value) => match headers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) if !known.contains(value) => *known = format!("{known}; {value}"),
                Some(_) => {}
                None => headers.push((name, value.to_owned())),
            },
            Remedy::Hide(names) => {
                let new: Vec<&str> = names.iter().copied().filter(|name| !hidden.contains(name)).collect();
                hidden.extend(new);
            }
            Remedy::Table(table) => {
                if let Some(table) = filled(table, finding) {
                    push(&mut tables, table);
                }
            }
            Remedy::With(line, table) => {
                push(&mut lines, line.to_owned());
                push(&mut tables, table.to_owned());
            }
            Remedy::InFront | Remedy::Nothing => {}
        }
    }
    lines.retain({
        // The stricter of two that are the same key.
        let blocks = lines.iter().any(|line| line == "shield = \"block\"");
        move |line| !(blocks && line == "shield = \"detect\"")
    });
    if !hidden.is_empty() {
        lines.push(format!("hide_headers = {hidden:?}"));
    }
    lines.extend(headers.iter().map(|(name, value)| format!("headers.{name} = \"{value}\"")));
    if title.is_empty() {
        // Of no route: tables are all that there is to write.
        lines.clear();
    }
    let mut out = String::new();
    match upstream {
        Some(upstream) => {
            let _ = writeln!(out, "# {title}\n[[route]]\nupstream = \"{upstream}\"");
        }
        None if lines.is_empty() => {}
        None => {
            let _ = writeln!(out, "# In the [[route]] of {title}:");
        }
    }
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
    // What belongs into tables of the file comes before those that are new, for lines behind them would be theirs.
    let (present, new): (Vec<_>, Vec<_>) = tables.into_iter().partition(|table| has(text, table));
    for table in present {
        let (header, lines) = table.split_once('\n').unwrap_or((&table, ""));
        let _ = writeln!(out, "\n# In the {header} that the file has:");
        for line in lines.lines() {
            let _ = writeln!(out, "# {line}");
        }
    }
    for table in new {
        let _ = writeln!(out, "\n{table}");
    }
    out
}

/// Whether a configuration has a table already that there can be only one of, by the header it begins with.
fn has(text: &str, table: &str) -> bool {
    let header = table.lines().next().unwrap_or_default();
    let plain = |line: &str| line.split('#').next().unwrap_or_default().replace([' ', '\t', '"'], "");
    !header.starts_with("[[") && text.lines().any(|line| plain(line) == header)
}

fn push(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// A table with what stands for the finding's path and host filled in; nothing where it has none that would do.
fn filled(table: &str, finding: &Finding) -> Option<String> {
    let place = finding.places.first().map_or("", |place| place.as_str());
    let rest = place.split_once("://").map_or(place, |(_, rest)| rest);
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = (rest[..at].split(':').next().unwrap_or_default(), &rest[at..]);
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
    if !plain(host) || !plain(path) {
        return None;
    }
    // No authority gives certificates for addresses and names without a dot by this way.
    if table.contains("{host}") && (!host.contains('.') || host.parse::<std::net::IpAddr>().is_ok()) {
        return None;
    }
    Some(table.replace("{host}", host).replace("{path}", if path.is_empty() { "/" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{exchange::Blind, finding::Seen, rules};

    #[test]
    fn lines_are_merged() {
        let of = |id: &str| {
            Finding::new(rules::named(id).expect("a rule"), "http://127.0.0.1:9/login", &Seen::default(), &Blind)
        };
        let all: Vec<Finding> = [
            "csp-missing",
            "mixed-content",
            "version-banner",
            "cors-credentials",
            "login-unthrottled",
            "config-unguarded",
            "stack-trace",
            "directory-listing",
        ]
        .map(of)
        .into();
        let text = write(&all.iter().collect::<Vec<_>>(), "x", Some("http://127.0.0.1:9"), "");
        assert_eq!(text.matches("hide_headers").count(), 1, "{text}");
        assert!(text.contains("frame-ancestors 'self'; upgrade-insecure-requests\"") && text.contains("\"Server\""));
        assert!(text.contains("[[login]]\npath = \"/login\"") && text.matches("shield = ").count() == 1);
    }

    #[test]
    fn a_table_that_is_there_is_not_written_again() {
        let of = |id: &str| {
            Finding::new(rules::named(id).expect("a rule"), "http://127.0.0.1:9/login", &Seen::default(), &Blind)
        };
        let all: Vec<Finding> = ["config-no-bans", "stack-trace", "login-unthrottled"].map(of).into();
        let all: Vec<&Finding> = all.iter().collect();
        let there =
            "[[login]]\npath = \"/\"\n[ shield ] # ours\nlevel = 2\n[[route]]\nupstream = \"http://127.0.0.1:9\"\n";
        let text = write(&all, "*/", None, there);
        assert!(
            text.contains("# In the [shield] that the file has:\n# rules = ") && !text.contains("\n[shield]\n"),
            "{text}"
        );
        assert!(text.contains("\n[shield.ban]\nscanner") && text.contains("\n[[login]]\n"), "others are new: {text}");
        assert!(text.find("# In the [shield]") < text.find("[shield.ban]"));
        let text = write(&all, "*/", None, "[shield.ban]\nscanner = \"3/1m\"\n");
        assert!(
            text.contains("\n[shield]\nrules") && text.contains("# In the [shield.ban] that the file has:"),
            "{text}"
        );
    }
}
