//! What was measured, as tables, and whether it is good enough.

use std::collections::BTreeMap;
use std::time::Duration;

/// What kind of work a request is: each kind has a bar of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// An answer as a stream of events.
    Answer,
    /// Conversations, messages, feedback, documents: rows that are read and written.
    Rows,
    /// What computes: searching, signing in. No bar.
    Other,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) endpoint: &'static str,
    pub(crate) kind: Kind,
    /// Until the first event of a stream.
    pub(crate) first: Option<Duration>,
    /// Until the last byte.
    pub(crate) whole: Duration,
    /// What went wrong.
    pub(crate) error: Option<String>,
}

/// Memory of the server at one moment, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// With shared pages counted in part.
    pub(crate) proportional: u64,
}

/// Everything about a run.
pub(crate) struct Report {
    pub(crate) samples: Vec<Sample>,
    pub(crate) memory: Vec<Memory>,
    /// Lines of the server's log that tell of an error.
    pub(crate) complaints: Vec<String>,
}

const FIRST_EVENT: Duration = Duration::from_millis(500);
const ROWS: Duration = Duration::from_millis(50);

/// By how much memory may grow from the second quarter of a run to the last.
const GROWTH: f64 = 1.10;

/// Samples of memory without which nothing can be said about its growth.
const ENOUGH: usize = 12;

impl Report {
    /// Prints everything; whether all bars were met.
    pub(crate) fn print(&self) -> bool {
        println!(
            "\n{:<42} {:>6} {:>6} | {:^26} | {:^26}",
            "endpoint", "count", "errors", "first event, ms", "whole, ms"
        );
        println!(
            "{:<42} {:>6} {:>6} | {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8}",
            "", "", "", "p50", "p95", "p99", "p50", "p95", "p99"
        );
        let mut groups: BTreeMap<(Kind, &str), Vec<&Sample>> = BTreeMap::new();
        for sample in &self.samples {
            let group = groups.entry((sample.kind, sample.endpoint));
            group.or_default().push(sample);
        }
        for ((_, name), samples) in &groups {
            line(name, samples);
        }
        println!();
        for (kind, name) in [
            (Kind::Answer, "all answers"),
            (Kind::Rows, "all rows"),
            (Kind::Other, "all others"),
        ] {
            line(name, &self.of(kind));
        }
        self.print_errors();
        self.print_memory();
        self.judge()
    }

    fn of(&self, kind: Kind) -> Vec<&Sample> {
        let samples = self.samples.iter();
        samples.filter(|sample| sample.kind == kind).collect()
    }

    fn print_errors(&self) {
        let mut errors: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for sample in &self.samples {
            if let Some(error) = &sample.error {
                *errors.entry((sample.endpoint, error)).or_default() += 1;
            }
        }
        println!("\nerrors: {}", errors.values().sum::<usize>());
        for ((endpoint, error), count) in errors {
            println!("  {count:>5} {endpoint}: {error}");
        }
        println!(
            "lines of the log that tell of an error: {}",
            self.complaints.len()
        );
        for line in self.complaints.iter().take(10) {
            println!("  {line}");
        }
    }

    fn print_memory(&self) {
        let of_all = |of: fn(&Memory) -> u64| self.memory.iter().map(of).collect();
        for (name, all) in [
            ("resident", of_all(|one| one.resident)),
            ("proportional", of_all(|one| one.proportional)),
        ] {
            let all: Vec<u64> = all;
            let megabytes = |bytes: Option<u64>| bytes.unwrap_or_default() as f64 / 1e6;
            println!(
                "memory, {name}: first {:.0} MB, last {:.0} MB, most {:.0} MB ({} samples)",
                megabytes(all.first().copied()),
                megabytes(all.last().copied()),
                megabytes(all.iter().copied().max()),
                all.len()
            );
        }
    }

    fn judge(&self) -> bool {
        let first = percentile(self.of(Kind::Answer).iter().filter_map(|one| one.first), 99);
        let rows = percentile(self.of(Kind::Rows).iter().map(|one| one.whole), 99);
        let errors = self.samples.iter().filter(|one| one.error.is_some());
        let growth = self.growth();
        let verdicts = [
            (
                format!("p99 of the first event {:.1} ms", milliseconds(first)),
                first < FIRST_EVENT,
            ),
            (
                format!("p99 of rows {:.1} ms", milliseconds(rows)),
                rows < ROWS,
            ),
            (
                format!("{} errors", errors.clone().count()),
                errors.count() == 0,
            ),
            (
                format!("{} complaints in the log", self.complaints.len()),
                self.complaints.is_empty(),
            ),
            match growth {
                Some(growth) => (
                    format!("memory grew by {:.1} %", (growth - 1.0) * 100.0),
                    growth <= GROWTH,
                ),
                None => ("too short to judge the memory".to_owned(), true),
            },
        ];
        println!();
        for (what, good) in &verdicts {
            println!("{} {what}", if *good { "good:" } else { "BAD: " });
        }
        verdicts.iter().all(|(_, good)| *good)
    }

    /// The memory of the last quarter against that of the second.
    fn growth(&self) -> Option<f64> {
        let quarter = self.memory.len() / 4;
        if self.memory.len() < ENOUGH {
            return None;
        }
        let mean = |part: &[Memory]| {
            part.iter().map(|one| one.resident as f64).sum::<f64>() / part.len() as f64
        };
        let early = mean(&self.memory[quarter..2 * quarter]);
        let late = mean(&self.memory[self.memory.len() - quarter..]);
        Some(late / early)
    }
}

fn line(name: &str, samples: &[&Sample]) {
    let errors = samples.iter().filter(|one| one.error.is_some()).count();
    let first: Vec<Duration> = samples.iter().filter_map(|one| one.first).collect();
    let whole: Vec<Duration> = samples.iter().map(|one| one.whole).collect();
    println!(
        "{name:<42} {:>6} {errors:>6} | {} | {}",
        samples.len(),
        columns(&first),
        columns(&whole)
    );
}

fn columns(all: &[Duration]) -> String {
    let column = |part| match all.is_empty() {
        true => format!("{:>8}", ""),
        false => format!(
            "{:>8.1}",
            milliseconds(percentile(all.iter().copied(), part))
        ),
    };
    [50, 95, 99].map(column).join(" ")
}

/// The nearest rank.
pub(crate) fn percentile(all: impl Iterator<Item = Duration>, part: usize) -> Duration {
    let mut all: Vec<Duration> = all.collect();
    all.sort_unstable();
    let rank = (all.len() * part).div_ceil(100).max(1);
    all.get(rank - 1).copied().unwrap_or_default()
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
