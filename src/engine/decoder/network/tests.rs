//! The network against the tensor operations of the accelerated one, which
//! are in full precision here, and against itself: alone or in a batch, at once or in slices.

use super::{Cache, Network, Segment};
use crate::decoder::accelerated::{AcceleratedNetwork, Precision};
use crate::decoder::model_file::ModelFile;
use crate::decoder::shape::Shape;
use crate::decoder::{Architecture, CacheRoom, KvCache, WeightFormat, write_tiny_model_as};
use candle_core::Device;

const CONTEXT: usize = 512;
const KEPT: [KvCache; 2] = [KvCache::F16, KvCache::Q8_0];

fn tiny(architecture: Architecture, format: WeightFormat) -> (ModelFile, Shape) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    write_tiny_model_as(&path, architecture, format, 3).unwrap();
    // An open file outlives its name.
    let file = ModelFile::open(&path).unwrap();
    let shape = Shape::read(&file, architecture).unwrap();
    (file, shape)
}

/// A network with a cache for two sequences of 512 tokens.
fn network(architecture: Architecture, format: WeightFormat, kept: KvCache) -> (Network, Cache) {
    let (file, shape) = tiny(architecture, format);
    let cache = Cache::new(&shape, kept, 1024);
    (Network::load(&file, shape, CONTEXT, 2).unwrap(), cache)
}

/// Reads `tokens` in slices; the logits of the last one.
fn scores(network: &mut Network, cache: &mut Cache, tokens: &[u32], slices: &[usize]) -> Vec<f32> {
    let blocks: Vec<u32> = (0..16).rev().collect();
    let mut position = 0;
    let mut last = Vec::new();
    for slice in slices {
        let segment = Segment {
            tokens: &tokens[position..position + slice],
            position,
            blocks: &blocks,
            logits: 1,
        };
        last = network.forward(cache, &[segment]).to_vec();
        position += slice;
    }
    last
}

/// Every architecture with keys and values in every format.
fn cases() -> impl Iterator<Item = (Architecture, KvCache)> {
    let all = |architecture| KEPT.map(move |kept| (architecture, kept));
    Architecture::ALL.into_iter().flat_map(all)
}

#[test]
fn prompt_read_in_slices_scores_like_one_read_at_once() {
    for (architecture, kept) in cases() {
        let (mut network, mut cache) = network(architecture, WeightFormat::Q4KM, kept);
        let tokens: Vec<u32> = (0..169).map(|n| (n * 37) % 250).collect();
        let mut scores = |slices: &[usize]| scores(&mut network, &mut cache, &tokens, slices);
        let whole = scores(&[169]);
        for slices in [&[128, 32, 8, 1][..], &[7, 100, 62], &[1; 169]] {
            let likeness = cosine(&whole, &scores(slices));
            // Sums in another order may round a code the other way.
            let largest = slices[0];
            assert!(
                likeness > 0.9995,
                "{architecture:?} {kept:?} {largest}: {likeness}"
            );
        }
        let shifted = scores(&[168]);
        assert!(cosine(&whole, &shifted) < 0.95, "the last token matters");
    }
}

#[test]
fn sequence_read_beside_others_scores_as_alone() {
    for (architecture, kept) in cases() {
        let (mut network, mut cache) = network(architecture, WeightFormat::Q4KM, kept);
        let tokens: Vec<u32> = (0..100).map(|n| (n * 31) % 250).collect();
        let alone = scores(&mut network, &mut cache, &tokens, &[99, 1]);
        let blocks: [Vec<u32>; 2] = [(0..4).collect(), (4..8).collect()];
        let segment = |sequence: usize, from: usize, to: usize| Segment {
            tokens: &tokens[from..to],
            position: from,
            blocks: &blocks[sequence],
            logits: 1,
        };
        network.forward(&mut cache, &[segment(0, 0, 99)]);
        let both = network.forward(&mut cache, &[segment(1, 0, 60), segment(0, 99, 100)]);
        let beside = &both[both.len() / 2..];
        let likeness = cosine(&alone, beside);
        assert!(likeness > 0.9995, "{architecture:?} {kept:?}: {likeness}");
    }
}

/// Cosine of the logits of all positions, and the share of positions whose
/// likeliest token by the reference is among our first five.
fn compare(architecture: Architecture, format: WeightFormat, kept: KvCache) -> (f32, f32) {
    let tokens: Vec<u32> = (0..200).map(|n| (n * 37 + n / 7) % 250).collect();
    let (file, shape) = tiny(architecture, format);
    let vocabulary = shape.vocabulary;
    let room = CacheRoom {
        context: CONTEXT,
        tokens: CONTEXT,
    };
    let (device, precision) = (Device::Cpu, Precision::Full);
    let mut reference = AcceleratedNetwork::load(&file, shape, room, &device, precision).unwrap();
    let (mut network, mut cache) = network(architecture, format, kept);
    let blocks: Vec<u32> = (0..8).collect();
    let segment = Segment {
        tokens: &tokens,
        position: 0,
        blocks: &blocks,
        logits: tokens.len(),
    };
    let wanted = reference.forward(&[segment]).unwrap();
    let found = network.forward(&mut cache, &[segment]);
    let rows = found.chunks(vocabulary).zip(wanted.chunks(vocabulary));
    let agreeing = rows.filter(|(found, wanted)| {
        let best = (0..vocabulary)
            .max_by(|a, b| wanted[*a].total_cmp(&wanted[*b]))
            .unwrap();
        found.iter().filter(|score| **score > found[best]).count() < 5
    });
    let agreeing = agreeing.count() as f32 / tokens.len() as f32;
    (cosine(found, wanted), agreeing)
}

#[test]
fn logits_of_every_architecture_agree_with_the_reference() {
    for (architecture, kept) in cases() {
        let (likeness, agreeing) = compare(architecture, WeightFormat::Q4KM, kept);
        assert!(
            likeness >= 0.999 && agreeing >= 0.99,
            "{architecture:?} {kept:?}: {likeness} {agreeing}"
        );
    }
}

#[test]
fn logits_of_every_weight_format_agree_with_the_reference() {
    for format in WeightFormat::ALL {
        let (likeness, agreeing) = compare(Architecture::Qwen2, format, KvCache::F16);
        assert!(
            likeness >= 0.999 && agreeing >= 0.99,
            "{format:?}: {likeness} {agreeing}"
        );
    }
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}
