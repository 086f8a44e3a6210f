//! The filters that streams of a PDF are packed with and that `lopdf` unpacks,
//! read in pieces: what a stream unpacks to is known before it is in memory.

use flate2::bufread::DeflateDecoder;
use std::io::{BufRead, BufReader, Read};
use weezl::{BitOrder, LzwStatus, decode::Decoder};

/// How much is unpacked at a time.
const PIECE: usize = 4096;
/// Bits of what the codes of LZW stand for.
const LZW_BITS: u8 = 8;

/// A filter of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Filter {
    /// Whether the header must be right. `lopdf` reads streams where it is wrong.
    Flate {
        headed: bool,
    },
    Ascii85,
    /// Whether codes get wider one code early, as the format does by itself.
    Lzw {
        early: bool,
    },
}

impl Filter {
    /// All, as they are known by what a stream begins with.
    pub(super) const ALL: [Self; 4] = [
        Self::Flate { headed: true },
        Self::Ascii85,
        Self::Lzw { early: true },
        Self::Lzw { early: false },
    ];

    /// The filter that a stream names. Others are not unpacked.
    pub(super) fn named(name: &[u8], early: bool) -> Option<Self> {
        match name {
            b"FlateDecode" => Some(Self::Flate { headed: false }),
            b"ASCII85Decode" => Some(Self::Ascii85),
            b"LZWDecode" => Some(Self::Lzw { early }),
            _ => None,
        }
    }

    /// What the source unpacks to. It ends where the source makes no sense.
    pub(super) fn open<'a>(self, source: Box<dyn Read + 'a>) -> Box<dyn Read + 'a> {
        let mut input = BufReader::with_capacity(PIECE, source);
        match self {
            Self::Flate { headed } => {
                let mut header = [0; 2];
                let _ = input.read_exact(&mut header);
                match headed && !is_zlib(header) {
                    true => Box::new(std::io::empty()),
                    // The checksum at the end is not asked for, either.
                    false => Box::new(DeflateDecoder::new(input)),
                }
            }
            Self::Ascii85 => Box::new(Pieces::of(Ascii85(input))),
            Self::Lzw { early } => Box::new(Pieces::of(Lzw::new(input, early))),
        }
    }
}

fn is_zlib([first, second]: [u8; 2]) -> bool {
    first & 0x0f == 8 && (u16::from(first) * 256 + u16::from(second)).is_multiple_of(31)
}

/// Unpacks step by step.
trait Steps {
    /// Appends what comes next; false at the end.
    fn step(&mut self, out: &mut Vec<u8>) -> bool;
}

struct Pieces<S> {
    steps: S,
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<S> Pieces<S> {
    fn of(steps: S) -> Self {
        Self {
            steps,
            ready: Vec::new(),
            taken: 0,
            ended: false,
        }
    }
}

impl<S: Steps> Read for Pieces<S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.taken == self.ready.len() {
            self.ready.clear();
            self.taken = 0;
            while !self.ended && self.ready.len() < PIECE {
                self.ended = !self.steps.step(&mut self.ready);
            }
        }
        let count = (&self.ready[self.taken..]).read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

/// The next byte of a source, none at its end.
fn byte(input: &mut impl BufRead) -> Option<u8> {
    let first = input.fill_buf().ok()?.first().copied()?;
    input.consume(1);
    Some(first)
}

/// Five signs stand for four bytes.
struct Ascii85<R>(R);

impl<R: BufRead> Steps for Ascii85<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> bool {
        let mut group = 0_u32;
        let (mut count, mut ended) = (0, false);
        while count < 5 && !ended {
            match byte(&mut self.0) {
                Some(b'z') if count == 0 => {
                    out.extend([0; 4]);
                    return true;
                }
                Some(space) if space.is_ascii_whitespace() => {}
                Some(sign @ b'!'..=b'u') => {
                    group = group.wrapping_mul(85).wrapping_add(u32::from(sign - b'!'));
                    count += 1;
                }
                _ => ended = true,
            }
        }
        // The last group may be shorter.
        for _ in count..5 {
            group = group.wrapping_mul(85).wrapping_add(84);
        }
        out.extend(&group.to_be_bytes()[..count.max(1) - 1]);
        !ended
    }
}

/// The decoder is the one that `lopdf` has.
struct Lzw<R> {
    input: R,
    decoder: Decoder,
}

impl<R: BufRead> Lzw<R> {
    fn new(input: R, early: bool) -> Self {
        let decoder = match early {
            true => Decoder::with_tiff_size_switch(BitOrder::Msb, LZW_BITS),
            false => Decoder::new(BitOrder::Msb, LZW_BITS),
        };
        Self { input, decoder }
    }
}

impl<R: BufRead> Steps for Lzw<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> bool {
        let Ok(packed) = self.input.fill_buf() else {
            return false;
        };
        let mut piece = [0; PIECE];
        let result = self.decoder.decode_bytes(packed, &mut piece);
        self.input.consume(result.consumed_in);
        out.extend(&piece[..result.consumed_out]);
        match result.status {
            Ok(LzwStatus::Ok) => true,
            // Without progress it wants more, and there is none.
            Ok(LzwStatus::NoProgress | LzwStatus::Done) | Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use std::io::Read;

    fn unpacked(filter: Filter, packed: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let _ = filter.open(Box::new(packed)).read_to_end(&mut out);
        out
    }

    /// Codes with a tenth bit where the table has grown that far.
    fn lzw(codes: &[(u32, u32)]) -> Vec<u8> {
        let mut bits = String::new();
        for (code, width) in codes {
            bits += &format!("{code:0width$b}", width = *width as usize);
        }
        while !bits.len().is_multiple_of(8) {
            bits.push('0');
        }
        let bytes = bits.as_bytes().chunks(8);
        bytes
            .map(|byte| byte.iter().fold(0, |sum, bit| sum * 2 + (bit - b'0')))
            .collect()
    }

    #[test]
    fn ascii85_gives_four_bytes_for_five_signs() {
        let packed = b"9jqo^BlbD-BleB1DJ+*+F(f,q/0JhKF<GL>C j@.4Gp$d7F!,L7@<6@)/0JDEF<G%<~>9jqo";
        assert_eq!(
            unpacked(Filter::Ascii85, packed),
            b"Man is distinguished, not only by his reason, but by"
        );
        assert_eq!(unpacked(Filter::Ascii85, b"z"), [0; 4]);
    }

    #[test]
    fn lzw_reads_the_example_of_the_format() {
        let packed = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        assert_eq!(
            unpacked(Filter::Lzw { early: true }, &packed),
            [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]
        );
    }

    #[test]
    fn lzw_widens_its_codes_when_told() {
        for early in [true, false] {
            let most = 511 - u32::from(early);
            let narrow = std::iter::once(256).chain([0]).chain(258..most);
            let mut codes: Vec<(u32, u32)> = narrow.map(|code| (code, 9)).collect();
            codes.extend([(most, 9), (most + 1, 10), (257, 10)]);
            let lengths: usize = (1..=most as usize + 1 - 258 + 2).sum();
            assert_eq!(
                unpacked(Filter::Lzw { early }, &lzw(&codes)),
                vec![0; lengths]
            );
        }
    }

    #[test]
    fn what_is_not_packed_ends_soon() {
        let text = b"0.1 0 0 0.1 0 0 cm BT /F1 12 Tf 10 20 Td (vowels) Tj ET".repeat(100);
        for filter in Filter::ALL {
            assert!(unpacked(filter, &text).len() < 100, "{filter:?}");
        }
    }
}
