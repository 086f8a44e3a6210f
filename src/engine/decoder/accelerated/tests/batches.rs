//! The network against itself: alone or in a batch, at once or in slices, with
//! a beginning that another sequence has read, on every device there is.

use super::{CONTEXT, Precision, Tiny, cosine, devices, tiny, tokens};
use crate::decoder::accelerated::AcceleratedNetwork;
use crate::decoder::network::Segment;
use crate::decoder::{Architecture, WeightFormat};

/// Networks of one model: exact, and as it is used, on every device.
fn networks(tiny: &Tiny) -> Vec<(AcceleratedNetwork, f64)> {
    let mut networks = Vec::new();
    for device in devices() {
        networks.push((tiny.network(Precision::Full, &device), 0.99999));
        // Products with quantized weights quantize what comes in, too.
        networks.push((tiny.network(Precision::AsStored, &device), 0.999));
    }
    networks
}

/// A part of a sequence, whose last token's logits are wanted.
fn part<'a>(tokens: &'a [u32], from: usize, to: usize, blocks: &'a [u32]) -> Segment<'a> {
    Segment {
        tokens: &tokens[from..to],
        position: from,
        blocks,
        logits: 1,
    }
}

/// Reads a sequence in slices that end at `ends`; the logits of its last token.
fn sliced(network: &mut AcceleratedNetwork, tokens: &[u32], ends: &[usize]) -> Vec<f32> {
    let blocks: Vec<u32> = (0..16).rev().collect();
    let mut from = 0;
    let mut last = Vec::new();
    for end in ends {
        let segment = part(tokens, from, *end, &blocks);
        last = network.forward(&[segment]).unwrap().to_vec();
        from = *end;
    }
    last
}

#[test]
fn prompt_read_in_slices_scores_like_one_read_at_once() {
    for architecture in Architecture::ALL {
        let tiny = tiny(architecture, WeightFormat::Q4KM);
        let tokens = tokens(100);
        for (mut network, likeness) in networks(&tiny) {
            let whole = sliced(&mut network, &tokens, &[100]);
            let one_by_one: Vec<usize> = (90..=100).collect();
            for ends in [&[64, 96, 99, 100][..], &[7, 90, 100], &one_by_one] {
                let found = cosine(&whole, &sliced(&mut network, &tokens, ends));
                assert!(found > likeness, "{architecture:?} {ends:?}: {found}");
            }
            let shifted = sliced(&mut network, &tokens, &[99]);
            assert!(
                cosine(&whole, &shifted) < 0.95,
                "{architecture:?}: the last token matters"
            );
        }
    }
}

#[test]
fn sequences_of_one_pass_score_as_alone() {
    for architecture in Architecture::ALL {
        let tiny = tiny(architecture, WeightFormat::Q4KM);
        let tokens = tokens(120);
        for (mut network, likeness) in networks(&tiny) {
            let vocabulary = network.shape().vocabulary;
            // Writing, reading, writing with drafts, writing with little behind it.
            let turns = [(80, 81), (30, 70), (90, 95), (2, 3)];
            let alone = turns.map(|(from, to)| sliced(&mut network, &tokens, &[from, to]));
            let blocks: Vec<Vec<u32>> =
                (0..4).map(|n| (n * 4..n * 4 + 4).rev().collect()).collect();
            let each = || turns.into_iter().zip(&blocks);
            let before = each().map(|((from, _), blocks)| part(&tokens, 0, from, blocks));
            network.forward(&before.collect::<Vec<_>>()).unwrap();
            let now = each().map(|((from, to), blocks)| part(&tokens, from, to, blocks));
            let together = network.forward(&now.collect::<Vec<_>>()).unwrap();
            assert_eq!(together.len(), 4 * vocabulary);
            for (n, alone) in alone.iter().enumerate() {
                let beside = &together[n * vocabulary..][..vocabulary];
                let found = cosine(alone, beside);
                assert!(found > likeness, "{architecture:?} {n}: {found}");
            }
        }
    }
}

#[test]
fn beginning_that_another_sequence_read_serves_as_ones_own() {
    for architecture in Architecture::ALL {
        let tiny = tiny(architecture, WeightFormat::Q4KM);
        let tokens = tokens(100);
        for (mut network, likeness) in networks(&tiny) {
            let alone = sliced(&mut network, &tokens, &[100]);
            let mut other = tokens.clone();
            other[64..].reverse();
            let blocks = [[3, 1, 5, 7], [3, 1, 6, 2]];
            network
                .forward(&[part(&other, 0, 100, &blocks[0])])
                .unwrap();
            let reused = network.forward(&[part(&tokens, 64, 100, &blocks[1])]);
            let found = cosine(&alone, reused.unwrap());
            assert!(found > likeness, "{architecture:?}: {found}");
        }
    }
}

#[test]
fn long_prompt_attends_in_tiles_as_whole() {
    let tiny = tiny(Architecture::Gemma3, WeightFormat::Q8_0);
    let tokens = tokens(CONTEXT - 12);
    for (mut network, likeness) in networks(&tiny) {
        let whole = sliced(&mut network, &tokens, &[500]);
        network.most_scores = 0;
        let tiled = sliced(&mut network, &tokens, &[500]);
        let found = cosine(&whole, &tiled);
        assert!(found > likeness, "{found}");
    }
}

#[test]
fn all_logits_come_in_the_order_of_the_segments() {
    let tiny = tiny(Architecture::Qwen2, WeightFormat::F32);
    let tokens = tokens(40);
    let mut network = tiny.network(Precision::Full, &candle_core::Device::Cpu);
    let vocabulary = network.shape().vocabulary;
    let wanted = super::read(&mut network, &tokens, 0);
    let segments = [(3, &[0, 1]), (40, &[2, 3]), (0, &[4, 5])].map(|(count, blocks)| Segment {
        tokens: &tokens[..count],
        position: 0,
        blocks,
        logits: count,
    });
    let found = network.forward(&segments).unwrap();
    let wanted = wanted[..3].iter().chain(&wanted);
    assert_eq!(found.len(), 43 * vocabulary);
    for (found, wanted) in found.chunks(vocabulary).zip(wanted) {
        assert!(cosine(found, wanted) > 0.99999);
    }
}

#[test]
fn every_format_runs_as_stored_close_to_full_precision() {
    let tokens = tokens(24);
    for format in WeightFormat::ALL {
        let tiny = tiny(Architecture::Llama, format);
        let exact = tiny.logits(&tokens);
        for device in devices() {
            let mut network = tiny.network(Precision::AsStored, &device);
            let near = super::read(&mut network, &tokens, 0);
            for (near, exact) in near.iter().zip(&exact) {
                let found = cosine(near, exact);
                assert!(found > 0.995, "{}: {found}", format.name());
            }
        }
    }
}
