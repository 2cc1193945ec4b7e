//! A chain that is written. Whoever writes it holds a lock of the database for as long as the connection lives, so that two never write one, and
//! one that has crashed leaves it to the next. Every change is on the database's disk when it answers.

use std::{
    cell::{Cell, RefCell},
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    reader::parts,
    schema::{LOCKS, prepare},
    session::{Error, Session},
    settings::Postgres,
};
use crate::journal::{
    disk::{Disk, Files},
    place::SHARED,
    segment,
    snapshot::inside,
};

/// Hears of what others have written to the shared chain.
const LISTEN: &str = "LISTEN privet_shared";
/// Most chains of one database.
const MOST: u16 = 999;
/// How long a database that was not there is not asked again.
const REST: Duration = Duration::from_millis(900);

/// Which chain it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Claim {
    /// The lowest number that nobody writes.
    Any,
    /// This one.
    One(u16),
    /// The one that all gateways write, in turns.
    Shared,
}

/// Why a chain can't be written.
#[derive(Debug, thiserror::Error)]
enum Held {
    #[error("chain {0} of the database is being written by another process")]
    Other(u16),
    #[error("the database still knows the former connection of this process; its lock becomes free soon")]
    Own,
    #[error("another gateway has taken the journal's chain over; this one goes on in chain {0}")]
    Moved(u16),
    #[error("all 999 chains of the database are being written")]
    Full,
    #[error("what is in the database is not what was written there")]
    Differs,
}

impl From<Held> for io::Error {
    fn from(held: Held) -> Self {
        let kind = if matches!(held, Held::Other(_) | Held::Own | Held::Full) {
            io::ErrorKind::WouldBlock
        } else {
            io::ErrorKind::Other
        };
        Self::new(kind, held)
    }
}

/// A chain, and the connection that holds it.
pub(in crate::journal) struct Table {
    settings: Arc<Postgres>,
    claim: Claim,
    /// Told when others have written to the shared chain.
    heard: Arc<dyn Fn() + Send + Sync>,
    /// Whether a transaction is under way: nothing of it may go by another connection.
    within: Cell<bool>,
    chain: Cell<u16>,
    /// How often the chain was claimed, when it was for us: another number means that somebody else has written since.
    claims: Cell<i64>,
    moved: Cell<bool>,
    session: RefCell<Option<Session>>,
    rest: Cell<Option<Instant>>,
}

impl Table {
    /// Claims a chain; makes the tables where they are missing.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) where others write it; whatever the database says.
    pub(in crate::journal) fn claim(settings: &Arc<Postgres>, claim: Claim) -> io::Result<Self> {
        Self::hearing(settings, claim, Arc::new(|| {}))
    }

    /// The same, and `heard` is called when another gateway has written to the shared chain.
    ///
    /// # Errors
    /// As [`Table::claim`].
    pub(in crate::journal) fn hearing(
        settings: &Arc<Postgres>,
        claim: Claim,
        heard: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let hears = Arc::clone(&heard);
        let session = Session::open(settings, move || hears())?;
        prepare(&session)?;
        let chain = match claim {
            Claim::One(chain) if try_lock(&session, chain)? => chain,
            Claim::One(chain) => return Err(Held::Other(chain).into()),
            Claim::Any => first_free(&session)?,
            Claim::Shared => SHARED,
        };
        let claims = if claim == Claim::Shared { 0 } else { count(&session, chain)? };
        if claim == Claim::Shared {
            session.batch(LISTEN)?;
        }
        Ok(Self {
            settings: Arc::clone(settings),
            claim,
            heard,
            within: Cell::new(false),
            chain: Cell::new(chain),
            claims: Cell::new(claims),
            moved: Cell::new(false),
            session: RefCell::new(Some(session)),
            rest: Cell::new(None),
        })
    }

