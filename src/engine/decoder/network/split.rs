//! Which thread attends to what. A batch is cut into parts of a few tokens and
//! a key head each; where those leave threads idle, as one answer of a model
//! with few key heads does, the cache that they look at is cut as well, and
//! the shares of each part are joined (Dao et al., 2023: Flash-Decoding).

use super::Segment;
use super::attention::{Batch, Heads, Part, TILE};

/// Rows (tokens times heads of a group) that share a pass over the cache.
const ROWS: usize = 64;

/// Tokens of the cache that are worth a share of their own, at least.
const SMALLEST_SHARE: usize = 4 * TILE;

/// Shares that a thread gets, about, so that all end together though one of
/// them is slowed down.
const SHARES_PER_THREAD: usize = 2;

/// What a layer's attention consists of.
pub(super) struct Plan<'a> {
    /// What threads do, the longest first.
    pub(super) parts: Vec<Part<'a>>,
    /// What is left to join.
    pub(super) splits: Vec<Split<'a>>,
    /// Numbers in all shares.
    pub(super) shared: usize,
}

/// A part whose result comes in shares that lie one after the other.
pub(super) struct Split<'a> {
    part: Part<'a>,
    first: usize,
    shares: usize,
}

/// Cuts the batch for so many threads; `width` is that of a value.
pub(super) fn plan<'a>(
    segments: &[Segment<'a>],
    heads: Heads,
    kv_heads: usize,
    width: usize,
    threads: usize,
) -> Plan<'a> {
    let mut whole = parts(segments, heads, kv_heads);
    let mut plan = Plan {
        parts: Vec::new(),
        splits: Vec::new(),
        shared: 0,
    };
    let work = |part: &Part<'_>| (part.to - part.from) * part.tokens * heads.group;
    whole.sort_by_key(|part| std::cmp::Reverse(work(part)));
    let works: Vec<usize> = whole.iter().map(work).collect();
    let Some(share) = share_of_work(&works, threads) else {
        plan.parts = whole;
        return plan;
    };
    for part in whole {
        let rows = part.tokens * heads.group;
        let most = (share / rows).max(SMALLEST_SHARE);
        let shares = (part.to - part.from).div_ceil(most);
        if shares < 2 {
            plan.parts.push(part);
            continue;
        }
        let tokens = (part.to - part.from).div_ceil(shares);
        let tokens = tokens.next_multiple_of(TILE);
        let first = plan.shared;
        for from in (part.from..part.to).step_by(tokens) {
            plan.parts.push(Part {
                from,
                to: part.to.min(from + tokens),
                share: Some(plan.shared),
                ..part
            });
            plan.shared += rows * share_width(width);
        }
        plan.splits.push(Split {
            part,
            first,
            shares: (plan.shared - first) / (rows * share_width(width)),
        });
    }
    plan.parts.sort_by_key(|part| std::cmp::Reverse(work(part)));
    plan
}

/// Numbers of a row in a share: its largest score, the sum of exponentials,
/// and the sums of values.
pub(super) fn share_width(width: usize) -> usize {
    width + 2
}

/// How much work a share should be; none where whole parts, given out the
/// longest first, keep the threads busy to a tenth.
fn share_of_work(works: &[usize], threads: usize) -> Option<usize> {
    if threads < 2 || works.len() >= 4 * threads {
        return None;
    }
    let mut busy = vec![0; threads];
    for work in works {
        if let Some(idlest) = busy.iter_mut().min() {
            *idlest += work;
        }
    }
    let fair = works.iter().sum::<usize>() / threads;
    let last = busy.into_iter().max().unwrap_or(0);
    (last > fair + fair / 10).then_some(fair / SHARES_PER_THREAD)
}

/// Parts of about [`ROWS`] rows and a key head each.
fn parts<'a>(segments: &[Segment<'a>], heads: Heads, kv_heads: usize) -> Vec<Part<'a>> {
    let at_once = (ROWS / heads.group).max(1);
    let mut parts = Vec::new();
    let mut row = 0;
    for segment in segments {
        for first in (0..segment.tokens.len()).step_by(at_once) {
            let position = segment.position + first;
            let tokens = at_once.min(segment.tokens.len() - first);
            let seen = heads
                .window
                .map_or(0, |window| (position + 1).saturating_sub(window));
            parts.extend((0..kv_heads).map(|head| Part {
                blocks: segment.blocks,
                row: row + first,
                position,
                tokens,
                head,
                from: seen / TILE * TILE,
                to: position + tokens,
                share: None,
            }));
        }
        row += segment.tokens.len();
    }
    parts
}

