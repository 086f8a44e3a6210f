//! Encodings that one step of a request hands to the next, which reads some of
//! the same texts.

use std::collections::HashMap;

use super::Encoder;
use super::EncoderError;
use super::Encoding;

/// Texts that were encoded, with what came of each. Meant to live no longer than
/// the request that read them: kept for others, the time that an answer takes
/// would tell what somebody else has asked.
#[derive(Debug, Clone, Default)]
pub struct Known(HashMap<String, Encoding>);

impl Known {
    /// Knows a text from now on.
    pub fn add(&mut self, text: &str, encoding: Encoding) {
        self.0.insert(text.to_owned(), encoding);
    }

    /// Whether a text is known.
    pub fn has(&self, text: &str) -> bool {
        self.0.contains_key(text)
    }
}

impl Encoder {
    /// As [`Encoder::encode`], but reads only the texts that are not known yet,
    /// and knows them afterwards.
    pub fn encode_with<'k>(
        &self,
        texts: &[&str],
        known: &'k mut Known,
    ) -> Result<Vec<&'k Encoding>, EncoderError> {
        let mut new: Vec<&str> = texts.to_vec();
        new.retain(|text| !known.has(text));
        new.sort_unstable();
        new.dedup();
        for (text, encoding) in new.iter().zip(self.encode(&new)?) {
            known.add(text, encoding);
        }
        let known = &*known;
        Ok(texts.iter().filter_map(|text| known.0.get(*text)).collect())
    }
}
