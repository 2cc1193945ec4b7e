//! Whether the database of the journal is there, and takes us.

use std::error::Error as _;

use super::{
    finding::{Found, why},
    ground::Ground,
};
use crate::journal::postgres::Error;

/// What `PostgreSQL` says of a wrong password, and of somebody who may not come in (SQLSTATE, class 28).
const UNKNOWN: &str = "28";

pub(super) fn look(at: &Ground, found: &Found) {
    let Some(journal) = &at.config.journal else { return };
    let Some(postgres) = journal.place.postgres() else { return };
    let Err(error) = journal.place.all() else { return };
    let known = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let known = known.or_else(|| error.source().and_then(|source| source.downcast_ref::<Error>()));
    match known {
        Some(Error::Refused { code, .. }) if code.starts_with(UNKNOWN) => found.fault(
            "refused",
            format!("{postgres} refuses our user or password ({code})"),
            "mend `postgres` of [store] (percent-encode what a URL can't hold); pg_hba.conf says who may come from where",
        ),
        Some(Error::Refused { code, message }) => found.fault(
            "refused",
            format!("{postgres} refuses ({code}): {message}"),
            "the database must be there, and be our user's own (`CREATE DATABASE privet OWNER privet`)",
        ),
        _ => found.fault(
            "unreachable",
            format!("{postgres} can't be reached: {}; nothing can be written down", why(&error)),
            "start it, or mend `postgres` and `postgres_ca` of [store]: beyond this machine it is asked by TLS",
        ),
    }
}
