//! Why there is no certificate. What an authority writes goes into the text, cut short and without anything that could forge a line;
//! whoever logs it scrubs it, for it may repeat addresses.

use instant_acme::Problem;

use super::{challenge, folder, schedule::Failure};
use crate::dial::asker;

/// Longest text of an authority that is repeated.
const LONGEST: usize = 500;
/// What all types of problems of RFC 8555 begin with.
const NAMESPACE: &str = "urn:ietf:params:acme:error:";

/// Why an order has failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authority could not validate a domain.
    #[error("{domain} could not be validated: {kind}: {detail}")]
    NotValidated {
        /// Which.
        domain: String,
        /// The type of the problem, without its namespace.
        kind: String,
        /// The authority's words.
        detail: String,
    },
    /// The authority says no.
    #[error("the authority refuses: {kind}: {detail}")]
    Refused {
        /// The type of the problem, without its namespace.
        kind: String,
        /// The authority's words.
        detail: String,
    },
    /// The authority does not validate in the way that is asked for.
    #[error("the authority offers no {challenge} challenge for {domain}; try another `challenge`")]
    NotOffered {
        /// The way.
        challenge: &'static str,
        /// For which domain.
        domain: String,
    },
    /// No answer.
    #[error("the authority can't be asked")]
    Unreachable(#[source] asker::Error),
    /// An answer that is no problem document and no success.
    #[error("the authority answers with status {0}")]
    Status(u16),
    /// A URL of the directory that Privet does not ask.
    #[error("the authority names a URL that is not asked: {0}")]
    Address(#[from] crate::dial::address::Error),
    /// It takes longer than anybody should wait.
    #[error("the authority takes too long")]
    Slow,
    /// What was said can't be understood.
    #[error("the authority's answer can't be understood: {0}")]
    Odd(&'static str),
    /// What was issued can't be used.
    #[error("what was issued can't be used: {0}")]
    Unfit(&'static str),
    /// A key or request can't be made.
    #[error("the request can't be made")]
    Make(#[from] rcgen::Error),
    /// A challenge can't be answered.
    #[error(transparent)]
    Challenge(#[from] challenge::Error),
    /// Something can't be kept.
    #[error(transparent)]
    Folder(#[from] folder::Error),
}

impl Error {
    /// A word for a metric's label.
    pub(super) fn result(&self) -> &'static str {
        match self {
            Self::NotValidated { .. } => "not_validated",
            Self::Refused { kind, .. } if kind == "rateLimited" => "rate_limited",
            Self::Refused { .. } | Self::NotOffered { .. } => "refused",
            Self::Unreachable(_) | Self::Status(_) | Self::Slow => "unreachable",
            _ => "failed",
        }
    }

    /// How to go on.
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Refused { kind, .. } if kind == "rateLimited" => Failure::RateLimited,
            // A nonce that is refused again and again is nobody's no to the order (RFC 8555, section 6.5).
            Self::Refused { kind, .. } if kind == "serverInternal" || kind == "badNonce" => Failure::Way,
            Self::Unreachable(_) | Self::Status(500..) | Self::Slow | Self::Folder(_) => Failure::Way,
            _ => Failure::Question,
        }
    }

    /// Whether the authority does not know our account (any more): unknown to it, or deactivated.
    pub(super) fn is_of_account(&self) -> bool {
        matches!(self, Self::Refused { kind, .. } if kind == "accountDoesNotExist" || kind == "unauthorized")
    }

    /// A problem that concerns one domain.
    pub(super) fn of_domain(domain: String, problem: &Problem) -> Self {
        Self::NotValidated { domain, kind: kind(problem), detail: detail(problem) }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        let named = problem.subproblems.iter().find_map(|part| match &part.identifier {
            Some(instant_acme::Identifier::Dns(domain)) => Some((clean(domain), part)),
            _ => None,
        });
        match named {
            Some((domain, part)) => {
                let text = clean(part.detail.as_deref().unwrap_or_default());
                Self::Refused { kind: kind(&problem), detail: format!("{domain}: {text}") }
            }
            None => Self::Refused { kind: kind(&problem), detail: detail(&problem) },
        }
    }
}

impl From<instant_acme::Error> for Error {
    fn from(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => problem.into(),
            instant_acme::Error::Timeout(_) => Self::Slow,
            // The parser's own words may quote the answer.
            instant_acme::Error::Json(_) => Self::Odd("it is not the JSON that RFC 8555 has"),
            instant_acme::Error::Str(what) => Self::Odd(what),
            instant_acme::Error::Unsupported(what) => Self::Odd(what),
            instant_acme::Error::Other(other) => match other.downcast::<Self>() {
                Ok(own) => *own,
                Err(_) => Self::Odd("it differs from what was asked for"),
            },
            _ => Self::Odd("it can't be used"),
        }
    }
}

fn kind(problem: &Problem) -> String {
    let kind = problem.r#type.as_deref().unwrap_or("unknown");
    clean(kind.strip_prefix(NAMESPACE).unwrap_or(kind))
}

fn detail(problem: &Problem) -> String {
    clean(problem.detail.as_deref().unwrap_or("it does not say why"))
}

fn clean(text: &str) -> String {
    let mut clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    if clean.len() < text.len() {
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> Error {
        serde_json::from_str::<Problem>(json).expect("a problem").into()
    }

    #[test]
    fn problems_are_told_by_their_type() {
        let error =
            problem(r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many\nof them","status":429}"#);
        assert_eq!(error.to_string(), "the authority refuses: rateLimited: too many of them");
        assert_eq!((error.result(), error.failure()), ("rate_limited", Failure::RateLimited));
        let error = problem(r#"{"type":"urn:ietf:params:acme:error:accountDoesNotExist"}"#);
        assert!(error.is_of_account());
        let error = problem(
            r#"{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"x","subproblems":
            [{"identifier":{"type":"dns","value":"a.test"},"detail":"forbidden"}]}"#,
        );
        assert_eq!(error.to_string(), "the authority refuses: rejectedIdentifier: a.test: forbidden");
        let long = format!(r#"{{"type":"x","detail":"{}"}}"#, "é".repeat(5000));
        assert!(problem(&long).to_string().len() < 1100);
    }

    #[test]
    fn what_goes_wrong_on_the_way_is_not_the_questions_fault() {
        let wrapped = |error: Error| Error::from(instant_acme::Error::Other(Box::new(error)));
        let away = wrapped(Error::Unreachable(asker::Error::Timeout));
        assert_eq!((away.result(), away.failure()), ("unreachable", Failure::Way));
        assert_eq!(wrapped(Error::Status(503)).failure(), Failure::Way);
        assert_eq!(wrapped(Error::Status(404)).failure(), Failure::Question);
        assert_eq!(Error::from(instant_acme::Error::Timeout(None)).result(), "unreachable");
        assert_eq!(problem(r#"{"type":"urn:ietf:params:acme:error:badNonce"}"#).failure(), Failure::Way);
    }
}
