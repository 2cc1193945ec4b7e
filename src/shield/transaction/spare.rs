//! Buffers of requests that have ended, for those that begin: what was in use a moment ago is near, and as large as it has to be.

use std::sync::Mutex;

use super::state::State;
use crate::shield::texts::Texts;

/// Most that are kept.
const MOST: usize = 16;
/// Largest texts that are kept, in bytes: a large body's are not.
const LARGEST: usize = 256 << 10;

/// Those of one plan.
#[derive(Debug, Default)]
pub struct Spare(Mutex<Vec<(Texts, State)>>);

impl Spare {
    /// Some, or new ones where another takes some at this moment.
    pub fn take(&self) -> (Texts, State) {
        self.0.try_lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default()
    }

    /// Keeps some, with nothing in them.
    pub fn keep(&self, mut texts: Texts, state: State) {
        if texts.capacity() > LARGEST {
            return;
        }
        texts.clear();
        if let Ok(mut spare) = self.0.try_lock()
            && spare.len() < MOST
        {
            spare.push((texts, state));
        }
    }
}
