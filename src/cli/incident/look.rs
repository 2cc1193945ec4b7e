//! Cases, shown.

use serde_json::Value;

use crate::cli::{
    safe::printable,
    staff::{Failure, PlaceArgs},
};

/// What `incident list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those whose clocks run.
    #[arg(long)]
    open: bool,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What `incident show` takes.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its number.
    number: u64,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn list(args: &ListArgs) -> Result<(), Failure> {
    let mut list = super::list(&args.place.office()?)?;
    warn(&list);
    if let Some(cases) = list["cases"].as_array_mut().filter(|_| args.open) {
        cases.retain(|case| case["status"] == "possible" || case["status"] == "confirmed");
    }
    if args.json {
        println!("{list}");
        return Ok(());
    }
    for case in list["cases"].as_array().into_iter().flatten() {
        let next = &case["next"];
        let left = if next.is_null() {
            String::new()
        } else {
            format!("\t{} {} {}", text(&next["law"]), text(&next["duty"]), left(&next["left_seconds"]))
        };
        let title = text(&case["title"]);
        println!("{}\t{}\tknown {}\t{title}{left}", case["number"], text(&case["status"]), text(&case["known_at"]));
    }
    Ok(())
}

pub(super) fn show(args: &ShowArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let mut case = super::show(&office, args.number)?;
    case["papers"] = super::notice::look(&office, args.number)?;
    warn(&case);
    if args.json {
        println!("{case}");
        return Ok(());
    }
    let by = case["by"]["rule"].as_str().map_or_else(
        || format!("by {}", text(&case["by"]["person"]["subject"])),
        |rule| format!("by the rule {}", printable(rule)),
    );
    println!("case {}: {}", case["number"], text(&case["title"]));
    println!("{}, opened {} {by}, known at {}", text(&case["status"]), text(&case["opened"]), text(&case["known_at"]));
    if case["responsible"].is_object() {
        println!("responsible: {}", text(&case["responsible"]["subject"]));
    }
    known(&case);
    for clock in case["clocks"].as_array().into_iter().flatten() {
        print_clock(clock);
    }
    let lines = |name: &str| case[name].as_array().cloned().unwrap_or_default();
    for sign in lines("signs") {
        let (rule, at) = (text(&sign["rule"]), text(&sign["at"]));
        println!("signal\t{at}\t{rule}, {} where {} may be", sign["measure"], sign["threshold"]);
        for holder in sign["planted"].as_array().into_iter().flatten() {
            println!("\tplanted into the list of {} on {}", text(&holder["person"]["subject"]), text(&holder["route"]));
        }
    }
    for note in lines("notes") {
        println!("note\t{}\t{}: {}", text(&note["at"]), text(&note["by"]["subject"]), text(&note["text"]));
    }
    for delay in lines("delays") {
        let of = |name: &str, all: &str| delay[name].as_str().map_or_else(|| all.to_owned(), printable);
        let (law, duty) = (of("law", "all laws"), of("duty", "all duties"));
        let (at, by) = (text(&delay["at"]), text(&delay["by"]["subject"]));
        println!("late\t{at}\t{by}: {law}, {duty}: {}", text(&delay["reason"]));
    }
    super::notice::show(&case["papers"]);
    Ok(())
}

/// What it is about, and what duties rest on.
fn known(case: &Value) {
    let (scope, facts) = (&case["scope"], &case["facts"]);
    let names = |value: &Value, of: fn(&Value) -> &Value| -> String {
        value.as_array().into_iter().flatten().map(|one| text(of(one))).collect::<Vec<_>>().join(", ")
    };
    let rows = [
        ("suspected", names(&scope["persons"], |person| &person["subject"])),
        ("addresses", names(&scope["addresses"], |one| one)),
        ("routes", names(&scope["routes"], |one| one)),
        ("requests", names(&scope["requests"], |one| one)),
        ("since", scope["since"].as_str().unwrap_or_default().to_owned()),
        ("until", scope["until"].as_str().unwrap_or_default().to_owned()),
        ("types", names(&facts["types"], |one| one)),
    ];
    for (name, said) in rows.iter().filter(|(_, said)| !said.is_empty()) {
        println!("\t{name}: {said}");
    }
    for name in ["external_intrusion", "sensitive", "unique_identifiers", "risk"] {
        let said = if facts[name].is_null() { "nobody has said".to_owned() } else { text(&facts[name]) };
        println!("\t{}: {said}", name.replace('_', " "));
    }
    for (law, number) in facts["people"].as_object().into_iter().flatten() {
        println!("\tpeople of {}: {number}", printable(law));
    }
    match &case["count"] {
        Value::Null => println!("\tpeople: not counted yet (`privet incident affected {} --as NAME`)", case["number"]),
        count => println!(
            "\tpeople: {} confirmed, {} more possible, {} records that are nobody's known; counted {}",
            count["confirmed"],
            count["possible"],
            count["unattributed"],
            text(&count["at"])
        ),
    }
}

fn print_clock(clock: &Value) {
    let settled = &clock["settled"];
    let state = if settled.is_object() {
        let reference = settled["reference"].as_str().map_or_else(String::new, |text| format!(": {}", printable(text)));
        let how = if settled["outcome"] == "done" { "done" } else { "not asked for" };
        format!("{how} {}{reference}", text(&settled["at"]))
    } else if clock["applies"] == "no" {
        "not asked for".to_owned()
    } else if clock["due"].is_string() {
        format!("due {}, {}", text(&clock["due"]), left(&clock["left_seconds"]))
    } else if clock["start"].is_string() {
        "due without delay".to_owned()
    } else {
        "starts with the notice".to_owned()
    };
    let open = if clock["applies"] == "open" { "perhaps " } else { "" };
    println!("{}\t{} to the {}: {open}{state}", text(&clock["law"]), text(&clock["duty"]), text(&clock["to"]));
    println!("\t{}: {}", text(&clock["article"]), text(&clock["why"]));
    if clock["delay"].is_object() && !settled.is_object() {
        println!("\tlate: {}", text(&clock["delay"]["reason"]));
    }
}

/// Seconds that are left, for people.
fn left(seconds: &Value) -> String {
    let Some(seconds) = seconds.as_i64() else { return String::new() };
    let (days, hours, minutes) = (seconds.abs() / 86_400, seconds.abs() / 3600 % 24, seconds.abs() / 60 % 60);
    let time = match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {minutes} min"),
        (days, hours) => format!("{days} d {hours} h"),
    };
    if seconds <= 0 { format!("RUN OUT {time} ago") } else { format!("{time} left") }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

fn warn(look: &Value) {
    if let Some(unread @ 1..) = look["unread"].as_u64() {
        eprintln!("privet: {unread} records of incidents can't be read: what they say does not hold");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_is_told_in_the_largest_units() {
        for (seconds, text) in [
            (3 * 86_400, "3 d 0 h left"),
            (86_399, "23 h 59 min left"),
            (59, "0 min left"),
            (0, "RUN OUT 0 min ago"),
            (-90_000, "RUN OUT 1 d 1 h ago"),
        ] {
            assert_eq!(left(&json!(seconds)), text);
        }
        assert_eq!(left(&Value::Null), "");
    }
}
