//! `multipart/form-data` (RFC 7578): fields are arguments, files are told by their names.
//!
//! Where applications would read a part in different ways, it is seen in each of them: a file that may be none is an argument, too, and so
//! is a part without a name or an end.

use memchr::memmem;

use super::{boundary, budget::Budget, disposition::Disposition, parsed::Parsed};
use crate::shield::fields::Bounds;

/// Longest line of a part's head, as libmodsecurity has it.
const LONGEST_LINE: usize = 4096;
/// Most headers of a part that are kept.
const MOST_HEADERS: usize = 64;

/// Reads a body.
pub(super) fn read(content_type: &[u8], body: &[u8], bounds: Bounds, parsed: &mut Parsed) {
    let Some(boundary) = boundary::read(content_type, parsed) else { return };
    let mut reader = Reader { parsed, budget: Budget::new(bounds, body.len()), crlf: false };
    if reader.form(body, &boundary, None).is_err() {
        reader.parsed.exceeded = true;
    }
    let flags = &mut reader.parsed.multipart;
    flags.crlf_lf_lines = reader.crlf && flags.lf_line;
}

/// The bounds don't allow for more.
struct Exceeded;

struct Reader<'a> {
    parsed: &'a mut Parsed,
    budget: Budget,
    /// A line has ended with CR LF.
    crlf: bool,
}

/// A part's head.
#[derive(Default)]
struct Head {
    /// Lines, those that go on put together.
    lines: Vec<Vec<u8>>,
    /// Where what it is the head of begins; `None` where it has no end.
    end: Option<usize>,
    disposition: Disposition,
    /// A boundary for a form within.
    within: Option<Vec<u8>>,
}

