//! Keys of incidents.

use super::key::{Key, key};

/// `[incident]` and its lists.
pub(super) const KEYS: &[Key] = &[
    key(
        "incident",
        "laws",
        "[\"kr-pipa\", \"gdpr\"]",
        "[\"kr-pipa\"]",
        "The laws whose clocks run in each case (docs/INCIDENTS.md): `kr-pipa`, `gdpr`, `us-ca`; each in the version that is in force when the case is known.",
    ),
    key(
        "incident.rule[]",
        "name",
        "\"people_day\"",
        "required",
        "A rule that opens cases, with other than its default values; docs/SIGNALS.md lists them. `privet incident replay` says how often it would have fired.",
    ),
    key("incident.rule[]", "on", "false", "true", "Whether it is asked at all."),
    key("incident.rule[]", "threshold", "400", "the rule's", "From what on it fires, in what it counts."),
    key("incident.rule[]", "severity", "\"high\"", "the rule's", "How bad that is: \"low\", \"medium\" or \"high\"."),
    key(
        "incident.canary[]",
        "id",
        "[\"990001\"]",
        "required",
        "People who exist in the application, whom nobody has a reason to see: whoever does is found. Not in lists that people use.",
    ),
    key(
        "incident.canary[]",
        "as",
        "\"email\"",
        "id",
        "What `id` holds: id, email, phone, or a type such as EMAIL_ADDRESS.",
    ),
    key("incident.vip[]", "id", "[\"42\", \"77\"]", "required", "People of public interest, in whom the curious look."),
    key("incident.vip[]", "as", "\"email\"", "id", "What `id` holds."),
    key("incident.staff[]", "person", "\"ann\"", "required", "Somebody of the staff, as they sign in."),
    key("incident.staff[]", "issuer", "\"staff\"", "staff", "Who vouches for them: a realm, or the URL of a provider."),
    key(
        "incident.staff[]",
        "own",
        "\"4711\"",
        "none",
        "Who they are in the application, where they are its customers as well: an id or a list.",
    ),
    key(
        "incident.staff[]",
        "known",
        "[\"4712\"]",
        "none",
        "Whom they have said to know, such as family and neighbours: an id or a list.",
    ),
    key("incident.staff[]", "as", "\"email\"", "id", "What `own` and `known` hold."),
];
