//! What a request meets of the measures that hold: one look at a flag while there are none.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;

use super::{measure::Measure, state::State};
use crate::registry::{PersonId, person::OFFICER};

/// What becomes of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closure {
    /// It answers nobody.
    Closed,
    /// It answers privacy officers alone.
    Quarantined,
}

/// The measures that hold, as requests look at them.
#[derive(Debug, Default)]
pub struct Overlay {
    /// Whether any route or role is concerned. It may be behind by a request.
    any: AtomicBool,
    bites: ArcSwap<Bites>,
}

/// Where the measures bite.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Bites {
    routes: HashMap<String, Closure>,
    roles: HashSet<String>,
    /// Who gets no further.
    pub suspended: HashSet<PersonId>,
    /// By which part limits of logins are lowered.
    pub logins: HashMap<String, u32>,
}

impl Bites {
    fn of(state: &State) -> Self {
        let mut bites = Self::default();
        for taken in state.in_force() {
            match taken.what.clone() {
                Measure::Suspend { person } => drop(bites.suspended.insert(person)),
                // Closed is the more.
                Measure::Close { route } => drop(bites.routes.insert(route, Closure::Closed)),
                Measure::Quarantine { route } => drop(bites.routes.entry(route).or_insert(Closure::Quarantined)),
                Measure::Mask { role } => drop(bites.roles.insert(role)),
                Measure::Limit { login, divisor } => drop(bites.logins.insert(login, divisor)),
                // Bans are kept where bans are; the others happen once.
                Measure::Ban { .. } | Measure::SignInAgain | Measure::RotateKey => {}
            }
        }
        bites
    }
}

impl Overlay {
    /// Takes what holds now.
    pub fn take(&self, state: &State) {
        let bites = Bites::of(state);
        self.any.store(!bites.routes.is_empty() || !bites.roles.is_empty(), Relaxed);
        self.bites.store(Arc::new(bites));
    }

    /// All of it.
    #[must_use]
    pub fn bites(&self) -> Arc<Bites> {
        self.bites.load_full()
    }

    /// What becomes of a route.
    #[must_use]
    pub fn closure(&self, route: &str) -> Option<Closure> {
        if !self.any.load(Relaxed) {
            return None;
        }
        self.bites.load().routes.get(route).copied()
    }

    /// Whether people of one of these roles see everything masked.
    #[must_use]
    pub fn masks(&self, roles: &[String]) -> bool {
        self.any.load(Relaxed) && {
            let bites = self.bites.load();
            roles.iter().any(|role| bites.roles.contains(role))
        }
    }
}

/// Whether somebody with these roles may see a route in quarantine.
#[must_use]
pub fn passes_quarantine(roles: &[String]) -> bool {
    roles.iter().any(|role| role == OFFICER)
}
