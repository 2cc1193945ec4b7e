//! Sends a notice to everybody in a list, and says what has become of each message. The list is read here, and kept nowhere.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, IsTerminal as _, Write as _},
    path::PathBuf,
};

use serde_json::{Value, json};

use super::{
    notice::chosen,
    papers::{Writing, no, notices, of, order, refused},
};
use crate::{
    cli::{
        office::{AsArgs, Office},
        staff::{Failure, PlaceArgs},
    },
    common::{clock, lock_file::LockFile},
    incident::notice::{
        Command, Refused,
        carrier::Carrier,
        delivery::State,
        list::{self, List},
        message,
        sender::{Stopped, Task},
        settings::{Channel, Settings},
        state::{Notice, Papers},
    },
};

/// Held by whoever sends, in the data folder.
const LOCK: &str = "notices.lock";
/// Most lines that are named.
const SHOWN: usize = 20;

/// What becomes of messages of which nobody knows whether they have arrived, or that were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Then {
    /// They are listed.
    List,
    /// They are sent again.
    Resend,
}

/// What `incident notify` takes.
#[derive(Debug, clap::Args)]
pub struct NotifyArgs {
    /// The case.
    number: u64,
    /// Whom: a CSV file with `address`, `subject`, `certainty` and, where it is known, `language`, as `privet incident affected --match --address` makes it.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Which notice of the case [default: the newest].
    #[arg(long, value_name = "N")]
    notice: Option<u64>,
    /// What to do about messages that may have arrived before a crash. Sent again they have the same Message-ID.
    #[arg(long, value_enum, value_name = "HOW", default_value = "list")]
    unknown: Then,
    /// What to do about people whose server has refused them, or whose address was none: of use once the list is mended.
    #[arg(long, value_enum, value_name = "HOW", default_value = "list")]
    bounced: Then,
    /// Read the list, speak to the server, and send nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    order: AsArgs,
}

/// What `incident deliveries` takes.
#[derive(Debug, clap::Args)]
pub struct DeliveriesArgs {
    /// The case.
    number: u64,
    /// Which notice of it [default: the newest].
    #[arg(long, value_name = "N")]
    notice: Option<u64>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

impl NotifyArgs {
    fn again(&self) -> Vec<State> {
        let mut again = Vec::new();
        if self.unknown == Then::Resend {
            again.push(State::Unknown);
        }
        if self.bounced == Then::Resend {
            again.extend([State::Bounced, State::Unaddressed]);
        }
        again
    }
}

pub(super) fn notify(args: &NotifyArgs) -> Result<(), Failure> {
    let office = args.order.place.office()?;
    let settings = &office.incidents.notices;
    let Some(channel) = &settings.channel else {
        let hint = "add [incident.mail] with `smtp` and `from`, or [incident.webhook] with `url`, and name the configuration (--config FILE)";
        return Err(no("the configuration does not say by what notices are sent", Some(hint), 2));
    };
    let unread = |error: list::Error| no(format!("the list can't be read: {error}"), None, 2);
    let file = File::open(&args.to).map_err(|error| unread(error.into()))?;
    let list = list::read(BufReader::with_capacity(64 << 10, file)).map_err(unread)?;
    tell_refused(&list);
    if args.dry_run {
        return rehearse(args, &office, channel, &list);
    }
    let _one = LockFile::take(&office.data_dir.join(LOCK)).map_err(|error| no(error.to_string(), None, 3))?;
    let (_, papers) = of(&office, args.number)?;
    let notice = chosen(&papers, args.notice)?;
    let (recipients, again) = (list.recipients.len() as u64, args.again());
    let send = Command::Send { case: args.number, notice: notice.number, way: channel.way(), recipients, again };
    let done = if office.is_served() {
        order(&args.order, &office, send)?;
        runtime()?.block_on(send_all(args, settings, channel, &list, &papers, &Writing::Gateway(&office)))
    } else {
        let signed = args.order.sign(send)?;
        office.by_itself(async |realm, registry, stream| {
            let notices = notices(&office, registry, stream)?;
            notices.carry_out(realm, signed, clock::now()).await.map_err(|no: Refused| refused(&no))?;
            Ok(send_all(args, settings, channel, &list, &papers, &Writing::Own(notices)).await)
        })?
    };
    finish(args, done?)
}

/// Says what would be sent, after asking the server whether it wants us.
fn rehearse(args: &NotifyArgs, office: &Office, channel: &Channel, list: &List) -> Result<(), Failure> {
    let (_, papers) = of(office, args.number)?;
    let notice = chosen(&papers, args.notice)?;
    let carrier = carrier(args.number, notice, channel, office.incidents.notices.organisation.as_deref())?;
    let there = runtime()?.block_on(carrier.probe());
    let task = task(args, &office.incidents.notices, list, notice);
    let due = task.due().len();
    let approvals = notice.approvals.len();
    if args.order.json {
        let (server, recipients) = (there.as_ref().err().map(ToString::to_string), list.recipients.len());
        println!(
            "{}",
            json!({ "dry_run": true, "notice": notice.number, "approvals": approvals, "recipients": recipients, "due": due, "trouble": server })
        );
    } else {
        println!("notice {} of case {}: {approvals} officers have approved it", notice.number, args.number);
        println!(
            "{} people in the list, {due} of them would be told now; nothing was sent: this is a dry run",
            list.recipients.len()
        );
    }
    there.map_err(|error| no(format!("the server can't be used: {error}"), None, 3))
}

fn carrier<'a>(
    case: u64,
    notice: &'a Notice,
    channel: &'a Channel,
    organisation: Option<&'a str>,
) -> Result<Carrier<'a>, Failure> {
    let about = message::Notice { case, number: notice.number, sha256: &notice.sha256 };
    Carrier::new(channel, about, &notice.documents, organisation).map_err(|error| no(error.to_string(), None, 2))
}

