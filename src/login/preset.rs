//! What well-known applications' logins look like.

use std::collections::BTreeSet;

use super::settings::{Criteria, Outcome, Redirect, Username};

/// An application's login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// A form; success redirects elsewhere, anything else is a failure.
    FormRedirect,
    /// JSON; success is 2xx, anything else a failure.
    Json401,
    /// `WordPress`: the form again is a failure, a redirect with its cookie a success.
    Wordpress,
    /// HTTP Basic on every request below the path; 401, 403 and 429 are failures.
    Basic,
    /// Spring Security's form login: back with `?error` is a failure.
    Spring,
    /// Django: the form again is a failure, a redirect with `sessionid` a success.
    Django,
    /// Learned from answers.
    Auto,
}

impl Preset {
    /// By the names of the configuration.
    pub const ALL: [(&str, Self); 7] = [
        ("form-redirect", Self::FormRedirect),
        ("json-401", Self::Json401),
        ("wordpress", Self::Wordpress),
        ("basic", Self::Basic),
        ("spring", Self::Spring),
        ("django", Self::Django),
        ("auto", Self::Auto),
    ];

    /// Where the username stands.
    #[must_use]
    pub fn username(self) -> Username {
        match self {
            Self::FormRedirect | Self::Spring | Self::Django => Username::Form("username".to_owned()),
            Self::Json401 => Username::Json(vec!["username".to_owned()]),
            Self::Wordpress => Username::Form("log".to_owned()),
            Self::Basic => Username::Basic,
            Self::Auto => Username::Guess,
        }
    }

    /// The usual path.
    #[must_use]
    pub fn path(self) -> Option<&'static str> {
        match self {
            Self::Wordpress => Some("/wp-login.php"),
            Self::Spring => Some("/login"),
            Self::Basic => Some("/"),
            _ => None,
        }
    }

    /// Whether a form without a username is none of a login: `WordPress` has its lost-password form on the same path.
    #[must_use]
    pub fn passes_without_username(self) -> bool {
        self == Self::Wordpress
    }

    /// What the outcome is told by.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        let none = Criteria::default();
        let status = |codes: &[u16]| Criteria { status: codes.iter().copied().collect(), ..Criteria::default() };
        let cookie = |name: &str| Some(name.to_owned());
        let (failure, success) = match self {
            Self::FormRedirect => (none.clone(), Criteria { redirect: Some(Redirect::Away), ..none }),
            Self::Json401 => (status(&[401, 403]), Criteria { status: (200..300).collect::<BTreeSet<_>>(), ..none }),
            Self::Wordpress => (status(&[200]), Criteria { cookie: cookie("wordpress_logged_in_*"), ..status(&[302]) }),
            // Whoever is let in also asks for what is not there.
            Self::Basic => {
                let (bad, all) = ([401, 403, 429], 200..500);
                (status(&bad), Criteria { status: all.filter(|code| !bad.contains(code)).collect(), ..none })
            }
            Self::Spring => {
                let location = super::settings::Pattern::parse("[?&;]error").ok();
                (Criteria { location, ..none.clone() }, Criteria { redirect: Some(Redirect::Away), ..none })
            }
            Self::Django => (status(&[200]), Criteria { cookie: cookie("sessionid"), ..status(&[302]) }),
            Self::Auto => return Outcome::Learned,
        };
        Outcome::Told { failure: Box::new(failure), success: Box::new(success) }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::super::judge::{Judged, told};
    use super::*;

    fn judge(preset: Preset, status: u16, location: &'static str, cookie: &'static str) -> Judged {
        let mut headers = HeaderMap::new();
        if !location.is_empty() {
            headers.insert(header::LOCATION, HeaderValue::from_static(location));
        }
        if !cookie.is_empty() {
            headers.insert(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        let Outcome::Told { failure, success } = preset.outcome() else { panic!("learned") };
        let status = StatusCode::from_u16(status).expect("a status");
        told("/login", (&failure, &success), status, &headers, None)
    }

    #[test]
    fn answers_of_well_known_applications() {
        use Judged::{Failure, Success, Unclear};
        use Preset::{Basic, Django, FormRedirect, Json401, Spring, Wordpress};
        for (preset, status, location, cookie, judged) in [
            (FormRedirect, 302, "/account", "", Success),
            (FormRedirect, 302, "/login?failed", "", Failure),
            (FormRedirect, 200, "", "sid=1", Failure),
            (FormRedirect, 429, "", "", Failure),
            (FormRedirect, 503, "", "", Unclear),
            (Json401, 200, "", "", Success),
            (Json401, 401, "", "", Failure),
            (Json401, 422, "", "", Failure),
            (Json401, 500, "", "", Unclear),
            (Wordpress, 200, "", "wordpress_test_cookie=1", Failure),
            (Wordpress, 302, "/wp-admin/", "wordpress_logged_in_7f=a", Success),
            (Wordpress, 302, "/wp-login.php?checkemail=confirm", "", Failure),
            (Basic, 401, "", "", Failure),
            (Basic, 200, "", "", Success),
            (Basic, 304, "", "", Success),
            (Basic, 404, "", "", Success),
            (Basic, 403, "", "", Failure),
            (Basic, 502, "", "", Unclear),
            (Spring, 302, "/login?error", "JSESSIONID=1", Failure),
            (Spring, 302, "/oops?error=1", "", Failure),
            (Spring, 302, "/", "JSESSIONID=1", Success),
            (Django, 200, "", "csrftoken=1", Failure),
            (Django, 302, "/", "sessionid=1", Success),
            (Django, 302, "/", "", Failure),
            (Django, 403, "", "", Failure),
        ] {
            assert_eq!(judge(preset, status, location, cookie), judged, "{preset:?} {status} {location} {cookie}");
        }
    }

    #[test]
    fn the_body_is_asked_for_only_where_it_decides() {
        let pattern = super::super::settings::Pattern::parse("wrong password").ok();
        let failure = Criteria { status: [401].into(), body: pattern, ..Criteria::default() };
        let judge =
            |status, success: &Criteria, body| told("/login", (&failure, success), status, &HeaderMap::new(), body);
        let none = Criteria::default();
        assert_eq!(judge(StatusCode::UNAUTHORIZED, &none, None), Judged::Failure);
        assert_eq!(judge(StatusCode::OK, &none, None), Judged::NeedsBody);
        assert_eq!(judge(StatusCode::OK, &none, Some(b"the wrong password!")), Judged::Failure);
        assert_eq!(judge(StatusCode::OK, &none, Some(b"welcome")), Judged::Success);
        assert_eq!(judge(StatusCode::BAD_GATEWAY, &none, Some(b"")), Judged::Unclear);
        let success = Criteria { status: [200].into(), cookie_absent: Some("err".into()), ..Criteria::default() };
        assert_eq!(judge(StatusCode::OK, &success, Some(b"")), Judged::Success);
        assert_eq!(judge(StatusCode::CREATED, &success, Some(b"")), Judged::Failure);
    }
}
