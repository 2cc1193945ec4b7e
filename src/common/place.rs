//! Where futures are put.

use std::pin::Pin;

/// Puts a future on the heap. The room for it comes first, so that it is made in its place: `Box::pin` makes it elsewhere and copies all that
/// it may ever hold, which for the future of a request is some kilobytes.
#[inline(always)]
#[allow(clippy::inline_always, reason = "what a function returns that is not inlined is copied")]
pub fn boxed<F>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    let room = Box::new_uninit();
    Box::into_pin(Box::write(room, make()))
}
