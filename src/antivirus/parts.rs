//! A body in parts (RFC 2046, section 5.1; RFC 7578) as it comes, each part for itself, in bounded memory.
//!
//! What two readers could take differently ends it: a part that only the application sees was not scanned.

use super::verdict::Verdict;
use crate::format::parameters::parameters;

/// Most bytes of a part's head.
const LONGEST_HEAD: usize = 16 << 10;
/// Most blanks behind a boundary.
const PADDING: usize = 128;
/// Most bytes of a name that are kept.
const LONGEST_NAME: usize = 255;
/// Longest boundary.
const LONGEST_BOUNDARY: usize = 70;

/// Who gets the files of a body, one after the other. Their errors are what is made of the body, which ends the reading.
pub trait Items {
    /// A file begins.
    ///
    /// # Errors
    /// When no more are taken.
    fn begin(&mut self, name: &Name) -> Result<(), Verdict>;

    /// More of it.
    ///
    /// # Errors
    /// When no more is taken.
    fn data(&mut self, bytes: &[u8]) -> Result<(), Verdict>;

    /// It ends.
    ///
    /// # Errors
    /// When nothing of the body has to be read any more.
    fn end(&mut self) -> Result<(), Verdict>;
}

/// What a file is called by whoever sent it, which may be about people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    /// The field of a form.
    pub field: Option<String>,
    /// The file itself.
    pub file: Option<String>,
}

impl Name {
    /// As the head of a part says.
    fn read(head: &[u8]) -> Self {
        let mut name = Self::default();
        for said in values(head, b"content-disposition") {
            for (parameter, value) in parameters(said) {
                let value = || Some(String::from_utf8_lossy(&value[..value.len().min(LONGEST_NAME)]).into_owned());
                match parameter.as_str() {
                    "name" => name.field = value(),
                    "filename" | "filename*" => name.file = value(),
                    _ => {}
                }
            }
        }
        name
    }
}

/// A reader of bodies in parts.
#[derive(Debug)]
pub struct Parts {
    /// LF, two dashes, and the boundary.
    delimiter: Vec<u8>,
    state: State,
    held: Vec<u8>,
    /// Whether the first two bytes that are held are no part's, but the line end before what may be a boundary.
    fresh: bool,
    /// Whether there was anything before the first boundary, or behind the last.
    stray: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Before,
    /// Behind a boundary.
    Line,
    /// Before the empty line of a part.
    Head,
    /// In a part.
    Part,
    /// Behind the last boundary.
    Behind,
}

impl Parts {
    /// Whether a `Content-Type` is that of such a body.
    #[must_use]
    pub fn is(content_type: &[u8]) -> bool {
        content_type.trim_ascii_start().get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"))
    }

    /// A reader for a body with this `Content-Type`; nothing where that does not name one boundary.
    #[must_use]
    pub fn new(content_type: &[u8]) -> Option<Self> {
        let mut boundaries = parameters(content_type).into_iter().filter(|(name, _)| name == "boundary");
        let (_, boundary) = boundaries.next()?;
        let fits =
            (1..=LONGEST_BOUNDARY).contains(&boundary.len()) && boundary.iter().all(|b| matches!(b, b' '..=b'~'));
        (fits && boundaries.next().is_none()).then(|| Self {
            delimiter: [b"\n--", &boundary[..]].concat(),
            state: State::Before,
            held: b"\r\n".to_vec(),
            fresh: true,
            stray: false,
        })
    }

    /// Reads a piece.
    ///
    /// # Errors
    /// When it can't be read in one way, or `items` are done.
    pub fn push(&mut self, bytes: &[u8], items: &mut dyn Items) -> Result<(), Verdict> {
        self.held.extend_from_slice(bytes);
        while self.step(items)? {}
        Ok(())
    }

