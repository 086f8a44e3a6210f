//! How much of a page its pictures cover, by which a scan with a stamp is told
//! from a page of text. Owns the geometry; what is drawn where is said to it.

use super::layout::Line;
use pdf_extract::{Dictionary, Document, Object, ObjectId};

/// A place on the page as PDF writes it: a, b, c, d, e, f.
pub(super) type Matrix = [f64; 6];

pub(super) const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// The page is looked at in as many cells on each side.
const CELLS: usize = 32;
/// A page this share of which is pictures is one of pictures. Scanners leave
/// margins white now and then; figures leave room for the text about them.
const MOST: f64 = 0.65;
/// Visible characters beside a scan: stamps, page numbers and running heads stay
/// below, the shortest page of a text above.
const LITTLE_TEXT: usize = 100;
/// Points of a page to one of a picture, to each side, at most: in what is
/// coarser, as the colour behind a page, no letter could be read.
const POINTS_TO_ONE: f64 = 2.0;
/// Pictures of a page that are looked at.
const MAX_PICTURES: usize = 20_000;
/// Parents of a page in the tree of pages.
const MAX_ANCESTORS: usize = 64;
/// What a page is taken for that does not say how large it is.
const LETTER: [f64; 4] = [0.0, 0.0, 612.0, 792.0];

/// What is known of the pictures of one page.
pub(super) struct Pictures {
    /// Left, bottom, right and top of the page.
    page: [f64; 4],
    covered: Vec<bool>,
    count: usize,
    /// Text is there that is not shown: somebody has read the scan already.
    pub(super) is_recognised: bool,
}

impl Pictures {
    pub(super) fn of(document: &Document, page: ObjectId) -> Self {
        let named = |name: &[u8]| page_box(document, page, name);
        Self {
            page: named(b"CropBox")
                .or_else(|| named(b"MediaBox"))
                .unwrap_or(LETTER),
            covered: vec![false; CELLS * CELLS],
            count: 0,
            is_recognised: false,
        }
    }

    /// A picture of so many points is drawn over the unit square of `place`.
    pub(super) fn draw(&mut self, place: &Matrix, points: Option<f64>) {
        let [a, b, c, d, e, f] = *place;
        let area = (a * d - b * c).abs();
        let coarse = points.is_some_and(|points| points * POINTS_TO_ONE.powi(2) < area);
        self.count += 1;
        if self.count > MAX_PICTURES || coarse || !area.is_normal() {
            return;
        }
        let [left, bottom, right, top] = self.page;
        let (width, height) = ((right - left) / CELLS as f64, (top - bottom) / CELLS as f64);
        let cells = |from: f64, to: f64, size: f64| {
            let first = (from / size).floor().clamp(0.0, CELLS as f64) as usize;
            let end = (to / size).ceil().clamp(0.0, CELLS as f64) as usize;
            first..end
        };
        let (low, high) = (e + a.min(0.0) + c.min(0.0), e + a.max(0.0) + c.max(0.0));
        let columns = cells(low - left, high - left, width);
        let (low, high) = (f + b.min(0.0) + d.min(0.0), f + b.max(0.0) + d.max(0.0));
        for row in cells(low - bottom, high - bottom, height) {
            for column in columns.clone() {
                // Where the middle of the cell lies in the picture, from 0 to 1.
                let x = left + (column as f64 + 0.5) * width - e;
                let y = bottom + (row as f64 + 0.5) * height - f;
                let across = (x * d - y * c) / (a * d - b * c);
                let up = (y * a - x * b) / (a * d - b * c);
                let inside = (0.0..1.0).contains(&across) && (0.0..1.0).contains(&up);
                self.covered[row * CELLS + column] |= inside;
            }
        }
    }

    fn share(&self) -> f64 {
        let covered = self.covered.iter().filter(|covered| **covered).count();
        covered as f64 / self.covered.len() as f64
    }

    /// Why the page counts as unread although these lines of it were read.
    pub(super) fn unread(&self, lines: &[Line]) -> Option<String> {
        let share = self.share();
        let characters = lines.iter().flat_map(|line| line.text.chars());
        let little = characters.filter(|c| !c.is_whitespace()).count() < LITTLE_TEXT;
        let is_scan = share >= MOST && little && !self.is_recognised;
        is_scan.then(|| {
            let percent = (share * 100.0).round();
            format!(
                "pictures cover {percent} % of it, as of a scan; to read their text it needs OCR"
            )
        })
    }
}

