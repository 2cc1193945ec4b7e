//! Pages of the site, a few of them, and what its server says to methods, origins and markup in parameters.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};

use super::{
    Probe,
    budget::Spent,
    client::{Answer, Error},
    link,
    target::Target,
};
use crate::scan::{finding::Seen, page::Page, rules::site as rule};

/// A page that was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// Path and query.
    pub target: String,
    /// Its tags.
    pub page: Page,
}

/// A site that is nobody's.
const ORIGIN: &str = "https://privet-scan.invalid";
/// Markup that does nothing.
const MARKUP: &str = "pv7q\"'><i>";
/// The same in a query.
const ENCODED: &str = "pv7q%22%27%3E%3Ci%3E";
/// Most parameters that are tried.
const PARAMETERS: usize = 10;

/// Fetches up to `most` pages, from the first one on by their links; the passive rules look at each.
///
/// # Errors
/// When nothing more may be asked.
pub async fn pages(probe: &Probe<'_>, most: usize) -> Result<Vec<Fetched>, Spent> {
    let mut waiting = VecDeque::from([probe.target.path.clone()]);
    let mut known = BTreeSet::from([link::shape(&probe.target.path)]);
    let mut fetched = Vec::new();
    let mut refused = 0;
    while let Some(target) = waiting.pop_front().filter(|_| fetched.len() < most) {
        let answer = match probe.look(&target, None).await {
            Ok(answer) => answer,
            Err(Error::Spent(spent)) => return Err(spent),
            Err(error) => {
                let place = probe.target.place(&target);
                probe.note(format!("{place} could not be fetched: {error}"));
                refused += 1;
                if refused >= 3 {
                    break;
                }
                continue;
            }
        };
        let page = Page::read(&answer.body);
        for next in links(probe.target, &answer, &page) {
            if link::is_harmless(&next) && known.insert(link::shape(&next)) {
                waiting.push_back(next);
            }
        }
        fetched.push(Fetched { target, page });
    }
    if !waiting.is_empty() {
        probe.note(format!("{} more pages were not fetched (--pages)", waiting.len()));
    }
    Ok(fetched)
}

fn links(target: &Target, answer: &Answer, page: &Page) -> Vec<String> {
    let from = &answer.asked.target;
    let location = answer.header(header::LOCATION);
    let mut found: Vec<String> = link::resolve(target, from, location).into_iter().collect();
    for tag in &page.tags {
        let url = match tag.name {
            "a" | "iframe" | "frame" => tag.attribute("href").or_else(|| tag.attribute("src")),
            "script" => tag.attribute("src"),
            // A form's page, which is not its sending.
            "form" if !tag.is("method", "post") => tag.attribute("action"),
            _ => None,
        };
        found.extend(url.and_then(|url| link::resolve(target, from, url)));
    }
    found
}

/// Whether the site is served in cleartext beside TLS.
///
/// # Errors
/// When nothing more may be asked.
pub async fn cleartext(probe: &Probe<'_>, cleartext: Option<&Target>) -> Result<(), Spent> {
    let Some(cleartext) = cleartext else {
        if probe.target.secure {
            probe.note("whether cleartext leads to TLS was not looked at: say where it is (--http HOST:PORT)");
        }
        return Ok(());
    };
    let Ok(request) = Request::get("/").body(Bytes::new()) else { return Ok(()) };
    match probe.ask(cleartext, request).await {
        Ok(answer) => {
            let location = answer.header(header::LOCATION).to_ascii_lowercase();
            let leads = answer.status.is_redirection() && location.starts_with("https://");
            // What is refused is not served.
            if !leads && !answer.status.is_client_error() {
                let seen = Seen::sample(format!("{} in cleartext", answer.status.as_u16()));
                probe.found(&rule::NO_REDIRECT, &cleartext.place("/"), &seen);
            }
        }
        Err(Error::Spent(spent)) => return Err(spent),
        // Nothing listens there, which is as good.
        Err(_) => {}
    }
    Ok(())
}

