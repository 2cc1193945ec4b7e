//! `privet completions`: what a shell has to know to complete commands and options.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap_complete::{generate, shells};

use super::command;

/// What `completions` takes.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell that reads it.
    shell: Shell,
}

/// Shells that are known.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shell {
    /// `privet completions bash > /etc/bash_completion.d/privet`
    Bash,
    /// `privet completions zsh > _privet`, in a folder of `$fpath`
    Zsh,
    /// `privet completions fish > ~/.config/fish/completions/privet.fish`
    Fish,
}

/// Runs; exit 3 when the output can't be written.
#[must_use]
pub fn run(args: &CompletionsArgs) -> ExitCode {
    let (mut known, mut text) = (command(), Vec::new());
    match args.shell {
        Shell::Bash => generate(shells::Bash, &mut known, "privet", &mut text),
        Shell::Zsh => generate(shells::Zsh, &mut known, "privet", &mut text),
        Shell::Fish => generate(shells::Fish, &mut known, "privet", &mut text),
    }
    match io::stdout().lock().write_all(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("privet: the completions can't be written: {error}");
            ExitCode::from(3)
        }
    }
}
