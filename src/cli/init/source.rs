//! Files that are read, and those that they include.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::model::Spot;

/// Most files that include each other.
const MOST_FILES: usize = 512;
/// Most bytes of one.
const LONGEST: u64 = 8 << 20;
/// Deepest nesting of blocks, and of files in files.
pub(super) const DEEPEST: usize = 40;

/// Why a file can't be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It can't be read.
    #[error("{} can't be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// It is not what it should be.
    #[error("{}:{}: {what}", .place.file, .place.line)]
    Syntax {
        /// Where.
        place: Spot,
        /// What is wrong.
        what: &'static str,
    },
    /// There is too much of it.
    #[error("more than {MOST_FILES} files are included: do they include each other?")]
    Many,
}

/// Reads files, so many and no more.
#[derive(Debug, Default)]
pub(super) struct Files(usize);

impl Files {
    /// The text of a file; what is no UTF-8 in it is replaced.
    pub(super) fn read(&mut self, path: &Path) -> Result<String, Error> {
        self.0 += 1;
        if self.0 > MOST_FILES {
            return Err(Error::Many);
        }
        let refused = |error| Error::Read(path.to_owned(), error);
        let about = fs::metadata(path).map_err(refused)?;
        if !about.is_file() || about.len() > LONGEST {
            return Err(refused(io::Error::other("it is no file, or too large for a configuration")));
        }
        let bytes = fs::read(path).map_err(refused)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The files that a pattern stands for, in order: `*` and `?` in the last part of the path, as in `sites-enabled/*.conf`.
pub(super) fn matching(base: &Path, pattern: &str) -> Vec<PathBuf> {
    let whole = base.join(pattern);
    let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.contains(['*', '?']) {
        return vec![whole];
    }
    let folder = whole.parent().unwrap_or(Path::new("."));
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.retain(|path| {
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        (name.starts_with('.') || !own.starts_with('.')) && fits(name.as_bytes(), own.as_bytes())
    });
    found.sort();
    found
}

/// Whether a name is one that a pattern stands for.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    // Where the last star was, and how far the name was when it was met.
    let (mut p, mut n, mut back) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, n));
                p += 1;
            }
            Some(&b) if b == b'?' || b == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match back {
                Some((star, at)) => {
                    (p, n) = (star + 1, at + 1);
                    back = Some((star, at + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fit) in [
            ("*.conf", "a.conf", true),
            ("*", "", true),
            ("a*b*c", "aXbYbc", true),
            ("a?c", "abc", true),
            ("*.conf", "a.confx", false),
            ("", "a", false),
            ("a*", "b", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), fit, "{pattern} {name}");
        }
    }
}
