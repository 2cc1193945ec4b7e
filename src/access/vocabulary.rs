//! What policies can name: entities of Cedar for roles, routes, purposes, duties, types of personal data and groups of these.

use std::{collections::BTreeMap, str::FromStr, sync::LazyLock};

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};

use crate::privacy::Kind;

/// The word for «no duty».
pub(super) const NONE: &str = "none";

/// The schema that policies are validated against.
pub(super) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let text = include_str!("policies/schema.cedarschema");
    Schema::from_cedarschema_str(text).map_or_else(|_| unreachable!("a test parses it"), |(schema, _)| schema)
});

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Action,
    Role,
    Staff,
    Route,
    Type,
    Purpose,
    Duty,
}

impl Sort {
    const ALL: [Self; 7] = [Self::Action, Self::Role, Self::Staff, Self::Route, Self::Type, Self::Purpose, Self::Duty];

    /// As policies have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Action => "Action",
            Self::Role => "Role",
            Self::Staff => "Staff",
            Self::Route => "Route",
            Self::Type => "Type",
            Self::Purpose => "Purpose",
            Self::Duty => "Duty",
        }
    }

    /// Its entity of this name.
    pub(super) fn uid(self, name: &str) -> EntityUid {
        static NAMES: LazyLock<[EntityTypeName; 7]> = LazyLock::new(|| {
            Sort::ALL.map(|sort| EntityTypeName::from_str(sort.name()).unwrap_or_else(|_| unreachable!("a word")))
        });
        EntityUid::from_type_name_and_id(NAMES[self as usize].clone(), EntityId::new(name))
    }

    /// What an entity is; none for what the schema does not have.
    pub(super) fn of(uid: &EntityUid) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| uid.type_name().basename() == sort.name())
    }
}

/// Types of personal data, in groups. A type may be in several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Types {
    groups: BTreeMap<String, Vec<Kind>>,
    all: Vec<Kind>,
}

impl Types {
    /// The built-in types in their groups, with the operator's own: these are in group `own`, and where `added` has them.
    #[must_use]
    pub fn new(own: impl IntoIterator<Item = Kind>, added: &[(String, Vec<Kind>)]) -> Self {
        let mut groups: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
        let mut all = Kind::ALL.to_vec();
        for kind in Kind::ALL {
            for group in groups_of(kind) {
                groups.entry((*group).to_owned()).or_default().push(kind.clone());
            }
        }
        let own: Vec<Kind> = own.into_iter().collect();
        all.extend(own.iter().cloned());
        groups.insert("own".to_owned(), own);
        for (name, kinds) in added {
            let group = groups.entry(name.clone()).or_default();
            group.extend(kinds.iter().cloned());
            group.sort_unstable();
            group.dedup();
        }
        Self { groups, all }
    }

    /// All types.
    #[must_use]
    pub fn all(&self) -> &[Kind] {
        &self.all
    }

    /// The type of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Kind> {
        self.all.iter().find(|kind| kind.name() == name)
    }

    /// The groups that a type is in.
    pub fn groups_of(&self, kind: &Kind) -> impl Iterator<Item = &str> {
        self.groups.iter().filter(|(_, kinds)| kinds.contains(kind)).map(|(name, _)| name.as_str())
    }

    /// Whether a type or a group is called so.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.groups.contains_key(name) || self.named(name).is_some()
    }

    /// The names of groups, then those of types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str).chain(self.all.iter().map(Kind::name))
    }
}

impl Default for Types {
    fn default() -> Self {
        Self::new([], &[])
    }
}

/// The groups of a built-in type. `order` is what delivering something takes.
fn groups_of(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Person | Kind::Location | Kind::PostalCode => &["contact", "order"],
        Kind::Email | Kind::Phone => &["contact"],
        Kind::CreditCard | Kind::Iban | Kind::KrBankAccount | Kind::Crypto => &["financial"],
        Kind::KrHealthInsurance | Kind::UkNhs => &["health", "identity"],
        Kind::KrBrn | Kind::KrCorpReg => &["business"],
        Kind::DateOfBirth | Kind::KrVehicle => &["personal"],
        Kind::IpAddress | Kind::MacAddress => &["network"],
        Kind::UrlCredentials
        | Kind::Jwt
        | Kind::BearerToken
        | Kind::BasicCredentials
        | Kind::SessionCookie
        | Kind::PrivateKey
        | Kind::ApiKey
        | Kind::Password => &["credential"],
        // Numbers of states for people, whichever come.
        _ => &["identity"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_in_a_group_and_names_are_told_apart() {
        let own = Kind::Own("ORDER_NO".into());
        let types = Types::new([own.clone()], &[("order".to_owned(), vec![own.clone()])]);
        assert!(types.all().iter().all(|kind| types.groups_of(kind).next().is_some()));
        assert_eq!(types.groups_of(&own).collect::<Vec<_>>(), ["order", "own"]);
        assert_eq!(types.groups_of(&Kind::KrRrn).collect::<Vec<_>>(), ["identity"]);
        assert!(types.knows("contact") && types.knows("ORDER_NO") && !types.knows("EMAIL"));
        for sort in Sort::ALL {
            assert_eq!(Sort::of(&sort.uid("x \"y\"")), Some(sort));
        }
        assert!(SCHEMA.actions().count() == 6);
    }
}
