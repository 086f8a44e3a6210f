//! How fast a model file runs here: the passes of the scheduler without
//! askers. What is measured is what users wait for: loading, reading prompts,
//! writing answers, several at once, and with drafts from the prompt.

mod serving;

pub use serving::{ServingBenchmark, benchmark_serving};

use super::backend::{Backend, Placement};
use super::error::DecoderError;
use super::model_file::ModelFile;
use super::network::{BLOCK_TOKENS, BlockId, MAX_BATCH, Segment};
use super::pass_costs::PassCosts;
use super::shape::Shape;
use super::{CacheRoom, LoadOptions, architecture_of};
use crate::sampler::PromptLookup;
use std::path::Path;
use std::time::Instant;

/// Tokens of the span that the answer repeats in the measurement of drafts.
const REPEATED_SPAN: usize = 256;

/// Most drafts of a pass, as in the scheduler.
const MAX_DRAFTS: usize = 15;

/// What to measure.
#[derive(Debug, Clone)]
pub struct BenchmarkPlan {
    /// Lengths of prompts, in tokens.
    pub prompts: Vec<usize>,
    /// Tokens to write.
    pub decode: usize,
    /// Numbers of answers written at once.
    pub streams: Vec<usize>,
    /// Tokens that lie before each answer, rounded up to whole blocks.
    pub depth: usize,
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Benchmark {
    pub placement: Placement,
    pub load_seconds: f64,
    /// Reading and packing the weights, which is most of loading.
    pub weights_seconds: f64,
    pub file_bytes: u64,
    /// Memory of the process, where the system tells.
    pub resident_bytes: Option<u64>,
    /// Tokens of the prompt, and tokens per second.
    pub prefill: Vec<(usize, f64)>,
    /// Answers at once, and tokens per second in all.
    pub decode: Vec<(usize, f64)>,
    /// Tokens per second of one answer that repeats its prompt, with drafts.
    pub decode_repeating: f64,
}

/// Measures a model file; `report` hears each figure as it comes.
pub fn benchmark(
    path: &Path,
    options: &LoadOptions,
    plan: &BenchmarkPlan,
    mut report: impl FnMut(&Benchmark),
) -> Result<Benchmark, DecoderError> {
    let begun = Instant::now();
    let file = ModelFile::open(path)?;
    let shape = Shape::read(&file, architecture_of(&file)?)?;
    let longest = plan.prompts.iter().copied().max().unwrap_or(0);
    let most_streams = plan.streams.iter().copied().max().unwrap_or(1);
    let per_stream = (plan.decode + 1).next_multiple_of(BLOCK_TOKENS);
    let depth = plan.depth.next_multiple_of(BLOCK_TOKENS);
    let repeating = 2 * REPEATED_SPAN + plan.decode + MAX_DRAFTS + 1;
    let written = depth + most_streams * per_stream;
    let tokens = longest.max(repeating).max(written);
    let room = CacheRoom {
        context: tokens,
        tokens: tokens + BLOCK_TOKENS,
    };
    let weights = Instant::now();
    let (backend, placement) = Backend::load(&file, shape, room, options)?;
    let weights_seconds = weights.elapsed().as_secs_f64();
    let mut bench = Bench { backend };
    let mut found = Benchmark {
        placement,
        load_seconds: begun.elapsed().as_secs_f64(),
        weights_seconds,
        file_bytes: file.bytes,
        resident_bytes: None,
        prefill: Vec::new(),
        decode: Vec::new(),
        decode_repeating: 0.0,
    };
    drop(file);
    // The first pass pays for memory that is new to the process.
    bench.prefill(longest.clamp(1, MAX_BATCH))?;
    for tokens in &plan.prompts {
        found.prefill.push((*tokens, bench.prefill(*tokens)?));
        report(&found);
    }
    if depth > 0 {
        bench.prefill(depth)?;
    }
    for streams in &plan.streams {
        let speed = bench.decode(*streams, plan.decode, (depth, per_stream))?;
        found.decode.push((*streams, speed));
        report(&found);
    }
    found.decode_repeating = bench.decode_repeating(plan.decode)?;
    found.resident_bytes = resident_bytes();
    report(&found);
    Ok(found)
}

struct Bench {
    backend: Backend,
}

impl Bench {
    fn token(&self, n: usize) -> u32 {
        (n * 7919 % self.backend.shape().vocabulary.min(30_000)) as u32
    }

