//! A body that leaves as a sealed archive: what the application sends, as far as it may be seen, goes in piece by piece, and the archive out. A piece is asked
//! for when the one before has gone out.

use std::{
    cell::OnceCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use aws_lc_rs::digest::{self, SHA256};
use bytes::Bytes;
use http_body::{Body as _, Frame};

use crate::{
    gateway::{
        body::{Body, Broken},
        custody::Sealed,
        refusal::Kind,
    },
    seal::{
        age::Age,
        zip::{Failed, Zip},
    },
};

/// Bytes that go out at a time.
const PIECE: usize = 16 << 10;

/// What a file leaves in.
#[derive(Debug)]
pub enum Envelope {
    /// What a passphrase opens.
    Zip(Box<Zip>),
    /// What the reader's own key opens.
    Age(Box<Age>),
}

impl Envelope {
    /// Media type and the end of the name.
    pub const ZIP: (&str, &str) = ("application/zip", "zip");
    /// The same.
    pub const AGE: (&str, &str) = ("application/octet-stream", "age");

    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        match self {
            Self::Zip(zip) => zip.push(bytes, out),
            Self::Age(age) => age.push(bytes, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Failed> {
        match self {
            Self::Zip(zip) => zip.finish(out),
            Self::Age(age) => age.finish(out),
        }
    }

    /// Media type and the end of the name.
    #[must_use]
    pub fn face(&self) -> (&'static str, &'static str) {
        match self {
            Self::Zip(_) => Self::ZIP,
            Self::Age(_) => Self::AGE,
        }
    }
}

/// An archive on its way to the client.
pub struct Archive {
    file: Box<Body>,
    envelope: Envelope,
    /// What was made and has not gone out.
    out: Vec<u8>,
    sums: Sums,
    has_ended: bool,
    /// Where it is told what has left.
    sealed: Rc<OnceCell<Sealed>>,
}

struct Sums {
    file: digest::Context,
    archive: digest::Context,
    file_bytes: u64,
    archive_bytes: u64,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("envelope", &self.envelope).finish_non_exhaustive()
    }
}

impl Archive {
    /// Of `file`, in `envelope`.
    #[must_use]
    pub fn new(file: Body, envelope: Envelope, sealed: Rc<OnceCell<Sealed>>) -> Self {
        let sum = || digest::Context::new(&SHA256);
        let sums = Sums { file: sum(), archive: sum(), file_bytes: 0, archive_bytes: 0 };
        Self { file: Box::new(file), envelope, out: Vec::new(), sums, has_ended: false, sealed }
    }

    /// The next piece for the client.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        while self.out.len() < PIECE && !self.has_ended {
            match Pin::new(&mut *self.file).poll_frame(cx) {
                // What waits goes out with what comes: nobody can use a part of an archive.
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => {
                    let Some(data) = frame.data_ref() else { continue };
                    if self.take(data).is_err() {
                        return Poll::Ready(Some(Err(Broken::Cut(Kind::Uninspectable))));
                    }
                }
                Poll::Ready(None) => {
                    if self.envelope.finish(&mut self.out).is_err() {
                        return Poll::Ready(Some(Err(Broken::Cut(Kind::Uninspectable))));
                    }
                    self.has_ended = true;
                }
            }
        }
        if self.out.is_empty() {
            return Poll::Ready(None);
        }
        let piece = std::mem::take(&mut self.out);
        self.sums.archive.update(&piece);
        self.sums.archive_bytes += piece.len() as u64;
        if self.has_ended {
            // Told once: there is no piece after the last.
            let _ = self.sealed.set(self.sums.all());
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece)))))
    }

    fn take(&mut self, data: &[u8]) -> Result<(), Failed> {
        self.sums.file.update(data);
        self.sums.file_bytes += data.len() as u64;
        self.envelope.push(data, &mut self.out)
    }

    /// Whether everything is out.
    #[must_use]
    pub fn is_end_stream(&self) -> bool {
        self.has_ended && self.out.is_empty()
    }
}

impl Sums {
    fn all(&self) -> Sealed {
        let bytes = |sum: &digest::Context| {
            let digest = sum.clone().finish();
            std::array::from_fn(|i| digest.as_ref()[i])
        };
        Sealed {
            file_bytes: self.file_bytes,
            file: bytes(&self.file),
            archive_bytes: self.archive_bytes,
            archive: bytes(&self.archive),
        }
    }
}
