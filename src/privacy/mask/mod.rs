//! Masks: what a body may show to whom. Which mask holds for a request is not decided here; whoever knows the reader hands one in.
//!
//! [`Mask`] is the rule, [`Rewriter`] applies it to one body as it comes, [`Found`] tells what was rewritten, what was
//! left as it is, and where. A [`Judge`] is asked about each record in it, and hears of what leaves unmasked. A [`canary::Canary`] is planted among
//! records where that is asked for.

pub mod canary;
mod found;
mod judge;
mod masker;
mod planter;
mod reader;
pub mod returned;
mod rewriter;
mod script;
pub mod settings;

use std::sync::Arc;

pub use found::{Found, Row, is_field_name};
pub use judge::{Facts, Judge, Verdict, agreed};
pub use masker::Masker;
pub use rewriter::Rewriter;

use super::{Engine, Kind, Kinds, settings::Operator};
use crate::format::{Path, path::Pattern};

/// What is masked, and how.
#[derive(Debug)]
pub struct Mask {
    engine: Arc<Engine>,
    paths: Vec<Pattern>,
    reveal: Kinds,
    id: String,
}

/// Types that are credentials. A body hands them to the client itself, which can't go on without them.
const CREDENTIALS: [Kind; 5] =
    [Kind::Jwt, Kind::BearerToken, Kind::BasicCredentials, Kind::SessionCookie, Kind::ApiKey];

impl Mask {
    /// A mask of everything that `engine` finds, and of all that lies at `paths`. `id` is different for every mask: it keeps the
    /// entity tags of one from being taken for another's. It shows nothing but ASCII letters and digits.
    #[must_use]
    pub fn new(engine: Arc<Engine>, paths: Vec<Pattern>, id: String) -> Self {
        Self { engine, paths, reveal: Kinds::default(), id }
    }

    /// The same, but that values of some types are found, counted and left as they are. What a path names stays masked unless
    /// `BY_PATH` is among the types.
    #[must_use]
    pub fn revealing(self, reveal: Kinds) -> Self {
        Self { reveal, ..self }
    }

    /// A mask of the same that leaves `reveal` as it is, and is told from others by `id`.
    #[must_use]
    pub fn with(&self, reveal: Kinds, id: String) -> Self {
        Self { engine: Arc::clone(&self.engine), paths: self.paths.clone(), reveal, id }
    }

    /// What tells it from other masks.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn covers(&self, path: &Path) -> bool {
        self.paths.iter().any(|pattern| pattern.covers(path))
    }
}

/// The settings of a mask's engine: those of all outputs, but that people who read see `mask` unless a type has an operator of its
/// own, and that credentials are left to whom they are sent.
#[must_use]
pub fn engine_settings(all: &super::settings::Settings) -> super::settings::Settings {
    let mut settings = all.clone();
    settings.operator = Operator::Mask;
    settings.off.extend(CREDENTIALS);
    settings
}

#[cfg(test)]
mod tests;
