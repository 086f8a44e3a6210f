//! Figures for monitoring: requests are counted here, all else is read from
//! the service when somebody asks. Written in Prometheus' text format 0.0.4.

use super::dialect::Tongue;
use crate::service::{AnswerFigures, IngestionFigures, ModelActivity, Service, Status};
use crate::telemetry::{Histogram, HistogramReading};
use actix_web::http::StatusCode;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the text is, for its `Content-Type`.
pub(super) const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Bounds for the time until a response begins, in seconds.
const RESPONSES: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Requests since the start.
#[derive(Default)]
pub(super) struct RequestMetrics {
    counts: Mutex<BTreeMap<(String, u16), u64>>,
    durations: Mutex<BTreeMap<String, Arc<Histogram>>>,
}

impl RequestMetrics {
    /// Counts a request to a path of `tongue` (`None`: the page) whose response
    /// began after `took`.
    pub(super) fn note(&self, tongue: Option<Tongue>, status: StatusCode, took: Duration) {
        let dialect = tongue.map_or_else(|| "page".to_owned(), label);
        let key = (dialect.clone(), status.as_u16() / 100);
        *locked(&self.counts).entry(key).or_default() += 1;
        let new = || Arc::new(Histogram::new(RESPONSES));
        let histogram = Arc::clone(locked(&self.durations).entry(dialect).or_insert_with(new));
        histogram.note(took);
    }

    /// Everything, as text.
    pub(super) fn page(&self, service: &Service, status: &Status) -> String {
        let mut page = Page::default();
        self.write(&mut page);
        write_process(&mut page, service, status);
        write_counters(&mut page, service);
        write_store(&mut page, status);
        write_ingestion(&mut page, &service.ingestion());
        write_answers(&mut page, &status.answers);
        if let Some(activity) = &status.activity {
            write_model(&mut page, activity);
        }
        page.0
    }

