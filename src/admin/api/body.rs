//! What bodies say, read strictly: a name that is not known may be one that was misspelt, and a value of another kind is not taken for none.

use http::{HeaderValue, StatusCode};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, Error as _},
};

use super::problem::Problem;

/// What an operation's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// There is none.
    Nothing,
    /// Whom to ban.
    Ban,
    /// Whose ban to lift.
    Lift,
    /// What to look at.
    Clause,
}

/// Whom to ban, why, and for how long.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    address: String,
    reason: String,
    /// For good where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "millis")]
    for_ms: Option<u64>,
    /// Whether it is only tried out.
    #[serde(default)]
    dry_run: bool,
}

/// Whose ban to lift.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lift {
    address: String,
}

/// Which clause to look at; all where none is named.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clause {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    clause: Option<String>,
}

/// What is there is no `null`: nothing is said by leaving it out.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A whole number, however it is written: to JSON Schema 1.0 is one.
fn millis<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = serde_json::Number::deserialize(from)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and neither negative nor too large"
    )]
    let written = || number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=EXACT).contains(n)).map(|n| n as u64);
    let whole = number.as_u64().or_else(written);
    whole.map(Some).ok_or_else(|| D::Error::custom("no whole number"))
}

/// Commands trim what people type; a program that sends blanks has a fault.
fn is_trimmed(text: &str) -> bool {
    text.trim() == text
}

/// The order in `bytes`, as a command has it.
///
/// # Errors
/// When it is none of its kind.
pub(super) fn read(takes: Takes, kind: Option<&HeaderValue>, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    if takes == Takes::Nothing {
        let why = "this takes no body";
        return if bytes.is_empty() { Ok(Vec::new()) } else { Err(Problem::of(StatusCode::BAD_REQUEST, why)) };
    }
    if !kind.is_some_and(is_json) {
        return Err(Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body has to be `application/json`"));
    }
    match takes {
        Takes::Nothing => Ok(Vec::new()),
        Takes::Ban => order(bytes, |ban: &Ban| is_trimmed(&ban.address) && is_trimmed(&ban.reason)),
        Takes::Lift => order(bytes, |lift: &Lift| is_trimmed(&lift.address)),
        Takes::Clause => order(bytes, |_: &Clause| true),
    }
}

fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn order<T: Serialize + DeserializeOwned>(bytes: &[u8], is_right: impl Fn(&T) -> bool) -> Result<Vec<u8>, Problem> {
    // The parser's words would repeat what was sent, and a list is taken for an object by it.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    let order: Option<T> = is_object.then(|| serde_json::from_slice(bytes).ok()).flatten().filter(is_right);
    let why = "the body is not what the document describes: `GET /v1/openapi.json`";
    order.and_then(|order| serde_json::to_vec(&order).ok()).ok_or_else(|| Problem::of(StatusCode::BAD_REQUEST, why))
}
