//! Certificates from an authority that speaks ACME (RFC 8555): ordered, renewed when the authority says so (RFC 9773), and replaced.
//!
//! [`Issuance`] runs a task for each order. A task and the store share nothing but a file: what is issued is written, and the store
//! takes changed files into use, as it does with all others. [`Challenges`] is what an authority finds when it looks for us.

mod account;
pub mod challenge;
mod client;
pub mod error;
pub mod folder;
mod order;
pub mod orders;
mod renewal;
mod schedule;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::task::{AbortHandle, JoinSet};

pub use self::{challenge::Challenges, error::Error, orders::Orders};
use self::{folder::Folder, renewal::Renewal};
use super::settings::{Acme, Settings};

/// How long an order rests that has ended by a fault of ours.
const REST: Duration = Duration::from_secs(600);

/// The orders of a running gateway. Dropping it ends their tasks; what is half ordered is ordered again another time.
#[derive(Debug)]
pub struct Issuance {
    orders: Arc<Orders>,
    running: Vec<(Acme, PathBuf, AbortHandle)>,
}

/// Makes the folder ready for orders, where there are any: before the store is opened.
///
/// # Errors
/// When it can't be made or written.
pub fn prepare(settings: &Settings) -> Result<(), folder::Error> {
    if settings.acme.is_empty() { Ok(()) } else { Folder(settings.acme_dir.clone()).prepare(&settings.acme) }
}

impl Issuance {
    /// Begins with nothing.
    #[must_use]
    pub fn new(orders: &Arc<Orders>) -> Self {
        Self { orders: Arc::clone(orders), running: Vec::new() }
    }

    /// From now on orders what `settings` say. What they say as before goes on undisturbed. Called on the runtime that is to do it.
    pub fn apply(&mut self, settings: &Settings) {
        self.running.retain(|(known, folder, task)| {
            let stays = settings.acme.contains(known) && *folder == settings.acme_dir;
            if !stays {
                task.abort();
                self.orders.forget(known.domains.first().map_or("", String::as_str));
            }
            stays
        });
        let domains = settings.acme.iter().flat_map(|order| order.domains.iter().cloned()).collect();
        self.orders.challenges.share(folder::challenges(&settings.acme_dir), domains);
        for wish in &settings.acme {
            if !self.running.iter().any(|(known, ..)| known == wish) {
                let kept = keep(wish.clone(), settings.acme_dir.clone(), Arc::clone(&self.orders));
                self.running.push((wish.clone(), settings.acme_dir.clone(), tokio::spawn(kept).abort_handle()));
            }
        }
    }
}

/// Keeps one order up for good: one that has ended, which only a fault can bring about, begins anew after a rest.
async fn keep(wish: Acme, folder: PathBuf, orders: Arc<Orders>) {
    loop {
        // Ended with us.
        let mut task = JoinSet::new();
        task.spawn(Renewal::new(wish.clone(), Folder(folder.clone()), Arc::clone(&orders)).run());
        task.join_next().await;
        orders.count("failed");
        tracing::error!(
            rest_s = REST.as_secs(),
            "an order of certificates has broken off by a fault; it begins anew after a rest"
        );
        tokio::time::sleep(REST).await;
    }
}

impl Drop for Issuance {
    fn drop(&mut self) {
        self.running.iter().for_each(|(.., task)| task.abort());
    }
}

#[cfg(test)]
pub(super) mod testing {
    use crate::{
        dial::address::Address,
        tls::settings::{Acme, Challenge},
    };

    /// An order for these domains at an authority that is not there.
    pub(crate) fn settings(domains: &[&str]) -> Acme {
        Acme {
            domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
            directory: Address::parse("https://127.0.0.1:1/dir").expect("a URL"),
            contact: Vec::new(),
            challenge: Challenge::TlsAlpn01,
            ca: None,
            external_account: None,
            renew_before: None,
            profile: None,
        }
    }
}
