//! Vectors of texts that are not documents.

use super::{EmbedderFacts, Inner, Service, embedders};
use crate::engine::encoder::Encoder;
use crate::error::Fault;
use std::sync::Arc;

/// Texts that are embedded in one turn; between turns others get theirs.
const AT_ONCE: usize = 64;

/// Vectors of texts, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    pub vectors: Vec<Vec<f32>>,
    /// Tokens of all texts together.
    pub tokens: usize,
}

impl Service {
    /// The embedding model.
    pub fn embedder(&self) -> EmbedderFacts {
        self.inner.embedder_facts()
    }

    /// Embeds texts. One that the model could not read to its end is refused:
    /// a vector of half a text would be wrong without a word.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Embeddings, Fault> {
        let texts: Arc<[String]> = texts.into();
        let counted = Arc::clone(&texts);
        let tokens = self
            .computing(move |inner| count(&inner.embedder, &counted))
            .await?;
        let mut vectors = Vec::with_capacity(texts.len());
        for from in (0..texts.len()).step_by(AT_ONCE) {
            let texts = Arc::clone(&texts);
            let some = self
                .computing(move |inner| {
                    let until = (from + AT_ONCE).min(texts.len());
                    let some: Vec<&str> = texts[from..until].iter().map(String::as_str).collect();
                    Ok(inner.embedder.embed(&some)?)
                })
                .await?;
            vectors.extend(some);
        }
        Ok(Embeddings { vectors, tokens })
    }
}

/// The tokens of all texts, if each is one that the model reads to its end.
fn count(encoder: &Encoder, texts: &[String]) -> Result<usize, Fault> {
    // Two tokens frame a text.
    let most = encoder.window().saturating_sub(2);
    let mut total = 0;
    for (at, text) in texts.iter().enumerate() {
        let tokens = encoder.count_tokens(text);
        if tokens > most {
            let message = format!(
                "the text at index {at} has {tokens} tokens, but {} reads at most {most}; split it",
                encoder.name()
            );
            let fault = Fault::invalid(message).about("input");
            return Err(fault.coded("context_length_exceeded"));
        }
        total += tokens;
    }
    Ok(total)
}

impl Inner {
    pub(super) fn embedder_facts(&self) -> EmbedderFacts {
        let embedder = &self.embedder;
        EmbedderFacts {
            name: embedder.name().to_owned(),
            dimensions: embedder.dimensions(),
            fingerprint: embedder.fingerprint().to_owned(),
            window: embedder.window(),
            english_only: embedders::knows_english_only(&self.config, &self.encoder),
        }
    }
}
