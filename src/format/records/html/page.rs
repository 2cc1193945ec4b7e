//! What of a page is a record: elements with an attribute, rows of tables with a column.
//!
//! Tags may be left out, and then others end an element (WHATWG HTML, section 13.2.6). A record must not end later than a browser
//! has it end, for what it holds too much would be shown as its subject's; where it ends too early the rest is of no record.

use std::ops::Range;

use lol_html::html_content::Element;

use super::super::{Facts, Records, Which, place::At};
use super::{rows::Rows, table::Table};
use crate::format::{entity, visitor::Malformed};

/// Most tables within each other.
const DEEPEST: usize = 256;

/// A border between what is of a record and what is not.
#[derive(Debug)]
pub(super) enum Mark {
    Begin,
    /// With the name of its element, where another like it may stand right behind.
    End(Facts, Option<&'static str>),
    /// What began was none.
    Cancel,
    /// A comment between records begins.
    Comment,
    /// It ends.
    Back,
}

/// Elements that records of a list may be: whoever adds one changes nothing of those around it, as a cell would.
const KIN: [&str; 8] = ["tr", "tbody", "li", "div", "article", "section", "dl", "a"];

/// What an end tag means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// The record of this number.
    Record(u64),
    /// Something in it that may hold elements like it.
    Nest(u64),
    /// A cell of it.
    Cell(u64),
    /// A table, one of so many.
    Table(usize),
    Head(usize),
}

/// The page so far.
#[derive(Debug, Default)]
pub(super) struct Page {
    attributes: Vec<(Which, String)>,
    columns: Vec<(Which, String)>,
    /// By which of the attributes a record begins.
    by: Option<Which>,
    tables: Vec<Table>,
    record: Option<Record>,
    rows: Rows,
    number: u64,
    facts: Facts,
    pub(super) marks: Vec<(usize, Mark)>,
}

/// The record at hand.
#[derive(Debug)]
struct Record {
    number: u64,
    tag: String,
    /// How many of what may hold elements like it are open in it.
    nested: usize,
    /// A cell is open, where it is a row.
    in_cell: bool,
    /// Which table it is a row of, where its cells say something.
    table: Option<usize>,
    /// No other may stand beside it.
    is_alone: bool,
}

impl Record {
    /// What it is where another may stand right behind.
    fn kin(&self, by: By) -> Option<&'static str> {
        let tag = KIN.iter().find(|tag| **tag == self.tag)?;
        let is_ended = by == By::Itself || by == By::Others && matches!(*tag, "tr" | "tbody" | "li");
        let is_whole = self.nested == usize::from(nests(tag, tag));
        (is_ended && is_whole && !self.is_alone).then_some(*tag)
    }
}

/// What has ended a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// Its own end tag.
    Itself,
    /// What may follow on it or end around it where its own is left out.
    Others,
    /// What ought not to stand there, or the page's end.
    Chance,
}

/// Elements that may hold such as end each other.
const NESTS: [&str; 6] = ["table", "ul", "ol", "menu", "dir", "dl"];

/// Whether a start tag ends an element that is open, its own end tag being left out.
fn ends(open: &str, tag: &str) -> bool {
    let section = matches!(tag, "tbody" | "thead" | "tfoot" | "caption" | "colgroup" | "col");
    let heading = |tag: &str| matches!(tag, "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
    match open {
        "tbody" | "thead" | "tfoot" => section,
        "tr" => section || tag == "tr",
        "td" | "th" => section || matches!(tag, "tr" | "td" | "th"),
        _ if section || matches!(tag, "tr" | "td" | "th" | "li" | "dt" | "dd") => true,
        "option" | "optgroup" => tag == "optgroup" || tag == open,
        "a" | "button" => tag == open,
        "p" => BLOCKS.contains(&tag) || heading(tag),
        _ => heading(open) && heading(tag),
    }
}

/// Whether an element may hold others that would end the one that is open around it.
fn nests(open: &str, tag: &str) -> bool {
    match open {
        "tbody" | "thead" | "tfoot" | "tr" | "td" | "th" => tag == "table",
        _ => NESTS.contains(&tag),
    }
}

/// What a paragraph can't hold.
const BLOCKS: [&str; 32] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hgroup",
    "hr",
    "listing",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "plaintext",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "ul",
    "xmp",
];

