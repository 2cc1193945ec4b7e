//! `privet logins`: who fails to sign in most, as pseudonyms, and what was learned of the applications' answers.

use std::process::ExitCode;

use http::Method;
use serde_json::Value;

use super::control::Gateway;

/// What `logins` takes.
#[derive(Debug, clap::Args)]
pub struct LoginsArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs; exit 3 when no gateway answers.
#[must_use]
pub fn run(args: &LoginsArgs) -> ExitCode {
    match args.gateway.ask(Method::GET, "/v1/logins", &Value::Null) {
        Ok(answer) if args.json => println!("{answer}"),
        Ok(answer) => print(&answer),
        Err(code) => return code,
    }
    ExitCode::SUCCESS
}

fn print(answer: &Value) {
    let list = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for login in list("logins") {
        println!("login  {}", text(&login["login"]));
        if login["belief"].is_object() {
            println!(
                "       learned ({} sure): {}",
                text(&login["belief"]["confidence"]),
                text(&login["belief"]["text"])
            );
        }
    }
    println!("memory {} keys", answer["keys"]);
    for whose in ["accounts", "addresses"] {
        let top = list(whose);
        if !top.is_empty() {
            println!("\n{whose:22}failures and refusals");
        }
        for row in top {
            println!("{:22}{}", text(&row["pseudonym"]), row["count"]);
        }
    }
}
