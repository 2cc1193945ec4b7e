//! What is to be written of a connection: frames in their order, the large ones without a copy.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::AsyncWrite;

/// What is shorter is copied to what is before and behind it.
const SHORT: usize = 1 << 10;
/// Most slices that are written at once.
const SLICES: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Out {
    pieces: VecDeque<Bytes>,
    /// How many bytes they have.
    length: usize,
    /// What comes behind them.
    tail: BytesMut,
}

impl Out {
    pub(super) fn len(&self) -> usize {
        self.length + self.tail.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where frames are written to.
    pub(super) fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Adds what a frame holds.
    pub(super) fn push(&mut self, piece: Bytes) {
        if piece.len() < SHORT {
            return self.tail.extend_from_slice(&piece);
        }
        self.length += self.tail.len() + piece.len();
        if !self.tail.is_empty() {
            self.pieces.push_back(self.tail.split().freeze());
        }
        self.pieces.push_back(piece);
    }

    /// Gives back what room it takes where it is empty.
    pub(super) fn sleep(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Writes some of it.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let io = Pin::new(io);
        let written = if self.pieces.is_empty() {
            ready!(io.poll_write(cx, &self.tail))?
        } else {
            let mut slices = [IoSlice::new(b""); SLICES];
            let all = self.pieces.iter().map(|piece| &piece[..]).chain([&self.tail[..]]);
            let mut count = 0;
            for (slice, piece) in slices.iter_mut().zip(all) {
                *slice = IoSlice::new(piece);
                count += 1;
            }
            ready!(io.poll_write_vectored(cx, &slices[..count]))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.advance(written);
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(piece) = self.pieces.front_mut() {
            let taken = written.min(piece.len());
            self.length -= taken;
            written -= taken;
            if taken < piece.len() {
                piece.advance(taken);
                return;
            }
            self.pieces.pop_front();
        }
        if written == self.tail.len() {
            self.tail.clear();
        } else {
            self.tail.advance(written);
        }
    }
}
