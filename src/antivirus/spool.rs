//! A body that waits for its verdict: in memory while it is short, else in a file, sealed by a key that is in this process's memory alone.
//!
//! The file has no name from the moment it is there, so that nothing is left of it however the process ends; and what the disk keeps of it
//! can't be read by anybody.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::PathBuf,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};

use super::room::{Full, Share};
use crate::seal::{Opener, Purpose, Ring, Sealer, stream};

/// Bytes that one body has in memory at most.
pub const PIECE: usize = 1 << 20;
/// What is sealed at a time where memory is short.
const SMALL: usize = 64 << 10;

/// Why a body can't be held, or read again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no room for it.
    #[error("there is no room to hold it")]
    Full,
    /// The folder can't be written, or read.
    #[error("the folder for bodies that wait can't be used")]
    Io(#[from] io::Error),
    /// Sealing has failed, or what was sealed is not as it was.
    #[error("what was sealed can't be used")]
    Seal(#[from] stream::Error),
    /// The thread that wrote is gone.
    #[error("it was not written")]
    Lost,
}

impl From<Full> for Error {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Where files are, and what seals them.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    ring: Ring,
}

impl Place {
    /// Files in `folder`, which is made when it is needed.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(folder: PathBuf) -> Result<Arc<Self>, crate::seal::keys::Error> {
        Ok(Arc::new(Self { folder, ring: Ring::ephemeral()? }))
    }

    /// A file without a name.
    fn file(&self) -> io::Result<File> {
        let path = self.folder.join(format!(".{:032x}", fastrand::u128(..)));
        let open = || OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = open().or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            open()
        })?;
        fs::remove_file(&path)?;
        Ok(file)
    }
}

/// Writes sealed pieces, on whatever thread.
#[derive(Debug)]
struct Writer {
    file: File,
    sealer: Sealer,
    out: Vec<u8>,
}

impl Writer {
    fn new(place: &Place) -> Result<Self, Error> {
        Ok(Self { file: place.file()?, sealer: Sealer::new(&place.ring, Purpose::Spool)?, out: Vec::new() })
    }

    fn write(&mut self, plain: &[u8]) -> Result<(), Error> {
        self.out.clear();
        self.sealer.seal(plain, &mut self.out)?;
        self.file.write_all(&self.out)?;
        Ok(())
    }

    fn finish(mut self) -> Result<File, Error> {
        self.out.clear();
        self.sealer.finish(&mut self.out)?;
        self.file.write_all(&self.out)?;
        Ok(self.file)
    }
}

/// A body that comes.
#[derive(Debug)]
pub struct Spool {
    place: Arc<Place>,
    share: Share,
    near: BytesMut,
    far: Option<Writer>,
    length: u64,
}

impl Spool {
    /// Nothing yet.
    #[must_use]
    pub fn new(place: &Arc<Place>, share: Share) -> Self {
        Self { place: Arc::clone(place), share, near: BytesMut::new(), far: None, length: 0 }
    }

    /// Bytes so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Holds more. Where there is no room for it all before it is held still.
    ///
    /// # Errors
    /// When there is no room, or the disk fails; after the latter nothing of it can be had.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.near.len() >= PIECE || (self.near.len() >= SMALL && self.share.is_short()) {
            self.flush().await?;
        }
        self.share.take(bytes.len() as u64)?;
        self.near.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let (near, far, place) = (self.near.split().freeze(), self.far.take(), Arc::clone(&self.place));
        let (kept, is_first) = (near.clone(), far.is_none());
        let written = tokio::task::spawn_blocking(move || {
            let mut writer = far.map_or_else(|| Writer::new(&place), Ok)?;
            writer.write(&near)?;
            Ok::<_, Error>(writer)
        });
        match written.await.map_err(|_| Error::Lost) {
            Ok(Ok(writer)) => {
                self.far = Some(writer);
                self.share.moved(kept.len() as u64);
                Ok(())
            }
            // All of it is still here: it may go on, if not be held.
            Ok(Err(_)) if is_first => {
                self.near = BytesMut::from(&kept[..]);
                Err(Error::Full)
            }
            Ok(Err(error)) | Err(error) => Err(error),
        }
    }

    /// All of it is here.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn finish(mut self) -> Result<Held, Error> {
        if self.far.is_some() && !self.near.is_empty() {
            self.flush().await?;
        }
        let content = match self.far.take() {
            None => Content::Near(self.near.freeze()),
            Some(writer) => {
                let finished = tokio::task::spawn_blocking(move || writer.finish());
                Content::Far(Arc::new(finished.await.map_err(|_| Error::Lost)??))
            }
        };
        Ok(Held { content, place: self.place, length: self.length, _share: self.share })
    }
}