fn task<'a>(args: &NotifyArgs, settings: &Settings, list: &'a List, notice: &Notice) -> Task<'a> {
    Task {
        case: args.number,
        notice: notice.number,
        recipients: &list.recipients,
        known: notice.deliveries.all(),
        window: notice.deliveries.next(),
        again: args.again(),
        rate: settings.rate,
        retry: settings.retry,
    }
}

async fn send_all(
    args: &NotifyArgs,
    settings: &Settings,
    channel: &Channel,
    list: &List,
    papers: &Papers,
    steps: &Writing<'_>,
) -> Result<(BTreeMap<State, u64>, Option<Stopped>), Failure> {
    let notice = chosen(papers, args.notice)?;
    let mut carrier = carrier(args.number, notice, channel, settings.organisation.as_deref())?;
    let mut task = task(args, settings, list, notice);
    let (all, shown) = (list.recipients.len(), io::stderr().is_terminal());
    let outcome = task
        .run(steps, &mut carrier, |counts| {
            if shown {
                progress(counts, all);
            }
        })
        .await;
    carrier.rest().await;
    if shown {
        eprintln!();
    }
    Ok((task.counts(), outcome.err()))
}

/// One line of a terminal that is written over.
fn progress(counts: &BTreeMap<State, u64>, all: usize) {
    const WIDTH: usize = 30;
    let of = |state| counts.get(&state).copied().unwrap_or_default();
    let done = all - usize::try_from(of(State::Queued) + of(State::Deferred)).unwrap_or(all).min(all);
    let full = done * WIDTH / all.max(1);
    let bar = "#".repeat(full) + &"-".repeat(WIDTH - full);
    let mut out = io::stderr();
    let _ = write!(
        out,
        "\r[{bar}] {done}/{all}: {} accepted, {} put off, {} refused, {} unknown \u{1b}[K",
        of(State::Accepted),
        of(State::Deferred),
        of(State::Bounced) + of(State::Unaddressed),
        of(State::Unknown)
    );
    let _ = out.flush();
}

fn tell_refused(list: &List) {
    for (line, why) in list.refused.iter().take(SHOWN) {
        eprintln!("line {line}: {why}");
    }
    if list.refused.len() > SHOWN {
        eprintln!("... {} lines say of nobody new whom to tell", list.refused.len());
    }
}

fn finish(args: &NotifyArgs, (counts, stopped): (BTreeMap<State, u64>, Option<Stopped>)) -> Result<(), Failure> {
    let of = |state: &State| counts.get(state).copied().unwrap_or_default();
    if args.order.json {
        let states: serde_json::Map<String, Value> =
            State::ALL.iter().map(|state| (state.name().to_owned(), json!(of(state)))).collect();
        println!(
            "{}",
            json!({ "case": args.number, "states": states, "stopped": stopped.as_ref().map(ToString::to_string) })
        );
    } else {
        let states: Vec<String> = State::ALL
            .iter()
            .filter(|state| of(state) > 0)
            .map(|state| format!("{} {}", of(state), state.name()))
            .collect();
        println!("{}", states.join(", "));
    }
    if let Some(stopped) = stopped {
        let hint = "the same command goes on where it has stopped; nobody is told twice";
        return Err(no(format!("stopped: {stopped}"), Some(hint), 3));
    }
    let left = State::ALL.iter().filter(|state| **state != State::Accepted).map(of).sum::<u64>();
    if left == 0 {
        return Ok(());
    }
    let hint =
        "`privet incident deliveries N` lists them; whoever can't be reached is told by `privet incident post N`";
    Err(no(format!("{left} people were not told, or nobody knows"), Some(hint), 1))
}

pub(super) fn deliveries(args: &DeliveriesArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let (_, papers) = of(&office, args.number)?;
    let notice = chosen(&papers, args.notice)?;
    let about = message::Notice { case: args.number, number: notice.number, sha256: &notice.sha256 };
    let from = match &office.incidents.notices.channel {
        Some(Channel::Mail(mail)) => Some(mail.from.as_str()),
        _ => None,
    };
    let rows: Vec<Value> = notice
        .deliveries
        .all()
        .iter()
        .map(|(subject, delivery)| {
            let mut row = json!(delivery);
            row["subject"] = json!(subject);
            row["key"] = json!(about.key(*subject));
            row["message_id"] = json!(from.map(|from| about.message_id(*subject, from)));
            row
        })
        .collect();
    if args.json {
        println!("{}", json!({ "case": args.number, "notice": notice.number, "deliveries": rows }));
        return Ok(());
    }
    let mut out = io::stdout().lock();
    for row in &rows {
        let word = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
        let code = row["code"].as_u64().map_or_else(|| word("status"), |code| code.to_string());
        let certainty = if row["possible"] == true { "possible" } else { "confirmed" };
        let id = row["message_id"].as_str().or(row["key"].as_str()).unwrap_or("-");
        let line = writeln!(
            out,
            "{}\t{}\t{certainty}\t{}\t{code}\t{} tries\t{id}",
            word("subject"),
            word("state"),
            word("at"),
            row["attempts"]
        );
        if line.is_err() {
            break;
        }
    }
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Gateway)
}
