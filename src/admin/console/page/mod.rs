//! The pages, one a file: each asks the gateway what commands ask, and shows it.

pub(super) mod bans;
pub(super) mod case;
pub(super) mod disclosures;
pub(super) mod findings;
pub(super) mod incidents;
pub(super) mod logins;
pub(super) mod map;
pub(super) mod overview;
pub(super) mod people;
pub(super) mod policy;
pub(super) mod reading;
pub(super) mod review;
pub(super) mod sessions;
pub(super) mod state;
