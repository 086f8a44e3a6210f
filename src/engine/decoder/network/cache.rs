//! Keys and values of what sequences have read, in half precision, in blocks
//! of 32 tokens that sequences can share (Kwon et al., 2023: PagedAttention).
//! Knows where things lie; must not know which sequence owns a block.

use crate::engine::decoder::shape::Shape;
use crate::engine::kernels::{Buffer, Disjoint, PANEL};
use half::f16;
use half::slice::HalfFloatSliceExt;

/// Tokens in a block: a panel's columns, so that keys need no transposing.
pub(in crate::engine::decoder) const BLOCK_TOKENS: usize = PANEL;

/// Number of a block of 32 tokens, in all layers.
pub(in crate::engine::decoder) type BlockId = u32;

/// Keys and values of all layers.
pub(in crate::engine::decoder) struct Cache {
    pub(super) layers: Vec<LayerCache>,
    blocks: usize,
}

/// Keys and values of a layer: [block][key head], each keys [key length][32]
/// and then values [32][value width].
pub(super) struct LayerCache {
    data: Buffer,
    heads: usize,
    key_length: usize,
    /// Width of a value, rounded up to whole panels.
    value_width: usize,
}

impl Cache {
    /// Room for at least so many tokens. The system gives memory when it is
    /// first used.
    pub(in crate::engine::decoder) fn new(shape: &Shape, tokens: usize) -> Self {
        let blocks = tokens.div_ceil(BLOCK_TOKENS).max(1);
        let layers = shape.layers.iter().map(|layer| {
            let value_width = shape.value_length.next_multiple_of(PANEL);
            let block = layer.kv_heads * (shape.key_length + value_width) * BLOCK_TOKENS;
            LayerCache {
                data: Buffer::zeroed(blocks * block * size_of::<f16>()),
                heads: layer.kv_heads,
                key_length: shape.key_length,
                value_width,
            }
        });
        Self {
            layers: layers.collect(),
            blocks,
        }
    }

    /// How many blocks there are.
    pub(in crate::engine::decoder) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Bytes of a token in all layers.
    pub(in crate::engine::decoder) fn bytes_per_token(shape: &Shape) -> usize {
        let width = shape.key_length + shape.value_length.next_multiple_of(PANEL);
        let heads: usize = shape.layers.iter().map(|layer| layer.kv_heads).sum();
        heads * width * size_of::<f16>()
    }
}

impl LayerCache {
    fn head_size(&self) -> usize {
        (self.key_length + self.value_width) * BLOCK_TOKENS
    }

    fn start(&self, block: BlockId, head: usize) -> usize {
        (block as usize * self.heads + head) * self.head_size()
    }

    pub(super) fn value_width(&self) -> usize {
        self.value_width
    }

    fn halves(&self) -> &[f16] {
        // SAFETY: aligned to 64 bytes, two bytes each, and every pattern of
        // bits is a number.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(self.data.as_ptr().cast(), self.data.len() / 2)
        }
    }

    /// All of it, for threads that write different tokens.
    pub(super) fn writer(&mut self) -> Writer<'_> {
        let (heads, key_length, value_width) = (self.heads, self.key_length, self.value_width);
        let (start, length) = (self.data.as_mut_ptr(), self.data.len());
        // SAFETY: as above, borrowed for this alone.
        #[allow(unsafe_code)]
        let halves = unsafe { std::slice::from_raw_parts_mut(start.cast::<f16>(), length / 2) };
        Writer {
            halves: Disjoint::new(halves),
            heads,
            key_length,
            value_width,
        }
    }

    /// The keys of a block as numbers: [key length][32].
    pub(super) fn keys(&self, block: BlockId, head: usize, out: &mut [f32]) {
        let from = self.start(block, head);
        let size = self.key_length * BLOCK_TOKENS;
        self.halves()[from..from + size].convert_to_f32_slice(&mut out[..size]);
    }

    /// The values of the first `tokens` tokens of a block: [tokens][value width].
    pub(super) fn values(&self, block: BlockId, head: usize, tokens: usize, out: &mut [f32]) {
        let from = self.start(block, head) + self.key_length * BLOCK_TOKENS;
        let size = tokens * self.value_width;
        self.halves()[from..from + size].convert_to_f32_slice(&mut out[..size]);
    }
}

/// Writes tokens to a layer's cache.
pub(super) struct Writer<'a> {
    halves: Disjoint<'a, f16>,
    heads: usize,
    key_length: usize,
    value_width: usize,
}

impl Writer<'_> {
    /// Writes key and value of a token: `place` is its block and its number
    /// in the block.
    ///
    /// # Safety
    /// Nobody else writes this token's.
    #[allow(unsafe_code)]
    pub(super) unsafe fn write(
        &self,
        (block, slot): (BlockId, usize),
        head: usize,
        key: &[f32],
        value: &[f32],
    ) {
        let size = (self.key_length + self.value_width) * BLOCK_TOKENS;
        let from = (block as usize * self.heads + head) * size;
        for (n, number) in key.iter().enumerate() {
            // SAFETY: passed on to the caller.
            let to = unsafe { self.halves.part(from + n * BLOCK_TOKENS + slot, 1) };
            to[0] = f16::from_f32(*number);
        }
        let values = from + self.key_length * BLOCK_TOKENS + slot * self.value_width;
        // SAFETY: passed on to the caller.
        let to = unsafe { self.halves.part(values, value.len()) };
        to.convert_from_f32_slice(value);
    }
}
