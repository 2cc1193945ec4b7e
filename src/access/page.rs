//! The page where people say what they work for, at the start of a session: its main part, for the frame and the headers of Privet's own
//! pages. No script; nothing of it is anybody's but the purposes of the company.

use std::fmt::Write as _;

use super::{
    header::{LONGEST_TICKET, is_ticket},
    purpose::Purpose,
};
use crate::format::form::decode;

/// Where it is.
pub const PATH: &str = "/.privet/purpose";
/// What its form's token is bound to.
pub const FORM: &str = "purpose";

/// What went wrong, as people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No purpose that they may choose.
    Purpose,
    /// A ticket is needed, or what was given is none.
    Ticket,
    /// The form is not one that this site has given to this browser.
    Stale,
}

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What may be chosen.
    pub purposes: &'a [&'a Purpose],
    /// The key of what is chosen already.
    pub chosen: Option<&'a str>,
    /// What went wrong.
    pub trouble: Option<Trouble>,
    /// Korean, or English.
    pub korean: bool,
    /// Of letters, digits, `-` and `_`.
    pub token: &'a str,
    /// Where to go on to: empty, or `?return=` with an encoded path of this site.
    pub query: &'a str,
    /// Whether the glass can be broken.
    pub glass: bool,
}

/// The title and the main part, which is HTML.
#[must_use]
pub fn html(view: &View<'_>) -> (&'static str, String) {
    let two = |english: &'static str, korean: &'static str| if view.korean { korean } else { english };
    let mut out = String::new();
    if let Some(trouble) = view.trouble {
        let _ = write!(out, "<p role=\"alert\" id=\"trouble\">{}</p>", words(trouble, view.korean));
    }
    let note = two(
        "It is written down with everything that you look at until you choose anew.",
        "다시 선택할 때까지 열람하는 모든 기록에 함께 남습니다.",
    );
    let _ = write!(
        out,
        "<p class=\"note\">{note}</p><form method=\"post\" action=\"{PATH}{}\"><input type=\"hidden\" name=\"form\" value=\"{}\">\
         <label for=\"purpose\">{}</label><select id=\"purpose\" name=\"purpose\" required{}>",
        view.query,
        view.token,
        two("What do you work for?", "업무 목적"),
        if view.trouble == Some(Trouble::Purpose) { INVALID } else { "" },
    );
    let with_ticket = two("with a ticket", "티켓 필요");
    for purpose in view.purposes {
        let title = if view.korean { &purpose.title_ko } else { &purpose.title_en };
        let ticket = if purpose.ticket { format!(" ({with_ticket})") } else { String::new() };
        let chosen = if view.chosen == Some(&*purpose.key) { " selected" } else { "" };
        let _ = write!(out, "<option value=\"{}\"{chosen}>{}{ticket}</option>", purpose.key, escaped(title));
    }
    let _ = write!(
        out,
        "</select><label for=\"ticket\">{}</label><input id=\"ticket\" name=\"ticket\" type=\"text\" autocomplete=\"off\" \
         spellcheck=\"false\" maxlength=\"{LONGEST_TICKET}\"{}>",
        two("Ticket, where there is one", "티켓 번호(있는 경우)"),
        if view.trouble == Some(Trouble::Ticket) { INVALID } else { "" },
    );
    if view.glass {
        let _ = write!(
            out,
            "<p><label for=\"glass\">{}</label><input id=\"glass\" name=\"glass\" type=\"checkbox\" value=\"1\"></p>",
            two(
                "It can't wait for a ticket. Somebody will look at what I do.",
                "긴급하여 티켓을 기다릴 수 없습니다. 이후 열람 내역을 점검받습니다.",
            ),
        );
    }
    let _ = write!(out, "<button type=\"submit\">{}</button></form>", two("Continue", "계속"));
    (two("Purpose of your work", "업무 목적 선택"), out)
}

const INVALID: &str = " aria-invalid=\"true\" aria-describedby=\"trouble\"";

fn words(trouble: Trouble, korean: bool) -> &'static str {
    let (english, in_korean) = match trouble {
        Trouble::Purpose => ("Please choose one of these purposes.", "목록에 있는 업무 목적을 선택해 주세요."),
        Trouble::Ticket => (
            "This purpose needs a ticket: its number, without blanks.",
            "이 업무 목적에는 티켓 번호가 필요합니다. 공백 없이 입력해 주세요.",
        ),
        Trouble::Stale => (
            "This page was open for too long, or cookies are blocked. Please try again.",
            "페이지가 만료되었거나 쿠키가 차단되어 있습니다. 다시 시도해 주세요.",
        ),
    };
    if korean { in_korean } else { english }
}

