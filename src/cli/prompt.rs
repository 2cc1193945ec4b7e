//! Asks for a password: at a terminal without echo, twice, or from standard input, once.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::identity::{password::Password, policy};

/// Why nothing was said. What was typed is in none of the texts.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the two are not the same")]
    Differ,
    #[error("broken off")]
    BrokenOff,
    #[error("there is no terminal to ask at")]
    NoTerminal,
    #[error("what is typed can't be read")]
    Input(#[from] io::Error),
}

/// One's own password.
pub(super) fn own(from_stdin: bool) -> Result<Zeroizing<String>, Error> {
    if from_stdin {
        return Ok(line()?);
    }
    secret("Your password: ", false)
}

/// A new password.
pub(super) fn password(from_stdin: bool) -> Result<Password, Error> {
    if from_stdin {
        return Ok(Password::new(&line()?));
    }
    secret("Password: ", true).map(|typed| Password::new(&typed))
}

/// What is typed without being seen; `new` asks for it twice.
pub(super) fn secret(prompt: &str, new: bool) -> Result<Zeroizing<String>, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::NoTerminal);
    }
    let quiet = Quiet::begin()?;
    let first = quiet.ask(prompt)?;
    if new && *quiet.ask("Again: ")? != *first {
        return Err(Error::Differ);
    }
    Ok(first)
}

/// A line of standard input without its end, no longer than a password may be.
fn line() -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(policy::LONGEST_BYTES + 2));
    let limit = u64::try_from(policy::LONGEST_BYTES + 2).unwrap_or(u64::MAX);
    io::Read::take(io::stdin().lock(), limit).read_line(&mut line)?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(line)
}

/// A terminal without echo. Signals by key are off as well: one that ended the process would leave the terminal so.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }

    /// Asks while the terminal is quiet.
    #[allow(clippy::unused_self)] // what holds it is the proof that the terminal is quiet
    fn ask(&self, prompt: &str) -> Result<Zeroizing<String>, Error> {
        let mut out = io::stderr();
        write!(out, "{prompt}").and_then(|()| out.flush())?;
        let line = line();
        let _ = writeln!(out);
        let line = line?;
        // Control-C and Control-\ come as characters.
        if line.contains(['\u{3}', '\u{1c}']) { Err(Error::BrokenOff) } else { Ok(line) }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
