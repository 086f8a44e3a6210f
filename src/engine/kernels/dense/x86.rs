//! Tiles in AVX-512 and in AVX2 with FMA. The rows of a tile are spelled out by
//! a macro: a loop over an array of vectors would live in memory, constant
//! indices live in registers.

use std::arch::x86_64::*;

use super::Tile;
use crate::kernels::cover::{Compute, cover, cover_halves};

/// Defines a function that computes a tile of as many rows as are listed, two
/// vectors wide.
macro_rules! tile {
    ($name:ident, $feature:literal, $load:ident, $store:ident, $all:ident, $fma:ident,
     $lanes:literal: $($row:literal)*) => {
        #[target_feature(enable = $feature)]
        #[allow(unsafe_code)]
        unsafe fn $name(tile: &Tile) {
            // SAFETY: the caller vouches for the rows, two vectors are no
            // wider than the panel.
            unsafe {
                let mut sums = [$({
                    let start = tile.start.add($row * tile.start_stride);
                    [$load(start), $load(start.add($lanes))]
                }),*];
                for k in 0..tile.depth {
                    let right = tile.right.add(k * tile.right_stride);
                    let (low, high) = ($load(right), $load(right.add($lanes)));
                    $(
                        let left = $all(*tile.left.add($row * tile.left_stride + k));
                        sums[$row] = [$fma(left, low, sums[$row][0]), $fma(left, high, sums[$row][1])];
                    )*
                }
                $(
                    let out = tile.out.add($row * tile.out_stride);
                    $store(out, sums[$row][0]);
                    $store(out.add($lanes), sums[$row][1]);
                )*
            }
        }
    };
}

macro_rules! tile512 {
    ($name:ident: $($row:literal)*) => {
        tile!($name, "avx512f", _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps,
              _mm512_fmadd_ps, 16: $($row)*);
    };
}

macro_rules! tile256 {
    ($name:ident: $($row:literal)*) => {
        tile!($name, "avx2,fma", _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps,
              _mm256_fmadd_ps, 8: $($row)*);
    };
}

tile512!(one: 0);
tile512!(two: 0 1);
tile512!(three: 0 1 2);
tile512!(four: 0 1 2 3);
tile512!(five: 0 1 2 3 4);
tile512!(six: 0 1 2 3 4 5);
tile512!(seven: 0 1 2 3 4 5 6);
tile512!(eight: 0 1 2 3 4 5 6 7);
tile512!(nine: 0 1 2 3 4 5 6 7 8);
tile512!(ten: 0 1 2 3 4 5 6 7 8 9);
tile512!(eleven: 0 1 2 3 4 5 6 7 8 9 10);
tile512!(twelve: 0 1 2 3 4 5 6 7 8 9 10 11);

tile256!(one_half: 0);
tile256!(two_halves: 0 1);
tile256!(three_halves: 0 1 2);
tile256!(four_halves: 0 1 2 3);
tile256!(five_halves: 0 1 2 3 4);
tile256!(six_halves: 0 1 2 3 4 5);

/// The tiles of one row, two rows and so on.
const FULL: [Compute<Tile>; 12] = [
    one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve,
];
const HALF: [Compute<Tile>; 6] = [
    one_half,
    two_halves,
    three_halves,
    four_halves,
    five_halves,
    six_halves,
];

/// Computes `rows` rows of one panel.
///
/// # Safety
/// The machine has AVX-512F, and every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn avx512(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover(tile, rows, &FULL) };
}

/// Computes `rows` rows of one panel, half of it at a time.
///
/// # Safety
/// The machine has AVX2 and FMA, and every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn avx2(tile: Tile, rows: usize) {
    // SAFETY: passed on to the caller.
    unsafe { cover_halves(tile, rows, &HALF) };
}
