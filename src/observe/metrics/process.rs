//! The process as the kernel sees it, under the names that every Prometheus client library uses
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).

use std::{
    fs,
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

use super::family::{Family, Kind, Sample, Value};

/// Clock ticks a second in `/proc`: fixed by Linux for all that is not the kernel (`USER_HZ`).
const TICKS: u64 = 100;

/// What can be read of it; a family that can't is left out.
pub(super) fn families() -> Vec<Family> {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = after_name(&stat);
    let number = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok());
    // Fields of `proc(5)`, counted from the state, which is its third.
    let cpu = number(11).zip(number(12)).map(|(user, system)| Value::Micros((user + system) * (1_000_000 / TICKS)));
    let started = number(19).map(|ticks| Value::Micros(boot_micros() + ticks * (1_000_000 / TICKS)));
    let resident = number(21).map(|pages| count(pages * rustix::param::page_size() as u64));
    let open = fs::read_dir("/proc/self/fd").ok().map(|files| count(files.count() as u64));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.map(count);
    let gauge = |name, help, value| (name, Kind::Gauge, help, value);
    let all = [
        ("process_cpu_seconds_total", Kind::Counter, "Processor time of this process, in user and kernel mode.", cpu),
        gauge("process_resident_memory_bytes", "Memory of this process that is in RAM.", resident),
        gauge("process_open_fds", "File descriptors that are open.", open),
        gauge("process_max_fds", "File descriptors that may be open.", limit),
        gauge("process_start_time_seconds", "When this process was started, in seconds since 1970.", started),
    ];
    let family = |(name, kind, help, value): (_, _, _, Option<Value>)| {
        Some(Family { name, kind, help, samples: Sample::only(value?) })
    };
    all.into_iter().filter_map(family).collect()
}

/// The fields behind the name, which may hold blanks and brackets.
fn after_name(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')').map(|(_, rest)| rest.split_ascii_whitespace().collect()).unwrap_or_default()
}

/// When the machine was started, in microseconds since 1970, by the clocks of now: `/proc/stat` is hidden from hardened services.
fn boot_micros() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let up = clock_gettime(ClockId::Boottime);
        let up = Duration::new(up.tv_sec.try_into().unwrap_or(0), up.tv_nsec.try_into().unwrap_or(0));
        now.saturating_sub(up).as_micros().try_into().unwrap_or(u64::MAX)
    })
}

fn count(number: u64) -> Value {
    Value::Count(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_can_be_read() {
        let families = families();
        assert_eq!(families.len(), 5, "{families:?}");
        assert!(families.iter().all(|family| !matches!(family.samples[0].value, Value::Count(0))));
    }

    #[test]
    fn a_name_with_brackets_moves_no_field() {
        assert_eq!(after_name("12 (a) b) S 1 2"), ["S", "1", "2"]);
    }
}
