//! The pages where people sign for themselves, the pledge and handovers: what they show and what their forms ask for, as pure functions. Room
//! `identity` knows who asks, keeps others from filling in a form, and puts the page into its frame.

use std::{fmt::Write as _, time::SystemTime};

use super::{
    command::Command,
    handover::Handover,
    moment::Moment,
    person::PersonId,
    pledge::{Pledged, sha256},
    state::State,
};

/// Where the pledge is signed.
pub const PLEDGE: &str = "/.privet/pledge";
/// Where handovers are signed by the two whose they are.
pub const HANDOVERS: &str = "/.privet/handovers";

/// Which of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// The security pledge.
    Pledge,
    /// Handovers from or to whoever looks.
    Handovers,
}

impl Own {
    /// Where it is.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Pledge => PLEDGE,
            Self::Handovers => HANDOVERS,
        }
    }

    /// The page's title and what it shows, as HTML; `None` where there is no such page.
    #[must_use]
    pub fn serve(self, state: &State, look: &Look<'_>) -> Option<(&'static str, String)> {
        match self {
            Self::Pledge => pledge(state, look),
            Self::Handovers => handovers(state, look),
        }
    }

    /// What its form asks for, by the fields; `None` where it is none of ours.
    #[must_use]
    pub fn asked<'f>(self, field: impl Fn(&str) -> Option<&'f str>) -> Option<Command> {
        match (self, field("act")?) {
            (Self::Pledge, "sign") => {
                let version = field("version")?.parse().ok()?;
                Some(Command::Sign { version, sha256: field("sha256")?.to_owned() })
            }
            (Self::Pledge, "withdraw") => Some(Command::Withdraw),
            (Self::Handovers, "sign") => Some(Command::SignHandover { handover: field("handover")?.parse().ok()? }),
            _ => None,
        }
    }
}

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

#[allow(clippy::format_collect)] // a dozen paragraphs
fn pledge(state: &State, look: &Look<'_>) -> Option<(&'static str, String)> {
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

/// Each handover from or to whoever looks, the newest first, with what follows from it and a form where their signature is missing.
fn handovers(state: &State, look: &Look<'_>) -> Option<(&'static str, String)> {
    if !state.is_founded() {
        return None;
    }
    let two = |english: &'static str, korean: &'static str| if look.language == "ko" { korean } else { english };
    let theirs = state.handovers().filter(|own| own.from == *look.person || own.to == *look.person);
    let mut all: Vec<&Handover> = theirs.collect();
    all.reverse();
    let mut main = String::new();
    if all.is_empty() {
        let none = two("Nothing is handed over from you or to you.", "귀하의 인수인계가 없습니다.");
        let _ = write!(main, "<p class=\"note\" role=\"status\">{none}</p>");
    }
    for own in all {
        main.push_str(&handover(state, own, look));
    }
    Some((two("Handovers", "인수인계"), main))
}

fn handover(state: &State, own: &Handover, look: &Look<'_>) -> String {
    let two = |english: &'static str, korean: &'static str| if look.language == "ko" { korean } else { english };
    let (from, to) = (escaped(&own.from.subject), escaped(&own.to.subject));
    let heading = two("Handover {n}: from {f} to {t}", "인수인계 {n}: {f} → {t}");
    let heading = heading.replace("{n}", &own.id.to_string()).replace("{f}", &from).replace("{t}", &to);
    let list = |name: &str, lines: &[String]| match lines {
        [] => String::new(),
        lines => {
            let lines: Vec<String> = lines.iter().map(|line| format!("<li>{}</li>", escaped(line))).collect();
            format!("<p>{name}</p><ul>{}</ul>", lines.concat())
        }
    };
    let grants = state.person(&own.from).into_iter().flat_map(|dossier| &dossier.grants);
    let roles: Vec<String> =
        grants.filter(|grant| own.grants.contains(&grant.id)).map(|grant| grant.role.as_str().to_owned()).collect();
    let follows = if own.keep {
        two("With both signatures these roles are {t}'s as well:", "양쪽이 서명하면 {t}에게도 다음 역할이 부여됩니다:")
    } else {
        two(
            "With both signatures these roles are {t}'s, and {f}'s no more:",
            "양쪽이 서명하면 {f}의 다음 역할이 {t}에게 넘어가고 {f}의 역할은 종료됩니다:",
        )
    };
    let is_from = own.from == *look.person;
    let signed = if is_from { own.from_signed } else { own.to_signed };
    let below = match (own.done, signed) {
        (Some(_), _) => note(two("Both have signed. It is done.", "양쪽이 서명하여 완료되었습니다.")),
        (None, Some(_)) => {
            note(two("You have signed. The other signature is missing.", "서명하였습니다. 상대방의 서명을 기다립니다."))
        }
        (None, None) => format!(
            "<form method=\"post\" action=\"{HANDOVERS}{}\"><input type=\"hidden\" name=\"form\" value=\"{}\">\
             <input type=\"hidden\" name=\"act\" value=\"sign\"><input type=\"hidden\" name=\"handover\" value=\"{}\">\
             <button type=\"submit\">{}</button></form>",
            look.query,
            look.token,
            own.id,
            if is_from {
                two("I have handed this over, and I sign it", "위 업무를 인계하였으며 서명합니다")
            } else {
                two("I have taken this over, and I sign it", "위 업무를 인수하였으며 서명합니다")
            },
        ),
    };
    format!(
        "<section><h2>{heading}</h2>{}{}{}{below}</section>",
        list(two("Duties:", "업무:"), &own.duties),
        list(two("Open matters:", "미결 사항:"), &own.matters),
        list(&follows.replace("{f}", &from).replace("{t}", &to), &roles),
    )
}

fn note(text: &str) -> String {
    format!("<p class=\"note\" role=\"status\">{text}</p>")
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
