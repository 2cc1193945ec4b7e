//! Whatever a client sends over HTTP/2, in two halves that come at different times, nothing panics, and no request is read behind an error.
#![no_main]

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use libfuzzer_sys::fuzz_target;
use privet::server::http2::{Connection, Limits};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A client that has sent `now`, and sends `later` when it has been asked once more.
struct Halves<'a> {
    now: &'a [u8],
    later: Option<&'a [u8]>,
}

impl AsyncRead for Halves<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.now.is_empty() {
            let Some(later) = self.later.take() else { return Poll::Ready(Ok(())) };
            self.now = later;
            return Poll::Pending;
        }
        let (taken, rest) = self.now.split_at(self.now.len().min(buf.remaining()));
        buf.put_slice(taken);
        self.now = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Halves<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fuzz_target!(|input: (&[u8], &[u8], bool)| {
    let (now, later, keeps) = input;
    let now = [BEGIN, now].concat();
    let limits = Limits { streams: 4, header_bytes: 4096, header_count: 50 };
    let mut connection = Connection::new(Halves { now: &now, later: Some(later) }, limits);
    let mut cx = Context::from_waker(Waker::noop());
    let mut asked = Vec::new();
    for _ in 0..2 {
        while let Poll::Ready(Some(next)) = connection.poll_request(&mut cx) {
            asked.push(next);
            if !keeps {
                asked.clear();
            }
            assert!(asked.len() <= 8, "twice the streams");
        }
        if connection.is_at_rest() {
            connection.sleep();
        }
    }
    connection.end();
    let _ = connection.poll_request(&mut cx);
});
