//! JavaScript libraries with known holes: a file in the form of `RetireJS` (<https://github.com/RetireJS/retire.js>, `jsrepository.json`).

use std::{cmp::Ordering, fs, io, path::Path};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use regex::bytes::Regex;
use serde_json::Value;

use super::finding::hexadecimal;

/// What stands for a version in a pattern.
const VERSION: &str = "§§version§§";
/// And what it matches.
const ANY_VERSION: &str = r"[0-9][0-9.a-z_\-]*";
/// Bytes of a script that patterns look at: licences stand at its beginning.
const BEGINNING: usize = 64 << 10;
/// Most bytes of a file.
const LARGEST: u64 = 32 << 20;

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not there, or not to be read.
    #[error("can't be read: {0}")]
    Io(#[from] io::Error),
    /// Too large.
    #[error("is larger than 32 MiB")]
    Large,
    /// Not JSON.
    #[error("is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON of another form.
    #[error("names no library with `vulnerabilities` and `extractors`: is it RetireJS's jsrepository.json?")]
    Form,
}

/// All libraries of a file.
#[derive(Debug, Default)]
pub struct Libraries {
    list: Vec<Library>,
    /// Patterns that were left out: they use what only a backtracking matcher can do.
    pub skipped: usize,
    source: Vec<u8>,
}

// Compared by what they were read from, so that a configuration knows whether it has changed.
impl PartialEq for Libraries {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Libraries {}

#[derive(Debug)]
struct Library {
    name: String,
    urls: Vec<Regex>,
    contents: Vec<Regex>,
    hashes: Vec<(String, String)>,
    holes: Vec<Hole>,
}

#[derive(Debug)]
struct Hole {
    at_or_above: Option<String>,
    below: Option<String>,
    severity: String,
    named: String,
}

/// A library that is known to be vulnerable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    library: String,
    version: String,
    holes: Vec<String>,
}

impl Known {
    /// Library and version.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.library, self.version)
    }

    /// What is known of it.
    #[must_use]
    pub fn advice(&self) -> String {
        self.holes.join("; ")
    }
}

impl Libraries {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not there, or of another form.
    pub fn open(file: &Path) -> Result<Self, Error> {
        if fs::metadata(file)?.len() > LARGEST {
            return Err(Error::Large);
        }
        Self::read(&fs::read(file)?)
    }

