//! Refuses numbers for which a PDF's loader would take memory before it looks at
//! what they are about: a program that gets no memory is ended, not told.

use crate::extract::ExtractError;

/// Entries of dictionaries, and the most that they may say. `W` gives the bytes
/// of the fields of a cross-reference stream, the others the bytes of a row of
/// what a predictor was applied to; `W` is also the widths of a font.
const MOST: [(&[u8], u64); 4] = [
    (b"W", 1 << 20),
    (b"Columns", 1 << 20),
    (b"Colors", 32),
    (b"BitsPerComponent", 32),
];

/// An error if a number stands in the file that no real one has. They are looked
/// for in the clear: dictionaries of streams are neither packed nor encrypted.
pub(super) fn check(bytes: &[u8]) -> Result<(), ExtractError> {
    for rest in names(bytes) {
        for (name, most) in MOST {
            let value = after_name(rest, name);
            if value.is_some_and(|value| largest(value) > most) {
                let reason = "a number in it is absurdly large";
                return Err(ExtractError::damaged("PDF", reason));
            }
        }
    }
    Ok(())
}

/// For everything in the file that may be a name, what stands behind its slash.
pub(super) fn names(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let places = bytes.iter().enumerate();
    let slashes = places.filter(|(_, byte)| **byte == b'/');
    slashes.map(|(place, _)| &bytes[place + 1..])
}

/// What follows the name at the beginning of `bytes`, any letter of which may be
/// written as its number.
pub(super) fn after_name<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = bytes;
    for letter in name {
        rest = match rest {
            [first, rest @ ..] if first == letter => rest,
            [b'#', high, low, rest @ ..] => {
                let number = [*high, *low];
                let number = str::from_utf8(&number).ok()?;
                let is_it = u8::from_str_radix(number, 16) == Ok(*letter);
                is_it.then_some(rest)?
            }
            _ => return None,
        };
    }
    Some(rest)
}

/// The largest of the whole numbers at the beginning of `bytes`, which may be an
/// array; 0 if there is none.
fn largest(bytes: &[u8]) -> u64 {
    let (mut largest, mut number) = (0, 0_u64);
    let mut is_comment = false;
    for byte in bytes {
        match byte {
            b'\n' | b'\r' => is_comment = false,
            _ if is_comment => {}
            b'0'..=b'9' => {
                number = number
                    .saturating_mul(10)
                    .saturating_add(u64::from(byte - b'0'));
                largest = largest.max(number);
                continue;
            }
            b'%' => is_comment = true,
            b' ' | b'\t' | b'\x0c' | b'\0' | b'[' | b'+' => {}
            _ => break,
        }
        number = 0;
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn absurd_numbers_are_refused_however_they_are_written() {
        for file in [
            "<</Type/XRef/W [9223372036854775807 1 1]>>",
            "<</W[1 2\n1099511627776]>>",
            "<</#57 % a comment\n[1 +99999999 1]>>",
            "<</DecodeParms<</Predictor 15/Columns 99999999999>>>>",
            "<</Predictor 15/Colors 4294967296>>",
            "<</Predictor 15/BitsPerComponent 99999999999999999999999>>",
        ] {
            assert!(check(file.as_bytes()).is_err(), "{file}");
        }
        for file in [
            "<</Type/XRef/W [1 4 2]/Size 99999999>>",
            "<</Type/Font/W [1 3 500 120 [400 325]]>>",
            "<</Width 99999999/Columns 20000/Colors 4/BitsPerComponent 16>>",
            "/W",
        ] {
            assert!(check(file.as_bytes()).is_ok(), "{file}");
        }
    }
}