impl Page {
    /// Where attributes or columns are known.
    pub(super) fn new(records: &Records) -> Option<Self> {
        let mut page = Self::default();
        for (which, list) in [(Which::Subject, &records.subject), (Which::Consent, &records.consent)] {
            for at in list {
                match at {
                    At::Attribute(name) => page.attributes.push((which, name.clone())),
                    At::Column(name) => page.columns.push((which, name.clone())),
                    At::Json { .. } | At::Csv(_) | At::Segment(_) => {}
                }
            }
        }
        page.by = page.attributes.first().map(|(which, _)| *which);
        (!page.attributes.is_empty() || !page.columns.is_empty()).then_some(page)
    }

    /// Whether texts matter.
    pub(super) fn has_columns(&self) -> bool {
        !self.columns.is_empty()
    }

    pub(super) fn text(&mut self, text: &str) {
        if let Some(table) = self.tables.last_mut() {
            table.text(text);
        }
    }

    /// A start tag at these bytes; says what its end will mean.
    pub(super) fn began(
        &mut self,
        element: &Element<'_, '_>,
        at: &Range<usize>,
        ends: &mut Vec<Ends>,
    ) -> Result<(), Malformed> {
        let tag = element.tag_name();
        self.close_kin(&tag, at.start, ends);
        if self.has_columns() {
            self.tables(&tag, element, ends)?;
        }
        // Rows of tables within a record are its own.
        if self.record.as_ref().is_none_or(|record| record.tag == "tr" && record.nested == 0) {
            self.rows.began(&tag, element);
        }
        if self.record.is_none() && self.begins(&tag, element) {
            self.begin(tag, at.start, ends);
        }
        if let Some(record) = self.record.as_mut().filter(|record| record.tag == "tr") {
            record.is_alone |= self.rows.are_bound();
        }
        if self.record.is_some() {
            for attribute in element.attributes() {
                let name = attribute.name();
                for (which, _) in self.attributes.iter().filter(|(_, wanted)| *wanted == name) {
                    let mut plain = Vec::new();
                    entity::decode(attribute.value().as_bytes(), &mut plain);
                    self.facts.of(*which).say(&plain);
                }
            }
        }
        Ok(())
    }

    /// An end tag at these bytes.
    pub(super) fn ended(&mut self, ends: Ends, tag: &str, at: &Range<usize>) {
        let is_at_hand = |record: &&mut Record, number: u64| record.number == number;
        match ends {
            Ends::Record(number) => {
                if let Some(record) = self.record.as_ref().filter(|record| record.number == number) {
                    let by = match tag {
                        tag if tag == record.tag => By::Itself,
                        "tbody" | "thead" | "tfoot" => By::Others,
                        tag if NESTS.contains(&tag) => By::Others,
                        _ => By::Chance,
                    };
                    self.close(if by == By::Itself { at.end } else { at.start }, by);
                }
            }
            Ends::Nest(number) => {
                if let Some(record) = self.record.as_mut().filter(|record| is_at_hand(record, number)) {
                    record.nested = record.nested.saturating_sub(1);
                    // Where elements cross each other a browser may go on within.
                    record.is_alone |= !NESTS.contains(&tag);
                }
            }
            Ends::Cell(number) => {
                if let Some(record) = self.record.as_mut().filter(|record| is_at_hand(record, number)) {
                    record.in_cell = false;
                }
            }
            Ends::Table(nth) => {
                while self.tables.len() >= nth {
                    self.end_row(at.start);
                    self.tables.pop();
                }
            }
            Ends::Head(nth) => {
                if self.tables.len() == nth {
                    self.end_row(at.start);
                    self.tables[nth - 1].in_head = false;
                }
            }
        }
    }

    /// The page ends at this byte.
    pub(super) fn end(&mut self, at: usize) {
        if self.record.is_some() {
            self.close(at, By::Chance);
        }
    }

    /// A comment at these bytes.
    pub(super) fn comment(&mut self, at: &Range<usize>) {
        if self.record.is_none() && self.number > 0 {
            self.marks.push((at.start, Mark::Comment));
            self.marks.push((at.end, Mark::Back));
        }
    }

