//! Templates: text in which `{{name}}` stands for what is known, and `{{#items}}..{{/items}}` for what a law asks for, item by item.
//!
//! A name that nobody knows is an error with its place: a notice in which `{{measure}}` stands goes to nobody.

use std::collections::BTreeMap;

/// Names that have a value in every document.
pub const FIELDS: &[&str] = &["title", "organisation", "contact", "case", "date", "law", "status", "link", "people"];
/// Names that have a value within the items.
const WITHIN: &[&str] = &["name", "text", "key"];
/// What comes before an item's key, where one is named by itself.
const ITEM: &str = "item.";

/// A template can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}")]
pub struct Error {
    /// Its file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong, and how it is mended.
    pub what: String,
}

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    file: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
    Item { key: String, at: usize },
    Items(Vec<Part>),
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As HTML, with every sign that could be markup escaped.
    Html,
    /// As it is, without signs that move a cursor.
    Text,
}

/// An item that a law asks for, filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its key.
    pub key: String,
    /// What it is called, in the language of the document.
    pub name: String,
    /// What is said.
    pub text: String,
}

impl Template {
    /// Reads one; `file` is what it is called in errors.
    ///
    /// # Errors
    /// With the place of what can't be understood.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let mut reader = Reader { file, text, at: 0 };
        let parts = reader.parts(false)?;
        Ok(Self { file: file.to_owned(), parts })
    }

    /// What of `items` it says nothing of.
    #[must_use]
    pub fn leaves_out<'i>(&self, items: &'i [Item]) -> Vec<&'i str> {
        let lists = self.parts.iter().any(|part| matches!(part, Part::Items(_)));
        let names =
            |key: &str| self.parts.iter().any(|part| matches!(part, Part::Item { key: named, .. } if named == key));
        items.iter().map(|item| item.key.as_str()).filter(|key| !lists && !names(key)).collect()
    }

    /// The document.
    ///
    /// # Errors
    /// When it names an item that the law does not have.
    pub fn render(&self, fields: &BTreeMap<&str, String>, items: &[Item], form: Form) -> Result<String, Error> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field(name) => write(fields.get(name.as_str()).map_or("", String::as_str), form, &mut out),
                Part::Item { key, at } => {
                    let Some(item) = items.iter().find(|item| item.key == *key) else {
                        let known: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
                        let what = format!("`{ITEM}{key}` is no item of this law; it has {}", known.join(", "));
                        return Err(Error { file: self.file.clone(), line: *at, column: 1, what });
                    };
                    write(&item.text, form, &mut out);
                }
                Part::Items(parts) => items.iter().for_each(|item| one(parts, item, fields, form, &mut out)),
            }
        }
        Ok(out)
    }
}

fn one(parts: &[Part], item: &Item, fields: &BTreeMap<&str, String>, form: Form, out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Field(name) => {
                let value = match name.as_str() {
                    "name" => &item.name,
                    "text" => &item.text,
                    "key" => &item.key,
                    name => fields.get(name).map_or("", String::as_str),
                };
                write(value, form, out);
            }
            Part::Item { .. } | Part::Items(_) => {}
        }
    }
}

fn write(value: &str, form: Form, out: &mut String) {
    match form {
        Form::Html => escape(value, out),
        Form::Text => out.extend(value.chars().filter(|c| *c == '\n' || !c.is_control())),
    }
}

