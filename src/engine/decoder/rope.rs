//! Rotary positions: which frequency each pair of a head's values turns with.
//! Owns the metadata and the arithmetic of scaling; applying the angles is the
//! networks' work.

use super::error::DecoderError;
use super::model_file::ModelFile;
use std::f32::consts::TAU;

const DEFAULT_BASE: f32 = 10_000.0;
const DEFAULT_BETA_FAST: f32 = 32.0;
const DEFAULT_BETA_SLOW: f32 = 1.0;

/// Which two values of a head turn together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RopeLayout {
    /// Neighbours: 0 and 1, 2 and 3 (`NORM`).
    Interleaved,
    /// The first half with the second: 0 and n/2, 1 and n/2+1 (`NEOX`).
    Halves,
}

/// Divisors of the frequencies, one per pair, that come as tensors.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RopeFactors {
    None,
    /// `rope_freqs.weight`: for every context (Llama 3.1 and later).
    Always(Vec<f32>),
    /// `rope_factors_short/long.weight`: for contexts up to, and beyond, the
    /// length that the model was first trained with (Phi 3).
    ByContext {
        short: Vec<f32>,
        long: Vec<f32>,
    },
}

/// YaRN: low frequencies are stretched, high ones are left alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Yarn {
    /// How much of the unstretched frequency is mixed in where it is wanted; usually 1.
    pub(super) extrapolation: f32,
    pub(super) beta_fast: f32,
    pub(super) beta_slow: f32,
}

/// How positions turn queries and keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rope {
    pub(super) layout: RopeLayout,
    /// How many values of each head turn; the rest is left as it is.
    pub(super) dimensions: usize,
    pub(super) base: f32,
    /// Base of the layers with a sliding window, which are never stretched;
    /// none: the same as everywhere.
    pub(super) local_base: Option<f32>,
    /// What all frequencies are multiplied with: 1 / the stretching factor.
    pub(super) scale: f32,
    pub(super) yarn: Option<Yarn>,
    pub(super) factors: RopeFactors,
    /// The context that the model was trained with before it was stretched.
    pub(super) original_context: usize,
    /// What cosines and sines are multiplied with, before YaRN's own part.
    pub(super) attention_factor: f32,
}

/// The table of one layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RopeFrequencies {
    /// Radians per position, one per pair: `dimensions / 2` of them.
    pub(super) inverse: Vec<f32>,
    /// What cosines and sines are multiplied with.
    pub(super) attention_factor: f32,
}

impl Rope {
    /// Reads the rotary metadata under `prefix`.
    pub(super) fn read(
        file: &ModelFile,
        prefix: &str,
        layout: RopeLayout,
        head: usize,
        context: usize,
    ) -> Result<Self, DecoderError> {
        let key = |name: &str| format!("{prefix}.rope.{name}");
        let positive = |name: &str, default: f32| match file.float(&key(name)) {
            None => Ok(default),
            Some(number) if number.is_finite() && number > 0.0 => Ok(number),
            Some(number) => Err(file.damaged(format!("{} is {number}", key(name)))),
        };
        let dimensions = match file.number(&key("dimension_count")) {
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
            None => head,
        };
        if dimensions == 0 || dimensions > head || !dimensions.is_multiple_of(2) {
            return Err(file.damaged(format!(
                "{dimensions} of the {head} values of an attention head cannot be rotated"
            )));
        }
        let kind = file.text(&key("scaling.type")).unwrap_or("linear");
        let scale = match kind {
            "linear" | "yarn" => 1.0 / stretch(file, &key)?,
            "none" | "longrope" | "su" => 1.0,
            other => {
                return Err(file.unsupported(format!(
                    "it stretches its positions by {other:?}; supported are none, linear, yarn and longrope"
                )));
            }
        };
        let yarn = (kind == "yarn")
            .then(|| {
                Ok::<_, DecoderError>(Yarn {
                    extrapolation: positive("scaling.yarn_ext_factor", 1.0)?,
                    beta_fast: positive("scaling.yarn_beta_fast", DEFAULT_BETA_FAST)?,
                    beta_slow: positive("scaling.yarn_beta_slow", DEFAULT_BETA_SLOW)?,
                })
            })
            .transpose()?;
        let original_context = file
            .number(&key("scaling.original_context_length"))
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number > 0);
        Ok(Self {
            layout,
            dimensions,
            base: positive("freq_base", DEFAULT_BASE)?,
            local_base: None,
            scale,
            yarn,
            factors: RopeFactors::read(file, dimensions / 2)?,
            original_context: original_context.unwrap_or(context),
            attention_factor: positive("scaling.attn_factor", 1.0)?
                * positive("scaling.yarn_attn_factor", 1.0)?,
        })
    }

    /// The frequencies of a layer (`local`: one with a sliding window) when
    /// sequences may grow to `context` tokens.
    pub(super) fn frequencies(&self, local: bool, context: usize) -> RopeFrequencies {
        let (base, scale) = match self.local_base {
            Some(base) if local => (base, 1.0),
            _ => (self.base, self.scale),
        };
        let factors: Option<&[f32]> = match &self.factors {
            RopeFactors::None => None,
            RopeFactors::Always(factors) => Some(factors),
            RopeFactors::ByContext { long, .. } if context > self.original_context => Some(long),
            RopeFactors::ByContext { short, .. } => Some(short),
        };
        let dimensions = self.dimensions as f32;
        let inverse = (0..self.dimensions / 2).map(|pair| {
            let exponent = (2 * pair) as f64 / self.dimensions as f64;
            let plain = f64::from(base).powf(-exponent) as f32;
            let plain = factors.map_or(plain, |factors| plain / factors[pair]);
            let kept = self.yarn.map_or(0.0, |yarn| {
                yarn.kept_share(pair, dimensions, self.original_context as f32, base)
            });
            plain * (scale * (1.0 - kept) + kept)
        });
        let stretching = match self.yarn {
            Some(_) => 1.0 + 0.1 * (1.0 / scale).ln(),
            None => 1.0,
        };
        RopeFrequencies {
            inverse: inverse.collect(),
            attention_factor: self.attention_factor * stretching,
        }
    }
}