    fn read(&mut self, tokens: &[u32]) -> Result<(), DecoderError> {
        let blocks: Vec<BlockId> = (0..self.backend.blocks() as BlockId).collect();
        let mut position = 0;
        for slice in tokens.chunks(MAX_BATCH) {
            let end = position + slice.len();
            let segment = Segment {
                tokens: slice,
                position,
                blocks: &blocks,
                logits: usize::from(end == tokens.len()),
            };
            self.backend.forward(&[segment])?;
            position = end;
        }
        Ok(())
    }

    /// Tokens per second of reading a prompt.
    fn prefill(&mut self, tokens: usize) -> Result<f64, DecoderError> {
        let prompt: Vec<u32> = (0..tokens).map(|n| self.token(n)).collect();
        let begun = Instant::now();
        self.read(&prompt)?;
        Ok(tokens as f64 / begun.elapsed().as_secs_f64())
    }

    /// Tokens per second of so many answers at once, in all. They share the
    /// first `depth` tokens.
    fn decode(
        &mut self,
        streams: usize,
        tokens: usize,
        (depth, room): (usize, usize),
    ) -> Result<f64, DecoderError> {
        let (shared, own) = (depth / BLOCK_TOKENS, room / BLOCK_TOKENS);
        let blocks: Vec<Vec<BlockId>> = (0..streams)
            .map(|stream| {
                let first = shared + stream * own;
                let all = (0..shared).chain(first..first + own);
                all.map(|block| block as BlockId).collect()
            })
            .collect();
        let begun = Instant::now();
        for position in depth..depth + tokens {
            let token = [self.token(position)];
            let segments: Vec<Segment<'_>> = blocks
                .iter()
                .map(|blocks| Segment {
                    tokens: &token,
                    position,
                    blocks,
                    logits: 1,
                })
                .collect();
            self.backend.forward(&segments)?;
        }
        Ok((streams * tokens) as f64 / begun.elapsed().as_secs_f64())
    }

    /// Tokens per second of an answer that repeats a span of its prompt,
    /// drafted from there. The answer is forced: random weights repeat nothing.
    fn decode_repeating(&mut self, tokens: usize) -> Result<f64, DecoderError> {
        let span: Vec<u32> = (0..REPEATED_SPAN).map(|n| self.token(n * 3 + 1)).collect();
        let rest: Vec<u32> = (0..REPEATED_SPAN).map(|n| self.token(n * 5 + 2)).collect();
        let mut text = [span.clone(), rest, span[..4].to_vec()].concat();
        let answer: Vec<u32> = span[4..].iter().copied().cycle().take(tokens + 1).collect();
        self.read(&text)?;
        let blocks: Vec<BlockId> = (0..self.backend.blocks() as BlockId).collect();
        let mut lookup = PromptLookup::new(&text);
        let mut costs = PassCosts::default();
        let mut written = 0;
        let begun = Instant::now();
        while written < tokens {
            text.push(answer[written]);
            lookup.push(answer[written]);
            written += 1;
            let most = MAX_DRAFTS.min(tokens - written);
            let drafts = lookup.draft(&costs.of(1, most)).to_vec();
            let position = text.len() - 1;
            let right = drafts.iter().zip(&answer[written..]);
            let accepted = right.take_while(|(draft, token)| draft == token).count();
            let pass = Instant::now();
            let segment = Segment {
                tokens: &[&text[position..], &drafts].concat(),
                position,
                blocks: &blocks,
                logits: 1 + drafts.len(),
            };
            self.backend.forward(&[segment])?;
            costs.note(1 + drafts.len(), pass.elapsed());
            if !drafts.is_empty() {
                lookup.verified(drafts.len(), accepted);
            }
            for draft in &drafts[..accepted] {
                text.push(*draft);
                lookup.push(*draft);
            }
            written += accepted;
        }
        Ok(tokens as f64 / begun.elapsed().as_secs_f64())
    }
}

/// Memory that the process has in use.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
