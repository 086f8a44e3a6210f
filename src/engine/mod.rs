//! Models, in process: the only module that names candle and tokenizers.

pub mod decoder;
pub mod encoder;
mod guarded;
mod kernels;
pub mod sampler;
pub mod tokens;
