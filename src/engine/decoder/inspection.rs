//! What a model file says of itself, without its weights: for people who want
//! to know whether a file is worth loading.

use super::architecture_of;
use super::check_vocabulary;
use super::error::DecoderError;
use super::model_file::ModelFile;
use super::shape::Shape;
use crate::tokens::{ChatTemplate, Tokenizer};
use half::f16;
use std::path::Path;

/// What is known about a file that may or may not be a usable chat model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    pub file: String,
    /// What it calls itself.
    pub title: Option<String>,
    pub bytes: u64,
    pub architecture: Option<String>,
    pub quantization: String,
    pub parameters: Option<u64>,
    /// Tokens that it was trained to hold.
    pub context_tokens: Option<u64>,
    pub chat_template: TemplateFacts,
    /// Keys and values of a token; only of a model that is supported.
    pub cache_bytes_per_token: Option<u64>,
    /// Why it cannot be run; `None` if it can.
    pub unsupported: Option<String>,
}

/// The layout of conversations that a file brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateFacts {
    /// A plain one is used in its stead.
    None,
    /// It is there, and nobody knows whether it works.
    Unchecked,
    Works,
    /// A plain one is used in its stead.
    Fails,
}

impl FileFacts {
    /// Memory that it takes with a context of so many tokens, weights included.
    pub fn memory_bytes(&self, context_tokens: u64) -> Option<u64> {
        let cache = self.cache_bytes_per_token?.saturating_mul(context_tokens);
        Some(self.bytes.saturating_add(cache))
    }
}

/// Reads what a file says of itself. An error: it is no whole model file.
pub fn inspect(path: &Path) -> Result<FileFacts, DecoderError> {
    let mut file = ModelFile::open(path)?;
    let architecture = file.text("general.architecture").map(str::to_owned);
    let context = architecture
        .as_ref()
        .and_then(|name| file.number(&format!("{name}.context_length")));
    let template = file.text("tokenizer.chat_template").map(str::to_owned);
    let title = file.text("general.name").map(str::to_owned);
    let mut facts = FileFacts {
        file: file.name.clone(),
        title: title.filter(|name| !name.trim().is_empty()),
        bytes: file.bytes,
        architecture,
        quantization: file.quantization(),
        parameters: file.parameters(),
        context_tokens: context,
        chat_template: match template {
            Some(_) => TemplateFacts::Unchecked,
            None => TemplateFacts::None,
        },
        cache_bytes_per_token: None,
        unsupported: None,
    };
    match usable(&mut file) {
        Ok((shape, tokenizer)) => {
            facts.cache_bytes_per_token = Some(cache_bytes_per_token(&shape));
            if let Some(source) = template {
                facts.chat_template = match ChatTemplate::is_usable(&source, &tokenizer) {
                    true => TemplateFacts::Works,
                    false => TemplateFacts::Fails,
                };
            }
        }
        Err(error) => facts.unsupported = Some(error.to_string()),
    }
    Ok(facts)
}

/// All that loading checks, but for the weights themselves.
fn usable(file: &mut ModelFile) -> Result<(Shape, Tokenizer), DecoderError> {
    let shape = Shape::read(file, architecture_of(file)?)?;
    let tokenizer = Tokenizer::take(&mut file.content.metadata)
        .map_err(|error| DecoderError::of_tokens(&file.name, error))?;
    check_vocabulary(file, &tokenizer, shape.vocabulary)?;
    Ok((shape, tokenizer))
}

fn cache_bytes_per_token(shape: &Shape) -> u64 {
    let heads: usize = shape.layers.iter().map(|layer| layer.kv_heads).sum();
    (heads * (shape.key_length + shape.value_length) * size_of::<f16>()) as u64
}

#[cfg(test)]
mod tests {
    use super::{TemplateFacts, inspect};
    use crate::decoder::gguf_writer::write_gguf;
    use crate::decoder::{Architecture, write_tiny_model};
    use candle_core::quantized::gguf_file::Value;

    #[test]
    fn file_that_can_be_run_says_what_it_is_and_needs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.gguf");
        write_tiny_model(&path, Architecture::Qwen3, 7).unwrap();
        let facts = inspect(&path).unwrap();
        assert_eq!(facts.architecture.as_deref(), Some("qwen3"));
        assert_eq!(facts.context_tokens, Some(2048));
        assert_eq!(facts.unsupported, None);
        assert_ne!(facts.chat_template, TemplateFacts::Fails);
        assert!(facts.parameters.unwrap() > 100_000);
        let memory = |context| facts.memory_bytes(context).unwrap();
        assert!(memory(0) == facts.bytes && memory(1000) > memory(0));
    }

    #[test]
    fn file_that_cannot_be_run_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.gguf");
        let metadata = [
            (
                "general.architecture".to_owned(),
                Value::String("rwkv".to_owned()),
            ),
            ("rwkv.context_length".to_owned(), Value::U32(77)),
        ];
        write_gguf(&path, &metadata, &[], |_, _| Ok(())).unwrap();
        let facts = inspect(&path).unwrap();
        assert_eq!(
            (facts.context_tokens, facts.memory_bytes(1)),
            (Some(77), None)
        );
        let reason = facts.unsupported.unwrap();
        assert!(
            reason.contains("\"rwkv\"") && reason.contains("supported are"),
            "{reason}"
        );
        std::fs::write(&path, b"nothing").unwrap();
        assert!(inspect(&path).is_err());
    }
}
