//! Typed access to what a GGUF file says about its tokens. Must not know what
//! any of it means.

use super::error::TokensError;
use candle_core::quantized::gguf_file::Value;
use std::collections::HashMap;

/// The metadata of a file. Lists are taken out, because they are large and
/// nobody else needs them.
pub(super) struct Metadata<'a>(pub(super) &'a mut HashMap<String, Value>);

impl Metadata<'_> {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.0.get(key) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The id of a token, if there are that many.
    pub(super) fn token(&self, key: &str, tokens: usize) -> Option<u32> {
        let id = u32::try_from(self.0.get(key).and_then(whole_number)?).ok()?;
        ((id as usize) < tokens).then_some(id)
    }

    pub(super) fn take_texts(&mut self, key: &str) -> Result<Vec<String>, TokensError> {
        self.take_list(key, |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    pub(super) fn take_numbers(&mut self, key: &str) -> Result<Vec<u64>, TokensError> {
        self.take_list(key, |value| whole_number(&value))
    }

    pub(super) fn take_floats(&mut self, key: &str) -> Result<Vec<f32>, TokensError> {
        self.take_list(key, |value| match value {
            Value::F32(number) => Some(number),
            Value::F64(number) => Some(number as f32),
            _ => None,
        })
    }

    pub(super) fn take_bytes(&mut self, key: &str) -> Result<Vec<u8>, TokensError> {
        self.take_list(key, |value| match value {
            Value::U8(byte) => Some(byte),
            // Some writers have signed bytes only.
            Value::I8(byte) => Some(byte.cast_unsigned()),
            _ => None,
        })
    }

    fn take_list<T>(
        &mut self,
        key: &str,
        convert: fn(Value) -> Option<T>,
    ) -> Result<Vec<T>, TokensError> {
        match self.0.remove(key) {
            Some(Value::Array(values)) => values
                .into_iter()
                .map(convert)
                .collect::<Option<_>>()
                .ok_or_else(|| {
                    TokensError::Damaged(format!("{key} holds what does not belong there"))
                }),
            _ => Err(TokensError::Missing(key.to_owned())),
        }
    }
}

/// A whole number of whichever width.
pub(crate) fn whole_number(value: &Value) -> Option<u64> {
    match *value {
        Value::U8(n) => Some(n.into()),
        Value::U16(n) => Some(n.into()),
        Value::U32(n) => Some(n.into()),
        Value::U64(n) => Some(n),
        Value::I8(n) => n.try_into().ok(),
        Value::I16(n) => n.try_into().ok(),
        Value::I32(n) => n.try_into().ok(),
        Value::I64(n) => n.try_into().ok(),
        _ => None,
    }
}
