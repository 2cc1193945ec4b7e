//! From what officers write and what is known, to the documents that go out: every item that the law asks for is in them, or there are none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    settings::{Name, Of, Settings},
    template::{self, Form, Item},
    wording::{self, Audience, Known, Language},
};
use crate::{
    incident::{
        case::Case,
        law::{Duty, Law},
    },
    registry::{Moment, pledge::sha256},
};

/// The key of what a notice is called.
pub const TITLE: &str = "title";
/// Most bytes of one text.
pub const LONGEST: usize = 8 << 10;
/// Most bytes of all documents: they are kept in the journal, whole.
const MOST: usize = 160 << 10;

/// What officers have written, by language and item.
pub type Texts = BTreeMap<Language, BTreeMap<String, String>>;

/// A document for one language and audience.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// In which language.
    pub language: Language,
    /// Whom it speaks to.
    pub audience: Audience,
    /// What it is called.
    pub title: String,
    /// What stands in the middle of a page or mail, as HTML.
    pub html: String,
    /// The same, as text.
    pub text: String,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({}, {:?})", self.language.tag(), self.audience)
    }
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something that the law asks for is not said.
    #[error("nothing is said of {}", .0.join(", "))]
    Missing(Vec<String>),
    /// Something is said that the law does not ask for.
    #[error("`{0}` is no item of this duty; it has {list}", list = .1.join(", "))]
    NoItem(String, Vec<String>),
    /// A template can't be used for this.
    #[error("{0}")]
    Template(#[from] template::Error),
    /// A template has no place for something that the law asks for.
    #[error("{0} says nothing of {items}: write `{{{{#items}}}}..{{{{/items}}}}`", items = .1.join(", "))]
    LeavesOut(String, Vec<String>),
    /// There is too much of it.
    #[error("the documents have {0} bytes, and no more than {MOST} are kept: write less")]
    TooLong(usize),
}

/// What a document is made from.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The case.
    pub case: &'a Case,
    /// The law, as it was when the case became known.
    pub law: &'a Law,
    /// Its duty.
    pub duty: &'a Duty,
    /// Templates, and who tells.
    pub settings: &'a Settings,
    /// The day that stands in it.
    pub now: Moment,
}

/// An item, as far as it is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The item; its text is empty where nothing is known.
    pub item: Item,
    /// Whether it is still due.
    pub missing: bool,
}

impl Ground<'_> {
    /// All items of the duty in a language, with what is known and what officers have written.
    #[must_use]
    pub fn items(&self, texts: &Texts, language: Language) -> Vec<Filled> {
        let sender = wording::Sender {
            organisation: self.settings.organisation.as_deref(),
            contact: self.settings.contact.as_deref(),
        };
        let own = texts.get(&language);
        let fill = |item: &crate::incident::law::Item| {
            let said = own.and_then(|own| own.get(&item.key)).map(|text| text.trim()).unwrap_or_default();
            let (text, missing) = match wording::known(&item.key, self.case, sender, language) {
                Known::Whole(known) if said.is_empty() => (known, false),
                Known::Part(known) if !said.is_empty() => (format!("{said}\n{known}"), false),
                Known::Part(known) => (known, true),
                Known::Whole(_) | Known::Nothing => (said.to_owned(), said.is_empty()),
            };
            let name = language.of_two(&item.ko, &item.en).to_owned();
            Filled { item: Item { key: item.key.clone(), name, text }, missing }
        };
        self.duty.items.iter().map(fill).collect()
    }

    /// What is still due, as `measures (ko)`; and what is said of nothing that the law asks for.
    ///
    /// # Errors
    /// When something is.
    pub fn check(&self, texts: &Texts) -> Result<(), Error> {
        let known = || self.duty.items.iter().map(|item| item.key.clone()).chain([TITLE.to_owned()]);
        for key in texts.values().flat_map(BTreeMap::keys) {
            if !known().any(|known| known == *key) {
                return Err(Error::NoItem(key.clone(), known().collect()));
            }
        }
        let due = texts.keys().flat_map(|language| {
            let missing = self.items(texts, *language).into_iter().filter(|filled| filled.missing);
            missing.map(|filled| format!("{} ({}): {}", filled.item.key, language.tag(), filled.item.name))
        });
        let due: Vec<String> = due.collect();
        if due.is_empty() { Ok(()) } else { Err(Error::Missing(due)) }
    }

    /// The documents of a notice, in each language that something is written in.
    ///
    /// # Errors
    /// When one can't be made, or says less than the law asks for.
    pub fn notice(&self, texts: &Texts) -> Result<Vec<Document>, Error> {
        self.check(texts)?;
        let mut documents = Vec::new();
        for (language, own) in texts {
            let title = own.get(TITLE).map_or_else(|| wording::title(&self.duty.id, *language), String::as_str);
            for audience in Audience::ALL {
                let status = audience.status(*language);
                let render = |html| self.render(Of::Notice, texts, *language, html, title, status);
                let (html, text) = (render(true)?, render(false)?);
                documents.push(Document { language: *language, audience, title: title.to_owned(), html, text });
            }
        }
        let length = documents.iter().map(|document| document.html.len() + document.text.len()).sum();
        if length > MOST { Err(Error::TooLong(length)) } else { Ok(documents) }
    }

    /// What an authority is told, as a whole page or as text. `status` says what people were told.
    ///
    /// # Errors
    /// When it can't be made, or says less than the law asks for.
    pub fn report(&self, texts: &Texts, language: Language, html: bool, status: &str) -> Result<String, Error> {
        self.check(texts)?;
        let title = language.of_two("개인정보 유출등 신고서", "Notification of a personal data breach");
        self.render(Of::Report, texts, language, html, title, status)
    }

    fn render(
        &self,
        of: Of,
        texts: &Texts,
        language: Language,
        html: bool,
        title: &str,
        status: &str,
    ) -> Result<String, Error> {
        let name = Name { of, language, html };
        let Some(template) = self.settings.templates.of(name) else {
            return Err(Error::LeavesOut(name.file(), vec!["everything".to_owned()]));
        };
        let items: Vec<Item> = self.items(texts, language).into_iter().map(|filled| filled.item).collect();
        let left_out = template.leaves_out(&items);
        if !left_out.is_empty() {
            return Err(Error::LeavesOut(name.file(), left_out.into_iter().map(str::to_owned).collect()));
        }
        let say = |text: &Option<String>| text.clone().unwrap_or_default();
        let link = self.settings.page.as_ref().map(|page| page.link(self.case.number)).unwrap_or_default();
        let people = wording::people(self.case, language);
        let fields = BTreeMap::from([
            ("title", title.to_owned()),
            ("organisation", say(&self.settings.organisation)),
            ("contact", say(&self.settings.contact)),
            ("case", self.case.number.to_string()),
            ("date", self.now.day()),
            ("law", language.of_two(&self.law.name.ko, &self.law.name.en).to_owned()),
            ("status", status.to_owned()),
            ("link", link),
            ("people", people.unwrap_or_else(|| language.of_two("아직 집계하지 않음", "not counted yet").to_owned())),
        ]);
        let form = if html { Form::Html } else { Form::Text };
        Ok(template.render(&fields, &items, form)?)
    }
}

/// What approvals are bound to.
#[must_use]
pub fn fingerprint(documents: &[Document]) -> String {
    sha256(&serde_json::to_string(documents).unwrap_or_default())
}
