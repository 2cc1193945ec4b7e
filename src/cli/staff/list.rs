//! `privet staff list`: who may sign in, and what they are.

use serde_json::{Value, json};

use super::{Failure, PlaceArgs};
use crate::{
    cli::office::{self, Office},
    identity::account::Account,
};

/// What `staff list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Only grants that an officer has to look at again.
    #[arg(long)]
    due: bool,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ListArgs) -> Result<(), Failure> {
    let office = args.place.office()?;
    let look = office.look()?;
    office::warn(&look);
    if args.due {
        due(&look, args.json);
        return Ok(());
    }
    let mut accounts = office.accounts()?;
    accounts.sort_by(|a, b| a.id.cmp(&b.id));
    let founded = look["founded"].is_string();
    let row = |account: &Account| row(&office, &look, &account.id);
    let roles = |account: &Account| if founded { held(&row(account)) } else { account.roles.clone() };
    if args.json {
        let shown: Vec<_> = accounts
            .iter()
            .map(|account| {
                let own = row(account);
                json!({ "id": account.id, "name": account.name, "roles": roles(account), "totp": account.totp.is_some(),
                    "recovery_codes": account.recovery.len(), "passkeys": account.passkeys.len(),
                    "disabled": account.disabled, "created": account.created,
                    "left": own["left"], "pledge": own["pledge"]["state"] })
            })
            .collect();
        let mut object = json!({ "realm": office.realm.name, "accounts": shown });
        if founded {
            object["registry"] = look;
        }
        println!("{object}");
        return Ok(());
    }
    for account in &accounts {
        let (state, factor, roles) = (state(account, &row(account)), factor(account), roles(account).join(","));
        let pledge = row(account)["pledge"]["state"].as_str().unwrap_or("missing").to_owned();
        let pledge = if founded { format!("\tpledge {pledge}") } else { String::new() };
        println!("{}\t{state}\t{factor}\t{roles}{pledge}", account.id);
    }
    others(&office, &look);
    for proposal in look["proposals"].as_array().into_iter().flatten() {
        let (who, role) = (text(&proposal["person"]["subject"]), text(&proposal["role"]));
        println!("{who}\tproposed\t{}\t{role}: `privet staff confirm {}`", duty(proposal), proposal["id"]);
    }
    Ok(())
}

/// People whom a provider vouches for.
fn others(office: &Office, look: &Value) {
    let rows = look["people"].as_array().into_iter().flatten();
    for row in rows.filter(|row| row["person"]["issuer"] != office.realm.name.as_str()) {
        let state = if row["left"].is_string() { "left" } else { "active" };
        let (who, issuer) = (text(&row["person"]["subject"]), text(&row["person"]["issuer"]));
        let (roles, pledge) = (held(row).join(","), text(&row["pledge"]["state"]));
        // What their provider's directory calls them: the name above may be a number that tells people nothing.
        let called = row["directory"]["user_name"].as_str().map_or_else(String::new, |name| format!("\t{name}"));
        println!("{who}\t{state}\t{issuer}\t{roles}\tpledge {pledge}{called}");
    }
}

fn due(look: &Value, as_json: bool) {
    let people = look["people"].as_array().into_iter().flatten();
    let grants = people.flat_map(|row| row["grants"].as_array().into_iter().flatten());
    let due: Vec<&Value> = grants.filter(|grant| grant["due"] == true).collect();
    if as_json {
        println!("{}", json!({ "due": due }));
        return;
    }
    for grant in due {
        let (who, role, since) = (text(&grant["person"]["subject"]), text(&grant["role"]), text(&grant["certified"]));
        println!("{who}\t{role}\t{}\tlast looked at {since}", duty(grant));
    }
}

fn row(office: &Office, look: &Value, id: &str) -> Value {
    let own = |row: &&Value| row["person"]["issuer"] == office.realm.name.as_str() && row["person"]["subject"] == id;
    look["people"].as_array().into_iter().flatten().find(own).cloned().unwrap_or_default()
}

/// Roles in force.
fn held(row: &Value) -> Vec<String> {
    let grants = row["grants"].as_array().into_iter().flatten();
    let mut roles: Vec<String> = grants
        .filter(|grant| grant["in_force"] == true && row["left"].is_null())
        .map(|grant| text(&grant["role"]))
        .collect();
    roles.dedup();
    roles
}

fn state(account: &Account, row: &Value) -> &'static str {
    match (row["left"].is_string(), account.disabled) {
        (true, _) => "left",
        (false, true) => "disabled",
        (false, false) => "active",
    }
}

fn factor(account: &Account) -> String {
    let passkeys = match account.passkeys.len() {
        0 => String::new(),
        1 => ", 1 passkey".to_owned(),
        many => format!(", {many} passkeys"),
    };
    match &account.totp {
        Some(_) => format!("totp, {} recovery codes{passkeys}", account.recovery.len()),
        None if account.passkeys.is_empty() => "password only".to_owned(),
        None => format!("password{passkeys}"),
    }
}

fn duty(grant: &Value) -> String {
    grant["duty"].as_str().unwrap_or("-").to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
