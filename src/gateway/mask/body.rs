//! An answer's body under a mask: the application's bytes in, the client's bytes out, one piece at a time.
//!
//! A piece is asked for when the one before has gone out, so that a slow client slows the application. When something can't be read the
//! stream breaks off; what was held back never goes out.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::Frame;

use super::Ledger;
use crate::{
    common::watch::Slot,
    format::{
        Malformed,
        coding::{Coding, Decoder, Encoder, STEP},
    },
    gateway::{
        body::{Answer, Broken},
        refusal::{Kind, Refusal},
    },
    observe::map::Place,
    privacy::mask::Rewriter,
};

/// The way of bytes: coding undone, body rewritten, coding done again.
#[derive(Debug)]
pub(super) struct Pipeline {
    decoder: Option<Decoder>,
    /// None where it goes out as it is, but for its coding.
    rewriter: Option<Rewriter>,
    encoder: Option<Encoder>,
    /// What came and was not read.
    input: Bytes,
    plain: Vec<u8>,
    new: Vec<u8>,
    out: Vec<u8>,
    ledger: Ledger,
}

impl Pipeline {
    /// Of a body in `coding`, which is done again where it `keeps` it.
    pub(super) fn new(coding: Option<Coding>, keeps: bool, rewriter: Option<Rewriter>, ledger: Ledger) -> Self {
        Self {
            decoder: coding.map(Decoder::new),
            rewriter,
            encoder: coding.filter(|_| keeps).map(Encoder::new),
            input: Bytes::new(),
            plain: Vec::new(),
            new: Vec::new(),
            out: Vec::new(),
            ledger,
        }
    }

    /// Works until a piece is ready or nothing is left to work on.
    fn work(&mut self) -> Result<(), Malformed> {
        while self.out.len() < STEP && (!self.input.is_empty() || self.decoder.as_ref().is_some_and(Decoder::has_more))
        {
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Malformed> {
        let Some(decoder) = &mut self.decoder else {
            let piece = self.input.split_to(self.input.len().min(STEP));
            return rewrite(self.rewriter.as_mut(), &piece, &mut self.out);
        };
        self.plain.clear();
        let read = decoder.step(&self.input, &mut self.plain)?;
        self.input.advance(read);
        let Some(encoder) = &mut self.encoder else {
            return rewrite(self.rewriter.as_mut(), &self.plain, &mut self.out);
        };
        self.new.clear();
        rewrite(self.rewriter.as_mut(), &self.plain, &mut self.new)?;
        encoder.push(&self.new, &mut self.out)
    }

    /// Lets out what an encoder holds back, since nothing more comes for now.
    fn flush(&mut self) -> Result<(), Malformed> {
        match &mut self.encoder {
            Some(encoder) => encoder.flush(&mut self.out),
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), Malformed> {
        self.plain.clear();
        self.new.clear();
        if let Some(decoder) = &mut self.decoder {
            decoder.finish(&mut self.plain)?;
            rewrite(self.rewriter.as_mut(), &self.plain, &mut self.new)?;
        }
        if let Some(rewriter) = &mut self.rewriter {
            rewriter.finish(&mut self.new)?;
        }
        let Some(encoder) = &mut self.encoder else {
            self.out.append(&mut self.new);
            return Ok(());
        };
        encoder.push(&self.new, &mut self.out)?;
        encoder.finish(&mut self.out)
    }
}

fn rewrite(rewriter: Option<&mut Rewriter>, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let Some(rewriter) = rewriter else {
        out.extend_from_slice(bytes);
        return Ok(());
    };
    rewriter.push(bytes, out)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Coming,
    /// Nothing more comes; what is ready goes out.
    Ending,
    Broken,
}

/// A masked body.
#[derive(Debug)]
pub struct Masked {
    answer: Box<Answer>,
    pipeline: Pipeline,
    state: State,
    trailers: Option<HeaderMap>,
    /// What was found is counted.
    settled: bool,
}

impl Masked {
    pub(super) fn new(answer: Box<Answer>, pipeline: Pipeline) -> Self {
        Self { answer, pipeline, state: State::Coming, trailers: None, settled: false }
    }

    /// Waits until it is known how the body is read.
    pub(super) async fn prime(&mut self) -> Result<(), Refusal> {
        poll_fn(|cx| {
            while self.state == State::Coming && !self.pipeline.rewriter.as_ref().is_none_or(Rewriter::is_decided) {
                match self.take(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(broken)) => return Poll::Ready(Err(broken.kind_or(Kind::BadGateway).into())),
                }
                if let Err(error) = self.pipeline.work() {
                    return Poll::Ready(Err(self.give_up(error)));
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn give_up(&mut self, error: Malformed) -> Refusal {
        self.state = State::Broken;
        self.pipeline.ledger.uninspectable("refused");
        Refusal::caused_by(Kind::Uninspectable, error)
    }

    /// Takes one piece of the application's.
    fn take(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match self.answer.poll(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Err(error))) => {
                self.state = State::Broken;
                return Poll::Ready(Err(error));
            }
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => self.pipeline.input = data,
                Err(frame) => self.trailers = frame.into_trailers().ok().map(honest),
            },
            Poll::Ready(None) => {
                if let Err(error) = self.pipeline.finish() {
                    return Poll::Ready(Err(self.cut(error)));
                }
                self.state = State::Ending;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn cut(&mut self, error: Malformed) -> Broken {
        tracing::debug!(why = error.0, "a body that can't be inspected is cut");
        self.give_up(error);
        Broken::Cut(Kind::Uninspectable)
    }

    /// The next piece for the client.
    pub(in crate::gateway) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            if self.state == State::Broken {
                return Poll::Ready(Some(Err(Broken::Cut(Kind::Uninspectable))));
            }
            if let Err(error) = self.pipeline.work() {
                return Poll::Ready(Some(Err(self.cut(error))));
            }
            if !self.pipeline.out.is_empty() {
                return Poll::Ready(Some(Ok(self.piece())));
            }
            if self.state == State::Ending {
                self.answer.watch.disarm(Slot::Stall);
                return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            match self.take(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Pending => {
                    if let Err(error) = self.pipeline.flush() {
                        return Poll::Ready(Some(Err(self.cut(error))));
                    }
                    if self.pipeline.out.is_empty() {
                        return Poll::Pending;
                    }
                    return Poll::Ready(Some(Ok(self.piece())));
                }
            }
        }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        // The application may be done long before the client has taken everything.
        self.answer.watch.arm(Slot::Stall, self.answer.stall);
        Frame::data(Bytes::from(std::mem::take(&mut self.pipeline.out)))
    }

    /// Counts what was found, once: nothing more comes.
    pub(in crate::gateway) fn settle(&mut self) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let (ledger, upload) = (&self.pipeline.ledger, &self.answer.upload);
        if let Some(rewriter) = &mut self.pipeline.rewriter {
            rewriter.found(|found| {
                if !found.is_empty() {
                    ledger.record(Place::ResponseBody, found, upload);
                }
            });
        }
    }

    /// Whether everything is out.
    #[must_use]
    pub fn is_end_stream(&self) -> bool {
        self.state == State::Ending && self.pipeline.out.is_empty() && self.trailers.is_none()
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        self.settle();
    }
}

/// Trailers without what speaks of bytes that the client does not get.
fn honest(mut trailers: HeaderMap) -> HeaderMap {
    for name in super::STALE_TOO {
        trailers.remove(name);
    }
    trailers
}
