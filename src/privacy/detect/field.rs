//! Values of fields whose names are known by their format: a JSON key, a form's field, a header, a column of a table.

use super::{Detector, Out, Progress, close, label, overlap, skip};
use crate::privacy::{decode, finding::Finding};

/// Bytes of a name that are looked at: what a longer one says is in its end.
const LONGEST_NAME: usize = 64;

impl Detector {
    /// All values in the value of a field. What the name says is believed: a mistyped number under `phone` is somebody's number, a
    /// word under `name` is a name. Spans are bytes of `value`.
    #[must_use]
    pub fn detect_field(&self, name: &[u8], value: &[u8]) -> Vec<Finding> {
        let label = label::label(name);
        if value.is_empty() || label.is_none() && self.own.is_empty() && skip::next(value, 0, value.len()).is_none() {
            return Vec::new();
        }
        let name = &name[name.len().saturating_sub(LONGEST_NAME)..];
        let (plain, map) = decode::decode(value);
        let text = [name, b": ", &plain].concat();
        let lead = name.len() + 2;
        let mut found = Vec::new();
        if let Some(label) = label {
            let mut out = Out::of(self, &text, &mut found);
            // What stands within is looked for as well: an address may have a telephone number behind it.
            label::labelled(&text, label, &(0..name.len()), lead..text.len(), true, &mut out);
        }
        let mut progress = Progress { families: lead, own: vec![lead; self.own.len()] };
        self.scan(&text, &mut progress, text.len(), &mut found);
        found.retain(|finding| finding.start >= lead);
        let mut found = overlap::resolve(&text, &found);
        for finding in &mut found {
            let span = map.back(&(finding.start - lead..finding.end - lead));
            (finding.start, finding.end) = (span.start, span.end);
        }
        close(value, &mut found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::settings::Settings;

    #[test]
    fn a_name_decides_with_its_value() {
        let detector = Detector::new(&Settings::default());
        let long = format!("a{}", "b,; \"".repeat(1000));
        for (name, value, expected) in [
            ("name", "Kim Minsu", "PERSON=Kim Minsu"),
            ("성명", "김서윤", "PERSON=김서윤"),
            ("customerName", "O'Neil, Ann", "PERSON=O'Neil, Ann"),
            ("phone", "010-1234-567", "PHONE_NUMBER=010-1234-567"),
            ("ssn", "123-45-6780", "US_SSN=123-45-6780"),
            ("rrn", "9901011234567", "KR_RRN=9901011234567"),
            ("card", "4111111111111112", "CREDIT_CARD=4111111111111112"),
            ("password", "a b, \"c\"; d", "PASSWORD=a b, \"c\"; d"),
            ("password", &long, &format!("PASSWORD={long}")),
            ("q", "kim%40example.com", "EMAIL_ADDRESS=kim%40example.com"),
            ("address", "12 Main Street, Springfield", "LOCATION=12 Main Street, Springfield"),
            ("Cookie", "sid=abcdefgh; theme=dark", "SESSION_COOKIE=abcdefgh,SESSION_COOKIE=dark"),
            ("Authorization", "Bearer abcdef0123456789", "BEARER_TOKEN=abcdef0123456789"),
            ("id", "12345678", ""),
            ("title", "An order", ""),
            ("", "kim@example.com", "EMAIL_ADDRESS=kim@example.com"),
        ] {
            let found = detector.detect_field(name.as_bytes(), value.as_bytes());
            let shown: Vec<_> = found.iter().map(|f| format!("{}={}", f.kind, &value[f.span()])).collect();
            assert_eq!(shown.join(","), expected, "{name}");
        }
    }
}
