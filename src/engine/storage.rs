//! How the types of tensors in a GGUF file lie in memory.

use crate::kernels::{Quantization, Storage};
use candle_core::quantized::GgmlDType;

/// The products' name for a file's type; none if they do not have it.
pub(crate) fn storage(kind: GgmlDType) -> Option<Storage> {
    Some(match kind {
        GgmlDType::F32 => Storage::F32,
        GgmlDType::F16 => Storage::F16,
        GgmlDType::BF16 => Storage::Bf16,
        GgmlDType::Q4_0 => Storage::Quantized(Quantization::Q4_0),
        GgmlDType::Q4_1 => Storage::Quantized(Quantization::Q4_1),
        GgmlDType::Q5_0 => Storage::Quantized(Quantization::Q5_0),
        GgmlDType::Q5_1 => Storage::Quantized(Quantization::Q5_1),
        GgmlDType::Q8_0 => Storage::Quantized(Quantization::Q8_0),
        GgmlDType::Q2K => Storage::Quantized(Quantization::Q2K),
        GgmlDType::Q3K => Storage::Quantized(Quantization::Q3K),
        GgmlDType::Q4K => Storage::Quantized(Quantization::Q4K),
        GgmlDType::Q5K => Storage::Quantized(Quantization::Q5K),
        GgmlDType::Q6K => Storage::Quantized(Quantization::Q6K),
        GgmlDType::Q8_1 | GgmlDType::Q8K => return None,
    })
}
