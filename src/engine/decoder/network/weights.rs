//! The weights of a network, read from the file tensor by tensor and checked
//! against the shape.

use crate::decoder::error::DecoderError;
use crate::decoder::model_file::ModelFile;
use crate::decoder::shape::Shape;
use crate::kernels::{Matrix, Workers};
use crate::storage::storage;

/// A layer.
pub(super) struct Layer {
    pub(super) attention_norm: Vec<f32>,
    /// Queries, keys, values; one matrix where the file has one.
    pub(super) qkv: Vec<Matrix>,
    pub(super) qkv_bias: Option<Vec<f32>>,
    pub(super) query_norm: Option<Vec<f32>>,
    pub(super) key_norm: Option<Vec<f32>>,
    pub(super) attention_output: Matrix,
    pub(super) attention_output_bias: Option<Vec<f32>>,
    pub(super) post_attention_norm: Option<Vec<f32>>,
    pub(super) feed_forward_norm: Vec<f32>,
    /// Gate, up; one matrix where the file has one.
    pub(super) gate_up: Vec<Matrix>,
    pub(super) gate_up_bias: Option<Vec<f32>>,
    pub(super) down: Matrix,
    pub(super) down_bias: Option<Vec<f32>>,
    pub(super) post_feed_forward_norm: Option<Vec<f32>>,
}

/// All of a network's weights.
pub(super) struct Weights {
    pub(super) embedding: Matrix,
    pub(super) layers: Vec<Layer>,
    pub(super) output_norm: Vec<f32>,
    /// None: the embedding.
    pub(super) output: Option<Matrix>,
    pub(super) output_bias: Option<Vec<f32>>,
}

impl Weights {
    /// Reads and packs everything.
    pub(super) fn read(
        file: &ModelFile,
        shape: &Shape,
        workers: &mut Workers,
    ) -> Result<Self, DecoderError> {
        let mut reader = Reader { file, workers };
        let vocabulary = (shape.vocabulary, shape.hidden);
        let embedding = reader.matrix("token_embd.weight", vocabulary)?;
        let output = match shape.tied_output {
            true => None,
            false => Some(reader.matrix("output.weight", vocabulary)?),
        };
        let layers = (0..shape.layers.len())
            .map(|layer| reader.layer(shape, layer))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            embedding,
            layers,
            output_norm: reader.vector("output_norm.weight", shape.hidden)?,
            output,
            output_bias: match shape.logit_bias {
                true => Some(reader.vector("output.bias", shape.vocabulary)?),
                false => None,
            },
        })
    }
}

struct Reader<'a> {
    file: &'a ModelFile,
    workers: &'a mut Workers,
}

impl Reader<'_> {
    fn layer(&mut self, shape: &Shape, layer: usize) -> Result<Layer, DecoderError> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let hidden = shape.hidden;
        let kv_heads = shape.layers[layer].kv_heads;
        let (queries, keys, values) = (
            shape.heads * shape.key_length,
            kv_heads * shape.key_length,
            kv_heads * shape.value_length,
        );
        let wide = shape.feed_forward;
        let qkv: Vec<(&str, usize)> = match shape.fused_qkv {
            true => vec![("attn_qkv", queries + keys + values)],
            false => vec![("attn_q", queries), ("attn_k", keys), ("attn_v", values)],
        };
        let gate_up: Vec<(&str, usize)> = match shape.fused_gate_up {
            true => vec![("ffn_up", 2 * wide)],
            false => vec![("ffn_gate", wide), ("ffn_up", wide)],
        };
        let part = |norm: bool, part: &str, length: usize| match norm {
            true => self.vector(&name(part), length).map(Some),
            false => Ok(None),
        };
        let query_norm = part(
            shape.query_key_norms,
            "attn_q_norm.weight",
            shape.key_length,
        )?;
        let key_norm = part(
            shape.query_key_norms,
            "attn_k_norm.weight",
            shape.key_length,
        )?;
        let post_attention_norm = part(shape.post_norms, "post_attention_norm.weight", hidden)?;
        let post_feed_forward_norm = part(shape.post_norms, "post_ffw_norm.weight", hidden)?;
        let attention_output_bias = part(shape.attention_output_bias, "attn_output.bias", hidden)?;
        let down_bias = part(shape.feed_forward_biases, "ffn_down.bias", hidden)?;
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm.weight"), hidden)?,
            qkv_bias: self.biases(shape.qkv_biases, &name, &qkv)?,
            qkv: self.matrices(&name, &qkv, hidden)?,
            query_norm,
            key_norm,
            attention_output: self.matrix(
                &name("attn_output.weight"),
                (hidden, shape.heads * shape.value_length),
            )?,
            attention_output_bias,
            post_attention_norm,
            feed_forward_norm: self.vector(&name("ffn_norm.weight"), hidden)?,
            gate_up_bias: self.biases(shape.feed_forward_biases, &name, &gate_up)?,
            gate_up: self.matrices(&name, &gate_up, hidden)?,
            down: self.matrix(&name("ffn_down.weight"), (hidden, wide))?,
            down_bias,
            post_feed_forward_norm,
        })
    }

    fn matrices(
        &mut self,
        name: &impl Fn(&str) -> String,
        parts: &[(&str, usize)],
        columns: usize,
    ) -> Result<Vec<Matrix>, DecoderError> {
        parts
            .iter()
            .map(|(part, rows)| self.matrix(&name(&format!("{part}.weight")), (*rows, columns)))
            .collect()
    }

    /// The biases of several matrices, one after the other.
    fn biases(
        &self,
        present: bool,
        name: &impl Fn(&str) -> String,
        parts: &[(&str, usize)],
    ) -> Result<Option<Vec<f32>>, DecoderError> {
        if !present {
            return Ok(None);
        }
        let mut all = Vec::new();
        for (part, length) in parts {
            all.extend(self.vector(&name(&format!("{part}.bias")), *length)?);
        }
        Ok(Some(all))
    }

    /// A matrix of [rows, columns].
    fn matrix(
        &mut self,
        name: &str,
        (rows, columns): (usize, usize),
    ) -> Result<Matrix, DecoderError> {
        let (file, info) = (self.file, self.file.tensor(name)?);
        if info.shape.dims() != [rows, columns] {
            return Err(file.damaged(format!(
                "{name} is {:?} instead of {rows} by {columns}",
                info.shape.dims()
            )));
        }
        let storage = storage(info.ggml_dtype).ok_or_else(|| {
            file.unsupported(format!(
                "{name} has the type {:?}; supported are Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, F16, BF16 and F32",
                info.ggml_dtype
            ))
        })?;
        let start = file.content.tensor_data_offset + info.offset;
        Matrix::read(storage, (rows, columns), self.workers, |offset, bytes| {
            file.read_at(start + offset, bytes)
        })
        .map_err(|error| file.damaged(format!("{name}: {error}")))
    }

    /// A list of numbers.
    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, DecoderError> {
        let file = self.file;
        let numbers = file.numbers(name)?;
        if numbers.len() != length {
            return Err(file.damaged(format!(
                "{name} has {} numbers instead of {length}",
                numbers.len()
            )));
        }
        Ok(numbers)
    }
}
