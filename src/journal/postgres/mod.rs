//! A journal whose files are rows of a `PostgreSQL` database: the same names, and the same bytes in them, so that whatever reads a journal reads these.
//!
//! `settings` is where it is, `session` a connection, `tls` what encrypts it. `schema` makes the tables. A `Table` is written by one gateway, a
//! `Reader` is one moment of it. A `Vacant` takes a whole journal that was kept elsewhere.

mod reader;
mod schema;
mod session;
pub mod settings;
mod table;
#[cfg(test)]
#[path = "../../../tests/it/database.rs"]
#[allow(unreachable_pub)] // the integration tests' own
mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod vacant;

pub(super) use self::{
    reader::{Moment, Reader, is_held},
    table::{Claim, Table},
};
pub use self::{
    session::Error,
    settings::Postgres,
    vacant::{Unfit, Vacant},
};
