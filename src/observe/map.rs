//! The map of personal data: what types were seen on which route, in which direction, in which field, how often. Counts only.
//!
//! It is the start of a record of processing (GDPR, article 30). A worker counts for itself, once a body or request; readers sum. Nobody
//! waits for anybody: a row that is known is a counter, and a new one replaces the list of rows. Fields are names that bodies have in
//! common; whoever records one has made sure that it is nobody's data.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use serde::Serialize;

use crate::{common::meter::Counter, privacy::Kind};

/// Rows of one worker; what comes beyond is counted under the field `(other)`.
const ROWS: usize = 4096;
const OTHER: &str = "(other)";

/// Where a value was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The path of a request.
    Path,
    /// The query of a request.
    Query,
    /// A header of a request.
    RequestHeader,
    /// The body of a request.
    RequestBody,
    /// A header of an answer.
    ResponseHeader,
    /// The body of an answer.
    ResponseBody,
    /// A message from the application after an upgrade.
    ResponseMessage,
}

impl Place {
    /// Its name, the label of metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::RequestHeader => "request_header",
            Self::RequestBody => "request_body",
            Self::ResponseHeader => "response_header",
            Self::ResponseBody => "response_body",
            Self::ResponseMessage => "response_message",
        }
    }

    /// Which way the value went.
    #[must_use]
    pub fn direction(self) -> &'static str {
        match self {
            Self::Path | Self::Query | Self::RequestHeader | Self::RequestBody => "request",
            Self::ResponseHeader | Self::ResponseBody | Self::ResponseMessage => "response",
        }
    }
}

/// One row of a worker's, in the order of its key.
#[derive(Debug)]
struct Entry {
    route: Box<str>,
    place: Place,
    field: Box<str>,
    kind: Kind,
    count: Counter,
}

impl Entry {
    fn order(&self, (route, place, field, kind): &Key<'_>) -> Ordering {
        (&*self.route, self.place, &*self.field, &self.kind).cmp(&(*route, *place, *field, *kind))
    }
}

type Key<'a> = (&'a str, Place, &'a str, &'a Kind);

/// The counts of one worker.
#[derive(Debug, Default)]
pub struct Map(ArcSwap<Vec<Arc<Entry>>>);

/// One line of the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The route's name.
    pub route: String,
    /// `request` or `response`.
    pub direction: &'static str,
    /// Where in it.
    pub place: &'static str,
    /// A path in a body, a column, a name.
    pub field: String,
    /// The type's name.
    pub r#type: String,
    /// How many values.
    pub count: u64,
}

impl Map {
    /// Counts `n` values of `kind`.
    pub fn record(&self, route: &str, place: Place, field: &str, kind: &Kind, n: u64) {
        let entry = self.entry(&(route, place, field, kind), ROWS);
        if let Some(entry) = entry.or_else(|| self.entry(&(route, place, OTHER, kind), usize::MAX)) {
            entry.count.add(n);
        }
    }

    /// The row of a key; a new one unless there are `most` already.
    fn entry(&self, key: &Key<'_>, most: usize) -> Option<Arc<Entry>> {
        let find = |rows: &[Arc<Entry>]| rows.binary_search_by(|row| row.order(key));
        let known = |rows: &[Arc<Entry>]| find(rows).ok().map(|n| Arc::clone(&rows[n]));
        let rows = self.0.load();
        known(&rows).or_else(|| {
            if rows.len() >= most {
                return None;
            }
            self.0.rcu(|rows| {
                let mut rows = Vec::clone(rows);
                if let (true, Err(n)) = (rows.len() < most, find(&rows)) {
                    let &(route, place, field, kind) = key;
                    let (route, field, kind) = (route.into(), field.into(), kind.clone());
                    rows.insert(n, Arc::new(Entry { route, place, field, kind, count: Counter::default() }));
                }
                rows
            });
            known(&self.0.load())
        })
    }

    /// The sum of many workers' counts.
    pub fn sum<'m>(maps: impl IntoIterator<Item = &'m Self>) -> Vec<Row> {
        let mut all: BTreeMap<(String, Place, String, Kind), u64> = BTreeMap::new();
        for map in maps {
            for row in map.0.load().iter() {
                let key = (row.route.to_string(), row.place, row.field.to_string(), row.kind.clone());
                *all.entry(key).or_default() += row.count.value();
            }
        }
        let row = |((route, place, field, kind), count): ((String, Place, String, Kind), u64)| Row {
            route,
            direction: place.direction(),
            place: place.name(),
            field,
            r#type: kind.name().to_owned(),
            count,
        };
        all.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_add_up_and_rows_are_bounded() {
        let (a, b) = (Map::default(), Map::default());
        a.record("*/", Place::ResponseBody, "/phone", &Kind::Phone, 2);
        b.record("*/", Place::ResponseBody, "/phone", &Kind::Phone, 3);
        b.record("*/", Place::Query, "q", &Kind::Email, 1);
        let rows = Map::sum([&a, &b]);
        assert_eq!(rows.len(), 2);
        let json = serde_json::to_value(&rows[1]).expect("serialised");
        assert_eq!(
            json,
            serde_json::json!({ "route": "*/", "direction": "response", "place": "response_body", "field": "/phone", "type": "PHONE_NUMBER", "count": 5 })
        );
        for i in 0..2 * ROWS {
            a.record("*/", Place::ResponseBody, &i.to_string(), &Kind::Phone, 1);
        }
        let rows = Map::sum([&a]);
        assert_eq!(rows.len(), ROWS + 1);
        let other = rows.iter().find(|row| row.field == OTHER).map(|row| row.count);
        // One row was there before.
        assert_eq!(other, Some(u64::try_from(ROWS + 1).unwrap_or(0)));
    }
}
