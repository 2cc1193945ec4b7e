//! Access: who may do what with personal data, for what, and what of it is seen. Pure: an answer is a function of the question and the
//! configuration.
//!
//! [`ask`] is a question and [`decision`] its answer. [`policy`] reads what the company has decided, in Cedar, with the words of
//! `vocabulary`; `slice` is what of it concerns people of certain roles, `answers` are those that were given, and `room` is what Cedar needs on the stack. [`purpose`] is the closed list of what one may work for, [`page`]
//! where it is chosen, [`chosen`] how a browser keeps that, and [`header`](mod@header) how a machine says it. [`download`] is why somebody takes a file along,
//! [`download_page`] where that is asked, and [`kept`] how browsers keep anything. [`consent`] is who has agreed to what,
//! [`consent_form`] how an application's form tells, [`consent_list`] how a list does, and [`subject`] what people are called there. `docs/ACCESS.md` is for whoever writes policies.

mod answers;
pub mod ask;
pub mod canary;
pub mod chosen;
pub mod consent;
pub mod consent_form;
pub mod consent_list;
pub mod decision;
pub mod download;
pub mod download_page;
pub mod header;
pub mod kept;
mod missing;
pub mod page;
pub mod policy;
pub mod purpose;
mod room;
pub mod settings;
mod slice;
pub mod subject;
mod vocabulary;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;

use self::{answers::Answers, slice::Slice};
pub use self::{
    ask::{Action, Ask},
    decision::{Decision, Permit, Rule, Why},
    purpose::{Purpose, Purposes},
    settings::Settings,
};

/// Most sets of roles whose slices are kept; those of further ones are made each time.
const SLICES: usize = 1024;

/// The policies and purposes of one configuration, for all workers.
pub struct Access {
    settings: Arc<Settings>,
    /// By names of roles, sorted, with a line end behind each.
    slices: ArcSwap<HashMap<Box<str>, Arc<Slice>>>,
    making: Mutex<()>,
    answers: Answers,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Access({} policies)", self.settings.policies.len())
    }
}

impl Access {
    /// Decides by `settings`.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        let answers = Answers::new(|word| settings.policies.speak_of(word), settings.policies.duties());
        Self { settings, slices: ArcSwap::default(), making: Mutex::default(), answers }
    }

    /// What it decides by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Decides.
    #[must_use]
    pub fn authorize(&self, ask: &Ask<'_>) -> Decision {
        self.answers.to(ask, |ask| self.decide(ask))
    }

    fn decide(&self, ask: &Ask<'_>) -> Decision {
        let slice = self.slice(ask.roles);
        let purpose = ask.purpose.and_then(|key| self.settings.purposes.find(key)).filter(|one| one.is_of(ask.roles));
        let Some(purpose) = purpose else {
            return missing::decision(&self.settings, &slice, ask, None, Why::Nothing);
        };
        let why = match slice.permit(ask, &purpose.key, &self.settings.types) {
            // A policy behind the glass can do without the ticket that the purpose asks for.
            Ok(permit) if ask.ticket || !purpose.ticket || permit.review => return Decision::Permit(permit),
            Ok(_) => Why::Nothing,
            Err(why) => why,
        };
        missing::decision(&self.settings, &slice, ask, Some(purpose), why)
    }

    /// Whether it would be permitted if the glass were broken.
    #[must_use]
    pub fn has_glass(&self, ask: &Ask<'_>) -> bool {
        matches!(self.authorize(&Ask { glass: true, ..*ask }), Decision::Permit(_))
    }

    /// What people of `roles` may say that they work for.
    pub fn purposes<'p>(&'p self, roles: &'p [&'p str]) -> impl Iterator<Item = &'p Purpose> {
        self.settings.purposes.of(roles)
    }

    fn slice(&self, roles: &[&str]) -> Arc<Slice> {
        let mut sorted: Vec<&str> = roles.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut key = String::with_capacity(64);
        for role in &sorted {
            key.extend([role, "\n"]);
        }
        if let Some(slice) = self.slices.load().get(&*key) {
            return Arc::clone(slice);
        }
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.slices.load_full();
        if let Some(slice) = known.get(&*key) {
            return Arc::clone(slice);
        }
        let slice = Arc::new(Slice::new(&self.settings.policies, &self.settings.types, &sorted));
        if known.len() < SLICES {
            let mut more = HashMap::clone(&known);
            more.insert(key.into(), Arc::clone(&slice));
            self.slices.store(Arc::new(more));
        }
        slice
    }
}

#[cfg(test)]
mod tests;
