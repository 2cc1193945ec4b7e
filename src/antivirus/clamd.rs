//! Speaks to clamd, one connection a command, as clamd(8) has it.
//!
//! Blocking: whoever scans has a thread for it. clamd stops reading and closes in the middle of a stream that is too long for it; its answer
//! is there all the same, and is read after the write that has failed.

use std::{io::Read as _, time::Duration};

use super::wire::{Error, Reply, Wire};
use crate::dial::settings::Target;

/// Longest time of a command that scans nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a chunk: below any sensible `StreamMaxLength`, which a single chunk must not pass.
const CHUNK: usize = 64 << 10;
/// Most bytes of an answer.
const LONGEST: usize = 64 << 10;

/// Where clamd is.
#[derive(Debug, Clone)]
pub struct Clamd {
    target: Target,
}

impl Clamd {
    /// At this place. Nothing is connected yet.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone() }
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn ping(&self) -> Result<(), Error> {
        (self.ask("PING")? == "PONG").then_some(()).ok_or(Error::Unknown)
    }

    /// Versions of program and signatures, as `ClamAV 1.4.3/27000/Thu Nov 26 08:12:11 2026`.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn version(&self) -> Result<String, Error> {
        self.ask("VERSION")
    }

    /// Its threads, queue and memory.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn stats(&self) -> Result<String, Error> {
        self.ask("STATS")
    }

    /// Asks it to read its signatures again, which takes a while after the answer, and may fail in silence.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn reload(&self) -> Result<(), Error> {
        (self.ask("RELOAD")? == "RELOADING").then_some(()).ok_or(Error::Unknown)
    }

    /// Begins a scan that must be over in this time.
    ///
    /// # Errors
    /// When it can't be reached.
    pub fn scan(&self, patience: Duration) -> Result<Stream, Error> {
        let mut wire = Wire::connect(&self.target, patience)?;
        wire.write(b"zINSTREAM\0")?;
        Ok(Stream { wire, chunk: Vec::new() })
    }

    /// Scans these bytes.
    ///
    /// # Errors
    /// When it gives no verdict.
    pub fn scan_bytes(&self, bytes: &[u8], patience: Duration) -> Result<Reply, Error> {
        let mut stream = self.scan(patience)?;
        if stream.send(bytes).is_ok() {
            stream.end()?;
        }
        stream.answer()
    }

    fn ask(&self, command: &str) -> Result<String, Error> {
        let mut wire = Wire::connect(&self.target, PATIENCE)?;
        wire.write(format!("z{command}\0").as_bytes())?;
        read(&mut wire)
    }
}

/// A scan under way.
#[derive(Debug)]
pub struct Stream {
    wire: Wire,
    chunk: Vec<u8>,
}

impl Stream {
    /// Sends more. After an error [`Stream::answer`] may still tell why.
    ///
    /// # Errors
    /// When clamd takes no more.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let mut sent = Ok(());
        for piece in bytes.chunks(CHUNK) {
            chunk.clear();
            // At most CHUNK.
            chunk.extend_from_slice(&u32::try_from(piece.len()).unwrap_or(0).to_be_bytes());
            chunk.extend_from_slice(piece);
            sent = self.wire.write(&chunk);
            if sent.is_err() {
                break;
            }
        }
        self.chunk = chunk;
        sent
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// When clamd has taken too long already.
    pub fn end(&mut self) -> Result<(), Error> {
        // clamd may have said already what it has to say.
        match self.wire.write(&[0; 4]) {
            Ok(()) | Err(Error::Broken(_) | Error::Early) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads what clamd says of what it has got.
    ///
    /// # Errors
    /// When it says nothing that is known.
    pub fn answer(mut self) -> Result<Reply, Error> {
        reply(&read(&mut self.wire)?)
    }
}

/// One answer: up to its zero, or the end.
fn read(wire: &mut Wire) -> Result<String, Error> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match wire.read(&mut buffer)? {
            0 if all.is_empty() => return Err(Error::Silent),
            0 => break,
            n => all.extend_from_slice(&buffer[..n]),
        }
        if all.ends_with(b"\0") {
            break;
        }
        if all.len() > LONGEST {
            return Err(Error::Unknown);
        }
    }
    Ok(String::from_utf8_lossy(&all).trim_end_matches('\0').trim().to_owned())
}

