//! Keys of the registry, and of who looks at it.

use super::key::{Key, key};

/// `[registry]`, `[console]`, `[[scim]]` and `[[api]]`.
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
    key(
        "api[]",
        "name",
        "\"deploy\"",
        "required",
        "A program that may use the API under /v1 of `listen.console` (docs/API.md); in records it is `api:NAME`.",
    ),
    key(
        "api[]",
        "may",
        "\"operate\"",
        "read",
        "What it may do: \"read\", or \"operate\", which is to change things as well: bans, a look at the policy, reload, drain.",
    ),
    key(
        "api[]",
        "token",
        "\"...\"",
        "required, or `certificate`",
        "The bearer token that it proves itself by, 32 to 1024 characters; a second line is for while you change it. A secret: `token_file` names a file instead.",
    ),
    key(
        "api[]",
        "certificate",
        "\"spiffe://example.org/deploy\"",
        "none",
        "The name in its client certificate, to the letter. Needs `mode` and `ca` of [tls.client].",
    ),
    key(
        "api[]",
        "subject",
        "\"san_uri\"",
        "san_uri",
        "Which name of the certificate that is: \"san_uri\", \"san_dns\", \"san_email\" or \"cn\". It has to have exactly one of the kind.",
    ),
];