/// Joins the shares of a part.
///
/// # Safety
/// The shares are complete, and nobody else writes the results of these
/// tokens and heads.
#[allow(unsafe_code)]
pub(super) unsafe fn join(split: &Split<'_>, heads: Heads, width: usize, batch: &Batch<'_>) {
    let rows = split.part.tokens * heads.group;
    let (width, length) = (share_width(width), heads.value_length);
    let size = rows * width;
    // SAFETY: passed on to the caller; shares are only read from here on.
    let shares = unsafe { &*batch.shares.part(split.first, split.shares * size) };
    for row in 0..rows {
        let shares = || {
            shares
                .chunks_exact(size)
                .map(|one| &one[row * width..][..width])
        };
        let largest = shares().fold(f32::NEG_INFINITY, |most, share| most.max(share[0]));
        // A share in which the row sees nothing counts nothing.
        let factor = |share: &[f32]| (share[0] - largest).exp();
        let sum: f32 = shares().map(|share| factor(share) * share[1]).sum();
        // SAFETY: passed on to the caller.
        let to = unsafe { batch.result(heads, split.part, row) };
        to.fill(0.0);
        for share in shares() {
            let factor = factor(share) / sum;
            for (to, value) in to.iter_mut().zip(&share[2..2 + length]) {
                *to += factor * value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::KvCache;
    use crate::decoder::made_numbers::MadeNumbers;
    use crate::decoder::network::Cache;
    use crate::decoder::network::attention::{AttentionScratch, attend};
    use crate::decoder::network::cache::BLOCK_TOKENS;
    use crate::kernels::{Disjoint, Instructions};

    const HEAD: usize = 64;
    const GROUP: usize = 6;

    fn heads(window: Option<usize>) -> Heads {
        Heads {
            group: GROUP,
            key_length: HEAD,
            value_length: HEAD,
            scale: 0.125,
            soft_cap: None,
            window,
        }
    }

    /// A cache of so many tokens of a model with one key head.
    fn cache(format: KvCache, tokens: usize) -> Cache {
        let mut cache = Cache::of_layer(format, 1, HEAD, tokens);
        let mut random = MadeNumbers::new(5);
        let writer = cache.layers[0].writer();
        for token in 0..tokens {
            let key = random.around(0.0, 1.0, HEAD);
            let value = random.around(0.0, 1.0, HEAD);
            let place = ((token / BLOCK_TOKENS) as u32, token % BLOCK_TOKENS);
            // SAFETY: one thread.
            #[allow(unsafe_code)]
            unsafe {
                writer.write(place, 0, &key, &value);
            }
        }
        cache
    }

    /// Results for `count` tokens from `position` on, and how many splits.
    fn attended(
        cache: &Cache,
        heads: Heads,
        (position, count): (usize, usize),
        threads: usize,
    ) -> (Vec<f32>, usize) {
        let blocks: Vec<u32> = (0..cache.blocks() as u32).collect();
        let segment = Segment {
            tokens: &vec![0; count],
            position,
            blocks: &blocks,
            logits: 0,
        };
        let stride = GROUP * HEAD;
        let queries = MadeNumbers::new(6).around(0.0, 2.0, count * stride);
        let plan = plan(&[segment], heads, 1, HEAD, threads);
        let mut out = vec![0.0; count * stride];
        let mut shares = vec![f32::NAN; plan.shared];
        let (out_parts, shares) = (Disjoint::new(&mut out), Disjoint::new(&mut shares));
        let batch = Batch {
            queries: &queries,
            query_stride: stride,
            out: &out_parts,
            out_stride: stride,
            shares: &shares,
        };
        let instructions = Instructions::detect();
        let mut scratch = AttentionScratch::default();
        // SAFETY: one thread.
        #[allow(unsafe_code)]
        unsafe {
            for part in &plan.parts {
                let layer = &cache.layers[0];
                attend(instructions, layer, heads, *part, &batch, &mut scratch);
            }
            for split in &plan.splits {
                join(split, heads, HEAD, &batch);
            }
        }
        let splits = plan.splits.len();
        (out, splits)
    }

    #[test]
    fn shares_joined_equal_the_whole() {
        for format in [KvCache::F16, KvCache::Q8_0] {
            let cache = cache(format, 4200);
            for (window, tokens) in [(None, 1), (None, 23), (Some(1700), 1), (Some(1700), 9)] {
                let place = (4199 - tokens, tokens);
                let (whole, splits) = attended(&cache, heads(window), place, 1);
                assert_eq!(splits, 0);
                for threads in [2, 3, 8] {
                    let (joined, splits) = attended(&cache, heads(window), place, threads);
                    assert!(splits > 0);
                    for (joined, whole) in joined.iter().zip(&whole) {
                        assert!((joined - whole).abs() < 2e-6, "{joined} {whole}");
                    }
                }
            }
        }
    }

    #[test]
    fn cache_is_cut_only_where_threads_would_be_idle() {
        let blocks: Vec<u32> = (0..200).collect();
        let segment = |position| Segment {
            tokens: &[0],
            position,
            blocks: &blocks,
            logits: 1,
        };
        let splits = |segments: &[Segment<'_>], kv_heads, threads| {
            let plan = plan(segments, heads(None), kv_heads, HEAD, threads);
            plan.splits.len()
        };
        let (short, long) = (segment(400), segment(5000));
        assert_eq!(splits(&[long], 1, 2), 1);
        assert_eq!(splits(&[long], 3, 2), 3);
        assert_eq!(splits(&[long, short], 2, 4), 2, "the short one stays whole");
        assert_eq!(splits(&[long], 1, 1), 0, "one thread");
        assert_eq!(splits(&[long], 2, 2), 0, "a head for each thread");
        assert_eq!(splits(&[long, long], 1, 2), 0, "an answer for each thread");
        assert_eq!(splits(&[long; 4], 2, 2), 0, "enough for all");
        assert_eq!(splits(&[short], 1, 8), 0, "too short");
    }
}
