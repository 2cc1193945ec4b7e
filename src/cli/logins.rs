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
    for login in list("logins") {
        println!("login  {}", login["login"].as_str().unwrap_or_default());
        if let Some(belief) = login["belief"].as_object() {
            let percent = belief["confidence"].as_f64().unwrap_or_default() * 100.0;
            println!(
                "       learned of {} answers, {percent:.0} % sure: {}",
                belief["answers"],
                belief["text"].as_str().unwrap_or_default()
            );
        }
    }
    println!("memory {} keys, {} KiB", answer["keys"], answer["bytes"].as_u64().unwrap_or_default() / 1024);
    let top = list("top");
    if top.is_empty() {
        println!("nobody has failed");
        return;
    }
    println!("\n{:8}  {:20}  failures and refusals", "whose", "pseudonym");
    for row in top {
        println!(
            "{:8}  {:20}  {}",
            row["whose"].as_str().unwrap_or_default(),
            row["pseudonym"].as_str().unwrap_or_default(),
            row["count"]
        );
    }
}
