//! Which instructions the products use, found out at run time.

/// From the slowest to the fastest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX2 with the byte products of AVX-VNNI.
    #[cfg(target_arch = "x86_64")]
    Vnni256,
    /// AVX-512 with its byte products.
    #[cfg(target_arch = "x86_64")]
    Vnni512,
    /// NEON, which every 64-bit ARM has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// NEON with dot products of four bytes.
    #[cfg(target_arch = "aarch64")]
    Dotprod,
    /// NEON with both dot products of four bytes and products of byte matrices.
    #[cfg(target_arch = "aarch64")]
    I8mm,
}

impl Level {
    /// The best that this machine has.
    pub(crate) fn detect() -> Self {
        let mut levels = Self::available();
        levels.pop().unwrap_or(Self::Portable)
    }

    /// All that this machine has, the slowest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut found = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            if avx2 {
                found.push(Self::Avx2);
            }
            if avx2 && is_x86_feature_detected!("avxvnni") {
                found.push(Self::Vnni256);
            }
            if avx2
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                found.push(Self::Vnni512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            use std::arch::is_aarch64_feature_detected;
            let neon = is_aarch64_feature_detected!("neon");
            let dotprod = neon && is_aarch64_feature_detected!("dotprod");
            let i8mm = dotprod && is_aarch64_feature_detected!("i8mm");
            let levels = [
                (neon, Self::Neon),
                (dotprod, Self::Dotprod),
                (i8mm, Self::I8mm),
            ];
            found.extend(levels.into_iter().filter(|(has, _)| *has).map(|(_, l)| l));
        }
        found
    }

    /// Whether the codes of two rows of activations lie interleaved.
    pub(super) fn pairs_rows(self) -> bool {
        #[cfg(target_arch = "aarch64")]
        return self == Self::I8mm;
        #[cfg(not(target_arch = "aarch64"))]
        false
    }
}
