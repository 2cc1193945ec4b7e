//! Records of CSV: its lines but the first, which names the columns.
//!
//! Readers of CSV differ. A line that another could part otherwise says nothing of itself: one whose fields are more or fewer than
//! the head's, with a lone CR, or with a quote anywhere but around a field.

use super::{Facts, Hold, Records, Sink, Which, place::At};
use crate::format::{
    csv::{Quote, separator, unquote},
    visitor::{HELD, Malformed},
};

/// Parts CSV.
#[derive(Debug)]
pub(super) struct Csv {
    wanted: Vec<(Which, String)>,
    separator: Option<u8>,
    /// The first line, until it is known how it is parted.
    first: Vec<u8>,
    line: Line,
    /// Fields of the head, and which of them are facts.
    width: usize,
    columns: Vec<(usize, Which)>,
    quote: Quote,
    column: usize,
    /// What came of a field that is wanted, raw.
    field: Vec<u8>,
    /// The last byte was a CR outside of quotes.
    carriage: bool,
    hold: Hold,
    facts: Facts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Head,
    /// Nothing of a line has come yet.
    Start,
    Record,
    /// The head has no column that is wanted: there are no records.
    Plain,
}

impl Csv {
    /// Where columns are known.
    pub(super) fn new(records: &Records, separator: Option<u8>) -> Option<Self> {
        let all = [(Which::Subject, &records.subject), (Which::Consent, &records.consent)];
        let name = |at: &At| if let At::Csv(name) = at { Some(name.clone()) } else { None };
        let wanted: Vec<_> = all
            .into_iter()
            .flat_map(|(which, list)| list.iter().filter_map(name).map(move |name| (which, name)))
            .collect();
        (!wanted.is_empty()).then(|| Self {
            wanted,
            separator,
            first: Vec::new(),
            line: Line::Head,
            width: 0,
            columns: Vec::new(),
            quote: Quote::Start,
            column: 0,
            field: Vec::new(),
            carriage: false,
            hold: Hold::default(),
            facts: Facts::default(),
        })
    }

    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        if let Some(separator) = self.separator {
            return self.read(bytes, separator, sink);
        }
        // As the reader waits for it: both must see the same sign.
        let mut quote = self.quote;
        let end = bytes.iter().position(|&byte| {
            quote = quote.after(byte);
            byte == b'\n' && quote != Quote::In
        });
        let missing = HELD.saturating_sub(self.first.len()).max(1);
        let take = end.map_or(bytes.len(), |end| end + 1).min(missing);
        self.first.extend_from_slice(&bytes[..take]);
        self.quote = quote;
        if end.is_some_and(|end| end < take) || self.first.len() >= HELD {
            self.start(sink)?;
            return self.push(&bytes[take..], sink);
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> Result<(), Malformed> {
        if self.separator.is_none() {
            self.start(sink)?;
        }
        if self.line == Line::Record {
            if self.carriage || self.quote == Quote::In {
                self.facts.doubt();
            }
            self.end_field();
            self.end_record(b"", sink)?;
        }
        if self.line == Line::Start { sink.closes() } else { Ok(()) }
    }

    fn start(&mut self, sink: &mut impl Sink) -> Result<(), Malformed> {
        let first = std::mem::take(&mut self.first);
        let separator = separator(&first);
        self.separator = Some(separator);
        self.quote = Quote::Start;
        self.read(&first, separator, sink)
    }

    fn read(&mut self, bytes: &[u8], separator: u8, sink: &mut impl Sink) -> Result<(), Malformed> {
        let mut from = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            match self.line {
                Line::Plain => break,
                Line::Start if matches!(byte, b'\n' | b'\r') => continue,
                Line::Start => {
                    sink.outside(&bytes[from..i])?;
                    from = i;
                    self.line = Line::Record;
                    self.facts.clear();
                }
                Line::Head | Line::Record => {}
            }
            if std::mem::take(&mut self.carriage) && byte != b'\n' {
                self.facts.doubt();
            }
            let ends = (byte == separator || matches!(byte, b'\n' | b'\r')) && self.quote != Quote::In;
            if !ends {
                self.within_field(byte);
                continue;
            }
            match byte {
                b'\r' => self.carriage = true,
                b'\n' => {
                    self.end_field();
                    if self.line == Line::Head {
                        self.end_head(sink)?;
                    } else {
                        self.end_record(&bytes[from..=i], sink)?;
                        from = i + 1;
                    }
                    self.column = 0;
                }
                _ => {
                    self.end_field();
                    self.column += 1;
                }
            }
        }
        let rest = &bytes[from..];
        if self.line == Line::Record { self.hold.more(rest, sink) } else { sink.outside(rest) }
    }

    fn within_field(&mut self, byte: u8) {
        let after = self.quote.after(byte);
        let odd = match (self.quote, byte) {
            // Some take a quote behind a space for a sign like any other.
            (Quote::Start, b' ') => false,
            (Quote::Start, b'"') => self.field.first() == Some(&b' '),
            (Quote::Out, b'"') => true,
            (Quote::Closing, b'"') => false,
            (Quote::Closing, _) => true,
            _ => false,
        };
        if odd {
            self.facts.doubt();
        }
        self.quote = after;
        // Beyond it, the value is too long for a fact in any case.
        if self.field.len() <= 4 * super::LONGEST_FACT {
            self.field.push(byte);
        }
    }

    fn end_field(&mut self) {
        let mut plain = Vec::new();
        let value = unquote(&self.field, &mut plain).trim_ascii();
        if self.line == Line::Head {
            let is = |(_, name): &&(Which, String)| name.as_bytes().eq_ignore_ascii_case(value);
            let found = self.wanted.iter().filter(is).map(|(which, _)| (self.column, *which));
            self.columns.extend(found);
        } else {
            for (_, which) in self.columns.iter().filter(|(column, _)| *column == self.column) {
                self.facts.of(*which).say(value);
            }
        }
        self.field.clear();
        self.quote = Quote::Start;
    }

    fn end_head(&mut self, sink: &mut impl Sink) -> Result<(), Malformed> {
        self.width = self.column + 1;
        self.line = if self.columns.is_empty() { Line::Plain } else { Line::Start };
        if self.line == Line::Start { sink.opens(&[]) } else { Ok(()) }
    }

    /// The record ends with `bytes`.
    fn end_record(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        if self.column + 1 != self.width {
            self.facts.doubt();
        }
        self.hold.last(bytes, &self.facts, sink)?;
        self.line = Line::Start;
        Ok(())
    }
}
