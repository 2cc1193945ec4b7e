//! Who is asked about files: clamd, an ICAP server, or both. With both, each gets each file: one that finds something is enough, and a file is
//! clean only where both say so.

use std::time::Duration;

use super::{
    clamd::{self, Clamd},
    icap::{self, Icap},
    settings::Settings,
    signatures::Version,
    wire::{Error, Reply},
};

/// All that are asked.
#[derive(Debug)]
pub struct Engines {
    clamd: Option<Clamd>,
    icap: Option<Icap>,
}

/// What they say of themselves.
#[derive(Debug, Default)]
pub struct Said {
    /// Versions of programs and signatures, where all have answered.
    pub version: Option<Version>,
    /// Those that do not answer.
    pub away: Vec<(&'static str, Error)>,
    /// Nobody answers.
    pub nobody: bool,
}

impl Engines {
    /// As settings say.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { clamd: settings.clamd.as_ref().map(Clamd::new), icap: settings.icap.as_ref().map(Icap::new) }
    }

    /// clamd, where it is one of them.
    #[must_use]
    pub fn clamd(&self) -> Option<&Clamd> {
        self.clamd.as_ref()
    }

    /// How they are called together.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (&self.clamd, &self.icap) {
            (_, None) => "clamd",
            (None, _) => "the ICAP server",
            _ => "clamd or the ICAP server",
        }
    }

    /// Asks all how they are. Blocking.
    #[must_use]
    pub fn look(&self) -> Said {
        let (mut said, mut versions, mut asked) = (Said::default(), Vec::new(), 0);
        if let Some(clamd) = &self.clamd {
            asked += 1;
            match clamd.version() {
                Ok(text) => versions.push(Version::read(&text)),
                Err(error) => said.away.push(("clamd", error)),
            }
        }
        if let Some(icap) = &self.icap {
            asked += 1;
            match icap.options() {
                Ok(options) => versions.push(Version::of_service(options.service, options.tag)),
                Err(error) => said.away.push(("the ICAP server", error)),
            }
        }
        said.nobody = versions.is_empty();
        if versions.len() == asked {
            said.version = versions.into_iter().reduce(Version::with);
        }
        said
    }

    /// Begins to ask about a file.
    #[must_use]
    pub fn scan(&self, upload: bool, patience: Duration) -> Inquiry {
        let clamd = self.clamd.as_ref().map(|clamd| Asked::of(clamd.scan(patience).map(Stream::Clamd)));
        let icap =
            self.icap.as_ref().map(|icap| Asked::of(icap.scan(upload, patience).map(|s| Stream::Icap(Box::new(s)))));
        Inquiry(clamd.into_iter().chain(icap).collect())
    }
}

/// A file in front of all of them.
pub struct Inquiry(Vec<Asked>);

enum Asked {
    Open(Stream),
    Done(Result<Reply, Error>),
}

enum Stream {
    Clamd(clamd::Stream),
    Icap(Box<icap::Stream>),
}

impl Stream {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Clamd(stream) => stream.send(bytes),
            Self::Icap(stream) => stream.send(bytes),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        match self {
            Self::Clamd(stream) => stream.end(),
            Self::Icap(stream) => stream.end(),
        }
    }

    fn answer(self) -> Result<Reply, Error> {
        match self {
            Self::Clamd(stream) => stream.answer(),
            Self::Icap(stream) => stream.answer(),
        }
    }
}

impl Asked {
    fn of(begun: Result<Stream, Error>) -> Self {
        begun.map_or_else(|error| Self::Done(Err(error)), Self::Open)
    }

    /// Does `step`; where that fails, what the scanner has to say is what is left of it.
    fn then(self, step: impl FnOnce(&mut Stream) -> Result<(), Error>) -> Self {
        let Self::Open(mut stream) = self else { return self };
        let Err(error) = step(&mut stream) else { return Self::Open(stream) };
        let answer = if matches!(error, Error::Timeout) { None } else { stream.answer().ok() };
        // It may say why it takes no more. That it is clean can't be said of a part.
        Self::Done(answer.filter(|reply| *reply != Reply::Clean).ok_or(error))
    }

    fn answer(self) -> Result<Reply, Error> {
        match self {
            Self::Open(stream) => stream.answer(),
            Self::Done(said) => said,
        }
    }
}

impl Inquiry {
    /// Sends more to all who still take it.
    ///
    /// # Errors
    /// When nobody does, and nobody has a verdict.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0 = std::mem::take(&mut self.0).into_iter().map(|asked| asked.then(|s| s.send(bytes))).collect();
        if self.0.iter().any(|asked| !matches!(asked, Asked::Done(Err(_)))) {
            return Ok(());
        }
        std::mem::take(&mut self.0).into_iter().next().map_or(Err(Error::Silent), Asked::answer).map(|_| ())
    }

    /// Ends the file for all, then hears each.
    ///
    /// # Errors
    /// When one gives no verdict and the other has found nothing.
    pub fn finish(self) -> Result<Reply, Error> {
        // Each has all of it before the first is waited for.
        let ended: Vec<Asked> = self.0.into_iter().map(|asked| asked.then(Stream::end)).collect();
        together(ended.into_iter().map(Asked::answer))
    }
}

/// What several say, taken together.
fn together(all: impl Iterator<Item = Result<Reply, Error>>) -> Result<Reply, Error> {
    let weight = |said: &Result<Reply, Error>| match said {
        Ok(Reply::Found(_)) => 3,
        Err(_) => 2,
        Ok(Reply::Exceeded) => 1,
        Ok(Reply::Clean) => 0,
    };
    all.max_by_key(weight).unwrap_or(Err(Error::Silent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_finding_is_enough_and_one_silence_too_much() {
        let found = || Ok(Reply::Found("a".to_owned()));
        let said = |first, second| together([first, second].into_iter());
        assert!(matches!(said(Ok(Reply::Clean), Ok(Reply::Clean)), Ok(Reply::Clean)));
        assert!(matches!(said(Ok(Reply::Clean), Ok(Reply::Exceeded)), Ok(Reply::Exceeded)));
        assert!(matches!(said(Err(Error::Timeout), Ok(Reply::Exceeded)), Err(Error::Timeout)));
        assert!(matches!(said(Ok(Reply::Clean), Err(Error::Silent)), Err(Error::Silent)));
        assert!(matches!(said(found(), Err(Error::Silent)), Ok(Reply::Found(_))));
        assert!(matches!(said(Ok(Reply::Clean), found()), Ok(Reply::Found(_))));
        assert!(matches!(together(std::iter::empty()), Err(Error::Silent)));
    }
}
