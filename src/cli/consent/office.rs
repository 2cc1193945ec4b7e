//! Where consent is kept for a command: in a running gateway, or in the data folder.

use std::{io, path::PathBuf, sync::Arc};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Failed;
use crate::{
    access::{
        consent::{Consents, Desk, NAME, Place, Snapshot, Source, Standing},
        subject::{Subject, Subjects},
    },
    admin::consent::PREFIX,
    cli::control::{Gateway, exchange},
    journal::{self, Stream},
    seal::Ring,
};

/// Consent, and who keeps it.
pub(super) struct Office {
    subjects: Subjects,
    keeper: Keeper,
}

enum Keeper {
    /// A gateway, by its data folder.
    Gateway(PathBuf),
    /// This process.
    Own(Arc<Desk>),
    /// This process, which reads only.
    Reader(Box<Consents>),
}

impl Office {
    /// Looks for a gateway, then into the data folder; `writes` takes its journal.
    pub(super) fn open(gateway: &Gateway, writes: bool) -> Result<Self, Failed> {
        let (place, settings, data_dir) = gateway.consent()?;
        let ring = Ring::load(&place.key_file).map_err(|error| unavailable(&error))?;
        let subjects = Subjects::of(&ring);
        // No such command, but an answer.
        match exchange(&data_dir, Method::GET, PREFIX, "{}".to_owned()) {
            Ok(_) => return Ok(Self { subjects, keeper: Keeper::Gateway(data_dir) }),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(unavailable(&error)),
        }
        if !writes {
            let consents = Consents::load(&place).map_err(|error| unavailable(&error))?;
            return Ok(Self { subjects, keeper: Keeper::Reader(Box::new(consents)) });
        }
        let stream = Stream::open(&settings, ring).map_err(|error| unavailable(&error))?;
        let desk = Desk::open(stream, place).map_err(|error| unavailable(&error))?;
        Ok(Self { subjects, keeper: Keeper::Own(desk) })
    }

    /// Who names people.
    pub(super) fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// Writes down who has agreed and who has withdrawn.
    pub(super) fn change(
        &mut self,
        purpose: &str,
        given: &[Subject],
        withdrawn: &[Subject],
        source: Source,
    ) -> Result<(), Failed> {
        match &self.keeper {
            Keeper::Gateway(_) => {
                let texts = |people: &[Subject]| people.iter().map(Subject::text).collect::<Vec<_>>();
                let said = json!({ "given": texts(given), "withdrawn": texts(withdrawn), "source": source.name() });
                self.ask("/change", purpose, said).map(|_| ())
            }
            Keeper::Reader(_) => Err((3, "consent was opened to be read".to_owned())),
            Keeper::Own(desk) => {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let runtime = runtime.map_err(|error| unavailable(&error))?;
                for (people, agreed) in [(given, true), (withdrawn, false)] {
                    let changed = desk.consents.change(&desk.stream, purpose, people, agreed, source);
                    runtime.block_on(changed).map_err(|error| unavailable(&error))?;
                }
                Ok(())
            }
        }
    }

    /// How it stands with somebody.
    pub(super) fn standing(&self, purpose: &str, subject: &Subject) -> Result<Option<Standing>, Failed> {
        match &self.keeper {
            Keeper::Own(desk) => Ok(desk.consents.standing(purpose, subject)),
            Keeper::Reader(consents) => Ok(consents.standing(purpose, subject)),
            Keeper::Gateway(_) => {
                let answer = self.ask("/show", purpose, json!({ "subject": subject.text() }))?;
                let standing = &answer["standing"];
                let number = |name: &str| standing[name].as_u64().unwrap_or_default();
                let agreed = standing["agreed"].as_bool();
                Ok(agreed.map(|agreed| Standing { agreed, since: number("since"), index: number("record") }))
            }
        }
    }

    /// Saves what this process has changed.
    pub(super) fn close(self) -> Result<(), Failed> {
        match self.keeper {
            Keeper::Own(desk) => desk.save().map_err(|error| unavailable(&error)),
            Keeper::Gateway(_) | Keeper::Reader(_) => Ok(()),
        }
    }

    fn ask(&self, what: &str, purpose: &str, mut said: Value) -> Result<Value, Failed> {
        let Keeper::Gateway(data_dir) = &self.keeper else { return Ok(Value::Null) };
        said["purpose"] = purpose.into();
        said["key"] = format!("{:016x}", self.subjects.fingerprint()).into();
        let (status, answer) = exchange(data_dir, Method::POST, &format!("{PREFIX}{what}"), said.to_string())
            .map_err(|error| unavailable(&error))?;
        if status.is_success() {
            return Ok(answer);
        }
        let code = if status == StatusCode::SERVICE_UNAVAILABLE { 3 } else { 1 };
        Err((code, answer["error"].as_str().unwrap_or("the gateway refuses").to_owned()))
    }
}

impl Gateway {
    /// Where consent is kept, the journal's settings, and the data folder.
    fn consent(&self) -> Result<(Place, journal::Settings, PathBuf), Failed> {
        let Some(config) = self.loaded().map_err(|report| (2, report))? else {
            let data_dir = self.folder();
            let settings = journal::Settings::new(data_dir.join("journal"));
            let place = Place {
                journal: settings.place.clone(),
                snapshot: Snapshot::File(data_dir.join(NAME)),
                key_file: data_dir.join("seal.key"),
            };
            return Ok((place, settings, data_dir));
        };
        let place = crate::app::consent::place(&config);
        let (Some(place), Some(settings)) = (place, config.journal) else {
            let why = "the configuration has no journal, or one for each gateway\n    hint: let `path` of [journal] name one folder, or `postgres` of [store] a database";
            return Err((2, why.to_owned()));
        };
        Ok((place, settings, config.data_dir))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn unavailable(error: &dyn std::error::Error) -> Failed {
    let cause = error.source().map_or_else(String::new, |source| format!(": {source}"));
    (3, format!("{error}{cause}"))
}
