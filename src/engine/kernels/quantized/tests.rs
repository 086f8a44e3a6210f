use super::{Output, row_values, share};
use crate::kernels::activations::Activations;
use crate::kernels::disjoint::Disjoint;
use crate::kernels::format::{BLOCK, Quantization};
use crate::kernels::level::Level;
use crate::kernels::pack::{Packed, ROWS};

/// A small generator with a fixed seed.
struct Random(u32);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) as u8
    }
}

/// Rows of random blocks whose factors are sane numbers.
fn random_rows(kind: Quantization, rows: usize, columns: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..rows * kind.row_bytes(columns))
        .map(|_| random.byte())
        .collect();
    let factors: &[usize] = match kind {
        Quantization::Q8_0 | Quantization::Q4_0 | Quantization::Q5_0 => &[0],
        Quantization::Q4_1 | Quantization::Q5_1 | Quantization::Q4K | Quantization::Q5K => &[0, 2],
        Quantization::Q2K => &[80, 82],
        Quantization::Q3K => &[108],
        Quantization::Q6K => &[208],
    };
    for block in bytes.chunks_exact_mut(kind.bytes()) {
        for at in factors {
            // The exponent of numbers around a hundredth.
            block[at + 1] = 0x20 | block[at + 1] & 0x83;
        }
    }
    bytes
}

/// x · Wᵀ, with the activations rounded to 8 bits a block and as they are.
fn references(kind: Quantization, source: &[u8], x: &[f32], n: usize, k: usize) -> [Vec<f64>; 2] {
    let m = x.len() / k;
    let mut values = vec![0.0; n * k];
    let rows = source.chunks_exact(kind.row_bytes(k));
    for (row, values) in rows.zip(values.chunks_exact_mut(k)) {
        kind.dequantize(row, values);
    }
    let rounded: Vec<f64> = x
        .chunks_exact(BLOCK)
        .flat_map(|block| {
            let largest = block.iter().fold(0f32, |most, v| most.max(v.abs()));
            let (scale, inverse) = (largest / 127.0, 127.0 / largest);
            block
                .iter()
                .map(move |v| f64::from((v * inverse).round_ties_even() * scale))
        })
        .collect();
    let plain: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
    [rounded, plain].map(|x| {
        let dot = |i: usize, j: usize| {
            let pairs = x[i * k..][..k].iter().zip(&values[j * k..][..k]);
            pairs.map(|(a, b)| a * f64::from(*b)).sum::<f64>()
        };
        (0..m * n).map(|at| dot(at / n, at % n)).collect()
    })
}

