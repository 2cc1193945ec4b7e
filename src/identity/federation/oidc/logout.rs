//! The end of sessions: the provider's word for it (`OpenID` Connect Back-Channel Logout 1.0), and where people are sent to end theirs
//! at the provider (RP-Initiated Logout 1.0).

use std::time::{Duration, SystemTime};

use super::{
    super::{
        claims::Claims,
        fetch::encoded,
        jwt::{Kind, Refused},
    },
    Oidc,
};

/// How long the id of a logout token is remembered: longer than the token is fresh.
const REMEMBERED: Duration = Duration::from_secs(900);

/// Which sessions the provider has ended.
#[derive(PartialEq, Eq)]
pub struct Ended {
    subject: Option<String>,
    session: Option<String>,
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ended")
    }
}

impl Ended {
    /// Whether it is the session that [`session`] has made `kept` of.
    #[must_use]
    pub fn is(&self, kept: &str) -> bool {
        let (session, subject) = kept.split_once('\n').unwrap_or(("", kept));
        self.subject.as_deref().is_none_or(|ended| ended == subject)
            && self.session.as_deref().is_none_or(|ended| ended == session)
    }
}

/// What is kept with a session, to know it by later: the provider's names for it and for the person. `None` where the person has no
/// name.
#[must_use]
pub fn session(claims: &Claims) -> Option<String> {
    let session = claims.text("sid").filter(|sid| !sid.contains('\n')).unwrap_or_default();
    Some(format!("{session}\n{}", claims.text("sub")?))
}

impl Oidc {
    /// Which sessions `token` ends. It is good once.
    ///
    /// # Errors
    /// When it is no good logout token, or came before.
    pub async fn ended(&self, token: &str, now: SystemTime) -> Result<Ended, Refused> {
        let audience = std::slice::from_ref(&self.settings.client_id);
        let claims = self.provider.verify(token, audience, Kind::Logout, now).await?;
        let own = |name: &str| claims.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
        if !self.logouts.spend(claims.text("jti").unwrap_or_default(), REMEMBERED, now) {
            return Err(Refused::Replayed);
        }
        Ok(Ended { subject: own("sub"), session: own("sid") })
    }

    /// Where people end their session at the provider; `None` where it has no such place. The provider asks them whether they mean it,
    /// since nothing that names them is sent along.
    #[must_use]
    pub fn end_session(&self) -> Option<String> {
        let place = self.provider.metadata()?.end_session.clone()?;
        Some(place.with_query(&format!("client_id={}", encoded(&self.settings.client_id))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kept(claims: Value) -> Option<String> {
        let Value::Object(claims) = claims else { unreachable!() };
        session(&Claims::new(claims))
    }

    #[test]
    fn a_session_ends_by_its_name_or_its_persons() {
        let ended = |subject: Option<&str>, session: Option<&str>| Ended {
            subject: subject.map(str::to_owned),
            session: session.map(str::to_owned),
        };
        let one = kept(json!({ "sub": "a", "sid": "1" })).unwrap();
        assert!(ended(Some("a"), None).is(&one));
        assert!(ended(None, Some("1")).is(&one));
        assert!(ended(Some("a"), Some("1")).is(&one));
        assert!(!ended(Some("a"), Some("2")).is(&one));
        assert!(!ended(Some("b"), Some("1")).is(&one));
        assert!(!ended(Some("b"), None).is(&one));
        let nameless = kept(json!({ "sub": "a\n1" })).unwrap();
        assert!(ended(Some("a\n1"), None).is(&nameless));
        assert!(!ended(None, Some("a")).is(&nameless));
        assert_eq!(kept(json!({ "sid": "1" })), None);
        assert_eq!(kept(json!({ "sub": "a", "sid": "1\na" })).as_deref(), Some("\na"));
    }
}
