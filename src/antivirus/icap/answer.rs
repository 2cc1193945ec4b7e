//! What an ICAP server answers (RFC 3507, sections 4.3 and 4.4). Everything in it has its limit, for a server may be broken or somebody else's.

use std::io::{BufRead, Read as _};

use aws_lc_rs::digest;

use crate::antivirus::wire::Error;

/// Most bytes of a head.
const LONGEST: usize = 64 << 10;
/// Bytes of a body that are read at a time.
const PIECE: usize = 16 << 10;

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    /// 204 where nothing is to be changed.
    pub status: u16,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Reads it.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(from: &mut impl BufRead) -> Result<Self, Error> {
        let mut left = LONGEST;
        let first = line(from, &mut left)?;
        let status = status(&first, "ICAP/").ok_or(Error::Unknown)?;
        let mut fields: Vec<(String, String)> = Vec::new();
        loop {
            let line = line(from, &mut left)?;
            if line.is_empty() {
                return Ok(Self { status, fields });
            }
            if line.starts_with([' ', '\t']) {
                // A line that goes on, as those of X-Violations-Found do.
                let (_, value) = fields.last_mut().ok_or(Error::Unknown)?;
                value.push('\n');
                value.push_str(line.trim());
            } else {
                let (name, value) = line.split_once(':').ok_or(Error::Unknown)?;
                fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }

    /// A field by its name in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What was found, by the fields that servers tell it with.
    #[must_use]
    pub fn threat(&self) -> Option<&str> {
        // `Type=0; Resolution=2; Threat=Eicar;`
        if let Some(found) = self.get("x-infection-found") {
            let threat = found.split(';').filter_map(|part| part.split_once('='));
            let threat = threat.filter(|(name, _)| name.trim().eq_ignore_ascii_case("threat"));
            return Some(threat.map(|(_, value)| value.trim()).next().unwrap_or("unnamed"));
        }
        // A count, and by line of each: file, name, number, what was done.
        if let Some(found) = self.get("x-violations-found") {
            let mut lines = found.lines().map(str::trim);
            if lines.next() != Some("0") {
                return Some(lines.nth(1).filter(|name| !name.is_empty()).unwrap_or("unnamed"));
            }
        }
        // Some say here that there is none.
        let is_name = |name: &&str| {
            !name.is_empty() && !name.eq_ignore_ascii_case("none") && !name.to_ascii_lowercase().starts_with("no ")
        };
        self.get("x-virus-id").filter(is_name)
    }

    /// Whether what the server would put in the place of what it was sent is the same: `upload` was sent, `length` bytes of this SHA-256.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn is_unmodified(
        &self,
        from: &mut impl BufRead,
        upload: bool,
        length: u64,
        sha256: &[u8],
    ) -> Result<bool, Error> {
        let encapsulated = self.get("encapsulated").ok_or(Error::Unknown)?;
        let (head, body) = if upload { ("req-hdr", "req-body") } else { ("res-hdr", "res-body") };
        let (mut is_own, mut offset) = (false, None);
        for part in encapsulated.split(',') {
            let (name, at) = part.trim().split_once('=').ok_or(Error::Unknown)?;
            let at: usize = at.parse().ok().filter(|at| *at <= LONGEST).ok_or(Error::Unknown)?;
            is_own |= name == head && at == 0;
            if name == body {
                offset = Some(at);
            }
        }
        // An answer to a request, another kind of head, or no body any more: it was replaced.
        let (true, Some(offset)) = (is_own, offset) else { return Ok(false) };
        let mut http = vec![0; offset];
        from.read_exact(&mut http)?;
        let first = String::from_utf8_lossy(http.split(|b| *b == b'\r').next().unwrap_or_default()).into_owned();
        if !upload && status(&first, "HTTP/") != Some(200) {
            return Ok(false);
        }
        is_same(from, length, sha256)
    }
}

