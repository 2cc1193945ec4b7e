//! Masked routes: what is asked of the application so that its answer can be read, and what becomes of the answer.
//!
//! The application is asked for a whole answer in a coding that can be undone: no ranges, no other codings. What it sends is rewritten
//! as it comes ([`body`]), or refused where it can't be read. Entity tags carry the mask's id (`tags`), so that no cache and no
//! condition takes what was made under one mask for what is made under another. After an upgrade the messages are rewritten
//! ([`tunnel`]).

pub mod body;
mod tags;
pub mod tunnel;

use std::{borrow::Cow, rc::Rc, sync::Arc};

use encoding_rs::Encoding;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body::Body as _;

use self::body::{Masked, Pipeline};
use crate::{
    format::{Media, charset, coding::Coding},
    gateway::{
        body::Body,
        canary::Planting,
        refusal::{Kind, Refusal},
        upload::Upload,
        witness::Witness,
    },
    observe::{
        map::Place,
        metrics::{Labelled, Shard},
    },
    privacy::mask::{Found, Mask, Rewriter, settings::Uninspectable},
};

/// The mask of one route on one worker.
#[derive(Debug, Clone)]
pub struct Masking {
    /// What is masked.
    pub mask: Arc<Mask>,
    /// What becomes of what can't be read.
    pub uninspectable: Uninspectable,
    /// Where what was found is counted, and under which route.
    pub ledger: Ledger,
    /// Who is asked about records and told of what is seen, where that is written down or decided by consent.
    pub witness: Option<Witness>,
}

/// Where what was found is counted.
#[derive(Debug, Clone)]
pub struct Ledger {
    route: Rc<str>,
    shard: Shard,
}

impl Ledger {
    /// Counts of a route on a worker.
    #[must_use]
    pub fn new(route: &str, shard: &Shard) -> Self {
        Self { route: route.into(), shard: Shard::clone(shard) }
    }

    /// Counts what was found, for the request at hand too.
    fn record(&self, place: Place, found: &Found, upload: &Upload) {
        for row in found.rows().iter().filter(|_| !upload.probe.get()) {
            for (kind, n) in row.both().iter() {
                self.shard.map.record(&self.route, place, &row.field, kind, n);
            }
        }
        let masked = found.masked();
        let mut all = upload.found.borrow_mut();
        all.merge(&masked);
        all.merge(&found.shown());
        for (kind, n) in masked.iter().filter(|_| !upload.probe.get()) {
            self.shard.count_many(Labelled::Redactions, &[&self.route, kind.name(), place.name()], n);
        }
    }

    /// Counts an answer that could not be read.
    fn uninspectable(&self, outcome: &'static str) {
        self.shard.count(Labelled::Uninspectable, &[&self.route, outcome]);
    }
}

/// How an answer is to be read.
struct How {
    coding: Option<Coding>,
    media: Option<Media>,
    encoding: Option<&'static Encoding>,
}

/// Headers that speak of bytes which the client does not get.
const STALE: [HeaderName; 2] = [header::CONTENT_LENGTH, header::ACCEPT_RANGES];
const STALE_TOO: [&str; 8] = [
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
    "expires",
    "surrogate-control",
    "cdn-cache-control",
    "signature",
];
/// Headers of a request that would bring another answer than a whole one.
const UNASKED: [&str; 7] =
    ["range", "if-range", "if-modified-since", "a-im", "want-digest", "want-content-digest", "want-repr-digest"];

impl Masking {
    /// Asks for an answer that can be read.
    pub fn ask(&self, parts: &mut Parts, upgrading: bool) {
        let headers = &mut parts.headers;
        for name in UNASKED {
            headers.remove(name);
        }
        tags::inward(headers, &self.tag());
        if self.witness.is_some() {
            // Consent changes, and another look is another disclosure.
            headers.remove(header::IF_NONE_MATCH);
        }
        if upgrading {
            // Compressed messages could not be read.
            headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
        }
        limit_codings(headers);
    }

    /// Makes the application's answer what the client may see. What is `sealed` afterwards comes without its coding.
    ///
    /// # Errors
    /// When it is a part of something, or can't be read and must not pass.
    pub async fn answer(
        &self,
        mut answer: Response<Body>,
        head_only: bool,
        sealed: bool,
    ) -> Result<Response<Body>, Refusal> {
        let status = answer.status();
        if status == StatusCode::PARTIAL_CONTENT || status == StatusCode::IM_USED {
            return Err(Kind::BadGateway.into());
        }
        tags::outward(answer.headers_mut(), &self.tag());
        if status == StatusCode::NOT_MODIFIED {
            keep_private(answer.headers_mut());
            return Ok(answer);
        }
        if answer.body().is_end_stream() && !head_only {
            return Ok(answer);
        }
        let how = match judge(answer.headers()) {
            Ok(how) => how,
            Err(why) if self.uninspectable == Uninspectable::Refuse => return Err(self.refuse(why)),
            Err(_) => {
                self.ledger.uninspectable("passed");
                self.witness.iter().for_each(Witness::unreadable);
                return if sealed { self.uncoded(answer) } else { Ok(answer) };
            }
        };
        keep_private(answer.headers_mut());
        if sealed {
            answer.headers_mut().remove(header::CONTENT_ENCODING);
        }
        if head_only {
            return Ok(answer);
        }
        let unlabelled = how.media.is_none();
        let (parts, body) = answer.into_parts();
        let rewriter = Rewriter::new(
            &self.mask,
            how.media,
            how.encoding,
            self.uninspectable,
            self.witness.as_ref().map(Witness::judge),
        )
        .planting(self.planting().filter(|_| status == StatusCode::OK).and_then(Planting::planted));
        let pipeline = Pipeline::new(how.coding, !sealed, Some(rewriter), self.ledger.clone());
        let mut masked = match body.into_answer() {
            Ok(answer) => Masked::new(answer, pipeline),
            Err(body) => return Ok(Response::from_parts(parts, body)),
        };
        if unlabelled {
            // What it is shows in its first bytes, and decides whether there is an answer.
            masked.prime().await?;
        }
        Ok(Response::from_parts(parts, Body::masked(masked)))
    }

