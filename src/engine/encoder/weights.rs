//! Reads a BERT embedding model from GGUF into the form that the forward pass
//! wants: matrices laid out in panels, query, key and value joined. The token
//! embedding stays where it is in the file, because a text needs a few rows.

use std::borrow::Cow;
use std::io::Cursor;
use std::ops::Range;

use candle_core::Device;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::gguf_file::Value;

use super::error::EncoderError;
use super::panels::BLOCK;
use super::panels::BLOCK_BYTES;
use super::panels::Panels;
use super::panels::block_parts;
use super::wordpiece::WordPiece;
use crate::engine::kernels::PANEL;

/// Bound on numbers taken from the file, so that none overflows a product.
const LARGEST: usize = 1 << 20;

/// The sizes of a model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) hidden: usize,
    pub(super) inner: usize,
    pub(super) heads: usize,
    pub(super) layers: usize,
    /// Tokens that one pass takes, the two special ones included.
    pub(super) window: usize,
    pub(super) epsilon: f32,
}

impl Shape {
    /// The width of one attention head.
    pub(super) fn head(&self) -> usize {
        self.hidden / self.heads
    }
}

/// A linear map: `x · weight + bias`.
pub(super) struct Linear {
    pub(super) weight: Panels,
    pub(super) bias: Vec<f32>,
}

/// Scale and shift of a layer normalisation.
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// One transformer layer.
pub(super) struct Layer {
    pub(super) query_key_value: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: Norm,
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) output_norm: Norm,
}

/// All of a model but its tokenizer.
pub(super) struct Weights {
    pub(super) shape: Shape,
    /// The token embedding in Q8_0.
    tokens: Cow<'static, [u8]>,
    /// Position and token type embedding, summed, a row for each position.
    pub(super) positions: Vec<f32>,
    pub(super) embedding_norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Weights {
    /// Writes the embedding of token `id` to `row`.
    pub(super) fn token(&self, id: u32, row: &mut [f32]) {
        let size = row.len() / BLOCK * BLOCK_BYTES;
        let blocks = &self.tokens[id as usize * size..][..size];
        for (block, values) in blocks
            .chunks_exact(BLOCK_BYTES)
            .zip(row.chunks_exact_mut(BLOCK))
        {
            let (scale, codes) = block_parts(block);
            for (code, value) in codes.zip(values) {
                *value = f32::from(code) * scale;
            }
        }
    }
}

/// What a model file holds.
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) weights: Weights,
    pub(super) wordpiece: WordPiece,
    /// The ids that open and close a text.
    pub(super) frame: [u32; 2],
}

/// Reads a model; a borrowed file stays borrowed for the token embedding.
pub(super) fn load(bytes: Cow<'static, [u8]>) -> Result<Loaded, EncoderError> {
    // The reader divides by the alignment that the file states, zero included.
    let content = std::panic::catch_unwind(|| Content::read(&mut Cursor::new(&*bytes)))
        .map_err(|_| unsupported("its header contradicts itself"))??;
    let file = File {
        content,
        bytes: &bytes,
    };
    file.expect_text("general.architecture", "bert")?;
    file.expect_text("tokenizer.ggml.model", "bert")?;
    let shape = file.shape()?;
    let frame = [
        file.number("tokenizer.ggml.cls_token_id")?,
        file.number("tokenizer.ggml.seperator_token_id")?,
    ];
    let tokens = file.list("tokenizer.ggml.tokens")?;
    if frame.iter().any(|&id| id >= tokens.len()) {
        return Err(unsupported("its special tokens are not in its vocabulary"));
    }
    let kinds = file.list("tokenizer.ggml.token_type")?;
    let unknown = file.number("tokenizer.ggml.unknown_token_id")?;
    let wordpiece = WordPiece::new(tokens, kinds, unknown as u32)?;
    let rows = file.quantised("token_embd.weight", tokens.len(), shape.hidden)?;
    let mut positions = file.matrix("position_embd.weight", shape.window, shape.hidden)?;
    let kind = file.matrix("token_types.weight", 1, shape.hidden)?;
    for row in positions.chunks_exact_mut(shape.hidden) {
        row.iter_mut()
            .zip(&kind)
            .for_each(|(value, kind)| *value += kind);
    }
    let embedding_norm = file.norm("token_embd_norm", shape.hidden)?;
    let layers = (0..shape.layers)
        .map(|n| file.layer(&format!("blk.{n}"), &shape))
        .collect::<Result<_, _>>()?;
    let name = file.value("general.name")?.to_string()?.clone();
    let tokens = match &bytes {
        Cow::Borrowed(all) => Cow::Borrowed(&all[rows]),
        Cow::Owned(all) => Cow::Owned(all[rows].to_vec()),
    };
    let weights = Weights {
        shape,
        tokens,
        positions,
        embedding_norm,
        layers,
    };
    Ok(Loaded {
        name,
        weights,
        wordpiece,
        frame: frame.map(|id| id as u32),
    })
}

/// An open GGUF file.
struct File<'a> {
    content: Content,
    bytes: &'a [u8],
}

