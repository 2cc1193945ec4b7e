//! A client's first words, made by hand, and what a server answers to them: our own library speaks nothing below TLS 1.2, and no weak suite.

/// SSL 3.0.
pub const SSL3: u16 = 0x0300;
/// TLS 1.0.
pub const TLS10: u16 = 0x0301;
/// TLS 1.1.
pub const TLS11: u16 = 0x0302;
/// TLS 1.2.
pub const TLS12: u16 = 0x0303;
/// TLS 1.3.
pub const TLS13: u16 = 0x0304;

/// A hello: a version, and what is offered.
#[derive(Debug, Clone)]
pub struct Hello<'a> {
    /// The version that is asked for.
    pub version: u16,
    /// Suites that are offered.
    pub suites: &'a [u16],
    /// Groups that are offered.
    pub groups: &'a [u16],
    /// Whether compression is offered.
    pub compression: bool,
    /// The name that is asked for.
    pub name: Option<&'a str>,
}

/// What a server has chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The version.
    pub version: u16,
    /// The suite.
    pub suite: u16,
    /// The group, where TLS 1.3 tells it.
    pub group: Option<u16>,
    /// Whether it compresses.
    pub compresses: bool,
    /// Whether it secures renegotiation (RFC 5746).
    pub secures_renegotiation: bool,
    /// Bits of the Diffie-Hellman prime, where there is one.
    pub prime_bits: Option<usize>,
}

/// How far an answer has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// More bytes are needed.
    Open,
    /// It was refused.
    Refused,
    /// It was accepted.
    Chosen(Box<Chosen>),
}

/// Signature schemes, old ones too: an old server knows no others.
const SCHEMES: &[u16] =
    &[0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0202, 0x0402];
/// "There is no unsafe renegotiation", as a suite.
const RENEGOTIATION_SUITE: u16 = 0x00FF;

impl Hello<'_> {
    /// The bytes of its record.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let random: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
        let mut body = self.version.min(TLS12).to_be_bytes().to_vec();
        body.extend_from_slice(&random);
        // A session id in TLS 1.3 makes it look like one that is taken up again, which boxes in between want (RFC 8446, section 4.1.2).
        let session: &[u8] = if self.version == TLS13 { &random } else { &[] };
        short(&mut body, session);
        let own = (self.version < TLS13).then_some(RENEGOTIATION_SUITE);
        long(&mut body, &pairs(self.suites.iter().copied().chain(own)));
        short(&mut body, if self.compression { &[1, 0] } else { &[0] });
        if self.version > SSL3 {
            long(&mut body, &self.extensions());
        }
        let mut message = vec![1];
        message.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_be_bytes()[1..]);
        message.extend_from_slice(&body);
        let mut record = vec![22];
        record.extend_from_slice(&self.version.min(TLS10).to_be_bytes());
        long(&mut record, &message);
        record
    }

    fn extensions(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut extension = |number: u16, content: &[u8]| {
            all.extend_from_slice(&number.to_be_bytes());
            long(&mut all, content);
        };
        if let Some(name) = self.name {
            let mut entry = vec![0];
            long(&mut entry, name.as_bytes());
            extension(0, &listed(&entry));
        }
        extension(10, &listed(&pairs(self.groups.iter().copied())));
        extension(11, &[1, 0]);
        if self.version >= TLS12 {
            extension(13, &listed(&pairs(SCHEMES.iter().copied())));
        }
        if self.version == TLS13 {
            extension(43, &[2, 3, 4]);
            // No share: whoever speaks a group asks for one by its number.
            extension(51, &[0, 0]);
            extension(45, &[1, 1]);
        }
        all
    }
}

/// Reads what a server has sent so far.
#[must_use]
pub fn read(bytes: &[u8]) -> Reply {
    let mut messages = Vec::new();
    let mut rest = bytes;
    while let [kind, _, _, high, low, body @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if *kind != 22 {
            // An alert before a hello, or something that is no TLS at all.
            return finished(&messages).map_or(Reply::Refused, |chosen| Reply::Chosen(Box::new(chosen)));
        }
        let Some(content) = body.get(..length) else { break };
        messages.extend_from_slice(content);
        rest = &body[length..];
    }
    match (hello(&messages), rest.first()) {
        (None, Some(kind)) if *kind != 22 => Reply::Refused,
        (None, _) => Reply::Open,
        (Some(chosen), _) if !chosen.1 => Reply::Chosen(Box::new(chosen.0)),
        // The group of Diffie-Hellman comes in a later message.
        (Some(_), _) => finished(&messages).map_or(Reply::Open, |chosen| Reply::Chosen(Box::new(chosen))),
    }
}

/// The server's hello, and whether more is to come that is worth waiting for.
fn hello(messages: &[u8]) -> Option<(Chosen, bool)> {
    let body = message(messages, 2)?;
    let (version, rest) = number(body)?;
    let rest = rest.get(32..)?;
    let (&length, rest) = rest.split_first()?;
    let rest = rest.get(usize::from(length)..)?;
    let (suite, rest) = number(rest)?;
    let (&compression, rest) = rest.split_first()?;
    let mut chosen = Chosen { version, suite, compresses: compression != 0, ..Chosen::default() };
    let mut rest = number(rest).map_or(&[][..], |(_, rest)| rest);
    while let Some((kind, after)) = number(rest) {
        let (length, after) = number(after)?;
        let (content, after) = (after.get(..usize::from(length))?, after.get(usize::from(length)..)?);
        match kind {
            43 => chosen.version = number(content)?.0,
            51 => chosen.group = number(content).map(|(group, _)| group),
            0xFF01 => chosen.secures_renegotiation = true,
            _ => {}
        }
        rest = after;
    }
    let more = chosen.version < TLS13 && is_ephemeral(suite);
    Some((chosen, more))
}

