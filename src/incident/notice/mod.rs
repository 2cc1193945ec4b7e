//! What people are told when their data has left: written by officers, approved by two, sent to each once, and posted where nobody can be reached.
//!
//! [`template`] and [`wording`] make [`draft`]s of what officers write and what is known. [`command`] is what can be asked for, [`mod@decide`] whether
//! it may happen, [`event`] what has happened, [`state`] what follows from it, with [`delivery`] person by person and [`posting`] look by look; all
//! of that is pure. [`Notices`] are what writes. A [`sender`] goes through a [`list`], makes a [`message`] for each and lets a [`carrier`] bring it; what comes
//! back afterwards is a [`dsn`].
//! [`page`] is what everybody sees, and what an authority is told can be a [PDF](crate::format::pdf). `docs/NOTICES.md` has the rules.

pub mod carrier;
pub mod command;
pub mod decide;
pub mod delivery;
pub mod denied;
pub mod draft;
pub mod dsn;
pub mod event;
pub mod list;
pub mod message;
pub mod notices;
pub mod page;
pub mod posting;
pub mod sender;
pub mod settings;
pub mod state;
pub mod template;
#[cfg(test)]
mod tests;
pub mod view;
pub mod wording;

pub use self::{
    command::Command,
    denied::Denied,
    event::Event,
    notices::{Notices, Refused},
    settings::Settings,
    state::State,
};
