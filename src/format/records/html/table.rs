//! Tables of HTML: which column is called what, and what stands in a row's cells.

use lol_html::html_content::Element;

use super::super::{Facts, LONGEST_FACT, Which};
use crate::format::entity;

/// Most columns that are told apart.
const COLUMNS: usize = 256;
/// Longest raw text of a cell that is kept, in bytes: a longer one is no fact.
const LONGEST_CELL: usize = 8 * LONGEST_FACT;

/// A table that is open.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Columns that are facts, by the head.
    columns: Vec<(usize, Which)>,
    pub(super) in_head: bool,
    /// Rows into which a cell from above reaches.
    spanned: usize,
    row: Option<Row>,
}

#[derive(Debug)]
struct Row {
    cells: Vec<Cell>,
    column: usize,
    /// All cells so far are heads.
    is_head: bool,
    /// Cells whose place can't be told.
    is_odd: bool,
    /// Rows below into which a cell of this one reaches.
    spans: usize,
}

#[derive(Debug)]
struct Cell {
    column: usize,
    text: String,
}

impl Table {
    /// Whether its rows are records.
    pub(super) fn has_records(&self) -> bool {
        !self.columns.is_empty() && !self.in_head
    }

    pub(super) fn begin_row(&mut self) {
        self.row = Some(Row { cells: Vec::new(), column: 0, is_head: true, is_odd: false, spans: 0 });
    }

    pub(super) fn begin_cell(&mut self, tag: &str, element: &Element<'_, '_>) {
        let Some(row) = &mut self.row else { return };
        let mut span = |name: &str| match element.get_attribute(name) {
            None => 1,
            Some(text) => {
                // Browsers read as far as there are digits, and each has bounds of its own.
                let known = text.trim_ascii().parse().ok().filter(|n| (1..=COLUMNS).contains(n));
                row.is_odd |= known.is_none();
                known.unwrap_or(COLUMNS)
            }
        };
        let (columns, rows) = (span("colspan"), span("rowspan"));
        row.spans = row.spans.max(rows - 1);
        row.is_head &= tag == "th";
        let column = row.column;
        row.column += columns;
        if column < COLUMNS {
            row.cells.push(Cell { column, text: String::new() });
        } else {
            row.is_odd = true;
        }
    }

    /// Text within the cell at hand.
    pub(super) fn text(&mut self, text: &str) {
        if let Some(cell) = self.row.as_mut().and_then(|row| row.cells.last_mut())
            && cell.text.len() <= LONGEST_CELL
        {
            cell.text.push_str(text);
        }
    }

    /// The row at hand ends. Where it is a record it says what its cells do; else it may name columns. `true` where it is a record that
    /// only repeats the head.
    pub(super) fn end_row(&mut self, names: &[(Which, String)], record: Option<&mut Facts>) -> bool {
        let Some(row) = self.row.take() else { return false };
        let is_spanned = self.spanned > 0;
        self.spanned = self.spanned.saturating_sub(1).max(row.spans);
        let in_place = !row.is_odd && !is_spanned;
        let text = |cell: &Cell| {
            let mut plain = Vec::new();
            entity::decode(cell.text.as_bytes(), &mut plain);
            plain
        };
        let named = |cell: &Cell| {
            let text = text(cell);
            let text = text.trim_ascii();
            let is = |(_, name): &&(Which, String)| name.as_bytes().eq_ignore_ascii_case(text);
            names.iter().filter(is).map(|(which, _)| (cell.column, *which)).collect::<Vec<_>>()
        };
        let Some(facts) = record else {
            if in_place && (self.in_head || row.is_head) {
                self.columns.extend(row.cells.iter().flat_map(named));
            }
            return false;
        };
        if !in_place {
            facts.doubt();
            return false;
        }
        let is_fact = |cell: &&Cell| self.columns.iter().any(|(column, _)| *column == cell.column);
        if row.is_head && row.cells.iter().filter(is_fact).flat_map(named).eq(self.columns.iter().copied()) {
            return true;
        }
        for cell in row.cells.iter().filter(is_fact) {
            let text = text(cell);
            for (_, which) in self.columns.iter().filter(|(column, _)| *column == cell.column) {
                facts.of(*which).say(&text);
            }
        }
        false
    }
}
