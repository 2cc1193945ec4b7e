//! Whether a login limits guesses: a few attempts with an account that does not exist.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{Request, StatusCode, header};

use super::{
    Probe,
    budget::Spent,
    client::Error,
    link,
    site::{Fetched, text},
};
use crate::scan::{finding::Seen, rules::site as rule};

/// Attempts at one login. More than any sensible limit lets a stranger have in a minute, and no harm to one that has none.
const ATTEMPTS: u32 = 12;
/// Most logins that are tried.
const LOGINS: usize = 3;

/// Where an attempt goes, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Path and query.
    pub action: String,
    /// The account's field.
    pub username: String,
    /// The password's field.
    pub password: String,
    /// What else the form sends.
    pub hidden: Vec<(String, String)>,
    /// Whether it is sent as JSON.
    pub json: bool,
}

/// Tries each login that is known or that a page shows.
///
/// # Errors
/// When nothing more may be asked.
pub async fn look(probe: &Probe<'_>, pages: &[Fetched], known: &[Form]) -> Result<(), Spent> {
    let mut forms: Vec<Form> = known.to_vec();
    for form in pages.iter().filter_map(|page| of_page(probe, page)) {
        if !forms.iter().any(|own| own.action == form.action) {
            forms.push(form);
        }
    }
    if forms.is_empty() {
        probe.note("no login was found, so none was tried");
    }
    for form in forms.iter().take(LOGINS) {
        attempt(probe, form).await?;
    }
    Ok(())
}

/// The form of a page that asks for a password.
fn of_page(probe: &Probe<'_>, fetched: &Fetched) -> Option<Form> {
    let mut form: Option<Form> = None;
    for tag in &fetched.page.tags {
        match tag.name {
            "form" => {
                if form.as_ref().is_some_and(|form| !form.password.is_empty()) {
                    break;
                }
                let action = tag.attribute("action").filter(|action| !action.is_empty());
                let action = match action {
                    Some(action) => link::resolve(probe.target, &fetched.target, action),
                    None => Some(fetched.target.clone()),
                };
                form = action.filter(|_| tag.is("method", "post")).map(|action| Form {
                    action,
                    username: String::new(),
                    password: String::new(),
                    hidden: Vec::new(),
                    json: false,
                });
            }
            "input" => {
                let (Some(form), Some(name)) = (&mut form, tag.attribute("name")) else { continue };
                let kind = tag.attribute("type").unwrap_or("text").to_ascii_lowercase();
                match &*kind {
                    "password" if form.password.is_empty() => name.clone_into(&mut form.password),
                    "text" | "email" | "tel" if form.username.is_empty() => name.clone_into(&mut form.username),
                    "hidden" => {
                        form.hidden.push((name.to_owned(), tag.attribute("value").unwrap_or_default().to_owned()));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    form.filter(|form| !form.password.is_empty() && !form.username.is_empty())
}

async fn attempt(probe: &Probe<'_>, form: &Form) -> Result<(), Spent> {
    let account = format!("privet-scan-{:016x}@example.invalid", fastrand::u64(..));
    let mut first: Option<StatusCode> = None;
    let mut made = 0;
    for _ in 0..ATTEMPTS {
        let password = format!("{:032x}", fastrand::u128(..));
        let Some(request) = written(form, &account, &password) else { return Ok(()) };
        let answer = match probe.ask(probe.target, request).await {
            Ok(answer) => answer,
            Err(Error::Spent(spent)) => return Err(spent),
            // Who closes the door has counted.
            Err(_) if made > 0 => return Ok(()),
            Err(error) => {
                probe.note(format!("the login {} could not be tried: {error}", form.action));
                return Ok(());
            }
        };
        made += 1;
        let status = *first.get_or_insert(answer.status);
        let limited = answer.headers.contains_key(header::RETRY_AFTER) || [429, 423].contains(&answer.status.as_u16());
        if limited || answer.status != status {
            return Ok(());
        }
    }
    let told = first.map_or(0, |status| status.as_u16());
    // What is no login, or refuses all of it, says nothing of guesses.
    if [404, 405, 400, 403, 415, 501].contains(&told) {
        probe.note(format!(
            "the login {} answers {told} to every attempt: whether it limits guesses is not known",
            form.action
        ));
        return Ok(());
    }
    let seen = Seen::sample(format!("{made} attempts at an account that does not exist, all answered {told}"));
    probe.found(&rule::LOGIN_UNTHROTTLED, &probe.target.place(&form.action), &seen);
    Ok(())
}

fn written(form: &Form, account: &str, password: &str) -> Option<Request<Bytes>> {
    let (body, kind) = if form.json {
        let fields = [(form.username.as_str(), account), (form.password.as_str(), password)];
        (serde_json::to_string(&std::collections::BTreeMap::from(fields)).ok()?, "application/json")
    } else {
        let own = [(form.username.as_str(), account), (form.password.as_str(), password)];
        let hidden = form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<String> =
            hidden.chain(own).map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        (pairs.join("&"), "application/x-www-form-urlencoded")
    };
    let mut request = Request::post(&form.action).body(Bytes::from(body)).ok()?;
    request.headers_mut().insert(header::CONTENT_TYPE, text(kind)?);
    Some(request)
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
