//! The map of personal data: what types were seen on which route, in which direction, in which field, how often. Counts only.
//!
//! It is the start of a record of processing (GDPR, article 30). A worker counts for itself, once a body or request; readers sum. Fields are
//! names that bodies have in common; whoever records one has made sure that it is nobody's data.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

use crate::privacy::Kind;

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

type Key = (String, Place, String, Kind);

/// The counts of one worker.
#[derive(Debug, Default)]
pub struct Map(Mutex<BTreeMap<Key, u64>>);

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
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (route.to_owned(), place, field.to_owned(), kind.clone());
        if rows.len() >= ROWS && !rows.contains_key(&key) {
            OTHER.clone_into(&mut key.2);
        }
        *rows.entry(key).or_default() += n;
    }

    /// The sum of many workers' counts.
    pub fn sum<'m>(maps: impl IntoIterator<Item = &'m Self>) -> Vec<Row> {
        let mut all: BTreeMap<Key, u64> = BTreeMap::new();
        for map in maps {
            for (key, n) in map.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                *all.entry(key.clone()).or_default() += n;
            }
        }
        let row = |((route, place, field, kind), count): (Key, u64)| Row {
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
        assert!(rows.len() <= ROWS + 1 && rows.iter().any(|row| row.field == OTHER));
    }
}
