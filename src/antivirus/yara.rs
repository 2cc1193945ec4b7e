//! Names of the rules in a file of YARA, and a last rule that can't be compiled unless all of them can: clamd passes over those that it can't
//! compile, and reads on.

use std::fmt::Write as _;

/// Rules that one rule speaks of.
const NAMED: usize = 40;

/// Something in the file, outside of comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// A text, a pattern, or a sign that is no brace.
    Other(u8),
    Open,
    Close,
}

/// Names of the rules in `text`, in order.
///
/// # Errors
/// With the line, from 1, of a text, a comment or a rule that does not end, of a rule without a name, or of a word that clamd's YARA does not have.
pub fn rules(text: &str) -> Result<Vec<String>, (usize, &'static str)> {
    let mut names = Vec::new();
    let (mut depth, mut after_rule) = (0_usize, false);
    let mut reader = Reader { text: text.as_bytes(), at: 0, before: b'\n' };
    while let Some(token) = reader.next().map_err(|what| (reader.line(), what))? {
        match token {
            Token::Word(name) if after_rule => names.push(name.to_owned()),
            _ if after_rule => return Err((reader.line(), "a rule has no name")),
            Token::Open => depth += 1,
            Token::Close if depth == 0 => return Err((reader.line(), "a brace closes nothing")),
            Token::Close => depth -= 1,
            Token::Word("import" | "include" | "global") if depth == 0 => {
                return Err((reader.line(), "clamd's YARA has no `import`, no `include` and no `global` rules"));
            }
            _ => {}
        }
        after_rule = depth == 0 && token == Token::Word("rule");
    }
    if depth > 0 || after_rule {
        return Err((reader.line(), "a rule has no end"));
    }
    Ok(names)
}

/// Rules called after `name`, the last of which has just that name and matches `sample`, and each of which speaks of some of `rules` and of the one before it.
#[must_use]
pub fn proof(name: &str, sample: &str, rules: &[String]) -> String {
    let mut text = String::new();
    let mut former: Option<String> = None;
    let parts: Vec<&[String]> = rules.chunks(NAMED).collect();
    for (n, part) in parts.iter().enumerate() {
        let (own, wanted) = if n + 1 == parts.len() {
            (name.to_owned(), sample.to_owned())
        } else {
            // Nothing holds this.
            (format!("{name}_{n}"), format!("no {n} of {sample}"))
        };
        let _ = write!(text, "rule {own} {{ strings: $a = \"{wanted}\" condition: $a");
        for rule in part.iter().chain(&former) {
            let _ = write!(text, " and ({rule} or not {rule})");
        }
        text.push_str(" }\n");
        former = Some(own);
    }
    text
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// The last sign that was none of a word.
    before: u8,
}

impl<'a> Reader<'a> {
    fn line(&self) -> usize {
        1 + memchr::memchr_iter(b'\n', &self.text[..self.at.min(self.text.len())]).count()
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, &'static str> {
        loop {
            let rest = &self.text[self.at.min(self.text.len())..];
            let Some(first) = rest.first() else { return Ok(None) };
            match first {
                b'/' if rest.starts_with(b"//") => {
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                b'/' if rest.starts_with(b"/*") => {
                    let end = memchr::memmem::find(&rest[2..], b"*/").ok_or("a comment has no end")?;
                    self.at += end + 4;
                }
                b'"' => return self.quoted(b'"'),
                // A pattern stands where a value does; elsewhere it is a division.
                b'/' if matches!(self.before, b'=' | b'(' | b',') => return self.quoted(b'/'),
                b'{' | b'}' => {
                    self.at += 1;
                    self.before = *first;
                    return Ok(Some(if *first == b'{' { Token::Open } else { Token::Close }));
                }
                byte if is_word(*byte) => {
                    let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
                    self.at += length;
                    self.before = b'a';
                    return Ok(Some(Token::Word(std::str::from_utf8(&rest[..length]).unwrap_or_default())));
                }
                byte if byte.is_ascii_whitespace() => self.at += 1,
                byte => {
                    self.at += 1;
                    self.before = *byte;
                    return Ok(Some(Token::Other(*byte)));
                }
            }
        }
    }

    /// Passes over a text or a pattern, which ends in its line.
    fn quoted(&mut self, end: u8) -> Result<Option<Token<'a>>, &'static str> {
        let mut at = self.at + 1;
        loop {
            match self.text.get(at) {
                Some(b'\\') => at += 2,
                Some(byte) if *byte == end => break,
                None | Some(b'\n') => return Err("a text or pattern has no end in its line"),
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        self.before = end;
        Ok(Some(Token::Other(end)))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_among_what_only_looks_like_some() {
        let text = r#"
            // rule comment { }
            /* rule other { */
            private rule first : tag other {
                meta: note = "rule quoted { \" "
                strings: $a = { 6A 40 [2-4] ?? } $b = /rule \/ { "x/ nocase
                condition: #a / 2 > 1 and (filesize / 3 > 1) // rule last
            }
            rule second
            {
                condition: first
            }"#;
        assert_eq!(rules(text).expect("read"), ["first", "second"]);
        assert!(rules("// nothing\n").expect("read").is_empty());
    }

    #[test]
    fn what_is_broken_is_told_with_its_line() {
        for (text, line) in [
            ("rule a { condition: true", 1),
            ("rule a {\n strings: $a = \"x\n condition: $a }", 2),
            ("rule a { condition: true }\n}", 2),
            ("rule\n{ condition: true }", 2),
            ("import \"pe\"\nrule a { condition: true }", 1),
            ("/* rule a { condition: true }", 1),
            ("rule", 1),
        ] {
            assert_eq!(rules(text).expect_err(text).0, line, "{text}");
        }
    }

    #[test]
    fn the_last_rule_leans_on_all() {
        let names: Vec<String> = (0..90).map(|n| format!("r{n}")).collect();
        let text = proof("canary", "sample", &names);
        let own = rules(&text).expect("rules");
        assert_eq!(own, ["canary_0", "canary_1", "canary"]);
        assert!(names.iter().all(|name| text.contains(&format!("({name} or not {name})"))));
        assert!(text.contains("(canary_0 or not canary_0)") && text.contains("(canary_1 or not canary_1)"));
        assert_eq!(text.matches("\"sample\"").count(), 1);
    }
}
