//! The controller's own list of people, read row by row beside those of a case: who is to be notified, at which address. Nothing of it is kept.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, Write},
};

use csv::{ByteRecord, ReaderBuilder, WriterBuilder};

use super::affected::Certainty;
use crate::access::{
    consent_list::{Error, separator, text},
    subject::{Name, Subject, Subjects},
};

/// Which columns say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Who, and what that is; a row is somebody's by any of them.
    pub names: Vec<(String, Name)>,
    /// Where they are reached; whole rows are written without.
    pub address: Option<String>,
    /// In which language, where that is known.
    pub language: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that were read.
    pub rows: u64,
    /// Rows with another number of columns than the first: nobody's.
    pub broken: u64,
    /// Rows that were written, by certainty: confirmed, possible.
    pub written: [u64; 2],
    /// Rows of people of the case in which no address stands: not written.
    pub unreachable: u64,
    /// People of the case whom no row names: confirmed, possible.
    pub missing: [u64; 2],
}

fn place(certainty: Certainty) -> usize {
    usize::from(certainty == Certainty::Possible)
}

/// Reads a list whose first line names its columns, and writes the rows of `people`: `address,subject,certainty,language`, or each whole with
/// `subject` and `certainty` behind it.
///
/// # Errors
/// When it is no such list, or can't be read or written.
pub fn roll(
    mut source: impl BufRead,
    columns: &Columns,
    subjects: &Subjects,
    people: &HashMap<Subject, Certainty>,
    out: impl Write,
) -> Result<Tally, Error> {
    let delimiter = separator(source.fill_buf()?);
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(source);
    let heads: Vec<String> = reader.byte_headers()?.iter().map(text).collect();
    let column = |wanted: &String| {
        let at = heads.iter().position(|known| known == wanted);
        at.ok_or_else(|| Error::Column { wanted: wanted.clone(), known: heads.clone() })
    };
    let names: Vec<(usize, &Name)> =
        columns.names.iter().map(|(head, name)| Ok::<_, Error>((column(head)?, name))).collect::<Result<_, _>>()?;
    let address = columns.address.as_ref().map(column).transpose()?;
    let language = columns.language.as_ref().map(column).transpose()?;
    let mut writer = WriterBuilder::new().from_writer(out);
    let mut head: Vec<&str> = address.map_or_else(|| heads.iter().map(String::as_str).collect(), |_| vec!["address"]);
    head.extend(["subject", "certainty"]);
    head.extend(address.and(language).map(|_| "language"));
    writer.write_record(&head)?;
    let (mut tally, mut named, mut row) = (Tally::default(), HashSet::new(), ByteRecord::new());
    while reader.read_byte_record(&mut row)? {
        tally.rows += 1;
        if row.len() != heads.len() {
            tally.broken += 1;
            continue;
        }
        let known = names.iter().filter_map(|(at, name)| subjects.name(name, row.get(*at)?));
        let known: Vec<(Subject, Certainty)> =
            known.filter_map(|subject| people.get(&subject).map(|certainty| (subject, *certainty))).collect();
        // Somebody whom two of their names lead to is as sure as the surer one.
        let Some((subject, certainty)) = known.iter().copied().max_by_key(|(_, certainty)| *certainty) else {
            continue;
        };
        named.extend(known.iter().map(|(subject, _)| *subject));
        let cell = |at: usize| row.get(at).map(text).unwrap_or_default();
        let (subject, word) = (subject.text(), certainty.name());
        match address.map(cell) {
            Some(address) if address.is_empty() => {
                tally.unreachable += 1;
                continue;
            }
            Some(address) => {
                let mut line = vec![address, subject, word.to_owned()];
                line.extend(language.map(cell));
                writer.write_record(&line)?;
            }
            None => {
                row.push_field(subject.as_bytes());
                row.push_field(word.as_bytes());
                writer.write_byte_record(&row)?;
            }
        }
        tally.written[place(certainty)] += 1;
    }
    writer.flush().map_err(io::Error::from)?;
    for certainty in people.iter().filter(|(subject, _)| !named.contains(subject)).map(|(_, certainty)| *certainty) {
        tally.missing[place(certainty)] += 1;
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Ring;

    #[test]
    fn rows_of_the_case_come_out_and_no_other() {
        let subjects = Subjects::of(&Ring::ephemeral().expect("random bytes"));
        let id = |id: &str| subjects.name(&Name::Id, id.as_bytes()).expect("a name");
        let mail = |mail: &str| subjects.name(&Name::of("email"), mail.as_bytes()).expect("a name");
        let people = HashMap::from([
            (id("1"), Certainty::Confirmed),
            (id("2"), Certainty::Possible),
            (mail("lee@example.com"), Certainty::Confirmed),
            (id("4"), Certainty::Possible),
            (id("99"), Certainty::Possible),
        ]);
        let list = "\u{feff}id;name;email;lang\r\n1;\"Kim; K\";kim@example.com;ko\r\n2;Lee;LEE@example.com;en\r\n3;Park;park@example.com;ko\r\n4;Choi; ;ko\r\n5;short\r\n";
        let run = |columns: &Columns| {
            let mut out = Vec::new();
            let tally = roll(list.as_bytes(), columns, &subjects, &people, &mut out);
            (tally, String::from_utf8(out).expect("text"))
        };
        let by_id = vec![("id".to_owned(), Name::Id)];
        let both = vec![("id".to_owned(), Name::Id), ("email".to_owned(), Name::of("email"))];
        let columns = |names, address: Option<&str>| Columns {
            names,
            address: address.map(str::to_owned),
            language: Some("lang".into()),
        };
        let (tally, text) = run(&columns(by_id.clone(), Some("email")));
        let tally = tally.expect("read");
        let expected = format!(
            "address,subject,certainty,language\nkim@example.com,{},confirmed,ko\nLEE@example.com,{},possible,en\n",
            id("1").text(),
            id("2").text()
        );
        assert_eq!(text, expected);
        let counted = Tally { rows: 5, broken: 1, written: [1, 1], unreachable: 1, missing: [1, 1] };
        assert_eq!(tally, counted);
        // By either of two names, and the surer of the two.
        let (tally, text) = run(&columns(both, None));
        assert_eq!(tally.expect("read").written, [2, 1]);
        assert!(text.starts_with("id,name,email,lang,subject,certainty\n1,Kim; K,kim@example.com,ko,"), "{text}");
        assert!(text.contains(&format!("2,Lee,LEE@example.com,en,{},confirmed\n", mail("lee@example.com").text())));
        let (error, text) = run(&columns(by_id, Some("mail")));
        assert!(text.is_empty());
        assert_eq!(error.expect_err("none").to_string(), "no column is called \"mail\"");
    }
}
