//! A connection to a scanner, all of which is over by a time that is set when it begins. Blocking: whoever scans has a thread for it.

use std::{
    io::{self, Read},
    net::{TcpStream, ToSocketAddrs as _},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use crate::dial::settings::Target;

/// Longest time until a connection is there.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a write waits until it is looked whether the other side has said something meanwhile.
const LOOK: Duration = Duration::from_millis(200);
/// Most bytes of a signature's name that are shown.
const LONGEST_NAME: usize = 200;

/// Why a scanner has not answered. Nothing of what was scanned is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection.
    #[error("the scanner can't be reached")]
    Connect(#[source] io::Error),
    /// It broke.
    #[error("the connection to the scanner broke off")]
    Broken(#[source] io::Error),
    /// It took too long.
    #[error("the scanner took too long")]
    Timeout,
    /// It has spoken before it had everything.
    #[error("the scanner has answered before it had everything")]
    Early,
    /// It ended without an answer, as when the scanner ends.
    #[error("the scanner closed the connection without an answer")]
    Silent,
    /// It can't scan.
    #[error("the scanner answers with an error")]
    Refused,
    /// Nothing that a scanner says.
    #[error("the scanner's answer is not known")]
    Unknown,
}

impl Error {
    /// In a word or two, for logs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Connect(_) => "unreachable",
            Self::Broken(_) => "broken off",
            Self::Timeout => "timeout",
            Self::Early => "answered early",
            Self::Silent => "no answer",
            Self::Refused => "scanner's error",
            Self::Unknown => "unknown answer",
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Timeout,
            _ => Self::Broken(error),
        }
    }
}

/// What a scanner says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// No signature matches.
    Clean,
    /// This one does.
    Found(String),
    /// There is more than its limits let it look at.
    Exceeded,
}

impl Reply {
    /// Something is found, which the scanner calls `name`.
    #[must_use]
    pub fn found(name: &str) -> Self {
        // With `AlertExceedsMax` clamd tells of a limit like of a finding.
        if name.starts_with("Heuristics.Limits.Exceeded") {
            return Self::Exceeded;
        }
        Self::Found(visible(name, LONGEST_NAME))
    }
}

/// What can be shown of words that come from elsewhere.
#[must_use]
pub fn visible(text: &str, most: usize) -> String {
    text.chars().filter(char::is_ascii_graphic).take(most).collect()
}

/// A connection.
#[derive(Debug)]
pub struct Wire {
    socket: Socket,
    deadline: Instant,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Wire {
    /// Connects; everything has to be over in this time.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn connect(target: &Target, patience: Duration) -> Result<Self, Error> {
        let deadline = Instant::now() + patience;
        let connected = match target {
            Target::Unix(path) => UnixStream::connect(path).map(Socket::Unix),
            Target::Tcp { host, port } => connect_tcp(host, *port, CONNECT.min(patience)).map(Socket::Tcp),
        };
        Ok(Self { socket: connected.map_err(Error::Connect)?, deadline })
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// When that can't be, or takes too long, or the other side speaks instead of reading.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        use std::io::Write as _;
        while !bytes.is_empty() {
            let slice = self.left()?.min(LOOK);
            let written = match &mut self.socket {
                Socket::Unix(socket) => socket.set_write_timeout(Some(slice)).and_then(|()| socket.write(bytes)),
                Socket::Tcp(socket) => socket.set_write_timeout(Some(slice)).and_then(|()| socket.write(bytes)),
            };
            match written {
                Ok(0) => return Err(Error::Broken(io::ErrorKind::WriteZero.into())),
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if self.has_spoken() {
                        return Err(Error::Early);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether the other side has said something, or has ended, as far as that can be told without waiting.
    #[must_use]
    pub fn has_spoken(&self) -> bool {
        let Socket::Tcp(socket) = &self.socket else { return false };
        let peeked = socket.set_nonblocking(true).and_then(|()| socket.peek(&mut [0]));
        socket.set_nonblocking(false).is_err() || peeked.is_ok()
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.left()?;
            let read = match &mut self.socket {
                Socket::Unix(socket) => socket.set_read_timeout(Some(left)).and_then(|()| socket.read(buffer)),
                Socket::Tcp(socket) => socket.set_read_timeout(Some(left)).and_then(|()| socket.read(buffer)),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

fn connect_tcp(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
