//! What people see of passkeys: a button on the pages of the sign-in, and a page of their own. The button is hidden until the script shows
//! it, so that whoever runs no script sees nothing that does nothing.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use time::{OffsetDateTime, macros::format_description};

use super::{
    cose::{EDDSA, ES256, RS256},
    credential::{LONGEST_NAME, Passkey},
};
use crate::identity::{
    account::Account,
    form::{OTP_PASSKEY, PASSKEYS, REMOVE_PASSKEY, SIGN_OUT},
    page::{Language, Trouble, frame},
};

/// The script that asks for passkeys.
pub const SCRIPT_TEXT: &str = include_str!("passkey.js");

/// What a passkey is asked to sign.
#[derive(Debug)]
pub struct Offer {
    /// Where the answer goes.
    pub action: &'static str,
    /// The challenge.
    pub challenge: Vec<u8>,
    /// The site.
    pub host: String,
    /// The passkeys that will do; none for any.
    pub ids: Vec<Vec<u8>>,
}

/// The form of an offer. `token` and `query` are safe in HTML.
#[must_use]
pub fn offered(offer: &Offer, language: Language, token: &str, query: &str) -> String {
    let Offer { action, challenge, host, ids } = offer;
    let (challenge, ids) = (BASE64_URL_SAFE_NO_PAD.encode(challenge), list(ids.iter().map(Vec::as_slice)));
    let failed = language.of_two(
        "No passkey was used. Please try again, or sign in another way.",
        "패스키가 사용되지 않았습니다. 다시 시도하거나 다른 방법으로 로그인해 주세요.",
    );
    let button = language.of_two("Use a passkey", "패스키 사용");
    let without = match *action {
        OTP_PASSKEY => {
            let text = language.of_two("A passkey needs JavaScript.", "패스키를 사용하려면 JavaScript가 필요합니다.");
            format!("<noscript><p class=\"note\">{text}</p></noscript>")
        }
        _ => String::new(),
    };
    format!(
        "<form method=\"post\" action=\"{action}{query}\" id=\"passkey\" data-act=\"get\" data-challenge=\"{challenge}\" \
         data-host=\"{host}\" data-ids=\"{ids}\" hidden><input type=\"hidden\" name=\"form\" value=\"{token}\">{}\
         <p role=\"alert\" hidden>{failed}</p><button type=\"submit\">{button}</button></form>{without}",
        hidden(["id", "client", "data", "signature", "handle"])
    )
}

/// What the page of one's passkeys shows.
#[derive(Debug)]
pub struct Own<'a> {
    /// Whose.
    pub account: &'a Account,
    /// The site.
    pub host: &'a str,
    /// What may be signed to add one; `None` where a sign-in has to come first.
    pub challenge: Option<Vec<u8>>,
    /// Their name for authenticators.
    pub handle: &'a [u8],
    /// Where to sign in again, safe in HTML.
    pub again: &'a str,
    /// Of letters, digits, `-` and `_`.
    pub token: &'a str,
}

/// The page of one's passkeys.
#[must_use]
pub fn own(own: &Own<'_>, language: Language, trouble: Option<Trouble>) -> String {
    let two = |english, korean| language.of_two(english, korean);
    let rows: String = own.account.passkeys.iter().map(|passkey| row(passkey, own, language)).collect();
    let list = if rows.is_empty() {
        format!("<p>{}</p>", two("You have no passkeys yet.", "아직 등록된 패스키가 없습니다."))
    } else {
        format!("<ul>{rows}</ul>")
    };
    let change = if let Some(challenge) = &own.challenge {
        add(own, challenge, language)
    } else {
        let text = two("Sign in again to add or remove passkeys", "패스키를 추가하거나 삭제하려면 다시 로그인");
        format!("<p><a href=\"{}\">{text}</a></p>", own.again)
    };
    let out = format!(
        "<p><a href=\"/\">{}</a> · <a href=\"{SIGN_OUT}\">{}</a></p>",
        two("Back", "돌아가기"),
        two("Sign out", "로그아웃")
    );
    frame(language, two("Passkeys", "패스키"), trouble, &format!("{list}{change}{out}"), own.challenge.is_some())
}

