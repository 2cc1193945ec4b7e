//! What is looked for, and what is written in its place.

use std::{ops::Deref, sync::Arc};

use regex::bytes::{Regex, RegexBuilder};

use super::finding::Kind;

/// What is looked for, and how sure a finding must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Least confidence of a finding, percent.
    pub threshold: u8,
    /// Types that are not looked for.
    pub off: Vec<Kind>,
    /// The operator's own detectors.
    pub detectors: Vec<Own>,
    /// Values that are nobody's: as they are written, compared without regard to ASCII case.
    pub allow: Vec<String>,
    /// Patterns of values that are nobody's; a value is matched as a whole.
    pub allow_regex: Vec<Pattern>,
    /// Mail domains that are nobody's, with those below them.
    pub allow_domains: Vec<String>,
    /// What is written in a value's place.
    pub operator: Operator,
    /// The same for single types.
    pub operators: Vec<(Kind, Operator)>,
}

/// What is written in a value's place; the room `operator` describes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operator {
    /// A keyed pseudonym.
    #[default]
    Token,
    /// What people need to recognise it.
    Mask,
    /// Its type.
    Redact,
    /// Nothing.
    Drop,
    /// What `privet reveal` opens.
    Encrypt,
    /// The network of an address.
    Truncate,
    /// Another address of the same network.
    Preserve,
}

impl Checksum {
    /// Every one by its name in configurations.
    pub const ALL: [(&'static str, Self); 3] =
        [("luhn", Self::Luhn), ("verhoeff", Self::Verhoeff), ("mod97", Self::Mod97)];
}

impl Operator {
    /// Every operator by its name in configurations and on the command line.
    pub const ALL: [(&'static str, Self); 7] = [
        ("token", Self::Token),
        ("mask", Self::Mask),
        ("redact", Self::Redact),
        ("drop", Self::Drop),
        ("encrypt", Self::Encrypt),
        ("truncate", Self::Truncate),
        ("preserve", Self::Preserve),
    ];
}

/// A detector of the operator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Of what type its findings are.
    pub name: Arc<str>,
    /// What a value looks like.
    pub regex: Pattern,
    /// Words of which one must stand near, where any are given.
    pub keywords: Vec<String>,
    /// Most bytes of a value, 1 to [`Own::LONGEST`]; the rest of a longer one is dropped up to where a word ends.
    pub max_length: usize,
    /// Which check digits a value must have.
    pub checksum: Option<Checksum>,
}

impl Own {
    /// Most bytes of a value: the look-ahead of a stream.
    pub const LONGEST: usize = 1024;
}

/// A pattern over bytes, in the `regex` crate's syntax, whose size and memory are bounded.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Bytes of a compiled pattern, and of what matching it may keep.
    const SIZE: usize = 4 << 20;

    /// A pattern that is looked for anywhere.
    ///
    /// # Errors
    /// When the engine refuses it, or it matches where nothing stands.
    pub fn anywhere(pattern: &str) -> Result<Self, InvalidPattern> {
        let compiled = Self::compile(pattern)?;
        if compiled.is_match(b"") { Err(InvalidPattern::Empty) } else { Ok(Self(compiled)) }
    }

    /// A pattern that a value is matched with as a whole.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn whole(pattern: &str) -> Result<Self, InvalidPattern> {
        // Once by itself, so that an error shows what was written.
        Self::compile(pattern)?;
        Self::compile(&format!("^(?:{pattern})$")).map(Self)
    }

    fn compile(pattern: &str) -> Result<Regex, InvalidPattern> {
        RegexBuilder::new(pattern)
            .size_limit(Self::SIZE)
            .dfa_size_limit(Self::SIZE)
            .build()
            .map_err(|source| InvalidPattern::Refused(Box::new(source)))
    }
}

impl Deref for Pattern {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        &self.0
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

/// A pattern that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPattern {
    /// The engine's own words, which show the pattern and nothing else.
    #[error("{0}")]
    Refused(Box<regex::Error>),
    /// It would be found everywhere.
    #[error("the pattern matches nothing at all, too")]
    Empty,
}

/// Check digits that an operator may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// ISO/IEC 7812-1, annex B.
    Luhn,
    /// Verhoeff 1969.
    Verhoeff,
    /// ISO 7064 MOD 97-10, as of an IBAN.
    Mod97,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: 50,
            off: Vec::new(),
            detectors: Vec::new(),
            allow: Vec::new(),
            allow_regex: Vec::new(),
            allow_domains: Vec::new(),
            operator: Operator::default(),
            operators: Vec::new(),
        }
    }
}
