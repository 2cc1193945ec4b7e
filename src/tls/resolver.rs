//! Which certificate a client sees: a look-up by SNI that allocates nothing and costs the same
//! with one name or ten thousand.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rustls::{
    SignatureAlgorithm, SignatureScheme,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// The longest DNS name in text, RFC 1035 section 2.3.4.
const LONGEST_NAME: usize = 253;

/// What any key that rustls can load might sign with.
const SCHEMES: [SignatureScheme; 10] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Certificates by name.
#[derive(Debug)]
pub(super) struct Resolver {
    exact: HashMap<Box<str>, Choices>,
    // `*.example.com` under `example.com`: a wildcard covers one label (RFC 6125, 6.4.3).
    wildcard: HashMap<Box<str>, Choices>,
    default: Choices,
    // Names whose own certificate has not come yet: another site's would only tell of that site.
    missing: HashSet<Box<str>>,
}

/// Certificates for one name, at most a few: one a kind of key.
type Choices = Vec<Choice>;

#[derive(Debug, Clone)]
struct Choice {
    pair: Arc<CertifiedKey>,
    // Asked of the key once: asking it at a handshake allocates a signer.
    schemes: Arc<[SignatureScheme]>,
}

impl Resolver {
    /// Pairs in the order of the settings, each with its names in lower case. The first is shown
    /// where no name fits, but for `missing`, which get none until they have one of their own. Among several for one name, elliptic curves go before RSA, which costs
    /// the server some ten times as much, and earlier before later.
    pub(super) fn new<'a>(
        pairs: impl IntoIterator<Item = (&'a Arc<CertifiedKey>, &'a [String])>,
        missing: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut resolver = Self {
            exact: HashMap::new(),
            wildcard: HashMap::new(),
            default: Vec::new(),
            missing: missing.into_iter().map(Box::from).collect(),
        };
        let mut first_names: Option<&[String]> = None;
        for (pair, names) in pairs {
            let choice = Choice::new(pair);
            let first = *first_names.get_or_insert(names);
            // A twin of the first, for clients that cannot verify the first one's kind of key.
            if resolver.default.is_empty() || names.iter().any(|name| first.contains(name)) {
                resolver.default.push(choice.clone());
            }
            for name in names {
                let (map, key) = match name.strip_prefix("*.") {
                    Some(rest) => (&mut resolver.wildcard, rest),
                    None => (&mut resolver.exact, name.as_str()),
                };
                map.entry(key.into()).or_default().push(choice.clone());
            }
        }
        let lists = resolver.exact.values_mut();
        for list in lists.chain(resolver.wildcard.values_mut()) {
            list.sort_by_key(|choice| choice.pair.key.algorithm() == SignatureAlgorithm::RSA);
        }
        resolver
    }

    fn choices(&self, name: Option<&str>) -> &[Choice] {
        name.and_then(|name| self.named(name)).unwrap_or(&self.default)
    }

    fn named(&self, name: &str) -> Option<&[Choice]> {
        let mut buffer = [0; LONGEST_NAME];
        let name = name.strip_suffix('.').unwrap_or(name);
        let lower = buffer.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        let name = std::str::from_utf8(lower).ok()?;
        let wildcard = || self.wildcard.get(name.split_once('.')?.1);
        let own = self.exact.get(name).or_else(wildcard).map(Vec::as_slice);
        own.or_else(|| self.missing.contains(name).then_some(&[]))
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let choices = self.choices(hello.server_name());
        let fits = |choice: &&Choice| {
            let offered = hello.signature_schemes();
            choice.schemes.iter().any(|scheme| offered.contains(scheme))
        };
        // Where none fits, rustls refuses with the right alert.
        let chosen = choices.iter().find(fits).or(choices.first())?;
        Some(chosen.pair.clone())
    }
}

impl Choice {
    fn new(pair: &Arc<CertifiedKey>) -> Self {
        let signs = |scheme: &SignatureScheme| pair.key.choose_scheme(&[*scheme]).is_some();
        Self { pair: pair.clone(), schemes: SCHEMES.into_iter().filter(signs).collect() }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::dial::{pem, testing::Authority};

    fn pair() -> Arc<CertifiedKey> {
        let dir = TempDir::new().unwrap();
        let (chain, key) = Authority::new("CA").leaf(&["x.test"], 1).write(dir.path(), "x");
        Arc::new(pem::certified_key(&chain, &key).unwrap())
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn exact_goes_before_wildcard_and_unknown_gets_the_first() {
        let (one, two, three) = (pair(), pair(), pair());
        let lists = [names(&["one.test"]), names(&["*.two.test", "two.test"]), names(&["a.two.test"])];
        let resolver = Resolver::new(
            [(&one, lists[0].as_slice()), (&two, lists[1].as_slice()), (&three, lists[2].as_slice())],
            [],
        );
        let shown = |name: Option<&str>| Arc::as_ptr(&resolver.choices(name)[0].pair);
        for (name, expected) in [
            (None, &one),
            (Some("one.test"), &one),
            (Some("else.test"), &one),
            (Some("two.test"), &two),
            (Some("B.Two.TEST"), &two),
            (Some("b.two.test."), &two),
            (Some("a.two.test"), &three),
            // A wildcard covers one label.
            (Some("c.b.two.test"), &one),
            (Some(".two.test"), &two),
            (Some(""), &one),
            (Some("."), &one),
        ] {
            assert_eq!(shown(name), Arc::as_ptr(expected), "{name:?}");
        }
        assert_eq!(shown(Some(&"x".repeat(300))), Arc::as_ptr(&one));
    }

    #[test]
    fn a_name_whose_certificate_has_not_come_is_shown_no_other() {
        let (one, wild) = (pair(), pair());
        let lists = [names(&["one.test"]), names(&["*.two.test"])];
        let pairs = [(&one, lists[0].as_slice()), (&wild, lists[1].as_slice())];
        let resolver = Resolver::new(pairs, ["new.test", "a.two.test", "one.test"]);
        assert!(resolver.choices(Some("NEW.test")).is_empty());
        for (name, expected) in [("a.two.test", &wild), ("one.test", &one), ("else.test", &one)] {
            assert_eq!(Arc::as_ptr(&resolver.choices(Some(name))[0].pair), Arc::as_ptr(expected), "{name}");
        }
        assert!(Resolver::new([], ["new.test"]).choices(None).is_empty());
    }

    #[test]
    fn ten_thousand_names_stay_apart() {
        let (one, two) = (pair(), pair());
        let many: Vec<String> = (0..10_000).map(|n| format!("n{n}.test")).collect();
        let (even, odd) = many.split_at(5_000);
        let resolver = Resolver::new([(&one, even), (&two, odd)], []);
        assert_eq!(resolver.exact.len(), 10_000);
        let shown = |name| Arc::as_ptr(&resolver.choices(Some(name))[0].pair);
        assert_eq!(shown("n4999.test"), Arc::as_ptr(&one));
        assert_eq!(shown("n5000.test"), Arc::as_ptr(&two));
    }
}
