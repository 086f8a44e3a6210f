//! Finds the columns of prose of a page, and tells them from the columns of a
//! table. Must not put anything in order: that is for `layout`.

use super::layout::Run;

/// Width of the strips in which columns are looked for, in points.
const STRIP: f64 = 2.0;
/// Mean characters of a line, above which a column holds prose.
const PROSE: usize = 18;
/// One row in so many may reach into the white strip between columns.
const REACHING: usize = 20;
/// Cells of a row, on both sides or on one, from which on it is one of a table.
const TABLE_CELLS: usize = 4;
const TABLE_CELLS_OF_A_SIDE: usize = 3;
/// Gap between cells, in parts of the type size; that between justified words
/// is smaller.
const TABLE_GAP: f64 = 2.0;
/// Rows below columns that may belong to what follows these, and how much wider
/// than the gaps of their column the gap above them is.
const TAIL_ROWS: usize = 2;
const TAIL_GAP: f64 = 1.1;

/// A row and its parts.
pub(super) type Row = (Vec<Run>, Vec<Segment>);

/// Part of a row without wide gaps.
pub(super) struct Segment {
    left: f64,
    right: f64,
    characters: usize,
    /// The gap before it is wider than those between words.
    is_cell: bool,
    /// It says what stands beside it.
    is_label: bool,
}

impl Segment {
    fn is_on(&self, side: usize, gutter: f64) -> bool {
        usize::from(self.left > gutter) == side
    }
}

pub(super) fn segments(row: &[Run]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for run in row {
        let characters = run.text.chars().count();
        let is_label = run.text.ends_with(':');
        match segments.last_mut() {
            Some(last) if run.left - last.right < run.size => {
                last.right = last.right.max(run.right);
                last.characters += characters + 1;
                last.is_label = is_label;
            }
            last => {
                let gap = last.map_or(f64::INFINITY, |last| run.left - last.right);
                segments.push(Segment {
                    left: run.left,
                    right: run.right,
                    characters,
                    is_cell: gap > TABLE_GAP * run.size,
                    is_label,
                });
            }
        }
    }
    segments
}

/// The place of a white strip down the middle, crossed by few lines only.
pub(super) fn gutter(rows: &[Row]) -> Option<f64> {
    let all = || rows.iter().flat_map(|(_, cells)| cells);
    let left = all().map(|s| s.left).min_by(f64::total_cmp)?;
    let right = all().map(|s| s.right).max_by(f64::total_cmp)?;
    let count = ((right - left) / STRIP) as usize;
    if rows.len() < 6 || !(40..4000).contains(&count) {
        return None;
    }
    let mut cover = vec![0_usize; count + 1];
    for segment in all() {
        let first = ((segment.left - left) / STRIP) as usize;
        let last = ((segment.right - left) / STRIP) as usize;
        cover[first.min(count)..=last.min(count)]
            .iter_mut()
            .for_each(|strip| *strip += 1);
    }
    let middle = count / 5..count * 4 / 5;
    let least = cover[middle.clone()].iter().copied().min()?;
    // A title may end inside the strip.
    let limits = [least, least + rows.len() / REACHING];
    let strip = limits.into_iter().find_map(|limit| {
        let start = middle.clone().find(|at| cover[*at] <= limit)?;
        let length = cover[start..].iter().take_while(|c| **c <= limit).count();
        let most = |side: &[usize]| side.iter().copied().max().unwrap_or(0);
        let beside = most(&cover[..start]).min(most(&cover[start + length..]));
        let found = length >= 2 && beside >= 5 && limit * 10 <= beside * 4;
        found.then(|| start as f64 + length as f64 / 2.0)
    });
    strip.map(|middle| left + middle * STRIP)
}

/// Whether a row is none of columns: it crosses the gutter, or is a table's.
pub(super) fn is_apart(cells: &[Segment], gutter: f64) -> bool {
    let crosses = cells.iter().any(|s| s.left < gutter && s.right > gutter);
    let on = |side| move |s: &&Segment| s.is_cell && s.is_on(side, gutter);
    let [left, right] = [0, 1].map(|side| cells.iter().filter(on(side)).count());
    crosses || left + right >= TABLE_CELLS || left.max(right) >= TABLE_CELLS_OF_A_SIDE
}

/// Where the columns end: what stands alone below them, and further below than
/// their lines below each other, begins something else.
pub(super) fn end(rows: &[Row], gutter: f64) -> usize {
    let on = |side: usize| {
        let here = move |row: &Row| row.1.iter().any(|s| s.is_on(side, gutter));
        let all = rows.iter().enumerate().filter(move |(_, row)| here(row));
        all.map(|(at, row)| (at, row.0.first().map_or(0.0, |run| run.y)))
            .collect::<Vec<_>>()
    };
    let (mut shorter, mut longer) = (on(0), on(1));
    if shorter.last().map(|last| last.0) > longer.last().map(|last| last.0) {
        std::mem::swap(&mut shorter, &mut longer);
    }
    let Some((shared, _)) = shorter.last() else {
        return rows.len();
    };
    // One gap is that below the head of the page.
    let (mut widest, mut second) = (0.0, 0.0);
    for pair in longer.windows(2) {
        let [(_, above), (at, below)] = pair else {
            continue;
        };
        let gap = above - below;
        let is_tail = at > shared && rows.len() - at <= TAIL_ROWS;
        if is_tail && second > 0.0 && gap > TAIL_GAP * second {
            return *at;
        }
        second = f64::max(second, gap.min(widest));
        widest = f64::max(widest, gap);
    }
    rows.len()
}

/// Whether both sides hold running text: lines long enough, hardly any cells,
/// and no labels of what stands on the other side.
pub(super) fn is_prose(rows: &[Row], gutter: f64) -> bool {
    [0, 1].into_iter().all(|side| {
        let (mut lines, mut parts, mut characters, mut labels) = (0, 0, 0, 0);
        for (_, cells) in rows {
            let here = || cells.iter().filter(|s| s.is_on(side, gutter));
            let Some(last) = here().next_back() else {
                continue;
            };
            lines += 1;
            parts += here().count();
            characters += here().map(|s| s.characters).sum::<usize>();
            labels += usize::from(last.is_label);
        }
        lines >= 3 && parts * 10 <= lines * 14 && characters / lines >= PROSE && labels * 2 < lines
    })
}
