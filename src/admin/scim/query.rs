//! Who is looked for, and what of them is shown (RFC 7644, sections 3.4.2 and 3.9).

use serde_json::{Map, Value};

use super::{
    error::Error,
    resource::{Field, SCHEMA, User},
};
use crate::format::form;

/// Most people of one answer.
pub(super) const MOST: usize = 200;

/// A question.
#[derive(Default)]
pub(super) struct Query {
    pub(super) filter: Option<Filter>,
    /// The first that is shown, from 1.
    pub(super) start: usize,
    /// How many are shown.
    pub(super) count: usize,
    only: Vec<String>,
    without: Vec<String>,
}

/// Whom it is about.
#[derive(Clone, PartialEq)]
pub(super) enum Filter {
    Id(String),
    UserName(String),
    ExternalId(String),
    Active(bool),
}

impl Query {
    /// As a URI has it.
    pub(super) fn of_uri(query: &str) -> Result<Self, Error> {
        let mut asked = Self { start: 1, count: MOST, ..Self::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value).ok_or(Error::Syntax("the query is no UTF-8"))?;
            let list = || value.split(',').map(|name| name.trim().to_owned()).collect();
            match name {
                "filter" => asked.filter = Some(Filter::parse(&value)?),
                "startIndex" => asked.start = first(value.parse().ok())?,
                "count" => asked.count = many(value.parse().ok())?,
                "attributes" => asked.only = list(),
                "excludedAttributes" => asked.without = list(),
                _ => {}
            }
        }
        Ok(asked)
    }

    /// As `/.search` has it, which keeps names out of URIs.
    pub(super) fn of_body(object: &Map<String, Value>) -> Result<Self, Error> {
        let list = |name: &str| -> Vec<String> {
            let all = object.get(name).and_then(Value::as_array).into_iter().flatten();
            all.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Ok(Self {
            filter: match object.get("filter") {
                None | Some(Value::Null) => None,
                Some(filter) => Some(Filter::parse(filter.as_str().ok_or(Error::Filter)?)?),
            },
            start: object.get("startIndex").map_or(Ok(1), |start| first(start.as_i64()))?,
            count: object.get("count").map_or(Ok(MOST), |count| many(count.as_i64()))?,
            only: list("attributes"),
            without: list("excludedAttributes"),
        })
    }

    /// What was asked for of a resource; its id and schemas are always shown.
    pub(super) fn shape(&self, mut resource: Value) -> Value {
        let named = |list: &[String], name: &str| list.iter().any(|asked| own(asked).eq_ignore_ascii_case(name));
        if let Value::Object(object) = &mut resource {
            object.retain(|name, _| {
                let always = matches!(name.as_str(), "id" | "schemas");
                let asked = if self.only.is_empty() {
                    !named(&self.without, name)
                } else {
                    // All of what is asked for in part.
                    self.only
                        .iter()
                        .any(|asked| own(asked).split('.').next().unwrap_or_default().eq_ignore_ascii_case(name))
                };
                always || asked
            });
        }
        resource
    }
}

/// An attribute's name without the schema before it.
fn own(name: &str) -> &str {
    name.strip_prefix(SCHEMA).and_then(|rest| rest.strip_prefix(':')).unwrap_or(name)
}

fn decoded(text: &str) -> Option<String> {
    let mut plain = Vec::new();
    form::decode(text.as_bytes(), &mut plain);
    String::from_utf8(plain).ok()
}

fn first(number: Option<i64>) -> Result<usize, Error> {
    let number = number.ok_or(Error::Value("`startIndex` is a whole number"))?;
    Ok(usize::try_from(number.max(1)).unwrap_or(1))
}

fn many(number: Option<i64>) -> Result<usize, Error> {
    let number = number.ok_or(Error::Value("`count` is a whole number"))?;
    Ok(usize::try_from(number.max(0)).unwrap_or(0).min(MOST))
}

impl Filter {
    /// The filters that providers send.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (name, rest) = text.trim().split_once(char::is_whitespace).ok_or(Error::Filter)?;
        let (operator, value) = rest.trim_start().split_once(char::is_whitespace).ok_or(Error::Filter)?;
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(Error::Filter);
        }
        let value: Value = serde_json::from_str(value.trim()).map_err(|_| Error::Filter)?;
        match (Field::named(name), value) {
            (Some(Field::UserName), Value::String(text)) => Ok(Self::UserName(text)),
            (Some(Field::ExternalId), Value::String(text)) => Ok(Self::ExternalId(text)),
            (Some(Field::Active), Value::Bool(truth)) => Ok(Self::Active(truth)),
            (None, Value::String(text)) if own(name).eq_ignore_ascii_case("id") => Ok(Self::Id(text)),
            _ => Err(Error::Filter),
        }
    }

    /// Whether somebody is meant, whose resource is called `id`.
    pub(super) fn fits(&self, user: &User, id: impl FnOnce() -> String) -> bool {
        match self {
            Self::Id(wanted) => id() == *wanted,
            Self::UserName(name) => user.entry.is_called(name),
            Self::ExternalId(external) => user.entry.external_id.as_ref() == Some(external),
            Self::Active(active) => user.active == *active,
        }
    }
}
