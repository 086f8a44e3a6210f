//! A model's weights in the form that the forward pass wants. The token
//! embedding stays as it is in the file, because a text needs a few rows.

use super::error::EncoderError;
use super::names::Names;
use super::shape::Positions;
use super::shape::Shape;
use super::tensors::Factor;
use super::tensors::Table;
use super::tensors::Tensors;
use crate::kernels::Workers;

/// A linear map: `weight · x + bias`, several of them side by side.
pub(super) struct Linear {
    pub(super) parts: Vec<Factor>,
    /// Zeros where the file has none.
    pub(super) bias: Vec<f32>,
}

impl Linear {
    /// The length of an input row.
    pub(super) fn inputs(&self) -> usize {
        self.parts.first().map_or(0, Factor::columns)
    }

    /// The number of columns.
    pub(super) fn outputs(&self) -> usize {
        self.parts.iter().map(Factor::rows).sum()
    }
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
    /// Behind attention, or before it, where the first layer may lack it.
    pub(super) attention_norm: Option<Norm>,
    pub(super) up: Linear,
    pub(super) down: Linear,
    /// Behind the two maps, or before them.
    pub(super) feed_forward_norm: Norm,
}

/// All of a model but its tokenizer.
pub(super) struct Weights {
    pub(super) shape: Shape,
    pub(super) tokens: Table,
    /// A row for each position, where they are learned.
    pub(super) positions: Option<Vec<f32>>,
    /// A row for each part of a pair of texts.
    pub(super) kinds: Option<Vec<f32>>,
    pub(super) embedding_norm: Norm,
    pub(super) layers: Vec<Layer>,
    pub(super) final_norm: Option<Norm>,
}

/// The maps from a text's first token to the scores of classes.
pub(super) struct Head {
    /// Followed by tanh.
    pub(super) dense: Option<Linear>,
    pub(super) output: Linear,
    /// What the classes are called, as far as the model says.
    pub(super) labels: Vec<String>,
}

/// Reads a model. Positions are those from row `first_position` on.
pub(super) fn read(
    tensors: &Tensors,
    names: &Names,
    shape: Shape,
    first_position: usize,
) -> Result<Weights, EncoderError> {
    let mut reader = Reader::new(tensors, names)?;
    let hidden = shape.hidden;
    let positions = match shape.positions {
        Positions::Learned => {
            let name = format!("{}.weight", reader.named(names.positions));
            Some(tensors.numbers(&name, (first_position, shape.window), hidden)?)
        }
        _ => None,
    };
    let kinds = format!("{}.weight", reader.named(names.kinds));
    let kinds = match !names.kinds.is_empty() && tensors.has(&kinds) {
        true => {
            let rows = tensors.rows_of(&kinds)?.min(2);
            Some(tensors.numbers(&kinds, (0, rows), hidden)?)
        }
        false => None,
    };
    let layers = (0..shape.layers)
        .map(|layer| reader.layer(layer, &shape))
        .collect::<Result<_, _>>()?;
    let final_norm = match shape.norms_first {
        true => Some(reader.norm(&reader.named(names.final_norm), hidden)?),
        false => None,
    };
    Ok(Weights {
        tokens: tensors.table(&format!("{}.weight", reader.named(names.tokens)), hidden)?,
        embedding_norm: reader.norm(&reader.named(names.embedding_norm), hidden)?,
        positions,
        kinds,
        layers,
        final_norm,
        shape,
    })
}

/// Reads the maps that score classes, if the model has any; `labels` is what it
/// calls them.
pub(super) fn read_head(
    tensors: &Tensors,
    names: &Names,
    hidden: usize,
    labels: Vec<String>,
) -> Result<Option<Head>, EncoderError> {
    let mut reader = Reader {
        tensors,
        names,
        prefix: "",
        workers: Workers::alone(),
    };
    let weight = |name: &str| tensors.has(&format!("{name}.weight"));
    let found = names.head.iter().find(|head| weight(head.output));
    let Some(found) = found else {
        return Ok(None);
    };
    let dense = match weight(found.dense) {
        true => Some(reader.linear(&[found.dense.to_owned()], hidden, hidden)?),
        false => None,
    };
    let classes = tensors.rows_of(&format!("{}.weight", found.output))?;
    let output = reader.linear(&[found.output.to_owned()], hidden, classes)?;
    Ok(Some(Head {
        dense,
        output,
        labels,
    }))
}

