//! The access log: one line a request, written when its last byte is out, with no personal data in it.
//!
//! - [`entry`] is what is known of a request, and its line in either form; [`url`] scrubs paths, queries and referrers.
//! - [`Scribe`] is a worker's pen. It makes lines on the worker's thread, out of buffers that it uses again.
//! - `lanes` is the bounded queue, `writer` the thread behind it, `file` what it writes to.

pub mod agent;
mod clean;
pub mod entry;
mod file;
mod json;
mod lanes;
mod lookout;
mod scanned;
pub mod scribe;
pub mod settings;
mod shield;
pub mod url;
mod writer;

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::SeqCst},
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub use self::{
    entry::Entry,
    file::Error,
    lanes::Full,
    lookout::Lookout,
    scribe::Scribe,
    settings::{Settings, Target},
};
use self::{
    file::LogFile,
    lanes::Lanes,
    writer::{Output, Rules, Writer},
};
use crate::observe::metrics::Metrics;

/// An open log: what its lines look like, and the sink that takes them.
#[derive(Debug)]
pub struct Log {
    settings: Settings,
    sink: Arc<Sink>,
}

/// The queue and its writer. A reload keeps it while it goes to the same place.
#[derive(Debug)]
struct Sink {
    lanes: Arc<Lanes>,
    rules: Arc<Mutex<Rules>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Opens the log; `None` where it is off. `previous` goes on where it goes to the same place.
    ///
    /// # Errors
    /// When the file can't be used, or another process writes it.
    pub fn open(
        settings: &Settings,
        metrics: &Arc<Metrics>,
        workers: usize,
        previous: Option<&Self>,
    ) -> Result<Option<Arc<Self>>, Error> {
        let same = |log: &&Self| log.settings.target == settings.target;
        let rules = Rules { rotate: settings.rotate, keep: settings.keep };
        let sink = match (previous.filter(same), &settings.target) {
            (_, Target::Off) => return Ok(None),
            (Some(previous), _) => {
                let manner = |s: &Settings| (s.sealed.clone(), s.queue);
                if manner(&previous.settings) != manner(settings) {
                    tracing::warn!("`access_log.sealed` and `access_log.queue` take effect at the next start");
                }
                *previous.sink.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules;
                Arc::clone(&previous.sink)
            }
            (None, Target::Stdout) => Sink::start(Output::Stdout, rules, settings, metrics, workers),
            (None, Target::File(path)) => {
                let file = LogFile::open(path, settings.sealed.as_deref())?;
                Sink::start(Output::File(Box::new(file)), rules, settings, metrics, workers)
            }
        };
        Ok(Some(Arc::new(Self { settings: settings.clone(), sink })))
    }

    /// Bytes of lines that wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.sink.lanes.bytes()
    }

    /// Lets somebody see lines just before they are written, until the next one does; nobody with `None`.
    pub fn watch(&self, lookout: Option<Arc<Lookout>>) {
        self.sink.lanes.lookout.store(lookout);
    }

    /// Opens the file anew: it was moved away (SIGUSR1).
    pub fn reopen(&self) {
        self.sink.lanes.reopen.store(true, SeqCst);
        self.sink.lanes.wake();
    }

    /// Writes all that waits and ends the writer; whether that was done within `patience`.
    #[must_use]
    pub fn end(&self, patience: Duration) -> bool {
        self.sink.end(patience)
    }
}

impl Sink {
    fn start(output: Output, rules: Rules, settings: &Settings, metrics: &Arc<Metrics>, workers: usize) -> Arc<Self> {
        let lanes = Arc::new(Lanes::new(workers, settings.queue, metrics));
        let rules = Arc::new(Mutex::new(rules));
        let writer = Writer::new(Arc::clone(&lanes), Arc::clone(&rules), output);
        let thread = std::thread::Builder::new().name("access-log".to_owned()).spawn(move || writer.run());
        let thread = thread.inspect_err(|error| tracing::error!(%error, "the access log has no thread")).ok();
        if let Some(thread) = &thread {
            lanes.set_writer(thread.thread().clone());
        }
        Arc::new(Self { lanes, rules, thread: Mutex::new(thread) })
    }

    fn end(&self, patience: Duration) -> bool {
        self.lanes.ending.store(true, SeqCst);
        self.lanes.wake();
        let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else { return true };
        let start = Instant::now();
        while !thread.is_finished() {
            if start.elapsed() > patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        thread.join().is_ok()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Nobody writes any more. The thread ends by itself, after what still waits.
        self.lanes.ending.store(true, SeqCst);
        self.lanes.wake();
    }
}

#[cfg(test)]
mod tests;
