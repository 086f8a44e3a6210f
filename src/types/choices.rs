//! What a model is for, and what a person chooses of how it runs.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a chat model is asked to run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// A GPU where one can be used, else the CPU.
    #[default]
    Auto,
    Cpu,
    /// An NVIDIA GPU; the CPU if there is none, and a warning.
    Cuda,
}

/// How a chat model keeps the keys and values of what it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
pub enum KvCache {
    /// 16-bit floating-point numbers.
    #[default]
    #[serde(rename = "f16")]
    #[value(name = "f16")]
    F16,
    /// 8-bit codes with a scale for each 32: half the memory.
    #[serde(rename = "q8_0")]
    #[value(name = "q8_0")]
    Q8_0,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Writes answers.
    Chat,
    /// Turns passages into vectors.
    Embedding,
    /// Reads a question and a passage together and scores them.
    Reranking,
    /// Reads a sentence of an answer with its source and judges whether the one
    /// follows from the other.
    Entailment,
}

impl ModelKind {
    /// As in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
            Self::Reranking => "reranking",
            Self::Entailment => "entailment",
        }
    }
}
