//! `satchel bench`: how fast a model runs on this machine.

use crate::config::Config;
use crate::engine::decoder::{
    Benchmark, BenchmarkPlan, LoadOptions, ServingBenchmark, SyntheticShape, WeightFormat,
    benchmark, benchmark_serving, installed, write_synthetic,
};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  satchel bench
  satchel bench data/models/qwen2.5-1.5b-instruct-q4_k_m.gguf --streams 1,4
  satchel bench --synthetic qwen2.5-0.5b:Q4_K_M --keep /tmp/synthetic.gguf --json")]
pub(super) struct Options {
    /// A model file, or the name of one in the data folder [default: the newest]
    model: Option<PathBuf>,
    /// Random weights in the shape of a real model instead: qwen2.5-0.5b,
    /// qwen2.5-1.5b or llama-3.2-1b, with Q4_K_M, Q8_0, Q4_0 or F16
    #[arg(long, value_name = "SHAPE:QUANT", conflicts_with = "model")]
    synthetic: Option<String>,
    /// Keep the file with random weights here
    #[arg(long, value_name = "FILE.gguf", requires = "synthetic")]
    keep: Option<PathBuf>,
    /// Lengths of prompts to read, in tokens
    #[arg(long, value_delimiter = ',', default_value = "128,512,2048")]
    prompt: Vec<usize>,
    /// Tokens to write
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=8192))]
    decode: u64,
    /// How many answers to write at once
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    streams: Vec<usize>,
    /// Tokens of a conversation that lie before these answers
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=131_072))]
    depth: u64,
    /// Also measure what people notice of a server: how soon a follow-up on
    /// 3,000 tokens is answered, and how long 8 running answers stand still
    /// while a prompt of 2,048 tokens is read
    #[arg(long)]
    serving: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