impl RopeFrequencies {
    /// Cosine and sine of what each pair is turned by at a position.
    pub(super) fn turns(&self, position: usize) -> impl Iterator<Item = (f32, f32)> {
        self.inverse.iter().map(move |inverse| {
            let (sine, cosine) = (position as f64 * f64::from(*inverse)).sin_cos();
            let scaled = |number: f64| number as f32 * self.attention_factor;
            (scaled(cosine), scaled(sine))
        })
    }
}

impl Yarn {
    /// How much of a pair's unstretched frequency stays: all of it for pairs
    /// that turn more than `beta_fast` times within the original context, none
    /// for those that turn less than `beta_slow` times.
    fn kept_share(self, pair: usize, dimensions: f32, context: f32, base: f32) -> f32 {
        let pair_that_turns =
            |times: f32| dimensions * (context / (times * TAU)).ln() / (2.0 * base.ln());
        let low = pair_that_turns(self.beta_fast).floor().max(0.0);
        let high = pair_that_turns(self.beta_slow).ceil().min(dimensions - 1.0);
        let along = (pair as f32 - low) / (high - low).max(0.001);
        (1.0 - along.clamp(0.0, 1.0)) * self.extrapolation
    }
}

/// The stretching factor, of which older files have the name without `scaling`.
fn stretch(file: &ModelFile, key: &impl Fn(&str) -> String) -> Result<f32, DecoderError> {
    let factor = file
        .float(&key("scaling.factor"))
        .or_else(|| file.float(&key("scale_linear")))
        .unwrap_or(1.0);
    match factor {
        // Written by converters for models that are not stretched.
        0.0 => Ok(1.0),
        factor if factor.is_finite() && factor > 0.0 => Ok(factor),
        factor => Err(file.damaged(format!("its positions are stretched by {factor}"))),
    }
}

impl RopeFactors {
    fn read(file: &ModelFile, pairs: usize) -> Result<Self, DecoderError> {
        if let Some(factors) = divisors(file, "rope_freqs.weight", pairs)? {
            return Ok(Self::Always(factors));
        }
        let short = divisors(file, "rope_factors_short.weight", pairs)?;
        let long = divisors(file, "rope_factors_long.weight", pairs)?;
        Ok(match (short, long) {
            (None, None) => Self::None,
            (Some(short), Some(long)) => Self::ByContext { short, long },
            _ => return Err(file.missing("one of rope_factors_short and rope_factors_long")),
        })
    }
}

/// A small tensor of divisors.
fn divisors(
    file: &ModelFile,
    tensor: &str,
    pairs: usize,
) -> Result<Option<Vec<f32>>, DecoderError> {
    let Some(info) = file.content.tensor_infos.get(tensor) else {
        return Ok(None);
    };
    if info.shape.elem_count() != pairs {
        return Err(file.damaged(format!(
            "{tensor} has {} numbers instead of {pairs}",
            info.shape.elem_count()
        )));
    }
    let numbers = file.numbers(tensor)?;
    match numbers
        .iter()
        .all(|number| number.is_finite() && *number > 0.0)
    {
        true => Ok(Some(numbers)),
        false => Err(file.damaged(format!("{tensor} holds numbers that divide nothing"))),
    }
}