    fn planting(&self) -> Option<&Planting> {
        self.witness.as_ref().and_then(Witness::canary)
    }

    /// What entity tags end in: whatever decides what is shown is in it.
    fn tag(&self) -> Cow<'_, str> {
        let id = self.mask.id();
        self.planting().map_or(Cow::Borrowed(id), |planting| format!("{id}{}", planting.tag()).into())
    }

    /// What can't be read, as it is but for its coding.
    fn uncoded(&self, mut answer: Response<Body>) -> Result<Response<Body>, Refusal> {
        let Some(coding) = coding(answer.headers()).map_err(|why| self.refuse(why))? else { return Ok(answer) };
        answer.headers_mut().remove(header::CONTENT_ENCODING);
        let pipeline = Pipeline::new(Some(coding), false, None, self.ledger.clone());
        Ok(answer.map(|body| match body.into_answer() {
            Ok(answer) => Body::masked(Masked::new(answer, pipeline)),
            Err(body) => body,
        }))
    }

    fn refuse(&self, why: &'static str) -> Refusal {
        self.ledger.uninspectable("refused");
        Refusal::caused_by(Kind::Uninspectable, why)
    }
}

/// The one value of a header.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| "a header that is no text"),
        _ => Err("a header that is given twice"),
    }
}

fn coding(headers: &HeaderMap) -> Result<Option<Coding>, &'static str> {
    match only(headers, header::CONTENT_ENCODING)?.map(str::trim) {
        None | Some("") => Ok(None),
        Some(name) if name.eq_ignore_ascii_case("identity") => Ok(None),
        Some(name) => Coding::of(name).map(Some).ok_or("a content coding that is not known"),
    }
}

/// How an answer with these headers is to be read; why it can't be, otherwise.
fn judge(headers: &HeaderMap) -> Result<How, &'static str> {
    let coding = coding(headers)?;
    let Some(label) = only(headers, header::CONTENT_TYPE)?.filter(|label| !label.trim().is_empty()) else {
        return Ok(How { coding, media: None, encoding: None });
    };
    let media = Media::of(label).ok_or("a media type that is not read")?;
    let encoding = match charset::of(label) {
        None => None,
        Some(None) => return Err("a character encoding that is not known"),
        Some(known) => known,
    };
    Ok(How { coding, media: Some(media), encoding })
}

/// Keeps a masked answer out of caches, and takes away what is not true of it.
pub(super) fn keep_private(headers: &mut HeaderMap) {
    for name in STALE {
        headers.remove(name);
    }
    for name in STALE_TOO {
        headers.remove(name);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
}

/// Leaves of `Accept-Encoding` what can be undone.
pub(super) fn limit_codings(headers: &mut HeaderMap) {
    if !headers.contains_key(header::ACCEPT_ENCODING) {
        return;
    }
    let known = |item: &&str| {
        let name = item.split(';').next().unwrap_or_default().trim();
        Coding::of(name).is_some() || name.eq_ignore_ascii_case("identity")
    };
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let kept: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).filter(known).collect();
    let kept = if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") };
    // Made of what was a header's value.
    let kept = HeaderValue::from_str(&kept).unwrap_or(HeaderValue::from_static("identity"));
    headers.insert(header::ACCEPT_ENCODING, kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_codings_that_can_be_undone_are_asked_for() {
        for (asked, kept) in [
            ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
            ("gzip;q=0.5, dcb, *;q=0.1, identity;q=0", "gzip;q=0.5, identity;q=0"),
            ("compress", "identity"),
        ] {
            let mut map = headers(&[("accept-encoding", asked)]);
            limit_codings(&mut map);
            assert_eq!(map[header::ACCEPT_ENCODING], kept);
        }
    }

    #[test]
    fn labels_decide_what_can_be_read() {
        assert!(judge(&headers(&[("content-type", "application/json"), ("content-encoding", "gzip")])).is_ok());
        assert!(judge(&headers(&[("content-type", "application/json"), ("content-encoding", "gzip, br")])).is_err());
        assert!(judge(&headers(&[("content-type", "text/html; charset=x-unknown")])).is_err());
        assert!(judge(&headers(&[("content-type", "application/grpc")])).is_err());
        assert!(judge(&headers(&[])).is_ok_and(|how| how.media.is_none()));
    }
}