impl Reader<'_> {
    /// Reads a form, or one within a field of that name.
    fn form(&mut self, body: &[u8], boundary: &[u8], outer: Option<&[u8]>) -> Result<(), Exceeded> {
        let delimiter = [b"--", boundary].concat();
        let (mut start, mut count, mut last, mut inside) = (0, 0_usize, false, false);
        for at in memmem::find_iter(body, &delimiter) {
            if at < start || at > 0 && body[at - 1] != b'\n' {
                inside = true;
                continue;
            }
            self.segment(&body[start..at], boundary, inside);
            if count > 0 {
                self.part(&body[start..at], true, outer)?;
            } else if at > 0 {
                self.parsed.multipart.data_before = true;
            }
            let end = memchr::memchr(b'\n', &body[at..]).map_or(body.len(), |n| at + n + 1);
            let tail = &body[at + delimiter.len()..end];
            last = tail.starts_with(b"--");
            let ended = self.line_end(if last { &tail[2..] } else { tail });
            if ended && count > 0 {
                self.parsed.multipart.unmatched_boundary = 2;
            }
            (start, count, inside) = (end, count + 1, false);
            if last {
                break;
            }
        }
        if last {
            self.parsed.multipart.data_after |= start < body.len();
            return Ok(());
        }
        self.segment(&body[start..], boundary, inside);
        if count == 0 {
            if !body.is_empty() {
                self.parsed.fail("a form in parts without any");
            }
            return Ok(());
        }
        self.parsed.fail("a form in parts that is cut");
        // An application might take the last part as it is.
        self.part(&body[start..], false, outer)
    }

    /// How a boundary's line ends; whether it does.
    fn line_end(&mut self, tail: &[u8]) -> bool {
        match tail {
            b"\r\n" => self.crlf = true,
            b"\n" => self.parsed.multipart.lf_line = true,
            // The body may have been cut here.
            b"" | b"-" | b"\r" => {}
            _ => self.parsed.malformed("a boundary with something behind it"),
        }
        tail.ends_with(b"\n")
    }

    /// Looks for what resembles a boundary and is none.
    fn segment(&mut self, segment: &[u8], boundary: &[u8], inside: bool) {
        let first = segment.starts_with(b"--").then_some(2);
        for at in first.into_iter().chain(memmem::find_iter(segment, b"\n--").map(|at| at + 3)) {
            let rest = &segment[at..];
            if rest.is_empty() || rest.starts_with(b"\n") {
                continue;
            }
            self.parsed.multipart.unmatched_boundary = 1;
            let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | 0x0B | 0x0C | b'\r')).count();
            let quoted = self.parsed.multipart.boundary_quoted && rest[0] == b'"';
            if blanks > 0 && rest[blanks..].starts_with(boundary) || quoted && rest[1..].starts_with(boundary) {
                self.parsed.malformed("a boundary with something before it");
            }
        }
        if inside {
            self.parsed.multipart.unmatched_boundary = 1;
        }
    }

    /// Reads a part: what stands between two boundaries, or behind the last one of a form that is cut.
    fn part(&mut self, segment: &[u8], whole: bool, outer: Option<&[u8]>) -> Result<(), Exceeded> {
        let flags = self.parsed.multipart;
        let (head, sound) = self.head(segment, outer.is_some());
        if !whole && head.end.is_none() {
            // What is odd is that it is cut, which was told.
            self.parsed.multipart = flags;
        }
        let mut data = &segment[head.end.unwrap_or_default()..];
        if whole && let Some(line) = data.strip_suffix(b"\n") {
            data = self.without_return(line);
        }
        let Disposition { names, files, .. } = head.disposition;
        let name = names.first().map_or(outer.unwrap_or_default(), Vec::as_slice);
        for line in &head.lines {
            if !self.budget.name(name.len()) {
                return Err(Exceeded);
            }
            self.parsed.part_headers.push(name, line);
        }
        for file in &files {
            if !self.budget.field(name.len()) {
                self.parsed.multipart.file_limit_exceeded = true;
                return Err(Exceeded);
            }
            self.parsed.files.push(name, file);
            self.parsed.file_sizes.push(data.len());
        }
        if files.is_empty() || !sound {
            self.argument(name, data)?;
            names.iter().skip(1).try_for_each(|name| self.argument(name, b""))?;
        }
        match head.within {
            Some(boundary) => self.form(data, &boundary, Some(name)),
            None => Ok(()),
        }
    }

    fn argument(&mut self, name: &[u8], value: &[u8]) -> Result<(), Exceeded> {
        if !self.budget.field(name.len()) {
            return Err(Exceeded);
        }
        self.parsed.arguments.push(name, value);
        Ok(())
    }

    /// Reads a part's head, and tells whether there was nothing odd about it.
    fn head(&mut self, segment: &[u8], within: bool) -> (Head, bool) {
        let mut head = Head::default();
        let mut odd = self.lines(segment, &mut head);
        let mut dispositions = 0;
        for line in &head.lines {
            let colon = memchr::memchr(b':', line).unwrap_or(line.len());
            let name = line[..colon].trim_ascii();
            let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
            if name.eq_ignore_ascii_case(b"content-disposition") {
                dispositions += 1;
                head.disposition.read(value);
            } else if name.eq_ignore_ascii_case(b"content-type") && !within && is_multipart(value) {
                // What is odd about it is the inner form's own matter.
                head.within = boundary::read(value, &mut Parsed::default());
            }
        }
        let said = &head.disposition;
        odd = odd.or(said.odd);
        if dispositions > 1 {
            odd = odd.or(Some("a part with more than one Content-Disposition"));
        } else if !within && (!said.form || said.names.is_empty()) {
            self.parsed.multipart.invalid_part = true;
            odd = odd.or(Some("a part that is no field of a form"));
        }
        self.parsed.multipart.invalid_quoting |= said.invalid_quoting;
        if let Some(why) = odd {
            self.parsed.malformed(why);
        }
        (head, odd.is_none())
    }

    /// Reads the lines of a head; what was odd about them.
    fn lines(&mut self, segment: &[u8], head: &mut Head) -> Option<&'static str> {
        let (mut at, mut odd) = (0, None);
        while let Some(n) = memchr::memchr(b'\n', &segment[at..]) {
            let line = &segment[at..at + n];
            at += n + 1;
            let line = self.without_return(line);
            if line.is_empty() {
                head.end = Some(at);
                return odd;
            }
            odd = odd.or(self.line(line, &mut head.lines));
        }
        self.parsed.multipart.invalid_part = true;
        odd.or(Some("a part whose head has no end"))
    }

    /// What stands before the CR LF, or the LF alone, that ends a line.
    fn without_return<'b>(&mut self, line: &'b [u8]) -> &'b [u8] {
        let without = line.strip_suffix(b"\r");
        self.crlf |= without.is_some();
        self.parsed.multipart.lf_line |= without.is_none();
        without.unwrap_or(line)
    }

    /// Keeps a line of a head.
    fn line(&mut self, line: &[u8], lines: &mut Vec<Vec<u8>>) -> Option<&'static str> {
        let folded = line.iter().take_while(|b| matches!(b, b' ' | b'\t' | 0x0B | 0x0C | b'\r')).count();
        let mut odd = None;
        if folded > 0 {
            let flags = &mut self.parsed.multipart;
            flags.header_folding = true;
            flags.invalid_header_folding |= line[..folded].iter().any(|b| !matches!(b, b' ' | b'\t'));
            match lines.last_mut() {
                Some(last) => {
                    last.push(b' ');
                    last.extend_from_slice(&line[folded..]);
                }
                None => odd = Some("a head that begins with a line that goes on"),
            }
        }
        if folded == 0 || lines.is_empty() {
            if lines.len() >= MOST_HEADERS {
                return Some("a part with too many headers");
            }
            match memchr::memchr(b':', line) {
                Some(0) | None => odd = odd.or(Some("a header of a part without a name")),
                Some(colon) if line[colon - 1] == b' ' || line[colon - 1] == b'\t' => {
                    odd = odd.or(Some("a header of a part with a blank before its colon"));
                }
                Some(_) => {}
            }
            lines.push(line.to_vec());
        }
        if line.contains(&0) {
            odd = odd.or(Some("a header of a part with NUL"));
        }
        if lines.last().is_some_and(|line| line.len() > LONGEST_LINE) {
            odd = odd.or(Some("a header of a part that is too long"));
        }
        odd
    }
}

