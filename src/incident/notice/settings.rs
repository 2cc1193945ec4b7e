//! How people are told. Validated values only; `config` fills them.

use std::{path::PathBuf, time::Duration};

use super::{template::Template, wording::Language};
use crate::{
    common::secret::Secret,
    dial::{address::Address, mail::Server},
};

/// How long a notice is posted where nobody says otherwise: the least that Korea's Enforcement Decree, art. 39(3), asks for.
pub const POSTED: Duration = Duration::from_secs(30 * 86_400);

/// Where notices are posted, on every host: all of them, and below it that of a case.
pub const INDEX: &str = "/.privet/notices";

/// Everything about notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Who tells people.
    pub organisation: Option<String>,
    /// Where they can ask, and report damage.
    pub contact: Option<String>,
    /// Texts around what is told.
    pub templates: Templates,
    /// How it is sent; not at all where it is absent.
    pub channel: Option<Channel>,
    /// Messages a second, at most.
    pub rate: u32,
    /// How long to wait before what was put off is tried again; twice as long each time.
    pub retry: Duration,
    /// Where the public page is seen, as people see it.
    pub page: Option<Page>,
    /// A font with the signs of all languages, for forms as PDF.
    pub font: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            organisation: None,
            contact: None,
            templates: Templates::default(),
            channel: None,
            rate: 10,
            retry: Duration::from_secs(60),
            page: None,
            font: None,
        }
    }
}

/// What messages go out by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A mail server.
    Mail(Mail),
    /// A service of the operator's own that reaches people.
    Webhook(Webhook),
}

/// A mail server, and who writes.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Who writes.
    pub from: String,
    /// The server.
    pub server: Server,
    /// Why it is spoken to in clear.
    pub cleartext_reason: Option<String>,
}

/// Whoever writes has a mailbox, and may be somebody.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mail(by {:?})", self.server)
    }
}

/// Where messages are posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub address: Address,
    /// PEM bundle of the only authorities believed; `None` takes the system's.
    pub ca: Option<PathBuf>,
    /// `Authorization`, where it is asked for.
    pub authorization: Option<Secret>,
}

/// The public page as people reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// `https://HOST` of a site that this gateway serves.
    pub address: Address,
    /// PEM bundle of the only authorities that a look at it believes; `None` takes the system's.
    pub ca: Option<PathBuf>,
    /// How often it is looked whether the page is there.
    pub every: Duration,
}

impl Page {
    /// The page of a case.
    #[must_use]
    pub fn link(&self, case: u64) -> String {
        format!("https://{}{INDEX}/{case}", self.address.host())
    }
}

/// The four texts of a notice and of a report, one a language and form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates(Vec<(Name, Template)>);

/// Which template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// `notice` or `report`.
    pub of: Of,
    /// In which language.
    pub language: Language,
    /// Whether it is HTML.
    pub html: bool,
}

/// What a template is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// What people are told.
    Notice,
    /// What an authority is told.
    Report,
}

impl Name {
    /// All of them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for of in [Of::Notice, Of::Report] {
            for language in Language::ALL {
                all.extend([true, false].map(|html| Self { of, language, html }));
            }
        }
        all
    }

    /// The file that it is read from, such as `notice.ko.html`.
    #[must_use]
    pub fn file(self) -> String {
        let of = if self.of == Of::Notice { "notice" } else { "report" };
        format!("{of}.{}.{}", self.language.tag(), if self.html { "html" } else { "txt" })
    }

    /// What comes with Privet.
    #[must_use]
    pub fn built_in(self) -> &'static str {
        use Language::{English, Korean};
        match (self.of, self.language, self.html) {
            (Of::Notice, Korean, true) => include_str!("templates/notice.ko.html"),
            (Of::Notice, Korean, false) => include_str!("templates/notice.ko.txt"),
            (Of::Notice, English, true) => include_str!("templates/notice.en.html"),
            (Of::Notice, English, false) => include_str!("templates/notice.en.txt"),
            (Of::Report, Korean, true) => include_str!("templates/report.ko.html"),
            (Of::Report, Korean, false) => include_str!("templates/report.ko.txt"),
            (Of::Report, English, true) => include_str!("templates/report.en.html"),
            (Of::Report, English, false) => include_str!("templates/report.en.txt"),
        }
    }
}

impl Default for Templates {
    fn default() -> Self {
        let read = |name: Name| Template::parse(&name.file(), name.built_in()).ok().map(|template| (name, template));
        Self(Name::all().into_iter().filter_map(read).collect())
    }
}

impl Templates {
    /// Takes one's own text in the place of a built-in one.
    pub fn replace(&mut self, name: Name, template: Template) {
        self.0.retain(|(own, _)| *own != name);
        self.0.push((name, template));
    }

    /// That of a name; there is one for each.
    #[must_use]
    pub fn of(&self, name: Name) -> Option<&Template> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, template)| template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_template_is_one() {
        assert_eq!(Templates::default().0.len(), 8);
        for name in Name::all() {
            let template = Template::parse(&name.file(), name.built_in());
            assert!(template.is_ok(), "{template:?}");
        }
    }
}
