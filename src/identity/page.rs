//! The pages that people see: one form each, nothing from elsewhere, in Korean or English. There is no script but the one that
//! asks for passkeys, on pages that offer it, which do without it as well.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::{
    federation::oidc::START,
    form::{LANGUAGE_COOKIE, OTP, PASSKEYS, SCRIPT, SIGN_IN, SIGN_OUT, cookie},
    forward::encoded,
    passkey::page::{Offer, offered},
};
use crate::registry::page::{HANDOVERS, PLEDGE};

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Name and password.
    SignIn,
    /// One-time code.
    Code,
    /// Whether to sign out.
    SignOut,
    /// Done.
    SignedOut,
    /// What to do when a sign-in at the provider was not completed.
    Provider,
    /// One's passkeys; room `passkey` has what it shows.
    Passkeys,
    /// The security pledge; room `registry` has what it shows.
    Pledge,
    /// One's handovers; room `registry` has what it shows.
    Handovers,
}

impl Page {
    /// What its form's token is bound to.
    #[must_use]
    pub fn form(self) -> &'static str {
        match self {
            Self::SignIn | Self::Provider => "sign-in",
            Self::Code => "code",
            Self::Passkeys => "passkeys",
            Self::Pledge => "pledge",
            Self::Handovers => "handovers",
            Self::SignOut | Self::SignedOut => "sign-out",
        }
    }
}

/// What went wrong, as people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Name or password.
    Wrong,
    /// The one-time code.
    WrongCode,
    /// So many codes that the sign-in starts anew.
    TooManyCodes,
    /// Too many attempts.
    TooMany,
    /// Too many people at once.
    Busy,
    /// The form is not one that this site has given to this browser.
    Stale,
    /// The account has no second factor, and one is required.
    NoSecondFactor,
    /// A sign-in at the provider was not completed.
    Provider,
    /// The passkey.
    Passkey,
    /// What makes a passkey.
    NotEnrolled,
    /// A change that asks for a sign-in which is younger, or has two factors.
    NotFresh,
    /// A handover that the registry does not take a signature for.
    NotSigned,
}

impl Trouble {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Wrong | Self::WrongCode | Self::TooManyCodes | Self::Passkey => StatusCode::UNAUTHORIZED,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Stale | Self::NoSecondFactor | Self::Provider | Self::NotFresh | Self::NotSigned => {
                StatusCode::FORBIDDEN
            }
            Self::NotEnrolled => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn text(self, language: Language) -> &'static str {
        let (english, korean) = match self {
            Self::Wrong => ("The name or the password is not right.", "이름 또는 비밀번호가 올바르지 않습니다."),
            Self::WrongCode => (
                "The code is not right, or was used already. Wait for the next one.",
                "코드가 올바르지 않거나 이미 사용되었습니다. 다음 코드를 기다려 주세요.",
            ),
            Self::TooManyCodes => (
                "Too many codes were wrong. Please sign in again.",
                "잘못된 코드가 너무 많습니다. 다시 로그인해 주세요.",
            ),
            Self::TooMany => (
                "There were too many attempts. Please wait a while.",
                "시도 횟수가 너무 많습니다. 잠시 후 다시 시도해 주세요.",
            ),
            Self::Busy => (
                "Too many people sign in at this moment. Please try again.",
                "지금 로그인 요청이 많습니다. 다시 시도해 주세요.",
            ),
            Self::Stale => (
                "This page was open for too long, or cookies are blocked. Please try again.",
                "페이지가 만료되었거나 쿠키가 차단되어 있습니다. 다시 시도해 주세요.",
            ),
            Self::NoSecondFactor => (
                "This account has no one-time codes, and they are needed here. Please ask whoever set it up.",
                "이 계정에는 일회용 코드가 설정되어 있지 않습니다. 관리자에게 문의해 주세요.",
            ),
            Self::Provider => (
                "The sign-in with your organisation was not completed. Please try again.",
                "조직 계정 로그인이 완료되지 않았습니다. 다시 시도해 주세요.",
            ),
            Self::Passkey => (
                "The passkey was not accepted. Please try again, or sign in another way.",
                "패스키가 승인되지 않았습니다. 다시 시도하거나 다른 방법으로 로그인해 주세요.",
            ),
            Self::NotEnrolled => (
                "The passkey was not added. Give it a name, and take one that is not here yet; sixteen is the most.",
                "패스키가 추가되지 않았습니다. 이름을 입력하고 아직 등록되지 않은 패스키를 사용하세요(최대 16개).",
            ),
            Self::NotFresh => (
                "Please sign in again first; a change asks for a sign-in of the last five minutes.",
                "먼저 다시 로그인해 주세요. 변경하려면 최근 5분 이내의 로그인이 필요합니다.",
            ),
            Self::NotSigned => (
                "This can't be signed now: it was signed already, or something has changed since it was started. A privacy officer can tell.",
                "지금은 서명할 수 없습니다. 이미 서명되었거나 시작된 뒤 상황이 바뀌었습니다. 개인정보 보호책임자에게 문의해 주세요.",
            ),
        };
        language.of_two(english, korean)
    }
}

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// What was chosen in the console; else the first of them by weight in `Accept-Language` (RFC 9110, section 12.5.4); English where it names neither.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        if let Some(chosen) = cookie(headers, LANGUAGE_COOKIE).and_then(Self::named) {
            return chosen;
        }
        let text = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (Self::English, 0.0);
        for part in text.split(',') {
            let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
            let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok());
            let language = match tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "ko" => Self::Korean,
                "en" => Self::English,
                _ => continue,
            };
            if weight.is_some_and(|weight| weight > best.1) {
                best = (language, weight.unwrap_or_default());
            }
        }
        best.0
    }

    /// The one of this tag.
    #[must_use]
    pub fn named(tag: &str) -> Option<Self> {
        [Self::English, Self::Korean].into_iter().find(|language| language.tag() == tag)
    }

    /// The one of two texts that is in it.
    #[must_use]
    pub fn of_two<'t>(self, english: &'t str, korean: &'t str) -> &'t str {
        if self == Self::Korean { korean } else { english }
    }

    /// As HTML names it.
    #[must_use]
    pub fn tag(self) -> &'static str {
        self.of_two("en", "ko")
    }
}

