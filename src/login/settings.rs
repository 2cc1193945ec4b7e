//! One `[[login]]`: which requests are attempts, whom they are for, and what the answers mean. Validated values only.

use std::time::Duration;

use http::Method;

/// The login of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Host and path as written: the label of metrics and logs.
    pub name: String,
    /// Canonical path, without a final slash but for `/`.
    pub path: String,
    /// Whether everything below `path` is guarded too, as with HTTP Basic.
    pub prefix: bool,
    /// The one method of attempts; without it every method but the safe ones (RFC 9110, section 9.2.1).
    pub method: Option<Method>,
    /// Where the account is named.
    pub username: Source,
    /// What tells a failure.
    pub failure: Criteria,
    /// What tells a success; looked at before `failure`.
    pub success: Criteria,
    /// What an answer means that no criterion fits.
    pub otherwise: Otherwise,
    /// Most failures.
    pub limits: Limits,
    /// Most failures of an account in a row before only familiar clients may try; NIST SP 800-63B allows 100.
    pub consecutive: u32,
    /// How long an account stays so without a further failure.
    pub lock: Duration,
    /// How long a device is familiar after a success.
    pub device_age: Duration,
    /// Most bytes of a body that the account is read from.
    pub body_limit: usize,
}

/// Where an attempt names its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A field of a form (`application/x-www-form-urlencoded`).
    Form(String),
    /// A member of a JSON body, by its pointer (RFC 6901).
    Json(Vec<String>),
    /// The user of HTTP Basic (RFC 7617).
    Basic,
    /// A header.
    Header(String),
    /// A field of the query.
    Query(String),
    /// The first well-known field of a form or of a JSON body.
    Known,
}

/// What an answer is known by. Any one that fits is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// Status codes.
    pub status: Vec<u16>,
    /// A pattern that `Location` holds.
    pub location: Option<String>,
    /// A cookie that is set.
    pub cookie: Option<String>,
    /// A cookie that is not set.
    pub no_cookie: Option<String>,
    /// A pattern that the first 64 KiB of the body hold.
    pub body: Option<String>,
}

/// What an answer means that no criterion fits. Answers of 500 and above mean nothing then: the application could not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// Below 400 a success.
    Status,
    /// A redirect to elsewhere is a success.
    Redirect,
    /// It is learned from the answers that come.
    Learn,
}

/// Most failures in any stretch of time of a window's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub failures: u16,
    /// The window.
    pub window: Duration,
}

/// Limits of all four keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One account from one address, or from one familiar device.
    pub account_address: Limit,
    /// One account from everywhere.
    pub account: Limit,
    /// One address; IPv6 by its /64.
    pub address: Limit,
    /// The login as a whole.
    pub route: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        let limit = |failures, seconds| Limit { failures, window: Duration::from_secs(seconds) };
        Self { account_address: limit(5, 60), account: limit(20, 3600), address: limit(30, 60), route: limit(600, 60) }
    }
}

impl Limit {
    /// `"5/1m"`: five failures a minute.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, window) = text.split_once('/').ok_or("no `/`")?;
        let failures = number.trim().parse().ok().filter(|n| (1..=10_000).contains(n));
        let window = crate::common::unit::parse_duration(window.trim()).map_err(|error| error.to_string())?;
        let possible = Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);
        if !possible.contains(&window) {
            return Err("a window is from 1s to 7d".to_owned());
        }
        Ok(Self { failures: failures.ok_or("a number from 1 to 10000 stands before the `/`")?, window })
    }
}

/// What an application of a known kind does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// A form; whoever is sent elsewhere is in.
    FormRedirect,
    /// JSON; 401 is a failure.
    Json401,
    /// `WordPress`: `wp-login.php`.
    WordPress,
    /// HTTP Basic on a path and everything below it.
    Basic,
    /// Spring Security's form.
    Spring,
    /// Django's form.
    Django,
    /// Nothing is known: it is learned.
    Auto,
}

impl Preset {
    /// All, with their names.
    pub const ALL: [(&str, Self); 7] = [
        ("form-redirect", Self::FormRedirect),
        ("json-401", Self::Json401),
        ("wordpress", Self::WordPress),
        ("basic", Self::Basic),
        ("spring", Self::Spring),
        ("django", Self::Django),
        ("auto", Self::Auto),
    ];

    /// Where such applications name the account.
    #[must_use]
    pub fn username(self) -> Source {
        match self {
            Self::FormRedirect | Self::Auto => Source::Known,
            Self::Json401 => Source::Json(vec!["username".to_owned()]),
            Self::WordPress => Source::Form("log".to_owned()),
            Self::Basic => Source::Basic,
            Self::Spring | Self::Django => Source::Form("username".to_owned()),
        }
    }

    /// How they say no.
    #[must_use]
    pub fn failure(self) -> Criteria {
        let refused = vec![400, 401, 403, 422, 429];
        match self {
            Self::Basic => Criteria { status: vec![401], ..Criteria::default() },
            Self::Spring => Criteria { status: refused, location: Some("[?&]error".to_owned()), ..Criteria::default() },
            // A page in the place of a redirect is the form again.
            Self::WordPress | Self::Django | Self::FormRedirect => {
                Criteria { status: [vec![200], refused].concat(), ..Criteria::default() }
            }
            Self::Json401 | Self::Auto => Criteria { status: refused, ..Criteria::default() },
        }
    }

    /// What their other answers mean.
    #[must_use]
    pub fn otherwise(self) -> Otherwise {
        match self {
            Self::FormRedirect | Self::WordPress | Self::Spring | Self::Django => Otherwise::Redirect,
            Self::Json401 | Self::Basic => Otherwise::Status,
            Self::Auto => Otherwise::Learn,
        }
    }
}
