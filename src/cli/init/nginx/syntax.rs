//! The form of nginx's files: words, quotes, blocks in braces, comments; each directive with its line.

use std::path::Path;

use crate::cli::init::{
    model::{Model, Spot},
    source::{DEEPEST, Error, Files, matching},
};

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) words: Vec<String>,
    /// What is in its braces, where it has some.
    pub(super) block: Option<Vec<Directive>>,
    pub(super) place: Spot,
}

impl Directive {
    /// A word by its number; nothing where there are fewer.
    pub(super) fn word(&self, number: usize) -> &str {
        self.words.get(number).map_or("", String::as_str)
    }

    /// What is in its braces.
    pub(super) fn inner(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Open,
    Close,
    End,
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    file: &'a str,
    line: usize,
}

/// Reads a file and what it includes. What includes nothing is told.
pub(super) fn read(path: &Path, files: &mut Files, model: &mut Model) -> Result<Vec<Directive>, Error> {
    let base = path.parent().unwrap_or(Path::new(""));
    let mut all = parse(&files.read(path)?, &path.display().to_string())?;
    include(&mut all, base, files, model, 0)?;
    Ok(all)
}

/// Puts the directives of included files where they are included.
fn include(
    all: &mut Vec<Directive>,
    base: &Path,
    files: &mut Files,
    model: &mut Model,
    depth: usize,
) -> Result<(), Error> {
    let mut whole = Vec::with_capacity(all.len());
    for mut directive in all.drain(..) {
        if directive.name != "include" {
            if let Some(block) = &mut directive.block {
                include(block, base, files, model, depth + 1)?;
            }
            whole.push(directive);
            continue;
        }
        if depth > DEEPEST {
            return Err(Error::Syntax { place: directive.place, what: "files include each other too deeply" });
        }
        for path in matching(base, directive.word(0)) {
            match files.read(&path) {
                Ok(text) => {
                    let mut more = parse(&text, &path.display().to_string())?;
                    include(&mut more, base, files, model, depth + 1)?;
                    whole.append(&mut more);
                }
                Err(Error::Many) => return Err(Error::Many),
                Err(_) => {
                    model.lose(&directive.place, format!("include {}", directive.word(0)), "the file can't be read");
                }
            }
        }
    }
    *all = whole;
    Ok(())
}

/// Reads a text.
pub(super) fn parse(text: &str, file: &str) -> Result<Vec<Directive>, Error> {
    let mut reader = Reader { rest: text.chars().peekable(), file, line: 1 };
    let mut open: Vec<(Vec<Directive>, Directive)> = Vec::new();
    let (mut done, mut words, mut place) = (Vec::new(), Vec::new(), reader.place());
    let named = |words: &mut Vec<String>, block, place: &Spot| {
        let mut words = words.drain(..);
        let name = words.next().unwrap_or_default();
        Directive { name, words: words.collect(), block, place: place.clone() }
    };
    loop {
        let (token, at) = reader.next()?;
        let wrong = |what| Err(Error::Syntax { place: at.clone(), what });
        match token {
            Some(Token::Word(word)) => {
                if words.is_empty() {
                    place = at;
                }
                words.push(word);
            }
            Some(Token::End) if words.is_empty() => return wrong("a `;` without a directive"),
            Some(Token::End) => done.push(named(&mut words, None, &place)),
            Some(Token::Open) if words.is_empty() => return wrong("a `{` without a directive"),
            Some(Token::Open) if open.len() >= DEEPEST => return wrong("blocks are nested too deeply"),
            Some(Token::Open) => {
                let directive = named(&mut words, Some(Vec::new()), &place);
                if directive.name.ends_with("_by_lua_block") {
                    reader.skip_block()?;
                    done.push(directive);
                } else {
                    open.push((std::mem::take(&mut done), directive));
                }
            }
            Some(Token::Close) if !words.is_empty() => return wrong("a `;` is missing before `}`"),
            Some(Token::Close) => {
                let Some((outer, mut directive)) = open.pop() else { return wrong("a `}` too many") };
                directive.block = Some(std::mem::replace(&mut done, outer));
                done.push(directive);
            }
            None if !words.is_empty() => return wrong("the file ends within a directive: a `;` is missing"),
            None if !open.is_empty() => return wrong("the file ends within a block: a `}` is missing"),
            None => return Ok(done),
        }
    }
}

impl Reader<'_> {
    fn place(&self) -> Spot {
        Spot { file: self.file.to_owned(), line: self.line }
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn next(&mut self) -> Result<(Option<Token>, Spot), Error> {
        while let Some(&c) = self.rest.peek() {
            if c == '#' {
                while self.bump().is_some_and(|c| c != '\n') {}
            } else if c.is_whitespace() || c == '\u{feff}' {
                self.bump();
            } else {
                break;
            }
        }
        let place = self.place();
        let token = match self.rest.peek() {
            None => None,
            Some('{') => Some(Token::Open),
            Some('}') => Some(Token::Close),
            Some(';') => Some(Token::End),
            Some(&quote @ ('"' | '\'')) => {
                self.bump();
                return Ok((Some(Token::Word(self.quoted(quote)?)), place));
            }
            Some(_) => return Ok((Some(Token::Word(self.word())), place)),
        };
        self.bump();
        Ok((token, place))
    }

    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let (place, mut word) = (self.place(), String::new());
        while let Some(c) = self.bump() {
            match c {
                c if c == quote => return Ok(word),
                '\\' => self.escaped(&mut word),
                c => word.push(c),
            }
        }
        Err(Error::Syntax { place, what: "a quote is never closed" })
    }

