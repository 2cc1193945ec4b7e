//! One `[[login]]` made ready.

use http::{HeaderMap, Method, StatusCode, header};

use super::{
    judge::{ANSWER_LIMIT, Answer, Invalid, Judge},
    key::Account,
    learn::Belief,
    ledger::{End, Terms},
    pace::Pace,
    settings::{self, Source},
    username::{self, Unreadable},
};

/// The login of an application, as the guard works with it.
#[derive(Debug)]
pub struct Rule {
    pub(super) settings: settings::Rule,
    pub(super) pace: Pace,
    judge: Judge,
}

impl Rule {
    /// The login that `settings` describe.
    ///
    /// # Errors
    /// When a pattern is none.
    pub fn new(settings: &settings::Rule) -> Result<Self, Invalid> {
        let limits = &settings.limits;
        let (pace, judge) = (Pace::new(&limits.address, &limits.route), Judge::new(settings)?);
        Ok(Self { settings: settings.clone(), pace, judge })
    }

    /// As configured.
    #[must_use]
    pub fn settings(&self) -> &settings::Rule {
        &self.settings
    }

    /// Whether a request is an attempt. `path` is the canonical one; final slashes and ASCII case make no difference, since they make
    /// none to many applications.
    #[must_use]
    pub fn concerns(&self, method: &Method, path: &str, query: Option<&str>, headers: &HeaderMap) -> bool {
        let settings = &self.settings;
        let own = settings.path.trim_end_matches('/');
        let Some(start) = path.get(..own.len()).filter(|start| start.eq_ignore_ascii_case(own)) else { return false };
        let rest = &path[start.len()..];
        let here =
            if settings.prefix { rest.is_empty() || rest.starts_with('/') } else { rest.bytes().all(|b| b == b'/') };
        if !here {
            return false;
        }
        match (&settings.method, &settings.username) {
            (_, Source::Basic) => is_basic(headers),
            (_, Source::Header(name)) if settings.prefix => headers.contains_key(name.as_str()),
            (Some(wanted), _) if method == wanted => true,
            (None, _) if !method.is_safe() => true,
            (_, source) => query.is_some_and(|query| username::is_in_query(source, query)),
        }
    }

    /// Most bytes of the body that must be read to know the account; `None` where it is not in the body.
    #[must_use]
    pub fn body_limit(&self) -> Option<usize> {
        let in_body = matches!(self.settings.username, Source::Form(_) | Source::Json(_) | Source::Known);
        in_body.then_some(self.settings.body_limit)
    }

    /// Whom an attempt is for.
    ///
    /// # Errors
    /// When that can't be read, or could be read in two ways.
    pub fn account(
        &self,
        method: &Method,
        headers: &HeaderMap,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Account, Unreadable> {
        match &self.settings.username {
            // An attempt in a query alone is read there.
            Source::Form(name) if method.is_safe() && body.is_empty() => {
                username::read(&Source::Query(name.clone()), headers, query, body)
            }
            source => username::read(source, headers, query, body),
        }
    }

    /// Most bytes of the answer that must be read to judge it; `None` where its head tells.
    #[must_use]
    pub fn answer_limit(&self) -> Option<usize> {
        self.judge.reads_bodies().then_some(ANSWER_LIMIT)
    }

    /// What the application made of an attempt.
    #[must_use]
    pub fn judge(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> End {
        self.judge.judge(&Answer { status, headers, body })
    }

    /// What `preset = "auto"` has learned.
    #[must_use]
    pub fn belief(&self) -> Option<Belief> {
        self.judge.belief()
    }

    /// Limits, with a share of one in `replicas` where each counts for itself.
    pub(super) fn terms(&self, replicas: u16) -> Terms {
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4);
        let mut limits = self.settings.limits;
        for limit in [&mut limits.account_address, &mut limits.account, &mut limits.address, &mut limits.route] {
            limit.failures = (limit.failures / replicas.max(1)).max(1);
        }
        Terms {
            limits,
            consecutive: (self.settings.consecutive / u32::from(replicas.max(1))).max(1),
            lock: millis(self.settings.lock),
            known: millis(self.settings.device_age),
        }
    }
}

fn is_basic(headers: &HeaderMap) -> bool {
    let basic = |value: &http::HeaderValue| {
        value.as_bytes().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
    };
    headers.get_all(header::AUTHORIZATION).iter().any(basic)
}

#[cfg(test)]
mod tests {
    use super::{super::settings::Preset, *};
    use crate::login::testing;

    #[test]
    fn attempts_are_known_by_path_and_method() {
        let rule = Rule::new(&testing::rule(Preset::FormRedirect)).expect("no patterns");
        let concerns = |method: &Method, path, query| rule.concerns(method, path, query, &HeaderMap::new());
        for path in ["/login", "/login/", "/LogIn", "/login//"] {
            assert!(concerns(&Method::POST, path, None), "{path}");
        }
        for path in ["/", "/loginx", "/login/x", "/a/login", "/log"] {
            assert!(!concerns(&Method::POST, path, None), "{path}");
        }
        assert!(concerns(&Method::PUT, "/login", None), "applications may take another method for POST");
        assert!(!concerns(&Method::GET, "/login", Some("next=/")));
        assert!(
            concerns(&Method::GET, "/login", Some("username=x&password=y")),
            "applications may take it from the query"
        );
    }

    #[test]
    fn basic_guards_all_below_and_only_with_credentials() {
        let rule = Rule::new(&testing::rule(Preset::Basic)).expect("no patterns");
        let headers: HeaderMap =
            [(header::AUTHORIZATION, http::HeaderValue::from_static("Basic eA=="))].into_iter().collect();
        assert!(rule.concerns(&Method::GET, "/login/x", None, &headers));
        assert!(!rule.concerns(&Method::GET, "/login/x", None, &HeaderMap::new()));
        assert!(!rule.concerns(&Method::GET, "/loginx", None, &headers));
    }

    #[test]
    fn a_replica_alone_has_its_share() {
        let rule = Rule::new(&testing::rule(Preset::FormRedirect)).expect("no patterns");
        let share = rule.terms(3);
        assert_eq!(
            (share.limits.account_address.failures, share.limits.account.failures, share.consecutive),
            (1, 6, 33)
        );
        assert_eq!(rule.terms(100).limits.account_address.failures, 1);
    }
}
