//! Where a journal is: in a folder, or in a database as one of its chains.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    disk::{Files, Folder},
    hold,
    postgres::{Moment, Postgres, Reader, is_held},
};

/// The chain of all gateways of a database, which what they decide by is folded from.
pub const SHARED: u16 = 0;

/// Where a journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder. A `*` in its name stands for the lowest number of a folder that no other gateway writes.
    Folder(PathBuf),
    /// A database.
    Database {
        /// Which.
        postgres: Arc<Postgres>,
        /// The chain's number; none stands for the lowest that no other gateway writes.
        chain: Option<u16>,
    },
}

impl Place {
    /// Whether it stands for several journals, of which each gateway has one.
    #[must_use]
    pub fn is_many(&self) -> bool {
        match self {
            Self::Folder(path) => hold::pattern(path).is_some(),
            Self::Database { chain, .. } => chain.is_none(),
        }
    }

    /// The database, where it is in one.
    #[must_use]
    pub fn postgres(&self) -> Option<&Arc<Postgres>> {
        if let Self::Database { postgres, .. } = self { Some(postgres) } else { None }
    }

    /// The journal that who may what and who has agreed are folded from; none where each gateway has a folder.
    #[must_use]
    pub fn shared(&self) -> Option<Self> {
        match self {
            Self::Folder(path) if hold::pattern(path).is_some() => None,
            Self::Folder(_) => Some(self.clone()),
            Self::Database { postgres, .. } => {
                Some(Self::Database { postgres: Arc::clone(postgres), chain: Some(SHARED) })
            }
        }
    }

    /// The journals that each gateway writes for itself, those that are there.
    ///
    /// # Errors
    /// When they can't be looked for.
    pub fn own(&self) -> io::Result<Vec<Self>> {
        match self {
            Self::Folder(_) => self.all(),
            Self::Database { postgres, .. } => {
                let all = Self::Database { postgres: Arc::clone(postgres), chain: None }.all()?;
                Ok(all.into_iter().filter(|place| place.chain() != SHARED).collect())
            }
        }
    }

    /// The journals that are there; one that does not stand for several stands for itself.
    ///
    /// # Errors
    /// When they can't be looked for.
    pub fn all(&self) -> io::Result<Vec<Self>> {
        match self {
            Self::Folder(path) => Ok(hold::folders(path)?.into_iter().map(Self::Folder).collect()),
            Self::Database { postgres, chain: None } => {
                let chains = Moment::open(postgres)?.map_or_else(|| Ok(Vec::new()), |moment| moment.chains())?;
                let one = |chain| Self::Database { postgres: Arc::clone(postgres), chain: Some(chain) };
                Ok(chains.into_iter().map(one).collect())
            }
            Self::Database { .. } => Ok(vec![self.clone()]),
        }
    }

    /// Its files, to be read. Of a database it is one moment.
    ///
    /// # Errors
    /// When it is not there, or can't be read.
    pub fn files(&self) -> io::Result<Box<dyn Files>> {
        Ok(match self {
            Self::Folder(path) => {
                // Who is told of a folder that is none should not hear that all is well.
                std::fs::read_dir(path)?;
                Box::new(Folder::new(path))
            }
            Self::Database { postgres, chain } => Box::new(Reader::open(postgres, chain.unwrap_or(SHARED))?),
        })
    }

    /// The journals that are there, and their files. All chains of a database are of one moment.
    ///
    /// # Errors
    /// When they can't be looked for, or one can't be read.
    pub fn moment(&self) -> io::Result<Vec<(Self, Box<dyn Files>)>> {
        let Self::Database { postgres, chain: None } = self else {
            return self.all()?.into_iter().map(|place| Ok((place.clone(), place.files()?))).collect();
        };
        let Some(moment) = Moment::open(postgres)? else { return Ok(Vec::new()) };
        let one = |chain| {
            let files: Box<dyn Files> = Box::new(moment.chain(chain)?);
            Ok((Self::Database { postgres: Arc::clone(postgres), chain: Some(chain) }, files))
        };
        moment.chains()?.into_iter().map(one).collect()
    }

    /// Whether a process writes it.
    ///
    /// # Errors
    /// When that can't be seen.
    pub fn is_held(&self) -> io::Result<bool> {
        match self {
            Self::Folder(path) => hold::is_held(path),
            Self::Database { postgres, chain } => Ok(is_held(postgres, chain.unwrap_or(SHARED))?),
        }
    }

    /// The number of the process that has last taken a folder for writing, as it was written down; whether it still has it
    /// [`Place::is_held`] tells.
    #[must_use]
    pub fn writer(&self) -> Option<u32> {
        let Self::Folder(path) = self else { return None };
        hold::writer(path)
    }

    /// Its name among others.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Folder(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Database { chain: Some(SHARED), .. } => "shared".to_owned(),
            Self::Database { chain, .. } => chain.map_or_else(|| "*".to_owned(), |chain| chain.to_string()),
        }
    }

    /// Its number among the chains of a database.
    #[must_use]
    pub fn chain(&self) -> u16 {
        if let Self::Database { chain: Some(chain), .. } = self { *chain } else { SHARED }
    }

    /// The folder, where it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        if let Self::Folder(path) = self { Some(path) } else { None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Database { postgres, chain: None } => write!(f, "{postgres}"),
            Self::Database { postgres, chain: Some(SHARED) } => write!(f, "{postgres}, the chain of all gateways"),
            Self::Database { postgres, chain: Some(chain) } => write!(f, "{postgres}, chain {chain}"),
        }
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::Folder(path)
    }
}
