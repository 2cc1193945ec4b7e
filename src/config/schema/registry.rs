//! Keys of the registry, and of who looks at it.

use super::key::{Key, key};

/// `[registry]`, `[console]` and `[[scim]]`.
pub(super) const KEYS: &[Key] = &[
    key(
        "registry",
        "realm",
        "\"staff\"",
        "staff",
        "The realm whose accounts it is about: once it is founded (`privet staff init`) their roles are the grants in force, and not what their accounts say.",
    ),
    key(
        "registry",
        "pledge",
        "\"pledge.txt\"",
        "built-in texts in Korean and English",
        "The security pledge that people sign, at most 64 KiB of UTF-8. Another text is a new version: everybody has to sign anew.",
    ),
    key("registry", "pledge_valid", "\"365d\"", "365d", "How long a signature holds, at least 1d."),
    key(
        "registry",
        "sensitive",
        "[\"complaints\"]",
        "none",
        "Roles that one officer proposes and another confirms, besides `privacy-officer`, which always is one.",
    ),
    key(
        "registry",
        "recertify",
        "\"90d\"",
        "90d",
        "How long a grant goes before an officer has to say that it is still right; at least 1d.",
    ),
    key(
        "registry",
        "review",
        "\"30d\"",
        "30d",
        "How long access records go before an officer has to have reviewed them (`privet audit review`), at least 1d; a week later it is a finding.",
    ),
    key(
        "console",
        "operator",
        "[\"operator\"]",
        "[\"operator\"]",
        "Roles that see traffic, sign-ins, bans, findings and the state of the gateway in the console, and no person's records; privacy officers see everything.",
    ),
    key(
        "scim[]",
        "name",
        "\"entra\"",
        "required",
        "An identity provider that may say by SCIM 2.0 which of its people are here (docs/SCIM.md); in records it is `scim:NAME`.",
    ),
    key(
        "scim[]",
        "issuer",
        "\"https://id.example/realms/office\"",
        "required",
        "Whose people it speaks of: the `issuer` of [realm.oidc] or [realm.jwt] in the registry's realm, to the letter.",
    ),
    key(
        "scim[]",
        "subject",
        "\"externalId\"",
        "externalId",
        "What of a SCIM user is what that issuer's tokens call people (`subject_claim`): \"externalId\" or \"userName\".",
    ),
    key(
        "scim[]",
        "token",
        "\"...\"",
        "required",
        "The bearer token that it proves itself by, 32 to 1024 characters; a second line is for while you change it. A secret: `token_file` names a file instead.",
    ),
];
