//! The page where people say why they take a file along, and where they are shown its passphrase: its main part, for the frame and the headers of
//! Privet's own pages. No script.

use std::fmt::Write as _;

use super::{
    download::{LIFE, LONGEST_REASON, PATH, reason},
    page::escaped,
};
use crate::{format::form::decode, seal::zip::Passphrase};

/// What went wrong, as people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No reason, or one that is too long.
    Reason,
    /// The form is not one that this site has given to this browser.
    Stale,
}

/// Which file, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Where it is, a path of this site; `None` where nobody has said.
    pub target: Option<&'a str>,
    /// Whether it is the answer to a form, which people have to send themselves.
    pub by_form: bool,
    /// Korean, or English.
    pub korean: bool,
}

impl File<'_> {
    fn two<'t>(&self, english: &'t str, korean: &'t str) -> &'t str {
        if self.korean { korean } else { english }
    }
}

/// The title and the main part where the reason is asked for. The form's `token` is of letters, digits, `-` and `_`; `query` leads to where the
/// file is.
#[must_use]
pub fn ask(file: &File<'_>, trouble: Option<Trouble>, token: &str, query: &str) -> (&'static str, String) {
    let title = if file.korean { "파일을 내려받는 사유" } else { "Reason for a download" };
    if file.target.is_none() {
        let text = file.two(
            "Nobody has said which file. Please open the download again.",
            "내려받을 파일을 알 수 없습니다. 다운로드를 다시 시도해 주세요.",
        );
        return (title, format!("<p>{text}</p>"));
    }
    let mut out = String::new();
    if let Some(trouble) = trouble {
        let text = match trouble {
            Trouble::Reason => {
                file.two("Please say in one line what the file is for.", "파일이 필요한 사유를 한 줄로 입력해 주세요.")
            }
            Trouble::Stale => file.two(
                "This page was open for too long, or cookies are blocked. Please try again.",
                "페이지가 만료되었거나 쿠키가 차단되어 있습니다. 다시 시도해 주세요.",
            ),
        };
        let _ = write!(out, "<p role=\"alert\" id=\"trouble\">{text}</p>");
    }
    let invalid =
        if trouble == Some(Trouble::Reason) { " aria-invalid=\"true\" aria-describedby=\"trouble\"" } else { "" };
    let _ = write!(
        out,
        "<p class=\"note\">{}</p><form method=\"post\" action=\"{PATH}{query}\">\
         <input type=\"hidden\" name=\"form\" value=\"{token}\"><label for=\"reason\">{}</label>\
         <input id=\"reason\" name=\"reason\" type=\"text\" autocomplete=\"off\" maxlength=\"{LONGEST_REASON}\" required autofocus{invalid}>\
         <button type=\"submit\">{}</button></form>",
        file.two(
            "The file holds personal data. It comes as an encrypted ZIP, and it is written down who has taken it, why, and until when it is \
             to be deleted.",
            "개인정보가 포함된 파일입니다. 암호화된 ZIP 파일로 제공되며, 다운로드한 사람과 사유, 파기 기한이 기록됩니다.",
        ),
        file.two("What is it for?", "다운로드 사유"),
        file.two("Continue", "계속"),
    );
    (title, out)
}

/// The title and the main part where the passphrase is shown, once; without one the file leaves for its reader's own key.
#[must_use]
pub fn show(file: &File<'_>, passphrase: Option<&Passphrase>) -> (&'static str, String) {
    let onward = onward(file);
    let minutes = LIFE.as_secs() / 60;
    let Some(passphrase) = passphrase else {
        let title = if file.korean { "내려받기" } else { "Download" };
        let note = if file.korean {
            format!("본인의 키로 암호화된 파일입니다(age -d -i 키파일). {minutes}분 안에 한 번 내려받을 수 있습니다.")
        } else {
            format!(
                "The file is encrypted to your own key (age -d -i KEYFILE). It can be downloaded once within {minutes} minutes."
            )
        };
        return (title, format!("<p class=\"note\">{note}</p>{onward}"));
    };
    let title = if file.korean { "암호" } else { "Passphrase" };
    let note = if file.korean {
        format!(
            "ZIP 파일을 여는 암호입니다. 지금 한 번만 표시되니 붙임표까지 복사해 두고, 파일과 따로 보관하세요. {minutes}분 안에 한 번 내려받을 수 있습니다. 7-Zip, 반디집, Keka 등으로 열 수 있습니다."
        )
    } else {
        format!(
            "It opens the ZIP file, and is shown this once: copy it, dashes and all, and keep it apart from the file. The file can be downloaded \
             once within {minutes} minutes. 7-Zip, Keka and others open it."
        )
    };
    (title, format!("<p><code id=\"passphrase\">{}</code></p><p class=\"note\">{note}</p>{onward}", passphrase.text()))
}

/// How the file is had.
fn onward(file: &File<'_>) -> String {
    match file.target {
        Some(target) if !file.by_form => {
            let text = file.two("Download", "내려받기");
            format!("<p><a id=\"download\" href=\"{}\">{text}</a></p>", escaped(target))
        }
        _ => {
            let text = file.two(
                "Now go back to the page with the form, and send it once more.",
                "이제 양식이 있는 페이지로 돌아가 다시 한 번 제출해 주세요.",
            );
            format!("<p id=\"again\">{text}</p>")
        }
    }
}

/// What somebody has sent from the page.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// The form's token.
    pub token: String,
    /// Why.
    reason: String,
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
            let mut value = Vec::new();
            decode(pair.get(at + 1..).unwrap_or_default(), &mut value);
            let value = String::from_utf8(value).unwrap_or_default();
            match &pair[..at] {
                b"form" => sent.token = value,
                b"reason" => sent.reason = value,
                _ => {}
            }
        }
        sent
    }

    /// The reason, where it is one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        reason(&self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_plain_and_in_two_languages() {
        let passphrase = Passphrase::random().expect("random");
        for korean in [false, true] {
            let file = File { target: Some("/a?b=\"<c>&d"), by_form: false, korean };
            for trouble in [None, Some(Trouble::Reason), Some(Trouble::Stale)] {
                let (title, html) = ask(&file, trouble, "TOKEN", "?return=/a");
                assert!(html.contains("name=\"reason\"") && html.contains("value=\"TOKEN\"") && !title.is_empty());
                assert_eq!(html.contains("role=\"alert\""), trouble.is_some());
                assert_eq!(html.is_ascii(), !korean);
            }
            let (_, html) = show(&file, Some(&passphrase));
            assert!(html.contains("href=\"/a?b=&quot;&lt;c&gt;&amp;d\"") && html.contains(passphrase.text()), "{html}");
            let (_, html) = show(&File { by_form: true, ..file }, None);
            assert!(!html.contains("href") && html.contains("id=\"again\""), "{html}");
            let (_, html) = ask(&File { target: None, ..file }, None, "TOKEN", "");
            assert!(!html.contains("<form"), "{html}");
        }
    }

    #[test]
    fn what_is_sent_is_read() {
        let sent = Sent::read("form=t%2D1&reason=+%EA%B0%90%EC%82%AC+5&x=y".as_bytes());
        assert_eq!((sent.token.as_str(), sent.reason()), ("t-1", Some("감사 5")));
        for bad in [&b""[..], b"reason=", b"reason=%0A%07", b"reason=%FF"] {
            assert!(Sent::read(bad).reason().is_none());
        }
    }
}
