//! Which block of the cache belongs to which tokens. Full blocks stay when
//! their sequence ends, in a tree over their tokens (Zheng et al., 2023:
//! RadixAttention, in steps of a block), so that a prompt that begins as an
//! earlier one did need not be read again. The least recently used go first.

use super::network::{BLOCK_TOKENS, BlockId};
use ahash::{AHashMap, AHashSet};
use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) type Tokens = [u32; BLOCK_TOKENS];

/// What is known about a block.
#[derive(Clone, Default)]
struct Block {
    /// Sequences that use it.
    users: u32,
    /// Its place in the tree, if others may find it.
    place: Option<(Option<BlockId>, Tokens)>,
    /// Blocks of the tree that follow it.
    followers: u32,
    used_at: u64,
    /// How often a prompt began with it again.
    found: u32,
}

/// A block that prompts began with again.
pub(super) struct Found {
    pub(super) block: BlockId,
    pub(super) before: Option<BlockId>,
    pub(super) tokens: Tokens,
    pub(super) found: u32,
}

/// All blocks of a cache.
pub(super) struct Prefixes {
    blocks: Vec<Block>,
    free: Vec<BlockId>,
    tree: AHashMap<(Option<BlockId>, Tokens), BlockId>,
    clock: u64,
}

/// The blocks of a cache, which the scheduler gives out and about which
/// askers may ask.
#[derive(Clone)]
pub(super) struct SharedPrefixes(Arc<Mutex<Prefixes>>);

/// How full a cache is, in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occupancy {
    pub(super) blocks: usize,
    /// Sequences use them now.
    pub(super) used: usize,
    /// Nobody uses them, but a prompt that begins as they do will.
    pub(super) kept: usize,
}

/// The blocks of one sequence, in order.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) blocks: Vec<BlockId>,
    /// How many of them are known to the tree, and the tree's last one, which
    /// is another sequence's where both read the same at once.
    entered: usize,
    last: Option<BlockId>,
}

impl SharedPrefixes {
    /// So many free blocks.
    pub(super) fn new(blocks: usize) -> Self {
        Self(Arc::new(Mutex::new(Prefixes::new(blocks))))
    }

    /// See [`Prefixes::find`].
    pub(super) fn find(&self, tokens: &[u32]) -> Chain {
        self.lock().find(tokens)
    }

    /// How many tokens of a prompt would be found now.
    pub(super) fn known(&self, tokens: &[u32]) -> usize {
        self.lock().known(tokens).len() * BLOCK_TOKENS
    }

    /// See [`Prefixes::extend`].
    pub(super) fn extend(&self, chain: &mut Chain, tokens: usize) -> bool {
        self.lock().extend(chain, tokens)
    }

    /// See [`Prefixes::enter`].
    pub(super) fn enter(&self, chain: &mut Chain, tokens: &[u32]) {
        self.lock().enter(chain, tokens);
    }

    /// See [`Prefixes::release`].
    pub(super) fn release(&self, chain: Chain) {
        self.lock().release(chain);
    }

    /// All blocks are free again, whoever had them.
    pub(super) fn forget(&self) {
        let mut prefixes = self.lock();
        *prefixes = Prefixes::new(prefixes.blocks.len());
    }

    /// How full the cache is.
    pub(super) fn occupancy(&self) -> Occupancy {
        let prefixes = self.lock();
        let used = prefixes.blocks.iter().filter(|block| block.users > 0);
        let used = used.count();
        let blocks = prefixes.blocks.len();
        Occupancy {
            blocks,
            used,
            kept: blocks - used - prefixes.free.len(),
        }
    }

