//! Keys and values of what sequences have read, in blocks of 32 tokens that
//! sequences can share (Kwon et al., 2023: PagedAttention), in half precision
//! or as 8-bit codes. Knows where things lie; must not know which sequence
//! owns a block.

use crate::decoder::KvCache;
use crate::decoder::shape::Shape;
use crate::kernels::codes::{SHARING, decode_columns, decode_rows, encode};
use crate::kernels::{Buffer, Disjoint, Instructions, PANEL};
use half::f16;
use half::slice::HalfFloatSliceExt;

/// Tokens in a block: a panel's columns, so that keys need no transposing.
pub(in crate::decoder) const BLOCK_TOKENS: usize = PANEL;

/// Number of a block of 32 tokens, in all layers.
pub(in crate::decoder) type BlockId = u32;

/// Keys and values of all layers.
pub(in crate::decoder) struct Cache {
    pub(super) layers: Vec<LayerCache>,
    blocks: usize,
}

/// Keys and values of a layer: [block][key head], each as [`Layout`] says.
pub(super) struct LayerCache {
    data: Buffer,
    layout: Layout,
}

/// Where things lie in a block: for each head keys [key length][32] and then
/// values [32][value width]. Codes are followed by their scales in half
/// precision: those of keys, [key length / 32][32], and those of values,
/// [value width / 32][32]. So each 32 numbers of a token share a scale, which
/// is known when the token is written and never changes; and a row of the
/// panel of keys, one number of 32 tokens, meets one row of 32 scales.
#[derive(Clone, Copy)]
struct Layout {
    format: KvCache,
    heads: usize,
    key_length: usize,
    /// Width of a value, rounded up to whole panels.
    value_width: usize,
}

impl Cache {
    /// Room for at least so many tokens. The system gives memory when it is
    /// first used.
    pub(in crate::decoder) fn new(shape: &Shape, format: KvCache, tokens: usize) -> Self {
        let blocks = tokens.div_ceil(BLOCK_TOKENS).max(1);
        let layers = Layout::of(shape, format).map(|layout| LayerCache {
            data: Buffer::zeroed(blocks * layout.block_bytes()),
            layout,
        });
        Self {
            layers: layers.collect(),
            blocks,
        }
    }

    /// That of a single layer.
    #[cfg(test)]
    pub(super) fn of_layer(format: KvCache, heads: usize, width: usize, tokens: usize) -> Self {
        let layout = Layout {
            format,
            heads,
            key_length: width,
            value_width: width.next_multiple_of(PANEL),
        };
        let blocks = tokens.div_ceil(BLOCK_TOKENS);
        let data = Buffer::zeroed(blocks * layout.block_bytes());
        Self {
            layers: vec![LayerCache { data, layout }],
            blocks,
        }
    }

    /// How many blocks there are.
    pub(in crate::decoder) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Bytes of a block in all layers.
    pub(in crate::decoder) fn block_bytes(&self) -> usize {
        let layers = self.layers.iter();
        layers.map(|layer| layer.layout.block_bytes()).sum()
    }

    /// A block's bytes, layer by layer, meant for a cache like this one.
    pub(in crate::decoder) fn block(&self, block: BlockId) -> impl Iterator<Item = &[u8]> {
        self.layers.iter().map(move |layer| {
            let from = layer.layout.start(block, 0);
            &layer.data[from..from + layer.layout.block_bytes()]
        })
    }

    /// The same, to write to.
    pub(in crate::decoder) fn block_mut(
        &mut self,
        block: BlockId,
    ) -> impl Iterator<Item = &mut [u8]> {
        self.layers.iter_mut().map(move |layer| {
            let from = layer.layout.start(block, 0);
            &mut layer.data[from..from + layer.layout.block_bytes()]
        })
    }

    /// Bytes of a token in all layers.
    pub(in crate::decoder) fn bytes_per_token(shape: &Shape, format: KvCache) -> usize {
        let layouts = Layout::of(shape, format);
        let block: usize = layouts.map(|layout| layout.block_bytes()).sum();
        block / BLOCK_TOKENS
    }
}

impl Layout {
    /// Those of all layers.
    fn of(shape: &Shape, format: KvCache) -> impl Iterator<Item = Self> {
        shape.layers.iter().map(move |layer| Self {
            format,
            heads: layer.kv_heads,
            key_length: shape.key_length,
            value_width: shape.value_length.next_multiple_of(PANEL),
        })
    }

    /// Bytes of the keys of a block and head, without scales.
    fn key_bytes(self) -> usize {
        self.key_length * BLOCK_TOKENS * self.number_bytes()
    }

    fn value_bytes(self) -> usize {
        self.value_width * BLOCK_TOKENS * self.number_bytes()
    }

    fn number_bytes(self) -> usize {
        match self.format {
            KvCache::F16 => size_of::<f16>(),
            KvCache::Q8_0 => 1,
        }
    }

    /// Bytes of the scales of keys, and those of values.
    fn scale_bytes(self) -> (usize, usize) {
        let of = |width: usize| width.div_ceil(SHARING) * BLOCK_TOKENS * size_of::<f16>();
        match self.format {
            KvCache::F16 => (0, 0),
            KvCache::Q8_0 => (of(self.key_length), of(self.value_width)),
        }
    }

    fn head_bytes(self) -> usize {
        let (keys, values) = self.scale_bytes();
        self.key_bytes() + self.value_bytes() + keys + values
    }

    fn block_bytes(self) -> usize {
        self.heads * self.head_bytes()
    }

    /// Where the bytes of a block and head begin.
    fn start(self, block: BlockId, head: usize) -> usize {
        (block as usize * self.heads + head) * self.head_bytes()
    }
}

