//! What the dictionary of a font tells about the text that is shown in it:
//! whether it is bold, runs downwards, and whether its codes stand for known
//! characters. Also keeps which font each string of a page is shown in. Must not
//! decode anything: that is for the font decoder.

use super::fonts::{self, Resolver, number};
use pdf_extract::{Dictionary, Document, Object};

/// Flags of a font descriptor.
const SYMBOLIC: i64 = 1 << 2;
const FORCE_BOLD: i64 = 1 << 18;
/// Weights and widths of stems from which on type is bold.
const BOLD_WEIGHT: f32 = 600.0;
const BOLD_STEM: std::ops::Range<f32> = 130.0..400.0;
/// Parts of names that say the same, and endings of them.
const BOLD_NAMES: [&str; 6] = ["bold", "black", "heavy", "demi", "cmbx", "sfbx"];
const BOLD_ENDINGS: [&str; 4] = ["-bd", "-b", "-medi", "-mediital"];

/// What is known of a font.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Typeface {
    pub(super) bold: bool,
    /// Its characters stand below each other, its lines from right to left.
    pub(super) vertical: bool,
    /// The file says which character each code is.
    pub(super) told: bool,
}

impl Typeface {
    pub(super) fn of(document: &Document, font: &Object) -> Self {
        let from = Resolver(document);
        let font = from.object(font).and_then(|font| font.as_dict().ok());
        let Some(font) = font else {
            return Self::default();
        };
        let descendants = from.array(font, b"DescendantFonts");
        let descendant = descendants
            .as_ref()
            .and_then(|all| all.first()?.as_dict().ok());
        let descriptor = from.dictionary(descendant.unwrap_or(font), b"FontDescriptor");
        let flag = |bit: i64| {
            let flags = descriptor.and_then(|found| from.entry(found, b"Flags")?.as_i64().ok());
            flags.is_some_and(|flags| flags & bit != 0)
        };
        let measure = |key: &[u8]| from.entry(descriptor?, key).and_then(number);
        let name = from.name(font, b"BaseFont").unwrap_or_default();
        let heavy = match measure(b"FontWeight") {
            Some(weight) => weight >= BOLD_WEIGHT,
            None => measure(b"StemV").is_some_and(|stem| BOLD_STEM.contains(&stem)),
        };
        let mapped = font.has(b"ToUnicode");
        let told = match descendant {
            Some(_) => mapped || fonts::writes_characters(&from, font),
            None => mapped || names_its_characters(&from, font, flag(SYMBOLIC)),
        };
        Self {
            bold: is_bold_name(name) || flag(FORCE_BOLD) || heavy,
            vertical: is_vertical(&from, font),
            told,
        }
    }
}

fn is_bold_name(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_lowercase();
    let name = name.split_once('+').map_or(name.as_str(), |(_, name)| name);
    BOLD_NAMES.iter().any(|part| name.contains(part))
        || BOLD_ENDINGS.iter().any(|end| name.ends_with(end))
}

/// Whether the encoding of a composite font writes downwards.
pub(super) fn is_vertical(from: &Resolver<'_>, font: &Dictionary) -> bool {
    let is_v = |name: &[u8]| name == b"V" || name.ends_with(b"-V");
    match from.entry(font, b"Encoding") {
        Some(Object::Name(name)) => is_v(name),
        Some(Object::Stream(map)) => {
            let mode = from.entry(&map.dict, b"WMode");
            let base = from.name(&map.dict, b"UseCMap");
            mode.is_some_and(|mode| mode.as_i64().is_ok_and(|mode| mode == 1))
                || base.is_some_and(is_v)
        }
        _ => false,
    }
}

/// Whether a simple font says by names what its codes are. Those of a symbolic
/// TrueType font are numbers in a table of the font, and names like `g12` only
/// number the shapes.
fn names_its_characters(from: &Resolver<'_>, font: &Dictionary, symbolic: bool) -> bool {
    let is_true_type = from.name(font, b"Subtype") == Some(b"TrueType");
    let encoding = from.entry(font, b"Encoding");
    let differences = encoding
        .and_then(|encoding| from.array(encoding.as_dict().ok()?, b"Differences"))
        .unwrap_or_default();
    let (mut named, mut numbered) = (0_usize, 0_usize);
    for name in differences.iter().filter_map(|name| name.as_name().ok()) {
        match is_number_of_shape(name) {
            true => numbered += 1,
            false => named += 1,
        }
    }
    match (named + numbered > 0, is_true_type && symbolic) {
        (true, _) => numbered <= named,
        (false, unnamed) => !unnamed && from.name(font, b"Subtype") != Some(b"Type3"),
    }
}

/// `g12`, `cid00042`, `G0A`: letters and a number, and no name of a character.
fn is_number_of_shape(name: &[u8]) -> bool {
    let letters = name.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let (prefix, rest) = name.split_at(letters.count().min(5));
    let digits = rest.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_unicode = matches!(prefix, b"u" | b"uni");
    !is_unicode && !prefix.is_empty() && digits > 0 && rest.iter().all(u8::is_ascii_hexdigit)
}

/// Which font each string of a page is shown in, in the order of its operators.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) fonts: Vec<Typeface>,
    /// A font and how many strings in a row are shown in it.
    runs: Vec<(usize, usize)>,
    /// Bytes of strings whose font cannot be read at all.
    pub(super) lost: usize,
}

impl Shown {
    pub(super) fn note(&mut self, font: usize, strings: usize) {
        match self.runs.last_mut() {
            Some((last, count)) if *last == font => *count += strings,
            _ => self.runs.push((font, strings)),
        }
    }

    /// The font of one string after the other.
    pub(super) fn strings(&self) -> impl Iterator<Item = usize> + '_ {
        let repeated = |(font, count): &(usize, usize)| std::iter::repeat_n(*font, *count);
        self.runs.iter().flat_map(repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::{is_bold_name, is_number_of_shape};

    #[test]
    fn names_tell_bold_type_from_other() {
        for name in [
            "Helvetica-Bold",
            "ABCDEF+NimbusRomNo9L-Medi",
            "Arial,Bold",
            "CMBX10",
        ] {
            assert!(is_bold_name(name.as_bytes()), "{name}");
        }
        for name in ["Helvetica", "ABOLDA+Times-Roman", "Roboto-Medium", "CMR10"] {
            assert!(!is_bold_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_of_shapes_are_no_names_of_characters() {
        for name in ["g12", "cid00042", "G0A", "index7"] {
            assert!(is_number_of_shape(name.as_bytes()), "{name}");
        }
        for name in ["A", "eacute", "uni0041", "u1F600", "one", "f_f", "c"] {
            assert!(!is_number_of_shape(name.as_bytes()), "{name}");
        }
    }
}
