//! Who may import whom: only downward, and rooms of one rank not each other.

use std::{fs, path::Path};

/// Highest first; `settings` of a room may be imported by `config`, which is above them all anyway.
const RANKS: &[&[&str]] = &[
    &["cli"],
    &["app", "demo"],
    &["config"],
    &["server", "admin"],
    &["attest"],
    &["gateway"],
    &["observe", "incident"],
    &["identity", "access"],
    &["registry", "backup"],
    &["tls", "privacy", "login", "journal", "shield", "antivirus", "scan"],
    &["store", "dial", "seal", "format"],
    &["common"],
];

fn rank(room: &str) -> usize {
    RANKS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("`{room}` has no rank"))
}

/// `cli` starts the demo application beside the app; `app` reads what `config` made.
fn allowed(from: &str, to: &str) -> bool {
    from == to || rank(from) < rank(to)
}

fn files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder").flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else if entry.path().extension().is_some_and(|e| e == "rs") {
            found.push(entry.path());
        }
    }
}

/// The rooms that a file names by `crate::room` or `use crate::{ room.. }`.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + 7..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut word)),
                    c if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            found.push(word);
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    let first = |w: String| w.trim().split("::").next().unwrap_or_default().to_owned();
    found.into_iter().map(first).filter(|w| !w.is_empty()).collect()
}

#[test]
fn no_arrow_points_upward() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    let mut wrong = Vec::new();
    for file in all {
        let relative = file.strip_prefix(&src).expect("below src");
        let room = relative.components().next().expect("a room").as_os_str().to_string_lossy().into_owned();
        if relative.components().count() == 1 {
            continue;
        }
        for to in imports(&fs::read_to_string(&file).expect("a file")) {
            if !allowed(&room, &to) {
                wrong.push(format!("{}: {room} -> {to}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
