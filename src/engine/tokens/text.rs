//! Tokens back to text while they come: a character that is spread over
//! several tokens comes whole, with the last of them. Must not know what the
//! text is for, or where it ends.

use super::tokenizer::Tokenizer;

/// Tokens in, whole characters out.
#[derive(Debug, Clone)]
pub struct TextDecoder {
    /// The beginning of a character.
    partial: Vec<u8>,
    /// The next space belongs to the encoding.
    drops_space: bool,
}

impl TextDecoder {
    /// For an answer, which follows a prompt.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        Self {
            partial: Vec::new(),
            drops_space: tokenizer.starts_with_space(),
        }
    }

    /// The text that a token completes. Bytes that are no UTF-8 become
    /// replacement characters.
    pub fn push(&mut self, tokenizer: &Tokenizer, token: u32) -> String {
        self.push_bytes(&tokenizer.bytes_of(token))
    }

    fn push_bytes(&mut self, bytes: &[u8]) -> String {
        self.partial.extend_from_slice(bytes);
        let mut text = String::new();
        let mut taken = 0;
        for chunk in self.partial.utf8_chunks() {
            text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let invalid = chunk.invalid();
            let is_last = taken + invalid.len() == self.partial.len();
            if invalid.is_empty() || (is_last && begins_character(invalid)) {
                break;
            }
            text.push(char::REPLACEMENT_CHARACTER);
            taken += invalid.len();
        }
        self.partial.drain(..taken);
        self.without_space(text)
    }

    /// What is left when no token follows: the beginning of a character, as a
    /// replacement character, or nothing.
    pub fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.partial);
        self.without_space(String::from_utf8_lossy(&rest).into_owned())
    }

    fn without_space(&mut self, mut text: String) -> String {
        if self.drops_space && !text.is_empty() {
            self.drops_space = false;
            if text.starts_with(' ') {
                text.remove(0);
            }
        }
        text
    }
}

fn begins_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::TextDecoder;

    fn decode(drops_space: bool, tokens: &[&[u8]]) -> Vec<String> {
        let mut decoder = TextDecoder {
            partial: Vec::new(),
            drops_space,
        };
        let mut pieces: Vec<String> = tokens
            .iter()
            .map(|token| decoder.push_bytes(token))
            .collect();
        pieces.push(decoder.finish());
        pieces
    }

    #[test]
    fn character_spread_over_tokens_comes_whole() {
        let fox = "🦊".as_bytes();
        let pieces = decode(false, &[&fox[..1], &fox[1..3], &fox[3..], b"!"]);
        assert_eq!(pieces, ["", "", "🦊", "!", ""]);
    }

    #[test]
    fn invalid_bytes_become_replacement_characters() {
        let pieces = decode(false, &[b"a\xFFb", b"\xE2\x82", b"c\xC0", b"\x80"]);
        assert_eq!(pieces.concat(), "a\u{FFFD}b\u{FFFD}c\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn character_cut_off_at_the_end_is_not_lost_silently() {
        let pieces = decode(false, &[b"a", b"\xF0\x9F"]);
        assert_eq!(pieces, ["a", "", "\u{FFFD}"]);
    }

    #[test]
    fn space_of_the_encoding_is_dropped_once() {
        assert_eq!(decode(true, &[b"", b" a", b" b"]).concat(), "a b");
        assert_eq!(decode(true, &[b"a", b" b"]).concat(), "a b");
        assert_eq!(decode(false, &[b" a"]).concat(), " a");
    }

    #[test]
    fn every_way_to_split_a_text_into_tokens_gives_the_text() {
        let text = "aé€🦊\n";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let bytes = text.as_bytes();
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(decode(false, &parts).concat(), text);
            }
        }
    }
}