/// A body that is held, to be read as often as it takes.
#[derive(Debug)]
pub struct Held {
    content: Content,
    place: Arc<Place>,
    length: u64,
    _share: Share,
}

#[derive(Debug)]
enum Content {
    Near(Bytes),
    Far(Arc<File>),
}

impl Held {
    /// Its size in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether all of it is in memory.
    #[must_use]
    pub fn is_near(&self) -> bool {
        matches!(self.content, Content::Near(_))
    }

    /// Its pieces, from the first. Reading them may wait for the disk.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn pieces(&self) -> Result<Pieces, Error> {
        Ok(match &self.content {
            Content::Near(bytes) => Pieces::Near(Some(bytes.clone())),
            Content::Far(file) => {
                let source = Cursor { file: Arc::clone(file), at: 0 };
                Pieces::Far(Box::new(Opener::new(source, &self.place.ring, Purpose::Spool)?))
            }
        })
    }
}

/// A place in a file that others read as well.
#[derive(Debug)]
pub struct Cursor {
    file: Arc<File>,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The pieces of a body that is held.
#[derive(Debug)]
pub enum Pieces {
    /// One, in memory.
    Near(Option<Bytes>),
    /// Many, on disk.
    Far(Box<Opener<Cursor>>),
}

impl Pieces {
    /// The next; nothing at the end.
    ///
    /// # Errors
    /// When it can't be read, or is not what was written.
    pub fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Near(bytes) => Ok(bytes.take().filter(|bytes| !bytes.is_empty())),
            Self::Far(opener) => {
                let mut buffer = Vec::new();
                let Some(length) = opener.next(&mut buffer)?.map(<[u8]>::len) else { return Ok(None) };
                buffer.truncate(length);
                Ok(Some(buffer.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::antivirus::room::Room;

    async fn held(dir: &std::path::Path, room: &Arc<Room>, length: usize) -> Result<Held, Error> {
        let place = Place::new(dir.join("wait")).expect("keys");
        let mut spool = Spool::new(&place, Share::new(room, IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let all: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
        for piece in all.chunks(10_007) {
            spool.push(piece).await?;
        }
        spool.finish().await
    }

    fn read(held: &Held) -> Vec<u8> {
        let (mut pieces, mut all) = (held.pieces().expect("readable"), Vec::new());
        while let Some(piece) = pieces.piece().expect("readable") {
            assert!(piece.len() <= PIECE + 10_007);
            all.extend_from_slice(&piece);
        }
        all
    }

    #[tokio::test]
    async fn bodies_are_read_as_they_came_and_as_often_as_it_takes() {
        let dir = tempfile::tempdir().expect("a folder");
        let many = 1 << 30;
        for (memory, length, near) in
            [(many, 0, true), (many, 700_000, true), (many, 5_000_000, false), (0, 700_000, false)]
        {
            let room = Room::new(1 << 30, 1 << 30, memory);
            let held = held(dir.path(), &room, length).await.expect("held");
            assert_eq!((held.length(), held.is_near()), (length as u64, near));
            let all = read(&held);
            assert!(all.len() == length && all.iter().enumerate().all(|(n, byte)| usize::from(*byte) == n % 251));
            assert_eq!(read(&held), all);
            let in_memory = if near { length as u64 } else { 0 };
            assert_eq!(room.held(), (length as u64, in_memory));
            drop(held);
            assert_eq!(room.held(), (0, 0));
        }
        let left = fs::read_dir(dir.path().join("wait")).expect("a folder").count();
        assert_eq!(left, 0, "files have no names");
    }

    #[tokio::test]
    async fn what_finds_no_room_is_not_held() {
        let dir = tempfile::tempdir().expect("a folder");
        let room = Room::new(100_000, 1 << 30, 1 << 30);
        assert!(matches!(held(dir.path(), &room, 200_000).await, Err(Error::Full)));
        assert_eq!(room.held(), (0, 0));
    }
}
