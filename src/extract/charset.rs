//! Bytes of unknown encoding to text. A byte order mark decides, then an
//! encoding that the document names itself, then valid UTF-8, then a guess.

use super::error::ExtractError;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How much of a file the guess looks at.
const SAMPLE_BYTES: usize = 256 * 1024;

/// Decodes `bytes`; `named` is the encoding that the document itself names.
pub(super) fn decode(bytes: &[u8], named: Option<&'static Encoding>) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return tidy(&encoding.decode_without_bom_handling(&bytes[mark..]).0);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return tidy(text);
    }
    let encoding = named
        .or_else(|| utf16_without_mark(bytes))
        .unwrap_or_else(|| guess(bytes));
    tidy(&encoding.decode_without_bom_handling(bytes).0)
}

/// Refuses bytes that are not text in any encoding.
pub(super) fn refuse_binary(bytes: &[u8]) -> Result<(), ExtractError> {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let marked = Encoding::for_bom(bytes).is_some();
    if marked || utf16_without_mark(sample).is_some() {
        return Ok(());
    }
    let control = |byte: &&u8| matches!(**byte, 0x01..=0x08 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    let zeros = sample.iter().filter(|byte| **byte == 0).count();
    let controls = sample.iter().filter(control).count();
    if zeros * 1000 > sample.len() || controls * 50 > sample.len() {
        return Err(ExtractError::Unsupported {
            what: "a binary file of unknown type".to_owned(),
        });
    }
    Ok(())
}

/// UTF-16 of mostly Latin text shows as a zero in every second byte.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096)];
    if sample.len() < 4 || !sample.contains(&0) {
        return None;
    }
    let zeros = |odd: usize| {
        let places = sample.iter().skip(odd).step_by(2);
        places.filter(|byte| **byte == 0).count() * 2
    };
    let (even, odd) = (zeros(0), zeros(1));
    let most = sample.len() * 7 / 10;
    let few = sample.len() / 20;
    if odd > most && even <= few {
        Some(UTF_16LE)
    } else if even > most && odd <= few {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    // A cut in the middle of a character must not decide the question.
    if std::str::from_utf8(sample).is_err_and(|error| error.valid_up_to() + 3 >= SAMPLE_BYTES) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(sample, true);
    detector.guess(None, Utf8Detection::Allow)
}

/// One kind of line end, no control characters.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\u{c}' | '\u{b}' | '\u{85}' | '\u{2028}' => out.push('\n'),
            '\u{2029}' => out.push_str("\n\n"),
            '\u{feff}' | '\u{ad}' => {}
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The charset that a code page of Windows is, by its number.
pub(super) fn code_page(number: i32) -> &'static Encoding {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10000 => "macintosh".to_owned(),
        65001 => "utf-8".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

/// The charset that a number of a font in a Windows program stands for.
pub(super) fn of_font(number: i32) -> Option<&'static Encoding> {
    let page = match number {
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        77 => 10000,
        _ => return None,
    };
    Some(code_page(page))
}

#[cfg(test)]
mod tests {
    use super::{decode, refuse_binary};
    use encoding_rs::{SHIFT_JIS, WINDOWS_1252};

    const GERMAN: &str = "Die Prüfung der Geräte erfolgt jährlich; Mängel sind zu melden.";

    #[test]
    fn latin1_is_recognised() {
        let bytes = WINDOWS_1252.encode(GERMAN).0;
        assert_eq!(decode(&bytes, None), GERMAN);
    }

    #[test]
    fn shift_jis_is_recognised() {
        let text = "装置の点検は毎年行われます。故障は直ちに報告してください。";
        assert_eq!(decode(&SHIFT_JIS.encode(text).0, None), text);
    }

    #[test]
    fn utf16_is_recognised_with_and_without_a_mark() {
        let units: Vec<u8> = GERMAN.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [&[0xff, 0xfe], units.as_slice()].concat();
        assert_eq!(decode(&marked, None), GERMAN);
        assert_eq!(decode(&units, None), GERMAN);
        refuse_binary(&units).unwrap();
        let big: Vec<u8> = GERMAN.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&big, None), GERMAN);
    }

    #[test]
    fn utf8_mark_and_line_ends_are_dropped() {
        assert_eq!(decode(b"\xef\xbb\xbfa\r\nb\rc\x0cd", None), "a\nb\nc\nd");
    }

    #[test]
    fn bytes_with_many_zeros_are_refused() {
        let bytes: Vec<u8> = (0..4000_u32).flat_map(u32::to_le_bytes).collect();
        assert!(refuse_binary(&bytes).is_err());
    }
}
