//! A file of signatures that can't wait: read, laid into clamd's folder, and proved there.
//!
//! clamd answers `RELOADING` and reads afterwards; where it can't, it goes on with what it had and says so in its own log alone. So the last
//! line that is laid down is a signature of ours, and until clamd finds a sample for it nothing is proved. A line that clamd can't read costs
//! it the whole file; rules of YARA are another matter ([`yara`]).

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aws_lc_rs::rand;
use md5::{Digest as _, Md5};

use super::{
    clamd::Clamd,
    scanner::hex,
    seen::Fingerprint,
    wire::{self, Reply},
    yara,
};
use crate::common::replace::replace;

/// How often clamd is asked whether it has read the file.
const LOOK: Duration = Duration::from_millis(250);
/// Most bytes of a file.
pub const LONGEST: usize = 700 << 10;

/// What signatures are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Hashes of whole files.
    Hashes,
    /// Bytes within files.
    Bytes,
    /// Rules of YARA.
    Yara,
}

impl Kind {
    fn extension(self) -> &'static str {
        match self {
            Self::Hashes => "hdb",
            Self::Bytes => "ndb",
            Self::Yara => "yar",
        }
    }
}

/// A file of signatures, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbreak {
    /// Of what they are made.
    pub kind: Kind,
    /// How many there are.
    pub signatures: usize,
    name: String,
    text: String,
    wanted: Vec<Wanted>,
    rules: Vec<String>,
}

/// A hash signature.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    hash: Vec<u8>,
    size: Option<u64>,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// What, and how to mend it.
    pub what: &'static str,
}

/// Why a file is not in force.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder can't be written.
    #[error("clamd's folder of signatures can't be written: {0}")]
    Folder(#[from] io::Error),
    /// clamd did not answer.
    #[error("clamd could not be asked to read it: {0}")]
    Clamd(#[from] wire::Error),
    /// clamd has not taken it.
    #[error(
        "clamd did not take the file within {} seconds: it was taken away again, and what clamd had before goes on; its log says what is wrong",
        .0.as_secs()
    )]
    Refused(Duration),
    /// No random bytes.
    #[error("the system gave no random bytes")]
    Random,
}

impl Outbreak {
    /// Reads a file called `name`.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, Fault> {
        let fault = |what| Fault { line: 1, what };
        let path = Path::new(name);
        let kind = match path.extension().and_then(|extension| extension.to_str()) {
            Some("hdb") => Kind::Hashes,
            Some("ndb") => Kind::Bytes,
            Some("yar" | "yara") => Kind::Yara,
            _ => return Err(fault("the name of a file of signatures ends with .hdb, .ndb or .yar")),
        };
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if !(1..=64).contains(&stem.len()) || !stem.bytes().all(legal) {
            return Err(fault("the file's name must be 1 to 64 letters, digits, `-` or `_` before its ending"));
        }
        if text.len() > LONGEST {
            return Err(fault("it is longer than 700 KiB: take the signatures that can't wait"));
        }
        if text.contains('\0') {
            return Err(fault("it is no text"));
        }
        let name = format!("privet-{stem}.{}", kind.extension());
        let mut read = Self { kind, signatures: 0, name, text: text.to_owned(), wanted: Vec::new(), rules: Vec::new() };
        match kind {
            Kind::Yara => read.yara()?,
            Kind::Hashes | Kind::Bytes => read.lines()?,
        }
        if read.signatures == 0 {
            return Err(fault("there is no signature in it"));
        }
        Ok(read)
    }

    fn lines(&mut self) -> Result<(), Fault> {
        for (n, line) in self.text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = line.split(':').collect();
            let checked = match self.kind {
                Kind::Hashes => hash(&fields).map(|wanted| self.wanted.push(wanted)),
                _ => body(&fields),
            };
            checked.map_err(|what| Fault { line: n + 1, what })?;
            self.signatures += 1;
        }
        Ok(())
    }

    /// What rules say is clamd's to judge; what it can't have is told here.
    fn yara(&mut self) -> Result<(), Fault> {
        self.rules = yara::rules(&self.text).map_err(|(line, what)| Fault { line, what })?;
        self.signatures = self.rules.len();
        Ok(())
    }

    /// What may match these signatures among files that are known by their hashes: nobody can tell where they are not made of hashes.
    #[must_use]
    pub fn can_be_answered(&self) -> bool {
        // Of other hashes nothing is remembered.
        self.kind == Kind::Hashes && self.wanted.iter().all(|wanted| wanted.hash.len() != 20)
    }

    /// Whether one of its hashes is this file's.
    #[must_use]
    pub fn matches(&self, file: &Fingerprint) -> bool {
        self.wanted.iter().any(|wanted| {
            let hash = wanted.hash.as_slice();
            (hash == file.md5 || hash == file.sha256) && wanted.size.is_none_or(|size| size == file.size)
        })
    }

    /// Lays it into clamd's folder and waits until clamd has read it to its end. Blocking.
    ///
    /// # Errors
    /// When it is not in force; the folder is as it was then.
    pub fn install(&self, clamd: &Clamd, folder: &Path, patience: Duration) -> Result<PathBuf, Error> {
        let mut random = [0; 16];
        rand::fill(&mut random).map_err(|_| Error::Random)?;
        let canary = Canary::new(&hex(&random));
        let path = folder.join(&self.name);
        let before = match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let line_end = if self.text.ends_with('\n') { "" } else { "\n" };
        let text = format!("{}{line_end}{}\n", self.text, canary.signature(self));
        // clamd may be another user.
        replace(&path, 0o644, text.as_bytes())?;
        let proved = clamd.reload().map_err(Error::from).and_then(|()| prove(clamd, &canary, patience));
        if let Err(error) = proved {
            match before {
                Some(bytes) => replace(&path, 0o644, &bytes)?,
                None => fs::remove_file(&path)?,
            }
            // Where it does not answer it reads the folder at its next start.
            let _ = clamd.reload();
            return Err(error);
        }
        Ok(path)
    }
}

