//! Keys of incidents.

use super::key::{Key, key};

/// `[incident]`, and the tables in it.
pub(super) const KEYS: &[Key] = &[
    key(
        "incident",
        "laws",
        "[\"kr-pipa\", \"gdpr\"]",
        "[\"kr-pipa\"]",
        "The laws whose clocks run in each case (docs/INCIDENTS.md): `kr-pipa`, `gdpr`, `us-ca`; each in the version that is in force when the case is known.",
    ),
    key(
        "incident",
        "organisation",
        "\"Example Shop Ltd.\"",
        "none",
        "Who tells people and authorities (docs/NOTICES.md).",
    ),
    key(
        "incident",
        "contact",
        "\"Privacy office, privacy@example.com, 02-000-0000\"",
        "none",
        "Where people can ask, and report damage: an item that most laws ask for.",
    ),
    key(
        "incident",
        "templates",
        "\"templates\"",
        "built-in texts in Korean and English",
        "A folder with texts of your own: notice.ko.html, notice.ko.txt, notice.en.html, notice.en.txt, report.ko.html and so on; those that it lacks are built in. `{{name}}` that nobody knows is an error.",
    ),
    key("incident", "rate", "10", "10", "Most messages of a notice a second, from 1 to 1000."),
    key(
        "incident",
        "retry",
        "\"1m\"",
        "1m",
        "How long a message that a server has put off waits until it is tried again, from 1s to 1h; twice as long each time, and six times in all.",
    ),
    key(
        "incident",
        "font",
        "\"NanumGothic.ttf\"",
        "none",
        "A TrueType font with the signs of Korean: with it, forms for authorities are made as PDF as well.",
    ),
    key(
        "incident.mail",
        "smtp",
        "\"smtps://mail.example:465\"",
        "required",
        "The server that notices are sent by. smtps:// is TLS, smtp:// is STARTTLS or nothing; in clear to this machine alone, and where `ca` is named not even there.",
    ),
    key("incident.mail", "from", "\"privacy@example.com\"", "required", "Who writes."),
    key("incident.mail", "smtp_user", "\"privet\"", "none", "Our name at the server."),
    key(
        "incident.mail",
        "smtp_password",
        "\"...\"",
        "none",
        "Our password there. A secret: better `smtp_password_file`.",
    ),
    key("incident.mail", "ca", "\"ca.pem\"", "the system's", "The only authorities believed."),
    key(
        "incident.mail",
        "cleartext_reason",
        "\"...\"",
        "none",
        "Why mail may go to another machine in clear, by smtp:// without `ca`: logs, `check` and `attest` repeat it.",
    ),
    key(
        "incident.webhook",
        "url",
        "\"https://push.example/notices\"",
        "required",
        "In the place of mail: a service of your own that reaches people. Each message is posted there as JSON, with an `Idempotency-Key`. http:// is for this machine alone.",
    ),
    key(
        "incident.webhook",
        "authorization",
        "\"Bearer ...\"",
        "none",
        "What `Authorization` says. A secret: better `authorization_file`.",
    ),
    key("incident.webhook", "ca", "\"ca.pem\"", "the system's", "The only authorities believed."),
    key(
        "incident.page",
        "url",
        "\"https://shop.example\"",
        "required",
        "A host that this gateway serves, as people reach it: notices are posted below `/.privet/notices` there, and looked at to prove that they are.",
    ),
    key("incident.page", "ca", "\"ca.pem\"", "the system's", "The only authorities that a look at it believes."),
    key("incident.page", "every", "\"1h\"", "1h", "How often it is looked at: from 1s to 24h."),
];
