//! The claims of a token that was verified, and the roles that they give.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::settings::Roles;
use crate::privacy::surname::FullName;

/// Most groups that are looked at.
const MOST_GROUPS: usize = 1024;
/// Longest name of a person or a role, in bytes; `OpenID` Connect allows 255 characters in `sub`.
const LONGEST_NAME: usize = 255;

/// What an issuer says. Its `Debug` shows nothing, for all of it is about a person.
#[derive(Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claims")
    }
}

impl Claims {
    /// Of a JSON object.
    #[must_use]
    pub fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// A claim, whatever it is.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A claim that is a time; `Some(None)` where it is there and is none. `NumericDate` may have a fraction (RFC 7519,
    /// section 2).
    #[must_use]
    pub fn time(&self, name: &str) -> Option<Option<SystemTime>> {
        let seconds = self.0.get(name)?.as_f64().filter(|seconds| (0.0..1e11).contains(seconds));
        Some(seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs_f64(seconds))))
    }

    /// The texts of a claim that is one or a list of them. Nothing where anything else is among them.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().map(Value::as_str).collect::<Option<_>>().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Who it is about: the claim `name`, which must be a text that can be a name. An e-mail address that the issuer does not
    /// call verified is nobody's: with some providers whoever runs a tenant may write any into it.
    #[must_use]
    pub fn subject(&self, name: &str) -> Option<&str> {
        let verified = || self.0.get("email_verified").is_some_and(|v| *v == Value::Bool(true) || *v == "true");
        self.text(name).filter(|text| is_name(text) && (name != "email" || verified()))
    }

    /// What they are called: `family_name` beside `given_name`, or `name` (`OpenID` Connect Core, section 5.1).
    #[must_use]
    pub fn name(&self) -> Option<FullName> {
        match self.text("family_name") {
            Some(family) => FullName::of_parts(family, self.text("given_name").unwrap_or_default()),
            None => FullName::new(self.text("name")?),
        }
    }

    /// The roles that `rules` make of these claims, each once.
    #[must_use]
    pub fn roles(&self, rules: &Roles) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for group in self.groups(&rules.claim) {
            let mapped = rules.map.iter().filter(|(from, _)| from == group).map(|(_, role)| role.as_str());
            let before = found.len();
            for role in mapped {
                if !found.iter().any(|known| known == role) {
                    found.push(role.to_owned());
                }
            }
            let known = found.len() > before || rules.map.iter().any(|(from, _)| from == group);
            if rules.pass && !known && is_name(group) && !found.iter().any(|role| role == group) {
                found.push(group.to_owned());
            }
        }
        found
    }

    /// These, and those of `more` that are not among them.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        for (name, value) in more.0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    /// Whether the claim that roles are taken from is there.
    #[must_use]
    pub fn has_groups(&self, claim: &str) -> bool {
        self.find(claim).is_some()
    }

    fn find(&self, claim: &str) -> Option<&Value> {
        let Some(pointer) = claim.strip_prefix('/') else { return self.0.get(claim) };
        let mut steps = pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
        let first = self.0.get(&steps.next()?)?;
        steps.try_fold(first, |value, step| match value {
            Value::Object(inner) => inner.get(&step),
            Value::Array(inner) => inner.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    fn groups(&self, claim: &str) -> Vec<&str> {
        match self.find(claim) {
            // RFC 6749, section 3.3: scopes are one text, cut at blanks.
            Some(Value::String(scopes)) if matches!(claim, "scope" | "scp") => {
                scopes.split(' ').filter(|scope| !scope.is_empty()).take(MOST_GROUPS).collect()
            }
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).take(MOST_GROUPS).collect(),
            _ => Vec::new(),
        }
    }
}

/// Whether a text can be the name of a person or a role.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        match value {
            Value::Object(map) => Claims::new(map),
            _ => panic!("an object"),
        }
    }

    fn rules(claim: &str, pass: bool) -> Roles {
        let map = [("kc-privacy", "privacy_officer"), ("kc-privacy", "reader"), ("kc-read", "reader")];
        Roles { claim: claim.into(), map: map.map(|(a, b)| (a.into(), b.into())).to_vec(), pass }
    }

    #[test]
    fn groups_become_roles() {
        let all = claims(json!({
            "groups": ["kc-privacy", "kc-read", "other", 7],
            "realm_access": { "roles": ["kc-read"] },
            "https://example.com/groups": "kc-read",
            "scope": "openid kc-read",
            "a/b": [["kc-read"]],
        }));
        assert_eq!(all.roles(&rules("groups", false)), ["privacy_officer", "reader"]);
        assert_eq!(all.roles(&rules("groups", true)), ["privacy_officer", "reader", "other"]);
        for claim in ["/realm_access/roles", "https://example.com/groups", "scope", "/a~1b/0"] {
            assert_eq!(all.roles(&rules(claim, false)), ["reader"], "{claim}");
        }
        for claim in ["", "none", "/realm_access", "/realm_access/roles/0/x", "/", "realm_access"] {
            assert!(all.roles(&rules(claim, true)).is_empty(), "{claim}");
        }
    }

    #[test]
    fn a_mapped_group_never_passes_under_its_own_name() {
        let all = claims(json!({ "groups": ["kc-read", "kc-read", "privacy\nofficer", ""] }));
        assert_eq!(all.roles(&rules("groups", true)), ["reader"]);
    }

    #[test]
    fn a_subject_is_a_plain_text_and_an_address_is_verified() {
        let subject = |value: Value, name: &str| claims(value).subject(name).map(str::to_owned);
        assert_eq!(subject(json!({ "sub": "a" }), "sub"), Some("a".into()));
        for bad in [
            json!({}),
            json!({ "sub": 1 }),
            json!({ "sub": "" }),
            json!({ "sub": "a\nb" }),
            json!({ "sub": "x".repeat(256) }),
        ] {
            assert_eq!(subject(bad, "sub"), None);
        }
        assert_eq!(subject(json!({ "email": "a@b.c", "email_verified": true }), "email"), Some("a@b.c".into()));
        assert_eq!(subject(json!({ "email": "a@b.c", "email_verified": false }), "email"), None);
        assert_eq!(subject(json!({ "email": "a@b.c" }), "email"), None);
    }

    #[test]
    fn times_that_are_none_are_told_from_absent_ones() {
        let all = claims(json!({ "a": 1.5, "b": "1", "c": -1, "d": 1e300 }));
        assert_eq!(all.time("a"), Some(Some(UNIX_EPOCH + Duration::from_millis(1500))));
        for name in ["b", "c", "d"] {
            assert_eq!(all.time(name), Some(None), "{name}");
        }
        assert_eq!(all.time("e"), None);
    }
}
