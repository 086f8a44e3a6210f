//! The weights on the device: which tensors a shape needs, how large they are,
//! and the products with them.

use super::cache::{LayerCache, affordable, bytes_per_token};
use super::{AcceleratedNetwork, MOST_SCORES, Precision, Turned};
use crate::decoder::CacheRoom;
use crate::decoder::model_file::ModelFile;
use crate::decoder::network::BLOCK_TOKENS;
use crate::decoder::shape::Shape;
use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{D, DType, Device, Module, Result as CandleResult, Tensor};

/// The weights of one layer.
pub(super) struct Layer {
    pub(super) kv_heads: usize,
    /// Which of the network's turned heads its queries and keys are; none:
    /// positions turn nothing.
    pub(super) turns: Option<[usize; 2]>,
    /// Which of the network's windows it has.
    pub(super) window: usize,
    pub(super) attention_norm: Tensor,
    pub(super) post_attention_norm: Option<Tensor>,
    pub(super) feed_forward_norm: Tensor,
    pub(super) post_feed_forward_norm: Option<Tensor>,
    pub(super) projection: Projection,
    pub(super) query_norm: Option<Tensor>,
    pub(super) key_norm: Option<Tensor>,
    pub(super) attention_output: Linear,
    pub(super) gate_and_up: GateAndUp,
    pub(super) down: Linear,
}

/// What makes queries, keys and values.
pub(super) enum Projection {
    Fused(Linear),
    Apart([Linear; 3]),
}

/// The two products that go into the feed-forward part.
pub(super) enum GateAndUp {
    Fused(Linear),
    Apart([Linear; 2]),
}

/// A product and what is added to it.
pub(super) struct Linear {
    pub(super) weight: QMatMul,
    pub(super) bias: Option<Tensor>,
}

impl Linear {
    pub(super) fn forward(&self, input: &Tensor) -> CandleResult<Tensor> {
        let output = self.weight.forward(input)?;
        match &self.bias {
            Some(bias) => output.broadcast_add(bias),
            None => Ok(output),
        }
    }
}

impl Projection {
    /// Queries, keys and values, which are as wide as said.
    pub(super) fn forward(&self, input: &Tensor, widths: [usize; 3]) -> CandleResult<[Tensor; 3]> {
        match self {
            Self::Apart([query, key, value]) => Ok([
                query.forward(input)?,
                key.forward(input)?,
                value.forward(input)?,
            ]),
            Self::Fused(all) => {
                let all = all.forward(input)?;
                let part = |start, width| all.narrow(D::Minus1, start, width);
                let [query, key, value] = widths;
                Ok([
                    part(0, query)?,
                    part(query, key)?,
                    part(query + key, value)?,
                ])
            }
        }
    }
}

impl GateAndUp {
    pub(super) fn forward(&self, input: &Tensor, width: usize) -> CandleResult<(Tensor, Tensor)> {
        match self {
            Self::Apart([gate, up]) => Ok((gate.forward(input)?, up.forward(input)?)),
            Self::Fused(both) => {
                let both = both.forward(input)?;
                let part = |start| both.narrow(D::Minus1, start, width)?.contiguous();
                Ok((part(0)?, part(width)?))
            }
        }
    }
}

/// Reads tensors, and checks that they have the size that the shape wants.
pub(super) struct Loader<'a> {
    pub(super) file: &'a ModelFile,
    pub(super) device: &'a Device,
    pub(super) precision: Precision,
}