fn row(passkey: &Passkey, own: &Own<'_>, language: Language) -> String {
    let (name, host, date) = (escaped(&passkey.name), escaped(&passkey.host), date(passkey.created));
    let button = if own.challenge.is_some() {
        let (remove, token) = (language.of_two("Remove", "삭제"), own.token);
        format!(
            "<form method=\"post\" action=\"{REMOVE_PASSKEY}\"><input type=\"hidden\" name=\"form\" value=\"{token}\">\
             <input type=\"hidden\" name=\"passkey\" value=\"{}\"><button type=\"submit\" aria-label=\"{remove}: {name}\">{remove}</button></form>",
            passkey.tag()
        )
    } else {
        String::new()
    };
    format!("<li>{name} ({host}, {date}){button}</li>")
}

fn add(own: &Own<'_>, challenge: &[u8], language: Language) -> String {
    let two = |english, korean| language.of_two(english, korean);
    let label = two("Name of the new passkey", "새 패스키 이름");
    let failed = two("No passkey was made. Please try again.", "패스키가 만들어지지 않았습니다. 다시 시도해 주세요.");
    let without = two("To add a passkey needs JavaScript.", "패스키를 추가하려면 JavaScript가 필요합니다.");
    let here = own.account.passkeys.iter().filter(|passkey| passkey.host == own.host);
    format!(
        "<form method=\"post\" action=\"{PASSKEYS}\" id=\"passkey\" data-act=\"create\" data-challenge=\"{}\" data-host=\"{}\" \
         data-ids=\"{}\" data-handle=\"{}\" data-user=\"{}\" data-person=\"{}\" data-algorithms=\"{ES256} {EDDSA} {RS256}\" hidden>\
         <input type=\"hidden\" name=\"form\" value=\"{}\">{}\
         <label for=\"name\">{label}</label><input id=\"name\" name=\"name\" type=\"text\" autocomplete=\"off\" \
         maxlength=\"{LONGEST_NAME}\" required><p role=\"alert\" hidden>{failed}</p><button type=\"submit\">{}</button></form>\
         <noscript><p class=\"note\">{without}</p></noscript>",
        BASE64_URL_SAFE_NO_PAD.encode(challenge),
        own.host,
        list(here.map(|passkey| passkey.id.as_slice())),
        BASE64_URL_SAFE_NO_PAD.encode(own.handle),
        escaped(&own.account.id),
        escaped(own.account.name.as_deref().unwrap_or(&own.account.id)),
        own.token,
        hidden(["client", "attestation"]),
        two("Add a passkey", "패스키 추가"),
    )
}

fn hidden<const N: usize>(names: [&str; N]) -> String {
    names.map(|name| format!("<input type=\"hidden\" name=\"{name}\">")).concat()
}

fn list<'a>(ids: impl Iterator<Item = &'a [u8]>) -> String {
    ids.map(|id| BASE64_URL_SAFE_NO_PAD.encode(id)).collect::<Vec<_>>().join(" ")
}

fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.and_then(|time| time.format(format_description!("[year]-[month]-[day]")).ok()).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn names_do_not_become_html() {
        let mut account = Account::new("alice".into(), String::new(), Vec::new(), UNIX_EPOCH);
        account.name = Some("<script>\"'&".into());
        let passkey = Passkey {
            id: vec![1],
            handle: [0; 16],
            host: "crm.example".into(),
            key: Vec::new(),
            counter: 0,
            copied: false,
            last: 0,
            name: "\"><img>".into(),
            created: 86_400,
        };
        account.passkeys.push(passkey);
        for language in [Language::English, Language::Korean] {
            for challenge in [None, Some(vec![1, 2])] {
                let changes = challenge.is_some();
                let (host, again) = ("crm.example", "/again");
                let shown = Own { account: &account, host, challenge, handle: &[0; 16], again, token: "TOKEN" };
                let html = own(&shown, language, None);
                assert!(!html.contains("<img") && !html.contains("<script>") && !html.contains("style="), "{html}");
                assert!(html.contains("1970-01-02") && html.contains("&quot;&gt;&lt;img&gt;"), "{html}");
                assert_eq!(html.contains("<script src=\"/.privet/passkey.js\" defer>"), changes);
                assert_eq!(html.contains("data-challenge=\"AQI\""), changes);
                assert_eq!(html.contains("/again"), !changes);
            }
        }
    }

    #[test]
    fn the_script_is_small_and_asks_nobody_else() {
        assert!(SCRIPT_TEXT.len() < 4096);
        for not in ["http", "fetch", "eval", "innerHTML", "localStorage", "document.cookie", "console"] {
            assert!(!SCRIPT_TEXT.contains(not), "{not}");
        }
    }
}
