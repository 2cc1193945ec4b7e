//! The trace of a request, from W3C Trace Context (<https://www.w3.org/TR/trace-context/>, section 3.2).

/// The trace id of a valid `traceparent`.
///
/// An id of nothing but decimal digits is passed over: hardly any random one is so, and a telephone number may be.
#[must_use]
pub fn id(traceparent: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(traceparent).ok()?;
    let bytes = text.as_bytes();
    let parts = [0..2, 3..35, 36..52, 53..55];
    if bytes.len() < 55 || [2, 35, 52].iter().any(|at| bytes[*at] != b'-') {
        return None;
    }
    let hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let [version, trace, parent, _] = &parts;
    let legal = parts.iter().all(|part| bytes[part.clone()].iter().all(hex))
        && bytes[version.clone()] != *b"ff"
        // Later versions may have more after another dash.
        && (bytes.len() == 55 || (bytes[version.clone()] != *b"00" && bytes[55] == b'-'))
        && bytes[parent.clone()].iter().any(|b| *b != b'0')
        && bytes[trace.clone()].iter().any(u8::is_ascii_lowercase);
    legal.then(|| &text[trace.clone()])
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn only_a_valid_traceparent_names_a_trace() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(id(good.as_bytes()), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(id(good.replace("00-4", "cc-4").as_bytes()).is_some());
        assert!(id(format!("{}-more", good.replace("00-4", "cc-4")).as_bytes()).is_some());
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-00000000000000000000001012345678-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
        ] {
            assert_eq!(id(bad.as_bytes()), None, "{bad}");
        }
    }
}
