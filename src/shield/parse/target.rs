//! What rules look at, and which rules are meant.

use super::super::{
    pattern,
    rule::Meant,
    source::{Fault, Place},
    variable::{Choice, Selector, Target, Variable},
};

/// `ARGS|!ARGS:x|&TX:/y/` as targets.
///
/// # Errors
/// When a name is not known, or a selector can't be read.
pub fn targets(place: &Place, text: &str) -> Result<Vec<Target>, Fault> {
    split(text).into_iter().filter(|part| !part.trim().is_empty()).map(|part| target(place, part.trim())).collect()
}

/// Parts between `|`, but those within a pattern or quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut within, mut escaped, mut before) = (Vec::new(), 0, None, false, ' ');
    for (at, c) in text.char_indices() {
        match (c, within) {
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            (c, Some(close)) if c == close => within = None,
            ('/' | '\'', None) if before == ':' && !text[..at].ends_with("XML:") => within = Some(c),
            ('|', None) => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    parts.push(&text[start..]);
    parts
}

fn target(place: &Place, text: &str) -> Result<Target, Fault> {
    let (excluded, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    let (count, rest) = rest.strip_prefix('&').map_or((false, rest), |rest| (true, rest));
    Ok(Target { choice: choice(place, rest)?, count, excluded })
}

/// `ARGS:x` as a choice.
///
/// # Errors
/// When the name is not known, or the selector can't be read.
pub(super) fn choice(place: &Place, text: &str) -> Result<Choice, Fault> {
    let (name, selector) = text.split_once([':', '.']).map_or((text, None), |(name, selector)| (name, Some(selector)));
    let variable =
        Variable::named(name).ok_or_else(|| Fault::new(place, format!("`{name}` is no variable that Privet knows")))?;
    let Some(selector) = selector else { return Ok(Choice { variable, selector: None }) };
    if !variable.is_collection() {
        return Err(Fault::new(place, format!("`{name}` has no members; `:{selector}` has no meaning")));
    }
    let bare = selector.strip_prefix('\'').and_then(|s| s.strip_suffix('\'')).unwrap_or(selector);
    if variable == Variable::Xml && !["/*", "//@*"].contains(&bare) {
        let what =
            format!("`XML:{bare}` is not known; `XML:/*` is all text of a document, `XML://@*` are its attributes");
        return Err(Fault::new(place, what));
    }
    let pattern = bare.strip_prefix('/').and_then(|s| s.strip_suffix('/')).filter(|_| variable != Variable::Xml);
    let selector = match pattern {
        Some(pattern) => {
            let regex =
                pattern::plain(pattern, true).map_err(|why| Fault::new(place, format!("`/{pattern}/`: {why}")))?;
            Selector::Pattern(regex)
        }
        None => Selector::Name(bare.to_ascii_lowercase().into_bytes()),
    };
    Ok(Choice { variable, selector: Some(selector) })
}

/// Which rules are meant; `by` is `ById`, `ByTag` or `ByMsg`.
///
/// # Errors
/// When a number can't be read.
pub fn meant(place: &Place, by: &str, text: &str) -> Result<Meant, Fault> {
    match by {
        "ByTag" => Ok(Meant::Tag(text.to_owned())),
        "ByMsg" => Ok(Meant::Message(text.to_owned())),
        _ => {
            let number = |text: &str| {
                let wrong =
                    || Fault::new(place, format!("`{text}` is no rule's number; write 942100, or 942100-942199"));
                text.trim().parse::<u32>().map_err(|_| wrong())
            };
            let ranges = text.split([' ', ',']).map(str::trim).filter(|part| !part.is_empty());
            let ranges = ranges.map(|part| match part.split_once('-') {
                Some((first, last)) => Ok((number(first)?, number(last)?)),
                None => number(part).map(|id| (id, id)),
            });
            Ok(Meant::Ids(ranges.collect::<Result<_, Fault>>()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { file: "a.conf".into(), line: 7 }
    }

    #[test]
    fn targets_are_told_apart() {
        let all = targets(&place(), "ARGS|!ARGS:Foo|&TX:/^a|b$/|REQUEST_COOKIES:'/x|y/'|XML:/*").expect("targets");
        assert_eq!(all.len(), 5);
        assert!(all[1].excluded && all[1].choice.selector == Some(Selector::Name(b"foo".to_vec())));
        assert!(all[2].count && all[2].choice.covers(Variable::Tx, b"B") && !all[2].choice.covers(Variable::Tx, b"c"));
        assert!(all[3].choice.covers(Variable::RequestCookies, b"y"));
    }

    #[test]
    fn what_is_not_known_is_told_with_its_place() {
        for (text, part) in [
            ("ARGZ", "`ARGZ` is no variable"),
            ("REQUEST_METHOD:x", "has no members"),
            ("XML:/a/b", "`XML:/a/b` is not known"),
            ("ARGS:/(/", "`/(/`"),
        ] {
            let fault = targets(&place(), text).expect_err(text).to_string();
            assert!(fault.starts_with("a.conf:7: ") && fault.contains(part), "{fault}");
        }
        assert_eq!(meant(&place(), "ById", "1 5-7").expect("ids"), Meant::Ids(vec![(1, 1), (5, 7)]));
        assert!(meant(&place(), "ById", "x").is_err());
    }
}
