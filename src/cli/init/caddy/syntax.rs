//! The form of a Caddyfile: words in lines, three kinds of quotes, blocks in braces, snippets and imports, variables of the environment.

use std::path::Path;

use crate::cli::init::{
    model::{Model, Spot},
    source::{DEEPEST, Error, Files, matching},
};

/// Most lines that snippets may become.
const MOST_LINES: usize = 50_000;

/// One line, and what is in its braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) words: Vec<String>,
    pub(super) block: Option<Vec<Line>>,
    pub(super) place: Spot,
}

impl Line {
    /// Its first word.
    pub(super) fn name(&self) -> &str {
        self.word(0)
    }

    /// A word by its number; nothing where there are fewer.
    pub(super) fn word(&self, number: usize) -> &str {
        self.words.get(number).map_or("", String::as_str)
    }

    /// The words behind the first.
    pub(super) fn rest(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// What is in its braces.
    pub(super) fn inner(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A word, and whether it was quoted.
    Word(String, bool),
    Newline,
}

/// Reads a file, and everything that it imports.
pub(super) fn read(path: &Path, files: &mut Files, model: &mut Model) -> Result<Vec<Line>, Error> {
    let base = path.parent().unwrap_or(Path::new(""));
    let lines = parse(&files.read(path)?, &path.display().to_string())?;
    let snippets: Vec<Line> = lines.iter().filter(|line| is_snippet(line)).cloned().collect();
    let lines = lines.into_iter().filter(|line| !is_snippet(line)).collect();
    let mut import = Import { base, files, snippets, left: MOST_LINES };
    import.all(lines, model, 0)
}

fn is_snippet(line: &Line) -> bool {
    let name = line.name();
    line.block.is_some() && line.words.len() == 1 && name.starts_with('(') && name.ends_with(')')
}

struct Import<'a> {
    base: &'a Path,
    files: &'a mut Files,
    snippets: Vec<Line>,
    left: usize,
}

impl Import<'_> {
    /// Puts what is imported where it is imported.
    fn all(&mut self, lines: Vec<Line>, model: &mut Model, depth: usize) -> Result<Vec<Line>, Error> {
        let mut whole = Vec::with_capacity(lines.len());
        for mut line in lines {
            let wrong = |what| Err(Error::Syntax { place: line.place.clone(), what });
            if depth > DEEPEST {
                return wrong("imports are nested too deeply");
            }
            let Some(left) = self.left.checked_sub(1) else { return wrong("imports make too many lines") };
            self.left = left;
            if line.name() != "import" {
                if let Some(block) = line.block.take() {
                    line.block = Some(self.all(block, model, depth + 1)?);
                }
                whole.push(line);
                continue;
            }
            let more = self.one(&line, model)?;
            whole.append(&mut self.all(more, model, depth + 1)?);
        }
        Ok(whole)
    }

    fn one(&mut self, line: &Line, model: &mut Model) -> Result<Vec<Line>, Error> {
        let name = line.word(1);
        let named = format!("({name})");
        if let Some(snippet) = self.snippets.iter().find(|snippet| snippet.name() == named) {
            let given = line.words.get(2..).unwrap_or_default();
            return Ok(snippet.inner().iter().map(|line| filled(line, given)).collect());
        }
        let mut whole = Vec::new();
        for path in matching(self.base, name) {
            match self.files.read(&path) {
                Ok(text) => {
                    let lines = parse(&text, &path.display().to_string())?;
                    let (snippets, lines): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(is_snippet);
                    self.snippets.extend(snippets);
                    whole.extend(lines);
                }
                Err(Error::Many) => return Err(Error::Many),
                Err(_) => model.lose(
                    &line.place,
                    format!("import {name}"),
                    "there is no such snippet, and no file that can be read",
                ),
            }
        }
        Ok(whole)
    }
}

