//! Rotary positions: pairs of a query's and a key's numbers, half a head apart,
//! are turned by angles that grow with the position (Su et al., 2021).

use super::shape::Shape;
use crate::kernels::Instructions;
use crate::kernels::pointwise::rotate_halves;

/// Sines and cosines for all positions, by base.
#[derive(Default)]
pub(super) struct Rotation {
    tables: Vec<Table>,
}

struct Table {
    base: f32,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rotation {
    /// The tables that the layers of a model need.
    pub(super) fn of(shape: &Shape) -> Self {
        let mut bases: Vec<f32> = (0..shape.layers).filter_map(|n| shape.view(n).1).collect();
        bases.sort_by(f32::total_cmp);
        bases.dedup();
        let tables = bases.into_iter().map(|base| table(base, shape)).collect();
        Self { tables }
    }

    /// Turns queries and keys of a text: rows of query, key and value.
    pub(super) fn turn(
        &self,
        instructions: Instructions,
        base: f32,
        shape: &Shape,
        projected: &mut [f32],
    ) {
        let Some(table) = self.tables.iter().find(|table| table.base == base) else {
            return;
        };
        let pairs = shape.head() / 2;
        for (at, row) in projected.chunks_exact_mut(3 * shape.hidden).enumerate() {
            let cosines = &table.cosines[at * pairs..][..pairs];
            let sines = &table.sines[at * pairs..][..pairs];
            for head in row[..2 * shape.hidden].chunks_exact_mut(shape.head()) {
                rotate_halves(instructions, head, cosines, sines);
            }
        }
    }
}

fn table(base: f32, shape: &Shape) -> Table {
    let pairs = shape.head() / 2;
    let (mut cosines, mut sines) = (Vec::new(), Vec::new());
    for position in 0..shape.window {
        for pair in 0..pairs {
            let frequency = f64::from(base).powf(-(pair as f64) / pairs as f64);
            let (sine, cosine) = (position as f64 * frequency).sin_cos();
            cosines.push(cosine as f32);
            sines.push(sine as f32);
        }
    }
    Table {
        base,
        cosines,
        sines,
    }
}
