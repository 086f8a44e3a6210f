//! Times the bundled embedding model and prints one line of JSON. Run by
//! `tests/bench/embedding.py`, which sets it beside onnxruntime:
//! `embedding TEXTS [ROUNDS]`, a text a line; the number of threads is rayon's
//! (`RAYON_NUM_THREADS`).

use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use satchel::engine::encoder::Encoder;

/// Questions asked one after the other for the latency.
const QUESTIONS: usize = 200;
const QUESTION: &str = "When does the lease of the warehouse end?";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let Some(path) = arguments.next() else {
        println!("usage: embedding TEXTS [ROUNDS]; tests/bench/embedding.py calls it");
        return Ok(());
    };
    let rounds: usize = arguments.next().map_or(Ok(1), |rounds| rounds.parse())?;
    let file = std::fs::read_to_string(path)?;
    let texts: Vec<&str> = file.lines().collect();

    let started = Instant::now();
    let encoder = Encoder::bundled()?;
    let load = started.elapsed();
    let idle = resident()?;
    encoder.embed(&texts[..texts.len().min(4)])?;

    let (started, cpu) = (Instant::now(), cpu_time()?);
    for _ in 0..rounds {
        encoder.embed(&texts)?;
    }
    let (wall, cpu) = (started.elapsed(), cpu_time()? - cpu);
    let mut latencies = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let started = Instant::now();
        encoder.embed(&[QUESTION])?;
        latencies.push(started.elapsed());
    }
    latencies.sort_unstable();
    let chunks = (rounds * texts.len()) as f64;
    let figures = serde_json::json!({
        "chunks": chunks,
        "chunks_per_second": chunks / wall.as_secs_f64(),
        "chunks_per_cpu_second": chunks / cpu.as_secs_f64(),
        "load_ms": load.as_secs_f64() * 1e3,
        "question_ms_median": latencies[QUESTIONS / 2].as_secs_f64() * 1e3,
        "question_ms_p95": latencies[QUESTIONS * 95 / 100].as_secs_f64() * 1e3,
        "resident_after_load_mib": idle,
    });
    println!("{figures}");
    Ok(())
}

/// Processor time of all threads so far, in the kernel's ticks of 10 ms.
fn cpu_time() -> anyhow::Result<Duration> {
    let line = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = line.rsplit_once(')').context("no process name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// Memory held, in MiB.
fn resident() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("no VmRSS")?;
    let kibibytes: f64 = line.split_whitespace().nth(1).context("no size")?.parse()?;
    Ok(kibibytes / 1024.0)
}
