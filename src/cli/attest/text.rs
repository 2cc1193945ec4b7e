//! A report for people: clause by clause, with the controls that each rests on.

use std::{
    fmt::Write as _,
    io::{Write as _, stdout},
};

use crate::{
    attest::{Report, Standing, report::Judged},
    cli::safe::printable,
    common::colour,
};

/// Prints it. Whoever reads may have enough.
pub(super) fn print(report: &Report) {
    let text = write(report, colour::on(&stdout()));
    let _ = stdout().lock().write_all(text.as_bytes());
}

fn write(report: &Report, colours: bool) -> String {
    let mut out = String::new();
    for judged in &report.clauses {
        clause(&mut out, judged, report, colours);
    }
    let count = |standing| report.count(standing);
    let _ = writeln!(
        out,
        "{} of {} clauses are true, {} in doubt, {} not true; {}{}",
        count(Standing::Green),
        report.clauses.len(),
        count(Standing::Amber),
        count(Standing::Red),
        report.at,
        if report.live { "" } else { " (no gateway runs)" }
    );
    out
}

fn clause(out: &mut String, judged: &Judged, report: &Report, colours: bool) {
    let _ = writeln!(out, "{}  {}  {}", word(judged.standing, colours), judged.id, printable(&judged.text_en));
    for name in judged.controls.iter().chain(&judged.supports) {
        let Some(seen) = report.seen(name) else { continue };
        let why = printable(&seen.why);
        let _ = writeln!(out, "    {}  {name:<18} {why}", word(seen.standing, colours));
        if seen.standing != Standing::Green && !seen.evidence.is_empty() {
            let _ = writeln!(out, "           {:<18} look: {}", "", printable(&seen.evidence.join(", ")));
        }
    }
}

fn word(standing: Standing, colours: bool) -> String {
    let name = format!("{:<5}", standing.name());
    let colour = match standing {
        Standing::Green => 32,
        Standing::Amber => 33,
        Standing::Red => 31,
        Standing::Off => 90,
    };
    if colours { format!("\x1b[{colour}m{name}\x1b[0m") } else { name }
}
