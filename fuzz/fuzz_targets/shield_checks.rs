//! What holds of whatever was read of a body for rules.

use privet::shield::{
    body::{Parsed, Processor, read},
    fields::{Bounds, Fields},
};

/// The bounds that the first bytes ask for, and the rest.
pub fn bounds(data: &[u8]) -> Option<(Bounds, &[u8])> {
    let [arguments, depth, body @ ..] = data else { return None };
    Some((Bounds { arguments: usize::from(*arguments) * 8, depth: usize::from(*depth) }, body))
}

/// Reads, and looks at all of it.
pub fn check(processor: Processor, content_type: &[u8], body: &[u8], bounds: Bounds) -> Parsed {
    let parsed = read(processor, content_type, body, bounds);
    assert_eq!(parsed.files.len(), parsed.file_sizes.len());
    assert!(parsed.arguments.len() + parsed.files.len() <= bounds.arguments);
    assert!(parsed.xml_attributes.len() <= bounds.arguments && parsed.xml_texts.len() <= 1);
    let lists = [&parsed.arguments, &parsed.files, &parsed.part_headers, &parsed.xml_texts, &parsed.xml_attributes];
    let size: usize = lists.into_iter().map(size).sum();
    // A small body makes no gigabytes.
    assert!(size <= (64 << 10) + 40 * body.len(), "{size} of {}", body.len());
    assert!(!parsed.multipart.malformed || parsed.error.is_some());
    parsed
}

/// Every span is within the buffer, or this panics.
pub fn size(fields: &Fields) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.len()).sum()
}
