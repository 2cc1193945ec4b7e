//! `privet incident`: cases, from the first suspicion to the end. Officers decide in their own name; looking needs nobody's.

mod affected;
mod bounced;
mod canary;
mod change;
mod compensation;
mod decide;
mod form;
mod look;
mod mute;
mod notice;
mod notify;
mod papers;
mod remedy;
mod replay;
mod report;

use std::process::ExitCode;

use http::Method;
use serde_json::{Value, json};

use super::{
    office::{AsArgs, Office},
    staff::{Failure, ended},
};
use crate::{
    admin::incident::PREFIX,
    common::clock,
    incident::{Cases, Command, Denied, Refused, State, ledger, view},
};

/// What `incident` takes.
#[derive(Debug, clap::Subcommand)]
pub enum IncidentCommand {
    /// Open a case: people's data may have left. Its clocks run from when somebody knew.
    Open(decide::OpenArgs),
    /// Show all cases, and what is left of their nearest clocks.
    List(look::ListArgs),
    /// Show a case: what is known, what laws ask for and why, and how long there is.
    Show(look::ShowArgs),
    /// Note something, and change what is known by it.
    Note(decide::NoteArgs),
    /// Say why something that a law asks for is late. No clock stops for it.
    Delay(decide::DelayArgs),
    /// People's data has left.
    Confirm(decide::ConfirmArgs),
    /// It has not.
    Clear(decide::ClearArgs),
    /// All is done that had to be.
    Close(decide::CloseArgs),
    /// Say whose data it was, exactly; and write the rows of your own list who are to be notified.
    Affected(affected::AffectedArgs),
    /// Say from whose list something comes that was found outside, by the invented people who were planted into it.
    Canary(canary::CanaryArgs),
    /// Say that what a law asks for is done, or that it is not asked for in this case.
    ReportDone(decide::DoneArgs),
    /// Say how often each rule would have fired over past records, by the thresholds of a configuration. Needs the keys.
    Replay(replay::ReplayArgs),
    /// Let signals of a rule open no case for a while.
    Mute(mute::MuteArgs),
    /// Let them open cases again.
    Unmute(mute::UnmuteArgs),
    /// Show what is muted, until when and why.
    Mutes(mute::MutesArgs),
    /// Write what people are told, and show what is still missing.
    Notice(Box<notice::NoticeArgs>),
    /// Say that a notice may go out: two officers do.
    Approve(notice::ApproveArgs),
    /// Send a notice to everybody in a list, once each.
    Notify(Box<notify::NotifyArgs>),
    /// Show what has become of the messages of a notice.
    Deliveries(notify::DeliveriesArgs),
    /// Read reports of mail servers that messages of a notice did not arrive, and note who was not reached.
    Bounced(bounced::BouncedArgs),
    /// Post a notice on the public page, for whoever can't be reached.
    Post(notice::PostArgs),
    /// Take it down from there.
    TakeDown(notice::TakeDownArgs),
    /// Fill in the form by which an authority is told.
    Form(form::FormArgs),
    /// Say what people are offered, claim and are paid.
    Compensation(compensation::CompensationArgs),
    /// Write the report when a case is over: how it went, who was responsible, what was done, and whether in time.
    Report(report::ReportArgs),
    /// Take a countermeasure, which holds at once and can be lifted: end sessions, close routes, lower limits, ban, mask, rotate keys.
    Remedy(remedy::RemedyArgs),
    /// Lift a countermeasure.
    Lift(remedy::LiftArgs),
    /// Show countermeasures.
    Remedies(remedy::RemediesArgs),
}

