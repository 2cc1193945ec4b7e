//! What is looked for, and what is written in its place.

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
    pub allow_regex: Vec<String>,
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
    pub name: String,
    /// What a value looks like: the `regex` crate's syntax, over bytes.
    pub regex: String,
    /// Words of which one must stand near, where any are given.
    pub keywords: Vec<String>,
    /// Most bytes of a value.
    pub max_length: usize,
    /// Which check digits a value must have.
    pub checksum: Option<Checksum>,
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