fn prove(clamd: &Clamd, canary: &Canary, patience: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Refused(patience));
        }
        // One that does not answer may be reading.
        if let Ok(Reply::Found(name)) = clamd.scan_bytes(canary.sample.as_bytes(), left)
            && name.to_ascii_lowercase().contains(&canary.name.to_ascii_lowercase())
        {
            return Ok(());
        }
        std::thread::sleep(LOOK.min(left));
    }
}

/// A made-up sample, and the signature that finds it alone.
struct Canary {
    name: String,
    sample: String,
}

impl Canary {
    fn new(random: &str) -> Self {
        Self {
            name: format!("privet_canary_{random}"),
            sample: format!("a canary of Privet, which is harmless: {random}"),
        }
    }

    fn signature(&self, outbreak: &Outbreak) -> String {
        let Self { name, sample } = self;
        match outbreak.kind {
            Kind::Hashes => format!("{}:{}:{name}", hex(&Md5::digest(sample.as_bytes())), sample.len()),
            Kind::Bytes => format!("{name}:0:*:{}", hex(sample.as_bytes())),
            Kind::Yara => yara::proof(name, sample, &outbreak.rules),
        }
    }
}

/// `HASH:SIZE:NAME`, and levels of the engine.
fn hash(fields: &[&str]) -> Result<Wanted, &'static str> {
    const WANTED: &str = "a hash signature is HASH:SIZE:NAME, such as 44d88612fea8a8f36de82e1278abb02f:68:Eicar";
    let [hash, size, name, levels @ ..] = fields else { return Err(WANTED) };
    if !matches!(hash.len(), 32 | 40 | 64) || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("its hash is neither MD5, SHA-1 nor SHA-256 in hexadecimal");
    }
    let size = match *size {
        "*" if levels.is_empty() => {
            return Err("a hash of any size needs the engine's level behind its name: HASH:*:NAME:73");
        }
        "*" => None,
        size => Some(size.parse().map_err(|_| WANTED)?),
    };
    if !is_name(name) || !are_levels(levels) {
        return Err(WANTED);
    }
    let digit = |at: usize| u8::from_str_radix(hash.get(at..at + 2).unwrap_or_default(), 16).unwrap_or(0);
    Ok(Wanted { hash: (0..hash.len()).step_by(2).map(digit).collect(), size })
}

