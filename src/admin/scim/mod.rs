//! SCIM 2.0 (RFC 7643, RFC 7644): an identity provider says who is here, and who is not any more.
//!
//! `/Users` alone, with a bearer token that names the provider. What it says is an order to the registry in the provider's own name: a resource
//! is a person of its issuer that it has an entry for. `resource` is what a person looks like, `patch` how one is changed, `query` how
//! people are looked for, `people` what all that means to the registry, `discovery` what a client may ask of us. `docs/SCIM.md` is for
//! whoever sets it up. No name of anybody is in a log, a metric or an error.

mod discovery;
mod error;
mod patch;
mod people;
mod query;
mod resource;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, uri::Authority};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use serde_json::{Map, Value, json};
use tokio::{sync::Mutex, time::timeout};

use self::{
    error::Error,
    people::People,
    query::Query,
    resource::{Said, User},
};
use super::settings::{Directory, bearer};
use crate::{access::subject::Subjects, registry::Registry};

/// Below which path it is.
const BASE: &str = "/scim/v2";
/// Most bytes of a request's body.
const LONGEST: usize = 64 << 10;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How requests have ended, in the order of the counters.
pub const OUTCOMES: [&str; 3] = ["done", "refused", "unauthorized"];

/// SCIM, for as long as the process lives.
pub struct Scim {
    /// The registry, and who names resources; nothing where the gateway has no registry.
    office: Option<(Arc<Registry>, Subjects)>,
    directories: ArcSwap<Vec<Directory>>,
    /// One changes somebody at a time: what is decided rests on what was read.
    changing: Mutex<()>,
    counts: [AtomicU64; OUTCOMES.len()],
}

impl fmt::Debug for Scim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scim")
    }
}

impl Scim {
    /// Over a registry, where there is one, for these directories.
    #[must_use]
    pub fn new(office: Option<(Arc<Registry>, Subjects)>, directories: Vec<Directory>) -> Self {
        let directories = ArcSwap::from_pointee(directories);
        Self { office, directories, changing: Mutex::default(), counts: Default::default() }
    }

    /// Takes other directories.
    pub fn apply(&self, directories: Vec<Directory>) {
        self.directories.store(Arc::new(directories));
    }

    /// How many requests have ended so, by [`OUTCOMES`].
    #[must_use]
    pub fn counts(&self) -> [u64; OUTCOMES.len()] {
        self.counts.each_ref().map(|count| count.load(Relaxed))
    }

    /// Answers a request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let is_head = request.method() == Method::HEAD;
        let outcome = self.serve(request).await;
        let count = match &outcome {
            Ok(_) => 0,
            Err(Error::Unauthorized) => 2,
            Err(_) => 1,
        };
        self.counts[count].fetch_add(1, Relaxed);
        let answer = outcome.unwrap_or_else(Error::answer);
        if is_head { answer.map(|_| Full::default()) } else { answer }
    }

    async fn serve<B>(&self, request: Request<B>) -> Result<Response<Full<Bytes>>, Error>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let directories = self.directories.load();
        // Before anything else: who has no token learns nothing.
        let directory = authorized(&directories, &parts.headers).ok_or(Error::Unauthorized)?;
        let path = parts.uri.path().strip_prefix(BASE).ok_or(Error::NotFound)?;
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let base = base(&parts.headers, parts.uri.authority())?;
        let is_get = matches!(parts.method, Method::GET | Method::HEAD);
        match segments.as_slice() {
            ["Users", rest @ ..] => {
                let (registry, subjects) = self.office.as_ref().ok_or(Error::NoRegistry)?;
                if !registry.state().is_founded() {
                    return Err(Error::NotFounded);
                }
                let people = People { registry, subjects, directory };
                let call = Call { people, base: &base, method: &parts.method };
                match rest {
                    [] if is_get => Ok(call.list(&Query::of_uri(parts.uri.query().unwrap_or_default())?)),
                    [] if parts.method == Method::POST => self.create(&call, &object(body).await?).await,
                    [] => Err(Error::Method("GET, POST")),
                    [".search"] if parts.method == Method::POST => {
                        Ok(call.list(&Query::of_body(&object(body).await?)?))
                    }
                    [".search"] => Err(Error::Method("POST")),
                    [id] if is_get => call.show(id, &Query::of_uri(parts.uri.query().unwrap_or_default())?),
                    [id] => self.change(&call, id, body).await,
                    _ => Err(Error::NotFound),
                }
            }
            ["Groups" | "Me" | "Bulk" | ".search", ..] => Err(Error::Unsupported),
            ["ServiceProviderConfig" | "ResourceTypes" | "Schemas", ..] if !is_get => Err(Error::Method("GET")),
            asked => discovery::find(asked, directory.subject, &base)
                .map(|found| respond(StatusCode::OK, &found))
                .ok_or(Error::NotFound),
        }
    }

    async fn create(&self, call: &Call<'_>, object: &Map<String, Value>) -> Result<Response<Full<Bytes>>, Error> {
        let said = Said::read(object)?;
        let _one = self.changing.lock().await;
        let user = call.people.create(said).await?;
        Ok(call.answer(StatusCode::CREATED, &user))
    }

    async fn change<B>(&self, call: &Call<'_>, id: &str, body: B) -> Result<Response<Full<Bytes>>, Error>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match *call.method {
            Method::PUT => {
                let said = Said::read(&object(body).await?)?;
                let _one = self.changing.lock().await;
                let before = call.people.find(id)?;
                let user = call.people.replace(&before, said).await?;
                Ok(call.answer(StatusCode::OK, &user))
            }
            Method::PATCH => {
                let object = object(body).await?;
                let _one = self.changing.lock().await;
                let before = call.people.find(id)?;
                let said = patch::apply(Said::of(&before), &object, call.people.directory.subject)?;
                let user = call.people.replace(&before, said).await?;
                Ok(call.answer(StatusCode::OK, &user))
            }
            Method::DELETE => {
                let _one = self.changing.lock().await;
                let before = call.people.find(id)?;
                call.people.forget(&before).await?;
                let mut gone = Response::new(Full::default());
                *gone.status_mut() = StatusCode::NO_CONTENT;
                Ok(gone)
            }
            _ => Err(Error::Method("GET, PUT, PATCH, DELETE")),
        }
    }
}

