//! Reads what mail servers have told the sender after they had accepted messages of a notice, and notes who was not reached. Mail is read here, and kept nowhere.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{
    notice::chosen,
    papers::{no, of, order},
};
use crate::{
    cli::{office::AsArgs, staff::Failure},
    incident::notice::{
        Command,
        delivery::{BOUNCES, Bounce, Delivery, Pseudonym},
        dsn::{self, Failed, Status, Told},
        list, message,
        state::Notice,
    },
};

/// Clocks of mail servers differ by so many seconds.
const APART: u64 = 300;

/// What `incident bounced` takes.
#[derive(Debug, clap::Args)]
pub struct BouncedArgs {
    /// The case.
    number: u64,
    /// Mail from the mailbox of the sender: a message a file, or many in a file of the kind mbox. `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Which notice of the case [default: the newest].
    #[arg(long, value_name = "N")]
    notice: Option<u64>,
    /// The list that it was sent to: reports that don't quote the message are matched by address.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Say what would be noted, and note nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    order: AsArgs,
}

/// What was found. Nobody's address is in it.
#[derive(Default)]
struct Found {
    bounced: BTreeMap<Pseudonym, Option<Status>>,
    messages: u64,
    /// No reports of a delivery.
    other: u64,
    /// Reports that something is late, or has arrived.
    passing: u64,
    /// Of mail that is none of this notice.
    foreign: u64,
    /// That don't say of which message they are, nor of anybody in the list.
    unnamed: u64,
    /// Of people who are not reached as far as is known already.
    known: u64,
    /// From before the message was handed over the last time.
    old: u64,
    /// Matched by address alone.
    by_address: u64,
}

/// Whose a message was.
struct Index {
    keys: HashMap<String, Pseudonym>,
    addresses: HashMap<String, Pseudonym>,
    deliveries: BTreeMap<Pseudonym, Delivery>,
}

pub(super) fn run(args: &BouncedArgs) -> Result<(), Failure> {
    let has_input = args.files.iter().any(|file| file.as_os_str() == "-");
    if has_input && args.order.password_stdin {
        let hint = "name the password's file in PRIVET_PASSWORD_FILE, or the mail in a file";
        return Err(no("mail and password can't both come from standard input", Some(hint), 2));
    }
    let office = args.order.place.office()?;
    let (_, papers) = of(&office, args.number)?;
    let notice = chosen(&papers, args.notice)?;
    if notice.sending.is_none() {
        return Err(no("the notice has not gone out, so nothing of it can come back", None, 1));
    }
    let index = Index::of(args, notice)?;
    let mut found = Found::default();
    for file in &args.files {
        let read = |error: io::Error| no(format!("{}: {error}", file.display()), None, 3);
        dsn::each(open(file).map_err(read)?, |message| found.take(&index, message)).map_err(read)?;
    }
    let mut bounces: Vec<Bounce> =
        found.bounced.iter().map(|(subject, status)| Bounce { subject: *subject, status: *status }).collect();
    let left = bounces.len().saturating_sub(BOUNCES);
    bounces.truncate(BOUNCES);
    if !args.dry_run && !bounces.is_empty() {
        order(&args.order, &office, Command::Bounced { case: args.number, notice: notice.number, bounces })?;
    }
    tell(args, notice, &found, left);
    Ok(())
}

fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(BufReader::with_capacity(64 << 10, File::open(file)?)))
}

impl Index {
    fn of(args: &BouncedArgs, notice: &Notice) -> Result<Self, Failure> {
        let deliveries = notice.deliveries.all();
        let about = message::Notice { case: args.number, number: notice.number, sha256: &notice.sha256 };
        let keys = deliveries.keys().map(|subject| (about.key(*subject), *subject)).collect();
        let mut addresses = HashMap::new();
        if let Some(to) = &args.to {
            let unread = |error: list::Error| no(format!("the list can't be read: {error}"), None, 2);
            let file = File::open(to).map_err(|error| unread(error.into()))?;
            let list = list::read(BufReader::with_capacity(64 << 10, file)).map_err(unread)?;
            let mut shared = Vec::new();
            for recipient in list.recipients {
                let address = recipient.address.to_lowercase();
                if addresses.insert(address.clone(), recipient.subject).is_some() {
                    shared.push(address);
                }
            }
            // Of two people at one address nobody can tell whose it was.
            for address in &shared {
                addresses.remove(address);
            }
        }
        Ok(Self { keys, addresses, deliveries })
    }

