//! What an officer orders of a case in their own name, proved as any order of the registry is.

use std::{sync::Arc, time::SystemTime};

use super::{
    cases::Cases,
    command::{Actor, Command},
    denied::Denied,
    event::Event,
};
use crate::identity::{
    Realm,
    order::{self, Order},
};

/// Why an order is not carried out. Nobody's name is in the texts.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Who orders it can't prove who they are.
    #[error(transparent)]
    Unproved(#[from] order::Refused),
    /// It may not happen.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl Refused {
    /// How to mend it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unproved(refused) => refused.hint(),
            Self::Denied(denied) => denied.hint(),
        }
    }

    /// The exit code of a command that was refused so.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Unproved(refused) => refused.exit(),
            Self::Denied(denied) if denied.is_trouble() => 3,
            Self::Denied(_) => 1,
        }
    }
}

impl Cases {
    /// What `order` would bring about, without a word of it anywhere.
    ///
    /// # Errors
    /// When who orders it can't prove who they are, or may not.
    pub async fn try_out(
        &self,
        realm: &Arc<Realm>,
        order: Order<Command>,
        now: SystemTime,
    ) -> Result<Vec<Event>, Refused> {
        let (person, command) = order.prove(realm, now).await?;
        Ok(self.rehearse(command, &Actor::Person(person), now)?)
    }

    /// Carries out `order`; what has happened.
    ///
    /// # Errors
    /// When who orders it can't prove who they are, or may not.
    pub async fn carry_out(
        self: &Arc<Self>,
        realm: &Arc<Realm>,
        order: Order<Command>,
        now: SystemTime,
    ) -> Result<Vec<Event>, Refused> {
        let (person, command) = order.prove(realm, now).await?;
        Ok(self.submit(command, &Actor::Person(person), now).await?)
    }
}
