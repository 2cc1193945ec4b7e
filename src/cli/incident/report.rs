//! The report when a case is over: out of its records, and by whoever was responsible at that time.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{
    form::create,
    notice::{pair, written},
    papers::{no, of},
};
use crate::{
    cli::{
        office::Office,
        staff::{Failure, PlaceArgs},
    },
    common::clock,
    incident::after::{Ground, html, report, step},
    journal::{
        Class,
        search::{Filter, search},
    },
    registry::{self, Moment},
    seal::Ring,
};

/// What of a report officers say in their own words.
const WORDS: [&str; 3] = ["cause", "measure", "lesson"];

/// What `incident report` takes.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The case.
    number: u64,
    /// In which format.
    #[arg(long, value_enum, default_value = "html")]
    format: Format,
    /// `cause`, `measure` or `lesson`, and its text; once for each. Notes of the case that begin with `cause:`, `measure:` or `lesson:` count as well.
    #[arg(long = "set", value_name = "KEY=TEXT", value_parser = pair)]
    set: Vec<(String, String)>,
    /// The same, out of a file in UTF-8.
    #[arg(long = "set-file", value_name = "KEY=FILE", value_parser = pair)]
    files: Vec<(String, String)>,
    /// Into this new file, made with mode 0600 [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A page.
    Html,
    /// An object.
    Json,
}

pub(super) fn run(args: &ReportArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let words: Map<String, Value> =
        written(&args.set, &args.files)?.into_iter().map(|(key, text)| (key, text.into())).collect();
    if let Some(key) = words.keys().find(|key| !WORDS.contains(&key.as_str())) {
        return Err(no(format!("`{key}` is none of {}", WORDS.join(", ")), None, 2));
    }
    let (case, papers) = of(&office, args.number)?;
    let ring = || Ring::load(&office.keys).map_err(Failure::Keys);
    let place = office.journal()?.place.shared().ok_or(Failure::NoJournal)?;
    let (registry, _) = registry::read(&place, ring()?).map_err(Failure::Search)?;
    let mut timeline = Vec::new();
    let filter = Filter { class: Some(Class::Grants), ..Filter::default() };
    search(&place, ring()?, &filter, |line| {
        let ours = ["incident.", "notice.", "compensation."].iter().any(|prefix| line.kind.starts_with(prefix));
        if ours && line.body.get("case").and_then(Value::as_u64) == Some(args.number) {
            timeline.extend(step(&line.kind, Moment::at(line.time / 1000), &line.body));
        }
        true
    })
    .map_err(Failure::Search)?;
    let roles = roles(&office, &case.scope.routes);
    let ground = Ground {
        case: &case,
        papers: &papers,
        registry: &registry,
        laws: &office.incidents.laws,
        roles: &roles,
        page: office.incidents.notices.page.as_ref(),
        now: clock::now().into(),
    };
    let report = report(&ground, &timeline, &words);
    let text = match args.format {
        Format::Html => html(&report),
        Format::Json => format!("{report}\n"),
    };
    if let Some(path) = &args.output {
        return create(path, text.as_bytes());
    }
    print!("{text}");
    Ok(())
}

/// Roles that the gates of these routes ask for, or of all where none is named, and those that policies speak of.
fn roles(office: &Office, routes: &[String]) -> Vec<String> {
    let named = |route: &str| routes.is_empty() || route.is_empty() || routes.iter().any(|name| name == route);
    office.roles.iter().filter(|(route, _)| named(route)).map(|(_, role)| role.clone()).collect()
}
