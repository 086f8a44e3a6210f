//! How tiles of a few rows each cover all rows of a panel.

use super::dense::PANEL;

/// Where a part of a product lies.
pub(super) trait Tiled: Copy {
    /// The part that starts `rows` rows below.
    fn below(self, rows: usize) -> Self;

    /// The part that starts `columns` columns further.
    fn beside(self, columns: usize) -> Self;
}

/// Computes one tile, as high as the function says.
pub(super) type Compute<T> = unsafe fn(&T);

/// Takes the tallest tile while it fits and then the one of just the rest: a
/// low tile waits for its sums, so several of them cost more than their rows.
///
/// # Safety
/// The machine has the instructions of `heights`, the tiles of one row, two
/// rows and so on; every row lies within the matrices.
#[allow(unsafe_code)]
pub(super) unsafe fn cover<T: Tiled>(tile: T, rows: usize, heights: &[Compute<T>]) {
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
pub(super) unsafe fn cover_halves<T: Tiled>(tile: T, rows: usize, heights: &[Compute<T>]) {
    for half in [0, PANEL / 2] {
        // SAFETY: passed on to the caller.
        unsafe { cover(tile.beside(half), rows, heights) };
    }
}