/// Appends `text` as HTML; the end of a line stays one.
pub fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("<br>\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    /// Reads up to the end, or up to the end of the items that it is `within`.
    fn parts(&mut self, within: bool) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(start) = rest.find("{{") else {
                if within {
                    return Err(self.wrong(self.at, "`{{#items}}` has no `{{/items}}`"));
                }
                parts.push(Part::Text(rest.to_owned()));
                return Ok(parts);
            };
            parts.push(Part::Text(rest[..start].to_owned()));
            let place = self.at + start;
            let Some(length) = rest[start..].find("}}") else {
                return Err(self.wrong(place, "`{{` has no `}}`"));
            };
            let name = rest[start + 2..start + length].trim().to_owned();
            self.at = place + length + 2;
            match name.as_str() {
                "#items" if !within => parts.push(Part::Items(self.parts(true)?)),
                "/items" if within => return Ok(parts),
                name if FIELDS.contains(&name) || within && WITHIN.contains(&name) => {
                    parts.push(Part::Field(name.to_owned()));
                }
                name => match name.strip_prefix(ITEM).filter(|_| !within) {
                    Some(key) => parts.push(Part::Item { key: key.to_owned(), at: self.line(place).0 }),
                    None => return Err(self.wrong(place, &unknown(name, within))),
                },
            }
        }
    }

    fn line(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    fn wrong(&self, at: usize, what: &str) -> Error {
        let (line, column) = self.line(at);
        Error { file: self.file.to_owned(), line, column, what: what.to_owned() }
    }
}

fn unknown(name: &str, within: bool) -> String {
    let within = if within { WITHIN } else { &[] };
    let known: Vec<&str> = within.iter().chain(FIELDS).copied().collect();
    format!("nobody knows `{{{{{name}}}}}`; there are {}, `#items` and `{ITEM}KEY`", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &str, text: &str) -> Item {
        Item { key: key.to_owned(), name: key.to_uppercase(), text: text.to_owned() }
    }

    #[test]
    fn what_is_filled_in_is_no_markup() {
        let template = Template::parse(
            "t",
            "<h1>{{ title }}</h1>{{#items}}<dt>{{name}}</dt><dd>{{text}}</dd>{{/items}}{{item.b}}!",
        );
        let template = template.expect("read");
        let fields = BTreeMap::from([("title", "A & <b>".to_owned())]);
        let items = [item("a", "<script>\n\"x\"\u{1b}[0m"), item("b", "'")];
        let html = template.render(&fields, &items, Form::Html).expect("rendered");
        assert_eq!(
            html,
            "<h1>A &amp; &lt;b&gt;</h1><dt>A</dt><dd>&lt;script&gt;<br>\n&quot;x&quot;[0m</dd><dt>B</dt><dd>&#39;</dd>&#39;!"
        );
        let text = template.render(&fields, &items, Form::Text).expect("rendered");
        assert!(text.contains("A & <b>") && text.contains("<script>\n\"x\"[0m"), "{text}");
    }

    #[test]
    fn what_nobody_knows_is_told_with_its_place() {
        for (text, line, column, what) in [
            ("a\nbü {{measure}}", 2, 4, "nobody knows `{{measure}}`"),
            ("{{name}}", 1, 1, "nobody knows `{{name}}`"),
            ("{{title", 1, 1, "no `}}`"),
            ("{{#items}}{{title}}", 1, 20, "no `{{/items}}`"),
            ("{{/items}}", 1, 1, "nobody knows"),
            ("{{#items}}{{#items}}", 1, 11, "nobody knows"),
        ] {
            let error = Template::parse("own.html", text).expect_err(text);
            assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
            assert!(error.to_string().starts_with("own.html:") && error.what.contains(what), "{error}");
        }
        let template = Template::parse("t", "\n{{item.measure}}").expect("read");
        let error = template.render(&BTreeMap::new(), &[item("measures", "")], Form::Text).expect_err("unknown");
        assert!(error.line == 2 && error.what.contains("it has measures"), "{error}");
    }

    #[test]
    fn a_template_that_leaves_an_item_out_is_found() {
        let items = [item("a", "1"), item("b", "2")];
        let left = |text: &str| Template::parse("t", text).expect("read").leaves_out(&items).join(" ");
        assert_eq!(left("{{item.a}}"), "b");
        assert_eq!(left("{{title}}"), "a b");
        assert_eq!(left("{{#items}}{{text}}{{/items}}"), "");
        assert_eq!(left("{{item.a}} {{item.b}}"), "");
    }
}
