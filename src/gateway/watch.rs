//! Shows answers of watched routes to the rules of room `scan`: the head as the client gets it, and the beginning of the body as it goes by.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};

use crate::{
    gateway::{body::Body, client::Client, head::Head, plan::Line},
    privacy::{Engine, Finding, Kind, Tally},
    scan::{
        Watch,
        exchange::{Asked, Eye},
        watch::Answer,
    },
};

/// A privacy engine, as rules see by it.
#[derive(Debug)]
pub struct Lens(pub Arc<Engine>);

impl Eye for Lens {
    fn scrub(&self, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        self.0.scrub(text.as_bytes(), &mut out, &mut Tally::default());
        String::from_utf8_lossy(&out).into_owned()
    }

    fn kinds(&self, text: &[u8]) -> Vec<(String, u64)> {
        let mut tally = Tally::default();
        // A mask leaves the form of a value, and stars within it or at its end.
        let is_masked = |finding: &Finding| {
            let end = (finding.end + 3).min(text.len());
            text.get(finding.start..end).is_some_and(|value| value.contains(&b'*'))
        };
        let found = self.0.detector().detect(text);
        let told = found.iter().filter(|finding| finding.kind != Kind::IpAddress && !is_masked(finding));
        told.for_each(|finding| tally.add(&finding.kind));
        tally.iter().map(|(kind, n)| (kind.name().to_owned(), n)).collect()
    }
}

/// What has been asked on a watched route, until its answer is there.
pub struct Asking {
    watch: Arc<Watch>,
    most: usize,
    route: Arc<str>,
    eye: Arc<dyn Eye>,
    asked: Asked,
}

/// Takes down what is asked where somebody will look at the answer.
#[must_use]
pub fn begin(
    watch: Option<&Arc<Watch>>,
    line: &Line,
    client: &Client,
    head: &Head,
    parts: &Parts,
    known: bool,
) -> Option<Box<Asking>> {
    let (route, eye) = line.watched.as_ref()?;
    let watch = watch?;
    let most = watch.has_room()?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let presented = [header::COOKIE, header::AUTHORIZATION].iter().any(|name| parts.headers.contains_key(name));
    let certified = client.handshake.as_ref().is_some_and(|handshake| handshake.client_certificate.is_some());
    let asked = Asked {
        method: parts.method.clone(),
        host: text(&head.host),
        target: head.target.as_str().to_owned(),
        origin: parts.headers.get(header::ORIGIN).map(text),
        anonymous: !known && !presented && !certified,
        secure: client.secure,
    };
    Some(Box::new(Asking { watch: Arc::clone(watch), most, route: Arc::clone(route), eye: Arc::clone(eye), asked }))
}

impl Asking {
    /// Looks at the answer as it goes by. Not at the other side of a tunnel, which is no answer.
    pub fn see(self: Box<Self>, answer: &mut Response<Body>) {
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return;
        }
        let tap =
            Tap { status: answer.status(), headers: answer.headers().clone(), body: Vec::new(), asking: Some(self) };
        answer.body_mut().tap(Box::new(tap));
    }
}

/// Keeps the beginning of a body until its end, and hands it over then, however it ends.
pub struct Tap {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    asking: Option<Box<Asking>>,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

impl Tap {
    /// Some of the body goes by.
    pub fn pass(&mut self, data: &[u8]) {
        let most = self.asking.as_ref().map_or(0, |asking| asking.most);
        let room = most.saturating_sub(self.body.len());
        self.body.extend_from_slice(&data[..data.len().min(room)]);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let Some(asking) = self.asking.take() else { return };
        let Asking { watch, route, eye, asked, .. } = *asking;
        let (headers, body) = (std::mem::take(&mut self.headers), std::mem::take(&mut self.body));
        watch.show(Answer { route, asked, status: self.status, headers, body, eye });
    }
}