/// A text in HTML, within an attribute as well.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// What somebody has sent from the page.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// The form's token.
    pub token: String,
    /// The purpose's key.
    pub purpose: String,
    /// The ticket, empty where there is none.
    pub ticket: String,
    /// Whether the glass is broken.
    pub glass: bool,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sent")
    }
}

impl Sent {
    /// Reads a form; of a field that stands twice the last counts.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let mut sent = Self::default();
        for pair in body.split(|b| *b == b'&') {
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            let value = plain(pair.get(at + 1..).unwrap_or_default());
            match &*plain(&pair[..at]) {
                "form" => sent.token = value,
                "purpose" => sent.purpose = value,
                "ticket" => value.trim().clone_into(&mut sent.ticket),
                "glass" => sent.glass = value == "1",
                _ => {}
            }
        }
        sent
    }

    /// The purpose and the ticket, where they are in order. A ticket that is missing is seen to by the policies, which know of the glass.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn judged<'p>(&self, purposes: &[&'p Purpose]) -> Result<(&'p Purpose, Option<&str>), Trouble> {
        let purpose = purposes.iter().find(|purpose| *purpose.key == *self.purpose).ok_or(Trouble::Purpose)?;
        match self.ticket.as_str() {
            "" if purpose.ticket && !self.glass => Err(Trouble::Ticket),
            "" => Ok((purpose, None)),
            ticket if is_ticket(ticket) => Ok((purpose, Some(ticket))),
            _ => Err(Trouble::Ticket),
        }
    }
}

fn plain(raw: &[u8]) -> String {
    let mut plain = Vec::new();
    decode(raw, &mut plain);
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::purpose::Purposes;

    #[test]
    fn the_page_is_closed_in_itself_and_labelled() {
        let mut purposes = Purposes::shipped();
        let odd = Purpose {
            key: "odd".into(),
            title_en: "<b>\"Odd\" & 'so'".to_owned(),
            ..purposes.find("audit").expect("one").clone()
        };
        purposes.put(odd);
        let all: Vec<&Purpose> = purposes.iter().collect();
        for korean in [false, true] {
            for trouble in [None, Some(Trouble::Purpose), Some(Trouble::Ticket), Some(Trouble::Stale)] {
                let view = View {
                    purposes: &all,
                    chosen: Some("duty"),
                    trouble,
                    korean,
                    token: "TOKEN",
                    query: "?return=/a",
                    glass: true,
                };
                let (title, html) = html(&view);
                assert!(
                    !title.is_empty()
                        && !html.contains("<script")
                        && !html.contains("http")
                        && !html.contains("style=")
                );
                assert!(!html.contains("<b>") && html.contains(" selected>"), "{html}");
                assert_eq!(html.matches("<option").count(), all.len());
                assert_eq!(html.matches("<label for=").count(), 3);
                assert_eq!(html.contains("role=\"alert\""), trouble.is_some());
                assert_eq!(html.is_ascii(), !korean);
            }
        }
    }

    #[test]
    fn what_is_sent_is_judged() {
        let purposes = Purposes::shipped();
        let all: Vec<&Purpose> = purposes.of(&["complaints", "duty"]).collect();
        let judged = |body: &str| {
            Sent::read(body.as_bytes()).judged(&all).map(|(p, ticket)| (p.key.to_string(), ticket.map(str::to_owned)))
        };
        assert_eq!(
            judged("form=t&purpose=complaint&ticket=+CS%2D42+"),
            Ok(("complaint".to_owned(), Some("CS-42".to_owned())))
        );
        assert_eq!(judged("purpose=duty&ticket="), Ok(("duty".to_owned(), None)));
        assert_eq!(judged("purpose=complaint&glass=1"), Ok(("complaint".to_owned(), None)));
        assert_eq!(judged("purpose=complaint"), Err(Trouble::Ticket));
        assert_eq!(judged("purpose=duty&ticket=kim%40example.com"), Err(Trouble::Ticket));
        for body in ["", "purpose=marketing", "purpose=", "=&&="] {
            assert_eq!(judged(body), Err(Trouble::Purpose), "{body}");
        }
        assert_eq!(Sent::read(b"form=%41b").token, "Ab");
    }
}