/// `stream: OK`, `stream: NAME FOUND`, `INSTREAM size limit exceeded. ERROR`.
fn reply(text: &str) -> Result<Reply, Error> {
    if text.contains("size limit exceeded") {
        return Ok(Reply::Exceeded);
    }
    if text.ends_with("ERROR") {
        return Err(Error::Refused);
    }
    let said = text.strip_prefix("stream: ").ok_or(Error::Unknown)?;
    if said == "OK" {
        return Ok(Reply::Clean);
    }
    let name = said.strip_suffix(" FOUND").ok_or(Error::Unknown)?;
    // `ExtendedDetectionInfo` adds hash and size, which is somebody's file's.
    Ok(Reply::found(name.rsplit_once('(').map_or(name, |(name, _)| name)))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{TcpListener, TcpStream},
        thread,
    };

    use super::*;

    #[test]
    fn answers_are_known_or_none() {
        assert_eq!(reply("stream: OK").unwrap(), Reply::Clean);
        let found = |name: &str| Reply::Found(name.to_owned());
        assert_eq!(reply("stream: Eicar.UNOFFICIAL FOUND").unwrap(), found("Eicar.UNOFFICIAL"));
        assert_eq!(reply("stream: Eicar(44d88612fea8a8f36de82e1278abb02f:68) FOUND").unwrap(), found("Eicar"));
        assert_eq!(reply("stream: a <b>\u{7f}\u{e9} FOUND").unwrap(), found("a<b>"));
        assert_eq!(reply("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND").unwrap(), Reply::Exceeded);
        assert_eq!(reply("INSTREAM size limit exceeded. ERROR").unwrap(), Reply::Exceeded);
        for refused in ["stream: Can't allocate memory ERROR", "INSTREAM: Can't write to temporary file. ERROR"] {
            assert!(matches!(reply(refused), Err(Error::Refused)), "{refused}");
        }
        for unknown in ["", "OK", "stream: ", "UNKNOWN COMMAND", "stream: OK and more"] {
            assert!(matches!(reply(unknown), Err(Error::Unknown)), "{unknown}");
        }
    }

    /// Serves one connection with `serve`, and says where.
    fn served(serve: impl FnOnce(TcpStream) + Send + 'static) -> Clamd {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        thread::spawn(move || serve(listener.accept().expect("a client").0));
        Clamd::new(&Target::Tcp { host: "127.0.0.1".to_owned(), port })
    }

    #[test]
    fn an_answer_is_read_after_a_write_that_has_failed() {
        let clamd = served(|mut socket| {
            let mut some = [0; 1000];
            socket.read_exact(&mut some).expect("some");
            socket.write_all(b"INSTREAM size limit exceeded. ERROR\0").expect("said");
        });
        let mut stream = clamd.scan(Duration::from_secs(60)).expect("connected");
        let piece = vec![0; CHUNK];
        let failed = (0..10_000).find_map(|_| stream.send(&piece).err());
        assert!(matches!(failed, Some(Error::Broken(_) | Error::Early)), "{failed:?}");
        assert_eq!(stream.answer().expect("an answer"), Reply::Exceeded);
    }

    #[test]
    fn silence_and_an_end_are_no_verdict() {
        let clamd =
            served(|socket| thread::sleep(Duration::from_millis(if socket.nodelay().is_ok() { 500 } else { 0 })));
        assert!(matches!(clamd.scan_bytes(b"x", Duration::from_millis(50)), Err(Error::Timeout)));
        let clamd = served(|mut socket| {
            let mut all = [0; 19];
            let _ = socket.read_exact(&mut all);
        });
        assert!(matches!(clamd.scan_bytes(b"x", Duration::from_secs(60)), Err(Error::Silent)));
        let clamd = Clamd::new(&Target::Unix("/nowhere/at/all".into()));
        assert!(matches!(clamd.ping(), Err(Error::Connect(_))));
    }
}
