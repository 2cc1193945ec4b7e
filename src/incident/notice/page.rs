//! The public page: for whoever can't be reached, on every host that Privet serves. No personal data is on it.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};

use super::{
    draft::Document,
    settings::INDEX,
    state::{Posting, State},
    template::escape,
    wording::{Audience, Language},
};
use crate::{
    identity::page::{self, frame, respond},
    registry::Moment,
};

/// Whether a path is of the public page.
#[must_use]
pub fn is_of(path: &str) -> bool {
    path.strip_prefix(INDEX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request for it.
#[must_use]
pub fn serve(state: &State, request: &Request<Bytes>, now: Moment) -> Response<Bytes> {
    let language = asked(request);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let title = language.of_two("허용되지 않는 요청", "Not allowed");
        let mut answer = respond(
            frame(shown(language), title, None, "", false),
            shown(language),
            StatusCode::METHOD_NOT_ALLOWED,
            false,
        );
        answer.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let number = request.uri().path().strip_prefix(INDEX).unwrap_or_default().trim_start_matches('/');
    if number.is_empty() {
        return respond(index(state, language, now), shown(language), StatusCode::OK, false);
    }
    let found = number.parse().ok().and_then(|case| html(state, case, language, now));
    if let Some((html, language)) = found {
        return respond(html, shown(language), StatusCode::OK, false);
    }
    let title = language.of_two("공지가 없습니다", "No such notice");
    let main = format!("<p><a href=\"{INDEX}\">{}</a></p>", language.of_two("모든 공지", "All notices"));
    respond(frame(shown(language), title, None, &main, false), shown(language), StatusCode::NOT_FOUND, false)
}

/// The page of a case, in `language` or in the one that there is.
#[must_use]
pub fn html(state: &State, case: u64, language: Language, now: Moment) -> Option<(String, Language)> {
    let (posting, notice) = state.of(case)?.posted().filter(|(posting, _)| now < posting.until)?;
    let public = |document: &&Document| document.audience == Audience::Public;
    let own = notice.documents.iter().filter(public).find(|document| document.language == language);
    let document = own.or_else(|| notice.documents.iter().find(public))?;
    let others: Vec<Language> = notice.documents.iter().filter(public).map(|document| document.language).collect();
    Some((one(document, posting, case, &others), document.language))
}

/// In which languages the page of a case is.
#[must_use]
pub fn languages(state: &State, case: u64) -> Vec<Language> {
    let documents = state.of(case).and_then(|papers| papers.posted()).map(|(_, notice)| notice.documents.as_slice());
    let public = documents.into_iter().flatten().filter(|document| document.audience == Audience::Public);
    public.map(|document| document.language).collect()
}

fn one(document: &Document, posting: &Posting, case: u64, others: &[Language]) -> String {
    let language = document.language;
    let mut title = String::new();
    escape(&document.title, &mut title);
    let days = format!("{} – {}", posting.since.day(), posting.until.day());
    let mut links = String::new();
    for other in others.iter().filter(|other| **other != language) {
        let (tag, name) = (other.tag(), other.of_two("한국어", "English"));
        let _ =
            write!(links, " · <a href=\"{INDEX}/{case}?language={tag}\" lang=\"{tag}\" hreflang=\"{tag}\">{name}</a>");
    }
    let main = format!(
        "<article lang=\"{}\">{}</article><p class=\"note\">{} {days}</p><p class=\"note\"><a href=\"{INDEX}\">{}</a>{links}</p>",
        language.tag(),
        document.html,
        language.of_two("게시 기간(UTC):", "Posted (UTC):"),
        language.of_two("모든 공지", "All notices"),
    );
    frame(shown(language), &title, None, &main, false)
}

fn index(state: &State, language: Language, now: Moment) -> String {
    let mut rows = String::new();
    for (case, _) in state.all() {
        let Some((posting, notice)) = state.of(case).and_then(|papers| papers.posted()) else { continue };
        if posting.until <= now {
            continue;
        }
        let public: Vec<&Document> =
            notice.documents.iter().filter(|document| document.audience == Audience::Public).collect();
        let own = public.iter().find(|document| document.language == language).or(public.first());
        if let Some(document) = own {
            let (tag, day) = (document.language.tag(), posting.since.day());
            let _ = write!(rows, "<li lang=\"{tag}\"><a href=\"{INDEX}/{case}\">");
            escape(&document.title, &mut rows);
            let _ = write!(rows, "</a> ({day})</li>");
        }
    }
    let title = language.of_two("개인정보 관련 공지", "Notices about personal data");
    let main = if rows.is_empty() {
        format!("<p>{}</p>", language.of_two("게시된 공지가 없습니다.", "Nothing is posted."))
    } else {
        format!("<ul>{rows}</ul>")
    };
    frame(shown(language), title, None, &main, false)
}

/// The language that the query names, or else that of the reader.
fn asked(request: &Request<Bytes>) -> Language {
    let named =
        request.uri().query().and_then(|query| query.split('&').find_map(|part| part.strip_prefix("language=")));
    named.and_then(Language::of).unwrap_or_else(|| match page::Language::of(request.headers()) {
        page::Language::Korean => Language::Korean,
        page::Language::English => Language::English,
    })
}

fn shown(language: Language) -> page::Language {
    match language {
        Language::Korean => page::Language::Korean,
        Language::English => page::Language::English,
    }
}