    /// Reads what such a file holds.
    ///
    /// # Errors
    /// When it is of another form.
    pub fn read(text: &[u8]) -> Result<Self, Error> {
        let file: Value = serde_json::from_slice(text)?;
        let mut libraries =
            Self { source: digest(&SHA1_FOR_LEGACY_USE_ONLY, text).as_ref().to_vec(), ..Self::default() };
        for (name, entry) in file.as_object().ok_or(Error::Form)? {
            let holes: Vec<Hole> = entry["vulnerabilities"].as_array().into_iter().flatten().map(Hole::read).collect();
            let of = |key: &str, skipped: &mut usize| -> Vec<Regex> {
                let texts = entry["extractors"][key].as_array().into_iter().flatten().filter_map(Value::as_str);
                texts
                    .filter_map(|text| {
                        pattern(text).or_else(|| {
                            *skipped += 1;
                            None
                        })
                    })
                    .collect()
            };
            let mut skipped = 0;
            let mut urls = of("uri", &mut skipped);
            // A file's name ends a path.
            let names = entry["extractors"]["filename"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for text in names {
                match pattern(&format!("(?:^|/)(?:{text})(?:$|[?#])")) {
                    Some(name) => urls.push(name),
                    None => skipped += 1,
                }
            }
            let contents = of("filecontent", &mut skipped);
            let hashes = entry["extractors"]["hashes"].as_object().into_iter().flatten();
            let hashes =
                hashes.filter_map(|(sum, version)| Some((sum.to_ascii_lowercase(), version.as_str()?.to_owned())));
            let hashes: Vec<_> = hashes.collect();
            libraries.skipped += skipped;
            if !holes.is_empty() {
                libraries.list.push(Library { name: name.clone(), urls, contents, hashes, holes });
            }
        }
        if libraries.list.is_empty() { Err(Error::Form) } else { Ok(libraries) }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What a script's address says that it is.
    #[must_use]
    pub fn by_url(&self, url: &str) -> Vec<Known> {
        self.known(|library| version(&library.urls, url.as_bytes()))
    }

    /// What a script says that it is, or is known to be.
    #[must_use]
    pub fn by_content(&self, script: &[u8]) -> Vec<Known> {
        if self.list.is_empty() {
            return Vec::new();
        }
        let sum = hexadecimal(digest(&SHA1_FOR_LEGACY_USE_ONLY, script).as_ref());
        let beginning = &script[..script.len().min(BEGINNING)];
        self.known(|library| {
            let known = library.hashes.iter().find(|(known, _)| *known == sum).map(|(_, version)| version.clone());
            known.or_else(|| version(&library.contents, beginning))
        })
    }

    fn known(&self, version: impl Fn(&Library) -> Option<String>) -> Vec<Known> {
        let one = |library: &Library| {
            let version = version(library)?;
            let holes = library.holes.iter().filter(|hole| hole.is_open(&version));
            let holes: Vec<String> = holes.map(|hole| format!("{} ({})", hole.named, hole.severity)).collect();
            (!holes.is_empty()).then(|| Known { library: library.name.clone(), version, holes })
        };
        self.list.iter().filter_map(one).collect()
    }
}

impl Hole {
    fn read(entry: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let numbers = &entry["identifiers"];
        let first = |key: &str| numbers[key].as_array().and_then(|all| all.first()).and_then(&text);
        let named = first("CVE").or_else(|| text(&numbers["githubID"])).or_else(|| text(&numbers["summary"]));
        Self {
            at_or_above: text(&entry["atOrAbove"]),
            below: text(&entry["below"]),
            severity: text(&entry["severity"]).unwrap_or_else(|| "unrated".to_owned()),
            named: named.unwrap_or_else(|| "no number".to_owned()),
        }
    }

    fn is_open(&self, version: &str) -> bool {
        let reached = self.at_or_above.as_ref().is_none_or(|from| compare(version, from) != Ordering::Less);
        reached && self.below.as_ref().is_some_and(|below| compare(version, below) == Ordering::Less)
    }
}

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(&text.replace(VERSION, ANY_VERSION)).ok()
}

fn version(patterns: &[Regex], text: &[u8]) -> Option<String> {
    let found = patterns.iter().find_map(|pattern| pattern.captures(text)?.get(1))?;
    let version = String::from_utf8_lossy(found.as_bytes());
    // A name goes on behind the version: `1.2.3.min`.
    Some(version.trim_end_matches(".min").trim_end_matches(['.', '-', '_']).to_owned())
}

/// As `RetireJS` does: part by part, numbers by size, and what has a word is before what has none.
fn compare(one: &str, other: &str) -> Ordering {
    let parts = |text: &str| text.split(['.', '-']).map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (parts(one), parts(other));
    for at in 0..one.len().max(other.len()) {
        let (a, b) = (one.get(at).map_or("0", |s| s), other.get(at).map_or("0", |s| s));
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Greater,
            (Err(_), Ok(_)) => Ordering::Less,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One library, as such a file has it.
    pub(in crate::scan) const FILE: &str = r#"{
        "jquery": {
            "vulnerabilities": [
                { "below": "1.9.0", "severity": "medium", "identifiers": { "CVE": ["CVE-2012-6708"], "summary": "Selector is HTML" } },
                { "atOrAbove": "1.12.0", "below": "3.5.0", "severity": "high", "identifiers": { "CVE": ["CVE-2020-11022"] } }
            ],
            "extractors": {
                "uri": ["/(§§version§§)/jquery(\\.min)?\\.js"],
                "filename": ["jquery-(§§version§§)(\\.min)?\\.js"],
                "filecontent": ["/\\*! jQuery v(§§version§§)", "(?<=no)look(§§version§§)"],
                "hashes": { "da39a3ee5e6b4b0d3255bfef95601890afd80709": "1.2.3" }
            }
        }
    }"#;

    #[test]
    fn a_library_is_told_by_address_content_and_hash() {
        let libraries = Libraries::read(FILE.as_bytes()).expect("a file");
        assert_eq!((libraries.len(), libraries.skipped), (1, 1));
        let names = |known: Vec<Known>| known.iter().map(|known| (known.name(), known.advice())).collect::<Vec<_>>();
        assert_eq!(
            names(libraries.by_url("https://cdn.example/ajax/jquery-1.8.3.min.js?x")),
            [("jquery 1.8.3".to_owned(), "CVE-2012-6708 (medium)".to_owned())]
        );
        assert_eq!(names(libraries.by_url("/2.2.4/jquery.min.js")).len(), 1);
        assert!(libraries.by_url("/jquery-3.5.0.js").is_empty() && libraries.by_url("/jquery-1.10.2.js").is_empty());
        assert_eq!(names(libraries.by_content(b"/*! jQuery v3.4.1 | (c) */")).len(), 1);
        assert_eq!(names(libraries.by_content(b""))[0].0, "jquery 1.2.3");
    }

    #[test]
    fn versions_are_compared_part_by_part() {
        for (less, more) in [("1.9", "1.10"), ("1.0.0-rc1", "1.0.0"), ("3.4.1", "3.5.0"), ("1.0", "1.0.1")] {
            assert_eq!(
                (compare(less, more), compare(more, less)),
                (Ordering::Less, Ordering::Greater),
                "{less} {more}"
            );
        }
        assert_eq!(compare("1.0", "1.0.0"), Ordering::Equal);
    }

    #[test]
    fn another_file_is_refused() {
        for text in ["[]", "{}", "{\"a\":{}}", "x"] {
            assert!(Libraries::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
