//! Brings checkpoints to where the operator's hands don't reach: a file that is only appended to, a URL, a mailbox.
//!
//! A witness that can be asked is asked first. One that holds a larger checkpoint than the journal's, or one that the journal does not
//! begin with, has seen a history that is not there any more: nothing is worse, and nothing is sent then.

mod mail;

use std::{
    fs::OpenOptions,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;

use super::{
    checkpoint::{self, Checkpoint, Verifier, notes},
    place::Place,
    settings::{To, Witness as Settings},
    tree::Hash,
    verify::root_at,
};
use crate::dial::asker::{self, Asker};

/// Longest time that a witness is waited for.
const DEADLINE: Duration = Duration::from_secs(30);
/// Most bytes of a witness's file.
const LONGEST: u64 = 256 << 20;

/// Why a witness has not taken a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It holds a larger one.
    #[error(
        "it holds a checkpoint over {theirs} records, and the journal has signed for {ours}: the journal was rolled back, or another one goes on with its key"
    )]
    Rollback {
        /// Records that it has seen.
        theirs: u64,
        /// Records that the journal has signed for.
        ours: u64,
    },
    /// It holds one that the journal does not begin with.
    #[error(
        "it holds a checkpoint over {0} records that are not the first {0} of the journal: the journal was rewritten"
    )]
    Fork(u64),
    /// It says that it does not agree, and shows nothing.
    #[error("it answers that it holds another checkpoint (409)")]
    Disagrees,
    /// It says something else than that it has taken it.
    #[error("it answers with {0}")]
    Status(StatusCode),
    /// There is nothing to bring yet.
    #[error(
        "the journal has no signed checkpoint yet: a running gateway signs one within `[journal] checkpoint` (10s)"
    )]
    Unsigned,
    /// A file can't be used.
    #[error("it can't be read or written: {0}")]
    Io(#[from] io::Error),
    /// There is no answer.
    #[error("{0}")]
    Asker(#[from] asker::Error),
    /// The mail can't be sent.
    #[error("{0}")]
    Mail(#[from] mail::Error),
    /// What was to be sent is no checkpoint.
    #[error("the journal's checkpoint can't be used: {0}")]
    Checkpoint(#[from] checkpoint::Error),
}

impl Error {
    /// Whether it is no mere trouble on the way: somebody has to look.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        matches!(self, Self::Rollback { .. } | Self::Fork(_) | Self::Disagrees)
    }
}

/// What has become of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It was taken.
    Taken(u64),
    /// It was there already.
    Known(u64),
}

/// One witness, and what it is known to hold.
#[derive(Debug)]
pub struct Witness {
    to: To,
    asker: Asker,
    agreed: Option<(u64, Hash)>,
}

impl Witness {
    /// One that nothing is known of.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let ca = if let To::Url { ca, .. } = &settings.to { ca.clone() } else { None };
        Self { to: settings.to.clone(), asker: Asker::new(ca, DEADLINE), agreed: None }
    }

    /// Brings it a signed checkpoint of the journal at `place`.
    ///
    /// # Errors
    /// When it does not take it, and why.
    pub async fn send(&mut self, note: &str, key: &Verifier, place: &Place) -> Result<Sent, Error> {
        let own = key.check(note.as_bytes())?;
        let mark = (own.size, own.root);
        if self.agreed == Some(mark) && !matches!(self.to, To::File(_)) {
            return Ok(Sent::Known(own.size));
        }
        let (size, note) = (own.size, note.to_owned());
        let sent = match &self.to {
            To::File(path) => {
                let visit = Visit { path: path.clone(), place: place.clone(), key: key.clone(), own, note };
                let agreed = self.agreed;
                tokio::task::spawn_blocking(move || visit.run(agreed)).await.map_err(io::Error::other)??
            }
            To::Url { address, authorization, .. } => {
                let mut request = Request::new(Full::from(Bytes::from(note)));
                *request.method_mut() = Method::POST;
                let headers = request.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
                if let Some(value) = authorization.as_ref().and_then(|text| HeaderValue::from_str(text.expose()).ok()) {
                    headers.insert(header::AUTHORIZATION, value);
                }
                let answer = self.asker.ask(address, request).await?;
                match answer.status() {
                    status if status.is_success() => Sent::Taken(size),
                    StatusCode::CONFLICT => return Err(shown(answer.body(), key, &own)),
                    status => return Err(Error::Status(status)),
                }
            }
            To::Mail(settings) => {
                mail::send(settings, &own.origin, size, &note, DEADLINE).await?;
                Sent::Taken(size)
            }
        };
        self.agreed = Some(mark);
        Ok(sent)
    }
}

/// What a witness that disagrees shows for it.
fn shown(body: &[u8], key: &Verifier, own: &Checkpoint) -> Error {
    let theirs = notes(body).iter().filter_map(|note| key.check(note.as_bytes()).ok()).max_by_key(|one| one.size);
    match theirs {
        Some(theirs) if theirs.size > own.size => Error::Rollback { theirs: theirs.size, ours: own.size },
        Some(theirs) if theirs.size == own.size && theirs.root != own.root => Error::Fork(theirs.size),
        _ => Error::Disagrees,
    }
}

/// One visit to a file.
struct Visit {
    path: PathBuf,
    place: Place,
    key: Verifier,
    own: Checkpoint,
    note: String,
}

