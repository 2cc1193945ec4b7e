//! What an application's own form says of consent: who agrees or withdraws, as the application has taken it.

use super::{
    settings::Form,
    subject::{Name, Subject, Subjects},
};
use crate::format::form::decode;

/// What a column or a field says of consent; `None` where that is not clear.
#[must_use]
pub fn agrees(value: &[u8]) -> Option<bool> {
    let text = String::from_utf8_lossy(value.trim_ascii()).to_lowercase();
    match text.as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" | "o" | "agree" | "agreed" | "opt-in" | "동의" | "예" | "네" => {
            Some(true)
        }
        "0" | "false" | "f" | "no" | "n" | "off" | "x" | "" | "disagree" | "withdrawn" | "opt-out" | "미동의"
        | "거부" | "철회" | "아니오" | "아니요" => Some(false),
        _ => None,
    }
}

impl Form {
    /// Whether this is where the form is sent to.
    #[must_use]
    pub fn is_at(&self, method: &http::Method, path: &str) -> bool {
        method == http::Method::POST && path == self.path
    }

    /// Who has agreed or withdrawn by a form (`application/x-www-form-urlencoded`) that the application has answered with `status`; nobody
    /// where it was refused or is not clear. A box that is not ticked is not sent at all, so a field that is missing is a no.
    #[must_use]
    pub fn learned(&self, body: &[u8], status: u16, subjects: &Subjects) -> Option<(Subject, bool)> {
        if !(200..400).contains(&status) {
            return None;
        }
        let (mut who, mut agreed) = (None, Some(false));
        for pair in body.split(|b| *b == b'&') {
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            let (mut name, mut value) = (Vec::new(), Vec::new());
            decode(&pair[..at], &mut name);
            decode(pair.get(at + 1..).unwrap_or_default(), &mut value);
            if name == self.id.as_bytes() {
                // Two people in one form are nobody.
                let subject = subjects.name(&Name::of(&self.id), &value);
                if who.is_some() && who != subject {
                    return None;
                }
                who = subject;
            } else if name == self.field.as_bytes() {
                // A hidden no before the box is how frameworks send one that is not ticked.
                agreed = agrees(&value);
            }
        }
        Some((who?, agreed?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Ring;

    #[test]
    fn a_form_tells_who_agrees() {
        let form = Form { path: "/account/consent".into(), field: "marketing".into(), id: "email".into() };
        let subjects = Subjects::of(&Ring::ephemeral().expect("random bytes"));
        let kim = subjects.name(&Name::of("email"), b"kim@example.com").expect("a name");
        let learned = |body: &str, status| form.learned(body.as_bytes(), status, &subjects);
        assert_eq!(learned("email=Kim%40example.com&marketing=on", 302), Some((kim, true)));
        assert_eq!(learned("email=kim%40example.com", 200), Some((kim, false)));
        assert_eq!(learned("marketing=0&email=kim%40example.com&marketing=1", 200), Some((kim, true)));
        assert_eq!(learned("email=kim%40example.com&marketing=no", 200), Some((kim, false)));
        for (body, status) in [
            ("email=kim%40example.com&marketing=on", 422),
            ("email=kim%40example.com&marketing=on", 500),
            ("email=kim%40example.com&marketing=perhaps", 200),
            ("email=kim%40example.com&email=lee%40example.com&marketing=on", 200),
            ("email=&marketing=on", 200),
            ("marketing=on", 200),
            ("", 200),
        ] {
            assert_eq!(learned(body, status), None, "{body} {status}");
        }
        assert!(
            form.is_at(&http::Method::POST, "/account/consent") && !form.is_at(&http::Method::GET, "/account/consent")
        );
        assert_eq!((agrees(" 동의 ".as_bytes()), agrees(b"N"), agrees(b"maybe")), (Some(true), Some(false), None));
    }
}
