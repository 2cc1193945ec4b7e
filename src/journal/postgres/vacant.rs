//! A database that holds no journal, to be filled with one that was kept elsewhere: whole or not at all.

use super::{
    schema::{LOCKS, prepare},
    session::{Error, Session},
    settings::Postgres,
};
use crate::journal::segment;

/// Most bytes of a segment that are sent at once.
const PIECE: usize = 1 << 20;

/// Why it can't be filled.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// There is a journal.
    #[error("it holds a journal already")]
    Occupied,
    /// Somebody begins one at this moment.
    #[error("a gateway writes there")]
    Held,
    /// It refuses.
    #[error(transparent)]
    Database(#[from] Error),
}

/// One transaction, which holds every chain that it fills: a gateway that starts meanwhile takes another one, or waits.
pub struct Vacant(Session);

impl std::fmt::Debug for Vacant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vacant")
    }
}

impl Vacant {
    /// Begins, for these chains; the tables are made where they are missing.
    ///
    /// # Errors
    /// When something is there, or the database refuses.
    pub fn open(settings: &Postgres, chains: &[u16]) -> Result<Self, Unfit> {
        let session = Session::open(settings, || {})?;
        prepare(&session)?;
        session.batch("BEGIN")?;
        for chain in chains {
            let sql = "SELECT pg_try_advisory_xact_lock($1::int4, $2::int4)";
            let rows = session.query(sql, [LOCKS.into(), i64::from(*chain).into()])?;
            if !rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
                return Err(Unfit::Held);
            }
        }
        if !session.query("SELECT 1 FROM privet.file LIMIT 1", [])?.is_empty() {
            return Err(Unfit::Occupied);
        }
        Ok(Self(session))
    }

    /// Puts a file into a chain.
    ///
    /// # Errors
    /// Whatever the database says.
    pub fn put(&self, chain: u16, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let chain = i64::from(chain);
        let is_segment = segment::is_name(name);
        let sql = "INSERT INTO privet.file (chain, name, bytes) VALUES ($1, $2, $3)";
        self.0.query(sql, [chain.into(), name.into(), if is_segment { &[][..] } else { bytes }.into()])?;
        for (number, piece) in bytes.chunks(PIECE).enumerate().filter(|_| is_segment) {
            let sql = "INSERT INTO privet.part (chain, name, place, bytes) VALUES ($1, $2, $3, $4)";
            let place = i64::try_from(number * PIECE).unwrap_or(i64::MAX);
            self.0.query(sql, [chain.into(), name.into(), place.into(), piece.into()])?;
        }
        Ok(())
    }

    /// Lets it be there.
    ///
    /// # Errors
    /// Whatever the database says; nobody knows then whether it is there.
    pub fn fill(self) -> Result<(), Error> {
        self.0.batch("COMMIT")
    }
}
