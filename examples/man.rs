//! Writes the manual, a page a command, into a folder: `cargo run --example man -- DIR`. What needs it is left out of the binary that is
//! shipped: it would make it 140 KB larger.

use std::{error::Error, fs, path::Path};

use clap_mangen::Man;

/// What no command tells of itself, for the page of all.
const MORE: &str = include_str!("../deploy/debian/man.roff");
/// System administration.
const SECTION: &str = "8";

#[allow(dead_code, reason = "tests take the pages and leave the program")]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name the folder for the pages")?;
    fs::create_dir_all(&folder)?;
    write(Path::new(&folder))
}

/// Writes all pages into `folder`.
///
/// # Errors
/// When one can't be written.
pub(crate) fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut top = privet::cli::command().disable_help_subcommand(true);
    top.build();
    let mut commands = vec![top];
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands().filter(|below| !below.is_hide_set()).cloned());
        let is_top = command.get_display_name().is_none_or(|name| name == "privet");
        let page =
            Man::new(command).section(SECTION).source(concat!("privet ", env!("CARGO_PKG_VERSION"))).manual("Privet");
        let mut text = Vec::new();
        page.render(&mut text)?;
        if is_top {
            text.extend_from_slice(MORE.as_bytes());
        }
        fs::write(folder.join(page.get_filename()), text)?;
    }
    Ok(())
}