    /// What follows a backslash; patterns keep theirs.
    fn escaped(&mut self, word: &mut String) {
        match self.bump() {
            Some(c @ ('"' | '\'' | '\\')) => word.push(c),
            Some('n') => word.push('\n'),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some(c) => word.extend(['\\', c]),
            None => word.push('\\'),
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(&c) = self.rest.peek() {
            if c == '{' && word.ends_with('$') {
                // The name of a variable.
                while let Some(c) = self.bump() {
                    word.push(c);
                    if c == '}' {
                        break;
                    }
                }
                continue;
            }
            if c.is_whitespace() || matches!(c, ';' | '{' | '}') {
                break;
            }
            self.bump();
            if c == '\\' { self.escaped(&mut word) } else { word.push(c) }
        }
        word
    }

    /// Passes over code of another language.
    fn skip_block(&mut self) -> Result<(), Error> {
        let (place, mut depth) = (self.place(), 1_usize);
        while let Some(c) = self.bump() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => return Ok(()),
                '}' => depth -= 1,
                _ => {}
            }
        }
        Err(Error::Syntax { place, what: "a block is never closed" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_quotes_blocks_and_lines() {
        let text = "# a; b {\nuser www; \nserver {\n  listen 443 ssl;# x\n  add_header X \"a; \\\"b\\\" {}\";\n  set $a ${b}c;\n  location ~ \\.php$ { return '404'; }\n}\n";
        let all = parse(text, "f").expect("read");
        assert_eq!((&*all[0].name, &*all[0].words), ("user", &["www".to_owned()][..]));
        let server = all[1].inner();
        assert_eq!((all[1].place.line, server[0].place.line), (3, 4));
        assert_eq!(server[1].words, ["X", "a; \"b\" {}"]);
        assert_eq!(server[2].words, ["$a", "${b}c"]);
        assert_eq!(server[3].words, ["~", "\\.php$"]);
        assert_eq!(server[3].inner()[0].words, ["404"]);
    }

    #[test]
    fn what_is_broken_is_told_with_its_line() {
        for (text, line) in
            [("a {\n", 2), ("a\n}", 2), ("}", 1), (";", 1), ("{", 1), ("a b", 1), ("a \"\n\n", 1), ("a {\n b }\n", 2)]
        {
            match parse(text, "f") {
                Err(Error::Syntax { place, .. }) => assert_eq!(place.line, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(parse(&"a {".repeat(1000), "f").is_err());
    }

    #[test]
    fn code_of_others_is_passed_over() {
        let all = parse("content_by_lua_block { if a then return {} end }\nb;", "f").expect("read");
        assert_eq!(all.len(), 2);
    }
}
