//! `privet staff passkeys`: what an officer can do about a passkey that was lost.

use super::{Failure, PlaceArgs, change};
use crate::identity::account;

/// What `staff passkeys` takes.
#[derive(Debug, clap::Subcommand)]
pub enum PasskeysCommand {
    /// Show somebody's passkeys: tag, host, when it was added, what they call it.
    List(ListArgs),
    /// Remove passkeys; the sessions of their owner end.
    Remove(RemoveArgs),
}

/// What `staff passkeys list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// The name that signs in.
    id: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What `staff passkeys remove` takes.
#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    /// The name that signs in.
    id: String,
    /// Only the one of this tag; all of them without it.
    #[arg(long, value_name = "TAG")]
    passkey: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(command: &PasskeysCommand) -> Result<(), Failure> {
    match command {
        PasskeysCommand::List(args) => list(args),
        PasskeysCommand::Remove(args) => remove(args),
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let id = account::id(&args.id)?;
    let accounts = args.place.door()?.place().read()?;
    let account = accounts.iter().find(|account| account.id == id).ok_or(Failure::Unknown)?;
    if args.json {
        let shown = account.passkeys.iter().map(|passkey| {
            serde_json::json!({ "passkey": passkey.tag(), "host": passkey.host, "created": passkey.created, "name": passkey.name })
        });
        println!("{}", serde_json::json!({ "id": id, "passkeys": shown.collect::<Vec<_>>() }));
        return Ok(());
    }
    for passkey in &account.passkeys {
        println!("{}\t{}\t{}\t{}", passkey.tag(), passkey.host, passkey.created, passkey.name);
    }
    Ok(())
}

fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    let door = args.place.door()?;
    let id = account::id(&args.id)?;
    let removed = change::change(&door, &id, |account| account.remove_passkeys(args.passkey.as_deref()))?;
    if !removed {
        return Err(Failure::NoPasskey);
    }
    println!("removed; their sessions end");
    Ok(())
}
