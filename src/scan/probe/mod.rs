//! Asks a site what only asking tells: TLS, certificates, methods, files that should not be there, whether a login limits guesses.
//!
//! Polite: every request and every connection is one of a [`Budget`], with a rate, a number and a time after which it stops by itself. Nothing is changed: the only bodies
//! that are sent are attempts to sign in with an account that does not exist.

pub mod around;
pub mod budget;
pub mod certificate;
pub mod client;
pub mod files;
pub mod hello;
pub mod link;
pub mod login;
pub mod site;
pub mod suites;
pub mod target;
pub mod tls;

use std::{cell::RefCell, sync::Arc};

use rustls::RootCertStore;

use self::{
    budget::{Budget, Spent},
    target::Target,
};
use super::{
    exchange::Eye,
    finding::{Finding, Findings, Seen},
    library::Libraries,
    rule::Rule,
};

/// One scan of one site.
pub struct Probe<'a> {
    /// What is asked.
    pub target: &'a Target,
    /// How much may be asked.
    pub budget: &'a Budget,
    /// What scrubs what is told.
    pub eye: &'a dyn Eye,
    /// Libraries with known holes.
    pub libraries: &'a Libraries,
    /// Authorities that are believed.
    pub roots: Arc<RootCertStore>,
    /// What was found.
    pub findings: &'a RefCell<Findings>,
    /// What could not be looked at, and why.
    pub notes: &'a RefCell<Vec<String>>,
}

impl Probe<'_> {
    /// A rule has found something at `place`.
    pub fn found(&self, rule: &'static Rule, place: &str, seen: &Seen) {
        self.findings.borrow_mut().add(Finding::new(rule, place, seen, self.eye));
    }

    /// The same of the site as a whole.
    pub fn found_here(&self, rule: &'static Rule, seen: &Seen) {
        self.found(rule, &self.target.place("/"), seen);
    }

    /// Something could not be looked at.
    pub fn note(&self, text: impl Into<String>) {
        let text = super::finding::shown(&text.into(), self.eye);
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// Everything, in an order in which what might get the scan banned comes last.
    pub async fn run(&self, wishes: &Wishes) -> tls::Facts {
        let (facts, outcome) = self.steps(wishes).await;
        if let Err(spent) = outcome {
            self.note(format!("not everything was looked at: {spent}"));
        }
        facts
    }

    async fn steps(&self, wishes: &Wishes) -> (tls::Facts, Result<(), Spent>) {
        let mut facts = tls::Facts::default();
        let outcome = async {
            tls::look(self, &mut facts).await?;
            site::cleartext(self, wishes.cleartext.as_ref()).await?;
            let pages = site::pages(self, wishes.pages).await?;
            site::methods(self).await?;
            site::origins(self, &pages).await?;
            site::reflections(self, &pages).await?;
            if wishes.logins {
                login::look(self, &pages, &wishes.known_logins).await?;
            }
            if wishes.files {
                files::look(self).await?;
            }
            Ok(())
        };
        let outcome = outcome.await;
        (facts, outcome)
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Most pages that are fetched.
    pub pages: usize,
    /// Whether attempts to sign in are made.
    pub logins: bool,
    /// Logins that are known beforehand.
    pub known_logins: Vec<login::Form>,
    /// Whether files are asked for that should not be there.
    pub files: bool,
    /// Where the site is in cleartext, which should lead to TLS.
    pub cleartext: Option<Target>,
}
