//! How tiles of a few rows each cover all rows of a panel.

use super::{PANEL, Tile};

/// Computes one tile, as high as the function says.
pub(super) type Compute = unsafe fn(&Tile);

/// Takes the tallest tile while it fits and then the one of just the rest: a
/// low tile waits for its sums, so several of them cost more than their rows.
///
/// # Safety
/// The machine has the instructions of `heights`, the tiles of one row, two
/// rows and so on; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn cover(tile: Tile, rows: usize, heights: &[Compute]) {
    let mut done = 0;
    while done < rows {
        let height = heights.len().min(rows - done);
        // SAFETY: rows `done..done + height` exist.
        unsafe { heights[height - 1](&tile.below(done)) };
        done += height;
    }
}

/// The same with tiles that are half a panel wide.
///
/// # Safety
/// As for [`cover`].
#[allow(unsafe_code)]
pub(super) unsafe fn cover_halves(tile: Tile, rows: usize, heights: &[Compute]) {
    for half in [0, PANEL / 2] {
        let part = Tile {
            right: tile.right.wrapping_add(half),
            start: tile.start.wrapping_add(half),
            out: tile.out.wrapping_add(half),
            ..tile
        };
        // SAFETY: passed on to the caller.
        unsafe { cover(part, rows, heights) };
    }
}
