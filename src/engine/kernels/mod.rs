//! Arithmetic on the CPU: products with GGUF weights repacked once, dense
//! products, what a layer does besides, and the threads that share the work.
//! Knows matrices and instructions; must not know models.

mod activations;
#[cfg(target_arch = "aarch64")]
mod arm;
mod buffer;
pub(crate) mod codes;
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(dead_code)
)]
mod cover;
mod dense;
mod disjoint;
pub(crate) mod fine;
mod format;
pub(crate) mod lanes;
mod level;
mod matrix;
mod pack;
pub(crate) mod pointwise;
mod pool;
mod quantized;

pub(crate) use activations::{Activations, GROUP, quantize_row};
pub(crate) use buffer::Buffer;
pub(crate) use dense::{Instructions, Onto, PANEL, Rows, RowsMut, panel_product};
pub(crate) use disjoint::Disjoint;
pub(crate) use format::Quantization;
#[cfg(test)]
pub(crate) use level::Level;
pub(crate) use matrix::{Input, Matrix, Product, Storage, Workers, products};
