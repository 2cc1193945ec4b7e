//! What the texts of a page are called: by the head of their column or row, the term before a definition, the field they stand in.

use lol_html::html_content::Element;

/// Longest text that names something, in bytes; most columns; most tables within each other.
const LONGEST: usize = 64;
const COLUMNS: usize = 128;
const DEEPEST: usize = 16;

/// What the end of an element changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Table,
    Head,
    Field,
    List,
    Style,
}

/// Names of what is being read.
#[derive(Debug, Default, Clone)]
pub struct Names {
    tables: Vec<Table>,
    term: String,
    /// Within `dt` or `dd`.
    definition: Option<Cell>,
    field: Option<String>,
    select: String,
    style: bool,
}

#[derive(Debug, Default, Clone)]
struct Table {
    heads: Vec<String>,
    row: Vec<String>,
    column: usize,
    cell: Option<Cell>,
    /// Texts of the cell at hand and of the one before.
    text: String,
    before: String,
    /// Whether the one before is a head.
    is_labelled: bool,
    /// Columns that the cell at hand takes.
    span: usize,
    in_head: bool,
    has_data: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Head,
    Data,
}

impl Table {
    fn end_cell(&mut self) {
        if let Some(cell) = self.cell.take() {
            self.is_labelled = cell == Cell::Head;
            self.before = std::mem::take(&mut self.text);
            let span = self.span.clamp(1, COLUMNS);
            let room = COLUMNS.saturating_sub(self.row.len());
            self.row.extend(std::iter::repeat_n(self.before.clone(), span.min(room)));
            self.column += span;
        }
    }

    fn end_row(&mut self) {
        self.end_cell();
        let row = std::mem::take(&mut self.row);
        if !self.has_data && !row.is_empty() {
            self.heads = row;
        }
        self.column = 0;
        self.has_data = false;
        self.before.clear();
    }
}

impl Names {
    /// A start tag.
    pub(super) fn began(&mut self, tag: &str, element: &Element<'_, '_>) -> Option<Ends> {
        let name = || element.get_attribute("name").unwrap_or_default();
        match tag {
            "table" if self.tables.len() < DEEPEST => {
                self.tables.push(Table::default());
                return Some(Ends::Table);
            }
            "thead" => {
                self.tables.last_mut()?.in_head = true;
                return Some(Ends::Head);
            }
            "tbody" => self.tables.last_mut()?.in_head = false,
            "tr" => self.tables.last_mut()?.end_row(),
            "th" | "td" => {
                let table = self.tables.last_mut()?;
                table.end_cell();
                table.span = element.get_attribute("colspan").and_then(|span| span.trim().parse().ok()).unwrap_or(1);
                let head = tag == "th" || table.in_head;
                table.has_data |= !head;
                table.cell = Some(if head { Cell::Head } else { Cell::Data });
            }
            "dl" => {
                self.term.clear();
                return Some(Ends::List);
            }
            "dt" => {
                self.term.clear();
                self.definition = Some(Cell::Head);
            }
            "dd" => self.definition = Some(Cell::Data),
            "textarea" => {
                self.field = Some(name());
                return Some(Ends::Field);
            }
            "select" => {
                self.select = name();
                self.field = Some(self.select.clone());
                return Some(Ends::Field);
            }
            "style" => {
                self.style = true;
                return Some(Ends::Style);
            }
            _ => {}
        }
        None
    }

    /// An end tag.
    pub(super) fn ended(&mut self, ends: Ends) {
        match ends {
            Ends::Table => {
                self.tables.pop();
            }
            Ends::Head => {
                if let Some(table) = self.tables.last_mut() {
                    table.end_row();
                    table.in_head = false;
                }
            }
            Ends::Field => self.field = None,
            Ends::List => self.definition = None,
            Ends::Style => self.style = false,
        }
    }

    /// A text, which may name others.
    pub(super) fn saw(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let text = text.trim();
        let place = match (self.definition, self.tables.last_mut()) {
            (Some(Cell::Head), _) => &mut self.term,
            (_, Some(table)) if table.cell.is_some() => &mut table.text,
            _ => return,
        };
        if place.len() + text.len() <= LONGEST {
            place.push_str(text.trim_end_matches([':', ' ', '*']));
        }
    }

    /// The name of the text at hand; where `by_heads` the cell before is none, unless it is a head.
    pub(super) fn text(&self, by_heads: bool) -> &[u8] {
        if let Some(field) = &self.field {
            return field.as_bytes();
        }
        if self.definition == Some(Cell::Data) {
            return self.term.as_bytes();
        }
        let Some(table) = self.tables.last().filter(|table| table.cell == Some(Cell::Data)) else { return b"" };
        match table.heads.get(table.column).filter(|head| !head.is_empty()) {
            Some(head) => head.as_bytes(),
            None if by_heads && !table.is_labelled => b"",
            None => table.before.as_bytes(),
        }
    }

    /// In which column of the innermost table the text at hand stands.
    pub(super) fn column(&self) -> usize {
        self.tables.last().filter(|table| table.cell.is_some()).map_or(0, |table| table.column + 1)
    }

    /// The name of an element's `value`.
    pub(super) fn of_value(&self, tag: &str, element: &Element<'_, '_>) -> String {
        match tag {
            "option" => self.select.clone(),
            "button" => String::new(),
            _ => {
                let kind = element.get_attribute("type").unwrap_or_default().to_ascii_lowercase();
                // What a button says is no value.
                if matches!(kind.as_str(), "submit" | "button" | "reset" | "image") {
                    return String::new();
                }
                element.get_attribute("name").or_else(|| element.get_attribute("id")).unwrap_or_default()
            }
        }
    }

    /// Whether the text at hand is a style sheet.
    pub(super) fn is_style(&self) -> bool {
        self.style
    }
}