/// Runs; exit 0 when done, 1 when refused or when there is no such case, 2 for bad usage, 3 when the journal or a key is not to be had.
#[must_use]
pub fn run(command: &IncidentCommand) -> ExitCode {
    let outcome = match command {
        IncidentCommand::Open(args) => decide::open(args),
        IncidentCommand::List(args) => look::list(args),
        IncidentCommand::Show(args) => look::show(args),
        IncidentCommand::Note(args) => decide::note(args),
        IncidentCommand::Delay(args) => decide::delay(args),
        IncidentCommand::Confirm(args) => decide::confirm(args),
        IncidentCommand::Clear(args) => decide::clear(args),
        IncidentCommand::Close(args) => decide::close(args),
        IncidentCommand::Affected(args) => affected::run(args),
        IncidentCommand::Canary(args) => canary::run(args),
        IncidentCommand::ReportDone(args) => decide::done(args),
        IncidentCommand::Replay(args) => replay::run(args),
        IncidentCommand::Mute(args) => mute::mute(args),
        IncidentCommand::Unmute(args) => mute::unmute(args),
        IncidentCommand::Mutes(args) => mute::list(args),
        IncidentCommand::Notice(args) => notice::notice(args),
        IncidentCommand::Approve(args) => notice::approve(args),
        IncidentCommand::Notify(args) => notify::notify(args),
        IncidentCommand::Deliveries(args) => notify::deliveries(args),
        IncidentCommand::Bounced(args) => bounced::run(args),
        IncidentCommand::Post(args) => notice::post(args),
        IncidentCommand::TakeDown(args) => notice::take_down(args),
        IncidentCommand::Form(args) => form::run(args),
        IncidentCommand::Compensation(args) => compensation::run(args),
        IncidentCommand::Report(args) => report::run(args),
        IncidentCommand::Remedy(args) => remedy::take(args),
        IncidentCommand::Lift(args) => remedy::lift(args),
        IncidentCommand::Remedies(args) => remedy::list(args),
    };
    ended("incident", outcome)
}

fn refused(refused: &Refused) -> Failure {
    Failure::Refused { error: refused.to_string(), hint: refused.hint().map(str::to_owned), exit: refused.exit() }
}

/// Gives an order in one's own name; what has happened.
fn order(args: &AsArgs, office: &Office, command: Command) -> Result<Vec<Value>, Failure> {
    let order = args.sign(command)?;
    let place = office.journal()?;
    let body = serde_json::to_string(&order).map_err(std::io::Error::from).map_err(Failure::Gateway)?;
    if let Some(answer) = office.ask(Method::POST, &format!("{PREFIX}/orders"), body)? {
        return Ok(answer["events"].as_array().cloned().unwrap_or_default());
    }
    if place.place.folder().is_some_and(|folder| !folder.exists()) {
        return Err(refused(&Denied::NotFounded.into()));
    }
    office.by_itself(async |realm, registry, stream| {
        let (kept, rules) = (place.retention.grants, office.incidents.clone());
        let cases = Cases::open(stream.clone(), kept, &office.keys, rules, std::sync::Arc::clone(registry));
        let cases = cases.map_err(Failure::registry)?;
        let events = cases.carry_out(realm, order, clock::now()).await.map_err(|no| refused(&no))?;
        Ok(events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect())
    })
}

/// Gives an order, and says what has happened.
fn orders(args: &AsArgs, command: Command) -> Result<(), Failure> {
    let office = args.place.office()?;
    let events = order(args, &office, command)?;
    if args.json {
        println!("{}", json!({ "events": events }));
        return Ok(());
    }
    for event in &events {
        let case = &event["case"];
        let text = match event["kind"].as_str().unwrap_or_default() {
            "incident.opened" => format!(
                "opened as case {case}; it was known at {}: the clocks run (`privet incident show {case}`)",
                event["known_at"].as_str().unwrap_or("?")
            ),
            "incident.confirmed" => format!("case {case} is confirmed"),
            "incident.cleared" => format!("case {case} is cleared: no clock runs any more"),
            "incident.closed" => format!("case {case} is closed"),
            "incident.delayed" => "written down; the clock runs on".to_owned(),
            "incident.settled" if event["settled"]["outcome"] == "not_due" => {
                "written down: it is not asked for in this case".to_owned()
            }
            _ => "written down".to_owned(),
        };
        println!("{text}");
    }
    Ok(())
}

/// All cases.
fn list(office: &Office) -> Result<Value, Failure> {
    let laws = &office.incidents.laws;
    office.view(PREFIX, ledger::read::<State>, |state| view::list(state, laws, clock::now().into()))
}

/// A whole case.
fn show(office: &Office, number: u64) -> Result<Value, Failure> {
    let laws = &office.incidents.laws;
    let path = format!("{PREFIX}/{number}");
    let case = office.view(&path, ledger::read::<State>, |state| {
        let case = view::show(state, laws, number, clock::now().into());
        if case.is_null() { json!({}) } else { case }
    })?;
    if case["number"].is_u64() { Ok(case) } else { Err(refused(&Denied::NoCase.into())) }
}
