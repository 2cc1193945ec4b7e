//! The page where people sign the pledge: what it shows and what its form asks for, as pure functions. Room `identity` knows who asks, keeps
//! others from filling in the form, and puts the page into its frame.

use std::time::SystemTime;

use super::{
    command::Command,
    moment::Moment,
    person::PersonId,
    pledge::{Pledged, sha256},
    state::State,
};

/// Where it is.
pub const PLEDGE: &str = "/.privet/pledge";

/// Who looks at the page, and how.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Who.
    pub person: &'a PersonId,
    /// In which language: `ko` or `en`.
    pub language: &'a str,
    /// What the form has to bring back; of letters, digits, `-` and `_`.
    pub token: &'a str,
    /// The query of the form's target, safe in HTML, or nothing.
    pub query: &'a str,
    /// When.
    pub now: SystemTime,
}

/// The page's title and what it shows, as HTML; `None` where there is nothing to sign.
#[must_use]
pub fn serve(state: &State, look: &Look<'_>) -> Option<(&'static str, String)> {
    let pledge = state.pledge().filter(|_| state.is_founded())?;
    let (language, text) = pledge.text(look.language)?;
    let two = |english: &'static str, korean: &'static str| if look.language == "ko" { korean } else { english };
    let standing = state.standing(look.person, look.now);
    let until = state.person(look.person).and_then(|dossier| dossier.signature.as_ref()).map(|s| s.until);
    let status = match standing.pledge {
        Pledged::Current => {
            let day = until.map(Moment::day).unwrap_or_default();
            format!("{} {day}", two("You have signed this. It holds until", "서명하였습니다. 유효기간:"))
        }
        Pledged::Missing => two("Please read and sign this.", "읽고 서명해 주세요.").to_owned(),
        Pledged::Outdated => {
            two("There is a new version. Please read and sign it.", "새로운 서약서가 있습니다. 읽고 서명해 주세요.")
                .to_owned()
        }
        Pledged::Withdrawn => two("You have withdrawn your signature.", "서명을 철회하였습니다.").to_owned(),
        Pledged::Expired => two("Your signature has expired.", "서명의 유효기간이 지났습니다.").to_owned(),
    };
    let (act, button) = if standing.pledge == Pledged::Current {
        ("withdraw", two("Withdraw my signature", "서명 철회"))
    } else {
        ("sign", two("I have read this, and I sign it", "위 내용을 읽었으며 서명합니다"))
    };
    let version = pledge.version;
    let paragraphs: String = text
        .split("\n\n")
        .map(|paragraph| format!("<p>{}</p>", escaped(paragraph.trim()).replace('\n', "<br>")))
        .collect();
    let main = format!(
        "<p class=\"note\" role=\"status\" id=\"pledge-{}\">{status}</p><article lang=\"{}\">{paragraphs}</article>\
         <form method=\"post\" action=\"{PLEDGE}{}\"><input type=\"hidden\" name=\"form\" value=\"{}\">\
         <input type=\"hidden\" name=\"act\" value=\"{act}\"><input type=\"hidden\" name=\"version\" value=\"{version}\">\
         <input type=\"hidden\" name=\"sha256\" value=\"{}\"><button type=\"submit\">{button}</button></form>",
        standing.pledge.name(),
        escaped(language),
        look.query,
        look.token,
        sha256(text),
    );
    Some((two("Security pledge", "보안 서약"), main))
}

/// What a form asks for, by its fields; `None` where it is none of ours.
#[must_use]
pub fn asked<'f>(field: impl Fn(&str) -> Option<&'f str>) -> Option<Command> {
    match field("act")? {
        "sign" => {
            let version = field("version")?.parse().ok()?;
            Some(Command::Sign { version, sha256: field("sha256")?.to_owned() })
        }
        "withdraw" => Some(Command::Withdraw),
        _ => None,
    }
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
