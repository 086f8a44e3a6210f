//! Keys and values on the device. A block is 32 consecutive rows of a layer's
//! tensors, so that the same block numbers serve all layers and sequences can
//! share them. Must not know which sequence owns a block.

use super::pass::{Group, Places};
use crate::decoder::network::{BLOCK_TOKENS, BlockId};
use crate::decoder::shape::Shape;
use candle_core::{DType, Device, Result as CandleResult, Tensor};

/// Share of the device's free memory that keys and values may take: the rest
/// is what a pass computes in.
const SHARE_OF_FREE: (usize, usize) = (7, 10);

/// Keys and values of a layer: each [blocks · 32][heads · width].
pub(super) struct LayerCache {
    keys: Tensor,
    values: Tensor,
}

impl LayerCache {
    /// Room for so many blocks.
    pub(super) fn new(
        shape: &Shape,
        kv_heads: usize,
        blocks: usize,
        kind: DType,
        device: &Device,
    ) -> CandleResult<Self> {
        let room = |width| Tensor::zeros((blocks * BLOCK_TOKENS, kv_heads * width), kind, device);
        Ok(Self {
            keys: room(shape.key_length)?,
            values: room(shape.value_length)?,
        })
    }

    /// Keeps keys and values of a pass, each [rows][heads · width].
    pub(super) fn write(
        &self,
        keys: &Tensor,
        values: &Tensor,
        places: &Places,
    ) -> CandleResult<()> {
        for (to, from) in [(&self.keys, keys), (&self.values, values)] {
            places.write(&from.to_dtype(to.dtype())?.contiguous()?, to)?;
        }
        Ok(())
    }

    /// What the sequences of a group have read, as 32-bit numbers: keys and
    /// values, each [sequence · head][token][width].
    pub(super) fn read(&self, group: &Group, kv_heads: usize) -> CandleResult<(Tensor, Tensor)> {
        let of_heads = |all: &Tensor| {
            let width = all.dim(1)? / kv_heads;
            all.index_select(&group.slots, 0)?
                .reshape((group.sequences, group.seen, kv_heads, width))?
                .transpose(1, 2)?
                .to_dtype(DType::F32)?
                .contiguous()?
                .reshape((group.sequences * kv_heads, group.seen, width))
        };
        Ok((of_heads(&self.keys)?, of_heads(&self.values)?))
    }
}

/// Where a token's key and value are: the row of a layer's tensors.
pub(super) fn slot(blocks: &[BlockId], position: usize) -> u32 {
    blocks[position / BLOCK_TOKENS] * BLOCK_TOKENS as u32 + (position % BLOCK_TOKENS) as u32
}

/// Bytes of a token in all layers.
pub(super) fn bytes_per_token(shape: &Shape, kind: DType) -> usize {
    let heads: usize = shape.layers.iter().map(|layer| layer.kv_heads).sum();
    heads * (shape.key_length + shape.value_length) * kind.size_in_bytes()
}

/// As many of the wanted tokens as the device has memory for, but no fewer
/// than `least`, without which no sequence fits.
pub(super) fn affordable(wanted: usize, least: usize, bytes: usize, device: &Device) -> usize {
    let (part, whole) = SHARE_OF_FREE;
    match free_bytes(device) {
        Some(free) => wanted.min(free / whole * part / bytes.max(1)).max(least),
        None => wanted,
    }
}

/// Memory that the device has left, where it tells.
#[cfg(feature = "cuda")]
fn free_bytes(device: &Device) -> Option<usize> {
    let device = device.as_cuda_device().ok()?;
    let (free, _) = device.cuda_stream().context().mem_get_info().ok()?;
    Some(free)
}

#[cfg(not(feature = "cuda"))]
fn free_bytes(_device: &Device) -> Option<usize> {
    None
}