    /// Ends the record at hand where this tag does, its own end being left out.
    fn close_kin(&mut self, tag: &str, at: usize, meant: &mut Vec<Ends>) {
        let Some(record) = &mut self.record else { return };
        if record.nested == 0 {
            // A table in a row, and in no cell of it, ends the row's own.
            let is_row_end = record.tag == "tr" && tag == "table" && !record.in_cell;
            if ends(&record.tag, tag) || is_row_end {
                record.is_alone |= is_row_end;
                return self.close(at, By::Others);
            }
            if record.tag == "tr" && matches!(tag, "td" | "th") {
                record.in_cell = true;
                meant.push(Ends::Cell(record.number));
            }
        }
        if nests(&record.tag, tag) {
            record.nested += 1;
            meant.push(Ends::Nest(record.number));
        }
    }

    fn tables(&mut self, tag: &str, element: &Element<'_, '_>, ends: &mut Vec<Ends>) -> Result<(), Malformed> {
        match tag {
            "table" => {
                if self.tables.len() >= DEEPEST {
                    return Err(Malformed("tables of HTML are too deep"));
                }
                if self.record.as_ref().is_some_and(|record| record.table.is_some()) {
                    // Its rows may be other people's.
                    self.facts.doubt();
                }
                self.tables.push(Table::default());
                ends.push(Ends::Table(self.tables.len()));
            }
            "thead" | "tbody" | "tfoot" | "tr" => {
                self.end_plain_row();
                let nth = self.tables.len();
                let Some(table) = self.tables.last_mut() else { return Ok(()) };
                match tag {
                    "tr" => table.begin_row(),
                    "thead" => {
                        table.in_head = true;
                        ends.push(Ends::Head(nth));
                    }
                    _ => table.in_head = false,
                }
            }
            "td" | "th" => {
                if let Some(table) = self.tables.last_mut() {
                    table.begin_cell(tag, element);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends a row of the innermost table, the record at hand with it where it is that.
    fn end_row(&mut self, at: usize) {
        if self.record.as_ref().is_some_and(|record| record.table == Some(self.tables.len())) {
            self.close(at, By::Others);
        } else {
            self.end_plain_row();
        }
    }

    fn end_plain_row(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            table.end_row(&self.columns, None);
        }
    }

    fn begins(&self, tag: &str, element: &Element<'_, '_>) -> bool {
        let by_attribute = || {
            let by = |(which, name): &(Which, String)| Some(*which) == self.by && element.has_attribute(name);
            self.attributes.iter().any(by)
        };
        self.is_row(tag) || by_attribute()
    }

    /// Whether an element is a row whose cells say something.
    fn is_row(&self, tag: &str) -> bool {
        tag == "tr" && self.tables.last().is_some_and(Table::has_records)
    }

    fn begin(&mut self, tag: String, at: usize, ends: &mut Vec<Ends>) {
        self.number += 1;
        // What may hold others holds them from the start.
        let nested = usize::from(nests(&tag, &tag));
        let table = self.is_row(&tag).then_some(self.tables.len());
        self.record = Some(Record { number: self.number, tag, nested, in_cell: false, table, is_alone: false });
        self.facts = Facts::default();
        self.marks.push((at, Mark::Begin));
        ends.push(Ends::Record(self.number));
    }

    /// Ends the record at hand.
    fn close(&mut self, at: usize, by: By) {
        let Some(record) = self.record.take() else { return };
        let mut facts = std::mem::take(&mut self.facts);
        // Tables that were left open in it.
        self.tables.truncate(record.table.unwrap_or(usize::MAX));
        let only_head = record.table.is_some()
            && self.tables.last_mut().is_some_and(|table| table.end_row(&self.columns, Some(&mut facts)));
        self.marks.push((at, if only_head { Mark::Cancel } else { Mark::End(facts, record.kin(by)) }));
    }

    /// An element that can't have any content ends here.
    pub(super) fn is_void(&mut self, ends: &[Ends], at: usize) {
        for ends in ends {
            self.ended(*ends, "", &(at..at));
        }
    }
}
