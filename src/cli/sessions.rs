//! `privet sessions`: who is signed in at a running gateway, and how to end that.

use std::process::ExitCode;

use http::Method;
use serde_json::{Value, json};

use super::control::Gateway;

/// What `sessions` takes.
#[derive(Debug, clap::Subcommand)]
pub enum SessionsCommand {
    /// Who is signed in, since when, and how they have proved it.
    List(ListArgs),
    /// End one session, or all of a person.
    End(EndArgs),
}

/// What `sessions list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What `sessions end` takes.
#[derive(Debug, clap::Args)]
pub struct EndArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// The session's handle, as `sessions list` shows it.
    #[arg(value_name = "HANDLE", required_unless_present = "subject")]
    handle: Option<String>,
    /// All sessions of this person.
    #[arg(long, value_name = "NAME", conflicts_with = "handle")]
    subject: Option<String>,
}

/// Runs; exit 1 when there is no such session, 3 when no gateway answers.
#[must_use]
pub fn run(command: &SessionsCommand) -> ExitCode {
    let outcome = match command {
        SessionsCommand::List(args) => args
            .gateway
            .ask(Method::GET, "/v1/sessions", &Value::Null)
            .map(|answer| if args.json { println!("{answer}") } else { print(&answer) }),
        SessionsCommand::End(args) => {
            let said = json!({ "handle": args.handle, "subject": args.subject });
            args.gateway
                .ask(Method::POST, "/v1/sessions/end", &said)
                .map(|answer| println!("{} ended", answer["ended"]))
        }
    };
    outcome.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

fn print(answer: &Value) {
    let rows = answer["sessions"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        println!("nobody is signed in");
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| {
        let items = value.as_array().cloned().unwrap_or_default();
        items.iter().map(text).collect::<Vec<_>>().join(",")
    };
    for row in rows {
        let fields = [
            text(&row["handle"]),
            text(&row["subject"]),
            list(&row["roles"]),
            list(&row["methods"]),
            text(&row["began"]),
            text(&row["seen"]),
        ];
        println!("{}", fields.join("\t"));
    }
}