impl Visit {
    fn run(self, agreed: Option<(u64, Hash)>) -> Result<Sent, Error> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        let mut text = Vec::new();
        (&mut file).take(LONGEST).read_to_end(&mut text)?;
        let kept = notes(&text);
        let mut kept: Vec<Checkpoint> = kept.iter().filter_map(|note| self.key.check(note.as_bytes()).ok()).collect();
        kept.sort_by_key(|one| one.size);
        if let Some([one, _]) = kept.windows(2).find(|two| two[0].size == two[1].size && two[0].root != two[1].root) {
            return Err(Error::Fork(one.size));
        }
        if let Some(theirs) = kept.last() {
            if theirs.size > self.own.size {
                return Err(Error::Rollback { theirs: theirs.size, ours: self.own.size });
            }
            // What this process has agreed on is the beginning of all that it has signed since.
            if agreed != Some((theirs.size, theirs.root)) && !self.begins_with(theirs)? {
                return Err(Error::Fork(theirs.size));
            }
            if theirs.size == self.own.size {
                return Ok(Sent::Known(self.own.size));
            }
        }
        // Whatever was not written to its end stays apart from this.
        let apart = if text.is_empty() || text.ends_with(b"\n\n") { "" } else { "\n\n" };
        file.write_all(format!("{apart}{}\n", self.note).as_bytes())?;
        file.sync_all()?;
        Ok(Sent::Taken(self.own.size))
    }

    fn begins_with(&self, theirs: &Checkpoint) -> io::Result<bool> {
        if theirs.size == self.own.size {
            return Ok(theirs.root == self.own.root);
        }
        Ok(root_at(&self.place.files()?, theirs.size)? == Some(theirs.root))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        journal::{Journal, Kind, Record, Settings as JournalSettings},
        seal::Ring,
    };

    /// A journal in `dir` that has so many records more; its newest checkpoint and key.
    fn grown(dir: &Path, records: u64) -> (String, Verifier) {
        let ring = Ring::load_or_make(&dir.join("seal.key")).expect("keys");
        let journal = Journal::open(&JournalSettings::new(dir.join("journal")), ring).expect("opened");
        let key = Verifier::parse(&journal.verifier()).expect("a key");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for _ in 0..records {
            runtime.block_on(journal.append(&Record::sign_ins(Kind::SignInMissed, 1))).expect("written");
        }
        let signed = journal.signed();
        drop(journal);
        (signed.borrow().to_string(), key)
    }

    fn send(witness: &mut Witness, note: &str, key: &Verifier, dir: &Path) -> Result<Sent, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(witness.send(note, key, &dir.join("journal").into()))
    }

    #[test]
    fn a_file_is_appended_to_and_tells_of_a_rollback() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        let kept = dir.join("kept");
        let settings = Settings { to: To::File(kept.clone()), every: DEADLINE };
        let new = || Witness::new(&settings);
        let mut witness = new();
        let (first, key) = grown(dir, 3);
        assert!(matches!(send(&mut witness, &first, &key, dir), Ok(Sent::Taken(3))));
        assert!(matches!(send(&mut witness, &first, &key, dir), Ok(Sent::Known(3))));
        let (second, _) = grown(dir, 2);
        assert!(matches!(send(&mut witness, &second, &key, dir), Ok(Sent::Taken(5))));
        let text = std::fs::read_to_string(&kept).expect("a file");
        assert_eq!(notes(text.as_bytes()), [first.clone(), second.clone()]);
        // Rolled back to its first checkpoint.
        let before = |error: &Error| matches!(error, Error::Rollback { theirs: 5, ours: 3 }) && error.is_alarm();
        assert!(send(&mut new(), &first, &key, dir).is_err_and(|error| before(&error)));
        assert_eq!(std::fs::read_to_string(&kept).expect("a file"), text, "nothing is written then");
        // What is half written is passed over.
        std::fs::write(&kept, format!("{text}{}", &first[..20])).expect("written");
        let (third, _) = grown(dir, 1);
        assert!(matches!(send(&mut new(), &third, &key, dir), Ok(Sent::Taken(6))));
        let text = std::fs::read(&kept).expect("a file");
        assert_eq!(notes(&text), [first, second, third.clone()]);
        // Another history under the same key.
        let signer = std::fs::read(dir.join("journal/checkpoint.key")).expect("a key");
        let other = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(other.path().join("journal")).expect("made");
        std::fs::write(other.path().join("journal/checkpoint.key"), signer).expect("written");
        let (forked, key) = grown(other.path(), 9);
        assert!(matches!(send(&mut new(), &forked, &key, other.path()), Err(Error::Fork(6))));
        assert_eq!(std::fs::read(&kept).expect("a file"), text);
    }

    #[test]
    fn what_a_witness_shows_is_believed_by_its_signature_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let (first, key) = grown(dir.path(), 2);
        let (second, _) = grown(dir.path(), 2);
        let own = key.check(first.as_bytes()).expect("signed");
        assert!(matches!(shown(second.as_bytes(), &key, &own), Error::Rollback { theirs: 4, ours: 2 }));
        assert!(matches!(shown(second.replace("\n4\n", "\n5\n").as_bytes(), &key, &own), Error::Disagrees));
        assert!(matches!(shown(b"no", &key, &own), Error::Disagrees));
    }
}
