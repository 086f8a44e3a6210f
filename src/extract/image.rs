//! Images: each recorded as a page that was not read, with what it is; those of
//! several pages (.tiff) as that many. There is no text recognition.

use super::collection::Collection;
use super::format::{Content, Format, Source};
use super::{ExtractError, Limits};
use crate::types::DocumentMetadata;

pub(super) struct Image;

/// What scanners, cameras and programs call the images that they make.
const EXTENSIONS: [&str; 11] = [
    "avif", "bmp", "gif", "heic", "heif", "jpeg", "jpg", "png", "tif", "tiff", "webp",
];

/// A picture of no more points is an icon or an ornament: a page of text, even a
/// receipt, has several times as many.
const MOST_POINTS_OF_AN_ICON: u64 = 256 * 256;
/// Marks of a TIFF file for a page, and the bits of them that name something else:
/// a smaller copy and a mask of a page.
const NEW_SUBFILE_TYPE: u16 = 254;
const NO_PAGE: u32 = 0b101;

impl Format for Image {
    fn name(&self) -> &'static str {
        "image"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &EXTENSIONS
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        infer::is_image(source.bytes)
    }

    fn extract(&self, source: &Source<'_>, limits: &Limits) -> Result<Content, ExtractError> {
        let kind = infer::get(source.bytes).map_or("", |kind| kind.extension());
        let mut collection = Collection::new(limits);
        let kind = kind.to_uppercase();
        let reason = format!("an image ({kind}); to read its text it needs OCR");
        for _ in 0..Tiff::of(source.bytes).map_or(1, |file| file.pages(limits.max_pages)) {
            collection.unread(reason.as_str())?;
        }
        Ok(collection.finish(true, DocumentMetadata::default()))
    }
}

/// Whether files of this extension (in lower case) are images.
pub fn is_image_extension(extension: &str) -> bool {
    EXTENSIONS.contains(&extension)
}

/// Whether an image is too small to hold a text, as icons are. What does not
/// tell how large it is may hold one.
pub fn is_icon(bytes: &[u8]) -> bool {
    size(bytes).is_some_and(|(width, height)| {
        u64::from(width) * u64::from(height) <= MOST_POINTS_OF_AN_ICON
    })
}

/// Width and height in points, by the head of the file.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let at = |place: usize, length: usize| bytes.get(place..place.checked_add(length)?);
    let big = |place| Some(u32::from_be_bytes(at(place, 4)?.try_into().ok()?));
    let little = |place| Some(u32::from_le_bytes(at(place, 4)?.try_into().ok()?));
    let short = |place| {
        Some(u32::from(u16::from_le_bytes(
            at(place, 2)?.try_into().ok()?,
        )))
    };
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some((big(16)?, big(20)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some((short(6)?, short(8)?));
    }
    if bytes.starts_with(b"BM") {
        // A height below zero says that the first row is the upper one.
        let side = |place| Some(little(place)?.cast_signed().unsigned_abs());
        return Some((side(18)?, side(22)?));
    }
    if bytes.starts_with(b"RIFF") && at(8, 4)? == b"WEBP" {
        return match at(12, 4)? {
            b"VP8 " => Some((short(26)? & 0x3fff, short(28)? & 0x3fff)),
            b"VP8L" => {
                let bits = little(21)?;
                Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
            }
            // Three bytes each, less one.
            _ => Some(((little(24)? & 0xff_ffff) + 1, (little(26)? >> 8) + 1)),
        };
    }
    if bytes.starts_with(b"\xff\xd8") {
        return size_of_jpeg(bytes);
    }
    Tiff::of(bytes)?.size()
}

/// The frame stands behind segments that each say how long they are.
fn size_of_jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.get(2..)?;
    loop {
        let [0xff, mark, high, low, segment @ ..] = rest else {
            return None;
        };
        // A frame, but none of the tables that have numbers among those of frames.
        if matches!(mark, 0xc0..=0xcf) && !matches!(mark, 0xc4 | 0xc8 | 0xcc) {
            let [_, high, low, wide_high, wide_low, ..] = segment else {
                return None;
            };
            let height = u32::from(u16::from_be_bytes([*high, *low]));
            return Some((
                u32::from(u16::from_be_bytes([*wide_high, *wide_low])),
                height,
            ));
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        rest = segment.get(length.checked_sub(2)?..)?;
    }
}

/// A file in which pages are lists of marks, each list naming the place of the next.
struct Tiff<'a> {
    bytes: &'a [u8],
    is_little: bool,
}

