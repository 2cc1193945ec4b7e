//! Values that are never shown, and that may stand in a file of their own.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{context::Context, diagnose::Diagnostics, reader::Table};

/// The text of `name`, or of the file that `file` (`name` with `_file`) names, without the line's end; and where it was said.
pub(super) fn text(
    table: &mut Table,
    [name, file]: [&'static str; 2],
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<(String, Range<usize>)> {
    let (own_place, place) = (table.place(name), table.place(file));
    let own = table.text(name, d);
    let path = table.text(file, d).map(|t| context.path(&t));
    match (own, path) {
        (Some(_), Some(_)) => {
            d.note(&place, format!("both `{name}` and `{file}`"), Some("keep one of them".to_owned()));
            None
        }
        (Some(text), None) => Some((text, own_place)),
        (None, Some(path)) => {
            context.files.push(path.clone());
            match std::fs::read_to_string(&path).map(Zeroizing::new) {
                Ok(text) => Some((text.trim_end_matches(['\r', '\n']).to_owned(), place)),
                Err(error) => {
                    d.note(&place, format!("{} can't be read: {error}", path.display()), None);
                    None
                }
            }
        }
        (None, None) => None,
    }
}
