//! The formats of made-up models' weights, and which tensor gets which of them
//! when llama.cpp would have quantized the model.

use candle_core::quantized::GgmlDType;

/// How the weights of a made-up model are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightFormat {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    /// The mix of Q4_K and Q6_K that most people download.
    Q4KM,
}

/// What a tensor is for, as far as its format depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Embedding,
    /// The output, and an embedding that serves as one.
    Output,
    Value,
    QueryKeyValue,
    Down,
    OtherMatrix,
    Norm,
    Bias,
    /// Divisors of rotary frequencies.
    RopeFactors,
}

impl WeightFormat {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2K,
        Self::Q3K,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
        Self::Q4KM,
    ];

    /// The name under which people know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q2K => "Q2_K",
            Self::Q3K => "Q3_K",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
            Self::Q4KM => "Q4_K_M",
        }
    }

    /// The inverse of [`Self::name`], in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// What `general.file_type` says of it.
    pub(super) fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q8_0 => 7,
            Self::Q5_0 => 8,
            Self::Q5_1 => 9,
            Self::Q2K => 10,
            Self::Q3K => 11,
            Self::Q4K => 14,
            Self::Q4KM => 15,
            Self::Q5K => 16,
            Self::Q6K => 18,
            Self::BF16 => 32,
        }
    }

    /// The one type of all matrices, or of most.
    pub(super) fn main_type(self) -> GgmlDType {
        match self {
            Self::F32 => GgmlDType::F32,
            Self::F16 => GgmlDType::F16,
            Self::BF16 => GgmlDType::BF16,
            Self::Q4_0 => GgmlDType::Q4_0,
            Self::Q4_1 => GgmlDType::Q4_1,
            Self::Q5_0 => GgmlDType::Q5_0,
            Self::Q5_1 => GgmlDType::Q5_1,
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q2K => GgmlDType::Q2K,
            Self::Q3K => GgmlDType::Q3K,
            Self::Q4K | Self::Q4KM => GgmlDType::Q4K,
            Self::Q5K => GgmlDType::Q5K,
            Self::Q6K => GgmlDType::Q6K,
        }
    }

    /// The type that llama.cpp's quantizer gives to a tensor with rows of
    /// `columns` numbers in a layer of so many.
    pub(super) fn quantized_type(
        self,
        role: Role,
        layer: usize,
        layers: usize,
        columns: usize,
    ) -> GgmlDType {
        let is_mix = self == Self::Q4KM;
        let wanted = match role {
            Role::Norm | Role::Bias | Role::RopeFactors => return GgmlDType::F32,
            Role::Output if is_mix || self == Self::Q4_0 => GgmlDType::Q6K,
            Role::Value | Role::Down if is_mix && deserves_more_bits(layer, layers) => {
                GgmlDType::Q6K
            }
            Role::QueryKeyValue if is_mix => GgmlDType::Q5K,
            _ => self.main_type(),
        };
        if columns.is_multiple_of(wanted.block_size()) {
            return wanted;
        }
        match wanted {
            GgmlDType::Q4K => GgmlDType::Q5_0,
            GgmlDType::Q5K => GgmlDType::Q5_1,
            GgmlDType::Q6K => GgmlDType::Q8_0,
            other => other,
        }
    }
}

/// The first and last eighth of the layers, and each third one between them.
fn deserves_more_bits(layer: usize, layers: usize) -> bool {
    let eighth = layers / 8;
    layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
}
