//! What has gone by in the last quarter of an hour: a few numbers of the metrics, kept every ten seconds in memory and nowhere else.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task::AbortHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    common::{
        clock,
        meter::{BOUNDS, quantile},
    },
    observe::metrics::{Family, Metrics, Sample, Value},
};

/// How often it is looked.
pub(super) const STEP: Duration = Duration::from_secs(10);
/// What is kept: a quarter of an hour, and what that begins from.
const KEPT: usize = 91;
/// Verdicts on attempts to sign in, as they are told.
pub(super) const VERDICTS: [&str; 3] = ["success", "failure", "refused"];

/// All counts at one moment, since the start.
#[derive(Debug, Clone, PartialEq, Default)]
struct Counts {
    /// Milliseconds since 1970.
    at: u64,
    /// Answers by the class of their status: 1xx to 5xx.
    requests: [u64; 5],
    /// Requests by how long they took.
    times: [u64; BOUNDS.len() + 1],
    upstream: u64,
    refusals: u64,
    logins: [u64; VERDICTS.len()],
    /// What is now.
    levels: Levels,
}

/// What goes up and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Levels {
    pub(super) in_flight: i64,
    pub(super) connections: i64,
    pub(super) bans: i64,
}

/// What has gone by between two looks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// Its end, in seconds since 1970.
    pub(super) at: i64,
    /// A second.
    pub(super) requests: [f64; 5],
    /// In milliseconds; nothing where there was no request.
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    /// In all.
    pub(super) upstream: u64,
    pub(super) refusals: u64,
    pub(super) logins: [u64; VERDICTS.len()],
}

/// The last quarter of an hour.
#[derive(Debug)]
pub struct Traffic {
    metrics: Arc<Metrics>,
    kept: Mutex<VecDeque<Counts>>,
}

impl Traffic {
    /// Looks at `metrics` from now on, until the task is ended.
    pub fn watch(metrics: &Arc<Metrics>) -> (Arc<Self>, AbortHandle) {
        let traffic = Arc::new(Self { metrics: Arc::clone(metrics), kept: Mutex::default() });
        let own = Arc::clone(&traffic);
        let task = tokio::spawn(async move {
            let mut steps = interval(STEP);
            steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                steps.tick().await;
                own.keep(Counts::of(&own.metrics.gather(), clock::millis()));
            }
        });
        (traffic, task.abort_handle())
    }

    fn keep(&self, counts: Counts) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(counts);
        while kept.len() > KEPT {
            kept.pop_front();
        }
    }

    /// Step by step, the oldest first, up to this moment; and what is now.
    pub(super) fn points(&self) -> (Vec<Point>, Levels) {
        let now = Counts::of(&self.metrics.gather(), clock::millis());
        let mut all: Vec<Counts> = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.iter().cloned().collect()
        };
        let levels = now.levels;
        // Rates of less than a second say nothing.
        if all.last().is_none_or(|last| now.at >= last.at + 1000) {
            all.push(now);
        }
        (all.windows(2).map(|pair| Point::between(&pair[0], &pair[1])).collect(), levels)
    }
}

impl Counts {
    fn of(families: &[Family], at: u64) -> Self {
        let mut own = Self { at, ..Self::default() };
        for family in families {
            for sample in &family.samples {
                own.take(family.name, sample);
            }
        }
        own
    }

    fn take(&mut self, name: &str, sample: &Sample) {
        let label = |wanted: &str| {
            let found = sample.labels.iter().find(|(name, _)| *name == wanted);
            found.map_or("", |(_, value)| value.as_str())
        };
        let levels = &mut self.levels;
        match (name, &sample.value) {
            ("privet_requests_total", Value::Count(count)) => {
                let class = label("status").bytes().next().map_or(0, |digit| usize::from(digit.wrapping_sub(b'1')));
                if let Some(own) = self.requests.get_mut(class) {
                    *own += count;
                }
            }
            ("privet_request_duration_seconds", Value::Times(totals)) => {
                self.times.iter_mut().zip(&totals.buckets).for_each(|(own, count)| *own += count);
            }
            ("privet_upstream_failures_total", Value::Count(count)) => self.upstream += count,
            ("privet_refusals_total", Value::Count(count)) => self.refusals += count,
            ("privet_login_attempts_total", Value::Count(count)) => {
                if let Some(at) = VERDICTS.iter().position(|verdict| *verdict == label("verdict")) {
                    self.logins[at] += count;
                }
            }
            ("privet_requests_in_flight", Value::Level(level)) => levels.in_flight = *level,
            ("privet_connections_open", Value::Level(level)) => levels.connections = *level,
            ("privet_bans_active", Value::Level(level)) => levels.bans += level,
            _ => {}
        }
    }
}

impl Point {
    fn between(before: &Counts, after: &Counts) -> Self {
        let millis = after.at.saturating_sub(before.at).max(1);
        let grown = |before: u64, after: u64| after.saturating_sub(before);
        let each = |before: &[u64], after: &[u64], at: usize| grown(before[at], after[at]);
        let times: Vec<u64> = (0..before.times.len()).map(|at| each(&before.times, &after.times, at)).collect();
        #[allow(clippy::cast_precision_loss, reason = "rates are looked at, not counted with")]
        let rate = |count: u64| count as f64 * 1000.0 / millis as f64;
        Self {
            at: i64::try_from(after.at / 1000).unwrap_or(i64::MAX),
            requests: std::array::from_fn(|at| rate(each(&before.requests, &after.requests, at))),
            p50: quantile(&times, 0.5),
            p99: quantile(&times, 0.99),
            upstream: grown(before.upstream, after.upstream),
            refusals: grown(before.refusals, after.refusals),
            logins: std::array::from_fn(|at| each(&before.logins, &after.logins, at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_what_has_happened_since_the_one_before() {
        let before = Counts { at: 10_000, requests: [0, 5, 0, 0, 0], ..Counts::default() };
        let after = Counts { at: 20_000, requests: [0, 25, 0, 1, 0], logins: [1, 2, 3], ..Counts::default() };
        let point = Point::between(&before, &after);
        assert_eq!((point.at, point.requests), (20, [0.0, 2.0, 0.0, 0.1, 0.0]));
        assert_eq!((point.logins, point.p50), ([1, 2, 3], None));
        // A series that begins anew is no flood.
        assert!(Point::between(&after, &before).requests[1] < f64::EPSILON);
    }

    #[test]
    fn families_are_summed() {
        let family = |name, samples| Family { name, kind: crate::observe::metrics::Kind::Counter, help: "", samples };
        let families = [
            family(
                "privet_requests_total",
                vec![Sample::new(&[("status", "2xx")], 3_u64), Sample::new(&[("status", "2xx")], 4_u64)],
            ),
            family("privet_login_attempts_total", vec![Sample::new(&[("verdict", "refused"), ("limit", "x")], 2_u64)]),
            family("privet_bans_active", vec![Sample::new(&[], 1_i64), Sample::new(&[], 2_i64)]),
        ];
        let counts = Counts::of(&families, 1);
        assert_eq!((counts.requests[1], counts.logins[2], counts.levels.bans), (7, 2, 3));
    }
}
