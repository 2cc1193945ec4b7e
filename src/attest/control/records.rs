//! What the journal itself shows.

use std::fs;

use super::{
    super::{looking::Looking, report::Finding},
    days,
};
use crate::journal::{
    Kind, Place,
    search::Filter,
    settings::To,
    verify::{Outside, verify},
};

/// Reads every byte of it.
pub(super) fn whole(at: &Looking<'_>) -> Result<Finding, String> {
    let Some(journal) = &at.facts().journal else {
        return Ok(Finding::off("no journal is kept").at("`path` of [journal]"));
    };
    let places = journal.place.all().map_err(|error| format!("the journal can't be read: {error}"))?;
    let outside = outside(at, &places);
    let (mut wrong, mut records) = (Vec::new(), 0);
    for place in &places {
        let report = verify(place, Outside { checkpoint: outside.as_deref(), verifier: None });
        let report = report.map_err(|error| format!("the journal in {place} can't be read: {error}"))?;
        records += report.records;
        wrong.extend(report.problems.iter().map(|problem| format!("{place}: {problem}")));
    }
    Ok(Finding::of(&wrong, &[], format!("{records} records are what was written")).at("privet audit verify"))
}

/// What witnesses hold in files, where there is one journal.
fn outside(at: &Looking<'_>, places: &[Place]) -> Option<Vec<u8>> {
    let witnesses = &at.facts().journal.as_ref()?.witnesses;
    let files = witnesses.iter().filter_map(|witness| match &witness.to {
        To::File(path) => fs::read(path).ok(),
        _ => None,
    });
    let all = files.fold(Vec::new(), |mut all, text| {
        all.extend_from_slice(b"\n\n");
        all.extend_from_slice(&text);
        all
    });
    Some(all).filter(|all| places.len() == 1 && all.iter().any(|byte| !byte.is_ascii_whitespace()))
}

/// When a witness has last taken a checkpoint.
pub(super) fn witnessed(at: &Looking<'_>) -> Result<Finding, String> {
    let witnesses = at.facts().journal.as_ref().map_or(&[][..], |journal| &journal.witnesses);
    let Some(every) = witnesses.iter().map(|witness| witness.every).max() else {
        return Ok(Finding::off("nobody outside vouches for the journal").at("[[journal.witness]]"));
    };
    let kind = |kind: Kind| Filter { kind: Some(kind.name().to_owned()), ..Filter::default() };
    let alarms = at.records(&kind(Kind::WitnessFailed))?;
    if let Some((place, line)) = alarms.iter().rev().find(|(_, line)| line.body.get("alarm") == Some(&true.into())) {
        return Ok(Finding::red("a witness holds what the journal is not").at(record(place, line.index)));
    }
    let taken = at.records(&kind(Kind::JournalWitnessed))?;
    let Some((place, line)) = taken.last() else {
        return Ok(Finding::red("no witness has taken a checkpoint yet").at("privet audit witness"));
    };
    let (old, most) = (at.age(line.time), every.as_secs() * 2 + 3600);
    let said = format!("a witness took a checkpoint {} ago", days(old));
    let finding = if old > most { Finding::red(said) } else { Finding::green(said) };
    Ok(finding.at(record(place, line.index)))
}

/// When a back-up was last brought back to see whether it can be.
pub(super) fn drilled(at: &Looking<'_>) -> Result<Finding, String> {
    if at.facts().journal.is_none() {
        return Ok(Finding::off("no journal is kept: nothing tells of a drill"));
    }
    let most = at.grounds.settings.drill.as_secs();
    let restored = at.records(&Filter { kind: Some(Kind::BackupRestored.name().to_owned()), ..Filter::default() })?;
    let drill = restored.iter().rev().find(|(_, line)| line.body.get("drill") == Some(&true.into()));
    Ok(match drill {
        None => Finding::red("no back-up was ever brought back as a drill").at("privet backup restore --drill-of"),
        Some((place, line)) => {
            let said =
                format!("the last drill was {} ago; at most {} are allowed", days(at.age(line.time)), days(most));
            let finding = if at.age(line.time) > most { Finding::red(said) } else { Finding::green(said) };
            finding.at(record(place, line.index))
        }
    })
}

/// Clocks of incidents.
pub(super) fn clocks(at: &Looking<'_>) -> Finding {
    match at.grounds.clocks.as_deref() {
        None => Finding::off("no cases are kept here: they need the registry"),
        Some([]) => Finding::green("no clock has run out"),
        Some(cases) => {
            let cases: Vec<String> = cases.iter().map(ToString::to_string).collect();
            Finding::red(format!("a clock has run out in case {}", cases.join(", "))).at("privet incident list")
        }
    }
}

/// A record, as people look it up.
fn record(place: &Place, index: u64) -> String {
    match place {
        Place::Folder(folder) => format!("record {index} in {}", folder.display()),
        Place::Database { .. } => format!("record {index} of chain {}", place.chain()),
    }
}
