//! Identity providers that say who is there, and what their directories call people.

use serde::{Deserialize, Serialize};

use super::{
    decide::{Deciding, LINE, text},
    denied::Denied,
    event::Event,
    person::PersonId,
    state::Dossier,
};

/// Who has issued the names of providers: Privet itself. No realm's account and no provider's person is called with a colon by it.
const ISSUER: &str = "privet";
/// What the name of a provider begins with.
const PREFIX: &str = "scim:";

/// A provider that has proved which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What it is called in the configuration.
    pub name: String,
    /// Whose people it speaks of.
    pub issuer: String,
}

impl Provider {
    /// As the one who has done something.
    #[must_use]
    pub fn person(&self) -> PersonId {
        PersonId::new(ISSUER, &format!("{PREFIX}{}", self.name))
    }
}

/// What a directory calls somebody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What they sign in as there; no two people of an issuer share one, whatever its case.
    pub user_name: String,
    /// What the directory itself knows them by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

impl Entry {
    /// Whether this is its user name. Its case does not matter (RFC 7643, section 4.1.1).
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.user_name.to_lowercase() == name.to_lowercase()
    }
}

impl std::fmt::Debug for Entry {
    /// Without the names: they are personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry")
    }
}

impl Deciding<'_> {
    /// What happens when a directory has this entry for somebody, and says whether they are there; nothing where all is so already.
    pub(super) fn provision(
        &self,
        person: PersonId,
        entry: Option<Entry>,
        active: bool,
        provider: &Provider,
    ) -> Result<Vec<Event>, Denied> {
        if person.issuer != provider.issuer {
            return Err(Denied::OtherIssuer);
        }
        text("subject", &person.subject, LINE)?;
        if let Some(entry) = &entry {
            text("userName", &entry.user_name, LINE)?;
            entry.external_id.as_deref().map_or(Ok(()), |id| text("externalId", id, LINE))?;
            let same = |known: &Dossier| known.entry.as_ref().is_some_and(|other| other.is_called(&entry.user_name));
            let mut others =
                self.state.people().filter(|(other, _)| other.issuer == person.issuer && **other != person);
            if others.any(|(_, known)| same(known)) {
                return Err(Denied::NameTaken);
            }
        }
        let known = self.state.person(&person);
        let left = known.is_some_and(|known| known.left.is_some());
        let joined = known.is_some_and(|known| known.joined.is_some() && !left);
        let by = provider.person();
        let listed = (known.and_then(|known| known.entry.as_ref()) != entry.as_ref()).then(|| Event::Listed {
            person: person.clone(),
            entry,
            by: by.clone(),
        });
        let mut events = Vec::new();
        if active {
            // Whom an officer has let go does not come back by what a directory says, which may be late.
            let by_provider = |known: &Dossier| known.left_by.as_ref().is_some_and(|by| by.issuer == ISSUER);
            if left && !known.is_some_and(by_provider) {
                return Err(Denied::LetGo);
            }
            events.extend(listed);
            if !joined {
                events.push(Event::Joined { person, name: None, by });
            }
        } else {
            // The loss first: what follows may fail.
            if !left {
                events.push(self.departure(person, None, by)?);
            }
            events.extend(listed);
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::registry::{
        command::{Actor, Command, Terms},
        decide::decide,
        moment::Moment,
        person::Role,
        settings::Settings,
        state::State,
    };

    const ENTRA: &str = "https://id.example";
    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn entra() -> Provider {
        Provider { name: "entra".to_owned(), issuer: ENTRA.to_owned() }
    }

    fn run(state: &mut State, command: Command, actor: &Actor) -> Result<Vec<&'static str>, Denied> {
        let events = decide(state, &Settings::default(), command, actor, NOW)?;
        for event in &events {
            state.apply(event, Moment::at(0));
        }
        Ok(events.iter().map(|event| event.kind().name()).collect())
    }

    fn officer() -> Actor {
        Actor::Person(PersonId::new("staff", "one"))
    }

    fn founded() -> State {
        let mut state = State::default();
        let officers = ["one", "two"].map(|name| PersonId::new("staff", name)).to_vec();
        run(&mut state, Command::Found { officers, texts: [].into() }, &Actor::Gateway).expect("founded");
        state
    }

    fn entry(name: &str) -> Entry {
        Entry { user_name: name.to_owned(), external_id: None }
    }

    fn says(state: &mut State, subject: &str, name: Option<&str>, active: bool) -> Result<Vec<&'static str>, Denied> {
        let person = PersonId::new(ENTRA, subject);
        run(state, Command::Provision { person, entry: name.map(entry), active }, &Actor::Provider(entra()))
    }

    #[test]
    fn what_a_directory_says_is_written_down_once() {
        let state = &mut founded();
        assert_eq!(says(state, "1", Some("ann@x"), true), Ok(vec!["staff.listed", "staff.joined"]));
        assert_eq!(says(state, "1", Some("ann@x"), true), Ok(vec![]));
        assert_eq!(says(state, "1", Some("ann@y"), true), Ok(vec!["staff.listed"]));
        assert_eq!(says(state, "1", Some("ann@y"), false), Ok(vec!["staff.left"]));
        assert!(state.has_left(&PersonId::new(ENTRA, "1")));
        assert_eq!(says(state, "1", Some("ann@y"), false), Ok(vec![]));
        assert_eq!(says(state, "1", Some("ann@z"), true), Ok(vec!["staff.listed", "staff.joined"]));
        assert_eq!(says(state, "1", None, false), Ok(vec!["staff.left", "staff.listed"]));
        let known = state.person(&PersonId::new(ENTRA, "1")).expect("known");
        assert!(known.entry.is_none() && known.left_by == Some(entra().person()), "{known:?}");
        // Somebody who never was here: nobody comes in by that name.
        assert_eq!(says(state, "2", Some("bob@x"), false), Ok(vec!["staff.left", "staff.listed"]));
        let all = state.to_carry(Moment::at(10), std::time::Duration::ZERO);
        assert!(!format!("{all:?}{state:?}{:?}", entry("ann@x")).contains("ann"));
    }

    #[test]
    fn a_provider_speaks_of_its_own_people_and_of_nothing_else() {
        let state = &mut founded();
        let provider = Actor::Provider(entra());
        for issuer in ["staff", "https://other.example", "privet"] {
            let person = PersonId::new(issuer, "one");
            let command = Command::Provision { person: person.clone(), entry: Some(entry("one")), active: false };
            assert_eq!(run(state, command, &provider), Err(Denied::OtherIssuer), "{issuer}");
            let leave = Command::Leave { person, reason: None };
            assert_eq!(run(state, leave, &provider), Err(Denied::Own));
        }
        let person = PersonId::new(ENTRA, "1");
        let command = Command::Provision { person: person.clone(), entry: None, active: true };
        assert_eq!(run(state, command.clone(), &officer()), Err(Denied::Own));
        assert_eq!(run(&mut State::default(), command, &provider), Err(Denied::NotFounded));
        let role = Role::officer();
        let terms = Terms { role, duty: None, reason: "x".to_owned(), start: None, until: None };
        assert_eq!(run(state, Command::Grant { person, terms }, &provider), Err(Denied::Own));
    }

    #[test]
    fn names_are_one_persons_and_an_officers_word_stands() {
        let state = &mut founded();
        says(state, "1", Some("Ann@x"), true).expect("listed");
        assert_eq!(says(state, "2", Some("ann@X"), true), Err(Denied::NameTaken));
        assert!(matches!(says(state, "2", Some("a\nb"), true), Err(Denied::Text("userName", _))));
        assert!(matches!(says(state, "", Some("ab"), true), Err(Denied::Text("subject", _))));
        let ann = PersonId::new(ENTRA, "1");
        run(state, Command::Leave { person: ann.clone(), reason: None }, &officer()).expect("left");
        assert_eq!(says(state, "1", Some("ann@x"), true), Err(Denied::LetGo));
        assert_eq!(says(state, "1", None, false), Ok(vec!["staff.listed"]));
        assert_eq!(says(state, "1", Some("ann@x"), true), Err(Denied::LetGo), "nor as somebody new");
        run(state, Command::Join { person: ann, name: None }, &officer()).expect("back");
        assert_eq!(says(state, "1", Some("ann@x"), true), Ok(vec!["staff.listed"]));
    }
}
