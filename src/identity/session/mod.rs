//! Sessions: what remembers a sign-in. The browser holds a random id, and this side all else.
//!
//! - [`id`]: the random id, the key that it is kept under, and the handle that people name it by.
//! - [`entry`]: one session.
//! - [`table`]: all of them, bounded.
//! - [`shared`]: where replicas meet; [`replicas`]: in the store.

pub mod entry;
pub mod id;
pub mod replicas;
pub mod shared;
pub mod table;

pub use entry::{Entry, Stage};
pub use id::{Id, Key};
pub use table::{Limits, Sessions};
