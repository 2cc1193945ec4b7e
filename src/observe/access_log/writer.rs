//! The thread that writes: it sleeps until lines wait, lets a few more come, and writes them in one go.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::SeqCst},
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{
    file::LogFile,
    lanes::{Lane, Lanes},
    settings::{Keep, Rotate},
};

/// How long lines are let come before they are written.
const BATCH: Duration = Duration::from_millis(20);
/// How often a log that can't be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often age is looked at when nothing is written, and trouble told.
const PERIOD: Duration = Duration::from_secs(60);
/// How long the end waits for a log that can't be written.
const LAST: Duration = Duration::from_secs(2);

/// Rules that a reload may change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) rotate: Rotate,
    pub(super) keep: Keep,
}

/// Where it goes.
#[derive(Debug)]
pub(super) enum Output {
    Stdout,
    File(Box<LogFile>),
}

/// The writer, on its own thread.
#[derive(Debug)]
pub(super) struct Writer {
    lanes: Arc<Lanes>,
    rules: Arc<Mutex<Rules>>,
    output: Output,
    /// The lines at hand, what they are sealed as, if they are, and how much of that is written.
    lines: Vec<u8>,
    sealed: Vec<u8>,
    written: usize,
    /// How many lines.
    count: u64,
    spare: Lane,
    told: Option<Instant>,
    drops_told: u64,
    pruned: Option<Instant>,
}

impl Writer {
    pub(super) fn new(lanes: Arc<Lanes>, rules: Arc<Mutex<Rules>>, output: Output) -> Self {
        Self {
            lanes,
            rules,
            output,
            lines: Vec::new(),
            sealed: Vec::new(),
            written: 0,
            count: 0,
            spare: Lane::default(),
            told: None,
            drops_told: 0,
            pruned: None,
        }
    }

    /// Until the end.
    pub(super) fn run(mut self) {
        let mut last = None;
        loop {
            let ending = self.lanes.ending.load(SeqCst);
            if !ending {
                if !self.lanes.waiting() && !self.lanes.reopen.load(SeqCst) {
                    thread::park_timeout(PERIOD);
                }
                thread::sleep(BATCH);
            }
            self.lanes.listen();
            if self.lanes.reopen.swap(false, SeqCst) {
                self.reopen();
            }
            self.tend();
            let outcome = self.pass();
            self.tell_drops();
            match outcome {
                Ok(()) if ending && !self.lanes.waiting() => break,
                Ok(()) => {}
                Err(error) => {
                    self.fail(&error);
                    let first = *last.get_or_insert_with(Instant::now);
                    if ending && first.elapsed() > LAST {
                        let lost = self.count;
                        tracing::error!(lost, "ended with access log lines that could not be written");
                        break;
                    }
                    thread::sleep(if ending { BATCH } else { AGAIN });
                }
            }
        }
        if let Output::File(file) = &mut self.output {
            file.end();
        }
        self.lanes.ended.store(true, SeqCst);
    }

    /// Takes what waits, and writes it.
    fn pass(&mut self) -> io::Result<()> {
        loop {
            self.flush()?;
            let Self { lanes, spare, lines, .. } = self;
            self.count = lanes.collect(spare, |lane| lines.extend_from_slice(lane));
            self.lanes.announce();
            if self.lines.is_empty() {
                return Ok(());
            }
            if let Some(lookout) = &*self.lanes.lookout.load() {
                lookout.see(&self.lines);
            }
            self.prepare()?;
            self.flush()?;
            if self.lanes.failing.swap(false, SeqCst) {
                tracing::info!("the access log is written again");
            }
            self.lanes.announce();
            if !self.lanes.ending.load(SeqCst) {
                return Ok(());
            }
        }
    }

    /// Seals the lines at hand, where they are to be sealed.
    fn prepare(&mut self) -> io::Result<()> {
        self.sealed.clear();
        match &mut self.output {
            Output::Stdout => Ok(()),
            Output::File(file) => file.seal(&self.lines, &mut self.sealed),
        }
    }

    /// Writes what is left; what was written once is never written again.
    fn flush(&mut self) -> io::Result<()> {
        let bytes = if self.sealed.is_empty() { &self.lines } else { &self.sealed };
        while self.written < bytes.len() {
            let rest = &bytes[self.written..];
            let written = match &mut self.output {
                Output::Stdout => io::stdout().lock().write(rest),
                Output::File(file) => file.write(rest),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.written += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let (Output::Stdout, false) = (&self.output, bytes.is_empty()) {
            io::stdout().lock().flush()?;
        }
        self.lanes.metrics.log.written.add(std::mem::take(&mut self.count));
        self.lines.clear();
        self.sealed.clear();
        self.written = 0;
        Ok(())
    }

    /// Puts aside what is large or old, and deletes what is kept no longer.
    fn tend(&mut self) {
        let Output::File(file) = &mut self.output else { return };
        let rules = *self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        // A line or a segment that is half written stays in one file.
        let rotated = self.written == 0 && file.is_due(rules.rotate, now);
        let mut outcome = if rotated { file.rotate(now) } else { Ok(()) };
        if rotated || self.pruned.is_none_or(|at| at.elapsed() > PERIOD) {
            self.pruned = Some(Instant::now());
            outcome = outcome.and_then(|()| file.prune(rules.keep, now));
        }
        if let Err(error) = outcome {
            self.lanes.metrics.log.errors.increment();
            self.tell(|| tracing::error!(%error, "access log files can't be put aside or deleted"));
        }
    }

    fn reopen(&mut self) {
        // What is half written belongs to the old file, if it can be.
        let whole = self.flush().is_ok();
        let Output::File(file) = &mut self.output else { return };
        let mut outcome = file.reopen();
        if outcome.is_ok() && !whole {
            // The new file begins with the line, or the segment, that the old one has not got whole.
            let line = memchr::memrchr(b'\n', &self.lines[..self.written.min(self.lines.len())]);
            self.written = if self.sealed.is_empty() { line.map_or(0, |lf| lf + 1) } else { 0 };
            outcome = self.prepare();
        }
        match outcome {
            Ok(()) => tracing::info!("the access log is opened anew"),
            Err(error) => {
                self.lanes.metrics.log.errors.increment();
                self.tell(|| tracing::error!(%error, "the access log can't be opened anew"));
            }
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.lanes.failing.store(true, SeqCst);
        self.lanes.announce();
        self.lanes.metrics.log.errors.increment();
        self.tell(|| tracing::error!(%error, "the access log can't be written; it is tried again every second"));
    }

    fn tell_drops(&mut self) {
        let dropped = self.lanes.metrics.log.dropped.value();
        if dropped > self.drops_told {
            let new = dropped - self.drops_told;
            if self.tell(|| {
                tracing::warn!(
                    dropped = new,
                    "access log lines were dropped: they came faster than they could be written"
                );
            }) {
                self.drops_told = dropped;
            }
        }
    }

    /// Once a period.
    fn tell(&mut self, say: impl FnOnce()) -> bool {
        let due = self.told.is_none_or(|at| at.elapsed() > PERIOD);
        if due {
            self.told = Some(Instant::now());
            say();
        }
        due
    }
}
