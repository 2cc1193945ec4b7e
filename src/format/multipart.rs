//! `multipart/form-data` (RFC 7578): fields are shown, files are passed by. Read strictly: lines end with CR LF, and no part is in a coding of its own.

use super::{
    parameters::parameters,
    path::Path,
    visitor::{HELD, Malformed, Shape, Visitor},
};

/// Most bytes of a part's head.
const LONGEST_HEAD: usize = 16 << 10;
/// Most blanks behind a boundary.
const PADDING: usize = 128;
/// Longest boundary (RFC 2046, section 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// A reader of such forms. Whoever is asked comes with each piece.
#[derive(Debug)]
pub struct Multipart {
    /// CR LF, two dashes, and the boundary.
    delimiter: Vec<u8>,
    state: State,
    held: Vec<u8>,
    path: Path,
    new: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was read: a boundary stands here without a line end before it.
    Start,
    /// Up to the next boundary everything goes out as it is.
    Passing,
    /// Behind a boundary.
    Line,
    /// Before the empty line of a part.
    Head,
    /// In the value of a field.
    Field,
    /// Behind the last boundary.
    End,
}

impl Multipart {
    /// Whether a `Content-Type` is that of such a form.
    #[must_use]
    pub fn is(content_type: &[u8]) -> bool {
        let kind = content_type.split(|b| *b == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"multipart/form-data")
    }

    /// A reader for a body with this `Content-Type`; `None` where that names no boundary.
    #[must_use]
    pub fn new(content_type: &[u8]) -> Option<Self> {
        let mut boundaries = parameters(content_type).into_iter().filter(|(name, _)| name == "boundary");
        let (_, boundary) = boundaries.next().filter(|_| Self::is(content_type))?;
        let fits =
            (1..=LONGEST_BOUNDARY).contains(&boundary.len()) && boundary.iter().all(|b| matches!(b, b' '..=b'~'));
        (fits && boundaries.next().is_none()).then(|| Self {
            delimiter: [b"\r\n--", &boundary[..]].concat(),
            state: State::Start,
            held: Vec::new(),
            path: Path::new(),
            new: Vec::new(),
        })
    }

