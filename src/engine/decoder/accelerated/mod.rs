//! The forward pass as tensor operations, for devices that are not the CPU.
//! Its interface is that of the CPU's own network, which is measured against
//! it: it takes no shortcut but batching. Must not know which device it has,
//! nor which blocks belong to whom.

mod attention;
mod cache;
mod pass;
#[cfg(test)]
pub(super) mod tests;
mod weights;

use super::CacheRoom;
use super::error::DecoderError;
use super::model_file::ModelFile;
use super::network::Segment;
use super::rope::RopeFrequencies;
use super::shape::{Activation, Shape};
use crate::guarded::guarded;
use cache::LayerCache;
use candle_core::quantized::QMatMul;
use candle_core::{DType, Device, Result as CandleResult, Tensor};
use candle_nn::ops::rms_norm;
use pass::Pass;
use weights::{Layer, Linear, Loader};

/// Scores of queries and keys that may lie in memory at once: 64 MiB of them.
const MOST_SCORES: usize = 1 << 24;

/// In which numbers a network computes and remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    /// Weights and cache as 32-bit numbers: exact, and large.
    Full,
    /// Weights as they are in the file, the cache in half precision.
    AsStored,
}

/// A model on a device.
pub(super) struct AcceleratedNetwork {
    shape: Shape,
    device: Device,
    embedding: QMatMul,
    layers: Vec<Layer>,
    /// The different tables of rotary frequencies, the different numbers of
    /// heads that they turn, and the different windows that layers have.
    ropes: Vec<RopeFrequencies>,
    turned: Vec<Turned>,
    windows: Vec<Option<usize>>,
    output_norm: Tensor,
    output: Linear,
    cache: Vec<LayerCache>,
    blocks: usize,
    /// Scores that may lie in memory at once, in all heads.
    most_scores: usize,
    logits: Vec<f32>,
}

/// So many heads that turn by one of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turned {
    table: usize,
    heads: usize,
}

impl AcceleratedNetwork {
    /// Loads the weights, and makes room for keys and values, on `device`, or
    /// says why that cannot be done.
    pub(super) fn load(
        file: &ModelFile,
        shape: Shape,
        room: CacheRoom,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, String> {
        let loader = Loader {
            file,
            device,
            precision,
        };
        guarded(|| loader.network(shape, room))
    }

    /// What the network looks like.
    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// How many blocks of keys and values there are.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Reads the tokens of all segments and gives the logits of the wanted
    /// ones: [wanted][vocabulary], in the order of the segments.
    pub(super) fn forward(&mut self, segments: &[Segment<'_>]) -> Result<&mut [f32], DecoderError> {
        self.logits = guarded(|| self.read(segments)).map_err(DecoderError::Internal)?;
        Ok(&mut self.logits)
    }

    fn read(&self, segments: &[Segment<'_>]) -> CandleResult<Vec<f32>> {
        let pass = Pass::new(self, segments)?;
        let tokens: Vec<u32> = segments
            .iter()
            .flat_map(|segment| segment.tokens)
            .copied()
            .collect();
        let tokens = Tensor::from_vec(tokens, pass.rows, &self.device)?;
        let mut hidden = self.embedding.embedding(&tokens)?;
        if let Some(scale) = self.shape.embedding_scale {
            hidden = (hidden * f64::from(scale))?;
        }
        for (layer, cache) in self.layers.iter().zip(&self.cache) {
            hidden = self.layer(layer, cache, &hidden, &pass)?;
        }
        let logits = match wanted(segments) {
            rows if rows.is_empty() => Vec::new(),
            rows if rows.len() == pass.rows => self.logits(&hidden)?,
            rows => {
                let count = rows.len();
                let rows = Tensor::from_vec(rows, count, &self.device)?;
                self.logits(&hidden.index_select(&rows, 0)?)?
            }
        };
        // How long a pass takes is measured: it has to be over.
        self.device.synchronize()?;
        Ok(logits)
    }

    fn logits(&self, hidden: &Tensor) -> CandleResult<Vec<f32>> {
        let logits = self
            .output
            .forward(&self.norm(hidden, &self.output_norm)?)?;
        let logits = match self.shape.final_soft_cap {
            Some(cap) => soft_cap(&logits, cap)?,
            None => logits,
        };
        logits.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
    }

    fn layer(
        &self,
        layer: &Layer,
        cache: &LayerCache,
        input: &Tensor,
        pass: &Pass,
    ) -> CandleResult<Tensor> {
        let attended = self.norm(input, &layer.attention_norm)?;
        let attended = self.attention(layer, cache, &attended, pass)?;
        let attended = self.optional_norm(attended, layer.post_attention_norm.as_ref())?;
        let hidden = (input + attended)?;

        let fed = self.norm(&hidden, &layer.feed_forward_norm)?;
        let (gate, up) = layer.gate_and_up.forward(&fed, self.shape.feed_forward)?;
        let gate = match self.shape.activation {
            Activation::Silu => gate.silu()?,
            Activation::GeluTanh => gate.gelu()?,
        };
        let fed = layer.down.forward(&(gate * up)?)?;
        let fed = self.optional_norm(fed, layer.post_feed_forward_norm.as_ref())?;
        hidden + fed
    }

    /// Root-mean-square norm over the last dimension.
    fn norm(&self, input: &Tensor, weight: &Tensor) -> CandleResult<Tensor> {
        rms_norm(input, weight, self.shape.norm_epsilon)
    }

    fn optional_norm(&self, input: Tensor, weight: Option<&Tensor>) -> CandleResult<Tensor> {
        match weight {
            Some(weight) => self.norm(&input, weight),
            None => Ok(input),
        }
    }
}

/// The rows of the batch whose logits are wanted.
fn wanted(segments: &[Segment<'_>]) -> Vec<u32> {
    let mut rows = Vec::new();
    let mut end = 0;
    for segment in segments {
        end += segment.tokens.len() as u32;
        rows.extend(end - segment.logits as u32..end);
    }
    rows
}

fn soft_cap(numbers: &Tensor, cap: f32) -> CandleResult<Tensor> {
    let cap = f64::from(cap);
    (numbers / cap)?.tanh()? * cap
}

/// The first GPU and its name, or why it cannot be used.
#[cfg(feature = "cuda")]
pub(super) fn open_gpu() -> Result<(Device, String), String> {
    guarded(|| {
        let device = Device::new_cuda(0)?;
        let context = device.as_cuda_device()?.cuda_stream();
        let name = context.context().name().map_err(candle_core::Error::wrap)?;
        Ok::<_, candle_core::Error>((device, name))
    })
    .map_err(|reason| format!("no GPU can be used: {reason}"))
}
