//! From the bytes of tokens to text: characters are never split.

/// Bytes in, whole characters out.
#[derive(Debug, Default)]
pub struct Characters {
    /// The beginning of a character.
    partial: Vec<u8>,
    drop_space: bool,
}

impl Characters {
    /// With `drop_first_space` for encodings that put a space before a text.
    pub fn new(drop_first_space: bool) -> Self {
        Self {
            partial: Vec::new(),
            drop_space: drop_first_space,
        }
    }

    /// The characters that are whole now. What can never become one is U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.partial.extend_from_slice(bytes);
        let mut text = String::new();
        let mut taken = 0;
        for chunk in self.partial.utf8_chunks() {
            text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let last = taken + invalid.len() == self.partial.len();
            if last && begins_character(invalid) {
                break;
            }
            text.push(char::REPLACEMENT_CHARACTER);
            taken += invalid.len();
        }
        self.partial.drain(..taken);
        self.without_first_space(text)
    }

    /// What is left when no bytes follow.
    pub fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.partial);
        let text = String::from_utf8_lossy(&rest).into_owned();
        self.without_first_space(text)
    }

    fn without_first_space(&mut self, mut text: String) -> String {
        if self.drop_space && !text.is_empty() {
            self.drop_space = false;
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