/// A line of a snippet with what it is given, `{args[0]}` or `{args.0}`.
fn filled(line: &Line, given: &[String]) -> Line {
    let mut line = line.clone();
    for word in &mut line.words {
        for (number, value) in given.iter().enumerate() {
            *word = word.replace(&format!("{{args[{number}]}}"), value).replace(&format!("{{args.{number}}}"), value);
        }
    }
    line.block = line.block.map(|block| block.iter().map(|line| filled(line, given)).collect());
    line
}

/// Reads a text.
pub(super) fn parse(text: &str, file: &str) -> Result<Vec<Line>, Error> {
    let tokens = tokens(&environment(text), file)?;
    let mut open: Vec<(Vec<Line>, Vec<String>, Spot)> = Vec::new();
    let (mut done, mut words): (Vec<Line>, Vec<String>) = (Vec::new(), Vec::new());
    let mut place = Spot { file: file.to_owned(), line: 1 };
    let mut tokens = tokens.into_iter().peekable();
    while let Some((token, at)) = tokens.next() {
        let wrong = |what| Err(Error::Syntax { place: at.clone(), what });
        match token {
            // Before a newline it is a block; elsewhere a word.
            Token::Word(word, false) if word == "{" && matches!(tokens.peek(), None | Some((Token::Newline, _))) => {
                if open.len() >= DEEPEST {
                    return wrong("blocks are nested too deeply");
                }
                if words.is_empty() {
                    place = at;
                }
                open.push((std::mem::take(&mut done), std::mem::take(&mut words), place.clone()));
            }
            Token::Word(word, false) if word == "}" && words.is_empty() => {
                let Some((outer, words, place)) = open.pop() else { return wrong("a `}` too many") };
                let block = Some(std::mem::replace(&mut done, outer));
                done.push(Line { words, block, place });
            }
            Token::Word(word, _) => {
                if words.is_empty() {
                    place = at;
                }
                words.push(word);
            }
            Token::Newline => {
                // Addresses of a site may go on in the next line.
                let goes_on = open.is_empty() && words.last().is_some_and(|word| word.ends_with(','));
                if !words.is_empty() && !goes_on {
                    done.push(Line { words: std::mem::take(&mut words), block: None, place: place.clone() });
                }
            }
        }
    }
    if let Some((.., place)) = open.pop() {
        return Err(Error::Syntax { place, what: "this block is never closed" });
    }
    if !words.is_empty() {
        done.push(Line { words, block: None, place });
    }
    Ok(done)
}