const STYLE: &str = "*{box-sizing:border-box}html{color-scheme:light dark}\
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:24rem;margin:10vh auto;padding:0 1rem}\
h1{font-size:1.5rem}label{display:block;margin-top:1rem}\
input,select,button{font:inherit;width:100%;padding:.6rem;margin-top:.25rem;border:1px solid GrayText;border-radius:.4rem}\
button{margin-top:1.5rem;cursor:pointer;background:#1a56b0;color:#fff;border-color:#1a56b0}\
:focus-visible{outline:3px solid #e08a00;outline-offset:2px}\
[role=alert]{border-left:.3rem solid #c62828;padding:.5rem .8rem}p.note{font-size:.95rem}";

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| policy(""));
static POLICY_WITH_SCRIPT: LazyLock<HeaderValue> = LazyLock::new(|| policy(" script-src 'self';"));

fn policy(script: &str) -> HeaderValue {
    let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let text = format!(
        "default-src 'none'; style-src 'sha256-{hash}';{script} form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// What a page shows.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Which page.
    pub page: Page,
    /// What went wrong.
    pub trouble: Option<Trouble>,
    /// In which language.
    pub language: Language,
    /// Of letters, digits, `-` and `_`.
    pub token: &'a str,
    /// A path of this site.
    pub back: &'a str,
    /// Whether people can also sign in at a provider.
    pub provider: bool,
    /// What a passkey is asked for, where one will do.
    pub offer: Option<&'a Offer>,
    /// Whether a code will do, on the page for codes.
    pub codes: bool,
}

/// A page as an answer.
#[must_use]
pub fn answer(view: &View<'_>, status: StatusCode) -> Response<Bytes> {
    respond(html(view), view.language, status, view.offer.is_some())
}

/// A whole page as an answer; with `script` the one for passkeys may run.
#[must_use]
pub fn respond(html: String, language: Language, status: StatusCode, script: bool) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(html));
    *answer.status_mut() = status;
    let policy = if script { &POLICY_WITH_SCRIPT } else { &POLICY };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::clone(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: browsers then send `Origin: null` with the form.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110, section 15.5.2 wants a challenge; no browser asks anything for a scheme that it does not know.
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Privet"));
    }
    answer
}

fn html(view: &View<'_>) -> String {
    let View { page, trouble, language, token, back, .. } = *view;
    let (title, fields, button) = parts(page, language, trouble.is_some_and(|trouble| trouble != Trouble::Passkey));
    let action = match page {
        Page::SignIn | Page::Provider => SIGN_IN,
        Page::Code => OTP,
        Page::Passkeys => PASSKEYS,
        Page::Pledge => PLEDGE,
        Page::Handovers => HANDOVERS,
        Page::SignOut | Page::SignedOut => SIGN_OUT,
    };
    let query = if back == "/" { String::new() } else { format!("?return={}", encoded(back)) };
    let link = |to: &str, text: &str| format!("<p><a href=\"{to}{query}\">{text}</a></p>");
    let elsewhere = match page {
        Page::SignIn | Page::Provider if view.provider => {
            link(START, language.of_two("Sign in with your organisation", "조직 계정으로 로그인"))
        }
        _ => String::new(),
    };
    let form = match page {
        Page::Provider => link(SIGN_IN, language.of_two("Sign in with a password", "비밀번호로 로그인")),
        Page::SignedOut => {
            format!("<p><a href=\"{SIGN_IN}\">{}</a></p>", language.of_two("Sign in again", "다시 로그인"))
        }
        Page::Code if !view.codes => String::new(),
        _ => format!(
            "<form method=\"post\" action=\"{action}{query}\"><input type=\"hidden\" name=\"form\" value=\"{token}\">\
             {fields}<button type=\"submit\">{button}</button></form>"
        ),
    };
    let title = if page == Page::Code && !view.codes { language.of_two("Passkey", "패스키") } else { title };
    let passkey = view.offer.map_or_else(String::new, |offer| offered(offer, language, token, &query));
    frame(language, title, trouble, &format!("{elsewhere}{form}{passkey}"), view.offer.is_some())
}

