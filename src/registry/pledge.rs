//! The security pledge: what people promise before they see anybody's data.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// The built-in texts, by language.
const BUILT_IN: [(&str, &str); 2] = [("en", include_str!("pledge.en.txt")), ("ko", include_str!("pledge.ko.txt"))];

/// A pledge as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pledge {
    /// Its number, from 1: a new text is a new one.
    pub version: u32,
    /// When it was published.
    pub published: Moment,
    /// Its texts, by language.
    pub texts: BTreeMap<String, String>,
}

/// What people sign, by language: the operator's own text, or the built-in ones.
#[must_use]
pub fn texts(own: Option<&str>) -> BTreeMap<String, String> {
    match own {
        Some(text) => BTreeMap::from([(language_of(text).to_owned(), text.trim().to_owned())]),
        None => BUILT_IN.iter().map(|(language, text)| ((*language).to_owned(), text.trim().to_owned())).collect(),
    }
}

/// Korean where it has a syllable of Hangul, else English.
fn language_of(text: &str) -> &'static str {
    if text.chars().any(|c| ('가'..='힣').contains(&c)) { "ko" } else { "en" }
}

/// SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn sha256(text: &str) -> String {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Pledge {
    /// The text in `language`, or in another where there is none in it; with its own language.
    #[must_use]
    pub fn text(&self, language: &str) -> Option<(&str, &str)> {
        let exact = self.texts.get_key_value(language);
        exact.or_else(|| self.texts.first_key_value()).map(|(language, text)| (language.as_str(), text.as_str()))
    }
}

/// A signature under a pledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Of which pledge.
    pub version: u32,
    /// In which language it was read.
    pub language: String,
    /// SHA-256 of the very text.
    pub sha256: String,
    /// When.
    pub at: Moment,
    /// When it holds no more.
    pub until: Moment,
    /// When it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Moment>,
}

/// Whether somebody has promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pledged {
    /// They have, and it holds.
    Current,
    /// They never did.
    Missing,
    /// They have signed an older one.
    Outdated,
    /// They have withdrawn it.
    Withdrawn,
    /// It was too long ago.
    Expired,
}

impl Pledged {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Missing => "missing",
            Self::Outdated => "outdated",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    /// What a signature is worth at a time.
    #[must_use]
    pub fn of(signature: Option<&Signature>, pledge: Option<&Pledge>, now: Moment) -> Self {
        match (signature, pledge) {
            (None, _) | (_, None) => Self::Missing,
            (Some(signature), _) if signature.withdrawn.is_some() => Self::Withdrawn,
            (Some(signature), Some(pledge)) if signature.version != pledge.version => Self::Outdated,
            (Some(signature), _) if signature.until <= now => Self::Expired,
            _ => Self::Current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_their_sources_and_know_their_language() {
        let built_in = texts(None);
        assert_eq!(built_in.len(), 2);
        assert!(built_in["en"].contains("Article 59") && built_in["en"].contains("Article 71"));
        assert!(built_in["ko"].contains("제59조") && built_in["ko"].contains("제71조"));
        assert_eq!(texts(Some("우리의 서약\n")).into_iter().next(), Some(("ko".into(), "우리의 서약".into())));
        assert_eq!(texts(Some("ours")).into_keys().next().as_deref(), Some("en"));
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_signature_is_worth_what_is_in_force() {
        let at = Moment::at;
        let pledge = |version| Pledge { version, published: at(0), texts: texts(None) };
        let signed = Signature {
            version: 1,
            language: "en".into(),
            sha256: String::new(),
            at: at(1),
            until: at(9),
            withdrawn: None,
        };
        let of = |signature: &Signature, version, now| Pledged::of(Some(signature), Some(&pledge(version)), at(now));
        assert_eq!(of(&signed, 1, 8), Pledged::Current);
        assert_eq!(of(&signed, 1, 9), Pledged::Expired);
        assert_eq!(of(&signed, 2, 8), Pledged::Outdated);
        assert_eq!(of(&Signature { withdrawn: Some(at(2)), ..signed.clone() }, 1, 8), Pledged::Withdrawn);
        assert_eq!(Pledged::of(None, Some(&pledge(1)), at(0)), Pledged::Missing);
        assert_eq!(pledge(1).text("fr").map(|(language, _)| language), Some("en"));
    }
}
