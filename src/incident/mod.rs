//! When it happens anyway: what only somebody in between sees becomes a signal, a signal a case, and a case has clocks, notices and an end.
//!
//! As the registry's, the state is a fold over events, and every event is a record of the journal. [`command`] is what can be asked for,
//! [`mod@decide`] whether it may happen, [`event`] what has happened, [`state`] what follows from it, [`law`] what laws ask for and [`clock`] how long
//! there is; all of that is pure. [`Cases`] are what writes, by a [`ledger`]; [`remedy`] is what is done at once. `docs/INCIDENTS.md` has the rules.

pub mod affected;
pub mod case;
pub mod cases;
pub mod clock;
pub mod command;
pub mod decide;
pub mod denied;
pub mod event;
pub mod law;
pub mod ledger;
pub mod order;
pub mod remedy;
pub mod roll;
pub mod settings;
pub mod state;
#[cfg(test)]
mod tests;
pub mod view;

pub use self::{
    case::{Case, Status},
    cases::Cases,
    command::{Actor, Command},
    denied::Denied,
    event::Event,
    order::Refused,
    settings::Settings,
    state::State,
};