/// A page around `main`, which is HTML.
#[must_use]
pub fn frame(language: Language, title: &str, trouble: Option<Trouble>, main: &str, script: bool) -> String {
    let alert = trouble
        .map_or(String::new(), |trouble| format!("<p role=\"alert\" id=\"trouble\">{}</p>", trouble.text(language)));
    let script = if script { format!("<script src=\"{SCRIPT}\" defer></script>") } else { String::new() };
    format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style>{script}</head><body><main><h1>{title}</h1>{alert}{main}</main></body></html>\n",
        language.tag()
    )
}

fn parts(page: Page, language: Language, troubled: bool) -> (&'static str, String, &'static str) {
    let two = |english, korean| language.of_two(english, korean);
    let wrong = if troubled { " aria-invalid=\"true\" aria-describedby=\"trouble\"" } else { "" };
    match page {
        Page::SignIn => {
            let (name, password) = (two("Name", "이름"), two("Password", "비밀번호"));
            let fields = format!(
                "<label for=\"username\">{name}</label><input id=\"username\" name=\"username\" type=\"text\" \
                 autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"64\" required autofocus{wrong}>\
                 <label for=\"password\">{password}</label><input id=\"password\" name=\"password\" type=\"password\" \
                 autocomplete=\"current-password\" required{wrong}>"
            );
            (two("Sign in", "로그인"), fields, two("Sign in", "로그인"))
        }
        Page::Code => {
            let label = two("Code from your authenticator", "인증 앱의 코드");
            let note = two(
                "Six digits; or one of your recovery codes, each of which works once.",
                "여섯 자리 숫자 또는 복구 코드(각 한 번만 사용 가능)를 입력하세요.",
            );
            let by = if troubled { "trouble note" } else { "note" };
            let invalid = if troubled { " aria-invalid=\"true\"" } else { "" };
            let fields = format!(
                "<label for=\"code\">{label}</label><input id=\"code\" name=\"code\" type=\"text\" autocomplete=\"one-time-code\" \
                 autocapitalize=\"characters\" spellcheck=\"false\" maxlength=\"40\" required autofocus \
                 aria-describedby=\"{by}\"{invalid}><p class=\"note\" id=\"note\">{note}</p>"
            );
            (two("One-time code", "일회용 코드"), fields, two("Continue", "계속"))
        }
        Page::Passkeys => (two("Passkeys", "패스키"), String::new(), ""),
        Page::Pledge => (two("Security pledge", "보안 서약"), String::new(), ""),
        Page::Handovers => (two("Handovers", "인수인계"), String::new(), ""),
        Page::SignOut => (two("Sign out?", "로그아웃하시겠습니까?"), String::new(), two("Sign out", "로그아웃")),
        Page::Provider => (two("Sign in", "로그인"), String::new(), ""),
        Page::SignedOut => (two("You are signed out", "로그아웃되었습니다"), String::new(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(text: &'static str) -> Language {
        let headers = [(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text))].into_iter().collect();
        Language::of(&headers)
    }

    #[test]
    fn the_language_is_the_readers() {
        assert_eq!(language("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7"), Language::Korean);
        assert_eq!(language("en-US,en;q=0.9,ko;q=0.8"), Language::English);
        assert_eq!(language("fr, ko;q=0.1"), Language::Korean);
        assert_eq!(language("ko;q=0"), Language::English);
        assert_eq!(language("fr"), Language::English);
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn a_page_is_closed_in_itself() {
        let (token, back) = ("TOKEN", "/a?b=\"><script>");
        for page in [Page::SignIn, Page::Code, Page::SignOut, Page::SignedOut, Page::Provider] {
            for trouble in [None, Some(Trouble::Wrong)] {
                for language in [Language::English, Language::Korean] {
                    let view = View { page, trouble, language, token, back, provider: true, offer: None, codes: true };
                    let html = html(&view);
                    assert!(!html.contains("<script") && !html.contains("http") && !html.contains("style="), "{html}");
                    assert!(html.contains(&format!("<html lang=\"{}\"", language.tag())));
                    assert_eq!(html.contains("role=\"alert\""), trouble.is_some());
                    assert_eq!(html.matches("<label for=").count(), html.matches(" required").count());
                    let answer = answer(&view, StatusCode::OK);
                    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
                    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
                    assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
                }
            }
        }
    }
}
