//! Where in bodies it stands whose a record is, as a configuration says it.

use std::fmt;

/// What says whose a record is, and whether they agreed; for every format of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// Whose it is.
    pub subject: Vec<At>,
    /// Whether they agreed.
    pub consent: Vec<At>,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// In JSON: the names that lead to a record, where `*` is any one, and those within it.
    Json {
        /// What the last `*` names, with it; the whole body where there is none.
        record: Vec<Vec<u8>>,
        /// From there to the value.
        within: Vec<Vec<u8>>,
    },
    /// The column of CSV with this head.
    Csv(String),
    /// The attribute of HTML. The element that has it is the record.
    Attribute(String),
    /// The column of an HTML table with this head. Its rows are the records.
    Column(String),
    /// A segment of the request's path, counted from 1: it says whose everything in the answer is, and parts no records.
    Segment(usize),
}

/// Why a place can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It begins with nothing that is known.
    #[error("a place begins with `json:`, `csv:`, `html:` or `path:`")]
    Unknown,
    /// No path.
    #[error("a path starts with `/`, and no name in it is empty")]
    Path,
    /// More names than are followed.
    #[error("a path has at most {MOST_NAMES} names")]
    Deep,
    /// No name of an attribute.
    #[error("an attribute's name is small letters, digits and `-`, such as `data-customer-id`")]
    Attribute,
    /// No head of a column.
    #[error("a column's name is missing")]
    Column,
    /// No number of a segment.
    #[error("a segment of the path is a number from 1 to 32")]
    Segment,
}

/// Most names of a path.
const MOST_NAMES: usize = 32;

impl At {
    /// Reads a place: `json:/customers/*/id`, `csv:id`, `html:data-id`, `html:column:ID` or `path:2`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let (format, rest) = text.split_once(':').ok_or(Invalid::Unknown)?;
        let column = |name: &str| {
            let name = name.trim();
            if name.is_empty() { Err(Invalid::Column) } else { Ok(name.to_owned()) }
        };
        match (format, rest.split_once(':')) {
            ("json", _) => json(rest),
            ("csv", _) => column(rest).map(Self::Csv),
            ("html", Some(("column", name))) => column(name).map(Self::Column),
            ("html", None) if !rest.is_empty() && rest.bytes().all(is_of_attribute) => {
                Ok(Self::Attribute(rest.to_owned()))
            }
            ("html", _) => Err(Invalid::Attribute),
            ("path", None) => match rest.parse() {
                Ok(nth @ 1..=32) => Ok(Self::Segment(nth)),
                _ => Err(Invalid::Segment),
            },
            _ => Err(Invalid::Unknown),
        }
    }
}

fn is_of_attribute(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')
}

fn json(text: &str) -> Result<At, Invalid> {
    let rest = text.strip_prefix('/').ok_or(Invalid::Path)?;
    let names: Vec<Vec<u8>> =
        rest.split('/').map(|name| name.replace("~1", "/").replace("~0", "~").into_bytes()).collect();
    if names.iter().any(Vec::is_empty) {
        return Err(Invalid::Path);
    }
    if names.len() > MOST_NAMES {
        return Err(Invalid::Deep);
    }
    let end = names.iter().rposition(|name| name == b"*").map_or(0, |last| last + 1);
    let (record, within) = names.split_at(end);
    Ok(At::Json { record: record.to_vec(), within: within.to_vec() })
}

impl fmt::Display for At {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { record, within } => {
                f.write_str("json:")?;
                record.iter().chain(within).try_for_each(|name| {
                    let name = String::from_utf8_lossy(name).replace('~', "~0").replace('/', "~1");
                    write!(f, "/{name}")
                })
            }
            Self::Csv(name) => write!(f, "csv:{name}"),
            Self::Attribute(name) => write!(f, "html:{name}"),
            Self::Column(name) => write!(f, "html:column:{name}"),
            Self::Segment(nth) => write!(f, "path:{nth}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written() {
        for text in [
            "json:/customers/*/id",
            "json:/id",
            "json:/*/a~1b/c",
            "csv:고객번호",
            "html:data-customer-id",
            "html:column:ID",
            "path:2",
        ] {
            assert_eq!(At::parse(text).map(|at| at.to_string()).as_deref(), Ok(text));
        }
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        let Ok(At::Json { record, within }) = At::parse("json:/groups/*/customers/*/profile/id") else { panic!() };
        assert_eq!((record, within), (names(&["groups", "*", "customers", "*"]), names(&["profile", "id"])));
        for (text, why) in [
            ("customers", Invalid::Unknown),
            ("xml:/a", Invalid::Unknown),
            ("json:customers", Invalid::Path),
            ("json:/a//b", Invalid::Path),
            ("csv: ", Invalid::Column),
            ("html:", Invalid::Attribute),
            ("html:Data-Id", Invalid::Attribute),
            ("html:column:", Invalid::Column),
            ("path:0", Invalid::Segment),
        ] {
            assert_eq!(At::parse(text), Err(why), "{text}");
        }
        assert_eq!(At::parse(&format!("json:{}", "/a".repeat(40))), Err(Invalid::Deep));
    }
}
