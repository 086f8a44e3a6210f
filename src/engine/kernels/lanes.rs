//! What loops over independent lanes need to be compiled once per instruction
//! set: the macro that does it, multiply-add and the exponential.

/// Compiles `$body` for each instruction set and calls the one asked for.
macro_rules! for_each_instruction_set {
    ($(#[$doc:meta])* $name:ident => $body:ident($($argument:ident: $kind:ty),*)) => {
        $(#[$doc])*
        pub(crate) fn $name(
            instructions: $crate::kernels::Instructions,
            $($argument: $kind),*
        ) {
            use $crate::kernels::Instructions;
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn avx512($($argument: $kind),*) {
                $body::<true>($($argument),*);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $kind),*) {
                $body::<true>($($argument),*);
            }
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            fn neon($($argument: $kind),*) {
                $body::<true>($($argument),*);
            }
            // SAFETY: a value of `Instructions` other than `Portable` exists
            // only after detection.
            #[allow(unsafe_code)]
            match instructions {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => unsafe { avx512($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => unsafe { avx2($($argument),*) },
                #[cfg(target_arch = "aarch64")]
                Instructions::Neon => unsafe { neon($($argument),*) },
                Instructions::Portable => $body::<false>($($argument),*),
            }
        }
    };
}

pub(crate) use for_each_instruction_set;

/// Values that a loop takes at once.
pub(crate) const LANES: usize = 16;

/// `a · b + c`, in one instruction where there is one; asking for it elsewhere
/// would call a slow library function.
#[inline(always)]
pub(crate) fn fma<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// The larger of two numbers, in one instruction: that of `f32::max`, which also
/// looks for what is no number, takes three.
#[inline(always)]
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// One number of all lanes, by halves: one after the other, each would wait for
/// the one before.
#[inline(always)]
pub(crate) fn together(mut lanes: [f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut count = LANES;
    while count > 1 {
        count /= 2;
        for lane in 0..count {
            lanes[lane] = join(lanes[lane], lanes[lane + count]);
        }
    }
    lanes[0]
}

/// e^x to within two units in the last place, for x up to 88; zero's
/// neighbourhood for x below -87.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2: adding 1.5 · 2^23 rounds x / ln 2 to n
/// and leaves n in the low bits of the sum, from where it moves into the
/// exponent; e^r is its Taylor polynomial.
#[inline(always)]
pub(crate) fn exponential<const FUSED: bool>(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_145_75;
    const LN_2_LOW: f32 = 1.428_606_8e-6;
    let x = x.max(-87.0);
    let shifted = fma::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<FUSED>(-n, LN_2_LOW, fma::<FUSED>(-n, LN_2_HIGH, x));
    let mut power = fma::<FUSED>(r, 1.0 / 720.0, 1.0 / 120.0);
    for coefficient in [1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        power = fma::<FUSED>(power, r, coefficient);
    }
    f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
}
