//! What requests have shown that they should not, a record a minute and route: personal data in URLs, credentials over cleartext. Workers count it for the
//! metrics already.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    task::AbortHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    journal::{Journal, Kind, Record},
    observe::metrics::{Labelled, Metrics},
};

const MINUTE: Duration = Duration::from_secs(60);

/// What writes it down, as long as it is there.
#[derive(Debug)]
pub(super) struct Exposures(AbortHandle);

impl Drop for Exposures {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Exposures {
    /// Begins.
    pub(super) fn start(journal: &Arc<Journal>, metrics: &Arc<Metrics>) -> Self {
        let (journal, metrics) = (Arc::clone(journal), Arc::clone(metrics));
        let task = tokio::spawn(async move {
            let mut minutes = interval(MINUTE);
            minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut known = HashMap::new();
            loop {
                minutes.tick().await;
                for record in records(&metrics, &mut known) {
                    journal.note(&record);
                }
            }
        });
        Self(task.abort_handle())
    }
}

/// What has come since it was looked last.
fn records(metrics: &Metrics, known: &mut HashMap<(Kind, String), u64>) -> Vec<Record> {
    let mut now: HashMap<(Kind, String), u64> = HashMap::new();
    let mut add = |kind, route: &str, n| *now.entry((kind, route.to_owned())).or_default() += n;
    metrics.each(Labelled::Redactions, |values, n| {
        if let [route, _, "url"] = values {
            add(Kind::ExposureUrl, route, n);
        }
    });
    metrics.each(Labelled::Exposures, |values, n| {
        if let [route, _] = values {
            add(Kind::ExposureCleartext, route, n);
        }
    });
    let mut records = Vec::new();
    for ((kind, route), n) in now {
        let before = known.insert((kind, route.clone()), n).unwrap_or_default();
        if n > before {
            records.push(Record::exposure(kind, &route, n - before));
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_told_once() {
        let (metrics, mut known) = (Metrics::new(2), HashMap::new());
        metrics.shard(0).count_many(Labelled::Redactions, &["shop/", "EMAIL_ADDRESS", "url"], 2);
        metrics.shard(1).count(Labelled::Redactions, &["shop/", "PHONE_NUMBER", "url"]);
        metrics.shard(1).count(Labelled::Redactions, &["shop/", "PHONE_NUMBER", "referrer"]);
        metrics.shard(1).count(Labelled::Exposures, &["old/", "credentials"]);
        let mut told: Vec<_> = records(&metrics, &mut known)
            .iter()
            .map(|record| (record.kind(), record.body()["route"].clone(), record.body()["requests"].clone()))
            .collect();
        told.sort_by_key(|(kind, ..)| kind.name());
        let expected =
            [(Kind::ExposureCleartext, "old/".into(), 1.into()), (Kind::ExposureUrl, "shop/".into(), 3.into())];
        assert_eq!(told, expected);
        assert!(records(&metrics, &mut known).is_empty());
    }
}
