//! The request that a block of fields is (RFC 9113, section 8.3).

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header,
    request::Parts,
    uri::{self, Authority, PathAndQuery, Scheme},
};
use hyper::ext::Protocol;

use crate::{
    common::{
        hpack::{Decoder, Malformed, Name, Pseudo},
        impersonal::is_impersonal,
    },
    gateway::refusal::Kind,
    server::framing,
};

/// A request without its body.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) parts: Box<Parts>,
    /// How long its body is, where that is said.
    pub(super) length: Option<u64>,
    /// Whether the client waits to be told that it may send that.
    pub(super) expects: bool,
}

/// Reads the blocks of a connection.
#[derive(Debug)]
pub(super) struct Reader {
    decoder: Decoder,
    /// Most bytes of a head, as RFC 9113, section 6.5.2, counts them.
    most: usize,
    /// Most fields.
    count: usize,
    /// The fields of the block before, behind its control data.
    before: Vec<u8>,
    known: Option<Known>,
    authority: Option<(Bytes, Authority)>,
}

/// Fields that came twice in a row. Where the same bytes come again, and nothing else is remembered meanwhile, they are the same.
#[derive(Debug)]
struct Known {
    version: u64,
    fields: Fields,
}

#[derive(Debug, Clone, Default)]
struct Fields {
    headers: HeaderMap,
    length: Option<u64>,
    expects: bool,
    size: usize,
}

#[derive(Debug, Default)]
struct Control {
    method: Option<Bytes>,
    scheme: Option<Bytes>,
    authority: Option<Bytes>,
    path: Option<Bytes>,
    protocol: Option<Bytes>,
}

impl Reader {
    /// Of a connection that begins, whose heads have `most` bytes and `count` fields at most.
    pub(super) fn new(most: usize, count: usize) -> Self {
        Self { decoder: Decoder::default(), most, count, before: Vec::new(), known: None, authority: None }
    }

    /// Gives back what can be had again.
    pub(super) fn sleep(&mut self) {
        self.before = Vec::new();
        self.known = None;
        self.authority = None;
    }

    /// The request that `block` is, or why that is refused.
    ///
    /// # Errors
    /// When nothing can be read on the connection any more.
    pub(super) fn request(&mut self, block: &Bytes) -> Result<Result<Head, Kind>, Malformed> {
        Ok(self.read(block)?.and_then(|(control, fields)| self.head(control, fields)))
    }

    /// The fields behind a body, or why they are refused.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub(super) fn trailers(&mut self, block: &Bytes) -> Result<Result<HeaderMap, Kind>, Malformed> {
        Ok(self.read(block)?.and_then(|(control, fields)| {
            if control.is_empty() { Ok(fields.headers) } else { Err(Kind::Framing("a pseudo-header in the trailers")) }
        }))
    }

    /// Whatever is refused, the block is read to its end: the next ones follow from it.
    fn read(&mut self, block: &Bytes) -> Result<Result<(Control, Fields), Kind>, Malformed> {
        let mut rest = self.decoder.begin(block)?;
        let (mut control, mut fields, mut begun) = (Control::default(), Fields::default(), None);
        let (mut refused, mut is_private) = (None, false);
        while !rest.is_empty() {
            if begun.is_none()
                && rest == self.before
                && let Some(known) = &self.known
                && known.version == self.decoder.version()
            {
                fields.again(&known.fields);
                break;
            }
            let (version, at) = (self.decoder.version(), rest);
            let field = self.decoder.next(block, &mut rest)?;
            if refused.is_some() {
                continue;
            }
            fields.size += field.size();
            let kept = match field.name {
                _ if fields.size > self.most || fields.headers.len() >= self.count => Err(Kind::HeadersTooLarge),
                Name::Pseudo(_) if begun.is_some() => Err(Kind::Framing("a pseudo-header behind the fields")),
                Name::Pseudo(pseudo) => control.keep(pseudo, field.value),
                Name::Field(name) => {
                    begun.get_or_insert((version, at));
                    is_private |= field.is_sensitive || (!field.is_remembered && !is_impersonal(&name));
                    fields.keep(name, field.value, field.is_sensitive)
                }
                Name::Bad(_) => Err(Kind::Framing("a header name is not a token in lower case")),
            };
            refused = kept.err();
        }
        if let Some(kind) = refused {
            return Ok(Err(kind));
        }
        if fields.size > self.most {
            return Ok(Err(Kind::HeadersTooLarge));
        }
        if let Some((version, section)) = begun {
            if is_private {
                // What the client did not want remembered, we do not.
                self.before.clear();
                self.known = None;
            } else {
                self.learn(version, section, &fields);
            }
        }
        Ok(Ok((control, fields)))
    }

    /// `section` was read as `fields`.
    fn learn(&mut self, version: u64, section: &[u8], fields: &Fields) {
        self.known = None;
        if self.before != section {
            self.before.clear();
            self.before.extend_from_slice(section);
        } else if version == self.decoder.version() {
            let mut fields = fields.clone();
            for value in fields.headers.values_mut() {
                // What is kept does not hold all that came with it.
                if let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) {
                    copy.set_sensitive(value.is_sensitive());
                    *value = copy;
                }
            }
            fields.size = fields.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
            self.known = Some(Known { version, fields });
        }
    }

    fn head(&mut self, control: Control, fields: Fields) -> Result<Head, Kind> {
        let (mut parts, ()) = Request::new(()).into_parts();
        let method = control.method.as_deref().ok_or(Kind::Framing("no :method"))?;
        parts.method = Method::from_bytes(method).map_err(|_| Kind::Framing("the method is not a token"))?;
        parts.version = Version::HTTP_2;
        let authority = control.authority.as_ref().map(|text| self.authority(text)).transpose()?;
        if let Some(protocol) = &control.protocol {
            let protocol = std::str::from_utf8(protocol).map_err(|_| Kind::Framing("a malformed :protocol"))?;
            if parts.method != Method::CONNECT {
                return Err(Kind::Framing(":protocol without CONNECT"));
            }
            parts.extensions.insert(Protocol::from(protocol));
        }
        let is_plain_connect = parts.method == Method::CONNECT && control.protocol.is_none();
        parts.uri = if is_plain_connect {
            if control.scheme.is_some() || control.path.is_some() {
                return Err(Kind::Framing("CONNECT with a :scheme or a :path"));
            }
            authority.map(Uri::from).ok_or(Kind::Framing("CONNECT without an :authority"))?
        } else {
            uri(control.scheme.as_deref(), authority, control.path)?
        };
        parts.headers = fields.headers;
        Ok(Head { parts: Box::new(parts), length: fields.length, expects: fields.expects })
    }

    /// Most requests of a connection have the same.
    fn authority(&mut self, text: &Bytes) -> Result<Authority, Kind> {
        match &self.authority {
            Some((known, authority)) if known == text => Ok(authority.clone()),
            _ => {
                let copy = Bytes::copy_from_slice(text);
                let authority = Authority::from_maybe_shared(copy.clone());
                let authority = authority.map_err(|_| Kind::Host("a malformed authority"))?;
                self.authority = Some((copy, authority.clone()));
                Ok(authority)
            }
        }
    }
}

