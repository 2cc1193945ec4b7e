//! What a check says.

use std::sync::mpsc::Sender;

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// Something does not work, or is open to others.
    Fault,
    /// Something will not work soon, or is less safe than it might be.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// The check, a dot, and what.
    pub(super) name: String,
    /// What is seen.
    pub(super) seen: String,
    /// What to do.
    pub(super) mend: String,
}

/// What comes from a check.
#[derive(Debug)]
pub(super) enum Told {
    /// It has found something.
    Finding(Finding),
    /// It can't look at something, and why.
    Unseen(&'static str, String),
    /// It has looked.
    Done(&'static str),
}

/// Where a check says what it has found. What is said counts even where the check ends too late.
#[derive(Debug)]
pub(super) struct Found {
    check: &'static str,
    to: Sender<Told>,
}

impl Found {
    pub(super) fn new(check: &'static str, to: Sender<Told>) -> Self {
        Self { check, to }
    }

    pub(super) fn fault(&self, name: &str, seen: impl Into<String>, mend: impl Into<String>) {
        self.say(Severity::Fault, name, seen.into(), mend.into());
    }

    pub(super) fn warning(&self, name: &str, seen: impl Into<String>, mend: impl Into<String>) {
        self.say(Severity::Warning, name, seen.into(), mend.into());
    }

    pub(super) fn note(&self, name: &str, seen: impl Into<String>, mend: impl Into<String>) {
        self.say(Severity::Note, name, seen.into(), mend.into());
    }

    /// A fault, or where it is none yet a warning.
    pub(super) fn graded(&self, grave: bool, name: &str, seen: impl Into<String>, mend: impl Into<String>) {
        let severity = if grave { Severity::Fault } else { Severity::Warning };
        self.say(severity, name, seen.into(), mend.into());
    }

    /// Something can't be looked at.
    pub(super) fn unseen(&self, why: impl Into<String>) {
        self.tell(Told::Unseen(self.check, why.into()));
    }

    pub(super) fn done(&self) {
        self.tell(Told::Done(self.check));
    }

    fn say(&self, severity: Severity, name: &str, seen: String, mend: String) {
        self.tell(Told::Finding(Finding { severity, name: format!("{}.{name}", self.check), seen, mend }));
    }

    fn tell(&self, told: Told) {
        // Nobody listens after the deadline.
        let _ = self.to.send(told);
    }
}

/// An error and what it comes from, in a line.
pub(super) fn why(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let said = source.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = source.source();
    }
    text
}

/// So many seconds, in words.
pub(super) fn span(seconds: u64) -> String {
    let (n, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

/// So many bytes, in words.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x2_8000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
