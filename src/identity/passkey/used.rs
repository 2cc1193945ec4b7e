//! That a challenge counts once, and a counter only goes up: of this process. The staff file has it too, unless it can't be written.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::credential::Passkey;

/// How far a passkey has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When its challenge was issued, in milliseconds since 1970.
    pub issued: u64,
    /// Its counter.
    pub counter: u32,
}

impl Mark {
    /// Whether this is after what `passkey` has done already. A counter counts where there ever was one (section 7.2, step 22).
    #[must_use]
    pub fn follows(self, passkey: &Passkey) -> bool {
        let counts = self.counter != 0 || passkey.counter != 0;
        self.issued > passkey.last && (!counts || self.counter > passkey.counter)
    }

    /// Writes it down in `passkey`.
    pub fn enter(self, passkey: &mut Passkey) {
        (passkey.last, passkey.counter) = (self.issued, self.counter);
    }
}

/// How far the passkeys have come that have signed in since the start.
#[derive(Default)]
pub struct Used(Mutex<HashMap<Vec<u8>, Mark>>);

impl std::fmt::Debug for Used {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Used")
    }
}

impl Used {
    /// Takes `mark` for `passkey`, where it follows all that was taken before; whether it did.
    pub fn take(&self, passkey: &Passkey, mark: Mark) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = passkey.clone();
        if let Some(mark) = known.get(&passkey.id).filter(|mark| mark.follows(passkey)) {
            mark.enter(&mut last);
        }
        let follows = mark.follows(&last);
        if follows {
            known.insert(passkey.id.clone(), mark);
        }
        follows
    }
}