fn uri(scheme: Option<&[u8]>, authority: Option<Authority>, path: Option<Bytes>) -> Result<Uri, Kind> {
    const BAD: Kind = Kind::Framing("the request target holds a byte that it must not");
    let scheme = match scheme {
        Some(b"https") => Scheme::HTTPS,
        Some(b"http") => Scheme::HTTP,
        Some(_) => return Err(Kind::Framing("a :scheme other than http and https")),
        None => return Err(Kind::Framing("no :scheme")),
    };
    let path = path.ok_or(Kind::Framing("no :path"))?;
    if !path.starts_with(b"/") && path != "*" {
        return Err(Kind::Framing("the request target is in no form that is served"));
    }
    framing::check_target(&path)?;
    let mut parts = uri::Parts::default();
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(path).map_err(|_| BAD)?);
    // Of a URI with a scheme the authority is a part.
    parts.scheme = authority.is_some().then_some(scheme);
    parts.authority = authority;
    Uri::from_parts(parts).map_err(|_| BAD)
}

impl Control {
    fn is_empty(&self) -> bool {
        [&self.method, &self.scheme, &self.authority, &self.path, &self.protocol].iter().all(|datum| datum.is_none())
    }

    fn keep(&mut self, pseudo: Pseudo, value: Bytes) -> Result<(), Kind> {
        let place = match pseudo {
            Pseudo::Authority => &mut self.authority,
            Pseudo::Method => &mut self.method,
            Pseudo::Path => &mut self.path,
            Pseudo::Protocol => &mut self.protocol,
            Pseudo::Scheme => &mut self.scheme,
            Pseudo::Status => return Err(Kind::Framing("a :status in a request")),
        };
        if place.replace(value).is_some() { Err(Kind::Framing("a pseudo-header twice")) } else { Ok(()) }
    }
}

impl Fields {
    fn again(&mut self, known: &Self) {
        let size = self.size + known.size;
        *self = Self { size, ..known.clone() };
    }

    fn keep(&mut self, name: HeaderName, value: Bytes, is_sensitive: bool) -> Result<(), Kind> {
        const BLANKS: [Option<&u8>; 2] = [Some(&b' '), Some(&b'\t')];
        if BLANKS.contains(&value.first()) || BLANKS.contains(&value.last()) {
            return Err(Kind::Framing("blanks around a value"));
        }
        match name {
            header::CONTENT_LENGTH if self.length.replace(framing::number(&value)?).is_some() => {
                return Err(Kind::Framing("more than one Content-Length"));
            }
            header::EXPECT => self.expects |= value.eq_ignore_ascii_case(b"100-continue"),
            header::TE if value != "trailers" => return Err(Kind::Framing("a TE other than trailers")),
            header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE => {
                return Err(Kind::Framing("a field about the connection"));
            }
            _ if ["keep-alive", "proxy-connection"].contains(&name.as_str()) => {
                return Err(Kind::Framing("a field about the connection"));
            }
            _ => {}
        }
        let value = HeaderValue::from_maybe_shared(value);
        let mut value = value.map_err(|_| Kind::Framing("a control byte in the head"))?;
        value.set_sensitive(is_sensitive);
        self.headers.try_append(name, value).map_err(|_| Kind::HeadersTooLarge)?;
        Ok(())
    }
}