/// `{$NAME}` and `{$NAME:default}`, which are replaced before anything is read.
fn environment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{$") {
        out.push_str(&rest[..at]);
        let Some((inner, tail)) = rest[at + 2..].split_once('}').filter(|(inner, _)| !inner.contains(['\n', '{']))
        else {
            out.push_str("{$");
            rest = &rest[at + 2..];
            continue;
        };
        let (name, default) = inner.split_once(':').unwrap_or((inner, ""));
        // Names that the system would not take have no value.
        let value = if name.is_empty() || name.contains(['=', '\0']) { None } else { std::env::var(name).ok() };
        out.push_str(&value.unwrap_or_else(|| default.to_owned()));
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn tokens(text: &str, file: &str) -> Result<Vec<(Token, Spot)>, Error> {
    let mut reader = Reader { rest: text.chars().peekable(), line: 1, file };
    let mut all = Vec::new();
    while let Some(token) = reader.next()? {
        all.push(token);
    }
    Ok(all)
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    file: &'a str,
}

impl Reader<'_> {
    fn bump(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn next(&mut self) -> Result<Option<(Token, Spot)>, Error> {
        loop {
            let place = Spot { file: self.file.to_owned(), line: self.line };
            match self.rest.peek().copied() {
                None => return Ok(None),
                Some('\n') => {
                    self.bump();
                    return Ok(Some((Token::Newline, place)));
                }
                Some('#') => {
                    while self.rest.peek().is_some_and(|c| *c != '\n') {
                        self.bump();
                    }
                }
                Some('\\') => {
                    self.bump();
                    // At the end of a line it goes on.
                    if self.rest.peek() == Some(&'\r') {
                        self.bump();
                    }
                    if self.rest.peek() == Some(&'\n') {
                        self.bump();
                    } else {
                        return Ok(Some((Token::Word(self.word("\\"), false), place)));
                    }
                }
                Some(c) if c.is_whitespace() || c == '\u{feff}' => {
                    self.bump();
                }
                Some(quote @ ('"' | '`')) => {
                    self.bump();
                    return Ok(Some((Token::Word(self.quoted(quote, &place)?, true), place)));
                }
                Some(_) => {
                    let word = self.word("");
                    return Ok(Some((self.heredoc(word, &place)?, place)));
                }
            }
        }
    }

    fn word(&mut self, begin: &str) -> String {
        let mut word = begin.to_owned();
        while let Some(c) = self.rest.peek().copied().filter(|c| !c.is_whitespace()) {
            self.bump();
            word.push(c);
        }
        word
    }

    fn quoted(&mut self, quote: char, place: &Spot) -> Result<String, Error> {
        let mut word = String::new();
        while let Some(c) = self.bump() {
            match c {
                c if c == quote => return Ok(word),
                '\\' if quote == '"' && self.rest.peek() == Some(&'"') => word.extend(self.bump()),
                c => word.push(c),
            }
        }
        Err(Error::Syntax { place: place.clone(), what: "a quote is never closed" })
    }

    /// What `<<MARK` begins goes on up to a line that is the mark.
    fn heredoc(&mut self, word: String, place: &Spot) -> Result<Token, Error> {
        let mark = word.strip_prefix("<<").filter(|mark| {
            !mark.is_empty() && mark.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        });
        let Some(mark) = mark.filter(|_| matches!(self.rest.peek(), Some('\n' | '\r') | None)) else {
            return Ok(Token::Word(word, false));
        };
        while self.bump().is_some_and(|c| c != '\n') {}
        let (mut text, mut line) = (String::new(), String::new());
        loop {
            match self.rest.peek().copied() {
                None if line.trim() == mark => return Ok(Token::Word(text, true)),
                None => return Err(Error::Syntax { place: place.clone(), what: "its end mark never comes" }),
                // The newline itself ends the line of the directive.
                Some('\n') if line.trim() == mark => return Ok(Token::Word(text, true)),
                Some(c) => {
                    self.bump();
                    line.push(c);
                    if c == '\n' {
                        text.push_str(&std::mem::take(&mut line));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_quotes_blocks_and_lines() {
        let text = "{\n\temail a@b.example\n}\na.example,\nb.example {\n\t# x\n\theader X \"a \\\"b\\\"\" `c \"d\"`\n\trespond <<END\n\t\ta { b\n\t\tEND 200\n\tlog {args}\n}\n";
        let all = parse(&text.replace("END 200", "END"), "f").expect("read");
        assert_eq!((all[0].words.len(), all[0].inner()[0].words.join(" ")), (0, "email a@b.example".to_owned()));
        assert_eq!((all[1].words.join(" "), all[1].place.line), ("a.example, b.example".to_owned(), 4));
        let site = all[1].inner();
        assert_eq!(site[0].words, ["header", "X", "a \"b\"", "c \"d\""]);
        assert_eq!((site[0].place.line, site[1].words[1].trim()), (7, "a { b"));
        assert_eq!(site[2].words, ["log", "{args}"]);
    }

    #[test]
    fn what_is_broken_is_told_with_its_line() {
        for (text, line) in [("a {\n", 1), ("a\n}\n", 2), ("a \"\n\n", 1), ("a <<E\nx\n", 1)] {
            match parse(text, "f") {
                Err(Error::Syntax { place, .. }) => assert_eq!(place.line, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(parse(&"a {\n".repeat(1000), "f").is_err());
    }

    #[test]
    fn variables_have_defaults() {
        assert_eq!(environment("a {$PRIVET_NOT_SET:b} {$PRIVET_NOT_SET} {$ {x}"), "a b  {$ {x}");
    }
}