    fn by_id(&self, failed: &Failed) -> Option<Pseudonym> {
        failed.ids.iter().find_map(|id| self.keys.get(id.split('@').next()?).copied())
    }

    fn by_address(&self, failed: &Failed) -> Option<Pseudonym> {
        failed.addresses.iter().find_map(|address| self.addresses.get(address).copied())
    }
}

impl Found {
    fn take(&mut self, index: &Index, message: &[u8]) {
        self.messages += 1;
        let failed = match dsn::read(message) {
            Told::Other => return self.other += 1,
            Told::Passing => return self.passing += 1,
            Told::Failed(failed) => failed,
        };
        let by_id = index.by_id(&failed);
        // What speaks of another message is not of this one, whoever it was to.
        let by_address = || index.by_address(&failed).filter(|_| failed.ids.is_empty());
        let Some(subject) = by_id.or_else(by_address) else {
            let counter = if failed.ids.is_empty() { &mut self.unnamed } else { &mut self.foreign };
            return *counter += 1;
        };
        let Some(delivery) = index.deliveries.get(&subject).filter(|delivery| delivery.may_bounce()) else {
            return self.known += 1;
        };
        let written = failed.date.and_then(|date| u64::try_from(date.unix_timestamp()).ok());
        if written.is_some_and(|seconds| seconds + APART < delivery.at.millis() / 1000) {
            return self.old += 1;
        }
        self.by_address += u64::from(by_id.is_none());
        let status = self.bounced.entry(subject).or_default();
        *status = status.or(failed.status);
    }

    /// How many for which reason.
    fn reasons(&self) -> BTreeMap<String, u64> {
        let mut reasons = BTreeMap::new();
        for status in self.bounced.values() {
            let why = status.map_or_else(|| "no code".to_owned(), |status| status.to_string());
            *reasons.entry(why).or_default() += 1;
        }
        reasons
    }
}

fn tell(args: &BouncedArgs, notice: &Notice, found: &Found, left: usize) {
    let rest = [
        ("by_address", found.by_address, "of these by address alone, for the reports don't quote the message"),
        ("known", found.known, "of people who are known not to be reached"),
        ("old", found.old, "from before the message was sent the last time"),
        ("passing", found.passing, "of messages that are late, or have arrived"),
        ("foreign", found.foreign, "of other mail"),
        ("unnamed", found.unnamed, "that don't say of which message they are: --to LIST matches them by address"),
        ("other", found.other, "are no reports of a delivery"),
    ];
    let reasons = found.reasons();
    if args.order.json {
        let mut all: Map<String, Value> = rest.iter().map(|(name, n, _)| ((*name).to_owned(), json!(n))).collect();
        all.extend([
            ("case".to_owned(), json!(args.number)),
            ("notice".to_owned(), json!(notice.number)),
            ("messages".to_owned(), json!(found.messages)),
            ("bounced".to_owned(), json!(found.bounced.len())),
            ("left".to_owned(), json!(left)),
            ("reasons".to_owned(), json!(reasons)),
            ("dry_run".to_owned(), json!(args.dry_run)),
        ]);
        println!("{}", Value::Object(all));
        return;
    }
    let why: Vec<String> = reasons.iter().map(|(why, n)| format!("{n} {why}")).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
    println!("{} people were not reached{why}, by {} messages", found.bounced.len(), found.messages);
    for (_, n, what) in rest.iter().filter(|(_, n, _)| *n > 0) {
        println!("{n} {what}");
    }
    if args.dry_run {
        println!("nothing was noted: this is a dry run");
    } else if left > 0 {
        println!("{left} of them are left: the same command notes them");
    }
}
