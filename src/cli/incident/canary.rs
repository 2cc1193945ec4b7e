//! `privet incident canary`: from whose list it comes, what was found outside.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
};

use serde_json::{Value, json};

use super::order;
use crate::{
    access::canary::{Holder, Planted},
    cli::{
        office::{AsArgs, Office},
        safe::printable,
        staff::Failure,
    },
    incident::Command,
    journal::{
        Class, Kind,
        search::{Filter, search},
    },
    registry::{Moment, PersonId},
    seal::Ring,
};

/// Longest value that is looked at, in bytes.
const LONGEST: usize = 254;
/// Most people of whom an order speaks.
const MOST: usize = 50;

/// What `incident canary` takes.
#[derive(Debug, clap::Args)]
pub struct CanaryArgs {
    /// What was found: ids, addresses of mail, telephone numbers.
    #[arg(value_name = "VALUE", required_unless_present = "file")]
    values: Vec<String>,
    /// A file that was found, in whatever form: each of its words is looked at. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    order: AsArgs,
}

/// How often a canary was found, by what of it.
type Found = BTreeMap<Holder, BTreeMap<&'static str, u64>>;

/// Says whose they are, once it is written down that an officer has asked.
pub(super) fn run(args: &CanaryArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let routes = &office.incidents.signals.planted;
    if routes.is_empty() {
        let error = "no route of this configuration plants canaries".to_owned();
        return Err(Failure::Refused { error, hint: Some("docs/SIGNALS.md says how".to_owned()), exit: 2 });
    }
    let mut planted = Planted::new(&Ring::load(&office.keys).map_err(Failure::Keys)?, routes);
    people(&office)?.iter().for_each(|person| planted.meet(person));
    let shown = shown(&office, &mut planted)?;
    let (mut found, mut values) = (Found::new(), 0_u64);
    let mut look = |value: &str| {
        values += 1;
        let (what, holders) = planted.find(value);
        for holder in holders {
            *found.entry(holder.clone()).or_default().entry(what).or_default() += 1;
        }
    };
    args.values.iter().for_each(|value| look(value));
    if let Some(path) = &args.file {
        let unreadable = |error: io::Error| Failure::Refused {
            error: format!("{} can't be read: {error}", path.display()),
            hint: None,
            exit: 3,
        };
        let source: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(path).map_err(unreadable)?)
        };
        words(source, look).map_err(unreadable)?;
    }
    let holders = found.keys().take(MOST).cloned().collect();
    order(&args.order, &office, Command::Trace { values, holders })?;
    tell(args, values, &found, &shown);
    Ok(())
}

/// Everybody of the registry and of the realm.
pub(super) fn people(office: &Office) -> Result<Vec<PersonId>, Failure> {
    let look = office.look()?;
    let rows = look["people"].as_array().into_iter().flatten();
    let mut people: Vec<PersonId> = rows.filter_map(|row| serde_json::from_value(row["person"].clone()).ok()).collect();
    people.extend(office.accounts()?.iter().map(|account| PersonId::new(&office.realm.name, &account.id)));
    people.sort_unstable();
    people.dedup();
    Ok(people)
}

/// Whose canaries records say were shown, and when they last were. Whoever is in them is known from then on, though no registry has them any more.
fn shown(office: &Office, planted: &mut Planted) -> Result<HashMap<Holder, u64>, Failure> {
    let mut shown = HashMap::new();
    for journal in office.journal()?.place.own().map_err(Into::into).map_err(Failure::Search)? {
        let ring = Ring::load(&office.keys).map_err(Failure::Keys)?;
        let kind = Some(Kind::DisclosureDone.name().to_owned());
        let filter = Filter { class: Some(Class::Access), kind, ..Filter::default() };
        let read = search(&journal, ring, &filter, |line| {
            let text = |name: &str| line.body.get(name).and_then(Value::as_str);
            if let (Some(issuer), Some(subject), Some(route)) = (text("issuer"), text("person"), text("route")) {
                let person = PersonId::new(issuer, subject);
                planted.meet(&person);
                if line.body.contains_key("canaries") {
                    shown.insert(Holder { person, route: route.to_owned() }, line.time);
                }
            }
            true
        });
        read.map_err(Failure::Search)?;
    }
    Ok(shown)
}

/// Shows every word of a file that may be an id, an address or a number.
fn words(source: impl Read, mut look: impl FnMut(&str)) -> io::Result<()> {
    let mut word = Vec::new();
    let mut end = |word: &mut Vec<u8>| {
        let text = std::str::from_utf8(word).unwrap_or_default().trim_matches(['.', '-', '_', '+']);
        if text.len() <= LONGEST && text.contains(|c: char| c.is_ascii_digit()) {
            look(text);
        }
        word.clear();
    };
    for byte in BufReader::with_capacity(64 << 10, source).bytes() {
        let byte = byte?;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'.' | b'-' | b'_' | b'+') {
            // A longer one is none, whatever comes.
            if word.len() <= LONGEST {
                word.push(byte);
            }
        } else if !word.is_empty() {
            end(&mut word);
        }
    }
    end(&mut word);
    Ok(())
}

fn tell(args: &CanaryArgs, values: u64, found: &Found, shown: &HashMap<Holder, u64>) {
    let last = |holder: &Holder| shown.get(holder).map(|time| Moment::at(time / 1000));
    if args.order.json {
        let row = |(holder, by): (&Holder, &BTreeMap<_, _>)| json!({ "person": holder.person, "route": holder.route, "found": by, "last_shown": last(holder) });
        println!("{}", json!({ "values": values, "canaries": found.iter().map(row).collect::<Vec<_>>() }));
        return;
    }
    if found.is_empty() {
        println!("none of {values} values is a canary of anybody who is known");
    }
    for (holder, by) in found {
        let by: Vec<String> = by.iter().map(|(what, n)| format!("{n} {what}")).collect();
        let last = last(holder).map_or_else(|| "no record of it".to_owned(), |at| format!("last shown {at}"));
        let (person, route) = (printable(&holder.person.subject), printable(&holder.route));
        println!("planted into the list of {person} on {route}: {}; {last}", by.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_whatever_form() {
        let mut all = Vec::new();
        let text = "id,mail\r\n9000001,\"abc12@shop.example\"\n{\"phone\":\"010-0123-4567\"}. Prose, and 7-.";
        words(text.as_bytes(), |word| all.push(word.to_owned())).expect("read");
        assert_eq!(all, ["9000001", "abc12@shop.example", "010-0123-4567", "7"]);
        let mut count = 0;
        words(&[b'1'; 1000][..], |_| count += 1).expect("read");
        assert_eq!(count, 0, "too long for any");
    }
}
