//! One look at a gateway's metrics.

use std::{collections::BTreeMap, io, path::Path};

use http::Method;
use serde::Deserialize;

use crate::{admin::state, cli::control};

/// All numbers at one moment.
#[derive(Debug, Deserialize)]
pub(super) struct Snapshot {
    /// Milliseconds since 1970.
    pub(super) at: u64,
    families: Vec<Family>,
}

#[derive(Debug, Deserialize)]
struct Family {
    name: String,
    samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sample {
    labels: BTreeMap<String, String>,
    /// What it counts, or how high it is; 0 where it is a histogram.
    #[serde(default)]
    pub(super) value: i64,
    /// Times by bucket, where it is one.
    #[serde(default)]
    buckets: Vec<u64>,
}

impl Sample {
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

impl Snapshot {
    /// Of the gateway whose data folder this is.
    ///
    /// # Errors
    /// When none answers.
    pub(super) async fn take(folder: &Path) -> io::Result<Self> {
        let answer = control::request(folder, Method::GET, state::METRICS, String::new()).await;
        let (status, said) = answer.map_err(|error| {
            let place = folder.join(crate::admin::control::NAME);
            io::Error::other(format!("no running gateway answers at {}: {error}", place.display()))
        })?;
        if !status.is_success() {
            return Err(io::Error::other("the gateway is of another version: it does not tell its metrics here"));
        }
        Ok(serde_json::from_value(said)?)
    }

    /// The series of a family; none where it does not show it.
    pub(super) fn series(&self, name: &str) -> impl Iterator<Item = &Sample> {
        self.families.iter().filter(move |family| family.name == name).flat_map(|family| &family.samples)
    }

    /// All series of a family that `label` tells apart, added up by it.
    pub(super) fn by(&self, name: &str, label: &str) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for sample in self.series(name) {
            *sums.entry(sample.label(label).to_owned()).or_default() += sample.value;
        }
        sums
    }

    /// All series of a family; nothing where it shows none.
    pub(super) fn sum(&self, name: &str) -> Option<i64> {
        self.series(name).map(|sample| sample.value).reduce(|all, one| all + one)
    }

    /// Times of all series of a histogram that `fits` lets through, by bucket.
    pub(super) fn times(&self, name: &str, fits: impl Fn(&Sample) -> bool) -> Vec<u64> {
        let mut sums = Vec::new();
        for sample in self.series(name).filter(|sample| fits(sample)) {
            sums.resize(sample.buckets.len().max(sums.len()), 0);
            sums.iter_mut().zip(&sample.buckets).for_each(|(sum, count)| *sum += count);
        }
        sums
    }
}
