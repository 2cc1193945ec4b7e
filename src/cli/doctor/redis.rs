//! Whether the shared store is there, and takes us.

use super::{finding::Found, ground::Ground};
use crate::store::probe::{self, Error};

pub(super) fn look(at: &Ground, found: &Found) {
    let Some(store) = &at.config.store else { return };
    let place = &store.redis;
    match Ground::wait(probe::ask(place)) {
        Err(why) => found.unseen(why),
        Ok(Ok(())) => {}
        Ok(Err(Error::Refused)) => found.fault(
            "refused",
            format!("{place} refuses our user or password"),
            "mend user and password in `redis` of [store], or `redis_password`; the server's `ACL WHOAMI` and `requirepass` say what it wants",
        ),
        Ok(Err(Error::Invalid(error))) => found.fault("settings", format!("{place}: {error}"), "mend [store]"),
        Ok(Err(Error::Away(why))) => found.fault(
            "unreachable",
            format!("{place} can't be used: {why}; each replica goes on with its share of limits, and sessions are its own"),
            "start it, or mend `redis` of [store]: rediss:// where it speaks TLS alone, redis:// where it speaks none",
        ),
    }
}
