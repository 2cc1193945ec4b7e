//! Speaks to an ICAP server (RFC 3507), one connection a file.
//!
//! A file goes there as the body of a request or an answer that is made up: nothing of the real one is told, neither its address nor its name.
//! There is no preview, since files are wanted looked at as a whole. A server that speaks before it has everything will not look at the rest.
//! Blocking: whoever scans has a thread for it.

pub mod answer;

use std::{
    fmt,
    io::BufReader,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lc_rs::digest;

use self::answer::Head;
use super::{
    settings::Service,
    wire::{Error, Reply, Wire, visible},
};

/// Longest time of a question that scans nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a chunk.
const CHUNK: usize = 64 << 10;
/// Most characters of what a server says of itself.
const LONGEST: usize = 128;

const POST: &str = "POST /file HTTP/1.1\r\nHost: privet.invalid\r\nContent-Type: application/octet-stream\r\n\r\n";
const GET: &str = "GET /file HTTP/1.1\r\nHost: privet.invalid\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n";

/// What a service says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What it is.
    pub service: String,
    /// Changes with what it finds, `ISTag`: with its signatures and settings.
    pub tag: String,
}

/// A service of an ICAP server.
#[derive(Debug)]
pub struct Icap {
    service: Service,
    lines: Arc<Lines>,
    takes: Mutex<Takes>,
}

/// Which kinds of messages a service looks at: many have an address for each.
#[derive(Debug, Clone, Copy)]
struct Takes {
    requests: bool,
    answers: bool,
}

impl Icap {
    /// At this place. Nothing is connected yet.
    #[must_use]
    pub fn new(service: &Service) -> Self {
        let takes = Mutex::new(Takes { requests: true, answers: true });
        Self { service: service.clone(), lines: Arc::default(), takes }
    }

    /// Asks the service how it is, and goes by what it says of connections and messages from then on.
    ///
    /// # Errors
    /// When it does not answer, or is none that looks at files.
    pub fn options(&self) -> Result<Options, Error> {
        let mut wire = Wire::connect(&self.service.target, PATIENCE)?;
        wire.write(self.head("OPTIONS", "").as_bytes())?;
        let head = Head::read(&mut BufReader::new(wire))?;
        let methods = head.get("methods").unwrap_or_default().to_ascii_uppercase();
        let takes = Takes { requests: methods.contains("REQMOD"), answers: methods.contains("RESPMOD") };
        if head.status != 200 || !(takes.requests || takes.answers) {
            return Err(Error::Refused);
        }
        *self.takes.lock().unwrap_or_else(PoisonError::into_inner) = takes;
        // One of them is for this question.
        let most = head.get("max-connections").and_then(|most| most.parse::<usize>().ok());
        self.lines.limit(most.map_or(usize::MAX, |most| most.saturating_sub(1).max(1)));
        let word = |name| head.get(name).unwrap_or_default();
        let service = word("service").chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        Ok(Options { service, tag: visible(word("istag").trim_matches('"'), LONGEST) })
    }

    /// Begins to send a file that somebody uploads, or gets. All of it must be over in this time.
    ///
    /// # Errors
    /// When the server can't be reached, or has too many connections for all that time.
    pub fn scan(&self, upload: bool, patience: Duration) -> Result<Stream, Error> {
        let deadline = Instant::now() + patience;
        let line = Lines::take(&self.lines, deadline)?;
        let takes = *self.takes.lock().unwrap_or_else(PoisonError::into_inner);
        let upload = if takes.requests && takes.answers { upload } else { takes.requests };
        let mut wire = Wire::connect(&self.service.target, deadline.saturating_duration_since(Instant::now()))?;
        let (method, http, parts) = if upload {
            ("REQMOD", POST.to_owned(), format!("req-hdr=0, req-body={}", POST.len()))
        } else {
            let both = format!("{GET}{OK}");
            let parts = format!("req-hdr=0, res-hdr={}, res-body={}", GET.len(), both.len());
            ("RESPMOD", both, parts)
        };
        let more = format!("Allow: 204\r\nEncapsulated: {parts}\r\n");
        wire.write(format!("{}{http}", self.head(method, &more)).as_bytes())?;
        let sha256 = digest::Context::new(&digest::SHA256);
        Ok(Stream { wire, upload, sha256, length: 0, ended: false, chunk: Vec::new(), _line: line })
    }

    fn head(&self, method: &str, more: &str) -> String {
        let Service { target, .. } = &self.service;
        format!("{method} {} ICAP/1.0\r\nHost: {target}\r\nConnection: close\r\n{more}\r\n", self.service)
    }
}

impl fmt::Display for Icap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.service.fmt(f)
    }
}

/// A scan under way.
pub struct Stream {
    wire: Wire,
    upload: bool,
    sha256: digest::Context,
    length: u64,
    ended: bool,
    chunk: Vec<u8>,
    _line: Line,
}

impl Stream {
    /// Sends more. After an error [`Stream::answer`] may still tell why.
    ///
    /// # Errors
    /// When the server takes no more.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for piece in bytes.chunks(CHUNK) {
            if self.wire.has_spoken() {
                return Err(Error::Early);
            }
            self.chunk.clear();
            self.chunk.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            self.chunk.extend_from_slice(piece);
            self.chunk.extend_from_slice(b"\r\n");
            self.wire.write(&self.chunk)?;
            self.sha256.update(piece);
            self.length += piece.len() as u64;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it took too long already.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.wire.write(b"0\r\n\r\n") {
            Ok(()) => self.ended = true,
            // It may have said already what it has to say.
            Err(Error::Broken(_) | Error::Early) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Reads what the server says of what it has got.
    ///
    /// # Errors
    /// When it says nothing that is known.
    pub fn answer(self) -> Result<Reply, Error> {
        let mut from = BufReader::new(self.wire);
        let head = Head::read(&mut from)?;
        if let Some(threat) = head.threat() {
            return Ok(Reply::found(threat));
        }
        let clean = if self.ended { Reply::Clean } else { Reply::Exceeded };
        match head.status {
            204 => Ok(clean),
            // What was not sent to its end can't come back whole.
            200 if !self.ended => Ok(clean),
            200 => {
                let sha256 = self.sha256.finish();
                let same = head.is_unmodified(&mut from, self.upload, self.length, sha256.as_ref())?;
                Ok(if same { clean } else { Reply::found("ICAP.Replaced") })
            }
            _ => Err(Error::Refused),
        }
    }
}

/// Connections that a server lets us have.
#[derive(Debug)]
struct Lines {
    /// How many there are, and how many there may be.
    count: Mutex<(usize, usize)>,
    freed: Condvar,
}

impl Default for Lines {
    fn default() -> Self {
        Self { count: Mutex::new((0, usize::MAX)), freed: Condvar::new() }
    }
}

impl Lines {
    fn limit(&self, most: usize) {
        self.count.lock().unwrap_or_else(PoisonError::into_inner).1 = most;
        self.freed.notify_all();
    }

    fn take(own: &Arc<Self>, deadline: Instant) -> Result<Line, Error> {
        let mut count = own.count.lock().unwrap_or_else(PoisonError::into_inner);
        while count.0 >= count.1 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Timeout);
            }
            count = own.freed.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        count.0 += 1;
        Ok(Line(Arc::clone(own)))
    }
}

/// One of them, given back when it is dropped.
#[derive(Debug)]
struct Line(Arc<Lines>);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.count.lock().unwrap_or_else(PoisonError::into_inner).0 -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