    /// Connects again where the connection is gone, and makes sure that the chain is still ours.
    fn connect(&self) -> io::Result<()> {
        if self.session.borrow().as_ref().is_some_and(|session| !session.is_closed()) {
            return Ok(());
        }
        if self.within.get() {
            return Err(Error::Lost.into());
        }
        if self.rest.get().is_some_and(|until| Instant::now() < until) {
            return Err(Error::Lost.into());
        }
        self.session.replace(None);
        let hears = Arc::clone(&self.heard);
        let session = Session::open(&self.settings, move || hears()).map_err(|error| self.resting(error.into()))?;
        if self.claim == Claim::Shared {
            session.batch(LISTEN).map_err(|error| self.resting(error.into()))?;
            self.session.replace(Some(session));
            return Ok(());
        }
        let (chain, own) = (self.chain.get(), self.claims.get());
        let locked = try_lock(&session, chain).map_err(|error| self.resting(error))?;
        let rows = session.query("SELECT claims FROM privet.chain WHERE number = $1", [i64::from(chain).into()])?;
        let known = rows.first().and_then(|row| row.try_get::<_, i64>(0).ok());
        if known == Some(own) {
            if !locked {
                return Err(self.resting(Held::Own.into()));
            }
        } else if self.claim == Claim::Any {
            if locked {
                unlock(&session, chain)?;
            }
            let next = first_free(&session)?;
            self.claims.set(count(&session, next)?);
            self.chain.set(next);
            self.moved.set(true);
        } else {
            return Err(self.resting(Held::Other(chain).into()));
        }
        self.session.replace(Some(session));
        Ok(())
    }

    fn resting(&self, error: io::Error) -> io::Error {
        self.rest.set(Some(Instant::now() + REST));
        error
    }

