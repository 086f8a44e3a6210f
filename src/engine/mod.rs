//! Models, in process, and getting them: the only module that names candle,
//! tokenizers and hf-hub.

pub mod decoder;
pub mod encoder;
mod guarded;
pub mod hub;
mod kernels;
pub mod sampler;
mod storage;
pub mod tokens;

satchel_types::faults!(encoder::EncoderError, decoder::DecoderError, hub::HubError);