/// Points of an image: its width times its height.
pub(super) fn points(image: &Dictionary) -> Option<f64> {
    let side = |short: &[u8], long: &[u8]| {
        let side = image.get(long).or_else(|_| image.get(short)).ok()?;
        side.as_float().ok().map(f64::from)
    };
    Some(side(b"W", b"Width")? * side(b"H", b"Height")?)
}

/// The place that is `inner` within `outer`.
pub(super) fn within(inner: &Matrix, outer: &Matrix) -> Matrix {
    let [a, b, c, d, e, f] = *inner;
    let [oa, ob, oc, od, oe, of] = *outer;
    [
        a * oa + b * oc,
        a * ob + b * od,
        c * oa + d * oc,
        c * ob + d * od,
        e * oa + f * oc + oe,
        e * ob + f * od + of,
    ]
}

/// Six numbers as a place.
pub(super) fn matrix(numbers: &[Object]) -> Option<Matrix> {
    let mut place = IDENTITY;
    if numbers.len() != place.len() {
        return None;
    }
    for (to, number) in place.iter_mut().zip(numbers) {
        *to = f64::from(number.as_float().ok()?);
    }
    Some(place)
}

/// A box of the page, or of a parent that gives it to all of its pages.
fn page_box(document: &Document, page: ObjectId, name: &[u8]) -> Option<[f64; 4]> {
    let mut node = document.get_dictionary(page).ok()?;
    for _ in 0..MAX_ANCESTORS {
        if let Ok(found) = node.get(name) {
            let sides = document.dereference(found).ok()?.1.as_array().ok()?;
            let sides = sides.iter().map(|side| {
                let (_, side) = document.dereference(side).ok()?;
                side.as_float().ok().map(f64::from)
            });
            let sides = sides.collect::<Option<Vec<f64>>>()?;
            let [x, y, other_x, other_y] = *<&[f64; 4]>::try_from(sides.as_slice()).ok()?;
            let shown = [
                x.min(other_x),
                y.min(other_y),
                x.max(other_x),
                y.max(other_y),
            ];
            return (shown[2] - shown[0] > 1.0 && shown[3] - shown[1] > 1.0).then_some(shown);
        }
        let parent = node.get(b"Parent").and_then(Object::as_reference).ok()?;
        node = document.get_dictionary(parent).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{LETTER, Pictures, within};

    fn page() -> Pictures {
        Pictures {
            page: LETTER,
            covered: vec![false; super::CELLS * super::CELLS],
            count: 0,
            is_recognised: false,
        }
    }

    #[test]
    fn strips_of_a_scan_cover_the_page_together_and_what_lies_twice_counts_once() {
        let mut pictures = page();
        for strip in 0..8 {
            let place = [612.0, 0.0, 0.0, 99.0, 0.0, 99.0 * f64::from(strip)];
            pictures.draw(&place, Some(2550.0 * 412.0));
            pictures.draw(&place, Some(2550.0 * 412.0));
            let covered = f64::from(strip + 1) / 8.0;
            assert!((pictures.share() - covered).abs() < 0.01, "{strip}");
        }
    }

    #[test]
    fn a_turned_picture_covers_what_it_covers() {
        let mut pictures = page();
        pictures.draw(&[0.0, 792.0, -612.0, 0.0, 612.0, 0.0], Some(1e6));
        assert!(pictures.share() > 0.99);
        // A square on its corner fills half of the one around it.
        let mut pictures = page();
        pictures.draw(&[306.0, 396.0, -306.0, 396.0, 306.0, 0.0], None);
        assert!(
            (pictures.share() - 0.5).abs() < 0.03,
            "{}",
            pictures.share()
        );
    }

    #[test]
    fn a_colour_behind_the_page_is_no_picture_of_text() {
        let mut pictures = page();
        pictures.draw(&[612.0, 0.0, 0.0, 792.0, 0.0, 0.0], Some(1.0));
        pictures.draw(&[f64::NAN, 0.0, 0.0, 792.0, 0.0, 0.0], None);
        assert!(pictures.share() == 0.0);
    }

    #[test]
    fn places_in_places_are_multiplied() {
        let half = [0.5, 0.0, 0.0, 0.5, 10.0, 20.0];
        let full = [100.0, 0.0, 0.0, 200.0, 4.0, 6.0];
        assert_eq!(within(&full, &half), [50.0, 0.0, 0.0, 100.0, 12.0, 23.0]);
    }
}
