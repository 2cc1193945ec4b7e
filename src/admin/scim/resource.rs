//! A person as SCIM has them (RFC 7643, section 4.1): `userName`, `externalId` and `active`. All else that a provider knows of people is read
//! over and kept nowhere.

use serde_json::{Map, Value, json};

use super::error::Error;
use crate::registry::{Entry, PersonId};

/// The schema of a user.
pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// Somebody whom a directory has an entry for.
#[derive(Clone, PartialEq)]
pub(super) struct User {
    pub(super) person: PersonId,
    pub(super) entry: Entry,
    /// Whether they have not left.
    pub(super) active: bool,
}

impl User {
    /// As an object whose `id` this is.
    pub(super) fn object(&self, id: &str, base: &str) -> Value {
        let mut object = json!({
            "schemas": [SCHEMA], "id": id, "userName": self.entry.user_name, "active": self.active,
            "meta": { "resourceType": "User", "location": format!("{base}/Users/{id}") },
        });
        if let Some(external) = &self.entry.external_id {
            object["externalId"] = external.as_str().into();
        }
        object
    }
}

/// What a request says of somebody; `None` is not said, or unsaid.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Said {
    pub(super) user_name: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) active: Option<bool>,
}

/// What of somebody is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    UserName,
    ExternalId,
    Active,
}

impl Field {
    /// The field of this name, in whatever case, with the schema before it or without; `None` for whatever is not kept.
    pub(super) fn named(name: &str) -> Option<Self> {
        let head = name.get(..SCHEMA.len()).filter(|head| head.eq_ignore_ascii_case(SCHEMA));
        let name = head.and_then(|_| name[SCHEMA.len()..].strip_prefix(':')).unwrap_or(name);
        let fields = [("userName", Self::UserName), ("externalId", Self::ExternalId), ("active", Self::Active)];
        fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| field)
    }
}

impl Said {
    /// All that is so already.
    pub(super) fn of(user: &User) -> Self {
        let entry = user.entry.clone();
        Self { user_name: Some(entry.user_name), external_id: entry.external_id, active: Some(user.active) }
    }

    /// What an object says.
    pub(super) fn read(object: &Map<String, Value>) -> Result<Self, Error> {
        let mut said = Self::default();
        let mut seen = Vec::new();
        for (name, value) in object {
            let Some(field) = Field::named(name) else { continue };
            // Names that differ by their case are one: of two values nobody knows which is meant.
            if seen.contains(&field) {
                return Err(Error::Syntax("an attribute is there twice"));
            }
            seen.push(field);
            said.set(field, value)?;
        }
        Ok(said)
    }

    /// Takes a value over.
    pub(super) fn set(&mut self, field: Field, value: &Value) -> Result<(), Error> {
        match field {
            Field::UserName => self.user_name = text(value, "`userName` is a text")?,
            Field::ExternalId => self.external_id = text(value, "`externalId` is a text")?,
            Field::Active if value.is_null() => {}
            Field::Active => self.active = Some(truth(value).ok_or(Error::Value("`active` is true or false"))?),
        }
        Ok(())
    }
}

fn text(value: &Value, what: &'static str) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Error::Value(what)),
    }
}

/// As RFC 7643 has it, and as Entra has sent it: a text, or either in a list of its own. Whoever is to leave must not stay for a matter of form.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Array(all) if all.len() == 1 => truth(&all[0]),
        Value::Object(object) => object.get("value").filter(|value| !value.is_object()).and_then(truth),
        _ => None,
    }
}
