//! The list of whom to tell, as `privet incident affected --match` makes it: CSV with `address`, `subject`, `certainty`, and `language` where it is known.
//! It is read where messages are sent, and kept nowhere.

use std::{
    collections::HashSet,
    io::{self, BufRead},
};

use csv::{ByteRecord, ReaderBuilder};

use super::{delivery::Pseudonym, wording::Language};
use crate::access::subject::Subject;

/// Somebody to be told.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub subject: Pseudonym,
    /// Where.
    pub address: String,
    /// Whether their data only may have left.
    pub possible: bool,
    /// In which language they read.
    pub language: Option<Language>,
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recipient({:?})", self.subject)
    }
}

/// Why a list can't be read. Nothing that stands in it is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not come.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is another format.
    #[error("it is no CSV")]
    Csv,
    /// A column is not there.
    #[error("it has no column `{0}`: `privet incident affected N --match` makes a list that has it")]
    Column(&'static str),
}

impl From<csv::Error> for Error {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Io(error),
            _ => Self::Csv,
        }
    }
}

/// A list that was read.
#[derive(Debug, Default)]
pub struct List {
    /// Whom to tell, each once.
    pub recipients: Vec<Recipient>,
    /// Lines that nothing comes of, and why.
    pub refused: Vec<(u64, &'static str)>,
}

/// Reads a list.
///
/// # Errors
/// When it is none.
pub fn read(from: impl BufRead) -> Result<List, Error> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(from);
    let names: Vec<String> = reader
        .byte_headers()?
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_ascii_lowercase())
        .collect();
    let column = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
    let address = column(&["address"]).ok_or(Error::Column("address"))?;
    let subject = column(&["subject"]).ok_or(Error::Column("subject"))?;
    let certainty = column(&["certainty"]).ok_or(Error::Column("certainty"))?;
    let language = column(&["language"]);
    let (mut list, mut seen, mut record) = (List::default(), HashSet::new(), ByteRecord::new());
    while reader.read_byte_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: usize| record.get(at).and_then(|cell| std::str::from_utf8(cell).ok()).map(str::trim);
        let one = || -> Result<Recipient, &'static str> {
            let subject = cell(subject).and_then(Subject::parse).ok_or("`subject` is no pseudonym")?;
            let possible = match cell(certainty) {
                Some("confirmed") => false,
                Some("possible") => true,
                _ => return Err("`certainty` is neither `confirmed` nor `possible`"),
            };
            let address = cell(address).unwrap_or_default().to_owned();
            let language = language.and_then(cell).and_then(Language::of);
            Ok(Recipient { subject: Pseudonym(subject), address, possible, language })
        };
        match one() {
            Ok(recipient) if seen.insert(recipient.subject) => list.recipients.push(recipient),
            Ok(_) => list.refused.push((line, "this person stands in the list already, and is told once")),
            Err(why) => list.refused.push((line, why)),
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_told_once_and_what_is_no_line_is_told_by_its_number() {
        let [one, two] = [1, 2].map(|n| Subject([n; 16]).text());
        let text = format!(
            "\u{feff}Subject,certainty,address,language\n{one},confirmed,a@x.example,ko-KR\n{two},possible,b@x.example,fr\n\
             {one},confirmed,c@x.example,\nnobody,possible,d@x.example,\n{two},maybe,,\n"
        );
        let list = read(text.as_bytes()).expect("read");
        assert_eq!(list.recipients.len(), 2);
        assert!(list.recipients[0].language == Some(Language::Korean) && !list.recipients[0].possible);
        assert!(list.recipients[1].language.is_none() && list.recipients[1].possible);
        assert_eq!(list.refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5, 6]);
        assert!(matches!(read("subject,address\n".as_bytes()), Err(Error::Column("certainty"))));
        assert!(!format!("{list:?}").contains("x.example"));
    }
}