fn is_multipart(content_type: &[u8]) -> bool {
    content_type.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"))
}

#[cfg(test)]
mod tests {
    use super::{super::flags::Flags, *};

    const BOUNDS: Bounds = Bounds { arguments: 1000, depth: 64 };
    const TYPE: &str = "multipart/form-data; boundary=b";
    /// A sound form ends so.
    const SOUND: Flags = Flags { unmatched_boundary: 2, ..NONE };
    const NONE: Flags = Flags {
        boundary_quoted: false,
        boundary_whitespace: false,
        data_before: false,
        data_after: false,
        header_folding: false,
        lf_line: false,
        crlf_lf_lines: false,
        missing_semicolon: false,
        invalid_quoting: false,
        invalid_part: false,
        invalid_header_folding: false,
        unmatched_boundary: 0,
        file_limit_exceeded: false,
        malformed: false,
    };
    const MALFORMED: Flags = Flags { malformed: true, ..SOUND };
    const INVALID: Flags = Flags { invalid_part: true, ..MALFORMED };

    fn parse(body: &[u8]) -> Parsed {
        let mut parsed = Parsed::default();
        read(TYPE.as_bytes(), body, BOUNDS, &mut parsed);
        parsed
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Arguments as `name=value`, files as `name:file/size`.
    fn shown(parsed: &Parsed) -> Vec<String> {
        assert_eq!(parsed.files.len(), parsed.file_sizes.len());
        let arguments = parsed.arguments.iter().map(|(name, value)| format!("{}={}", text(name), text(value)));
        let files = parsed.files.iter().zip(&parsed.file_sizes);
        arguments.chain(files.map(|((name, file), size)| format!("{}:{}/{size}", text(name), text(file)))).collect()
    }

    fn part(head: &str, data: &str) -> String {
        format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{data}\r\n")
    }

    #[test]
    fn fields_and_files_are_told_apart() {
        let a = part("name=\"a\"", "1");
        let file = "name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain";
        for (body, expected) in [
            (format!("{a}--b--\r\n"), &["a=1"][..]),
            (format!("{a}{}{a}--b--", part(file, "12\r\n--\r\n4")), &["a=1", "a=1", "f:x.txt/9"]),
            (format!("{}{}--b--\r\n", part("name=a", ""), part("name=\"b\"; filename=\"\"", "x")), &["a=", "b=x"]),
            ("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--\r\n".to_owned(), &["a="]),
            (format!("{}--b--\r\n", part("name=a; filename=y; filename*=UTF-8''x%41", "1")), &["a:y/1", "a:xA/1"]),
            (format!("{}--b--\r\n", part("name=a", "\r\n\n 1 \n\r\n")), &["a=\r\n\n 1 \n\r\n"]),
            (format!("{}--b--\r\n", part("name=\"a\\\"b\"", "\0\u{1}")), &["a\"b=\0\u{1}"]),
        ] {
            let parsed = parse(body.as_bytes());
            assert_eq!(shown(&parsed), expected, "{body}");
            assert_eq!(
                (parsed.error, parsed.multipart.strict_error(), parsed.exceeded),
                (None, false, false),
                "{body}"
            );
        }
        let binary = b"--b\r\nContent-Disposition: form-data; name=\xff\r\n\r\n\0\xfe\r\n--b--\r\n";
        let parsed = parse(binary);
        assert_eq!(parsed.arguments.iter().next(), Some((&b"\xff"[..], &b"\0\xfe"[..])));
        assert!(parse(b"--b--\r\n").error.is_none(), "a form without fields");
    }

    #[test]
    fn heads_are_kept_in_order() {
        let body = part("name=a\r\nX-Y:z\r\nContent-Type: text/plain;\r\n\tcharset=utf-8", "1") + "--b--\r\n";
        let parsed = parse(body.as_bytes());
        let headers: Vec<_> = parsed.part_headers.iter().map(|(name, line)| (text(name), text(line))).collect();
        let expected = ["Content-Disposition: form-data; name=a", "X-Y:z", "Content-Type: text/plain; charset=utf-8"];
        assert_eq!(headers, expected.map(|line| ("a".to_owned(), line.to_owned())));
    }

    #[test]
    fn oddities_are_told_and_read_on() {
        let a = part("name=a", "1");
        let line = "Content-Disposition: form-data; name=a\r\n";
        let lf = Flags { lf_line: true, ..SOUND };
        let folded = Flags { header_folding: true, ..SOUND };
        for (body, expected, flags) in [
            (format!("x\r\n{a}--b--\r\n"), &["a=1"][..], Flags { data_before: true, ..SOUND }),
            (format!("\r\n{a}--b--\r\n"), &["a=1"], Flags { data_before: true, ..SOUND }),
            (format!("{a}--b--\r\nx"), &["a=1"], Flags { data_after: true, ..SOUND }),
            (format!("{a}--b--"), &["a=1"], NONE),
            (format!("{a}--b--\r\n").replace("\r\n", "\n"), &["a=1"], lf),
            (format!("{a}--b--\r\n").replacen("\r\n", "\n", 2), &["a=1"], Flags { crlf_lf_lines: true, ..lf }),
            (a.replace("; name", ";\r\n name") + "--b--\r\n", &["a=1"], folded),
            (
                a.replace("; name", ";\r\n\u{b}name") + "--b--\r\n",
                &["a=1"],
                Flags { invalid_header_folding: true, ..folded },
            ),
            (part("name='a'", "1") + "--b--\r\n", &["a=1"], Flags { invalid_quoting: true, ..SOUND }),
            (part("name=\"a'b\"", "1") + "--b--\r\n", &["a'b=1"], SOUND),
            (part("name=\"a\"x", "1") + "--b--\r\n", &["a=1"], Flags { invalid_quoting: true, ..MALFORMED }),
            (part("name=a", "-- b") + "--b--\r\n", &["a=-- b"], MALFORMED),
            (part("name=a", "--c\r\nx--b") + "--b--\r\n", &["a=--c\r\nx--b"], SOUND),
            (part("name=a", "--c") + "--b--", &["a=--c"], Flags { unmatched_boundary: 1, ..NONE }),
            (part("name=a", "x--b") + "--b--", &["a=x--b"], Flags { unmatched_boundary: 1, ..NONE }),
            (part("name=a; filename=f; name=c", "1") + "--b--\r\n", &["a=1", "c=", "a:f/1"], MALFORMED),
            (part("name=a; filename*=f", "1") + "--b--\r\n", &["a=1", "a:f/1"], MALFORMED),
            (
                format!("--b\r\n{line}{}\r\n1\r\n--b--\r\n", line.replace("=a", "=c; filename=f")),
                &["a=1", "c=", "a:f/1"],
                MALFORMED,
            ),
            (format!("--b\r\n{line}no colon\r\n\r\n1\r\n--b--\r\n"), &["a=1"], MALFORMED),
            (format!("--b\r\n{line}:\r\n\r\n1\r\n--b--\r\n"), &["a=1"], MALFORMED),
            (format!("--b\r\n{line}X:\0\r\n\r\n1\r\n--b--\r\n"), &["a=1"], MALFORMED),
            (format!("--b\r\n{}\r\n1\r\n--b--\r\n", line.replace(':', " :")), &["a=1"], MALFORMED),
            (format!("--b\r\n x\r\n{line}\r\n1\r\n--b--\r\n"), &["a=1"], Flags { header_folding: true, ..MALFORMED }),
            (format!("--b x\r\n{line}\r\n1\r\n--b--\r\n"), &["a=1"], MALFORMED),
            ("--b\r\nContent-Type: x\r\n\r\n1\r\n--b--\r\n".to_owned(), &["=1"], INVALID),
            (part("x=y", "1") + "--b--\r\n", &["=1"], INVALID),
            (part("name=\"\"", "1") + "--b--\r\n", &["=1"], INVALID),
            (a.replace("form-data", "attachment") + "--b--\r\n", &["a=1"], INVALID),
            (format!("--b\r\n{line}--b--\r\n"), &["a=Content-Disposition: form-data; name=a"], INVALID),
            (format!("--b\r\n\r\n{a}--b--\r\n"), &["=", "a=1"], INVALID),
        ] {
            let parsed = parse(body.as_bytes());
            assert_eq!(shown(&parsed), expected, "{body}");
            assert_eq!(parsed.multipart, flags, "{body}");
            assert_eq!(parsed.error.is_some(), flags.malformed, "{body}");
            assert_eq!(flags.strict_error(), Flags { unmatched_boundary: 0, ..flags } != NONE, "{body}");
        }
    }

    #[test]
    fn a_form_within_a_field_is_read() {
        let inner = "--c\r\nContent-Disposition: attachment; filename=x.php\r\n\r\n12\r\n\
                     --c\r\nContent-Disposition: form-data; name=d\r\n\r\n3\r\n--c--\r\n";
        let body = part("name=a; filename=f\r\nContent-Type: Multipart/mixed; boundary=c", inner) + "--b--\r\n";
        let parsed = parse(body.as_bytes());
        assert_eq!(shown(&parsed), ["d=3".to_owned(), format!("a:f/{}", inner.len()), "a:x.php/2".to_owned()]);
        let bomb = part("name=a\r\nContent-Type: multipart/mixed; boundary=b", "x").repeat(400) + "--b--";
        assert_eq!(parse(bomb.as_bytes()).arguments.len(), 400);
    }

    #[test]
    fn bounds_hold() {
        let many = "--b\r\n\r\n".repeat(100_000);
        let parsed = parse(many.as_bytes());
        assert!(parsed.exceeded && parsed.arguments.len() == BOUNDS.arguments);
        let files = parse(part("name=a; filename=b", "").repeat(2000).as_bytes());
        assert!(files.exceeded && files.multipart.file_limit_exceeded && files.files.len() == BOUNDS.arguments);
        let name = "n".repeat(100_000);
        let heads = parse((part(&format!("name={name}\r\n{}", "a:\r\n".repeat(60)), "") + "--b--").as_bytes());
        assert!(heads.exceeded && heads.part_headers.len() < 60);
        let lines = parse((part(&format!("name=a{}", "\r\na:".repeat(100_000)), "1") + "--b--").as_bytes());
        assert!(lines.part_headers.len() == MOST_HEADERS && lines.error.is_some());
        parse(&b"--b--b".repeat(100_000));
        parse(&b"\n--".repeat(100_000));
        parse(&b"--b\n".repeat(100_000));
    }

    #[test]
    fn a_cut_anywhere_is_told_and_is_no_oddity() {
        let body = part("name=a", "1") + &part("name=\"f\"; filename=\"g\"", "22") + "--b--";
        assert!(parse(body.as_bytes()).error.is_none());
        for cut in 1..body.len() {
            let parsed = parse(&body.as_bytes()[..cut]);
            assert!(parsed.error.is_some() && !parsed.multipart.strict_error(), "{cut}");
        }
        assert_eq!(shown(&parse(part("name=a", "1").as_bytes())), ["a=1\r\n"]);
        assert!(parse(b"hello").error.is_some() && parse(b"").error.is_none());
    }
}