    /// Lets `work` have all of it.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Prefixes) -> T) -> T {
        work(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Prefixes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prefixes {
    /// So many free blocks.
    pub(super) fn new(blocks: usize) -> Self {
        Self {
            blocks: vec![Block::default(); blocks],
            free: (0..blocks as BlockId).rev().collect(),
            tree: AHashMap::new(),
            clock: 0,
        }
    }

    /// The longest known beginning of `tokens`, in whole blocks, less than all
    /// of it: the last token has to be read in any case.
    pub(super) fn find(&mut self, tokens: &[u32]) -> Chain {
        let blocks = self.known(tokens);
        let chain = Chain {
            entered: blocks.len(),
            last: blocks.last().copied(),
            blocks,
        };
        for block in &chain.blocks {
            self.clock += 1;
            let block = &mut self.blocks[*block as usize];
            block.users += 1;
            block.used_at = self.clock;
            block.found = block.found.saturating_add(1);
        }
        chain
    }

    /// The blocks of the longest known beginning.
    fn known(&self, tokens: &[u32]) -> Vec<BlockId> {
        let mut known = Vec::new();
        let (whole, _) = tokens[..tokens.len().saturating_sub(1)].as_chunks::<BLOCK_TOKENS>();
        for block in whole {
            let Some(found) = self.tree.get(&(known.last().copied(), *block)) else {
                break;
            };
            known.push(*found);
        }
        known
    }

    /// Adds blocks until the chain holds so many tokens; whether there were
    /// enough.
    pub(super) fn extend(&mut self, chain: &mut Chain, tokens: usize) -> bool {
        while chain.blocks.len() * BLOCK_TOKENS < tokens {
            let Some(block) = self.free.pop().or_else(|| self.evict()) else {
                return false;
            };
            self.blocks[block as usize].users = 1;
            chain.blocks.push(block);
        }
        true
    }

    /// Makes the blocks that `tokens`, which have been read, fill known.
    pub(super) fn enter(&mut self, chain: &mut Chain, tokens: &[u32]) {
        let (whole, _) = tokens.as_chunks::<BLOCK_TOKENS>();
        for (number, block) in whole.iter().enumerate().skip(chain.entered) {
            let own = chain.blocks[number];
            let key = (chain.last, *block);
            let known = *self.tree.entry(key).or_insert(own);
            if known == own {
                self.clock += 1;
                let entry = &mut self.blocks[own as usize];
                entry.place = Some(key);
                entry.used_at = self.clock;
                entry.found = 0;
                if let Some(before) = chain.last {
                    self.blocks[before as usize].followers += 1;
                }
            }
            chain.last = Some(known);
            chain.entered = number + 1;
        }
    }

    /// The sequence has ended; its known blocks stay until they are needed.
    pub(super) fn release(&mut self, chain: Chain) {
        for block in chain.blocks {
            let entry = &mut self.blocks[block as usize];
            entry.users -= 1;
            if entry.users == 0 && entry.place.is_none() {
                self.free.push(block);
            }
        }
    }

    /// Takes the least recently used block that nobody uses and nothing
    /// follows.
    fn evict(&mut self) -> Option<BlockId> {
        let idle = |(_, block): &(usize, &Block)| {
            block.users == 0 && block.followers == 0 && block.place.is_some()
        };
        let (oldest, _) = self
            .blocks
            .iter()
            .enumerate()
            .filter(idle)
            .min_by_key(|(_, block)| block.used_at)?;
        let (before, tokens) = self.blocks[oldest].place.take()?;
        self.tree.remove(&(before, tokens));
        if let Some(before) = before {
            self.blocks[before as usize].followers -= 1;
        }
        Some(oldest as BlockId)
    }

    /// The blocks that were found most often, at most so many. Each comes
    /// after the one before it, which was found at least as often.
    pub(super) fn most_found(&self, most: usize) -> Vec<Found> {
        let numbered = self.blocks.iter().enumerate();
        let mut found: Vec<(usize, Found)> = numbered
            .filter(|(_, block)| block.found > 0)
            .filter_map(|(number, block)| {
                let (before, tokens) = block.place?;
                let found = Found {
                    block: number as BlockId,
                    before,
                    tokens,
                    found: block.found,
                };
                Some((self.depth(before), found))
            })
            .collect();
        found.sort_by_key(|(depth, one)| {
            let used_at = self.blocks[one.block as usize].used_at;
            (Reverse(one.found), *depth, Reverse(used_at))
        });
        let mut led_to = AHashSet::new();
        let found = found.into_iter().map(|(_, one)| one).filter(|one| {
            let follows = one.before.is_none_or(|before| led_to.contains(&before));
            follows && led_to.insert(one.block)
        });
        found.take(most).collect()
    }

    /// How many blocks lead to this one, itself included.
    fn depth(&self, mut block: Option<BlockId>) -> usize {
        let mut depth = 0;
        while let Some(place) = block.map(|block| self.blocks[block as usize].place) {
            depth += 1;
            block = place.and_then(|(before, _)| before);
        }
        depth
    }

    /// Makes a free block known as one that was found so often; none if none
    /// is free or another one is known as this.
    pub(super) fn adopt(
        &mut self,
        before: Option<BlockId>,
        tokens: Tokens,
        found: u32,
    ) -> Option<BlockId> {
        if self.tree.contains_key(&(before, tokens)) {
            return None;
        }
        let block = self.free.pop()?;
        self.tree.insert((before, tokens), block);
        // What was found seldom is the first to go.
        let used_at = u64::from(found);
        self.clock = self.clock.max(used_at);
        self.blocks[block as usize] = Block {
            place: Some((before, tokens)),
            used_at,
            found,
            ..Block::default()
        };
        if let Some(before) = before {
            self.blocks[before as usize].followers += 1;
        }
        Some(block)
    }

    /// Blocks that no sequence uses.
    #[cfg(test)]
    fn idle(&self) -> usize {
        self.blocks.iter().filter(|block| block.users == 0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize, seed: u32) -> Vec<u32> {
        (0..length as u32).map(|n| n * 7 + seed).collect()
    }

    fn read(prefixes: &mut Prefixes, tokens: &[u32]) -> usize {
        let mut chain = prefixes.find(tokens);
        let reused = chain.blocks.len() * BLOCK_TOKENS;
        assert!(prefixes.extend(&mut chain, tokens.len()));
        prefixes.enter(&mut chain, tokens);
        prefixes.release(chain);
        reused
    }

    #[test]
    fn follow_up_finds_what_was_read_before_it() {
        let mut prefixes = Prefixes::new(20);
        let mut tokens = text(100, 1);
        assert_eq!(read(&mut prefixes, &tokens), 0);
        tokens.extend(text(50, 5));
        assert_eq!(read(&mut prefixes, &tokens), 96);
        assert_eq!(read(&mut prefixes, &tokens), 128);
        assert_eq!(read(&mut prefixes, &text(100, 2)), 0);
        assert_eq!(prefixes.idle(), 20);
    }

    #[test]
    fn last_token_is_never_found() {
        let mut prefixes = Prefixes::new(20);
        let tokens = text(64, 1);
        read(&mut prefixes, &tokens);
        assert_eq!(read(&mut prefixes, &tokens), 32);
    }

    #[test]
    fn asking_what_is_known_takes_nothing() {
        let prefixes = SharedPrefixes::new(4);
        let tokens = text(70, 1);
        assert_eq!(prefixes.known(&tokens), 0);
        let mut chain = prefixes.find(&tokens);
        assert!(prefixes.extend(&mut chain, tokens.len()));
        prefixes.enter(&mut chain, &tokens);
        assert_eq!(prefixes.known(&tokens), 64);
        let occupancy = |used, kept| Occupancy {
            blocks: 4,
            used,
            kept,
        };
        assert_eq!(prefixes.occupancy(), occupancy(3, 0));
        prefixes.release(chain);
        assert_eq!(prefixes.known(&tokens), 64);
        assert_eq!(prefixes.occupancy(), occupancy(0, 2));
        prefixes.forget();
        assert_eq!(
            (prefixes.known(&tokens), prefixes.occupancy()),
            (0, occupancy(0, 0))
        );
    }

    #[test]
    fn blocks_in_use_are_not_taken_and_the_oldest_go_first() {
        let mut prefixes = Prefixes::new(6);
        let old = text(64, 1);
        read(&mut prefixes, &old);
        let new = text(64, 2);
        let mut chain = prefixes.find(&new);
        assert!(prefixes.extend(&mut chain, 64));
        prefixes.enter(&mut chain, &new);
        // Two blocks are free, two belong to the old text, two are in use.
        let mut third = Chain::default();
        assert!(prefixes.extend(&mut third, 3 * BLOCK_TOKENS));
        assert_eq!(prefixes.find(&old).blocks.len(), 1, "its end went first");
        let mut fourth = Chain::default();
        assert!(!prefixes.extend(&mut fourth, BLOCK_TOKENS));
    }

    #[test]
    fn what_was_found_most_often_comes_first_and_after_what_leads_to_it() {
        let mut prefixes = Prefixes::new(30);
        let system = text(70, 1);
        let often = [system.clone(), text(64, 2)].concat();
        let seldom = [system.clone(), text(64, 3)].concat();
        let never = [system, text(64, 4)].concat();
        for tokens in [&often, &often, &often, &seldom, &seldom, &never] {
            read(&mut prefixes, tokens);
        }
        let found = prefixes.most_found(30);
        let counts: Vec<u32> = found.iter().map(|one| one.found).collect();
        assert_eq!(counts, [5, 5, 2, 2, 1, 1]);
        let mut copy = Prefixes::new(30);
        for (place, one) in found.iter().enumerate() {
            let before = one.before.map(|before| {
                let led = found[..place].iter().position(|one| one.block == before);
                led.unwrap() as BlockId
            });
            assert_eq!(
                copy.adopt(before, one.tokens, one.found),
                Some(place as u32)
            );
            assert_eq!(copy.adopt(before, one.tokens, one.found), None);
        }
        assert_eq!(read(&mut copy, &often), 128);
        assert_eq!(read(&mut copy, &seldom), 128);
        assert_eq!(read(&mut copy, &never), 64);
        assert_eq!(prefixes.most_found(3).len(), 3);
    }

    #[test]
    fn two_that_read_the_same_at_once_do_not_disturb_each_other() {
        let mut prefixes = Prefixes::new(20);
        let tokens = text(100, 3);
        let mut chains: Vec<Chain> = (0..2).map(|_| prefixes.find(&tokens)).collect();
        for chain in &mut chains {
            assert!(prefixes.extend(chain, tokens.len()));
        }
        for chain in &mut chains {
            prefixes.enter(chain, &tokens);
        }
        assert_ne!(chains[0].blocks, chains[1].blocks);
        chains.into_iter().for_each(|chain| prefixes.release(chain));
        assert_eq!(read(&mut prefixes, &tokens), 96);
        assert_eq!(prefixes.idle(), 20);
    }
}
