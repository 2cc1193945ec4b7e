//! The tags of a page that rules ask about, in one pass without a tree.

/// Names of tags that are kept.
const KEPT: &[&str] = &[
    "a", "audio", "base", "button", "embed", "form", "frame", "iframe", "img", "input", "link", "meta", "object",
    "script", "source", "track", "video",
];
/// Tags whose content is no markup.
const RAW: &[&str] = &["script", "style", "textarea", "title"];
/// What `rel` says of a `<link>` that is loaded.
const LOADED: &[&str] =
    &["apple-touch-icon", "icon", "manifest", "modulepreload", "prefetch", "preload", "prerender", "stylesheet"];
/// Most tags that are kept.
const MOST: usize = 4096;

/// One tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// Its name, lower case.
    pub name: &'static str,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// An attribute's value, by its name in lower case; empty where it has none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
    }

    /// Whether an attribute has this value, whatever its case.
    #[must_use]
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.attribute(name).is_some_and(|own| own.trim().eq_ignore_ascii_case(value))
    }

    /// Whether an attribute that is a list of words has one of these, whatever its case.
    #[must_use]
    pub fn has(&self, name: &str, words: &[&str]) -> bool {
        let own = self.attribute(name).unwrap_or_default().split_ascii_whitespace();
        own.into_iter().any(|own| words.iter().any(|word| own.eq_ignore_ascii_case(word)))
    }

    /// Addresses that a browser loads as it reads the tag.
    pub fn loads(&self) -> impl Iterator<Item = &str> {
        let (names, sets): (&[&str], bool) = match self.name {
            "script" | "iframe" | "frame" | "embed" | "audio" | "track" => (&["src"], false),
            "img" | "source" => (&["src"], true),
            "video" => (&["src", "poster"], false),
            "input" if self.is("type", "image") => (&["src"], false),
            "object" => (&["data"], false),
            "link" if self.has("rel", LOADED) => (&["href"], false),
            _ => (&[], false),
        };
        // Of `/a.png 1x, /b.png 2x` the addresses.
        let set = self.attribute("srcset").filter(|_| sets).unwrap_or_default().split(',');
        let set = set.filter_map(|candidate| candidate.split_ascii_whitespace().next());
        names.iter().filter_map(|name| self.attribute(name)).map(str::trim).chain(set)
    }
}

/// The tags of a page, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Those that rules ask about.
    pub tags: Vec<Tag>,
    /// What is between the page's title tags.
    pub title: String,
}

impl Page {
    /// Reads as browsers do as far as that is needed: comments and the content of scripts are no tags, quotes may be absent.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let mut page = Self::default();
        let mut at = 0;
        while let Some(open) = memchr::memchr(b'<', &body[at..]).map(|n| at + n) {
            let rest = &body[open..];
            if rest.starts_with(b"<!--") {
                at = memchr::memmem::find(&rest[4..], b"-->").map_or(body.len(), |n| open + 4 + n + 3);
                continue;
            }
            let length = rest[1..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            let name = String::from_utf8_lossy(&rest[1..=length]).to_ascii_lowercase();
            if name.is_empty() {
                at = open + 1;
                continue;
            }
            let kept = KEPT.iter().find(|known| **known == name);
            let (attributes, width) = attributes(&rest[1 + length..], kept.is_some());
            at = open + 1 + length + width;
            if let Some(name) = kept
                && page.tags.len() < MOST
            {
                page.tags.push(Tag { name, attributes });
            }
            if RAW.contains(&&*name) {
                let end = close(&body[at..], &name).map_or(body.len(), |n| at + n);
                if name == "title" && page.title.is_empty() {
                    String::from_utf8_lossy(&body[at..end]).trim().clone_into(&mut page.title);
                }
                at = end;
            }
        }
        page
    }

    /// Its tags of this name.
    pub fn named<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p Tag> {
        self.tags.iter().filter(move |tag| tag.name == name)
    }
}

/// Where the end tag of `name` begins.
fn close(body: &[u8], name: &str) -> Option<usize> {
    memchr::memmem::find_iter(body, b"</").find(|at| {
        body.get(at + 2..at + 2 + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// The attributes of a tag, and the bytes up to behind its `>`.
fn attributes(bytes: &[u8], kept: bool) -> (Vec<(String, String)>, usize) {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        while bytes.get(at).is_some_and(|b| b.is_ascii_whitespace() || *b == b'/') {
            at += 1;
        }
        match bytes.get(at) {
            None => return (found, bytes.len()),
            Some(b'>') => return (found, at + 1),
            Some(_) => {}
        }
        let start = at;
        at += 1;
        while bytes.get(at).is_some_and(|b| !b.is_ascii_whitespace() && !b"=>/".contains(b)) {
            at += 1;
        }
        let name = start..at;
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let mut value = 0..0;
        if bytes.get(at) == Some(&b'=') {
            at += 1;
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            value = if let Some(&quote @ (b'"' | b'\'')) = bytes.get(at) {
                let end = memchr::memchr(quote, &bytes[at + 1..]).map_or(bytes.len(), |n| at + 1 + n);
                let value = at + 1..end;
                at = (end + 1).min(bytes.len());
                value
            } else {
                let start = at;
                while bytes.get(at).is_some_and(|b| !b.is_ascii_whitespace() && *b != b'>') {
                    at += 1;
                }
                start..at
            };
        }
        if kept && found.len() < 64 {
            let text = |range: std::ops::Range<usize>| String::from_utf8_lossy(&bytes[range]).into_owned();
            found.push((text(name).to_ascii_lowercase(), text(value).replace("&amp;", "&")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_browsers_do() {
        let page = Page::read(
            b"<!-- <img src=no> --><TITLE>A <b> b</title><script src='/a.js' async>'<img src=no>'</script><IMG SRC=http://x/y.png alt=\"a > b\">\
              <a href=\"/x?a=1&amp;b=2\">z</a><input type=password name = 'p'/><form action=http://x",
        );
        let names: Vec<&str> = page.tags.iter().map(|tag| tag.name).collect();
        assert_eq!(names, ["script", "img", "a", "input", "form"]);
        assert_eq!(page.title, "A <b> b");
        assert_eq!(page.tags[0].attribute("async"), Some(""));
        assert_eq!(page.tags[1].attribute("alt"), Some("a > b"));
        assert_eq!(page.tags[2].attribute("href"), Some("/x?a=1&b=2"));
        assert!(page.tags[3].is("type", "PASSWORD") && page.tags[3].is("name", "p"));
        assert_eq!(page.tags[4].attribute("action"), Some("http://x"));
    }

    #[test]
    fn nothing_makes_it_stumble() {
        for text in ["<", "<a", "<a =", "<a b=\"", "<script", "<script>", "<!--", "</", "<a b='>", "<title></titl"] {
            let _ = Page::read(text.as_bytes());
        }
    }
}
