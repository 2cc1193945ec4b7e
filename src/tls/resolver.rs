//! From the name that a client asks for to a certificate: one hash look-up, however many names there are.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::pem::Pair;

/// The pairs of one moment, by name.
#[derive(Debug, Default)]
pub struct Names {
    exact: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// By what follows `*.`.
    wildcard: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// For no name, and for unknown ones.
    default: Vec<Arc<CertifiedKey>>,
}

impl Names {
    /// The names of `pairs`. The first pair, and others with the same names, are the default.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a Pair, Arc<CertifiedKey>)>) -> Self {
        let mut names = Self::default();
        let mut first: Option<&[String]> = None;
        for (pair, certified) in pairs {
            if *first.get_or_insert(&pair.names) == pair.names.as_slice() {
                names.default.push(Arc::clone(&certified));
            }
            for name in &pair.names {
                match name.strip_prefix("*.") {
                    Some(suffix) => names.wildcard.entry(suffix.to_owned()).or_default().push(Arc::clone(&certified)),
                    None => names.exact.entry(name.clone()).or_default().push(Arc::clone(&certified)),
                }
            }
        }
        names
    }

    fn find(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let by_name = name.and_then(|name| {
            let wildcard = || self.wildcard.get(name.split_once('.')?.1);
            self.exact.get(name).or_else(wildcard)
        });
        by_name.unwrap_or(&self.default)
    }
}

/// Chooses certificates; what it chooses from can be swapped under it.
#[derive(Debug, Default)]
pub struct Resolver {
    names: ArcSwap<Names>,
}

impl Resolver {
    /// Chooses from `names` from now on.
    pub fn replace(&self, names: Names) {
        self.names.store(Arc::new(names));
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let names = self.names.load();
        // rustls gives names in lower case where they are ASCII.
        let found = match hello.server_name() {
            Some(name) if name.bytes().any(|b| b.is_ascii_uppercase()) => names.find(Some(&name.to_ascii_lowercase())),
            name => names.find(name),
        };
        // Of an RSA and an ECDSA pair for one name, the first that the client can verify.
        found
            .iter()
            .find(|certified| certified.key.choose_scheme(hello.signature_schemes()).is_some())
            .or(found.first())
            .cloned()
    }
}
