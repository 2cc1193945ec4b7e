//! From host and path to a route: exact host before wildcard before any, then the longest path prefix.
//!
//! A look-up costs one hash a path segment, however many routes there are.

use std::collections::HashMap;

use http::uri::PathAndQuery;

use crate::{
    common::authority::Authority,
    gateway::settings::{HostPattern, Prefix, Route},
};

/// Routes of one configuration; values are indices into it.
#[derive(Debug, Default)]
pub struct Table {
    exact: HashMap<String, Paths>,
    wildcard: HashMap<String, Paths>,
    any: Paths,
}

#[derive(Debug, Default)]
struct Paths {
    by_prefix: HashMap<String, usize>,
    /// Most segments of a prefix here; deeper paths need no deeper look.
    deepest: usize,
}

impl Table {
    /// A table over `routes`, which are numbered as they come.
    pub fn new<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let mut table = Self::default();
        for (index, route) in routes.into_iter().enumerate() {
            let paths = match &route.host {
                HostPattern::Any => &mut table.any,
                HostPattern::Exact(host) => table.exact.entry(host.clone()).or_default(),
                HostPattern::Wildcard(suffix) => table.wildcard.entry(suffix.clone()).or_default(),
            };
            paths.deepest = paths.deepest.max(depth(&route.path));
            // The configuration has no two routes with the same host and path.
            paths.by_prefix.entry(route.path.clone()).or_insert(index);
        }
        table
    }

    /// The route with just this host and path.
    #[must_use]
    pub fn exactly(&self, host: &HostPattern, path: &str) -> Option<usize> {
        let paths = match host {
            HostPattern::Any => Some(&self.any),
            HostPattern::Exact(host) => self.exact.get(host),
            HostPattern::Wildcard(suffix) => self.wildcard.get(suffix),
        };
        paths?.by_prefix.get(path).copied()
    }

    /// The route of a host (`host[:port]`) and a canonical path.
    #[must_use]
    pub fn find(&self, host: &str, path: &str) -> Option<usize> {
        if !self.exact.is_empty() || !self.wildcard.is_empty() {
            let authority = Authority::parse(host)?;
            let key = authority.key();
            let exact = self.exact.get(&*key).and_then(|paths| paths.find(path));
            let found = exact.or_else(|| {
                let (_, suffix) = key.split_once('.')?;
                self.wildcard.get(suffix).and_then(|paths| paths.find(path))
            });
            if found.is_some() {
                return found;
            }
        }
        self.any.find(path)
    }
}

impl Paths {
    fn find(&self, path: &str) -> Option<usize> {
        if self.deepest > 0 {
            let mut ends = [0; 32];
            let mut count = 0;
            let slashes = memchr::memchr_iter(b'/', path.as_bytes()).skip(1).chain([path.len()]);
            for end in slashes.take(self.deepest.min(ends.len())) {
                ends[count] = end;
                count += 1;
            }
            for end in ends[..count].iter().rev() {
                if let Some(index) = self.by_prefix.get(&path[..*end]) {
                    return Some(*index);
                }
            }
        }
        self.by_prefix.get("/").copied()
    }
}

fn depth(path: &str) -> usize {
    if path == "/" { 0 } else { path.matches('/').count() }
}

/// The target that the application gets for `target` on `route`.
#[must_use]
pub fn rewrite(route: &Route, target: &PathAndQuery) -> PathAndQuery {
    let Prefix::Replace(new) = &route.prefix else { return target.clone() };
    let old = if route.path == "/" { "" } else { route.path.as_str() };
    let rest = target.as_str().strip_prefix(old).unwrap_or(target.as_str());
    let joined = join(new, rest);
    PathAndQuery::from_maybe_shared(bytes::Bytes::from(joined)).unwrap_or_else(|_| target.clone())
}

/// `path`, which the application knows, as the client knows it.
#[must_use]
pub fn restore(route: &Route, path: &str) -> Option<String> {
    let Prefix::Replace(new) = &route.prefix else { return None };
    let inner = if new == "/" { "" } else { new.as_str() };
    let rest = path.strip_prefix(inner)?;
    (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then(|| join(&route.path, rest))
}

/// `prefix` and what follows it, with one slash between.
fn join(prefix: &str, rest: &str) -> String {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let slash = if rest.starts_with('/') || (!prefix.is_empty() && !rest.starts_with(char::is_alphanumeric)) {
        ""
    } else {
        "/"
    };
    let joined = [prefix, slash, rest].concat();
    if joined.starts_with('/') { joined } else { format!("/{joined}") }
}
