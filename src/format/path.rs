//! Where in a body a value stands: `/customers/*/phone`. Elements of a list are all called `*`.

use super::visitor::Malformed;

/// Longest path in bytes.
const LONGEST: usize = 64 << 10;
/// Most nested values.
pub(super) const DEEPEST: usize = 512;

/// The place of a value: names from the outside in.
#[derive(Debug, Clone)]
pub struct Path {
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    seed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    end: usize,
    hash: u64,
    /// Where the nearest name ends that is not `*`: the segment's number plus one.
    named: usize,
}

impl Default for Path {
    fn default() -> Self {
        Self::new()
    }
}

impl Path {
    /// The place of a whole body. Its hashes are those of no other path's, so that nobody can prepare two that are alike.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: Vec::new(), segments: Vec::new(), seed: fastrand::u64(..) }
    }

    /// Goes into the field called `name`; `false` when that is too deep or too long.
    #[must_use]
    pub fn push(&mut self, name: &[u8]) -> bool {
        let fits = self.segments.len() < DEEPEST && self.bytes.len() + name.len() <= LONGEST;
        if fits {
            self.bytes.extend_from_slice(name);
            let segment =
                Segment { end: self.bytes.len(), hash: hash(self.hash(), name), named: self.segments.len() + 1 };
            self.segments.push(segment);
        }
        fits
    }

    /// Goes into the elements of a list.
    #[must_use]
    pub fn push_element(&mut self) -> bool {
        let named = self.segments.last().map_or(0, |last| last.named);
        let fits = self.push(b"*");
        if let (true, Some(last)) = (fits, self.segments.last_mut()) {
            last.named = named;
        }
        fits
    }

    /// Goes out again.
    pub fn pop(&mut self) {
        self.segments.pop();
        self.bytes.truncate(self.segments.last().map_or(0, |last| last.end));
    }

    /// How deep it is.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.segments.len()
    }

    /// The nearest name that is not of a list's element; empty where there is none.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        match self.segments.last() {
            Some(last) if last.named > 0 => self.segment(last.named - 1),
            _ => b"",
        }
    }

    /// A number for this path, the same while this value lives.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.segments.last().map_or(self.seed, |last| last.hash)
    }

    /// The names, from the outside in.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.segments.len()).map(|i| self.segment(i))
    }

    fn segment(&self, i: usize) -> &[u8] {
        let start = i.checked_sub(1).map_or(0, |before| self.segments[before].end);
        &self.bytes[start..self.segments[i].end]
    }
}

/// Two words at once: whoever does not know the seed can't tell which words make the same product.
#[allow(clippy::cast_possible_truncation)] // halves of a product and of a pair
fn hash(seed: u64, name: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |state: u64, a: u64, b: u64| {
        let product = u128::from(state ^ a) * u128::from(state.rotate_left(32) ^ b ^ FACTOR);
        (product as u64) ^ (product >> 64) as u64
    };
    let mut state = seed ^ (name.len() as u64).wrapping_mul(FACTOR);
    let (pairs, rest) = name.as_chunks::<16>();
    for pair in pairs {
        let pair = u128::from_le_bytes(*pair);
        state = mix(state, pair as u64, (pair >> 64) as u64);
    }
    // The two may overlap: the length is told already.
    let (first, last) = if let (Some(first), Some(last)) = (rest.first_chunk::<8>(), rest.last_chunk::<8>()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
    } else {
        (rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)), 0)
    };
    mix(state, first, last)
}

/// A pattern of paths: `/customers/*/phone`; `*` is any one segment. It covers all that lies below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Vec<u8>>);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it does not start with `/`, or a segment is empty.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let rest = text.strip_prefix('/').ok_or(Malformed("a path starts with `/`"))?;
        let segments: Vec<_> = rest.split('/').map(|s| s.replace("~1", "/").replace("~0", "~").into_bytes()).collect();
        if segments.iter().any(Vec::is_empty) {
            return Err(Malformed("a path has no empty segment"));
        }
        Ok(Self(segments))
    }

    /// Whether `path` is what it names, or lies below.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        path.depth() >= self.0.len()
            && self.0.iter().zip(path.segments()).all(|(pattern, segment)| pattern == b"*" || pattern == segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_names_and_what_lies_below() {
        let pattern = Pattern::parse("/customers/*/phone").expect("valid");
        let mut path = Path::new();
        assert!(path.push(b"customers") && path.push_element());
        assert!(!pattern.covers(&path));
        assert_eq!(path.name(), b"customers");
        let outer = path.hash();
        assert!(path.push(b"phone"));
        assert!(pattern.covers(&path) && path.name() == b"phone");
        let first = path.hash();
        assert!(path.push_element());
        assert!(pattern.covers(&path) && path.name() == b"phone");
        path.pop();
        assert_eq!(path.hash(), first);
        path.pop();
        assert_eq!(path.hash(), outer);
        assert!(path.push(b"fax") && !pattern.covers(&path));
        assert!(Pattern::parse("customers").is_err() && Pattern::parse("/a//b").is_err());
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let mut path = Path::new();
        assert_eq!((0..2 * DEEPEST).filter(|_| path.push(b"a")).count(), DEEPEST);
        let mut path = Path::new();
        assert!(path.push(&vec![b'a'; LONGEST]) && !path.push(b"b"));
    }
}