struct Reader<'a> {
    tensors: &'a Tensors,
    names: &'a Names,
    prefix: &'static str,
    workers: Workers,
}

impl<'a> Reader<'a> {
    fn new(tensors: &'a Tensors, names: &'a Names) -> Result<Self, EncoderError> {
        let tokens = |prefix: &&&str| tensors.has(&format!("{prefix}{}.weight", names.tokens));
        let prefix = names.prefixes.iter().find(tokens).copied();
        Ok(Self {
            tensors,
            names,
            prefix: prefix.unwrap_or_default(),
            workers: Workers::new(0)?,
        })
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm, EncoderError> {
        // Old files call scale and shift by Greek letters.
        let either = |name: String, old: String| match self.tensors.has(&old) {
            true => old,
            false => name,
        };
        let weight = either(format!("{name}.weight"), format!("{name}.gamma"));
        let bias = either(format!("{name}.bias"), format!("{name}.beta"));
        Ok(Norm {
            weight: self.tensors.vector(&weight, width)?,
            bias: match self.tensors.has(&bias) {
                true => self.tensors.vector(&bias, width)?,
                false => vec![0.0; width],
            },
        })
    }

    /// Maps of the same input, side by side as one; `outputs` in all.
    fn linear(
        &mut self,
        names: &[String],
        inputs: usize,
        outputs: usize,
    ) -> Result<Linear, EncoderError> {
        let mut parts = Vec::with_capacity(names.len());
        let mut bias = Vec::with_capacity(outputs);
        for name in names {
            let weight = format!("{name}.weight");
            let factor = self.tensors.factor(&weight, inputs, &mut self.workers)?;
            let name = format!("{name}.bias");
            match self.tensors.has(&name) {
                true => bias.extend(self.tensors.vector(&name, factor.rows())?),
                false => bias.resize(bias.len() + factor.rows(), 0.0),
            }
            parts.push(factor);
        }
        let linear = Linear { parts, bias };
        if linear.outputs() != outputs {
            let first = names.first().map_or("", String::as_str);
            return Err(EncoderError::Unsupported(format!(
                "its map {first} gives {} numbers instead of {outputs}",
                linear.outputs()
            )));
        }
        Ok(linear)
    }

    /// The names of a layer that are there; of several ways to name the first.
    fn present(&self, block: &str, ways: &[&[&str]]) -> Vec<String> {
        let whole = |way: &[&str]| -> Vec<String> {
            way.iter().map(|part| format!("{block}{part}")).collect()
        };
        let there = |names: &Vec<String>| {
            let weight = |name: &String| self.tensors.has(&format!("{name}.weight"));
            names.iter().all(weight)
        };
        let mut ways = ways.iter().map(|way| whole(way));
        let last = ways.next_back().unwrap_or_default();
        ways.find(there).unwrap_or(last)
    }

    fn layer(&mut self, number: usize, shape: &Shape) -> Result<Layer, EncoderError> {
        let names = self.names;
        let block = self.named(&format!("{}{number}.", names.block));
        let (hidden, inner) = (shape.hidden, shape.inner);
        let attention = self.present(&block, names.attention);
        let up = self.present(&block, names.up);
        let attention_norm = format!("{block}{}", names.attention_norm);
        let first_without = shape.norms_first
            && number == 0
            && !self.tensors.has(&format!("{attention_norm}.weight"));
        let output = format!("{block}{}", names.attention_output);
        let down = format!("{block}{}", names.down);
        Ok(Layer {
            query_key_value: self.linear(&attention, hidden, 3 * hidden)?,
            attention_output: self.linear(&[output], hidden, hidden)?,
            attention_norm: match first_without {
                true => None,
                false => Some(self.norm(&attention_norm, hidden)?),
            },
            up: self.linear(&up, hidden, shape.activation.parts() * inner)?,
            down: self.linear(&[down], inner, hidden)?,
            feed_forward_norm: self.norm(&format!("{block}{}", names.feed_forward_norm), hidden)?,
        })
    }
}