/// The hello, with what the messages behind it tell; nothing while they may still come.
fn finished(messages: &[u8]) -> Option<Chosen> {
    let (mut chosen, more) = hello(messages)?;
    if more {
        chosen.prime_bits = message(messages, 12).and_then(|body| {
            let (length, rest) = number(body)?;
            let prime = rest.get(..usize::from(length))?;
            let first = prime.iter().position(|byte| *byte != 0)?;
            Some((prime.len() - first) * 8 - prime[first].leading_zeros() as usize)
        });
        // Its key exchange, or the end of its first words.
        chosen.prime_bits.map(|_| ()).or_else(|| message(messages, 14).map(|_| ()))?;
    }
    Some(chosen)
}

/// Whether a suite exchanges keys by Diffie-Hellman over a prime.
fn is_ephemeral(suite: u16) -> bool {
    super::suites::SUITES
        .iter()
        .any(|(number, name)| *number == suite && (name.starts_with("TLS_DHE_") || name.starts_with("TLS_DH_anon")))
}

/// The body of the first message of a kind, where it is whole.
fn message(mut messages: &[u8], wanted: u8) -> Option<&[u8]> {
    while let [kind, a, b, c, body @ ..] = messages {
        let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
        let content = body.get(..length)?;
        if *kind == wanted {
            return Some(content);
        }
        messages = &body[length..];
    }
    None
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (pair, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*pair), rest))
}

fn pairs(numbers: impl Iterator<Item = u16>) -> Vec<u8> {
    numbers.flat_map(u16::to_be_bytes).collect()
}

fn short(out: &mut Vec<u8>, content: &[u8]) {
    out.push(u8::try_from(content.len()).unwrap_or(0));
    out.extend_from_slice(content);
}

fn long(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(&u16::try_from(content.len()).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(content);
}

fn listed(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    long(&mut out, content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(messages: &[u8]) -> Vec<u8> {
        let mut out = vec![22, 3, 1];
        long(&mut out, messages);
        out
    }

    fn said(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &length[1..], body].concat()
    }

    fn server(version: u16, suite: u16, compression: u8, extensions: &[u8]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend_from_slice(&[7; 32]);
        body.push(0);
        body.extend_from_slice(&suite.to_be_bytes());
        body.push(compression);
        long(&mut body, extensions);
        said(2, &body)
    }

    #[test]
    fn an_old_server_is_read() {
        let bytes = record(&server(TLS10, 0x0005, 1, &[0xFF, 1, 0, 1, 0]));
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), Reply::Open, "{cut}");
        }
        let Reply::Chosen(chosen) = read(&bytes) else { panic!("not read") };
        assert_eq!((chosen.version, chosen.suite), (TLS10, 0x0005));
        assert!(chosen.compresses && chosen.secures_renegotiation && chosen.group.is_none());
    }

    #[test]
    fn a_new_server_names_its_group() {
        let bytes = record(&server(TLS12, 0x1301, 0, &[0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0x11, 0xEC]));
        let Reply::Chosen(chosen) = read(&bytes) else { panic!("not read") };
        assert_eq!((chosen.version, chosen.group), (TLS13, Some(0x11EC)));
    }

    #[test]
    fn a_prime_is_measured() {
        let mut exchange = Vec::new();
        long(&mut exchange, &[&[0, 0x80][..], &[1; 127]].concat());
        let bytes = record(&[server(TLS12, 0x0033, 0, &[]), said(11, &[0; 300]), said(12, &exchange)].concat());
        assert_eq!(read(&bytes[..80]), Reply::Open);
        let Reply::Chosen(chosen) = read(&bytes) else { panic!("not read") };
        assert_eq!(chosen.prime_bits, Some(1024));
    }

    #[test]
    fn alerts_and_nonsense_are_refusals() {
        assert_eq!(read(&[21, 3, 1, 0, 2, 2, 40]), Reply::Refused);
        assert_eq!(read(b"HTTP/1.1 400 Bad Request\r\n"), Reply::Refused);
        assert_eq!(read(b""), Reply::Open);
        for n in 0..2000_u32 {
            let noise: Vec<u8> = (0..64).map(|_| fastrand::u8(..)).collect();
            let _ = read(&[&[22, 3, 3, 0, 59, 2][..], &noise[..(n % 64) as usize]].concat());
        }
    }

    #[test]
    fn a_hello_has_its_length_right() {
        for version in [SSL3, TLS10, TLS12, TLS13] {
            let hello =
                Hello { version, suites: &[1, 2], groups: &[29], compression: true, name: Some("shop.example") };
            let bytes = hello.bytes();
            assert_eq!(usize::from(u16::from_be_bytes([bytes[3], bytes[4]])), bytes.len() - 5);
            assert_eq!(usize::from(bytes[8]) + usize::from(bytes[7]) * 256, bytes.len() - 9);
        }
    }
}
