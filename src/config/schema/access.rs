//! Who may do what with personal data, and for what.

use super::key::{Key, key};

/// The keys, a table after the other.
pub(super) const KEYS: &[Key] = &[
    key(
        "access",
        "policies",
        "\"policies\"",
        "the shipped ones",
        "Folder of policies in Cedar (`*.cedar`): a file replaces the shipped one of the same name, others are added. Validated strictly; watched. docs/ACCESS.md says how to write one.",
    ),
    key(
        "access",
        "utc_offset",
        "\"+09:00\"",
        "+00:00",
        "The office's time, by which policies know hours and weekdays.",
    ),
    key(
        "access",
        "on_unavailable",
        "\"open\"",
        "closed",
        "Where it can't be written down who sees whose data (`record`): \"closed\" refuses with 503; \"open\" lets it out, counts it and tells of it in the log.",
    ),
    key(
        "access",
        "download_expiry",
        "\"30d\"",
        "30d",
        "How long whoever has taken a file along may keep it (`download = \"seal\"`); then `privet audit downloads` shows it as overdue until somebody says that it was deleted or returned.",
    ),
    key(
        "access",
        "groups",
        "{ order = [\"CREDIT_CARD\"] }",
        "{}",
        "Types of personal data that are added to groups of types, by the group's name; own types (`[[privacy.detector]]`) as well. A new name makes a new group.",
    ),
    key(
        "access.purpose[]",
        "key",
        "\"survey\"",
        "required",
        "What policies and records name a purpose by: small letters, digits and `-`. One of a shipped key takes its place.",
    ),
    key("access.purpose[]", "title_en", "\"Surveys\"", "required", "As people read it in English."),
    key("access.purpose[]", "title_ko", "\"설문 조사\"", "required", "As people read it in Korean."),
    key(
        "access.purpose[]",
        "dpv",
        "\"dpv:ServiceProvision\"",
        "required",
        "Its key in the W3C's Data Privacy Vocabulary (\"dpv:...\") or in Fideslang (\"fides:...\").",
    ),
    key("access.purpose[]", "roles", "[\"marketing\"]", "required", "Who may choose it; `[]` is nobody."),
    key("access.purpose[]", "ticket", "false", "false", "Whether a ticket has to be named with it."),
    key(
        "access.recipient[]",
        "person",
        "\"ann\"",
        "required",
        "Somebody whose downloads leave for a key of their own, by age, in the place of a ZIP with a passphrase.",
    ),
    key(
        "access.recipient[]",
        "issuer",
        "\"staff\"",
        "staff",
        "Who vouches for them: a realm, or the URL of a provider.",
    ),
    key(
        "access.recipient[]",
        "key",
        "\"age1nqyy0cjntj635x0pw8u79362e34tmty6j32aandhrq73k04w8dlshwymnh\"",
        "required",
        "Their public key, as `age-keygen` prints it (X25519).",
    ),
    key(
        "access.consent.form",
        "path",
        "\"/account/consent\"",
        "required",
        "Path of the application's own form by which people agree to marketing or withdraw: consent is learned from what it takes.",
    ),
    key(
        "access.consent.form",
        "field",
        "\"marketing\"",
        "required",
        "Its field that says whether they agree. A box that is not ticked is not sent: a missing field is a no.",
    ),
    key("access.consent.form", "id", "\"form:email\"", "required", "Its field that says who."),
];