impl<'a> Tiff<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_little = bytes.starts_with(b"II*\0");
        (is_little || bytes.starts_with(b"MM\0*")).then_some(Self { bytes, is_little })
    }

    fn number(&self, place: usize, length: usize) -> Option<u32> {
        let bytes = self.bytes.get(place..place.checked_add(length)?)?;
        let join = |number: u32, byte: &u8| number << 8 | u32::from(*byte);
        Some(match self.is_little {
            true => bytes.iter().rev().fold(0, join),
            false => bytes.iter().fold(0, join),
        })
    }

    /// The value of a mark in the list at `list`.
    fn mark(&self, list: usize, mark: u16) -> Option<u32> {
        const SHORT: u32 = 3;
        for entry in 0..self.number(list, 2)? as usize {
            let place = list.checked_add(2 + entry * 12)?;
            if self.number(place, 2)? == u32::from(mark) {
                let length = match self.number(place.checked_add(2)?, 2)? {
                    SHORT => 2,
                    _ => 4,
                };
                return self.number(place.checked_add(8)?, length);
            }
        }
        None
    }

    fn size(&self) -> Option<(u32, u32)> {
        let first = self.number(4, 4)? as usize;
        Some((self.mark(first, 256)?, self.mark(first, 257)?))
    }

    /// How many pages it has, one at least and `most` at most: the lists may form
    /// a circle.
    fn pages(&self, most: u64) -> u64 {
        let mut pages = 0;
        let mut next = self.number(4, 4);
        for _ in 0..most {
            let Some(list) = next.filter(|list| *list > 0).map(|list| list as usize) else {
                break;
            };
            let Some(marks) = self.number(list, 2) else {
                break;
            };
            let kind = self.mark(list, NEW_SUBFILE_TYPE).unwrap_or(0);
            pages += u64::from(kind & NO_PAGE == 0);
            next = list
                .checked_add(2 + marks as usize * 12)
                .and_then(|place| self.number(place, 4));
        }
        pages.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Tiff, is_icon, size};

    /// A TIFF file in either order of bytes, each page of the given kind.
    fn tiff(is_little: bool, kinds: &[u32]) -> Vec<u8> {
        let order = |number: u32, length: usize| match is_little {
            true => number.to_le_bytes()[..length].to_vec(),
            false => number.to_be_bytes()[4 - length..].to_vec(),
        };
        let mut out = if is_little {
            b"II".to_vec()
        } else {
            b"MM".to_vec()
        };
        out.extend(order(42, 2));
        out.extend(order(8, 4));
        for (at, kind) in kinds.iter().enumerate() {
            out.extend(order(3, 2));
            for (mark, value) in [(254, *kind), (256, 1700), (257, 2200)] {
                out.extend([order(mark, 2), order(4, 2), order(1, 4), order(value, 4)].concat());
            }
            let is_last = at + 1 == kinds.len();
            let next = if is_last { 0 } else { out.len() as u32 + 4 };
            out.extend(order(next, 4));
        }
        out
    }

    #[test]
    fn pages_of_a_fax_are_counted_and_its_small_copies_are_not() {
        for is_little in [true, false] {
            let file = tiff(is_little, &[2, 0, 1, 4, 2]);
            assert_eq!(Tiff::of(&file).unwrap().pages(100), 3);
            assert_eq!(size(&file), Some((1700, 2200)));
        }
        // The last list names the first as the next.
        let mut circle = tiff(true, &[0, 0]);
        let end = circle.len() - 4;
        circle[end..].copy_from_slice(&8_u32.to_le_bytes());
        assert_eq!(Tiff::of(&circle).unwrap().pages(100), 100);
        assert_eq!(Tiff::of(b"II*\0").unwrap().pages(100), 1);
    }

    #[test]
    fn the_head_of_an_image_tells_its_size() {
        let png = [
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
            [0, 0, 3, 32, 0, 0, 2, 88].as_slice(),
        ];
        assert_eq!(size(&png.concat()), Some((800, 600)));
        assert_eq!(size(b"GIF89a\x20\x03\x58\x02"), Some((800, 600)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04JF\xff\xc4\0\x03x\xff\xc2\0\x0b\x08\x02\x58\x03\x20\x01";
        assert_eq!(size(jpeg), Some((800, 600)));
        let bitmap = [
            b"BM".as_slice(),
            &[0; 16],
            &800_i32.to_le_bytes(),
            &(-600_i32).to_le_bytes(),
        ];
        assert_eq!(size(&bitmap.concat()), Some((800, 600)));
        let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x1f\x03\0\x57\x02\0";
        assert_eq!(size(webp), Some((800, 600)));
        let lossless = 799_u32 | 599 << 14;
        let webp = [
            b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f".as_slice(),
            &lossless.to_le_bytes(),
        ];
        assert_eq!(size(&webp.concat()), Some((800, 600)));
        let webp = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x20\x03\x58\x02";
        assert_eq!(size(webp), Some((800, 600)));
    }

    #[test]
    fn icons_are_told_from_pictures_and_what_tells_nothing_is_none() {
        assert!(is_icon(b"GIF89a\0\x01\0\x01"));
        assert!(!is_icon(b"GIF89a\x01\x01\0\x01"));
        for cut in [
            b"GIF8".as_slice(),
            b"\xff\xd8\xff\xe0\0\x01",
            b"RIFF",
            b"BM",
            b"text",
        ] {
            assert!(!is_icon(cut));
        }
    }
}
