//! The one place where attempts at signing in are limited: every proof of an account of the staff file (password, one-time code,
//! recovery code) is checked here before it is looked at, and settled after. Room `login` keeps the limits, as for an application's own login.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue};

use super::form::SIGN_IN;
use crate::login::{
    Guard, Judged, Refused, Reservation, Rule,
    settings::{Criteria, Limits, Login, Outcome, Username},
};

/// Limits of one realm's own sign-in.
#[derive(Debug)]
pub struct Door {
    guard: Arc<Guard>,
    rule: Rule,
}

/// An attempt under way. One that is dropped unsettled is charged as if it had failed: its client did not wait for the answer.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    guard: Arc<Guard>,
    reservation: Reservation,
    time: SystemTime,
}

impl Door {
    /// The door of the realm called `name`, with the default limits.
    #[must_use]
    pub fn new(name: &str, guard: &Arc<Guard>) -> Self {
        let login = Login {
            name: format!("realm {name}"),
            host: None,
            path: SIGN_IN.to_owned(),
            below: false,
            realm: format!("realm {name}"),
            methods: BTreeSet::new(),
            username: Username::Form("username".to_owned()),
            passes_without_username: false,
            outcome: Outcome::Told { failure: Box::default(), success: Box::<Criteria>::default() },
            limits: Limits::default(),
            body_limit: super::serve::BODY_LIMIT,
            max_consecutive: 100,
            forget: super::DAY,
            remember: super::DAY * 90,
            tarpit: Duration::ZERO,
            breached: None,
            challenge: None,
        };
        Self { rule: guard.rule(&Arc::new(login)), guard: Arc::clone(guard) }
    }

    /// Whether `account`, which need not exist, may be tried from `address`. `headers` are the request's, for its device's cookie.
    ///
    /// # Errors
    /// When too many attempts have failed.
    pub async fn check(
        &self,
        account: &str,
        address: IpAddr,
        headers: &HeaderMap,
        time: SystemTime,
    ) -> Result<Attempt, Refused> {
        let account = self.rule.account(account);
        let mut reservation = self.guard.check(&self.rule, &account, address, headers, time).await?;
        reservation.forwarded();
        Ok(Attempt { guard: Arc::clone(&self.guard), reservation, time })
    }
}

impl Attempt {
    /// Tells the outcome. After a success the answer is the `Set-Cookie` by which the device is known again.
    #[must_use]
    pub fn settle(self, success: bool) -> Option<HeaderValue> {
        let judged = if success { Judged::Success } else { Judged::Failure };
        self.guard.settle(self.reservation, judged, self.time).cookie
    }

    /// Gives the place back: nothing was proven either way.
    pub fn give_back(self) {
        self.guard.settle(self.reservation, Judged::Unclear, self.time);
    }
}
