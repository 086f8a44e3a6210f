//! From a question to ranked passages: asks both indexes, fuses what they say,
//! reads the passages from the database and says how sure it is of each. What is
//! no longer in the database is never found. Must not write anything, nor decide
//! which datasets a question may see.

mod calibrate;
mod candidates;
mod diversity;
mod exact;
mod fuse;
mod gathering;
mod mmr;
mod overview;
mod rank;
mod reading;
mod scale;
mod wording;

pub use calibrate::answerable_bound;
pub use candidates::Candidate;
pub use gathering::Gathered;
pub use rank::Ranked;
pub use reading::Reading;

use crate::engine::encoder::{Encoder, EncoderError, Encoding, Known, Reranker};
use crate::error::{ErrorKind, Kind};
use crate::lexical::{Lexical, LexicalError};
use crate::store::{Store, StoreError};
use crate::types::{Coverage, Omission, Passage, SearchOptions, SearchScope, SearchTimes};
use crate::vectors::{Vectors, VectorsError};
use candidates::Asked;
use scale::Scale;
use std::sync::Arc;
use std::time::Instant;

/// Most passages that one search gives back.
const MAX_PASSAGES: usize = 1000;

/// What search needs; share it by `Arc`.
pub struct Retriever {
    store: Arc<Store>,
    lexical: Arc<Lexical>,
    vectors: Arc<Vectors>,
    encoder: Arc<Encoder>,
    /// What made the vectors, where it is not the bundled model.
    embedder: Option<Embedder>,
    reranker: Option<Arc<Reranker>>,
}

/// Another embedding model than the bundled one.
struct Embedder {
    encoder: Arc<Encoder>,
    /// From its cosines to the bundled model's.
    scale: Scale,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Retrieved {
    /// Best first; none if the documents say nothing about it.
    pub passages: Vec<Passage>,
    /// The best of those that were ranked and not taken.
    pub passed_over: Vec<PassedOver>,
    /// How many were ranked.
    pub ranked: usize,
    pub coverage: Coverage,
    pub times: SearchTimes,
    /// How likely it is that the documents answer the question at all, 0-1; from
    /// [`answerable_bound`] on they are taken to.
    pub answerable: f32,
    /// What was read closely, for those who read further.
    pub known: Known,
}

/// A passage that was ranked, but is not among those that were found.
#[derive(Debug, Clone)]
pub struct PassedOver {
    pub passage: Passage,
    pub reason: Omission,
}

impl Retriever {
    /// Joins the parts.
    pub fn new(
        store: Arc<Store>,
        lexical: Arc<Lexical>,
        vectors: Arc<Vectors>,
        encoder: Arc<Encoder>,
    ) -> Self {
        Self {
            store,
            lexical,
            vectors,
            encoder,
            embedder: None,
            reranker: None,
        }
    }

    /// With vectors that another model made than the one that reads closely.
    pub fn with_embedder(mut self, embedder: Arc<Encoder>) -> Result<Self, RetrieveError> {
        if embedder.fingerprint() != self.encoder.fingerprint() {
            self.embedder = Some(Embedder {
                scale: Scale::between(&embedder, &self.encoder)?,
                encoder: embedder,
            });
        }
        Ok(self)
    }

    /// With a model that reads question and passage together.
    pub fn with_reranker(mut self, reranker: Option<Arc<Reranker>>) -> Self {
        self.reranker = reranker;
        self
    }

    /// The model that reads question and passage together, if there is one.
    pub fn reranker(&self) -> Option<&str> {
        self.reranker.as_deref().map(Reranker::name)
    }

    /// The passages that answer `query` best. Blocks for some milliseconds of
    /// computing and reading: async code calls it on a blocking thread.
    pub fn search(
        &self,
        query: &str,
        scope: &SearchScope,
        options: &SearchOptions,
    ) -> Result<Retrieved, RetrieveError> {
        let started = Instant::now();
        let question = self.encode(query)?;
        let embedding_ms = milliseconds(started);
        let mut ranked = self.rank(query, &question, scope, options)?;
        let mut times = ranked.times;
        times.embedding_ms += embedding_ms;
        let mut known = std::mem::take(&mut ranked.known);
        known.add(query, question);
        let (answerable, considered) = (ranked.answerable, ranked.candidates.len());
        let (passages, passed_over) =
            rank::select(ranked, options, |keys| Ok(self.vectors.get(keys)?))?;
        let mut coverage = self.store.coverage(scope)?;
        coverage.took_ms = milliseconds(started);
        Ok(Retrieved {
            passages,
            passed_over,
            ranked: considered,
            coverage,
            times,
            answerable,
            known,
        })
    }

    /// The question as the encoder sees it.
    pub fn encode(&self, query: &str) -> Result<Encoding, RetrieveError> {
        let mut encodings = self.encoder.encode(&[query])?;
        encodings.pop().ok_or(RetrieveError::NoEncoding)
    }

    /// All candidates for `query` with their scores, best first, before the
    /// threshold and the number wanted cut them.
    pub fn rank(
        &self,
        query: &str,
        question: &Encoding,
        scope: &SearchScope,
        options: &SearchOptions,
    ) -> Result<Ranked, RetrieveError> {
        let wanted = options.k.max(options.fetch_k).min(MAX_PASSAGES);
        let mut times = SearchTimes::default();
        let started = Instant::now();
        let (embedder, vector) = match &self.embedder {
            Some(other) => (&other.encoder, &other.encoder.embed_query(query)?),
            None => (&self.encoder, &question.pooled),
        };
        times.embedding_ms = milliseconds(started);
        let abroad = fuse::abroad(query, |text| embedder.count_tokens(text));
        let asked = Asked {
            query,
            vector,
            abroad,
        };
        let kind = options.search_type;
        let mut candidates = self.candidates(&asked, scope, kind, wanted, &mut times)?;
        let started = Instant::now();
        match &self.reranker {
            Some(reranker) if options.rerank => {
                candidates::rerank(reranker, query, &mut candidates, options.fetch_k)?;
            }
            None if options.rerank => {
                self.read_closely(question, &mut candidates, options.fetch_k)?;
            }
            _ => {}
        }
        let candidates = rank::order(candidates, options, abroad);
        let unread = match &self.embedder {
            Some(_) => fuse::abroad(query, |text| self.encoder.count_tokens(text)),
            None => abroad,
        };
        let mut known = Known::default();
        let reading = match candidates.first() {
            Some(first) if unread < 1.0 => Some(self.read_for(query, question, first, &mut known)?),
            _ => None,
        };
        times.reading_ms = milliseconds(started);
        Ok(Ranked {
            answerable: calibrate::answerable(&candidates, abroad, reading, unread),
            candidates,
            reading,
            abroad,
            known,
            times,
        })
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// Why a search did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lexical(#[from] LexicalError),
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    #[error("the embedding model gave no vector for the question")]
    NoEncoding,
}

impl Kind for RetrieveError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Lexical(error) => error.kind(),
            Self::Vectors(error) => error.kind(),
            Self::Encoder(error) => error.kind(),
            Self::NoEncoding => ErrorKind::Internal,
        }
    }
}

#[cfg(test)]
mod tests;