    /// Reads a piece; appends what can go out.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn push(&mut self, bytes: &[u8], visitor: &mut impl Visitor, out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.held.extend_from_slice(bytes);
        while self.step(visitor, out)? {}
        Ok(())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// When it is cut.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        out.append(&mut self.held);
        if self.state == State::End { Ok(()) } else { Err(Malformed("a form in parts that is cut")) }
    }

    /// What is held back of a body that can't be read any further.
    #[must_use]
    pub fn give_up(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Whether there was anything to do with what is held.
    fn step(&mut self, visitor: &mut impl Visitor, out: &mut Vec<u8>) -> Result<bool, Malformed> {
        match self.state {
            State::Start => Ok(self.start(out)),
            State::Passing => Ok(self.pass(out)),
            State::Line => self.line(out),
            State::Head => self.head(out),
            State::Field => self.field(visitor, out),
            State::End => {
                out.append(&mut self.held);
                Ok(false)
            }
        }
    }

    fn go(&mut self, length: usize, state: State, out: &mut Vec<u8>) -> bool {
        out.extend(self.held.drain(..length));
        self.state = state;
        true
    }

    fn start(&mut self, out: &mut Vec<u8>) -> bool {
        let first = self.delimiter.len() - 2;
        if self.held.len() < first && self.delimiter[2..].starts_with(&self.held) {
            return false;
        }
        if self.held.starts_with(&self.delimiter[2..]) {
            return self.go(first, State::Line, out);
        }
        self.go(0, State::Passing, out)
    }

    fn pass(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(at) = memchr::memmem::find(&self.held, &self.delimiter) {
            return self.go(at + self.delimiter.len(), State::Line, out);
        }
        // A boundary may have begun.
        let whole = self.held.len().saturating_sub(self.delimiter.len() - 1);
        self.go(whole, State::Passing, out);
        false
    }

    fn line(&mut self, out: &mut Vec<u8>) -> Result<bool, Malformed> {
        if self.held.len() < 2 {
            return Ok(false);
        }
        if self.held.starts_with(b"--") {
            return Ok(self.go(2, State::End, out));
        }
        let blanks = self.held.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match &self.held[blanks..] {
            [b'\r', b'\n', ..] => Ok(self.go(blanks + 2, State::Head, out)),
            [] | [b'\r'] if blanks <= PADDING => Ok(false),
            _ => Err(Malformed("a form in parts with more than a boundary in its line")),
        }
    }

    fn head(&mut self, out: &mut Vec<u8>) -> Result<bool, Malformed> {
        let length = if self.held.starts_with(b"\r\n") {
            2
        } else {
            match memchr::memmem::find(&self.held, b"\r\n\r\n") {
                Some(at) => at + 4,
                None if self.held.len() > LONGEST_HEAD => {
                    return Err(Malformed("a part of a form with too long a head"));
                }
                None => return Ok(false),
            }
        };
        while self.path.depth() > 0 {
            self.path.pop();
        }
        let state = if self.is_file(length)? { State::Passing } else { State::Field };
        // The line end of an empty value is that of the head.
        self.go(length - 2, state, out);
        if state == State::Field {
            self.go(2, state, out);
        }
        Ok(true)
    }

    /// Reads the head of a part: the field's name, unless it is a file.
    fn is_file(&mut self, length: usize) -> Result<bool, Malformed> {
        let mut name: Option<Vec<u8>> = None;
        let mut is_file = false;
        for line in self.held[..length].split(|b| *b == b'\n') {
            let line = line.trim_ascii_end();
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                return Err(Malformed("a part of a form with a folded line in its head"));
            }
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (header, value) = (&line[..colon], &line[colon + 1..]);
            if header.eq_ignore_ascii_case(b"content-transfer-encoding") {
                let plain = [&b"binary"[..], b"8bit", b"7bit"];
                if !plain.iter().any(|word| value.trim_ascii().eq_ignore_ascii_case(word)) {
                    return Err(Malformed("a part of a form in a coding of its own"));
                }
            }
            if !header.eq_ignore_ascii_case(b"content-disposition") {
                continue;
            }
            for (parameter, value) in parameters(value) {
                match parameter.as_str() {
                    "name" if name.is_none() => name = Some(value),
                    "name" => return Err(Malformed("a part of a form with two names")),
                    "filename" | "filename*" => is_file = true,
                    _ => {}
                }
            }
        }
        if !is_file && !self.path.push(&name.unwrap_or_default()) {
            return Err(Malformed("a name in a form is too long"));
        }
        Ok(is_file)
    }

    fn field(&mut self, visitor: &mut impl Visitor, out: &mut Vec<u8>) -> Result<bool, Malformed> {
        // An empty value: the boundary's line end is what the head has ended with.
        let empty = &self.delimiter[2..];
        if self.held.starts_with(empty) {
            return Ok(self.go(empty.len(), State::Line, out));
        }
        if self.held.len() < empty.len() && empty.starts_with(&self.held) {
            return Ok(false);
        }
        let Some(at) = memchr::memmem::find(&self.held, &self.delimiter) else {
            // Longer than any mask.
            return Ok(self.held.len() > HELD + self.delimiter.len() && self.go(0, State::Passing, out));
        };
        self.new.clear();
        if visitor.field(&self.path, &self.held[..at], Shape::Text, &mut self.new) {
            if memchr::memmem::find(&self.new, &self.delimiter).is_some() {
                return Err(Malformed("a value with a boundary in it"));
            }
            out.append(&mut self.new);
            self.held.drain(..at);
            return Ok(self.go(self.delimiter.len(), State::Line, out));
        }
        Ok(self.go(at + self.delimiter.len(), State::Line, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns every star into a word, and remembers what it was shown.
    #[derive(Default)]
    struct Words(Vec<(String, String)>);

    impl Visitor for Words {
        fn field(&mut self, at: &Path, value: &[u8], _: Shape, out: &mut Vec<u8>) -> bool {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.0.push((text(at.name()), text(value)));
            if value == b"*" {
                out.extend_from_slice(b"star");
            }
            value == b"*"
        }

        fn name(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) -> bool {
            false
        }

        fn part(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) {}

        fn end(&mut self, _: &Path, _: &mut Vec<u8>) {}
    }

    const TYPE: &[u8] = b"multipart/form-data; boundary=\"b 1\"";

    fn read(body: &[u8], cut: usize) -> Result<(Vec<u8>, Words), Malformed> {
        let (mut form, mut words, mut out) = (Multipart::new(TYPE).expect("a boundary"), Words::default(), Vec::new());
        for piece in body.chunks(cut) {
            form.push(piece, &mut words, &mut out)?;
        }
        form.finish(&mut out)?;
        Ok((out, words))
    }

    fn part(head: &str, value: &str) -> String {
        format!("--b 1\r\n{head}\r\n\r\n{value}\r\n")
    }

    #[test]
    fn fields_are_shown_and_all_else_goes_out_as_it_came() {
        let body = part("Content-Disposition: form-data; name=\"phone\"", "*")
            + &part(
                "content-disposition: form-data; name=note\r\nContent-Type: text/plain; charset=utf-8",
                "a\r\n--b\r\n*",
            )
            + &part("Content-Disposition: form-data; name=\"up\"; filename=\"*.bin\"\r\nContent-Type: text/plain", "*")
            + &part("Content-Disposition: form-data; name=\"empty\"", "")
            + "--b 1 \t\r\n\r\n*\r\n--b 1--\r\nbehind *";
        for cut in [1, 2, 3, 7, 31, 1000] {
            let (out, words) = read(body.as_bytes(), cut).expect("read");
            let expected = body.replacen("\r\n\r\n*", "\r\n\r\nstar", 1).replacen(" \t\r\n\r\n*", " \t\r\n\r\nstar", 1);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{cut}");
            let shown: Vec<_> = words.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(shown, [("phone", "*"), ("note", "a\r\n--b\r\n*"), ("empty", ""), ("", "*")], "{cut}");
        }
        let crlf = format!("\r\n{body}");
        assert_eq!(read(crlf.as_bytes(), 5).expect("read").1.0.len(), 4, "a line end before the first boundary");
    }

    #[test]
    fn long_values_and_files_are_not_held() {
        let long = "x".repeat(HELD * 3);
        let body = part("Content-Disposition: form-data; name=a", &long)
            + &part("Content-Disposition: form-data; name=b", "*")
            + "--b 1--";
        let (out, words) = read(body.as_bytes(), 1000).expect("read");
        assert_eq!(out.len(), body.len() + 3);
        assert_eq!(words.0.len(), 1);
        let (mut form, mut out) = (Multipart::new(TYPE).expect("a boundary"), Vec::new());
        let head = "--b 1\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n";
        form.push(head.as_bytes(), &mut Words::default(), &mut out).expect("read");
        for _ in 0..100 {
            form.push(&[b'\r'; 1000], &mut Words::default(), &mut out).expect("read");
            assert!(form.held.len() < 10);
        }
    }

    #[test]
    fn what_readers_could_take_differently_is_refused() {
        let good = part("Content-Disposition: form-data; name=a", "*");
        for bad in [
            good.clone(),
            format!("{good}--b 1x\r\n\r\n*\r\n--b 1--"),
            format!("--b 1{}\r\n", " ".repeat(200)),
            part("Content-Disposition: form-data; name=a; name=b", "*") + "--b 1--",
            part("Content-Disposition: form-data;\r\n name=a", "*") + "--b 1--",
            part("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", "Kg==") + "--b 1--",
            format!("--b 1\r\n{}", "x".repeat(LONGEST_HEAD + 2)),
        ] {
            assert!(read(bad.as_bytes(), 1000).is_err() && read(bad.as_bytes(), 1).is_err(), "{bad}");
        }
        for bad in [
            "multipart/form-data",
            "multipart/mixed; boundary=a",
            "multipart/form-data; boundary=\"\"",
            "multipart/form-data; boundary=a; boundary=b",
        ] {
            assert!(Multipart::new(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