/// `NAME:TARGET:OFFSET:HEX`, and levels of the engine.
fn body(fields: &[&str]) -> Result<(), &'static str> {
    const WANTED: &str = "a body signature is NAME:TARGET:OFFSET:HEX, such as Eicar:0:*:58354f2150254041";
    let [name, target, offset, hex, levels @ ..] = fields else { return Err(WANTED) };
    let legal = |b: u8| b.is_ascii_hexdigit() || b"?*{}()|-![]LBWaw".contains(&b);
    if !is_name(name) || !are_levels(levels) || target.parse::<u8>().map_or(true, |target| target > 13) {
        return Err(WANTED);
    }
    if offset.is_empty() || offset.contains(char::is_whitespace) {
        return Err(WANTED);
    }
    if hex.len() < 4 || !hex.bytes().all(legal) {
        return Err("its bytes are not in hexadecimal");
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic())
}

fn are_levels(levels: &[&str]) -> bool {
    levels.len() <= 2 && levels.iter().all(|level| level.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EICAR: &str = "44d88612fea8a8f36de82e1278abb02f:68:Eicar";

    #[test]
    fn files_are_read_line_by_line() {
        let read =
            Outbreak::read("a/outbreak-7.hdb", &format!("# ours\n{EICAR}\n\n{}:*:Any:73\n", "ab".repeat(32))).unwrap();
        assert_eq!((read.kind, read.signatures, &*read.name), (Kind::Hashes, 2, "privet-outbreak-7.hdb"));
        let file = |md5: &str, size| {
            let mut hash = [0; 16];
            hash.copy_from_slice(&super::hash(&[md5, "1", "x"]).unwrap().hash);
            Fingerprint { md5: hash, sha256: [0xab; 32], size }
        };
        assert!(read.can_be_answered() && read.matches(&file("44d88612fea8a8f36de82e1278abb02f", 1)), "by SHA-256");
        let only = Outbreak::read("x.hdb", EICAR).unwrap();
        assert!(only.matches(&file("44d88612fea8a8f36de82e1278abb02f", 68)));
        assert!(!only.matches(&file("44d88612fea8a8f36de82e1278abb02f", 69)));
        let bytes = Outbreak::read("x.ndb", "Eicar:0:*:58354f2150??{4-8}254041\nB:1:EP+0:aabbccdd:51").unwrap();
        assert!(bytes.signatures == 2 && !bytes.can_be_answered());
        let yara = Outbreak::read("x.yara", "rule a { condition: false }\nprivate rule b\n{ condition: a }\n").unwrap();
        assert_eq!((yara.signatures, &*yara.name), (2, "privet-x.yar"));
        assert!(!Outbreak::read("x.hdb", &format!("{}:1:a", "ab".repeat(20))).unwrap().can_be_answered());
    }

    #[test]
    fn what_clamd_could_not_read_is_told_with_its_line() {
        for (name, text, line) in [
            ("x.txt", EICAR, 1),
            ("a b.hdb", EICAR, 1),
            (".hdb", EICAR, 1),
            ("x.hdb", "", 1),
            ("x.hdb", "# nothing\n", 1),
            ("x.hdb", "44d8:68:Eicar", 1),
            ("x.hdb", &format!("{EICAR}\nnonsense"), 2),
            ("x.hdb", "44d88612fea8a8f36de82e1278abb02f:*:Eicar", 1),
            ("x.hdb", "44d88612fea8a8f36de82e1278abb02f:many:Eicar", 1),
            ("x.ndb", "Eicar:0:*", 1),
            ("x.ndb", "Eicar:99:*:58354f", 1),
            ("x.ndb", "Eicar:0:*:xyzxyz", 1),
            ("x.ndb", "Eicar:0:*:58354f\0", 1),
            ("x.yar", "import \"pe\"\nrule a { condition: true }", 1),
            ("x.yar", "// rules\ninclude \"y.yar\"", 2),
        ] {
            let fault = Outbreak::read(name, text).expect_err(text);
            assert_eq!(fault.line, line, "{name} {text}: {fault}");
        }
    }
}
