//! Why nothing is done about a case. Nobody's name is in the texts.

use crate::journal;

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There are no officers yet.
    #[error("the registry is not founded: nobody may decide about cases")]
    NotFounded,
    /// Who asks is no officer at this time.
    #[error("only a privacy officer in force may do this")]
    NotAnOfficer,
    /// Who asks is suspected.
    #[error("whoever is suspected in a case decides nothing in it")]
    Suspect,
    /// There is none.
    #[error("there is no such case")]
    NoCase,
    /// It is not what it would have to be.
    #[error("the case is {0}")]
    Status(&'static str),
    /// A duty is not done.
    #[error("{0} duties of the law are neither done nor said to be none in this case")]
    Due(usize),
    /// A law or duty that nobody knows.
    #[error("no law of this configuration has such a duty in this case")]
    NoDuty,
    /// It can't have been.
    #[error("the time is in the future, or before the case was known")]
    Time,
    /// It would begin after its end.
    #[error("the end must be after the start")]
    Period,
    /// A text is missing, too long, or has control characters.
    #[error("`{0}` is a text of 1 to {1} characters without control characters")]
    Text(&'static str, usize),
    /// Too many of something.
    #[error("a case holds no more than {1} {0}")]
    Many(&'static str, usize),
    /// Only the gateway itself does this.
    #[error("nobody asks for this by hand")]
    Own,
    /// The journal does not take it.
    #[error("it could not be written down, so it has not happened: {0}")]
    Journal(#[from] journal::Error),
}

impl Denied {
    /// How to mend it, where that can be said.
    #[must_use]
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::NotFounded => "`privet staff init FIRST SECOND` founds it with its first two officers",
            Self::Suspect => "another privacy officer decides; the clocks run meanwhile",
            Self::NoCase => "`privet incident list` shows the numbers",
            Self::Due(_) | Self::NoDuty => {
                "`privet incident show N` shows the duties; `privet incident report-done N --law L --duty D` settles one, with --not-due --reason TEXT where it is none"
            }
            _ => return None,
        })
    }

    /// Whether it is no answer but a trouble of ours.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Journal(_))
    }
}
