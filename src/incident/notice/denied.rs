//! Why nothing is done about a notice. Nobody's name or address is in the texts.

use super::{draft, state::APPROVALS};
use crate::{incident::compensation, journal};

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There are no officers yet.
    #[error("the registry is not founded: nobody may speak to people")]
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
    /// It was none.
    #[error("the case is cleared: there is nothing to tell")]
    Cleared,
    /// There is none.
    #[error("the case has no such notice")]
    NoNotice,
    /// There is no such duty towards people.
    #[error("the law `{0}` had no duty `{1}` towards people when this case became known")]
    NoDuty(String, String),
    /// Nothing was written.
    #[error("nothing is written in it")]
    Empty,
    /// A document can't be made.
    #[error(transparent)]
    Draft(#[from] draft::Error),
    /// A text can't be kept.
    #[error("`{0}` is a text of at most {max} bytes without control characters", max = draft::LONGEST)]
    Text(String),
    /// It is another text.
    #[error("the text has another SHA-256: it was changed, or this is another notice")]
    Another,
    /// The same officer twice.
    #[error("you have approved it already; another officer has to")]
    Twice,
    /// There are not enough.
    #[error("{APPROVALS} officers approve a notice before it goes out, and {0} has")]
    Unapproved(usize),
    /// It has gone out.
    #[error("it has gone out already: whatever is to be told besides is a notice of its own")]
    Out,
    /// Another sender is at it.
    #[error("another sender has taken this over: nothing more is sent from here")]
    TakenOver,
    /// It goes out another way.
    #[error("it goes out by another way already: one person would get it twice")]
    Way,
    /// Not so many at once.
    #[error("there are too many in one window, or nobody")]
    Window,
    /// Nobody, or too many.
    #[error("nobody of these was accepted before, or they are more than {max} at once", max = super::delivery::BOUNCES)]
    Bounces,
    /// Too short.
    #[error("a notice is posted for 30 days at least, and for 10 years at most")]
    Posted,
    /// Nobody could prove that it was there.
    #[error("the configuration does not say where people see the public page, so nobody could prove that it was there")]
    NoPage,
    /// It is not there.
    #[error("nothing of this case is posted")]
    NotPosted,
    /// It is not one of the steps.
    #[error(transparent)]
    Compensation(#[from] compensation::Wrong),
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
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotFounded => "`privet staff init FIRST SECOND` founds it with its first two officers",
            Self::Suspect => "another privacy officer decides",
            Self::NoCase => "`privet incident list` shows the numbers",
            Self::NoNotice => "`privet incident notice N` shows what there is",
            Self::NoDuty(..) => "`privet incident show N` shows laws and duties",
            Self::Empty | Self::Draft(draft::Error::Missing(_)) => {
                "write it: --set KEY=TEXT or --set-file KEY=FILE, with --language ko or en"
            }
            Self::NoPage => "add `[incident.page]` with `url = \"https://HOST\"`",
            Self::Another => "read it again (`privet incident notice N`) and approve what you have read",
            Self::Unapproved(_) => "`privet incident approve N --agree SHA256`, each in their own name",
            _ => return None,
        })
    }

    /// Whether it is no answer but a trouble of ours.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Journal(_))
    }
}
