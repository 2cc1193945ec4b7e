//! The tables, made where they are missing.

use super::session::{Error, Session};

/// What locks of ours are known by among those of others; the second number is a chain's.
pub(super) const LOCKS: i64 = 0x7072_6976;
/// The version of the tables. One that is higher is a later Privet's.
const VERSION: i64 = 1;
/// Locks a migration: below every chain's.
const MIGRATION: i64 = -1;

/// A file's bytes are those of its row, and those of its parts behind them, by their places.
const TABLES: &str = "
CREATE TABLE privet.version (version int8 NOT NULL);
CREATE TABLE privet.chain (number int8 PRIMARY KEY, claims int8 NOT NULL);
CREATE TABLE privet.file (chain int8 NOT NULL, name text COLLATE \"C\" NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (chain, name));
CREATE TABLE privet.part (chain int8 NOT NULL, name text COLLATE \"C\" NOT NULL, place int8 NOT NULL, bytes bytea NOT NULL,
    PRIMARY KEY (chain, name, place), FOREIGN KEY (chain, name) REFERENCES privet.file ON DELETE CASCADE);
ALTER TABLE privet.part ALTER COLUMN bytes SET STORAGE EXTERNAL;
INSERT INTO privet.version VALUES (1);
";

/// Makes the tables where they are missing; several gateways may start at once.
pub(super) fn prepare(session: &Session) -> Result<(), Error> {
    if version(session)? == Some(VERSION) {
        return Ok(());
    }
    session.batch("BEGIN")?;
    let made = make(session);
    session.batch(if made.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    made
}

fn make(session: &Session) -> Result<(), Error> {
    session.query("SELECT pg_advisory_xact_lock($1::int4, $2::int4)", [LOCKS.into(), MIGRATION.into()])?;
    match version(session)? {
        Some(VERSION) => Ok(()),
        Some(version) => Err(Error::Version(version)),
        None => {
            // A database administrator may have made it, for a user that may make none.
            if !is_there(session, "SELECT to_regnamespace('privet') IS NOT NULL")? {
                session.batch("CREATE SCHEMA privet")?;
            }
            session.batch(TABLES)
        }
    }
}

/// The version of the tables that are there.
pub(super) fn version(session: &Session) -> Result<Option<i64>, Error> {
    if !is_there(session, "SELECT to_regclass('privet.version') IS NOT NULL")? {
        return Ok(None);
    }
    let rows = session.query("SELECT max(version) FROM privet.version", [])?;
    Ok(rows.first().and_then(|row| row.try_get(0).ok()).flatten())
}

fn is_there(session: &Session, sql: &'static str) -> Result<bool, Error> {
    Ok(session.query(sql, [])?.first().is_some_and(|row| row.try_get(0).unwrap_or(false)))
}
