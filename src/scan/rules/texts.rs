//! What texts betray: signs that are looked for in bodies, all at once.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;

/// What a sign is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A stack trace, or an error with the names of files and lines.
    Trace,
    /// A page for developers.
    Debug,
    /// A list of a folder's files.
    Listing,
}

/// A sign, and what it is a sign of. Lower case: bodies are compared without regard to it.
const SIGNS: &[(&str, Sign, &str)] = &[
    ("\tat java.", Sign::Trace, "Java"),
    ("\tat javax.", Sign::Trace, "Java"),
    ("\tat org.apache.", Sign::Trace, "Java"),
    ("\tat org.springframework.", Sign::Trace, "Spring"),
    ("java.lang.nullpointerexception", Sign::Trace, "Java"),
    ("traceback (most recent call last)", Sign::Trace, "Python"),
    ("system.nullreferenceexception", Sign::Trace, ".NET"),
    ("[sqlexception (0x", Sign::Trace, ".NET"),
    ("server error in '/' application", Sign::Trace, ".NET"),
    ("<b>fatal error</b>: ", Sign::Trace, "PHP"),
    ("<b>warning</b>:  ", Sign::Trace, "PHP"),
    ("php fatal error: ", Sign::Trace, "PHP"),
    ("uncaught exception 'pdoexception'", Sign::Trace, "PHP"),
    ("you have an error in your sql syntax", Sign::Trace, "MySQL"),
    ("ora-00933: ", Sign::Trace, "Oracle"),
    ("pg::syntaxerror", Sign::Trace, "PostgreSQL"),
    ("unterminated quoted string at or near", Sign::Trace, "PostgreSQL"),
    ("unclosed quotation mark after the character string", Sign::Trace, "SQL Server"),
    ("sqlite3.operationalerror", Sign::Trace, "SQLite"),
    ("goroutine 1 [running]:", Sign::Trace, "Go"),
    ("thread 'main' panicked at", Sign::Trace, "Rust"),
    ("node_modules/express/lib/router", Sign::Trace, "Node"),
    ("at process.processticksandrejections", Sign::Trace, "Node"),
    ("actioncontroller::", Sign::Trace, "Rails"),
    ("you're seeing this error because you have <code>debug = true</code>", Sign::Debug, "Django"),
    ("<title>whoops! there was an error.", Sign::Debug, "Laravel"),
    ("werkzeug debugger", Sign::Debug, "Werkzeug"),
    ("__debugger__=yes", Sign::Debug, "Werkzeug"),
    ("<title>phpinfo()</title>", Sign::Debug, "PHP"),
    ("<title>action controller: exception caught</title>", Sign::Debug, "Rails"),
    ("better_errors_session", Sign::Debug, "Rails"),
    ("symfony profiler", Sign::Debug, "Symfony"),
    ("<title>apache status</title>", Sign::Debug, "Apache"),
    ("whitelabel error page", Sign::Debug, "Spring Boot"),
    ("<title>index of /", Sign::Listing, "Apache or nginx"),
    ("<h1>index of /", Sign::Listing, "Apache or nginx"),
    ("<title>directory listing for /", Sign::Listing, "Python"),
    ("[to parent directory]", Sign::Listing, "IIS"),
    ("<title>listing directory /", Sign::Listing, "Node"),
];

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let signs = SIGNS.iter().map(|(sign, ..)| sign);
    AhoCorasick::builder().ascii_case_insensitive(true).build(signs).ok()
});

/// Which signs of a kind are in a body: the sign, and whose it is.
pub(super) fn signs(body: &[u8], of: Sign) -> Vec<(&'static str, &'static str)> {
    let Some(finder) = &*FINDER else { return Vec::new() };
    let mut found: Vec<(&str, &str)> = Vec::new();
    for hit in finder.find_iter(body) {
        let (sign, kind, whose) = SIGNS[hit.pattern().as_usize()];
        if kind == of && !found.iter().any(|(_, known)| *known == whose) {
            found.push((sign.trim(), whose));
        }
    }
    found
}

/// An address of a private network (RFC 1918), standing alone.
static PRIVATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let octet = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)";
    let text = format!(
        r"(?-u)(?:^|[^0-9A-Za-z.\-])((?:10\.{octet}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.{octet}\.{octet})(?:$|[^0-9A-Za-z.\-]|\.(?:$|[^0-9]))"
    );
    Regex::new(&text).ok()
});

/// The first address of a private network in a text.
pub(super) fn private_address(body: &[u8]) -> Option<String> {
    // Most bodies have no such beginning.
    let finder = PRIVATE.as_ref()?;
    finder.captures(body)?.get(1).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned())
}

/// Whether a parameter's name is one that sessions go by.
pub(super) fn is_session(name: &str) -> bool {
    let low = name.to_ascii_lowercase();
    [
        "jsessionid",
        "phpsessid",
        "aspsessionid",
        "sessionid",
        "session_id",
        "sessid",
        "cfid",
        "cftoken",
        "sid",
        "access_token",
    ]
    .iter()
    .any(|known| low == *known || (known.len() > 6 && low.starts_with(known)))
}
