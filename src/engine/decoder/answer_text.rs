//! The text of an answer while it grows: characters are never split, and text
//! that may be the beginning of a stop string is held back until it is known.

/// Bytes in, pieces of text out.
pub(super) struct AnswerText {
    stops: Vec<String>,
    /// The beginning of a character.
    partial: Vec<u8>,
    /// Text that a stop string may begin in.
    held: String,
    /// The next space belongs to the encoding.
    drops_space: bool,
}

/// What the latest bytes led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// A stop string was met; nothing may follow.
    pub(super) stopped: bool,
}

impl AnswerText {
    /// An empty answer that ends before any of `stops`.
    pub(super) fn new(stops: Vec<String>, drops_space: bool) -> Self {
        Self {
            stops: stops.into_iter().filter(|stop| !stop.is_empty()).collect(),
            partial: Vec::new(),
            held: String::new(),
            drops_space,
        }
    }

    /// Takes in the bytes of a token.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Piece {
        self.partial.extend_from_slice(bytes);
        self.take_whole_characters();
        self.release()
    }

    /// What is left when no token follows.
    pub(super) fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.partial);
        self.held.push_str(&String::from_utf8_lossy(&rest));
        let piece = self.release();
        if piece.stopped {
            piece.text
        } else {
            piece.text + &std::mem::take(&mut self.held)
        }
    }

    fn take_whole_characters(&mut self) {
        let mut taken = 0;
        for chunk in self.partial.utf8_chunks() {
            let ends_here = taken + chunk.valid().len() + chunk.invalid().len();
            let mut valid = chunk.valid();
            if self.drops_space && !valid.is_empty() {
                valid = valid.strip_prefix(' ').unwrap_or(valid);
                self.drops_space = false;
            }
            self.held.push_str(valid);
            taken += chunk.valid().len();
            if chunk.invalid().is_empty() {
                continue;
            }
            let at_end = ends_here == self.partial.len();
            if at_end && is_beginning_of_character(chunk.invalid()) {
                break;
            }
            self.held.push(char::REPLACEMENT_CHARACTER);
            taken = ends_here;
        }
        self.partial.drain(..taken);
    }

    fn release(&mut self) -> Piece {
        let stop = self.stops.iter().filter_map(|stop| self.held.find(stop));
        if let Some(at) = stop.min() {
            self.held.truncate(at);
            return Piece {
                text: std::mem::take(&mut self.held),
                stopped: true,
            };
        }
        let keep = self.held.split_off(self.held.len() - self.open_stop());
        Piece {
            text: std::mem::replace(&mut self.held, keep),
            stopped: false,
        }
    }

    /// Length of the longest end of the text that begins a stop string.
    fn open_stop(&self) -> usize {
        let begins_stop = |end: &str| self.stops.iter().any(|stop| stop.starts_with(end));
        self.held
            .char_indices()
            .map(|(at, _)| &self.held[at..])
            .find(|end| begins_stop(end))
            .map_or(0, str::len)
    }
}

fn is_beginning_of_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::AnswerText;

    fn stream(stops: &[&str], tokens: &[&[u8]]) -> (Vec<String>, bool) {
        let stops = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut text = AnswerText::new(stops, false);
        let mut pieces = Vec::new();
        for token in tokens {
            let piece = text.push(token);
            pieces.push(piece.text);
            if piece.stopped {
                return (pieces, true);
            }
        }
        pieces.push(text.finish());
        (pieces, false)
    }

    #[test]
    fn character_spread_over_tokens_comes_whole() {
        let fox = "🦊".as_bytes();
        let (pieces, _) = stream(&[], &[&fox[..1], &fox[1..3], &fox[3..], b"!"]);
        assert_eq!(pieces, ["", "", "🦊", "!", ""]);
    }

    #[test]
    fn invalid_bytes_become_replacement_characters() {
        let (pieces, _) = stream(&[], &[b"a\xFFb", b"\xE2\x82", b"c"]);
        assert_eq!(pieces.concat(), "a\u{FFFD}b\u{FFFD}c");
    }

    #[test]
    fn character_cut_off_at_the_end_is_not_lost_silently() {
        let (pieces, _) = stream(&[], &[b"a", b"\xF0\x9F"]);
        assert_eq!(pieces.concat(), "a\u{FFFD}");
    }

    #[test]
    fn stop_string_across_tokens_is_cut() {
        let (pieces, stopped) = stream(&["\nUser:"], &[b"yes\n", b"Us", b"er: and", b"more"]);
        assert!(stopped);
        assert_eq!(pieces, ["yes", "", ""]);
    }

    #[test]
    fn text_that_only_resembles_a_stop_string_is_released() {
        let (pieces, stopped) = stream(&["END"], &[b"the E", b"N", b"T", b" EN"]);
        assert!(!stopped);
        assert_eq!(pieces, ["the ", "", "ENT", " ", "EN"]);
    }

    #[test]
    fn earliest_of_several_stop_strings_counts() {
        let (pieces, stopped) = stream(&["c", "b"], &[b"abc"]);
        assert!(stopped);
        assert_eq!(pieces, ["a"]);
    }

    #[test]
    fn empty_stop_string_is_ignored() {
        let (pieces, stopped) = stream(&[""], &[b"a"]);
        assert!(!stopped);
        assert_eq!(pieces.concat(), "a");
    }

    #[test]
    fn space_of_the_encoding_is_dropped_once() {
        let mut text = AnswerText::new(Vec::new(), true);
        assert_eq!(text.push(b"").text, "");
        assert_eq!(text.push(b" a").text, "a");
        assert_eq!(text.push(b" b").text, " b");
    }
}