fn error(found: &[f32], wanted: &[f64]) -> f64 {
    let pairs = found.iter().zip(wanted);
    let difference: f64 = pairs.map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    (difference / wanted.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

#[allow(unsafe_code)]
fn product(level: Level, w: &Packed, x: &Activations, m: usize) -> Vec<f32> {
    let mut y = vec![f32::NAN; m * w.rows];
    let shared = Disjoint::new(&mut y);
    let out = Output::within(&shared, 0, w.rows);
    let middle = w.tiles() / 2;
    for range in [(0, middle), (middle, w.tiles())] {
        // SAFETY: one share after the other.
        unsafe { share(level, w, x, out, range, &mut Vec::new()) };
    }
    y
}

#[test]
fn every_kernel_agrees_with_the_format_to_rounding() {
    let mut random = Random(7);
    for kind in Quantization::ALL {
        for (m, n, k) in [
            (1, 48, 768),
            (2, 33, 256),
            (7, 16, 512),
            (8, 40, 256),
            (29, 50, 512),
        ] {
            let k = if kind.columns() == BLOCK { k + 96 } else { k };
            let source = random_rows(kind, n, k, &mut random);
            let x: Vec<f32> = (0..m * k)
                .map(|i| (i as f32 * 0.7).sin() * (1.0 + (i % 9) as f32))
                .collect();
            let w = Packed::pack(kind, n, k, &source);
            let [rounded, plain] = references(kind, &source, &x, n, k);
            for level in Level::available() {
                let mut activations = Activations::with_capacity(m, k);
                activations.quantize(level, &x, m, k);
                let y = product(level, &w, &activations, m);
                let (exact, loose) = (error(&y, &rounded), error(&y, &plain));
                assert!(
                    exact < 1e-5 && loose < 1e-2,
                    "{kind:?} {level:?} {m}x{n}x{k}: {exact:e} {loose:e}"
                );
            }
        }
    }
}

#[test]
fn product_of_a_row_is_the_same_in_any_company() {
    let mut random = Random(11);
    for kind in Quantization::ALL {
        let (n, k) = (ROWS, 512);
        let w = Packed::pack(kind, n, k, &random_rows(kind, n, k, &mut random));
        let x: Vec<f32> = (0..13 * k).map(|i| (i as f32 * 0.3).sin()).collect();
        for level in Level::available() {
            let products = |x: &[f32]| {
                let mut activations = Activations::with_capacity(x.len() / k, k);
                activations.quantize(level, x, x.len() / k, k);
                product(level, &w, &activations, x.len() / k)
            };
            let alone: Vec<f32> = x.chunks_exact(k).flat_map(products).collect();
            for rows in [2, 3, 4, 5, 7, 8, 13] {
                let together = products(&x[..rows * k]);
                assert_eq!(together, alone[..rows * n], "{kind:?} {level:?} {rows}");
            }
        }
    }
}

#[test]
fn largest_codes_do_not_overflow() {
    let (kind, n, k) = (Quantization::Q8_0, ROWS, 256);
    let mut source = random_rows(kind, n, k, &mut Random(5));
    for block in source.chunks_exact_mut(kind.bytes()) {
        block[..2].copy_from_slice(&half::f16::ONE.to_le_bytes());
        block[2..].fill(0x80);
    }
    let w = Packed::pack(kind, n, k, &source);
    for level in Level::available() {
        for m in [1, 2, 9] {
            for x in [127.0, -127.0] {
                let mut activations = Activations::with_capacity(m, k);
                activations.quantize(level, &vec![x; m * k], m, k);
                let y = product(level, &w, &activations, m);
                assert_eq!(y, vec![-128.0 * x * k as f32; m * n], "{level:?} {m}");
            }
        }
    }
}

#[test]
fn row_of_a_packed_matrix_is_the_row_of_the_file() {
    let mut random = Random(3);
    for kind in Quantization::ALL {
        let (rows, columns) = (21, 512);
        let source = random_rows(kind, rows, columns, &mut random);
        let w = Packed::pack(kind, rows, columns, &source);
        let (mut found, mut wanted) = (vec![0.0; columns], vec![0.0; columns]);
        for row in [0, 5, ROWS, rows - 1] {
            row_values(&w, row, &mut found);
            kind.dequantize(
                &source[row * kind.row_bytes(columns)..][..kind.row_bytes(columns)],
                &mut wanted,
            );
            assert_eq!(found, wanted, "{kind:?} row {row}");
        }
    }
}

#[test]
fn formats_are_those_of_the_inference_library() {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};
    let x: Vec<f32> = (0..4 * 512)
        .map(|i| (i as f32 * 0.37).sin() * 0.1)
        .collect();
    let tensor = Tensor::from_vec(x, (4, 512), &Device::Cpu).unwrap();
    let kinds = [
        (Quantization::Q8_0, GgmlDType::Q8_0),
        (Quantization::Q4_0, GgmlDType::Q4_0),
        (Quantization::Q5_0, GgmlDType::Q5_0),
        (Quantization::Q4_1, GgmlDType::Q4_1),
        (Quantization::Q5_1, GgmlDType::Q5_1),
        (Quantization::Q2K, GgmlDType::Q2K),
        (Quantization::Q3K, GgmlDType::Q3K),
        (Quantization::Q4K, GgmlDType::Q4K),
        (Quantization::Q5K, GgmlDType::Q5K),
        (Quantization::Q6K, GgmlDType::Q6K),
    ];
    for (kind, theirs) in kinds {
        let quantized = QTensor::quantize(&tensor, theirs).unwrap();
        let wanted = quantized.dequantize(&Device::Cpu).unwrap();
        let wanted: Vec<f32> = wanted.flatten_all().unwrap().to_vec1().unwrap();
        let bytes = quantized.data().unwrap();
        let mut found = vec![0.0; 4 * 512];
        let rows = bytes.chunks_exact(kind.row_bytes(512));
        for (row, values) in rows.zip(found.chunks_exact_mut(512)) {
            kind.dequantize(row, values);
        }
        for (a, b) in found.iter().zip(&wanted) {
            assert!((a - b).abs() <= 1e-6, "{kind:?} {a} {b}");
        }
    }
}
