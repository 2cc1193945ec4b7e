//! One rule: what is told of everything that it finds.

use super::{exchange::Exchange, finding::Seen};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Helps an attack.
    Low,
    /// Makes one possible under conditions.
    Medium,
    /// Makes one possible.
    High,
    /// Is one, or as good as one.
    Critical,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// As it is written everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// By its name.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|severity| severity.name() == name);
        found.ok_or_else(|| "write one of info, low, medium, high, critical".to_owned())
    }

    /// `security-severity` as code hosts read it: over 9 is critical, from 7 high, from 4 medium.
    #[must_use]
    pub fn score(self) -> &'static str {
        match self {
            Self::Info => "0.0",
            Self::Low => "3.0",
            Self::Medium => "5.5",
            Self::High => "8.0",
            Self::Critical => "9.5",
        }
    }
}

/// Which of Privet's settings mends a finding now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// A line in the application's `[[route]]`.
    Route(&'static str),
    /// A header that answers get where they have none of the name: `headers` of the route.
    Header(&'static str, &'static str),
    /// Headers of the application's that nobody gets: `hide_headers` of the route.
    Hide(&'static [&'static str]),
    /// A table of its own; `{path}` stands for the finding's.
    Table(&'static str),
    /// A line in the route, and a table.
    With(&'static str, &'static str),
    /// Privet does this wherever it stands in front, by default.
    InFront,
    /// None: this is the application's, or its operator's, to mend.
    Nothing,
}

impl Remedy {
    /// For people.
    #[must_use]
    pub fn text(self) -> Option<String> {
        match self {
            Self::Route(line) => Some(line.to_owned()),
            Self::Header(name, value) => Some(format!("headers.{name} = \"{value}\"")),
            Self::Hide(names) => Some(format!("hide_headers = {names:?}")),
            Self::Table(table) => Some(table.replace('\n', "; ")),
            Self::With(line, table) => Some(format!("{line}, with {}", table.replace('\n', " "))),
            Self::InFront => Some("Privet in front of the application does this by default".to_owned()),
            Self::Nothing => None,
        }
    }
}

/// What makes one finding of many of the same rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One for a whole site and subject: what it lacks, it lacks on most pages.
    Site,
    /// One a page.
    Page,
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub enum Looks {
    /// An answer that somebody had, on the way by, or that the scan has asked for.
    Answer(fn(&Exchange<'_>) -> Vec<Seen>),
    /// What only asking tells.
    Probe,
    /// Privet's own configuration.
    Configuration,
}

/// One rule.
pub struct Rule {
    /// Its name, which never changes.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// How grave.
    pub severity: Severity,
    /// Its number in the Common Weakness Enumeration.
    pub cwe: u16,
    /// Why it matters.
    pub why: &'static str,
    /// How the application, or its server, mends it.
    pub mend: &'static str,
    /// What mends it without touching the application.
    pub remedy: Remedy,
    /// What it takes from the grade of headers and transport, of a hundred points.
    pub points: u8,
    /// What makes one finding of many.
    pub scope: Scope,
    /// What it looks at.
    pub looks: Looks,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rule").field(&self.id).finish()
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}
