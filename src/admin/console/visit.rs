//! Who asks for which page, in which language; and what a page may ask of the gateway. It is what commands ask, by the same function.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::Value;

use super::{traffic::Traffic, words};
use crate::{
    admin::{
        by::By,
        control::{self, Reach},
    },
    identity::{
        Principal,
        form::{self, Fields},
        forward::encoded,
        order::SignedIn,
        page::Language,
    },
    registry::person::OFFICER,
};

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Privacy officers, and those who operate the gateway.
    Operator,
    /// Privacy officers alone: people are in it.
    Officer,
}

/// One request for a page by somebody who may see it.
pub(super) struct Visit {
    pub(super) reach: Arc<Reach>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) who: Arc<Principal>,
    /// The realm of the registry.
    pub(super) realm: String,
    pub(super) language: Language,
    /// The page's path.
    pub(super) path: String,
    /// What stands in the place of the `*` in the router's path.
    pub(super) rest: String,
    pub(super) query: Query,
    /// Whether a page of the console has led here: what others write into a link is not said in its name.
    pub(super) is_from_here: bool,
    /// What a form brings back; nothing for whoever has no session.
    pub(super) token: Option<String>,
}

/// Why there is nothing to show.
#[derive(Debug)]
pub(super) struct Absent {
    pub(super) status: StatusCode,
    /// What the gateway says.
    pub(super) why: String,
}

impl Absent {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }
}

impl Visit {
    /// The one of two texts that is in the reader's language.
    pub(super) fn say<'t>(&self, english: &'t str, korean: &'t str) -> &'t str {
        self.language.of_two(english, korean)
    }

    /// What a word of the gateway's is called in the reader's language.
    pub(super) fn term(&self, word: &str) -> String {
        words::term(self.language, word)
    }

    /// Whether people's records are theirs to look at.
    pub(super) fn is_officer(&self) -> bool {
        is_officer(&self.who)
    }

    /// Whether somebody of the registry, as the gateway names them, is whoever looks.
    pub(super) fn is_of(&self, person: &Value) -> bool {
        person["issuer"] == self.who.issuer.as_str() && person["subject"] == self.who.subject.as_str()
    }

    /// What the gateway answers.
    ///
    /// # Errors
    /// When it has nothing of the kind.
    pub(super) async fn ask(&self, path: &str) -> Result<Value, Absent> {
        self.tell(&Method::GET, path, &Value::Null).await
    }

    /// Gives an order in the name of whoever has signed in.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub(super) async fn order(&self, path: &str, order: &Value) -> Result<Value, Absent> {
        self.tell(&Method::POST, path, order).await
    }

    async fn tell(&self, method: &Method, path: &str, body: &Value) -> Result<Value, Absent> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let by = SignedIn::of(&self.who);
        let (status, said) = control::ask(&self.reach, method, path, &body, By::Person(&by)).await;
        if status.is_success() {
            return Ok(said);
        }
        let hint = said["hint"].as_str().filter(|hint| !hint.contains("--")).map(|hint| format!("; {hint}"));
        let why = said["error"].as_str().unwrap_or("it could not be done").to_owned();
        Err(Absent::new(status, why + &hint.unwrap_or_default()))
    }
}

/// Whether somebody is a privacy officer.
pub(super) fn is_officer(who: &Principal) -> bool {
    who.roles.iter().any(|role| role == OFFICER)
}

/// What a URL asks of a page.
#[derive(Debug)]
pub(super) struct Query(Option<Fields>);

impl Query {
    pub(super) fn of(text: Option<&str>) -> Self {
        Self(text.and_then(|text| Fields::parse(text.as_bytes())))
    }

    /// What it says of `name`, trimmed; nothing where that is empty.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.one(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// What it says of `name`, as a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.one(name)?.parse().ok()
    }

    /// The same with some names changed, or left out where nothing is said of them: to stand behind a path, in an attribute.
    pub(super) fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
        let known = self.0.iter().flat_map(Fields::all).filter(|(name, value)| !is_changed(name) && !value.is_empty());
        let new = changes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let pairs: Vec<String> =
            known.chain(new).map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&amp;")) }
    }

    /// All that it says, but for some names: hidden fields of a form that asks anew.
    pub(super) fn fields_without(&self, names: &[&str]) -> Vec<(&str, &str)> {
        self.0.iter().flat_map(Fields::all).filter(|(name, value)| !names.contains(name) && !value.is_empty()).collect()
    }
}

/// The language of a request: what it chooses in its URL, and whether it does.
pub(super) fn language(query: &Query, headers: &http::HeaderMap) -> (Language, bool) {
    match query.one("lang").and_then(Language::named) {
        Some(chosen) => (chosen, true),
        None => (Language::of(headers), false),
    }
}

/// The cookie that keeps a language: a year.
pub(super) fn language_cookie(language: Language) -> http::HeaderValue {
    let text = format!(
        "{}={}; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax",
        form::LANGUAGE_COOKIE,
        language.tag()
    );
    http::HeaderValue::from_str(&text).unwrap_or(http::HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_changed_name_by_name() {
        let query = Query::of(Some("q=a%26b&sort=-name&page=3&empty="));
        assert_eq!(query.one("q"), Some("a&b"));
        assert_eq!((query.one("empty"), query.number("page")), (None, Some(3)));
        assert_eq!(query.with(&[("page", None), ("sort", Some("<"))]), "?q=a%26b&amp;sort=%3C");
        assert_eq!(Query::of(None).with(&[]), "");
        assert_eq!(Query::of(Some("q=%ff")).one("q"), None);
    }
}
