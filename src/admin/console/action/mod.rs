//! What can be done in the console, each by the function that carries out the command line's order of the same kind, in the name of whoever has
//! signed in. [`act`] is what all have in common: a form, a page that says what will happen, and the deed.

pub(super) mod act;
pub(super) mod ban;
pub(super) mod grant;
pub(super) mod handover;
pub(super) mod incident;
pub(super) mod person;
pub(super) mod policy;
pub(super) mod remedy;
pub(super) mod review;
pub(super) mod session;

pub(super) use act::Act;
