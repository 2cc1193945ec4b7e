//! Who gives an order to the gateway, and how records say so.

use crate::{identity::order::SignedIn, journal::Record};

/// Who.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    /// A user of the system, over the control socket.
    Local,
    /// Somebody who has signed in at the console.
    Person(&'a SignedIn),
    /// A program, over the API.
    Program(&'a Program),
}

/// A program that has proved what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// What the configuration calls it.
    pub(super) name: String,
    /// The name in its certificate, where it has come with one.
    pub(super) certificate: Option<String>,
}

impl<'a> By<'a> {
    /// Somebody who has signed in; orders that are officers' alone are given in their name.
    pub(super) fn person(self) -> Option<&'a SignedIn> {
        if let Self::Person(person) = self { Some(person) } else { None }
    }

    /// A record of what they have ordered.
    pub(super) fn sign(self, record: Record) -> Record {
        let mut body = record.body().clone();
        match self {
            Self::Local => return record,
            Self::Person(person) => {
                let person = person.person();
                body.insert("person".to_owned(), person.subject.as_str().into());
                body.insert("issuer".to_owned(), person.issuer.as_str().into());
            }
            Self::Program(program) => {
                body.insert("program".to_owned(), format!("api:{}", program.name).into());
                if let Some(certificate) = &program.certificate {
                    body.insert("certificate".to_owned(), certificate.as_str().into());
                }
            }
        }
        Record::of(record.kind(), body)
    }
}
