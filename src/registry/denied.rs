//! Why the registry does not do what it was asked for. Nobody's name is in the texts.

use super::pledge::Pledged;
use crate::journal;

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There are no officers yet.
    #[error("the registry is not founded yet")]
    NotFounded,
    /// There are already.
    #[error("the registry is founded already")]
    Founded,
    /// Who asks is no officer at this time.
    #[error("only a privacy officer in force may do this")]
    NotAnOfficer,
    /// It would be about who asks.
    #[error("nobody does this for themselves")]
    Oneself,
    /// The second person is the first one.
    #[error("whoever proposed it can't confirm it")]
    SamePerson,
    /// Two are needed, and only one was named.
    #[error("the first two officers are two people")]
    TwoPeople,
    /// Who asks has left.
    #[error("whoever has left can do nothing any more")]
    ActorLeft,
    /// It is about somebody who has left.
    #[error("this person has left")]
    Left,
    /// A provider speaks of another's people.
    #[error("a provider speaks of its own issuer's people alone")]
    OtherIssuer,
    /// Two people of one user name.
    #[error("somebody else has this user name")]
    NameTaken,
    /// A provider would bring somebody back.
    #[error("a privacy officer has let this person go: no provider brings them back")]
    LetGo,
    /// There is nothing of this number.
    #[error("nothing has this number, or it has lapsed")]
    Unknown,
    /// They have no such role.
    #[error("this person has no such role")]
    NotHeld,
    /// They have it.
    #[error("this person has this role already, or it is proposed for them")]
    Held,
    /// No officer would be left.
    #[error("no privacy officer without an end would be left, and nobody could ever give a right again")]
    LastOfficer,
    /// The role of duty without one.
    #[error("the role `duty` needs the job description that asks for it")]
    NoDuty,
    /// A text is missing, too long, or has control characters.
    #[error("`{0}` is a text of 1 to {1} characters without control characters")]
    Text(&'static str, usize),
    /// Too many of something.
    #[error("there are more than {0} duties or open matters")]
    Many(usize),
    /// It would end before it begins, or has ended already.
    #[error("the end must be after the start, and in the future")]
    Period,
    /// There is no pledge.
    #[error("no pledge was published")]
    NoPledge,
    /// It is not the one in force.
    #[error("this is not the text that is in force")]
    OldText,
    /// There is nothing to take back.
    #[error("there is no signature to withdraw: it is {}", .0.name())]
    NotSigned(Pledged),
    /// Nothing would change.
    #[error("this very text is in force already")]
    SameText,
    /// It is signed.
    #[error("this was signed already")]
    Signed,
    /// Somebody else has to sign.
    #[error("only the one who hands over and the one who takes over sign a handover")]
    NotTheirs,
    /// There is nothing that could go over.
    #[error("the one who hands over has no such grant")]
    NothingToHandOver,
    /// A period that is not over can't be reviewed.
    #[error("the end of a review's period must be after its start, and not in the future")]
    NotOver,
    /// Too many records to draw, or none.
    #[error("1 to {0} records are drawn")]
    Sample(u32),
    /// A review of some of this time is open.
    #[error("a review of this time is open: it is signed before another one begins")]
    Open,
    /// There is more to look at than a record holds.
    #[error("there is more to look at in this period than one review holds")]
    LongReview,
    /// The journal can't be read.
    #[error("the journal can't be read, so nothing can be drawn from it")]
    Unreadable,
    /// No review asks about these records.
    #[error("no open review asks about this record, or not about all of these")]
    NotReviewed,
    /// A finding without an action.
    #[error("a finding needs an action: what is done about it")]
    NoAction,
    /// There is none.
    #[error("there is no such review, or none is open")]
    NoReview,
    /// More than one is open.
    #[error("several reviews are open, and none is named")]
    Several,
    /// Something was not looked at.
    #[error("{0} records have no result yet")]
    Unjudged(usize),
    /// Nothing was taken along under this id.
    #[error("there is no such download")]
    NoDownload,
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
            Self::Oneself => "let another privacy officer do it",
            Self::SamePerson => "let another privacy officer confirm it",
            Self::Left => "`privet staff add` lets them join again",
            Self::LetGo => "`privet staff add NAME --issuer URL --as OFFICER` lets them join again",
            Self::LastOfficer => {
                "make somebody else an officer first, without an end: `privet staff grant NAME privacy-officer`"
            }
            Self::NoDuty => "name it: --duty TEXT",
            Self::Held => "`privet staff list` shows it; end it first to give it on other terms",
            Self::Unknown => "`privet staff list` and `privet handover list` show the numbers",
            Self::OldText => "read it again: `privet pledge show`",
            Self::LongReview => "review a shorter one: --since TIME --until TIME",
            Self::Open | Self::NoReview | Self::Several => "`privet audit review list` shows the numbers",
            Self::NoDownload => "`privet audit downloads` shows them with their ids",
            Self::Unjudged(_) | Self::NotReviewed => "`privet audit review show` shows what there is to look at",
            Self::NotTheirs => "where the one who hands over has left, an officer who did not start it signs for them",
            _ => return None,
        })
    }

    /// Whether it is no answer but a trouble of ours.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Journal(_) | Self::Unreadable)
    }
}
