//! What a text must have to match a pattern: some literal, and bytes of some sets. It is told from the pattern's structure alone, so that most patterns are ruled
//! out for most texts without being run.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::bytes::Bytes;

/// Most literals of which one must occur.
const MOST: usize = 256;
/// Most strings that a piece of a pattern is spelled out to.
const SPELLED: usize = 64;
/// Longest literal: a longer one rules out no more.
const LONGEST: usize = 16;
/// Shortest literal that is worth a look.
const SHORTEST: usize = 2;

/// What a text must have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Need {
    /// One of these, in any case; nothing is known where absent. In lower case.
    pub literals: Option<Vec<Vec<u8>>>,
    /// A byte of each of these sets; the smallest first.
    pub sets: Vec<Bytes>,
}

/// What `hir` needs.
#[must_use]
pub fn need(hir: &Hir) -> Need {
    let info = info(hir);
    let literals = info.needed();
    let mut sets = info.sets;
    sets.retain(|set| set.len() < 200);
    sets.sort_by_key(Bytes::len);
    sets.dedup();
    Need { literals, sets }
}

/// What is known of a piece of a pattern.
#[derive(Default)]
struct Info {
    /// All that it can match, in lower case, where those are few.
    exact: Option<Vec<Vec<u8>>>,
    /// One of these is in whatever it matches.
    any: Option<Vec<Vec<u8>>>,
    /// So is a byte of each of these.
    sets: Vec<Bytes>,
}

impl Info {
    fn needed(&self) -> Option<Vec<Vec<u8>>> {
        better(self.any.clone(), self.exact.clone())
    }
}

/// How much a set of literals rules out.
fn worth(literals: &[Vec<u8>]) -> Option<(usize, usize)> {
    let shortest = literals.iter().map(Vec::len).min()?;
    (shortest >= SHORTEST && literals.len() <= MOST).then(|| (shortest.min(6), MOST - literals.len()))
}

fn better(a: Option<Vec<Vec<u8>>>, b: Option<Vec<Vec<u8>>>) -> Option<Vec<Vec<u8>>> {
    let worth_of = |literals: &Option<Vec<Vec<u8>>>| literals.as_deref().and_then(worth);
    match (worth_of(&a), worth_of(&b)) {
        (None, None) => None,
        (worth_a, worth_b) => {
            if worth_a >= worth_b {
                a
            } else {
                b
            }
        }
    }
}

fn info(hir: &Hir) -> Info {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Info { exact: Some(vec![Vec::new()]), ..Info::default() },
        HirKind::Literal(literal) => {
            let lower = literal.0.to_ascii_lowercase();
            let sets = lower.iter().map(|byte| both(*byte)).collect();
            Info { exact: Some(vec![lower]), any: None, sets }
        }
        HirKind::Class(class) => of_class(class),
        HirKind::Capture(capture) => info(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = info(&repetition.sub);
            match (repetition.min, repetition.max) {
                (0, Some(1)) => {
                    let exact = inner.exact.filter(|strings| strings.len() < SPELLED);
                    Info {
                        exact: exact.map(|mut strings| {
                            strings.push(Vec::new());
                            strings
                        }),
                        ..Info::default()
                    }
                }
                (0, _) => Info::default(),
                (1, Some(1)) => inner,
                (min, max) => {
                    // Once, or as often as it must: nothing more is known of what follows.
                    let times = usize::try_from(min).unwrap_or(1).min(LONGEST);
                    let one = inner
                        .exact
                        .as_deref()
                        .filter(|strings| strings.len() == 1)
                        .map(|strings| strings[0].repeat(times));
                    let repeated = one.map(|string| vec![string]);
                    let whole = max == Some(min) && usize::try_from(min).is_ok_and(|min| min <= LONGEST);
                    Info {
                        exact: repeated.clone().filter(|_| whole),
                        any: better(inner.needed(), repeated),
                        sets: inner.sets,
                    }
                }
            }
        }
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => alternation(parts),
    }
}

fn both(byte: u8) -> Bytes {
    Bytes::NONE.with(byte.to_ascii_lowercase()).with(byte.to_ascii_uppercase())
}

fn of_class(class: &Class) -> Info {
    let mut set = Bytes::NONE;
    match class {
        Class::Bytes(class) => {
            for range in class.ranges() {
                set = set.with_range(range.start(), range.end());
            }
        }
        Class::Unicode(class) => {
            for range in class.ranges() {
                let (Ok(start), Ok(end)) = (u8::try_from(range.start()), u8::try_from(range.end())) else {
                    return Info::default();
                };
                if end > 0x7f {
                    return Info::default();
                }
                set = set.with_range(start, end);
            }
        }
    }
    let mut strings: Vec<Vec<u8>> = set.iter().map(|byte| vec![byte.to_ascii_lowercase()]).collect();
    strings.sort();
    strings.dedup();
    let exact = (strings.len() <= 12).then_some(strings);
    Info { exact, any: None, sets: vec![set] }
}

