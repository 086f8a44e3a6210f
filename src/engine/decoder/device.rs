//! Which processor a network that runs on tensors of the inference library gets.

use super::error::guarded;
use candle_core::Device;

/// The first accelerator that this build knows and this machine has, else the
/// CPU. An accelerator that does not work is said, and done without.
pub(super) fn best_device() -> Device {
    let accelerator = guarded(|| match Device::cuda_if_available(0)? {
        Device::Cpu => Device::metal_if_available(0),
        device => Ok(device),
    });
    accelerator.unwrap_or_else(|reason| {
        tracing::warn!(
            reason,
            "the accelerator cannot be used; the chat model runs on the CPU"
        );
        Device::Cpu
    })
}
