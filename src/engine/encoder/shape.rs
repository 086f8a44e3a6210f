//! The sizes of a model and how its layers are built, whichever file said so.

use super::error::EncoderError;
use crate::kernels::PANEL;

/// Bound on numbers taken from a file, so that none overflows a product.
pub(super) const LARGEST: u64 = 1 << 20;

/// How a layer knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Positions {
    /// A learned vector each, added to the token's (Devlin et al., 2018).
    Learned,
    /// Queries and keys are turned (Su et al., 2021).
    Rotary { base: f32 },
    /// Scores fall with the distance (Press et al., 2021: ALiBi).
    Slopes,
}

/// What stands between the two maps of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    Gelu,
    /// One half, through GELU, times the other.
    GeluGate,
    /// One half, through SiLU, times the other.
    SiluGate,
}

impl Activation {
    /// How many times as wide the first map is as the second takes.
    pub(super) fn parts(self) -> usize {
        match self {
            Self::Gelu => 1,
            Self::GeluGate | Self::SiluGate => 2,
        }
    }
}

/// Layers in which a token sees its neighbours alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Local {
    /// Neighbours on either side.
    pub(super) reach: usize,
    /// Every so many layers, from the first on, one sees everything.
    pub(super) global_every: usize,
    /// Base of the rotation in these layers.
    pub(super) base: f32,
}

/// How the vectors of tokens become the text's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    Mean,
    /// That of the first token.
    First,
    Last,
}

impl Pooling {
    /// As fingerprints have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::First => "cls",
            Self::Last => "last",
        }
    }
}

/// The sizes of a model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) hidden: usize,
    pub(super) inner: usize,
    pub(super) heads: usize,
    pub(super) layers: usize,
    /// Tokens that one pass takes, those that frame a text included.
    pub(super) window: usize,
    pub(super) epsilon: f32,
    pub(super) positions: Positions,
    pub(super) activation: Activation,
    /// Norms stand before the maps and not behind them.
    pub(super) norms_first: bool,
    pub(super) local: Option<Local>,
}

impl Shape {
    /// The width of one attention head.
    pub(super) fn head(&self) -> usize {
        self.hidden / self.heads
    }

    /// How far a token sees in a layer, and the base of the rotation there.
    pub(super) fn view(&self, layer: usize) -> (Option<usize>, Option<f32>) {
        let base = match self.positions {
            Positions::Rotary { base } => Some(base),
            _ => None,
        };
        match self.local {
            Some(local) if !layer.is_multiple_of(local.global_every) => {
                (Some(local.reach), base.map(|_| local.base))
            }
            _ => (None, base),
        }
    }

    /// Refuses what the products cannot do.
    pub(super) fn checked(self) -> Result<Self, EncoderError> {
        let fits = self.heads > 0
            && self.hidden > 0
            && self.inner > 0
            && self.hidden.is_multiple_of(self.heads * PANEL)
            && self.inner.is_multiple_of(PANEL);
        if !fits {
            return Err(EncoderError::Unsupported(format!(
                "its widths are not multiples of {PANEL}: {} numbers in {} heads, {} inside",
                self.hidden, self.heads, self.inner
            )));
        }
        if self.window < 8 || self.layers == 0 {
            return Err(EncoderError::Unsupported(format!(
                "it has {} layers and reads {} tokens",
                self.layers, self.window
            )));
        }
        if self.local.is_some_and(|local| local.global_every == 0) || !self.epsilon.is_normal() {
            return Err(EncoderError::Unsupported(
                "its numbers for norms or local attention make no sense".into(),
            ));
        }
        Ok(self)
    }
}
