//! Parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    privet::cli::run()
}
