//! Metrics as text: Prometheus' format 0.0.4, and `OpenMetrics` 1.0 with exemplars
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>, <https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use std::fmt::Write as _;

use super::family::{Family, Kind, Labels, Sample, Value};
use crate::common::meter::{BOUNDS, Exemplar, Id, Totals};

/// How metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0, which has units and exemplars.
    OpenMetrics,
}

impl Format {
    /// The format that `accept` likes best; Prometheus' unless it likes `OpenMetrics` better.
    #[must_use]
    pub fn asked(accept: &str) -> Self {
        let quality = |kind: &str| {
            let ranges = accept.split(',').filter(|range| range.split(';').next().is_some_and(|k| k.trim() == kind));
            ranges.map(quality).fold(0.0, f32::max)
        };
        let text = quality("text/plain").max(quality("text/*")).max(quality("*/*"));
        if quality("application/openmetrics-text") > text { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The media type.
    #[must_use]
    pub fn media(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// All of `families`.
    #[must_use]
    pub fn write(self, families: &[Family]) -> String {
        let mut out = Text { format: self, out: String::with_capacity(16 << 10) };
        for family in families {
            out.family(family);
        }
        if self == Self::OpenMetrics {
            out.out.push_str("# EOF\n");
        }
        out.out
    }
}

/// The weight of a media range (RFC 9110, section 12.4.2).
fn quality(range: &str) -> f32 {
    let weight = |parameter: &str| parameter.trim().strip_prefix("q=").map(|q| q.trim().parse().unwrap_or(0.0));
    range.split(';').skip(1).find_map(weight).unwrap_or(1.0)
}

struct Text {
    format: Format,
    out: String,
}

impl Text {
    fn family(&mut self, family: &Family) {
        let open = self.format == Format::OpenMetrics;
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            Kind::Info if open => "info",
            Kind::Info | Kind::Gauge => "gauge",
        };
        // OpenMetrics names a family without the suffix of its samples.
        let suffix = match family.kind {
            Kind::Counter if open => "_total",
            Kind::Info if open => "_info",
            _ => "",
        };
        let name = family.name.strip_suffix(suffix).unwrap_or(family.name);
        let _ = writeln!(self.out, "# TYPE {name} {kind}");
        if let Some(unit) = unit(name).filter(|_| open) {
            let _ = writeln!(self.out, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.out, "# HELP {name} {}", family.help);
        for sample in &family.samples {
            self.sample(family.name, sample);
        }
    }

    fn sample(&mut self, name: &str, sample: &Sample) {
        let labels = labels(&sample.labels);
        match &sample.value {
            Value::Count(count) => self.line(name, &labels, count),
            Value::Level(level) => self.line(name, &labels, level),
            Value::Micros(micros) => self.line(name, &labels, seconds(*micros)),
            Value::Times(totals) => self.histogram(name, &labels, totals),
        }
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        self.open_line(name, labels, value);
        self.out.push('\n');
    }

    fn open_line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = match labels {
            "" => write!(self.out, "{name} {value}"),
            _ => write!(self.out, "{name}{{{labels}}} {value}"),
        };
    }

    /// Cumulative buckets, as both formats have them.
    fn histogram(&mut self, name: &str, labels: &str, totals: &Totals) {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut sum = 0;
        for (i, count) in totals.buckets.iter().enumerate() {
            sum += count;
            let bound = BOUNDS.get(i).map_or("+Inf".to_owned(), |micros| self.bound(*micros));
            self.open_line(&format!("{name}_bucket"), &format!("{labels}{comma}le=\"{bound}\""), sum);
            if let Some(exemplar) = totals.exemplars[i].filter(|_| self.format == Format::OpenMetrics) {
                self.exemplar(exemplar);
            }
            self.out.push('\n');
        }
        self.line(&format!("{name}_sum"), labels, seconds(totals.micros));
        self.line(&format!("{name}_count"), labels, sum);
    }

    /// `OpenMetrics` wants a bound as a float.
    fn bound(&self, micros: u64) -> String {
        let bound = seconds(micros);
        if self.format == Format::OpenMetrics && !bound.contains('.') { bound + ".0" } else { bound }
    }

    fn exemplar(&mut self, Exemplar { id, micros, millis }: Exemplar) {
        let (name, id) = match id {
            Id::Trace(id) => ("trace_id", id),
            Id::Request(id) => ("request_id", id),
        };
        let ended = format!("{}.{:03}", millis / 1000, millis % 1000);
        let _ = write!(self.out, " # {{{name}=\"{id:032x}\"}} {} {ended}", seconds(micros));
    }
}

/// The unit that a name ends with, in the words of the formats.
fn unit(name: &str) -> Option<&'static str> {
    ["seconds", "bytes", "percent"]
        .into_iter()
        .find(|unit| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')))
}

fn labels(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    pairs.join(",")
}

/// Microseconds as seconds, without a loss.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A label value as both formats want it.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::common::{clock, meter::Exemplified};

    fn families() -> Vec<Family> {
        let times = Exemplified::default();
        times.observe(Duration::from_millis(600), Id::Trace(0xab), clock::millis());
        times.observe(Duration::from_secs(60), Id::Request(0xcd), clock::millis());
        let mut totals = Totals::default();
        times.add_to(&mut totals);
        let family = |name, kind, sample| Family { name, kind, help: "Some.", samples: vec![sample] };
        vec![
            family("a_build_info", Kind::Info, Sample::new(&[("version", "1")], 1_u64)),
            family("a_bytes_total", Kind::Counter, Sample::new(&[("route", "a\"b/")], 7_u64)),
            family("a_duration_seconds", Kind::Histogram, Sample::new(&[], totals)),
        ]
    }

    #[test]
    fn prometheus_text_names_families_as_their_samples() {
        let text = Format::Prometheus.write(&families());
        for line in [
            "# TYPE a_build_info gauge\n# HELP a_build_info Some.\na_build_info{version=\"1\"} 1\n",
            "# TYPE a_bytes_total counter\n",
            "a_bytes_total{route=\"a\\\"b/\"} 7\n",
            "a_duration_seconds_bucket{le=\"1\"} 1\n",
            "a_duration_seconds_bucket{le=\"+Inf\"} 2\na_duration_seconds_sum 60.6\na_duration_seconds_count 2\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains(" # {") && !text.contains("# UNIT"));
    }

    #[test]
    fn open_metrics_has_units_exemplars_and_an_end() {
        let text = Format::OpenMetrics.write(&families());
        for line in [
            "# TYPE a_build info\n# HELP a_build Some.\na_build_info{version=\"1\"} 1\n",
            "# TYPE a_bytes counter\n# UNIT a_bytes bytes\n",
            "a_bytes_total{route=\"a\\\"b/\"} 7\n",
            "# UNIT a_duration_seconds seconds\n",
            "a_duration_seconds_bucket{le=\"1.0\"} 1 # {trace_id=\"000000000000000000000000000000ab\"} 0.6 ",
            "a_duration_seconds_bucket{le=\"+Inf\"} 2 # {request_id=\"000000000000000000000000000000cd\"} 60 ",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(text.ends_with("a_duration_seconds_count 2\n# EOF\n"));
    }

    #[test]
    fn a_client_gets_what_it_likes_best() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (accept, format) in [
            ("", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/plain", Format::Prometheus),
            ("application/openmetrics-text; version=1.0.0", Format::OpenMetrics),
            ("application/openmetrics-text; q=0.3, text/plain", Format::Prometheus),
            ("application/openmetrics-text;q=x", Format::Prometheus),
            (prometheus, Format::OpenMetrics),
        ] {
            assert_eq!(Format::asked(accept), format, "{accept}");
        }
    }
}