impl Loader<'_> {
    /// Loads the network, then makes room in what memory is left.
    pub(super) fn network(
        &self,
        shape: Shape,
        room: CacheRoom,
    ) -> CandleResult<AcceleratedNetwork> {
        let embedding = self.matrix("token_embd", shape.vocabulary, shape.hidden)?;
        let output = match shape.tied_output {
            true => embedding.clone(),
            false => self.matrix("output", shape.vocabulary, shape.hidden)?,
        };
        let bias = self.bias("output", shape.vocabulary, shape.logit_bias)?;
        let (mut ropes, mut turned, mut windows) = (Vec::new(), Vec::new(), Vec::new());
        let layers = (0..shape.layers.len())
            .map(|index| {
                let layer = shape.layers[index];
                let table = shape.rope_frequencies(index, room.context);
                let turns = table.map(|table| {
                    let table = position_of(&mut ropes, table);
                    [shape.heads, layer.kv_heads]
                        .map(|heads| position_of(&mut turned, Turned { table, heads }))
                });
                let window = position_of(&mut windows, layer.window);
                self.layer(&shape, index, turns, window)
            })
            .collect::<CandleResult<_>>()?;
        let output_norm = self.numbers("output_norm.weight", shape.hidden)?;
        let (cache, blocks) = self.cache(&shape, room)?;
        Ok(AcceleratedNetwork {
            device: self.device.clone(),
            embedding,
            layers,
            ropes,
            turned,
            windows,
            output_norm,
            output: Linear {
                weight: output,
                bias,
            },
            cache,
            blocks,
            most_scores: MOST_SCORES,
            logits: Vec::new(),
            shape,
        })
    }

    /// Room for keys and values, and for how many blocks of them.
    fn cache(&self, shape: &Shape, room: CacheRoom) -> CandleResult<(Vec<LayerCache>, usize)> {
        let kind = match self.precision {
            Precision::Full => DType::F32,
            Precision::AsStored => DType::F16,
        };
        let least = room.context + BLOCK_TOKENS;
        let bytes = bytes_per_token(shape, kind);
        let tokens = affordable(room.tokens, least, bytes, self.device);
        let blocks = tokens.div_ceil(BLOCK_TOKENS).max(1);
        let layers = shape.layers.iter();
        let layers =
            layers.map(|layer| LayerCache::new(shape, layer.kv_heads, blocks, kind, self.device));
        Ok((layers.collect::<CandleResult<_>>()?, blocks))
    }

    fn layer(
        &self,
        shape: &Shape,
        index: usize,
        turns: Option<[usize; 2]>,
        window: usize,
    ) -> CandleResult<Layer> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let norm = |part: &str, length| self.numbers(&name(&format!("{part}.weight")), length);
        let linear = |part: &str, rows, columns, biased| {
            Ok::<_, candle_core::Error>(Linear {
                weight: self.matrix(&name(part), rows, columns)?,
                bias: self.bias(&name(part), rows, biased)?,
            })
        };
        let layer = shape.layers[index];
        let (hidden, feed_forward) = (shape.hidden, shape.feed_forward);
        let queries = shape.heads * shape.key_length;
        let keys = layer.kv_heads * shape.key_length;
        let values = layer.kv_heads * shape.value_length;
        let of_qkv = shape.qkv_biases;
        let projection = match shape.fused_qkv {
            true => {
                let rows = queries + keys + values;
                Projection::Fused(linear("attn_qkv", rows, hidden, of_qkv)?)
            }
            false => Projection::Apart([
                linear("attn_q", queries, hidden, of_qkv)?,
                linear("attn_k", keys, hidden, of_qkv)?,
                linear("attn_v", values, hidden, of_qkv)?,
            ]),
        };
        let biased = shape.feed_forward_biases;
        let gate_and_up = match shape.fused_gate_up {
            true => GateAndUp::Fused(linear("ffn_up", 2 * feed_forward, hidden, biased)?),
            false => GateAndUp::Apart([
                linear("ffn_gate", feed_forward, hidden, biased)?,
                linear("ffn_up", feed_forward, hidden, biased)?,
            ]),
        };
        let of_heads = |part: &str| {
            let wanted = shape.query_key_norms;
            wanted.then(|| norm(part, shape.key_length)).transpose()
        };
        let after = |part: &str| shape.post_norms.then(|| norm(part, hidden)).transpose();
        let mixed = shape.heads * shape.value_length;
        Ok(Layer {
            kv_heads: layer.kv_heads,
            turns,
            window,
            attention_norm: norm("attn_norm", hidden)?,
            post_attention_norm: after("post_attention_norm")?,
            feed_forward_norm: norm("ffn_norm", hidden)?,
            post_feed_forward_norm: after("post_ffw_norm")?,
            projection,
            query_norm: of_heads("attn_q_norm")?,
            key_norm: of_heads("attn_k_norm")?,
            attention_output: linear("attn_output", hidden, mixed, shape.attention_output_bias)?,
            gate_and_up,
            down: linear("ffn_down", hidden, feed_forward, biased)?,
        })
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize) -> CandleResult<QMatMul> {
        let tensor = self.tensor(&format!("{name}.weight"), &[rows, columns])?;
        if self.precision == Precision::Full || self.is_beyond_the_library(tensor.dtype(), columns)
        {
            return Ok(QMatMul::Tensor(tensor.dequantize(self.device)?));
        }
        QMatMul::from_qtensor(tensor)
    }

    /// On a CPU the library multiplies blocks of some formats in pairs only, and
    /// panics, which stops its threads for good, if one is left over.
    fn is_beyond_the_library(&self, kind: GgmlDType, columns: usize) -> bool {
        let in_pairs = matches!(kind, GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1);
        in_pairs && self.device.is_cpu() && !columns.is_multiple_of(2 * kind.block_size())
    }

    fn bias(&self, name: &str, length: usize, wanted: bool) -> CandleResult<Option<Tensor>> {
        wanted
            .then(|| self.numbers(&format!("{name}.bias"), length))
            .transpose()
    }

    fn numbers(&self, name: &str, length: usize) -> CandleResult<Tensor> {
        self.tensor(name, &[length])?.dequantize(self.device)
    }

    fn tensor(&self, name: &str, dimensions: &[usize]) -> CandleResult<QTensor> {
        let mut reader = self.file.reader.get_ref();
        let content = &self.file.content;
        if let Some(info) = content.tensor_infos.get(name)
            && info.shape.dims() != dimensions
        {
            let found = info.shape.dims();
            candle_core::bail!("tensor {name} is {found:?} instead of {dimensions:?}");
        }
        content.tensor(&mut reader, name, self.device)
    }
}

/// Where `item` is among the known ones, which it joins if it is new.
fn position_of<T: PartialEq>(known: &mut Vec<T>, item: T) -> usize {
    let found = known.iter().position(|other| *other == item);
    found.unwrap_or_else(|| {
        known.push(item);
        known.len() - 1
    })
}
