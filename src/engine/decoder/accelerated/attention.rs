//! Attention of a pass: queries of several sequences at once against what
//! each of them has read.

use super::cache::LayerCache;
use super::pass::{Group, Pass};
use super::weights::Layer;
use super::{AcceleratedNetwork, soft_cap};
use candle_core::{Result as CandleResult, Tensor};
use candle_nn::ops::softmax_last_dim;

impl AcceleratedNetwork {
    pub(super) fn attention(
        &self,
        layer: &Layer,
        cache: &LayerCache,
        input: &Tensor,
        pass: &Pass,
    ) -> CandleResult<Tensor> {
        let (heads, kv_heads) = (self.shape.heads, layer.kv_heads);
        let (key_length, value_length) = (self.shape.key_length, self.shape.value_length);
        let widths = [
            heads * key_length,
            kv_heads * key_length,
            kv_heads * value_length,
        ];
        let [queries, keys, values] = layer.projection.forward(input, widths)?;
        let prepare = |all: Tensor, heads: usize, norm: Option<&Tensor>, turns: Option<usize>| {
            let all = all.reshape((pass.rows * heads, key_length))?;
            let all = self.optional_norm(all, norm)?;
            let all = match turns {
                Some(turns) => pass.turns[turns].apply(&all, self.shape.rope.layout)?,
                None => all,
            };
            all.reshape((pass.rows, heads * key_length))
        };
        let [query_turns, key_turns] = match layer.turns {
            Some(turns) => turns.map(Some),
            None => [None; 2],
        };
        let queries = prepare(queries, heads, layer.query_norm.as_ref(), query_turns)?;
        let keys = prepare(keys, kv_heads, layer.key_norm.as_ref(), key_turns)?;
        cache.write(&keys, &values, &pass.places)?;
        let queries = (queries * f64::from(self.shape.attention_scale))?;
        let mixed = pass
            .groups
            .iter()
            .map(|group| self.mix(&queries, cache, layer, group))
            .collect::<CandleResult<Vec<_>>>()?;
        layer.attention_output.forward(&pass.in_order(&mixed)?)
    }

    /// The values that a group's queries ask for, as [row][heads · width].
    fn mix(
        &self,
        queries: &Tensor,
        cache: &LayerCache,
        layer: &Layer,
        group: &Group,
    ) -> CandleResult<Tensor> {
        let (heads, kv_heads) = (self.shape.heads, layer.kv_heads);
        let shared = heads / kv_heads;
        let (sequences, tokens, seen) = (group.sequences, group.tokens, group.seen);
        let queries = group
            .queries(queries)?
            .reshape((sequences, tokens, kv_heads, shared, self.shape.key_length))?
            .permute((0, 2, 3, 1, 4))?
            .contiguous()?
            .reshape((sequences * kv_heads, shared * tokens, self.shape.key_length))?;
        let (keys, values) = cache.read(group, kv_heads)?;
        let scores = queries.matmul(&keys.t()?)?;
        let scores = match self.shape.attention_soft_cap {
            Some(cap) => soft_cap(&scores, cap)?,
            None => scores,
        };
        let scores = scores
            .reshape((sequences, heads, tokens, seen))?
            .broadcast_add(&group.masks[layer.window])?;
        let value_length = self.shape.value_length;
        softmax_last_dim(&scores)?
            .reshape((sequences * kv_heads, shared * tokens, seen))?
            .matmul(&values)?
            .reshape((sequences, heads, tokens, value_length))?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((sequences * tokens, heads * value_length))
    }
}