impl LayerCache {
    pub(super) fn value_width(&self) -> usize {
        self.layout.value_width
    }

    /// `count` numbers in half precision from byte `from` on.
    fn halves(&self, from: usize, count: usize) -> &[f16] {
        // SAFETY: aligned to 64 bytes, two bytes each, and every pattern of
        // bits is a number.
        #[allow(unsafe_code)]
        let all: &[f16] =
            unsafe { std::slice::from_raw_parts(self.data.as_ptr().cast(), self.data.len() / 2) };
        &all[from / 2..from / 2 + count]
    }

    /// The 32 scales of a row of scales.
    fn scales(&self, from: usize, row: usize) -> [f32; BLOCK_TOKENS] {
        let mut scales = [0.0; BLOCK_TOKENS];
        let from = from + row * BLOCK_TOKENS * size_of::<f16>();
        self.halves(from, BLOCK_TOKENS)
            .convert_to_f32_slice(&mut scales);
        scales
    }

    /// All of it, for threads that write different tokens.
    pub(super) fn writer(&mut self) -> Writer<'_> {
        Writer {
            layout: self.layout,
            bytes: Disjoint::new(&mut self.data),
        }
    }

    /// The keys of a block as numbers: [key length][32].
    pub(super) fn keys(
        &self,
        instructions: Instructions,
        (block, head): (BlockId, usize),
        out: &mut [f32],
    ) {
        let layout = self.layout;
        let size = layout.key_length * BLOCK_TOKENS;
        let from = layout.start(block, head);
        if layout.format == KvCache::F16 {
            return self
                .halves(from, size)
                .convert_to_f32_slice(&mut out[..size]);
        }
        let scales = from + layout.key_bytes() + layout.value_bytes();
        let codes = self.data[from..from + size].chunks(SHARING * BLOCK_TOKENS);
        let out = out[..size].chunks_mut(SHARING * BLOCK_TOKENS);
        for (row, (codes, out)) in codes.zip(out).enumerate() {
            decode_columns(instructions, codes, &self.scales(scales, row), out);
        }
    }

    /// The values of the first `tokens` tokens of a block: [tokens][value width].
    pub(super) fn values(
        &self,
        instructions: Instructions,
        (block, head): (BlockId, usize),
        tokens: usize,
        out: &mut [f32],
    ) {
        let layout = self.layout;
        let size = tokens * layout.value_width;
        let from = layout.start(block, head) + layout.key_bytes();
        if layout.format == KvCache::F16 {
            return self
                .halves(from, size)
                .convert_to_f32_slice(&mut out[..size]);
        }
        let scales = from + layout.value_bytes() + layout.scale_bytes().0;
        let codes = &self.data[from..from + size];
        for column in (0..layout.value_width).step_by(SHARING) {
            let scales = self.scales(scales, column / SHARING);
            decode_rows(
                instructions,
                &codes[column..],
                layout.value_width,
                &scales[..tokens],
                &mut out[column..size],
            );
        }
    }
}

/// Writes tokens to a layer's cache.
pub(super) struct Writer<'a> {
    layout: Layout,
    bytes: Disjoint<'a, u8>,
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
        let layout = self.layout;
        let keys = layout.start(block, head);
        let values = keys + layout.key_bytes();
        let width = layout.value_width * layout.number_bytes();
        // SAFETY: passed on to the caller.
        unsafe {
            match layout.format {
                KvCache::F16 => {
                    self.put_halves(keys + slot * 2, BLOCK_TOKENS * 2, key);
                    self.put_halves(values + slot * width, 2, value);
                }
                KvCache::Q8_0 => {
                    let scales = values + layout.value_bytes();
                    self.put_codes((keys + slot, BLOCK_TOKENS), (scales, slot), key);
                    let scales = scales + layout.scale_bytes().0;
                    self.put_codes((values + slot * width, 1), (scales, slot), value);
                }
            }
        }
    }

    /// # Safety
    /// Nobody else writes these bytes.
    #[allow(unsafe_code)]
    unsafe fn put_halves(&self, from: usize, stride: usize, numbers: &[f32]) {
        for (group, numbers) in numbers.chunks(SHARING).enumerate() {
            let mut halves = [f16::ZERO; SHARING];
            halves[..numbers.len()].convert_from_f32_slice(numbers);
            for (n, half) in halves[..numbers.len()].iter().enumerate() {
                // SAFETY: passed on to the caller.
                let to = unsafe { self.bytes.part(from + (group * SHARING + n) * stride, 2) };
                to.copy_from_slice(&half.to_ne_bytes());
            }
        }
    }

    /// Codes `stride` apart, and their scales in column `slot` of the rows of
    /// scales.
    ///
    /// # Safety
    /// Nobody else writes these bytes.
    #[allow(unsafe_code)]
    unsafe fn put_codes(
        &self,
        (from, stride): (usize, usize),
        (scales, slot): (usize, usize),
        numbers: &[f32],
    ) {
        for (group, numbers) in numbers.chunks(SHARING).enumerate() {
            let mut codes = [0; SHARING];
            let scale = encode(numbers, &mut codes);
            for (n, code) in codes[..numbers.len()].iter().enumerate() {
                // SAFETY: passed on to the caller.
                let to = unsafe { self.bytes.part(from + (group * SHARING + n) * stride, 1) };
                to[0] = *code;
            }
            let at = scales + (group * BLOCK_TOKENS + slot) * size_of::<f16>();
            // SAFETY: passed on to the caller.
            let to = unsafe { self.bytes.part(at, 2) };
            to.copy_from_slice(&scale.to_ne_bytes());
        }
    }
}