pub(super) fn run(config: &Config, options: &Options) -> Result<ExitCode> {
    let within = |numbers: &[usize], most| numbers.iter().all(|n| (1..=most).contains(n));
    if !within(&options.prompt, 131_072) || !within(&options.streams, 256) {
        bail!("prompts have 1 to 131072 tokens, and 1 to 256 answers are written at once");
    }
    let scratch = std::env::temp_dir().join(format!("satchel-bench-{}.gguf", std::process::id()));
    let (path, temporary) = match (&options.synthetic, &options.keep) {
        (Some(wanted), Some(keep)) => (synthetic(wanted, keep)?, false),
        (Some(wanted), None) => (synthetic(wanted, &scratch)?, true),
        (None, _) => (model_file(config, options.model.as_deref())?, false),
    };
    let plan = BenchmarkPlan {
        prompts: options.prompt.clone(),
        decode: options.decode as usize,
        streams: options.streams.clone(),
        depth: options.depth as usize,
    };
    let load = LoadOptions {
        context_tokens: config.context_tokens,
        threads: config.threads,
        device: config.device,
        kv_cache: config.kv_cache,
        kept_prefixes: None,
    };
    let mut printed = 0;
    let found = benchmark(&path, &load, &plan, |found| {
        if !options.json {
            printed = print_new(found, printed);
        }
    });
    let serving = match (&found, options.serving) {
        (Ok(_), true) => Some(benchmark_serving(&path, &load)),
        _ => None,
    };
    if temporary {
        // It lies among temporary files; leaving it behind loses nothing.
        let _ = std::fs::remove_file(&scratch);
    }
    let (found, serving) = (found?, serving.transpose()?);
    if options.json {
        println!("{:#}", as_json(&found, serving.as_ref()));
    } else {
        print_summary(&path, &found);
        serving.iter().for_each(print_serving);
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a model with random weights, unless it is there already.
fn synthetic(wanted: &str, path: &Path) -> Result<PathBuf> {
    let (shape, format) = wanted
        .split_once(':')
        .context("a synthetic model is named SHAPE:QUANT, as in qwen2.5-0.5b:Q4_K_M")?;
    let shapes = SyntheticShape::ALL.map(SyntheticShape::name).join(", ");
    let shape = SyntheticShape::parse(shape)
        .ok_or_else(|| anyhow!("there is no shape {shape:?}; there are: {shapes}"))?;
    let format = WeightFormat::parse(format)
        .ok_or_else(|| anyhow!("there is no quantization {format:?}"))?;
    if !path.exists() {
        write_synthetic(path, shape, format)?;
    }
    Ok(path.to_owned())
}

fn model_file(config: &Config, wanted: Option<&Path>) -> Result<PathBuf> {
    let folder = config.models();
    match wanted {
        Some(path) if path.exists() => Ok(path.to_owned()),
        Some(name) if folder.join(name).exists() => Ok(folder.join(name)),
        Some(name) => bail!("there is no model file {}", name.display()),
        None => installed(&folder)?.into_iter().next().with_context(|| {
            format!(
                "there is no model in {}; name a file, or try --synthetic qwen2.5-0.5b:Q4_K_M",
                folder.display()
            )
        }),
    }
}

/// Prints the figures beyond the first `printed`; how many there are now.
fn print_new(found: &Benchmark, printed: usize) -> usize {
    let prefill = found.prefill.iter().map(|(tokens, speed)| {
        let first = *tokens as f64 / speed;
        format!(
            "prompt of {tokens:>6} tokens   {speed:>8.1} tokens/s   first token after {first:.2} s"
        )
    });
    let decode = found
        .decode
        .iter()
        .map(|(streams, speed)| format!("{streams:>4} answers at once      {speed:>8.1} tokens/s"));
    let lines: Vec<String> = prefill.chain(decode).collect();
    lines
        .iter()
        .skip(printed)
        .for_each(|line| println!("{line}"));
    lines.len()
}

fn print_summary(path: &Path, found: &Benchmark) {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "answer from its prompt   {:>8.1} tokens/s   (drafted from there)",
        found.decode_repeating
    );
    println!(
        "{}: {:.0} MB, loaded in {:.1} s, the weights packed at {:.1} GB/s",
        path.display(),
        megabytes(found.file_bytes),
        found.load_seconds,
        found.file_bytes as f64 / 1e9 / found.weights_seconds
    );
    println!("run on {}", found.placement);
    if let Some(bytes) = found.resident_bytes {
        println!("memory in use            {:>8.0} MB", megabytes(bytes));
    }
}

fn print_serving(found: &ServingBenchmark) {
    let (follow_up, arrival) = (&found.follow_up, &found.arrival);
    println!(
        "follow-up on {:>6} tokens   first token after {:.2} s; the first turn's after {:.2} s ({:.1} %)",
        follow_up.conversation_tokens,
        follow_up.follow_up_seconds,
        follow_up.first_turn_seconds,
        100.0 * follow_up.follow_up_seconds / follow_up.first_turn_seconds
    );
    println!(
        "{} running answers stand still for {:.0} ms at most while a prompt of {} tokens is read ({:.0} ms before), which takes {:.1} s",
        arrival.streams,
        1e3 * arrival.longest_gap_seconds,
        arrival.prompt_tokens,
        1e3 * arrival.longest_gap_before_seconds,
        arrival.first_token_seconds
    );
}

fn serving_json(found: &ServingBenchmark) -> serde_json::Value {
    let (follow_up, arrival) = (&found.follow_up, &found.arrival);
    json!({
        "follow_up": {
            "conversation_tokens": follow_up.conversation_tokens,
            "reused_tokens": follow_up.reused_tokens,
            "first_turn_s": follow_up.first_turn_seconds,
            "follow_up_s": follow_up.follow_up_seconds,
        },
        "arrival": {
            "streams": arrival.streams,
            "prompt_tokens": arrival.prompt_tokens,
            "first_token_s": arrival.first_token_seconds,
            "longest_gap_before_s": arrival.longest_gap_before_seconds,
            "longest_gap_s": arrival.longest_gap_seconds,
        },
    })
}

fn as_json(found: &Benchmark, serving: Option<&ServingBenchmark>) -> serde_json::Value {
    let prefill = found
        .prefill
        .iter()
        .map(|(tokens, speed)| json!({"tokens": tokens, "tokens_per_s": speed}));
    let decode = found
        .decode
        .iter()
        .map(|(streams, speed)| json!({"streams": streams, "tokens_per_s": speed}));
    json!({
        "device": found.placement.device,
        "device_note": found.placement.note,
        "load_s": found.load_seconds,
        "weights_s": found.weights_seconds,
        "file_bytes": found.file_bytes,
        "resident_bytes": found.resident_bytes,
        "prefill": prefill.collect::<Vec<_>>(),
        "decode": decode.collect::<Vec<_>>(),
        "decode_repeating_tokens_per_s": found.decode_repeating,
        "serving": serving.map(serving_json),
    })
}
