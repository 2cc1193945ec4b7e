//! Why a login is refused unheard.

/// Why a username can't be read. It names what is wrong and nothing of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unreadable {
    /// The body has a content coding.
    #[error("the body of a login is compressed")]
    Coded,
    /// The body is of another type than the login takes.
    #[error("the body of a login is of another type than it takes")]
    Type,
    /// It is in another character encoding than UTF-8.
    #[error("the body of a login is not in UTF-8")]
    Charset,
    /// It does not follow its format.
    #[error("the body of a login is malformed")]
    Malformed,
    /// The username stands more than once, or in a way that readers differ about.
    #[error("a login names its account more than once")]
    Ambiguous,
    /// It is not there.
    #[error("a login names no account")]
    Missing,
    /// The body, or the username, is too large.
    #[error("the body of a login is too large")]
    TooLarge,
}

impl Unreadable {
    /// As metrics name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Coded => "coded",
            Self::Type => "type",
            Self::Charset => "charset",
            Self::Malformed => "malformed",
            Self::Ambiguous => "ambiguous",
            Self::Missing => "missing",
            Self::TooLarge => "too_large",
        }
    }
}