impl File<'_> {
    fn value(&self, key: &str) -> Result<&Value, EncoderError> {
        let found = self.content.metadata.get(key);
        found.ok_or_else(|| EncoderError::Unsupported(format!("it does not say its {key}")))
    }

    fn number(&self, key: &str) -> Result<usize, EncoderError> {
        let number = self.value(key)?.to_u32()? as usize;
        if number > LARGEST {
            return Err(EncoderError::Unsupported(format!("its {key} is {number}")));
        }
        Ok(number)
    }

    fn list(&self, key: &str) -> Result<&[Value], EncoderError> {
        Ok(self.value(key)?.to_vec()?)
    }

    fn expect_text(&self, key: &str, wanted: &str) -> Result<(), EncoderError> {
        let found = self.value(key)?.to_string()?;
        if found != wanted {
            let reason = format!("its {key} is {found}, only {wanted} is supported");
            return Err(EncoderError::Unsupported(reason));
        }
        Ok(())
    }

    fn shape(&self) -> Result<Shape, EncoderError> {
        const MEAN: usize = 1;
        if self.number("bert.pooling_type")? != MEAN {
            return Err(unsupported("it does not pool its tokens by their mean"));
        }
        let positions = self.number("bert.context_length")?;
        let trained = self.number("sentence_transformers.max_seq_length");
        let shape = Shape {
            hidden: self.number("bert.embedding_length")?,
            inner: self.number("bert.feed_forward_length")?,
            heads: self.number("bert.attention.head_count")?,
            layers: self.number("bert.block_count")?,
            window: trained.unwrap_or(positions).min(positions),
            epsilon: self.value("bert.attention.layer_norm_epsilon")?.to_f32()?,
        };
        let fits = shape.heads > 0
            && shape.hidden > 0
            && shape.hidden.is_multiple_of(shape.heads * PANEL)
            && shape.inner.is_multiple_of(PANEL);
        if !fits || shape.window < 3 {
            return Err(unsupported("its widths are not multiples of 32"));
        }
        Ok(shape)
    }

    /// Where in the file the Q8_0 matrix `name` lies.
    fn quantised(
        &self,
        name: &str,
        rows: usize,
        width: usize,
    ) -> Result<Range<usize>, EncoderError> {
        let info = self
            .content
            .tensor_infos
            .get(name)
            .ok_or_else(|| missing(name))?;
        if info.ggml_dtype != GgmlDType::Q8_0 {
            let reason = format!("its tensor {name} is not in Q8_0");
            return Err(EncoderError::Unsupported(reason));
        }
        if info.shape.dims() != [rows, width] {
            return Err(wrong_shape(name, info.shape.dims()));
        }
        let size = (rows * width / BLOCK * BLOCK_BYTES) as u64;
        let start = self.content.tensor_data_offset.saturating_add(info.offset);
        let end = start.saturating_add(size);
        if end > self.bytes.len() as u64 {
            return Err(unsupported("it is cut short"));
        }
        Ok(start as usize..end as usize)
    }

    fn tensor(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), EncoderError> {
        if !self.content.tensor_infos.contains_key(name) {
            return Err(missing(name));
        }
        let mut reader = Cursor::new(self.bytes);
        let stored = self.content.tensor(&mut reader, name, &Device::Cpu)?;
        let plain = stored.dequantize(&Device::Cpu)?;
        Ok((plain.dims().to_vec(), plain.flatten_all()?.to_vec1()?))
    }

    /// The first `rows` rows of a matrix of at least that many.
    fn matrix(&self, name: &str, rows: usize, width: usize) -> Result<Vec<f32>, EncoderError> {
        let (dimensions, mut values) = self.tensor(name)?;
        match dimensions[..] {
            [found, w] if found >= rows && w == width => values.truncate(rows * width),
            _ => return Err(wrong_shape(name, &dimensions)),
        }
        Ok(values)
    }

    fn vector(&self, name: &str, width: usize) -> Result<Vec<f32>, EncoderError> {
        let (dimensions, values) = self.tensor(name)?;
        if dimensions != [width] {
            return Err(wrong_shape(name, &dimensions));
        }
        Ok(values)
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm, EncoderError> {
        Ok(Norm {
            weight: self.vector(&format!("{name}.weight"), width)?,
            bias: self.vector(&format!("{name}.bias"), width)?,
        })
    }

    /// Maps of the same input, side by side as one.
    fn linear(
        &self,
        names: &[String],
        inputs: usize,
        outputs: usize,
    ) -> Result<Linear, EncoderError> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            let range = self.quantised(&format!("{name}.weight"), outputs, inputs)?;
            weight.extend_from_slice(&self.bytes[range]);
            bias.extend(self.vector(&format!("{name}.bias"), outputs)?);
        }
        Ok(Linear {
            weight: Panels::pack(&weight, inputs),
            bias,
        })
    }

    fn layer(&self, block: &str, shape: &Shape) -> Result<Layer, EncoderError> {
        let (hidden, inner) = (shape.hidden, shape.inner);
        let named = |part: &str| format!("{block}.{part}");
        let attention = ["attn_q", "attn_k", "attn_v"].map(named);
        Ok(Layer {
            query_key_value: self.linear(&attention, hidden, hidden)?,
            attention_output: self.linear(&[named("attn_output")], hidden, hidden)?,
            attention_norm: self.norm(&named("attn_output_norm"), hidden)?,
            up: self.linear(&[named("ffn_up")], hidden, inner)?,
            down: self.linear(&[named("ffn_down")], inner, hidden)?,
            output_norm: self.norm(&named("layer_output_norm"), hidden)?,
        })
    }
}

fn unsupported(reason: &str) -> EncoderError {
    EncoderError::Unsupported(reason.into())
}

fn missing(name: &str) -> EncoderError {
    EncoderError::Unsupported(format!("it has no tensor {name}"))
}

fn wrong_shape(name: &str, dimensions: &[usize]) -> EncoderError {
    EncoderError::Unsupported(format!("its tensor {name} has the shape {dimensions:?}"))
}
