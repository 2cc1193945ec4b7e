//! What is looked for in a body, and what was found.

use zeroize::Zeroizing;

use super::name::field_matches;

/// Names of the fields that usernames stand in, for want of better knowledge.
const USUAL: &[&str] = &[
    "username",
    "user_name",
    "user",
    "userid",
    "user_id",
    "usr",
    "uid",
    "login",
    "login_id",
    "loginid",
    "log",
    "email",
    "e-mail",
    "mail",
    "account",
    "j_username",
    "mb_id",
    "member_id",
    "id",
];

/// Which fields are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// One of this name.
    Form(&'a str),
    /// A member at this place.
    Json(&'a [String]),
    /// One of a usual name.
    Usual,
}

impl Wanted<'_> {
    /// Whether a field of a form or a query is it.
    pub(super) fn is_field(self, name: &[u8]) -> bool {
        match self {
            Self::Form(wanted) => field_matches(name, wanted),
            Self::Json([wanted]) => field_matches(name, wanted),
            Self::Json(_) => false,
            Self::Usual => USUAL.iter().any(|wanted| field_matches(name, wanted)),
        }
    }
}

/// What was found: the one value, or a reason to refuse. It may be a password, so it is zeroed, and not shown.
#[derive(Default)]
pub(super) struct Found {
    pub(super) values: Vec<Zeroizing<Vec<u8>>>,
    /// A match whose value is no plain text.
    pub(super) odd: bool,
}

impl Found {
    pub(super) fn add(&mut self, value: impl Into<Vec<u8>>) {
        let value = Zeroizing::new(value.into());
        // A second is one too many already.
        if self.values.len() < 2 {
            self.values.push(value);
        }
    }
}

/// Whether a media type names no other character encoding than UTF-8 or its part ASCII.
pub(super) fn is_utf8(kind: &str) -> bool {
    kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        let value = value.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
        !name.trim().eq_ignore_ascii_case("charset") || matches!(value.as_str(), "utf-8" | "utf8" | "us-ascii")
    })
}
