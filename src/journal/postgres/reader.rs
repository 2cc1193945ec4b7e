//! A database as it is at one moment, and a chain of it, whoever writes it meanwhile.

use std::{collections::BTreeMap, io, sync::Arc};

use zeroize::Zeroizing;

use super::{
    schema::{LOCKS, version},
    session::{Error, Session},
    settings::Postgres,
};
use crate::journal::{disk::Files, segment, snapshot::inside};

/// One moment: a transaction that sees no others. It may last as long as a back-up takes on a slow line.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0";

/// A database at one moment.
pub(in crate::journal) struct Moment(Session);

impl Moment {
    /// Looks at it; none where nobody has made the tables yet.
    ///
    /// # Errors
    /// Whatever the database says.
    pub(in crate::journal) fn open(settings: &Postgres) -> Result<Option<Arc<Self>>, Error> {
        let session = Session::open(settings, || {})?;
        if version(&session)?.is_none() {
            return Ok(None);
        }
        session.batch(BEGIN)?;
        Ok(Some(Arc::new(Self(session))))
    }

    /// The chains that there are, by number.
    ///
    /// # Errors
    /// Whatever the database says.
    pub(in crate::journal) fn chains(&self) -> Result<Vec<u16>, Error> {
        let rows = self.0.query("SELECT DISTINCT chain FROM privet.file ORDER BY chain", [])?;
        Ok(rows.iter().filter_map(|row| u16::try_from(row.try_get::<_, i64>(0).ok()?).ok()).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) where there is no such chain; whatever the database says.
    pub(in crate::journal) fn chain(self: &Arc<Self>, chain: u16) -> io::Result<Reader> {
        let chain = i64::from(chain);
        let rows = self.0.query("SELECT name, bytes FROM privet.file WHERE chain = $1", [chain.into()])?;
        let mut small = BTreeMap::new();
        for row in rows {
            let (name, bytes) = (row.try_get(0).map_err(Error::from)?, row.try_get(1).map_err(Error::from)?);
            small.insert(name, Zeroizing::new(bytes));
        }
        if small.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Reader { moment: Arc::clone(self), chain, small })
    }
}

/// A chain at that moment.
pub(in crate::journal) struct Reader {
    moment: Arc<Moment>,
    chain: i64,
    small: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl Reader {
    /// Looks at a chain.
    ///
    /// # Errors
    /// As [`Moment::chain`].
    pub(in crate::journal) fn open(settings: &Postgres, chain: u16) -> io::Result<Self> {
        Moment::open(settings)?.ok_or(io::ErrorKind::NotFound)?.chain(chain)
    }
}

impl Files for Reader {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        Ok(self.small.keys().filter_map(|name| inside(folder, name)).collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let small = self.small.get(name).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = small.to_vec();
        if segment::is_name(name) {
            bytes.extend(parts(&self.moment.0, self.chain, name, 0)?);
        }
        Ok(bytes)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        let small = self.small.get(name).ok_or(io::ErrorKind::NotFound)?;
        let sql = "SELECT coalesce(sum(length(bytes)), 0)::int8 FROM privet.part WHERE chain = $1 AND name = $2";
        let rows = self.moment.0.query(sql, [self.chain.into(), name.into()])?;
        let parts: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(Error::from)?;
        Ok(small.len() as u64 + u64::try_from(parts).map_err(io::Error::other)?)
    }
}

/// What was appended to a file from this place on, where a part begins there.
pub(super) fn parts(session: &Session, chain: i64, name: &str, from: i64) -> Result<Vec<u8>, Error> {
    let sql = "SELECT bytes FROM privet.part WHERE chain = $1 AND name = $2 AND place >= $3 ORDER BY place";
    let mut bytes = Vec::new();
    for row in session.query(sql, [chain.into(), name.into(), from.into()])? {
        bytes.extend_from_slice(row.try_get(0)?);
    }
    Ok(bytes)
}

/// Whether a gateway writes a chain.
///
/// # Errors
/// Whatever the database says.
pub(in crate::journal) fn is_held(settings: &Postgres, chain: u16) -> Result<bool, Error> {
    let session = Session::open(settings, || {})?;
    let sql = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::int8 = $1 AND objid::int8 = $2 \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    Ok(!session.query(sql, [LOCKS.into(), i64::from(chain).into()])?.is_empty())
}