fn concat(parts: &[Hir]) -> Info {
    let mut whole = Info::default();
    let mut run: Vec<Vec<u8>> = vec![Vec::new()];
    let mut broken = false;
    for part in parts {
        let part = info(part);
        whole.sets.extend_from_slice(&part.sets);
        let any = part.needed();
        if let Some(longer) = part.exact.as_ref().and_then(|strings| cross(&run, strings)) {
            run = longer;
            continue;
        }
        // What has to be there no matter how, or is too much to spell out together: a new run begins with it.
        let next = part.exact.unwrap_or_else(|| vec![Vec::new()]);
        whole.any = better(whole.any.take(), Some(std::mem::replace(&mut run, next)));
        whole.any = better(whole.any.take(), any);
        broken = true;
    }
    if broken {
        whole.any = better(whole.any.take(), Some(run));
    } else {
        whole.exact = Some(run);
    }
    whole.sets.sort_by_key(Bytes::len);
    whole.sets.dedup();
    whole.sets.truncate(8);
    whole
}

/// Each of the first with each of the second; `None` where those are too many or too long.
fn cross(first: &[Vec<u8>], second: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let longest = |strings: &[Vec<u8>]| strings.iter().map(Vec::len).max().unwrap_or_default();
    if first.len() * second.len() > SPELLED || longest(first) + longest(second) > 2 * LONGEST {
        return None;
    }
    let mut all: Vec<Vec<u8>> = first.iter().flat_map(|a| second.iter().map(move |b| [&a[..], b].concat())).collect();
    all.sort();
    all.dedup();
    Some(all)
}

fn alternation(parts: &[Hir]) -> Info {
    let parts: Vec<Info> = parts.iter().map(info).collect();
    let mut exact = Some(Vec::new());
    let mut any = Some(Vec::new());
    let mut set = Some(Bytes::NONE);
    for part in &parts {
        exact = exact.zip(part.exact.clone()).map(|(mut all, some)| {
            all.extend(some);
            all
        });
        any = any.zip(part.needed()).map(|(mut all, some)| {
            all.extend(some);
            all
        });
        set = set.zip(part.sets.iter().min_by_key(|set| set.len())).map(|(all, one)| all.or(*one));
    }
    let tidy = |strings: Vec<Vec<u8>>, most: usize| {
        let mut strings = strings;
        strings.sort();
        strings.dedup();
        (strings.len() <= most).then_some(strings)
    };
    Info {
        exact: exact.and_then(|strings| tidy(strings, SPELLED)),
        any: any.and_then(|strings| tidy(strings, MOST)),
        sets: set.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Need {
        let parser = || regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        need(&parser().parse(pattern).expect("a pattern"))
    }

    fn literals(pattern: &str) -> Vec<String> {
        let found = of(pattern).literals.unwrap_or_default();
        found.into_iter().map(|l| String::from_utf8(l).expect("text")).collect()
    }

    #[test]
    fn literals_are_what_must_occur() {
        assert_eq!(literals(r"(?i)union\s+select"), ["select"]);
        assert_eq!(literals(r"(?i:sleep|benchmark)\("), ["benchmark(", "sleep("]);
        assert_eq!(literals(r"a.*b"), [""; 0]);
        assert_eq!(literals(r"x?foo(?:bar)?"), ["foo", "foobar", "xfoo", "xfoobar"]);
        assert_eq!(literals(r"[ab]cd"), ["acd", "bcd"]);
        assert_eq!(literals(r"(?:../){2}etc"), ["etc"]);
        assert_eq!(literals(r"foo|.*"), [""; 0]);
        assert_eq!(literals(r"\bid\b"), ["id"]);
    }

    #[test]
    fn sets_are_bytes_that_must_occur() {
        let need = of(r#"['"`].*="#);
        assert_eq!(need.sets, [Bytes::of(b"="), Bytes::of(b"'\"`")]);
        assert_eq!(of(r"(?:a|[0-9])").sets, [Bytes::of(b"aA0123456789")]);
        assert!(of(r"a*").sets.is_empty());
    }

    /// What is needed is needed: a text that matches has it.
    #[test]
    fn nothing_that_matches_is_ruled_out() {
        let patterns =
            [r"(?i)un[i1]on(?:\s|/\*)+se?lect", r"(?:a|bc){2,3}d?", r"[^a-z]{3}x|yy+z", r"(?i:s\W*l\W*e\W*e\W*p)"];
        let texts = ["UNION/*se", "un1on slect", "abcd", "aad", "bcbc", "123x", "yyyz", "s l-e.e p", "unio", "yz"];
        for pattern in patterns {
            let regex = regex::bytes::RegexBuilder::new(pattern).unicode(false).build().expect("a pattern");
            let need = of(pattern);
            for text in texts.iter().filter(|text| regex.is_match(text.as_bytes())) {
                let lower = text.to_ascii_lowercase().into_bytes();
                let has = |l: &Vec<u8>| memchr::memmem::find(&lower, l).is_some();
                assert!(need.literals.as_ref().is_none_or(|all| all.iter().any(has)), "{pattern} {text} {need:?}");
                assert!(need.sets.iter().all(|set| set.meets(&Bytes::of(text.as_bytes()))), "{pattern} {text}");
            }
        }
    }
}
