//! Paths without detours.

/// Without empty segments, `.` and, with the segment before them, `..`: a relative path keeps those that lead above its start. A
/// slash at the end is there when it was. Any segment that ends in two dots counts as a back-reference, as the reference has it.
pub(super) fn normalize(text: &[u8], out: &mut Vec<u8>) {
    walk(text, out, |byte| byte);
}

/// The same, with backslashes as slashes.
pub(super) fn normalize_windows(text: &[u8], out: &mut Vec<u8>) {
    walk(text, out, |byte| if byte == b'\\' { b'/' } else { byte });
}

fn walk(text: &[u8], out: &mut Vec<u8>, read: impl Fn(u8) -> u8) {
    let at = |index: usize| text.get(index).copied().map(&read);
    let (Some(first), Some(last)) = (at(0), at(text.len().wrapping_sub(1))) else { return };
    let relative = first != b'/';
    let mut path = Path { relative, above: false, kept: out };
    let mut index = 0;
    while let Some(byte) = at(index) {
        let done = index + 1 == text.len();
        let mut slash = byte == b'/';
        if done || (!slash && at(index + 1) == Some(b'/')) {
            match path.end_segment(byte, done) {
                Segment::Kept => {}
                Segment::Dropped if done => break,
                // The slash behind it is next.
                Segment::Dropped => {
                    index += 1;
                    slash = true;
                }
            }
        }
        if slash {
            while at(index + 1) == Some(b'/') {
                index += 1;
            }
        }
        if !(slash && relative && path.kept.is_empty()) {
            path.kept.push(if slash { b'/' } else { byte });
        }
        index += 1;
    }
    if last != b'/' && path.kept.last() == Some(&b'/') {
        path.kept.pop();
    }
}

/// What became of a segment of which the last byte was read.
enum Segment {
    Kept,
    Dropped,
}

/// What is kept of a path so far.
struct Path<'a> {
    relative: bool,
    /// Nothing but back-references is kept.
    above: bool,
    kept: &'a mut Vec<u8>,
}

impl Path<'_> {
    /// The last byte of a segment, which is not yet kept; `done` where it is the last of the path.
    fn end_segment(&mut self, byte: u8, done: bool) -> Segment {
        match (byte, self.kept.last()) {
            (b'.', Some(b'.')) if self.relative && (self.above || self.kept.len() <= 2) => {
                self.above = true;
                Segment::Kept
            }
            (b'.', Some(b'.')) => {
                self.go_back(done);
                Segment::Dropped
            }
            (b'.', None) => Segment::Dropped,
            (b'.', Some(b'/')) => {
                if !done {
                    self.kept.pop();
                }
                Segment::Dropped
            }
            (b'.', Some(_)) | (_, None) => Segment::Kept,
            _ => {
                self.above = false;
                Segment::Kept
            }
        }
    }

    /// Drops the segment before the back-reference of which one dot is kept.
    fn go_back(&mut self, done: bool) {
        let before = self.kept.len().saturating_sub(2);
        let start = self.kept[..before].iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if start == 0 {
            self.above = true;
        }
        self.kept.truncate(if start == 0 && done && !self.relative { 1 } else { start });
    }
}
