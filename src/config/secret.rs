//! Values that are never shown, and that may stand in a file of their own.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{
    context::Context,
    diagnose::Diagnostics,
    file::{self, Entry, Value},
    reader::Table,
    schema::SECRETS,
};

/// The text of `name`, or of the file that `file` (`name` with `_file`) names, without the line's end; and where it was said.
pub(super) fn text(
    table: &mut Table,
    [name, file]: [&'static str; 2],
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<(String, Range<usize>)> {
    let (own_place, place) = (table.place(name), table.place(file));
    let own = table.text(name, d);
    let path = table.text(file, d).map(|t| context.path(&t));
    match (own, path) {
        (Some(_), Some(_)) => {
            d.note(&place, format!("both `{name}` and `{file}`"), Some("keep one of them".to_owned()));
            None
        }
        (Some(text), None) => Some((text, own_place)),
        (None, Some(path)) => {
            context.files.push(path.clone());
            match std::fs::read_to_string(&path).map(Zeroizing::new) {
                Ok(text) => Some((text.trim_end_matches(['\r', '\n']).to_owned(), place)),
                Err(error) => {
                    d.note(&place, format!("{} can't be read: {error}", path.display()), None);
                    None
                }
            }
        }
        (None, None) => None,
    }
}

/// A configuration's text with `(removed)` in the place of every secret; `None` where it is none.
#[must_use]
pub fn removed(text: &str) -> Option<String> {
    let mut d = Diagnostics::new("", text);
    let entries = file::parse(text, &|name| Some(format!("${{{name}}}")), &mut d)?;
    let mut spans = Vec::new();
    secrets(&entries, &mut spans);
    spans.sort_by_key(|span| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    spans.retain(|span| text.get(span.clone()).is_some());
    for span in spans {
        text.replace_range(span, "\"(removed)\"");
    }
    Some(text)
}

fn secrets(entries: &[Entry], spans: &mut Vec<Range<usize>>) {
    for entry in entries {
        match &entry.node.value {
            _ if SECRETS.contains(&&*entry.key) => spans.push(entry.node.span.clone()),
            Value::Table(inner) => secrets(inner, spans),
            Value::List(items) => {
                for item in items {
                    if let Value::Table(inner) = &item.value {
                        secrets(inner, spans);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn secrets_are_removed_and_nothing_else() {
        let text = "# a\n[store]\npostgres = \"postgres://a:geheim@db/x\" # b\n[[route]]\nupstream = \"http://127.0.0.1:1\"\n\
                    upstream_authorization = \"Bearer geheim\"\n[[shield.ban.list]]\napi_key = '''geheim'''\n\
                    [t]\na = { token = \"geheim\", b = 1 }\ntoken_file = \"/etc/token\"\n";
        let shown = super::removed(text).expect("a configuration");
        assert!(!shown.contains("geheim"), "{shown}");
        assert_eq!(shown.matches("\"(removed)\"").count(), 4);
        assert!(
            shown.contains("token_file = \"/etc/token\"") && shown.contains("# b") && shown.contains("127.0.0.1:1")
        );
        assert_eq!(super::removed("= nonsense"), None);
    }
}