/// The number behind a protocol and its version.
fn status(line: &str, protocol: &str) -> Option<u16> {
    let mut words = line.strip_prefix(protocol)?.split(' ');
    words.next()?;
    words.next().filter(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

fn line(from: &mut impl BufRead, left: &mut usize) -> Result<String, Error> {
    let mut line = Vec::new();
    let read = from.by_ref().take(*left as u64).read_until(b'\n', &mut line)?;
    *left -= read;
    if read == 0 && *left > 0 {
        return Err(Error::Silent);
    }
    if line.pop() != Some(b'\n') {
        return Err(Error::Unknown);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Whether a body in chunks is this one. It is read no further than that shows.
fn is_same(from: &mut impl BufRead, length: u64, sha256: &[u8]) -> Result<bool, Error> {
    let mut context = digest::Context::new(&digest::SHA256);
    let (mut all, mut piece) = (0_u64, vec![0; PIECE]);
    loop {
        let mut left = LONGEST;
        let size = line(from, &mut left)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        if size.is_empty() || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::Unknown);
        }
        let mut size = u64::from_str_radix(size, 16).map_err(|_| Error::Unknown)?;
        if size == 0 {
            return Ok(all == length && context.finish().as_ref() == sha256);
        }
        if size > length - all {
            return Ok(false);
        }
        all += size;
        while size > 0 {
            let part = usize::try_from(size).unwrap_or(PIECE).min(PIECE);
            from.read_exact(&mut piece[..part])?;
            context.update(&piece[..part]);
            size -= part as u64;
        }
        if !line(from, &mut 2)?.is_empty() {
            return Err(Error::Unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Head, Error> {
        Head::read(&mut text.replace('\n', "\r\n").as_bytes())
    }

    #[test]
    fn threats_are_told_in_three_ways() {
        for (field, threat) in [
            ("X-Infection-Found: Type=0; Resolution=2; Threat=Eicar Test;", Some("Eicar Test")),
            ("x-infection-found: Type=0", Some("unnamed")),
            ("X-Violations-Found: 1\n\t-\n\tEicar\n\t0\n\t0", Some("Eicar")),
            ("X-Violations-Found: 1", Some("unnamed")),
            ("X-Violations-Found: 0", None),
            ("X-Virus-ID: Eicar", Some("Eicar")),
            ("X-Virus-ID: no threats", None),
            ("Server: x", None),
        ] {
            let head = head(&format!("ICAP/1.0 200 OK\nISTag: \"a\"\n{field}\n\n")).unwrap();
            assert_eq!((head.status, head.threat(), head.get("istag")), (200, threat, Some("\"a\"")), "{field}");
        }
        for bad in [
            "",
            "ICAP/1.0 200 OK\n",
            "HTTP/1.1 200 OK\n\n",
            "ICAP/1.0 2\n\n",
            "ICAP/1.0 200\n more\n\n",
            "ICAP/1.0 200\nx\n\n",
        ] {
            assert!(head(bad).is_err(), "{bad}");
        }
        assert!(head(&format!("ICAP/1.0 200\n{}\n", "a: b\n".repeat(20_000))).is_err(), "too long");
    }

    fn unmodified(upload: bool, encapsulated: &str, rest: &str) -> Result<bool, Error> {
        let rest = rest.replace('\n', "\r\n");
        let sha256 = digest::digest(&digest::SHA256, b"hello world");
        let head = head(&format!("ICAP/1.0 200 OK\nEncapsulated: {encapsulated}\n\n"))?;
        head.is_unmodified(&mut rest.as_bytes(), upload, 11, sha256.as_ref())
    }

    #[test]
    fn what_comes_back_is_the_same_or_another() {
        let (request, good, bad) = ("POST / HTTP/1.1\n\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 403 No\n\n");
        let same = "6\nhello \n5;x=y\nworld\n0\n\n";
        for (upload, encapsulated, rest, wanted) in [
            (true, "req-hdr=0, req-body=19", format!("{request}{same}"), true),
            (false, "res-hdr=0, res-body=19", format!("{good}{same}"), true),
            (false, "res-hdr=0, res-body=19", format!("{bad}{same}"), false),
            (true, "res-hdr=0, res-body=19", format!("{bad}{same}"), false),
            (true, "req-hdr=0, null-body=19", request.to_owned(), false),
            (true, "req-hdr=0, req-body=19", format!("{request}b\nhello World\n0\n\n"), false),
            (true, "req-hdr=0, req-body=19", format!("{request}6\nhello \n0\n\n"), false),
            (true, "req-hdr=0, req-body=19", format!("{request}ffffffffffffffec\n"), false),
        ] {
            assert_eq!(unmodified(upload, encapsulated, &rest).unwrap(), wanted, "{encapsulated} {rest}");
        }
        for (encapsulated, rest) in [
            ("req-hdr", String::new()),
            ("req-hdr=0, req-body=18446744073709551615", String::new()),
            ("req-hdr=0, req-body=19", "POST".to_owned()),
            ("req-hdr=0, req-body=19", format!("{request}+5\nhello")),
            ("req-hdr=0, req-body=19", format!("{request}5\nhello 6\n world\n0\n\n")),
            ("req-hdr=0, req-body=19", format!("{request}5\nhel")),
        ] {
            assert!(unmodified(true, encapsulated, &rest).is_err(), "{encapsulated} {rest}");
        }
    }
}
