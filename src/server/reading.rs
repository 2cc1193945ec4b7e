//! Reading of a connection that has given its room back.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};

/// Most requests are shorter.
const SCRAP: usize = 1 << 10;

/// Reads what has come to where it takes no room until it has, and then to `read`, with `room` for more; 0 at the end.
pub fn poll_scrap<S: AsyncRead>(
    io: Pin<&mut S>,
    cx: &mut Context<'_>,
    read: &mut BytesMut,
    room: usize,
) -> Poll<io::Result<usize>> {
    let mut scrap = [MaybeUninit::uninit(); SCRAP];
    let mut buf = ReadBuf::uninit(&mut scrap);
    ready!(io.poll_read(cx, &mut buf))?;
    read.reserve(room);
    read.extend_from_slice(buf.filled());
    Poll::Ready(Ok(buf.filled().len()))
}
