//! Plots as inline SVG: lines that are told apart by their dashes as well as by colour, with the same numbers as a table below.

use std::fmt::Write as _;

use super::{
    list::{Cell, Column, List},
    visit::Visit,
};
use crate::{access::page::escaped, admin::control::time};

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 20.0;
const TOP: f64 = 8.0;
/// Rows of the table.
const ROWS: usize = 15;

/// One line.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) label: String,
    /// A value at each moment; nothing where there is none.
    pub(super) values: Vec<Option<f64>>,
}

/// One plot.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) unit: &'static str,
    /// Seconds since 1970, the oldest first.
    pub(super) at: Vec<i64>,
    /// At most four.
    pub(super) series: Vec<Series>,
}

impl Chart {
    pub(super) fn html(&self, visit: &Visit) -> String {
        let most = self.series.iter().flat_map(|series| &series.values).flatten().fold(0.0, |a: f64, b| a.max(*b));
        let top = ceiling(most);
        let id = self.id;
        let mut out = format!(
            "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-d\"><desc id=\"{id}-d\">{}</desc>",
            escaped(&self.title),
            escaped(&self.told(visit))
        );
        for (part, value) in [(0.0, top), (0.5, top / 2.0), (1.0, 0.0)] {
            let y = TOP + (HEIGHT - BOTTOM - TOP) * part;
            let _ = write!(
                out,
                "<path class=\"axis\" d=\"M{LEFT} {y:.1}H{WIDTH}\"/><text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                figure(value)
            );
        }
        if let (Some(first), Some(last)) = (self.at.first(), self.at.last()) {
            for (at, x, anchor) in [(first, LEFT, "start"), (last, WIDTH, "end")] {
                let _ = write!(
                    out,
                    "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                    HEIGHT - 5.0,
                    clock(*at)
                );
            }
        }
        for (number, series) in self.series.iter().enumerate() {
            let _ = write!(out, "<path class=\"line c{}\" d=\"{}\"/>", number + 1, self.path(series, top));
        }
        out.push_str("</svg><ul class=\"key\">");
        for (number, series) in self.series.iter().enumerate() {
            let _ = write!(
                out,
                "<li><svg viewBox=\"0 0 36 8\" aria-hidden=\"true\"><path class=\"line c{}\" d=\"M0 4H36\"/></svg> {}</li>",
                number + 1,
                escaped(&series.label)
            );
        }
        let _ = write!(
            out,
            "</ul><details><summary>{}</summary>{}</details></figure>",
            visit.say("The numbers", "수치 보기"),
            self.table(visit)
        );
        out
    }

    fn path(&self, series: &Series, top: f64) -> String {
        let (Some(first), Some(last)) = (self.at.first(), self.at.last()) else { return String::new() };
        #[allow(clippy::cast_precision_loss, reason = "places on a screen")]
        let x = |at: i64| LEFT + (WIDTH - LEFT) * ((at - first) as f64 / (last - first).max(1) as f64);
        let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / top).clamp(0.0, 1.0);
        let (mut out, mut is_down) = (String::new(), false);
        for (at, value) in self.at.iter().zip(&series.values) {
            let Some(value) = value else {
                is_down = false;
                continue;
            };
            let _ = write!(out, "{}{:.1} {:.1}", if is_down { "L" } else { "M" }, x(*at), y(*value));
            if !is_down {
                // A moment alone would not be seen.
                out.push_str("h1");
            }
            is_down = true;
        }
        out
    }

    /// The newest value of each line, in words.
    fn told(&self, visit: &Visit) -> String {
        let newest = |series: &Series| {
            let value = series.values.last().copied().flatten();
            format!("{}: {}", series.label, value.map_or_else(|| "–".to_owned(), figure))
        };
        let all: Vec<String> = self.series.iter().map(newest).collect();
        format!("{} ({}). {} {}", self.title, self.unit, visit.say("Now:", "현재:"), all.join(", "))
    }

    fn table(&self, visit: &Visit) -> String {
        let mut columns = vec![Column::new("time", visit.say("Time (UTC)", "시각(UTC)"))];
        columns.extend(self.series.iter().map(|series| Column::number("value", series.label.clone())));
        let row = |at: usize| {
            let value = |series: &Series| {
                let value = series.values.get(at).copied().flatten();
                Cell::text(value.map_or_else(|| "–".to_owned(), figure))
            };
            let mut row = vec![Cell::text(clock(self.at[at]))];
            row.extend(self.series.iter().map(value));
            row
        };
        let rows = (0..self.at.len()).rev().take(ROWS).map(row).collect();
        List { caption: format!("{} ({})", self.title, self.unit), columns, rows }.table(None)
    }
}

/// Hours, minutes and seconds.
fn clock(at: i64) -> String {
    time(at).and_then(|text| text.get(11..19).map(str::to_owned)).unwrap_or_default()
}

/// A round number that is no smaller: 1, 2 or 5 times a power of ten.
fn ceiling(most: f64) -> f64 {
    if most <= 0.0 || !most.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= most);
    step.unwrap_or(10.0) * power
}

fn figure(value: f64) -> String {
    let text = if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, top) in [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (17.0, 20.0), (432.0, 500.0), (6000.0, 10_000.0)] {
            assert!((ceiling(most) - top).abs() < 1e-9, "{most}");
        }
        assert_eq!([0.0, 0.5, 2.0, 2.25, 1234.5].map(figure), ["0", "0.5", "2", "2.25", "1234"]);
    }

    #[test]
    fn a_line_breaks_where_there_is_nothing() {
        let series = Series { label: "a".into(), values: vec![Some(1.0), None, Some(0.0)] };
        let chart = Chart { id: "a", title: "A".into(), unit: "s", at: vec![0, 10, 20], series: vec![] };
        assert_eq!(chart.path(&series, 1.0), "M48.0 8.0h1M600.0 130.0h1");
    }
}
