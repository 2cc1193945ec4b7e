//! A list of who has agreed: CSV whose first line names the columns, as offices export it, or JSON objects, as applications answer with.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, BufRead},
};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::Value;

use super::{
    consent_form::agrees,
    subject::{Name, Subject, Subjects},
};

/// Most bytes of a first line that are looked at for what parts its columns.
const START: usize = 64 << 10;

/// Which columns, or members of objects, say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Who.
    pub id: String,
    /// What that is.
    pub name: Name,
    /// Whether they have agreed.
    pub agreed: String,
}

/// What a line says of whom; or why nothing comes of it.
pub type Said = Result<(Subject, bool), &'static str>;

/// Why a list can't be read. Nothing that stands in it is in the text, but for the names of columns.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not come.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is another format.
    #[error("it is no CSV")]
    Csv,
    /// It is another format.
    #[error("it is no list of JSON objects")]
    Json,
    /// A column is not there.
    #[error("no column is called \"{wanted}\"")]
    Column {
        /// Which.
        wanted: String,
        /// Those that are.
        known: Vec<String>,
    },
}

impl From<csv::Error> for Error {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Io(error),
            _ => Self::Csv,
        }
    }
}

/// A list in CSV, of any length, line by line.
pub struct List<R> {
    reader: csv::Reader<R>,
    record: ByteRecord,
    width: usize,
    id: usize,
    agreed: usize,
    name: Name,
}

impl<R> std::fmt::Debug for List<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "List({} columns)", self.width)
    }
}

impl<R: BufRead> List<R> {
    /// Reads the first line. "," ";" or a tab parts its columns.
    ///
    /// # Errors
    /// When it is none, or a column is not there.
    pub fn open(mut source: R, columns: &Columns) -> Result<Self, Error> {
        let delimiter = separator(source.fill_buf()?);
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(source);
        let known: Vec<String> = reader.byte_headers()?.iter().map(text).collect();
        let column = |wanted: &str| {
            let at = known.iter().position(|known| known == wanted);
            at.ok_or_else(|| Error::Column { wanted: wanted.to_owned(), known: known.clone() })
        };
        let (id, agreed) = (column(&columns.id)?, column(&columns.agreed)?);
        let name = columns.name.clone();
        Ok(Self { reader, record: ByteRecord::new(), width: known.len(), id, agreed, name })
    }

    /// The next line, by its number.
    ///
    /// # Errors
    /// When it does not come.
    pub fn next(&mut self, subjects: &Subjects) -> Result<Option<(u64, Said)>, Error> {
        if !self.reader.read_byte_record(&mut self.record)? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() != self.width {
            return Ok(Some((line, Err("it has another number of columns than the first"))));
        }
        Ok(Some((line, said(self.record.get(self.id), self.record.get(self.agreed), &self.name, subjects))))
    }
}

fn said(id: Option<&[u8]>, agreed: Option<&[u8]>, name: &Name, subjects: &Subjects) -> Said {
    let subject = id.and_then(|value| subjects.name(name, value)).ok_or("it names nobody")?;
    let agreed = agreed.filter(|value| !value.trim_ascii().is_empty()).and_then(agrees);
    Ok((subject, agreed.ok_or("it does not say clearly whether they have agreed")?))
}

/// A whole list, in CSV or JSON: who has agreed and who has not, and how many lines say nothing. Of somebody who stands there twice the later
/// line counts.
///
/// # Errors
/// When it is neither.
pub fn read(bytes: &[u8], columns: &Columns, subjects: &Subjects) -> Result<(HashMap<Subject, bool>, u64), Error> {
    let (mut people, mut unread) = (HashMap::new(), 0);
    let mut take = |line: Said| match line {
        Ok((subject, agreed)) => drop(people.insert(subject, agreed)),
        Err(_) => unread += 1,
    };
    if matches!(bytes.trim_ascii_start().first(), Some(b'[' | b'{')) {
        for object in objects(serde_json::from_slice(bytes).map_err(|_| Error::Json)?)? {
            let member = |name: &str| object.get(name).and_then(plain);
            let (id, agreed) = (member(&columns.id), member(&columns.agreed));
            take(said(id.as_deref().map(str::as_bytes), agreed.as_deref().map(str::as_bytes), &columns.name, subjects));
        }
    } else {
        let mut list = List::open(bytes, columns)?;
        while let Some((_, line)) = list.next(subjects)? {
            take(line);
        }
    }
    Ok((people, unread))
}

/// The objects of a list, which may be a member of another object.
fn objects(value: Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Array(all) => Ok(all),
        Value::Object(members) => {
            let mut lists = members.into_iter().filter_map(|(_, value)| match value {
                Value::Array(all) => Some(all),
                _ => None,
            });
            lists.next().ok_or(Error::Json)
        }
        _ => Err(Error::Json),
    }
}

fn plain(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string().into()),
        _ => None,
    }
}

/// What parts the columns of the first line: "," ";" or a tab.
#[must_use]
pub fn separator(start: &[u8]) -> u8 {
    let start = &start[..start.len().min(START)];
    let line = &start[..memchr::memchr(b'\n', start).unwrap_or(start.len())];
    let count = |sign: u8| memchr::memchr_iter(sign, line).count();
    // The first of equals wins.
    *b",;\t".iter().rev().max_by_key(|sign| count(**sign)).unwrap_or(&b',')
}

/// A column's name, or what stands in one: in UTF-8, or as spreadsheets in Korea write it.
#[must_use]
pub fn text(name: &[u8]) -> String {
    let name = name.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(name).trim_ascii();
    match std::str::from_utf8(name) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::EUC_KR.decode(name).0.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Ring;

    #[test]
    fn a_list_is_csv_or_json() {
        let subjects = Subjects::of(&Ring::ephemeral().expect("random bytes"));
        let columns = Columns { id: "email".into(), name: Name::of("email"), agreed: "ads".into() };
        let who = |text: &str| subjects.name(&columns.name, text.as_bytes()).expect("a name");
        let expected = HashMap::from([(who("kim@example.com"), true), (who("lee@example.com"), false)]);
        for (text, unread) in [
            ("email,ads\nkim@example.com,yes\nlee@example.com,no\n", 0),
            (
                "\u{feff}ads;name;email\r\nN;x;kim@example.com\r\n1;y;KIM@example.com\r\n0;;lee@example.com\r\nperhaps;z;a@example.com\r\n1;z\r\n",
                2,
            ),
            (
                r#"[{"email":"kim@example.com","ads":true},{"email":"lee@example.com","ads":0},{"email":null,"ads":1},7]"#,
                2,
            ),
            (
                r#" {"total":2,"people":[{"email":"kim@example.com","ads":"on"},{"email":"lee@example.com","ads":"off"}]}"#,
                0,
            ),
        ] {
            assert_eq!(
                read(text.as_bytes(), &columns, &subjects).expect("a list"),
                (expected.clone(), unread),
                "{text}"
            );
        }
        let error = |text: &str| read(text.as_bytes(), &columns, &subjects).expect_err("none").to_string();
        assert_eq!(error("mail,ads\n"), "no column is called \"email\"");
        assert_eq!(error("{\"people\":1}"), "it is no list of JSON objects");
        assert_eq!(error("[{\"email\":\"kim@exam"), "it is no list of JSON objects");
        assert_eq!(error(""), "no column is called \"email\"");
        assert_eq!(error("<html>sign in</html>"), "no column is called \"email\"");
    }
}
