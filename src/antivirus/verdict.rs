//! What is made of a body.

/// What scanners, or the lack of them, say of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No signature matches.
    Clean,
    /// One does.
    Infected(Infection),
    /// There is more of it than is scanned.
    Exceeded,
    /// There was no room to hold it.
    Full,
    /// It can't be taken apart, so that nobody knows what an application will see in it.
    Unreadable(&'static str),
    /// Nobody judged it.
    Unavailable(&'static str),
    /// The signatures are too old to judge it.
    Stale,
}

/// Malware that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Infection {
    /// The signature that matches, as the scanner calls it: visible ASCII.
    pub signature: String,
    /// Which file of the body it is, from 1.
    pub item: usize,
    /// Its size in bytes.
    pub size: u64,
    /// Its id in the quarantine.
    pub quarantine: Option<String>,
}

impl Verdict {
    /// The label of metrics and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Infected(_) => "infected",
            Self::Exceeded => "exceeded",
            Self::Full => "full",
            Self::Unreadable(_) => "unreadable",
            Self::Unavailable(_) => "unavailable",
            Self::Stale => "stale",
        }
    }

    /// Why it is no judgement, for the log; never anything of the body.
    #[must_use]
    pub fn why(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable(why) | Self::Unavailable(why) => Some(why),
            _ => None,
        }
    }
}

/// Which way a body goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the application.
    Upload,
    /// To the client.
    Download,
}

impl Direction {
    /// As logs name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
        }
    }
}

/// What a request's line in the access log says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was found.
    pub verdict: Verdict,
    /// In what.
    pub direction: Direction,
    /// Whether it was refused for that.
    pub refused: bool,
    /// Files that were scanned.
    pub items: usize,
}
