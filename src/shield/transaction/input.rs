//! What comes in: the request's head and body, the answer's head and body.

use std::net::IpAddr;

use super::{Exceeded, Transaction};
use crate::shield::{
    body::{self, Parsed, Processor},
    fields::Fields,
    texts::Text,
    variable::Variable as V,
};

/// The head of a request, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The target as it stands in the request line.
    pub target: &'a [u8],
    /// `HTTP/1.1`.
    pub protocol: &'a [u8],
    /// The host, without a port.
    pub host: &'a [u8],
    /// A number that no other request has, in hexadecimal.
    pub id: &'a [u8],
}

/// Who asks whom.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The client's address.
    pub client: IpAddr,
    /// Its port, where that is known.
    pub port: u16,
    /// The port that was asked.
    pub server_port: u16,
}

impl Transaction {
    fn one(&mut self, variable: V, text: &[u8]) {
        let name = self.nameless();
        let value = self.keep(text);
        self.state.add(variable, name, value);
    }

    fn count(&mut self, variable: V, number: usize) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number).as_bytes();
        self.one(variable, digits);
    }

    fn nameless(&mut self) -> Text {
        if self.texts.is_empty() {
            self.texts.push(b"");
        }
        Text::default()
    }

    fn member(&mut self, variable: V, name: &[u8], value: &[u8]) {
        self.nameless();
        let name = self.keep(name);
        let value = self.keep(value);
        self.state.add(variable, name, value);
    }

    fn members(&mut self, variable: V, fields: &Fields) {
        for (name, value) in fields.iter() {
            self.member(variable, name, value);
        }
    }

    fn exceed(&mut self, what: Exceeded) {
        self.exceeded.get_or_insert(what);
    }

    /// The path as the application will get it, `PATH_INFO`: what exclusions and patches go by.
    pub fn path(&mut self, canonical: &[u8]) {
        self.one(V::PathInfo, canonical);
    }

    /// The head of the request.
    pub fn head<'h>(&mut self, head: &Head<'_>, peer: &Peer, headers: impl Iterator<Item = (&'h [u8], &'h [u8])>) {
        self.nameless();
        self.one(V::RequestMethod, head.method);
        self.one(V::RequestProtocol, head.protocol);
        self.one(V::RequestLine, &[head.method, head.target, head.protocol].join(&b' '));
        self.one(V::RequestUriRaw, head.target);
        let uri = origin_form(head.target);
        self.one(V::RequestUri, uri);
        let (path, query) = memchr::memchr(b'?', uri).map_or((uri, &b""[..]), |at| (&uri[..at], &uri[at + 1..]));
        let path = &path[..memchr::memchr(b'#', path).unwrap_or(path.len())];
        self.one(V::RequestFilename, path);
        let base = path.iter().rposition(|byte| matches!(byte, b'/' | b'\\')).map_or(path, |at| &path[at + 1..]);
        self.one(V::RequestBasename, base);
        self.one(V::QueryString, query);
        self.one(V::ServerName, head.host);
        self.one(V::UniqueId, head.id);
        self.one(V::RemoteAddr, peer.client.to_string().as_bytes());
        self.one(V::RemoteHost, peer.client.to_string().as_bytes());
        self.count(V::RemotePort, usize::from(peer.port));
        self.count(V::ServerPort, usize::from(peer.server_port));
        let mut content_type: &[u8] = b"";
        let mut cookies = Fields::new();
        for (name, value) in headers {
            self.member(V::RequestHeaders, name, value);
            if name.eq_ignore_ascii_case(b"content-type") && content_type.is_empty() {
                content_type = value;
            } else if name.eq_ignore_ascii_case(b"cookie") {
                body::cookies(value, &mut cookies);
            }
        }
        self.members(V::RequestCookies, &cookies);
        let mut arguments = Fields::new();
        if body::query(query, self.limits.bounds, &mut arguments) {
            self.exceed(Exceeded::Arguments);
        }
        self.members(V::ArgsGet, &arguments);
        self.count(V::ArgsCombinedSize, size(&arguments));
        self.state.processor = processor(content_type);
        self.announce_processor();
    }

    /// What rules are told of the body's reader.
    fn announce_processor(&mut self) {
        self.state.clear(V::ReqbodyProcessor);
        self.one(V::ReqbodyProcessor, self.state.processor.map_or("", Processor::name).as_bytes());
    }

    /// The body of the request, as far as it is looked at; `whole` says whether that is all of it.
    pub fn body(&mut self, content_type: &[u8], bytes: &[u8], whole: bool) {
        self.state.forget();
        if !self.state.body_access[0] {
            return;
        }
        let bytes = &bytes[..bytes.len().min(self.limits.body)];
        if !whole {
            self.exceed(Exceeded::Bytes);
            self.one(V::InboundDataError, b"1");
        }
        self.announce_processor();
        let processor = self.state.processor;
        if !bytes.is_empty() {
            self.count(V::RequestBodyLength, bytes.len());
            // The text itself is there beside what is read of it, where that is text and not markup or files.
            if self.state.whole_body || !matches!(processor, Some(Processor::Multipart | Processor::Xml)) {
                self.one(V::RequestBody, bytes);
            }
        }
        let Some(processor) = processor.filter(|_| !bytes.is_empty()) else {
            self.one(V::ReqbodyError, b"0");
            return;
        };
        let mut bounds = self.limits.bounds;
        bounds.arguments = bounds.arguments.saturating_sub(self.state.members.of(V::ArgsGet).count());
        let parsed = body::read(processor, content_type, bytes, bounds);
        if parsed.exceeded {
            self.exceed(Exceeded::Arguments);
        }
        self.parsed(processor, &parsed, whole);
    }

    fn parsed(&mut self, processor: Processor, parsed: &Parsed, whole: bool) {
        self.members(V::ArgsPost, &parsed.arguments);
        self.members(V::Files, &parsed.files);
        self.members(V::MultipartPartHeaders, &parsed.part_headers);
        let (texts, attributes) = (&parsed.xml_texts, &parsed.xml_attributes);
        for (variable_name, fields) in [(&b"/*"[..], texts), (b"//@*", attributes)] {
            for (_, value) in fields.iter() {
                self.member(V::Xml, variable_name, value);
            }
        }
        for ((name, _), bytes) in parsed.files.iter().zip(&parsed.file_sizes) {
            self.member(V::FilesSizes, name, itoa::Buffer::new().format(*bytes).as_bytes());
        }
        if processor == Processor::Multipart {
            self.count(V::FilesCombinedSize, parsed.file_sizes.iter().sum());
            self.flags(parsed);
        }
        let earlier: usize = self
            .state
            .members
            .of(V::ArgsGet)
            .map(|m| self.texts.bytes(m.name).len() + self.texts.bytes(m.value).len())
            .sum();
        self.state.clear(V::ArgsCombinedSize);
        self.count(V::ArgsCombinedSize, earlier + size(&parsed.arguments));
        // A body that was cut by the limit can't end well.
        let error = parsed.error.filter(|_| whole);
        for (flag, message) in
            [(V::ReqbodyError, V::ReqbodyErrorMsg), (V::ReqbodyProcessorError, V::ReqbodyProcessorErrorMsg)]
        {
            self.one(flag, if error.is_some() { b"1" } else { b"0" });
            if let Some(error) = error {
                self.one(message, error.as_bytes());
            }
        }
    }

    fn flags(&mut self, parsed: &Parsed) {
        let flags = &parsed.multipart;
        for (variable, raised) in [
            (V::MultipartStrictError, flags.strict_error()),
            (V::MultipartBoundaryQuoted, flags.boundary_quoted),
            (V::MultipartBoundaryWhitespace, flags.boundary_whitespace),
            (V::MultipartDataBefore, flags.data_before),
            (V::MultipartDataAfter, flags.data_after),
            (V::MultipartHeaderFolding, flags.header_folding),
            (V::MultipartLfLine, flags.lf_line),
            (V::MultipartCrlfLfLines, flags.crlf_lf_lines),
            (V::MultipartMissingSemicolon, flags.missing_semicolon),
            (V::MultipartInvalidQuoting, flags.invalid_quoting),
            (V::MultipartInvalidPart, flags.invalid_part),
            (V::MultipartInvalidHeaderFolding, flags.invalid_header_folding),
            (V::MultipartFileLimitExceeded, flags.file_limit_exceeded),
        ] {
            self.one(variable, if raised { b"1" } else { b"0" });
        }
        self.count(V::MultipartUnmatchedBoundary, usize::from(flags.unmatched_boundary));
    }

    /// The head of the answer.
    pub fn answer_head<'h>(
        &mut self,
        status: u16,
        protocol: &[u8],
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    ) {
        self.state.forget();
        self.nameless();
        self.count(V::ResponseStatus, usize::from(status));
        self.one(V::ResponseProtocol, protocol);
        self.one(V::StatusLine, &[protocol, itoa::Buffer::new().format(status).as_bytes()].join(&b' '));
        for (name, value) in headers {
            self.member(V::ResponseHeaders, name, value);
            if name.eq_ignore_ascii_case(b"content-type") {
                let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
                self.one(V::ResponseContentType, kind.trim_ascii());
            }
        }
    }

    /// The body of the answer, decoded, as far as it is looked at.
    pub fn answer_body(&mut self, bytes: &[u8], whole: bool) {
        self.state.forget();
        if !self.state.body_access[1] {
            return;
        }
        let bytes = &bytes[..bytes.len().min(self.limits.answer)];
        if !whole {
            self.one(V::OutboundDataError, b"1");
        }
        self.count(V::ResponseContentLength, bytes.len());
        self.one(V::ResponseBody, bytes);
    }
}

fn size(fields: &Fields) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// A target in absolute form without its scheme and authority.
fn origin_form(target: &[u8]) -> &[u8] {
    let scheme = memchr::memmem::find(target, b"://").filter(|at| target[..*at].iter().all(u8::is_ascii_alphabetic));
    let Some(authority) = scheme.filter(|at| *at > 0).map(|at| at + 3) else { return target };
    let rest = &target[authority..];
    rest.iter().position(|byte| matches!(byte, b'/' | b'?')).map_or(b"/", |at| &rest[at..])
}

/// The reader for a body of this type.
fn processor(content_type: &[u8]) -> Option<Processor> {
    let kind = content_type
        .split(|byte| matches!(byte, b';' | b','))
        .next()
        .unwrap_or_default()
        .trim_ascii()
        .to_ascii_lowercase();
    match kind.as_slice() {
        b"application/x-www-form-urlencoded" => Some(Processor::UrlEncoded),
        b"multipart/form-data" => Some(Processor::Multipart),
        kind if kind == b"application/json" || kind.ends_with(b"+json") => Some(Processor::Json),
        kind if kind == b"application/xml" || kind == b"text/xml" || kind.ends_with(b"+xml") => Some(Processor::Xml),
        _ => None,
    }
}
