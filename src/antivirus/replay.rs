//! A body that was held goes on: read piece by piece, on threads that may wait for the disk.

use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::spool::{Error, Held, Pieces};

/// What came of reading a piece, and what the next is read from.
type Read = Result<(Pieces, Option<Bytes>), Error>;

/// A body that was held, on its way.
#[derive(Debug)]
pub struct Replay {
    held: Arc<Held>,
    left: u64,
    pieces: Option<Pieces>,
    reading: Option<JoinHandle<Read>>,
}

impl Replay {
    /// From its first byte.
    #[must_use]
    pub fn new(held: Arc<Held>) -> Self {
        Self { left: held.length(), held, pieces: None, reading: None }
    }

    /// Bytes that are still to come.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The next piece; nothing at the end.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        if self.left == 0 {
            return Poll::Ready(Ok(None));
        }
        if self.held.is_near() {
            self.left = 0;
            return Poll::Ready(self.held.pieces().and_then(|mut pieces| pieces.piece()));
        }
        let reading = self.reading.get_or_insert_with(|| {
            let (held, pieces) = (Arc::clone(&self.held), self.pieces.take());
            spawn_blocking(move || {
                let mut pieces = pieces.map_or_else(|| held.pieces(), Ok)?;
                let piece = pieces.piece()?;
                Ok((pieces, piece))
            })
        });
        let read = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let (pieces, piece) = read.map_err(|_| Error::Lost)??;
        self.pieces = Some(pieces);
        let length = piece.as_ref().map_or(self.left, |piece| piece.len() as u64);
        self.left = self.left.saturating_sub(length);
        Poll::Ready(Ok(piece))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        net::{IpAddr, Ipv4Addr},
    };

    use super::*;
    use crate::antivirus::{
        room::{Room, Share},
        spool::{Place, Spool},
    };

    #[tokio::test]
    async fn all_of_it_goes_on() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = Place::new(dir.path().to_owned()).expect("keys");
        for length in [0, 1000, 3_500_000] {
            let room = Room::new(1 << 30, 1 << 30, 1 << 30);
            let mut spool = Spool::new(&place, Share::new(&room, IpAddr::V4(Ipv4Addr::LOCALHOST)));
            for _ in 0..length / 500 {
                spool.push(&[7; 500]).await.expect("room");
            }
            let mut replay = Replay::new(Arc::new(spool.finish().await.expect("held")));
            let mut read = 0;
            while let Some(piece) = poll_fn(|cx| replay.poll(cx)).await.expect("read") {
                read += piece.len();
                assert_eq!(replay.left(), (length - read) as u64);
            }
            assert_eq!(read, length);
        }
    }
}