/// A request about people.
struct Call<'a> {
    people: People<'a>,
    base: &'a str,
    method: &'a Method,
}

impl Call<'_> {
    fn object(&self, user: &User) -> Value {
        user.object(&self.people.id(&user.person), self.base)
    }

    fn answer(&self, status: StatusCode, user: &User) -> Response<Full<Bytes>> {
        let object = self.object(user);
        let mut answer = respond(status, &object);
        let location = object["meta"]["location"].as_str().and_then(|location| HeaderValue::from_str(location).ok());
        if let Some(location) = location {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        answer
    }

    fn show(&self, id: &str, query: &Query) -> Result<Response<Full<Bytes>>, Error> {
        let user = self.people.find(id)?;
        Ok(respond(StatusCode::OK, &query.shape(self.object(&user))))
    }

    fn list(&self, query: &Query) -> Response<Full<Bytes>> {
        let fits =
            |user: &User| query.filter.as_ref().is_none_or(|filter| filter.fits(user, || self.people.id(&user.person)));
        let found: Vec<User> = self.people.all().into_iter().filter(fits).collect();
        let page = found.iter().skip(query.start - 1).take(query.count);
        let page: Vec<Value> = page.map(|user| query.shape(self.object(user))).collect();
        respond(
            StatusCode::OK,
            &json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": found.len(),
                "startIndex": query.start, "itemsPerPage": page.len(), "Resources": page,
            }),
        )
    }
}

/// The directory whose token the request brings.
fn authorized<'d>(directories: &'d [Directory], headers: &HeaderMap) -> Option<&'d Directory> {
    let token = bearer(headers)?;
    directories.iter().find(|directory| directory.tokens.iter().any(|known| known.is(token)))
}

/// Where clients find us, as they have said themselves.
fn base(headers: &HeaderMap, target: Option<&Authority>) -> Result<String, Error> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = target.map(Authority::as_str).or(host).and_then(|host| host.parse::<Authority>().ok());
    let host = host.filter(|host| !host.as_str().contains('@')).ok_or(Error::Syntax("the `Host` is none"))?;
    Ok(format!("https://{host}{BASE}"))
}

/// A request's body, which has to be a JSON object; its media type does not matter.
async fn object<B>(body: B) -> Result<Map<String, Value>, Error>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let read = timeout(PATIENCE, Limited::new(body, LONGEST).collect()).await.map_err(|_| Error::Slow)?;
    let bytes = read
        .map_err(|error| if error.is::<http_body_util::LengthLimitError>() { Error::TooLarge } else { Error::Slow })?;
    match serde_json::from_slice(&bytes.to_bytes()) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Error::Syntax("the body is no JSON object")),
    }
}

fn respond(status: StatusCode, object: &Value) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(object.to_string()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