/// TRACE, and what OPTIONS offers.
///
/// # Errors
/// When nothing more may be asked.
pub async fn methods(probe: &Probe<'_>) -> Result<(), Spent> {
    let mark = format!("{:016x}", fastrand::u64(..));
    let request = Request::builder().method(Method::TRACE).uri("/").header("x-privet-scan", &mark).body(Bytes::new());
    if let Ok(request) = request
        && let Some(answer) = answered(probe, request).await?
        && answer.status.is_success()
        && String::from_utf8_lossy(&answer.body).contains(&mark)
    {
        probe.found_here(&rule::TRACE, &Seen::sample("the request's own header came back"));
    }
    let Ok(request) = Request::builder().method(Method::OPTIONS).uri("/").body(Bytes::new()) else { return Ok(()) };
    if let Some(answer) = answered(probe, request).await? {
        let offered = answer.header(header::ALLOW).to_ascii_uppercase();
        for method in offered.split(',').map(str::trim).filter(|m| ["PUT", "DELETE", "CONNECT", "TRACE"].contains(m)) {
            probe.found_here(&rule::METHODS, &Seen::new(method, format!("Allow: {offered}")));
        }
    }
    Ok(())
}

async fn answered(probe: &Probe<'_>, request: Request<Bytes>) -> Result<Option<Answer>, Spent> {
    match probe.ask(probe.target, request).await {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Spent(spent)) => Err(spent),
        Err(_) => Ok(None),
    }
}

/// Whether pages of another site may read answers.
///
/// # Errors
/// When nothing more may be asked.
pub async fn origins(probe: &Probe<'_>, pages: &[Fetched]) -> Result<(), Spent> {
    for page in pages.iter().take(3) {
        if let Err(Error::Spent(spent)) = probe.look(&page.target, Some(ORIGIN)).await {
            return Err(spent);
        }
    }
    Ok(())
}

/// Whether parameters come back as markup: those of links, and of forms that are sent by GET.
///
/// # Errors
/// When nothing more may be asked.
pub async fn reflections(probe: &Probe<'_>, pages: &[Fetched]) -> Result<(), Spent> {
    let mut tried = BTreeSet::new();
    for target in pages.iter().flat_map(|page| candidates(probe.target, page)) {
        let Some((path, query)) = target.split_once('?') else { continue };
        let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if tried.len() >= PARAMETERS || !tried.insert((path.to_owned(), (*name).to_owned())) {
                continue;
            }
            let marked = |(n, (name, value)): (usize, &(&str, &str))| {
                format!("{name}={}", if n == at { ENCODED } else { value })
            };
            let query: Vec<String> = pairs.iter().enumerate().map(marked).collect();
            if let Err(Error::Spent(spent)) = probe.look(&format!("{path}?{}", query.join("&")), None).await {
                return Err(spent);
            }
        }
    }
    debug_assert_eq!(crate::scan::exchange::decoded(ENCODED), MARKUP);
    Ok(())
}

fn candidates(site: &Target, fetched: &Fetched) -> Vec<String> {
    let mut found = vec![fetched.target.clone()];
    let mut form: Option<(String, Vec<String>)> = None;
    for tag in &fetched.page.tags {
        match tag.name {
            "form" => {
                found.extend(form.take().map(sent));
                let action = tag.attribute("action").unwrap_or_default();
                let action = if action.is_empty() {
                    Some(fetched.target.clone())
                } else {
                    link::resolve(site, &fetched.target, action)
                };
                form = action.filter(|_| !tag.is("method", "post")).map(|action| (action, Vec::new()));
            }
            "input" => {
                if let (Some((_, names)), Some(name)) = (&mut form, tag.attribute("name"))
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
                {
                    names.push(format!("{name}=1"));
                }
            }
            _ => {}
        }
    }
    found.extend(form.map(sent));
    found.retain(|target| link::is_harmless(target));
    found
}

fn sent((action, names): (String, Vec<String>)) -> String {
    format!("{}?{}", action.split('?').next().unwrap_or("/"), names.join("&"))
}

/// The value of a header, where it can be one.
pub(super) fn text(value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(value).ok()
}
