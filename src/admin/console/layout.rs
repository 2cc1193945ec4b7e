//! The frame of every page, its one style sheet, and the headers of every answer. Nothing comes from elsewhere, and there is no script.

use std::{fmt::Write as _, sync::LazyLock};

use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::{router, visit::Visit};
use crate::{
    access::page::escaped,
    identity::{form::SIGN_OUT, page::Language},
};

const STYLE: &str = include_str!("style.css");

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let text = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// What a page has to show.
#[derive(Debug)]
pub(super) enum Shown {
    /// The main part of a page.
    Page {
        /// HTML, below the heading.
        main: String,
        /// Another heading than the router's.
        title: Option<String>,
        /// Whether the browser asks again by itself after some seconds.
        live: bool,
    },
    /// A file to take along.
    File {
        /// Its media type.
        kind: &'static str,
        /// What it is called.
        name: String,
        /// What is in it.
        bytes: Vec<u8>,
    },
    /// Another page of ours.
    Elsewhere(String),
}

impl Shown {
    pub(super) fn html(main: String) -> Self {
        Self::Page { main, title: None, live: false }
    }

    pub(super) fn titled(title: impl Into<String>, main: String) -> Self {
        Self::Page { main, title: Some(title.into()), live: false }
    }

    /// What could not be shown, and why.
    pub(super) fn trouble(why: &str) -> Self {
        Self::html(format!("<p role=\"alert\">{}</p>", escaped(why)))
    }

    pub(super) fn file(kind: &'static str, name: &str, bytes: Vec<u8>) -> Self {
        Self::File { kind, name: name.to_owned(), bytes }
    }
}

/// How often a page that is live asks again, in seconds.
pub(super) const LIVE: u32 = 10;

/// A page as an answer, for somebody who may see it.
pub(super) fn answer(visit: &Visit, title: &str, shown: Shown, status: StatusCode) -> Response<Bytes> {
    match shown {
        Shown::Page { main, title: own, live } => {
            let title = own.unwrap_or_else(|| title.to_owned());
            let is_done = visit.is_from_here && visit.query.one("done").is_some();
            let done = if is_done { done(visit) } else { String::new() };
            let mut answer = html(visit.language, &title, &bar(visit), &(done + &main), status);
            if live {
                answer.headers_mut().insert(header::REFRESH, HeaderValue::from(LIVE));
            }
            answer
        }
        Shown::File { kind, name, bytes } => {
            let mut answer = bare(status, Bytes::from(bytes));
            let disposition = format!("attachment; filename=\"{name}\"");
            let headers = answer.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            if let Ok(disposition) = HeaderValue::from_str(&disposition) {
                headers.insert(header::CONTENT_DISPOSITION, disposition);
            }
            answer
        }
        Shown::Elsewhere(to) => elsewhere(HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/"))),
    }
}

/// Sends a browser to another page.
pub(super) fn elsewhere(to: HeaderValue) -> Response<Bytes> {
    let mut answer = bare(StatusCode::SEE_OTHER, Bytes::new());
    answer.headers_mut().insert(header::LOCATION, to);
    answer
}

/// A page for somebody who may not see more, or whom nobody knows.
pub(super) fn plain(language: Language, title: &str, text: &str, status: StatusCode) -> Response<Bytes> {
    let out = format!("<p>{}</p>{}", escaped(text), sign_out(language));
    html(language, title, &languages(language, "/"), &format!("<div class=\"box\">{out}</div>"), status)
}

fn html(language: Language, title: &str, bar: &str, main: &str, status: StatusCode) -> Response<Bytes> {
    let skip = language.of_two("Skip to the content", "본문으로 건너뛰기");
    let name = language.of_two("Privet console", "Privet 콘솔");
    let text = format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{2} · {name}</title>\
         <style>{STYLE}</style></head>\
         <body><a class=\"skip\" href=\"#main\">{skip}</a>{bar}<main id=\"main\" tabindex=\"-1\"><h1>{2}</h1>{1}</main>\
         <footer><p>Privet {3}</p></footer></body></html>\n",
        language.tag(),
        main,
        escaped(title),
        env!("CARGO_PKG_VERSION"),
    );
    let mut answer = bare(status, Bytes::from(text));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    answer
}

fn bare(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::clone(&POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not `no-referrer`: browsers then send `Origin: null` with the form.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    answer
}

/// Who is signed in, the language, and the pages that they may see.
fn bar(visit: &Visit) -> String {
    let mut out = format!(
        "<header class=\"top\"><p class=\"brand\">{}</p><p>{} <b>{}</b> ({})</p>{}<p><a href=\"{SIGN_OUT}\">{}</a></p></header>",
        visit.say("Privet console", "Privet 콘솔"),
        visit.say("Signed in:", "로그인:"),
        escaped(&visit.who.subject),
        escaped(&visit.who.roles.join(", ")),
        switch(
            visit.language,
            &format!("{}{}", escaped(&visit.path), visit.query.with(&[("lang", Some(other(visit.language).tag()))]))
        ),
        visit.say("Sign out", "로그아웃"),
    );
    let _ = write!(out, "<nav class=\"main\" aria-label=\"{}\"><ul>", visit.say("Pages of the console", "콘솔 메뉴"));
    for page in router::menu(visit.is_officer()) {
        let here = if page.is_above(&visit.path) { " aria-current=\"page\"" } else { "" };
        let _ = write!(out, "<li><a href=\"{}\"{here}>{}</a></li>", page.path, page.title(visit.language));
    }
    out.push_str("</ul></nav>");
    out
}

fn done(visit: &Visit) -> String {
    let said = visit.say("Done, and written down in your name.", "실행되었으며 귀하의 이름으로 기록되었습니다.");
    format!("<p class=\"done\" role=\"status\">{said}</p>")
}

fn languages(language: Language, path: &str) -> String {
    let to = format!("{path}?lang={}", other(language).tag());
    format!("<header class=\"top\"><p class=\"brand\">Privet</p>{}</header>", switch(language, &to))
}

fn other(language: Language) -> Language {
    if language == Language::Korean { Language::English } else { Language::Korean }
}

/// `to` is ready for an attribute.
fn switch(language: Language, to: &str) -> String {
    let (tag, name) = if language == Language::Korean { ("en", "English") } else { ("ko", "한국어") };
    format!("<p><a href=\"{to}\" lang=\"{tag}\" hreflang=\"{tag}\">{name}</a></p>")
}

fn sign_out(language: Language) -> String {
    format!("<p><a href=\"{SIGN_OUT}\">{}</a></p>", language.of_two("Sign out", "로그아웃"))
}
