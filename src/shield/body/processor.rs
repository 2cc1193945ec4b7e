//! Which reader a body is for.

/// `REQBODY_PROCESSOR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Processor {
    /// `application/x-www-form-urlencoded`.
    UrlEncoded,
    /// `multipart/form-data`.
    Multipart,
    /// JSON.
    Json,
    /// XML.
    Xml,
}

impl Processor {
    const ALL: [Self; 4] = [Self::UrlEncoded, Self::Multipart, Self::Json, Self::Xml];

    /// By the name that rules give it, in letters of any case.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|processor| processor.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// What rules call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UrlEncoded => "URLENCODED",
            Self::Multipart => "MULTIPART",
            Self::Json => "JSON",
            Self::Xml => "XML",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(Processor::named(b"json"), Some(Processor::Json));
        assert_eq!(Processor::named(b"UrlEncoded"), Some(Processor::UrlEncoded));
        assert_eq!(Processor::named(b"YAML"), None);
        for processor in Processor::ALL {
            assert_eq!(Processor::named(processor.name().as_bytes()), Some(processor));
        }
    }
}
