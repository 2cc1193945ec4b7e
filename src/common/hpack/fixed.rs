//! What both sides know from the start (RFC 7541, appendix A).

use http::{HeaderName, header};

use super::{Name, Pseudo};

/// Names with such values as are common.
pub(super) static TABLE: [(Name, &str); 61] = [
    (Name::Pseudo(Pseudo::Authority), ""),
    (Name::Pseudo(Pseudo::Method), "GET"),
    (Name::Pseudo(Pseudo::Method), "POST"),
    (Name::Pseudo(Pseudo::Path), "/"),
    (Name::Pseudo(Pseudo::Path), "/index.html"),
    (Name::Pseudo(Pseudo::Scheme), "http"),
    (Name::Pseudo(Pseudo::Scheme), "https"),
    (Name::Pseudo(Pseudo::Status), "200"),
    (Name::Pseudo(Pseudo::Status), "204"),
    (Name::Pseudo(Pseudo::Status), "206"),
    (Name::Pseudo(Pseudo::Status), "304"),
    (Name::Pseudo(Pseudo::Status), "400"),
    (Name::Pseudo(Pseudo::Status), "404"),
    (Name::Pseudo(Pseudo::Status), "500"),
    (Name::Field(header::ACCEPT_CHARSET), ""),
    (Name::Field(header::ACCEPT_ENCODING), "gzip, deflate"),
    (Name::Field(header::ACCEPT_LANGUAGE), ""),
    (Name::Field(header::ACCEPT_RANGES), ""),
    (Name::Field(header::ACCEPT), ""),
    (Name::Field(header::ACCESS_CONTROL_ALLOW_ORIGIN), ""),
    (Name::Field(header::AGE), ""),
    (Name::Field(header::ALLOW), ""),
    (Name::Field(header::AUTHORIZATION), ""),
    (Name::Field(header::CACHE_CONTROL), ""),
    (Name::Field(header::CONTENT_DISPOSITION), ""),
    (Name::Field(header::CONTENT_ENCODING), ""),
    (Name::Field(header::CONTENT_LANGUAGE), ""),
    (Name::Field(header::CONTENT_LENGTH), ""),
    (Name::Field(header::CONTENT_LOCATION), ""),
    (Name::Field(header::CONTENT_RANGE), ""),
    (Name::Field(header::CONTENT_TYPE), ""),
    (Name::Field(header::COOKIE), ""),
    (Name::Field(header::DATE), ""),
    (Name::Field(header::ETAG), ""),
    (Name::Field(header::EXPECT), ""),
    (Name::Field(header::EXPIRES), ""),
    (Name::Field(header::FROM), ""),
    (Name::Field(header::HOST), ""),
    (Name::Field(header::IF_MATCH), ""),
    (Name::Field(header::IF_MODIFIED_SINCE), ""),
    (Name::Field(header::IF_NONE_MATCH), ""),
    (Name::Field(header::IF_RANGE), ""),
    (Name::Field(header::IF_UNMODIFIED_SINCE), ""),
    (Name::Field(header::LAST_MODIFIED), ""),
    (Name::Field(header::LINK), ""),
    (Name::Field(header::LOCATION), ""),
    (Name::Field(header::MAX_FORWARDS), ""),
    (Name::Field(header::PROXY_AUTHENTICATE), ""),
    (Name::Field(header::PROXY_AUTHORIZATION), ""),
    (Name::Field(header::RANGE), ""),
    (Name::Field(header::REFERER), ""),
    (Name::Field(header::REFRESH), ""),
    (Name::Field(header::RETRY_AFTER), ""),
    (Name::Field(header::SERVER), ""),
    (Name::Field(header::SET_COOKIE), ""),
    (Name::Field(header::STRICT_TRANSPORT_SECURITY), ""),
    (Name::Field(header::TRANSFER_ENCODING), ""),
    (Name::Field(header::USER_AGENT), ""),
    (Name::Field(header::VARY), ""),
    (Name::Field(header::VIA), ""),
    (Name::Field(header::WWW_AUTHENTICATE), ""),
];

/// The entry of a field's `name`; 0 where there is none.
pub(super) fn find(name: &HeaderName) -> usize {
    let found = TABLE.iter().position(|(known, _)| matches!(known, Name::Field(known) if known == name));
    found.map_or(0, |index| index + 1)
}
