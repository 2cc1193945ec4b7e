//! Looks at lines just before they are written, wherever they go and however they are sealed there: whether what must not be in them is.

use std::sync::{Mutex, PoisonError};

/// Most bytes of lines that are kept.
const LARGEST: usize = 4 << 20;

/// Keeps lines that hold a mark, in memory. It is for lines of requests that Privet has made itself: nobody's data is in them.
#[derive(Debug)]
pub struct Lookout {
    mark: Vec<u8>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    bytes: Vec<u8>,
    lines: usize,
}

impl Lookout {
    /// One for lines with this mark.
    #[must_use]
    pub fn new(mark: &str) -> Self {
        Self { mark: mark.as_bytes().to_vec(), seen: Mutex::default() }
    }

    /// Takes in what is about to be written.
    pub(super) fn see(&self, lines: &[u8]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if memchr::memmem::find(line, &self.mark).is_some() && seen.bytes.len() + line.len() <= LARGEST {
                seen.bytes.extend_from_slice(line);
                seen.lines += 1;
            }
        }
    }

    /// Lines that were seen.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).lines
    }

    /// Whether one of them holds `text`.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        memchr::memmem::find(&seen.bytes, text.as_bytes()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_with_the_mark_are_kept() {
        let lookout = Lookout::new("/mark");
        lookout.see(b"a /other kim@example.com\nb /mark [EMAIL]\n");
        assert!(lookout.lines() == 1 && lookout.has("[EMAIL]") && !lookout.has("kim@example.com"));
        lookout.see(&[&b"/mark "[..], &vec![b'x'; LARGEST], b"\n"].concat());
        assert_eq!(lookout.lines(), 1, "bounded");
    }
}