    fn write(&self, page: &mut Page) {
        let name = "satchel_http_requests_total";
        page.family(name, "counter", "Requests, by dialect and class of status.");
        for ((dialect, class), count) in locked(&self.counts).iter() {
            let class = format!("{class}xx");
            page.sample(name, &[("dialect", dialect), ("status", &class)], count);
        }
        let name = "satchel_http_request_duration_seconds";
        page.family(name, "histogram", "Time until a response begins.");
        for (dialect, histogram) in locked(&self.durations).iter() {
            page.histogram(name, &[("dialect", dialect)], &histogram.read());
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The dialect's name as labels are written: `RagChat` is `rag_chat`.
fn label(tongue: Tongue) -> String {
    let mut label = String::new();
    for letter in format!("{tongue:?}").chars() {
        if letter.is_ascii_uppercase() && !label.is_empty() {
            label.push('_');
        }
        label.push(letter.to_ascii_lowercase());
    }
    label
}

fn write_process(page: &mut Page, service: &Service, status: &Status) {
    let name = "satchel_build_info";
    page.family(name, "gauge", "The version that runs; always 1.");
    page.sample(name, &[("version", &status.version)], 1);
    page.gauge(
        "process_start_time_seconds",
        "When the process began to serve, in Unix time.",
        service.started_at().seconds(),
    );
    page.gauge(
        "satchel_uptime_seconds",
        "How long it has been serving.",
        status.uptime_s,
    );
    page.gauge(
        "process_resident_memory_bytes",
        "Memory that the process holds.",
        status.memory_bytes,
    );
}

/// Counters that have no other family.
fn write_counters(page: &mut Page, service: &Service) {
    let name = "satchel_password_checks_total";
    let help = "Passwords that were checked: one an attempt to sign in.";
    page.family(name, "counter", help);
    page.sample(name, &[], service.password_checks());
}

fn write_store(page: &mut Page, status: &Status) {
    let indexes = &status.indexes;
    let gauges = [
        ("satchel_documents", "Documents.", status.documents),
        ("satchel_chunks", "Chunks of documents.", status.chunks),
        (
            "satchel_jobs_pending",
            "Documents that are not ingested yet.",
            status.jobs_pending,
        ),
        (
            "satchel_keyword_index_chunks",
            "Chunks in the keyword index.",
            indexes.keyword_chunks,
        ),
        (
            "satchel_keyword_index_bytes",
            "Size of the keyword index on disk.",
            indexes.keyword_bytes,
        ),
        (
            "satchel_vector_index_vectors",
            "Vectors in the vector index.",
            indexes.vectors,
        ),
        (
            "satchel_vector_index_bytes",
            "Size of the vector index on disk.",
            indexes.vector_bytes,
        ),
        (
            "satchel_database_bytes",
            "Size of the database on disk.",
            indexes.database_bytes,
        ),
    ];
    for (name, help, value) in gauges {
        page.gauge(name, help, value);
    }
}

fn write_ingestion(page: &mut Page, ingestion: &IngestionFigures) {
    let name = "satchel_ingestion_seconds_total";
    page.family(name, "counter", "Time that ingestion took, by its steps.");
    for (step, seconds) in &ingestion.seconds {
        page.sample(name, &[("step", step)], seconds);
    }
    let counters = [
        (
            "satchel_ingested_pages_total",
            "Pages whose text was extracted, or found missing.",
            ingestion.pages,
        ),
        (
            "satchel_ingested_chunks_total",
            "Chunks that were embedded.",
            ingestion.chunks,
        ),
    ];
    for (name, help, value) in counters {
        page.family(name, "counter", help);
        page.sample(name, &[], value);
    }
}

fn write_answers(page: &mut Page, answers: &AnswerFigures) {
    let name = "satchel_answers_total";
    page.family(name, "counter", "Answers, by who wrote them.");
    let modes = [
        ("model", answers.by_model),
        ("quotes", answers.quotes),
        ("nothing_found", answers.nothing_found),
        ("plain_chat", answers.plain_chats),
        ("failed", answers.failed),
    ];
    for (mode, count) in modes {
        page.sample(name, &[("mode", mode)], count);
    }
    let counters = [
        (
            "satchel_prompt_tokens_total",
            "Tokens of the prompts of all answers, cached ones included.",
            answers.prompt_tokens,
        ),
        (
            "satchel_reused_tokens_total",
            "Tokens of prompts that were cached and not read again.",
            answers.reused_tokens,
        ),
        (
            "satchel_answer_tokens_total",
            "Tokens that chat models wrote.",
            answers.answer_tokens,
        ),
    ];
    for (name, help, value) in counters {
        page.family(name, "counter", help);
        page.sample(name, &[], value);
    }
    let name = "satchel_first_event_seconds";
    page.family(name, "histogram", "From a question to its first event.");
    page.histogram(name, &[], &answers.first_event);
    let name = "satchel_first_token_seconds";
    page.family(name, "histogram", "From a question to the first text.");
    page.histogram(name, &[], &answers.first_token);
}

fn write_model(page: &mut Page, activity: &ModelActivity) {
    let gauges = [
        (
            "satchel_sequences_running",
            "Answers that the chat model writes now.",
            activity.running,
        ),
        (
            "satchel_sequences_waiting",
            "Answers that wait for the chat model.",
            activity.waiting,
        ),
        (
            "satchel_kv_blocks",
            "Blocks of the cache of keys and values.",
            activity.cache_blocks,
        ),
        (
            "satchel_kv_blocks_used",
            "Blocks that answers in progress use.",
            activity.cache_blocks_used,
        ),
        (
            "satchel_kv_blocks_kept",
            "Blocks that are kept for prompts that begin alike.",
            activity.cache_blocks_kept,
        ),
    ];
    for (name, help, value) in gauges {
        page.gauge(name, help, value);
    }
    let speeds = [
        (
            "satchel_prompt_tokens_per_second",
            "How fast the chat model read of late.",
            activity.prompt_tokens_per_second,
        ),
        (
            "satchel_answer_tokens_per_second",
            "How fast the chat model wrote of late, all answers together.",
            activity.answer_tokens_per_second,
        ),
    ];
    for (name, help, speed) in speeds {
        if let Some(speed) = speed {
            page.gauge(name, help, speed);
        }
    }
}

/// Text under construction.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Begins the samples of one name.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], read: &HistogramReading) {
        let bucket = format!("{name}_bucket");
        let bounds = read
            .up_to
            .iter()
            .map(|(bound, count)| (bound.to_string(), *count));
        for (bound, count) in bounds.chain([("+Inf".to_owned(), read.count)]) {
            let labels = [labels, &[("le", bound.as_str())]].concat();
            self.sample(&bucket, &labels, count);
        }
        self.sample(&format!("{name}_sum"), labels, read.seconds);
        self.sample(&format!("{name}_count"), labels, read.count);
    }
}

/// A label's value between its quotes.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Page, RequestMetrics};
    use crate::http::dialect::Tongue;
    use actix_web::http::StatusCode;
    use std::time::Duration;

    #[test]
    fn requests_are_counted_by_dialect_and_class_of_status() {
        let metrics = RequestMetrics::default();
        let took = Duration::from_millis(30);
        metrics.note(Some(Tongue::RagChat), StatusCode::OK, took);
        metrics.note(Some(Tongue::RagChat), StatusCode::CREATED, took);
        metrics.note(Some(Tongue::OpenAi), StatusCode::NOT_FOUND, took);
        metrics.note(None, StatusCode::OK, took);
        let mut page = Page::default();
        metrics.write(&mut page);
        for line in [
            "satchel_http_requests_total{dialect=\"rag_chat\",status=\"2xx\"} 2",
            "satchel_http_requests_total{dialect=\"open_ai\",status=\"4xx\"} 1",
            "satchel_http_requests_total{dialect=\"page\",status=\"2xx\"} 1",
            "satchel_http_request_duration_seconds_bucket{dialect=\"page\",le=\"0.025\"} 0",
            "satchel_http_request_duration_seconds_bucket{dialect=\"page\",le=\"0.05\"} 1",
            "satchel_http_request_duration_seconds_bucket{dialect=\"page\",le=\"+Inf\"} 1",
            "satchel_http_request_duration_seconds_sum{dialect=\"rag_chat\"} 0.06",
            "# TYPE satchel_http_request_duration_seconds histogram",
        ] {
            assert!(page.0.lines().any(|one| one == line), "{line}\n{}", page.0);
        }
    }

    #[test]
    fn label_cannot_end_its_quotes() {
        let mut page = Page::default();
        page.sample("a", &[("b", "c\"} 1\nd \\")], 2);
        assert_eq!(page.0, "a{b=\"c\\\"} 1\\nd \\\\\"} 2\n");
    }
}
