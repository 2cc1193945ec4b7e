//! Who asks: Privet's own sign-in for applications that have none, and every other way to a [`Principal`].
//!
//! A [`Realm`] is one named door: it tells who a request is from, and answers its own pages below `/.privet/`. It serves no
//! connection; `gateway` hands it requests and takes answers.
//!
//! - [`principal`], [`ask`]: who somebody is; what is asked of a realm, and what is missing.
//! - [`account`], [`staff`]: the people of the sealed staff file.
//! - [`password`], [`policy`], [`totp`], [`recovery`]: what they prove themselves by.
//! - [`passkey`]: what they can prove themselves by instead.
//! - [`session`]: what remembers that they did.
//! - [`realm`], [`serve`], [`page`], [`form`]: the door itself, its pages, and what keeps others from filling in its forms.
//! - [`federation`]: what others vouch for: providers, tokens, certificates.
//! - [`forward`]: what the application is told.
//! - [`order`]: what people order from the registry at the command line; `own`: the pages where they sign.
//! - [`attempt`]: the one place where attempts at signing in are limited.
//!
//! `docs/IDENTITY.md` has the rules and where they come from.

use std::time::Duration;

pub mod account;
pub mod ask;
pub mod attempt;
pub mod federation;
pub mod form;
pub mod forward;
pub mod guest;
pub mod keys;
pub mod order;
mod own;
pub mod page;
pub mod passkey;
pub mod password;
pub mod policy;
pub mod principal;
pub mod realm;
pub mod recovery;
pub mod serve;
pub mod session;
pub mod settings;
pub mod staff;
pub mod totp;

/// Twenty-four hours.
const DAY: Duration = Duration::from_secs(86_400);

pub use ask::{Ask, Need};
pub use principal::{Method, Principal};
pub use realm::Realm;
pub use settings::Settings;
