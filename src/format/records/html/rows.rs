//! Rows of tables that cells bind together: what stands between them would move their cells.

use lol_html::html_content::Element;

/// Rows of the table at hand.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// How many more a cell of the one at hand reaches into.
    reach: usize,
    /// How many, with the one at hand, one from above does.
    reached: usize,
}

impl Rows {
    /// A start tag in no row's cell.
    pub(super) fn began(&mut self, tag: &str, element: &Element<'_, '_>) {
        match tag {
            "table" | "thead" | "tbody" | "tfoot" => *self = Self::default(),
            "tr" => self.reached = self.reached.saturating_sub(1).max(std::mem::take(&mut self.reach)),
            "td" | "th" => {
                let Some(rows) = element.get_attribute("rowspan") else { return };
                // None is as far as the section goes, and what is no number each browser reads in its own way.
                let rows = rows.trim_ascii().parse().ok().filter(|rows| *rows > 0).unwrap_or(usize::MAX);
                self.reach = self.reach.max(rows - 1);
            }
            _ => {}
        }
    }

    /// Whether the row at hand is bound to another.
    pub(super) fn are_bound(&self) -> bool {
        self.reach > 0 || self.reached > 0
    }
}