    /// The end of the body; whether there was anything that is no part of it.
    ///
    /// # Errors
    /// When it is cut.
    pub fn finish(self) -> Result<bool, Verdict> {
        if self.state == State::Behind {
            Ok(self.stray)
        } else {
            Err(Verdict::Unreadable("a form in parts that is cut"))
        }
    }

    /// Whether there was anything to do with what is held.
    fn step(&mut self, items: &mut dyn Items) -> Result<bool, Verdict> {
        match self.state {
            State::Before | State::Part => self.pass(items),
            State::Line => self.line(),
            State::Head => self.head(items),
            State::Behind => {
                self.stray |= self.held.iter().any(|byte| !byte.is_ascii_whitespace());
                self.held.clear();
                Ok(false)
            }
        }
    }

    /// Lets go of `length` bytes that are held: a part's, but for a line end that is none of it.
    fn give(&mut self, length: usize, items: &mut dyn Items) -> Result<(), Verdict> {
        let skipped = if self.fresh { length.min(2) } else { 0 };
        if length > skipped {
            if self.state == State::Part {
                items.data(&self.held[skipped..length])?;
            } else {
                self.stray |= self.held[skipped..length].iter().any(|byte| !byte.is_ascii_whitespace());
            }
        }
        if length > 0 {
            self.fresh = false;
            self.held.drain(..length);
        }
        Ok(())
    }

    fn pass(&mut self, items: &mut dyn Items) -> Result<bool, Verdict> {
        let Some(at) = memchr::memmem::find(&self.held, &self.delimiter) else {
            // A boundary may have begun, and its CR before it.
            let whole = self.held.len().saturating_sub(self.delimiter.len());
            if !self.fresh || whole >= 2 {
                self.give(whole, items)?;
            }
            return Ok(false);
        };
        if at == 0 || self.held[at - 1] != b'\r' {
            return Err(Verdict::Unreadable("a boundary whose line begins with LF alone"));
        }
        let was = self.state;
        self.give(at - 1, items)?;
        self.held.drain(..=self.delimiter.len());
        self.state = State::Line;
        if was == State::Part {
            items.end()?;
        }
        Ok(true)
    }

    fn line(&mut self) -> Result<bool, Verdict> {
        if self.held.len() < 2 {
            return Ok(false);
        }
        if self.held.starts_with(b"--") {
            self.held.drain(..2);
            self.state = State::Behind;
            return Ok(true);
        }
        let blanks = self.held.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match &self.held[blanks..] {
            [b'\r', b'\n', ..] => {
                self.held.drain(..blanks + 2);
                self.state = State::Head;
                Ok(true)
            }
            [] | [b'\r'] if blanks <= PADDING => Ok(false),
            _ => Err(Verdict::Unreadable("more than a boundary in its line")),
        }
    }

    fn head(&mut self, items: &mut dyn Items) -> Result<bool, Verdict> {
        let length = if self.held.starts_with(b"\r\n") {
            2
        } else {
            match memchr::memmem::find(&self.held, b"\r\n\r\n") {
                Some(at) => at + 4,
                None if self.held.len() > LONGEST_HEAD => {
                    return Err(Verdict::Unreadable("a part with too long a head"));
                }
                None => return Ok(false),
            }
        };
        if !is_plain(&self.held[..length]) {
            return Err(Verdict::Unreadable("a part in a coding of its own"));
        }
        items.begin(&Name::read(&self.held[..length]))?;
        // The line end before the boundary of an empty part is that of its head.
        self.held.drain(..length - 2);
        (self.state, self.fresh) = (State::Part, true);
        Ok(true)
    }
}

/// Whether a part comes as it is.
fn is_plain(head: &[u8]) -> bool {
    let plain = [&b"binary"[..], b"8bit", b"7bit"];
    values(head, b"content-transfer-encoding").all(|value| plain.iter().any(|word| value.eq_ignore_ascii_case(word)))
}

