//! The people of one directory, as the registry has them, and what a directory's word means to it.

use std::sync::Arc;

use super::{
    error::Error,
    resource::{Said, User},
};
use crate::{
    access::subject::{Name, Subjects},
    admin::settings::{Attribute, Directory},
    common::clock,
    registry::{Actor, Command, Denied, Entry, PersonId, Provider, Registry, state::Dossier},
};

/// People, and who speaks of them.
pub(super) struct People<'a> {
    pub(super) registry: &'a Arc<Registry>,
    pub(super) subjects: &'a Subjects,
    pub(super) directory: &'a Directory,
}

impl People<'_> {
    /// What the resource of somebody is called: a pseudonym, for it stands in URIs.
    pub(super) fn id(&self, person: &PersonId) -> String {
        let name = format!("scim\0{}\0{}", person.issuer, person.subject);
        // Never empty, so there always is one.
        self.subjects.name(&Name::Id, name.as_bytes()).map(|subject| subject.text()).unwrap_or_default()
    }

    /// Everybody whom the directory has an entry for, in the order of their names at the issuer.
    pub(super) fn all(&self) -> Vec<User> {
        let state = self.registry.state();
        let own = state.people().filter(|(person, _)| person.issuer == self.directory.issuer);
        own.filter_map(|(person, known)| user(person, known)).collect()
    }

    /// Whose resource is called `id`.
    pub(super) fn find(&self, id: &str) -> Result<User, Error> {
        self.all().into_iter().find(|user| self.id(&user.person) == id).ok_or(Error::NotFound)
    }

    /// Somebody new to the directory.
    pub(super) async fn create(&self, said: Said) -> Result<User, Error> {
        let user = self.settle(said, None)?;
        if self.registry.state().person(&user.person).is_some_and(|known| known.entry.is_some()) {
            return Err(Error::Exists);
        }
        self.order(user.clone().into()).await?;
        Ok(user)
    }

    /// Somebody as they are said to be now.
    pub(super) async fn replace(&self, before: &User, said: Said) -> Result<User, Error> {
        let user = self.settle(said, Some(before))?;
        self.order(user.clone().into()).await?;
        Ok(user)
    }

    /// Somebody is not in the directory any more, and not here either.
    pub(super) async fn forget(&self, before: &User) -> Result<(), Error> {
        self.order(Command::Provision { person: before.person.clone(), entry: None, active: false }).await
    }

    /// Who is meant. Whatever names them at the issuer stays what it was.
    fn settle(&self, said: Said, before: Option<&User>) -> Result<User, Error> {
        let user_name = said.user_name.ok_or(Error::Value("`userName` is needed"))?;
        let mut external_id = said.external_id;
        let subject = match self.directory.subject {
            Attribute::UserName => user_name.clone(),
            Attribute::ExternalId => {
                external_id = external_id.or(before.map(|before| before.person.subject.clone()));
                let needed = "`externalId` is needed: it is what the provider's tokens call people";
                external_id.clone().ok_or(Error::Value(needed))?
            }
        };
        let person = match before {
            None => PersonId::new(&self.directory.issuer, &subject),
            Some(User { person, .. }) => {
                let same = match self.directory.subject {
                    Attribute::ExternalId => person.subject == subject,
                    Attribute::UserName => person.subject.to_lowercase() == subject.to_lowercase(),
                };
                if !same {
                    let why =
                        "what the provider's tokens call people stays what it was: delete this one, and make another";
                    return Err(Error::Mutability(why));
                }
                person.clone()
            }
        };
        let active = said.active.unwrap_or(before.is_none_or(|before| before.active));
        Ok(User { person, entry: Entry { user_name, external_id }, active })
    }

    async fn order(&self, command: Command) -> Result<(), Error> {
        let Directory { name, issuer, .. } = self.directory;
        let actor = Actor::Provider(Provider { name: name.clone(), issuer: issuer.clone() });
        match self.registry.submit(command, &actor, clock::now()).await {
            Ok(_) => Ok(()),
            Err(denied) => {
                if denied.is_trouble() {
                    tracing::error!(provider = name, %denied, "what a directory says could not be written down");
                } else if matches!(denied, Denied::LastOfficer | Denied::LetGo) {
                    tracing::warn!(provider = name, %denied, "a directory and the registry differ");
                }
                Err(denied.into())
            }
        }
    }
}

impl From<User> for Command {
    fn from(user: User) -> Self {
        Self::Provision { person: user.person, entry: Some(user.entry), active: user.active }
    }
}

fn user(person: &PersonId, known: &Dossier) -> Option<User> {
    let entry = known.entry.clone()?;
    Some(User { person: person.clone(), entry, active: known.left.is_none() })
}