    /// Asks the database, and once more by another connection where the first was gone: what is asked must come to the same when it is asked twice.
    fn ask<T>(&self, what: impl Fn(&Session) -> Result<T, Error>) -> io::Result<T> {
        let mut again = true;
        loop {
            self.connect()?;
            if self.moved.get() {
                return Err(Held::Moved(self.chain.get()).into());
            }
            let outcome = self.session.borrow().as_ref().map_or(Err(Error::Lost), &what);
            match outcome {
                Err(error) if error.is_lost() => {
                    self.session.replace(None);
                    if self.within.get() {
                        return Err(error.into());
                    }
                    // One that is slow is not asked for twice as long.
                    if !std::mem::take(&mut again) || matches!(error, Error::Timeout) {
                        return Err(self.resting(error.into()));
                    }
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    fn key(&self) -> i64 {
        self.chain.get().into()
    }

    /// Begins what is to happen whole or not at all, as the only one who writes the chain.
    pub(in crate::journal) fn begin(&mut self) -> io::Result<()> {
        // The same by another connection: one that was lost has taken its transaction along.
        let begun = self.ask(|session| {
            session.batch("BEGIN")?;
            session.query("SELECT pg_advisory_xact_lock($1::int4, $2::int4)", [LOCKS.into(), self.key().into()])
        });
        self.within.set(begun.is_ok());
        if begun.is_err() {
            // It may be in the middle of one.
            self.session.replace(None);
        }
        begun.map(drop)
    }

    /// Lets it happen, and tells the others. After an error nobody knows whether it has.
    pub(in crate::journal) fn commit(&mut self) -> io::Result<()> {
        let outcome = self.ask(|session| session.batch("NOTIFY privet_shared; COMMIT"));
        self.within.set(false);
        if outcome.is_err() {
            self.session.replace(None);
        }
        outcome
    }

    /// Lets nothing of it happen.
    pub(in crate::journal) fn roll_back(&mut self) {
        if self.ask(|session| session.batch("ROLLBACK")).is_err() {
            self.session.replace(None);
        }
        self.within.set(false);
    }

    /// What was appended to a file from this place on; `None` where there is no such file.
    pub(in crate::journal) fn rest_of(&self, name: &str, from: u64) -> io::Result<Option<Vec<u8>>> {
        let from = i64::try_from(from).map_err(io::Error::other)?;
        self.ask(|session| {
            let sql = "SELECT 1 FROM privet.file WHERE chain = $1 AND name = $2";
            if session.query(sql, [self.key().into(), name.into()])?.is_empty() {
                return Ok(None);
            }
            parts(session, self.key(), name, from).map(Some)
        })
    }
}

fn try_lock(session: &Session, chain: u16) -> io::Result<bool> {
    let rows =
        session.query("SELECT pg_try_advisory_lock($1::int4, $2::int4)", [LOCKS.into(), i64::from(chain).into()])?;
    Ok(rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false)))
}

fn unlock(session: &Session, chain: u16) -> io::Result<()> {
    session.query("SELECT pg_advisory_unlock($1::int4, $2::int4)", [LOCKS.into(), i64::from(chain).into()])?;
    Ok(())
}

/// The lowest number that nobody writes, locked.
fn first_free(session: &Session) -> io::Result<u16> {
    for chain in 1..=MOST {
        if try_lock(session, chain)? {
            return Ok(chain);
        }
    }
    Err(Held::Full.into())
}

/// Counts a claim of a chain that is locked.
fn count(session: &Session, chain: u16) -> io::Result<i64> {
    let sql = "INSERT INTO privet.chain AS known (number, claims) VALUES ($1, 1) \
         ON CONFLICT (number) DO UPDATE SET claims = known.claims + 1 RETURNING claims";
    let rows = session.query(sql, [i64::from(chain).into()])?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(Error::from)?)
}

impl Files for Table {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let rows = self.ask(|session| {
            session.query("SELECT name FROM privet.file WHERE chain = $1 ORDER BY name", [self.key().into()])
        })?;
        Ok(rows.iter().filter_map(|row| inside(folder, row.try_get(0).ok()?)).collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let whole = self.ask(|session| {
            let sql = "SELECT bytes FROM privet.file WHERE chain = $1 AND name = $2";
            let rows = session.query(sql, [self.key().into(), name.into()])?;
            let Some(row) = rows.first() else { return Ok(None) };
            let mut bytes: Vec<u8> = row.try_get(0)?;
            if segment::is_name(name) {
                bytes.extend(parts(session, self.key(), name, 0)?);
            }
            Ok(Some(bytes))
        })?;
        whole.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for Table {
    fn create(&mut self, name: &str) -> io::Result<()> {
        self.replace(name, &[])
    }

    /// One statement, and so one transaction: on disk when it answers. Where the answer was lost, it is looked whether it was written.
    fn write(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let place = i64::try_from(at).map_err(io::Error::other)?;
        let same = self.ask(|session| {
            let sql =
                "INSERT INTO privet.part (chain, name, place, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
            let values = [self.key().into(), name.into(), place.into(), bytes.into()];
            Ok(session.execute(sql, values)? == 1 || parts(session, self.key(), name, place)? == bytes)
        })?;
        if same { Ok(()) } else { Err(Held::Differs.into()) }
    }

    fn sync(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        let length = i64::try_from(length).map_err(io::Error::other)?;
        self.ask(|session| {
            // What begins before the place and goes beyond it is shortened, all else behind it goes.
            let sql = "WITH gone AS (DELETE FROM privet.part WHERE chain = $1 AND name = $2 AND place >= $3) \
                 UPDATE privet.part SET bytes = substring(bytes FROM 1 FOR ($3 - place)::int4) \
                 WHERE chain = $1 AND name = $2 AND place < $3 AND place + length(bytes) > $3";
            session.execute(sql, [self.key().into(), name.into(), length.into()])
        })?;
        Ok(())
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.ask(|session| {
            let sql = "INSERT INTO privet.file (chain, name, bytes) VALUES ($1, $2, $3) \
                 ON CONFLICT (chain, name) DO UPDATE SET bytes = excluded.bytes";
            session.execute(sql, [self.key().into(), name.into(), bytes.into()])
        })?;
        Ok(())
    }

    /// What is deleted is out of reach at once, and gone from the table when the database has cleaned it up, which is asked for.
    fn destroy(&mut self, name: &str) -> io::Result<()> {
        let sql = "DELETE FROM privet.file WHERE chain = $1 AND name = $2";
        let gone = self.ask(|session| session.execute(sql, [self.key().into(), name.into()]))?;
        if gone > 0 && !self.within.get() {
            // Of use where we may, and happens by itself where not.
            let _ = self.ask(|session| session.batch("VACUUM privet.file"));
        }
        Ok(())
    }

    fn is_private(&self) -> bool {
        false
    }

    fn has_moved(&self) -> bool {
        self.moved.get()
    }

    fn settle(&mut self) {
        self.moved.set(false);
    }

    fn chain(&self) -> Option<u16> {
        Some(self.chain.get())
    }
}