/// Values of a header in the head of a part.
fn values<'h>(head: &'h [u8], name: &'static [u8]) -> impl Iterator<Item = &'h [u8]> {
    head.split(|b| *b == b'\n').filter_map(move |line| {
        let colon = memchr::memchr(b':', line)?;
        line[..colon].trim_ascii().eq_ignore_ascii_case(name).then(|| line[colon + 1..].trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers what it gets.
    #[derive(Default)]
    struct Seen(Vec<Vec<u8>>, bool);

    impl Items for Seen {
        fn begin(&mut self, name: &Name) -> Result<(), Verdict> {
            assert!(!std::mem::replace(&mut self.1, true));
            assert_eq!(name.field.is_some(), name.file.is_some() || name.field.as_deref() == Some("b"));
            self.0.push(Vec::new());
            Ok(())
        }

        fn data(&mut self, bytes: &[u8]) -> Result<(), Verdict> {
            assert!(self.1);
            self.0.last_mut().expect("begun").extend_from_slice(bytes);
            Ok(())
        }

        fn end(&mut self) -> Result<(), Verdict> {
            assert!(std::mem::replace(&mut self.1, false));
            Ok(())
        }
    }

    fn read(body: &[u8], cut: usize) -> Result<(Vec<String>, bool), Verdict> {
        let mut parts = Parts::new(b"multipart/form-data; boundary=\"b 1\"").expect("a boundary");
        let mut seen = Seen::default();
        for piece in body.chunks(cut) {
            parts.push(piece, &mut seen)?;
            assert!(parts.held.len() < LONGEST_HEAD + cut + 100);
        }
        let stray = parts.finish()?;
        Ok((seen.0.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect(), stray))
    }

    fn part(head: &str, value: &str) -> String {
        format!("--b 1\r\n{head}\r\n\r\n{value}\r\n")
    }

    #[test]
    fn each_part_is_itself_however_it_is_cut() {
        let file = "Content-Disposition: form-data; name=\"a\"; filename=\"b\"\r\nContent-Type: x/y";
        let body = part(file, "one\r\n--b\r\n\r\n")
            + &part("Content-Disposition: form-data; name=b", "")
            + "--b 1\r\n\r\nno head\r\n"
            + &part(file, "\r\n")
            + "--b 1 \t\r\nA: b\r\n\r\n--b 1--\r\n";
        for cut in [1, 2, 3, 5, 17, 1000] {
            let (parts, stray) = read(body.as_bytes(), cut).expect("read");
            assert_eq!(parts, ["one\r\n--b\r\n\r\n", "", "no head", "\r\n", ""], "{cut}");
            assert!(!stray);
            let around = format!("before\r\n{body}behind");
            assert!(read(around.as_bytes(), cut).expect("read").1, "{cut}");
            let blank = format!("\r\n{body}\r\n");
            assert!(!read(blank.as_bytes(), cut).expect("read").1, "{cut}");
        }
    }

    #[test]
    fn what_readers_could_take_differently_ends_it() {
        let good = part("A: b", "x");
        for bad in [
            good.clone(),
            format!("{good}--b 1x\r\n\r\n*\r\n--b 1--"),
            format!("--b 1{}\r\n", " ".repeat(200)),
            format!("{good}--b 1\nA: b\r\n\r\n*\r\n--b 1--"),
            "--b 1\r\n\r\nx\n--b 1--\r\n".to_owned(),
            part("Content-Transfer-Encoding: base64", "Kg==") + "--b 1--",
            part("content-transfer-encoding : Quoted-Printable", "=2A") + "--b 1--",
            format!("--b 1\r\n{}", "x".repeat(LONGEST_HEAD + 2)),
            String::new(),
        ] {
            for cut in [1, 1000] {
                assert!(matches!(read(bad.as_bytes(), cut), Err(Verdict::Unreadable(_))), "{bad}");
            }
        }
        for bad in ["multipart/form-data", "multipart/mixed; boundary=\"\"", "multipart/x; boundary=a; boundary=b"] {
            assert!(Parts::is(bad.as_bytes()) && Parts::new(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
