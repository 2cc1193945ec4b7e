//! A folder of range files, as the downloader of Have I Been Pwned writes it: a file for each first five digits of a hash (`ABCDE` or
//! `ABCDE.txt`), a line for each hash: the other 35, a colon, and how often it was seen.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::hash::Hash;

/// Digits that name a file.
const PREFIX: usize = 5;
/// Most bytes of a file; the largest have some hundred kilobytes.
const LARGEST: u64 = 4 << 20;

/// Whether a hash is listed in `folder`. Blocks.
///
/// # Errors
/// When its file can't be read. Every first five digits have a file, so one that is missing says nothing.
pub(super) fn has(folder: &Path, hash: &Hash) -> io::Result<bool> {
    let digits = hash.digits();
    let (prefix, suffix) = digits.split_at(PREFIX);
    let name = std::str::from_utf8(prefix).map_err(io::Error::other)?;
    let file = match File::open(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(folder.join(format!("{name}.txt")))?,
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    Ok(text.split(|byte| *byte == b'\n').any(|line| is_of(line, suffix)))
}

/// Whether `line` lists what ends in `suffix`. Lines with a count of nought are padding.
fn is_of(line: &[u8], suffix: &[u8]) -> bool {
    let Some((digits, rest)) = line.trim_ascii().split_at_checked(suffix.len()) else { return false };
    let listed = match rest {
        [] => true,
        [b':', count @ ..] => count.trim_ascii().iter().any(|digit| *digit != b'0'),
        _ => false,
    };
    listed && digits.eq_ignore_ascii_case(suffix)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8
    const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

    #[test]
    fn both_names_and_both_ends_of_a_line_are_read() {
        let hash = Hash::of(b"password");
        for name in ["5BAA6", "5BAA6.txt"] {
            for end in ["\n", "\r\n", ""] {
                let folder = tempfile::tempdir().expect("a folder");
                let text = format!("0018A45C4D1DEF81644B54AB7F969B88D65:10{end}\n{SUFFIX}:3861493{end}");
                fs::write(folder.path().join(name), text).expect("written");
                assert!(has(folder.path(), &hash).expect("readable"), "{name} {end:?}");
                assert!(has(folder.path(), &Hash::of(b"another")).is_err(), "no file says nothing");
            }
        }
    }

    #[test]
    fn what_merely_resembles_a_line_lists_nothing() {
        let suffix = SUFFIX.as_bytes();
        for listed in [format!("{SUFFIX}:1"), SUFFIX.to_lowercase(), format!("{SUFFIX}:10\r")] {
            assert!(is_of(listed.as_bytes(), suffix), "{listed}");
        }
        for other in [format!("{SUFFIX}:0"), format!("{SUFFIX}:"), format!("{SUFFIX}1"), SUFFIX[1..].to_owned()] {
            assert!(!is_of(other.as_bytes(), suffix), "{other}");
        }
    }
}
