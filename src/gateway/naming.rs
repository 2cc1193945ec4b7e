//! What people are named by in answers: a place that a route says, or a value that is one person's alone.

use crate::{
    access::subject::Name,
    privacy::{
        self,
        mask::settings::{At, Records},
    },
};

/// What a route's records name their subjects by, told by what the field is called: an address of mail, a number, or an id of the application's.
pub(super) fn name_of(records: &Records) -> Name {
    let field = |at: &At| match at {
        At::Json { record, within } => {
            within.last().or(record.last()).map(|name| String::from_utf8_lossy(name).into_owned())
        }
        At::Csv(name) | At::Column(name) | At::Attribute(name) => Some(name.clone()),
        At::Segment(_) => None,
    };
    records.subject.iter().find_map(field).map_or(Name::Id, |name| Name::of(&name))
}

/// Types whose values are one person's alone.
pub(super) fn named(kind: &privacy::Kind) -> Option<&'static str> {
    use privacy::Kind as K;
    const NAMING: [(K, &str); 6] = [
        (K::Email, "EMAIL_ADDRESS"),
        (K::Phone, "PHONE_NUMBER"),
        (K::KrRrn, "KR_RRN"),
        (K::KrFrn, "KR_FRN"),
        (K::KrPassport, "KR_PASSPORT"),
        (K::UsSsn, "US_SSN"),
    ];
    NAMING.iter().find(|(naming, _)| naming == kind).map(|(_, word)| *word)
}
