//! The models that find and order passages and judge sentences by them, as a
//! choice that the operator makes while the product runs: what it would cost is
//! measured before, and it is in force from the next start on, which the choice
//! asks for. Where the settings name a model, they decide.

use super::{Caller, Inner, Service, embedders};
use crate::config::Config;
use crate::engine::encoder::Encoder;
use crate::error::{ErrorKind, Fault};
use crate::store::Store;
use crate::types::ModelKind;
use std::sync::Arc;
use std::time::Instant;

/// Passages that are read to find out how long all of them take.
const SAMPLED: usize = 16;

/// Candidates that a reranker reads for one question.
const RERANKED: usize = 20;

/// Sentences of an answer that an entailment model reads.
const JUDGED: usize = 10;

/// Those of these models that can be chosen.
const KINDS: [ModelKind; 3] = [
    ModelKind::Embedding,
    ModelKind::Reranking,
    ModelKind::Entailment,
];

/// What one of them is, and may become.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchModel {
    /// What it is called; `None`: there is none.
    pub name: Option<String>,
    /// Its file, where it is not the built-in one.
    pub file: Option<String>,
    /// The settings name it: it cannot be chosen here.
    pub fixed: bool,
}

/// The models that find and order passages and judge sentences by them.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchModels {
    pub embedding: SearchModel,
    pub reranking: SearchModel,
    pub entailment: SearchModel,
    /// Passages that there are, and those of them that have no vector yet.
    pub passages: u64,
    pub unembedded: u64,
    /// Installed files that may be one of them.
    pub candidates: Vec<String>,
}

/// What a model would cost, measured with passages that are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    pub name: String,
    /// Passages that would be embedded anew; for a reranker those it reads for
    /// one question, for an entailment model those it reads for an answer of so
    /// many sentences.
    pub passages: u64,
    /// How long that takes.
    pub seconds: f64,
    /// Numbers of a vector, of an embedding model.
    pub dimensions: Option<usize>,
}

/// What the settings name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fixed {
    embedding: bool,
    reranking: bool,
    entailment: bool,
}

impl Fixed {
    pub(super) fn by(config: &Config) -> Self {
        Self {
            embedding: config.embedding_model.is_some(),
            reranking: config.rerank_model.is_some(),
            entailment: config.entailment_model.is_some(),
        }
    }

    fn names(self, kind: ModelKind) -> bool {
        match kind {
            ModelKind::Embedding => self.embedding,
            ModelKind::Reranking => self.reranking,
            ModelKind::Entailment => self.entailment,
            ModelKind::Chat => false,
        }
    }
}

/// Where the choice of such a model is kept, and where `config` names one.
fn setting(
    config: &mut Config,
    kind: ModelKind,
) -> Result<(&'static str, &mut Option<String>), Fault> {
    match kind {
        ModelKind::Embedding => Ok(("embedding_model", &mut config.embedding_model)),
        ModelKind::Reranking => Ok(("rerank_model", &mut config.rerank_model)),
        ModelKind::Entailment => Ok(("entailment_model", &mut config.entailment_model)),
        ModelKind::Chat => Err(Fault::invalid(
            "chat models are chosen by their own address",
        )),
    }
}

/// The settings with what was chosen before, where they name nothing. A file
/// that is gone or cannot be read any more is no choice.
pub(super) fn with_choices(mut config: Config, store: &Store) -> Result<Config, Fault> {
    for kind in KINDS {
        let mut tried = config.clone();
        let (key, named) = setting(&mut tried, kind)?;
        let Some(file) = store.setting(key)?.filter(|_| named.is_none()) else {
            continue;
        };
        *named = Some(file.clone());
        match opened(&tried, kind) {
            Ok(()) => config = tried,
            Err(error) => {
                tracing::warn!(file, %error, "the chosen model cannot be used; the built-in way serves");
            }
        }
    }
    Ok(config)
}

/// An error if the model that `config` names cannot be opened.
fn opened(config: &Config, kind: ModelKind) -> Result<(), Fault> {
    match kind {
        ModelKind::Embedding => {
            let bundled = Arc::new(Encoder::bundled()?);
            embedders::embedder(config, &bundled).map(|_| ())
        }
        ModelKind::Entailment => embedders::entailment(config).map(|_| ()),
        _ => embedders::reranker(config).map(|_| ()),
    }
}

impl Service {
    /// The models that find and order passages and judge sentences by them.
    pub async fn search_models(&self, caller: &Caller) -> Result<SearchModels, Fault> {
        caller.require_operator()?;
        self.blocking(|inner| {
            let config = &inner.config;
            let named = |file: &Option<String>, fixed| SearchModel {
                name: file.clone(),
                file: file.clone(),
                fixed,
            };
            let other = embedders::other_than(config, &inner.encoder);
            Ok(SearchModels {
                embedding: SearchModel {
                    name: Some(inner.embedder.name().to_owned()),
                    file: other.map(str::to_owned),
                    fixed: inner.fixed.embedding,
                },
                reranking: named(&config.rerank_model, inner.fixed.reranking),
                entailment: named(&config.entailment_model, inner.fixed.entailment),
                passages: inner.store.chunk_count()?,
                unembedded: inner.jobs.pipeline().unembedded()?,
                candidates: inner.models.not_for_chat()?,
            })
        })
        .await
    }

    /// Tries a model on passages that are stored; without a name the built-in one.
    pub async fn try_search_model(
        &self,
        caller: &Caller,
        kind: ModelKind,
        name: Option<String>,
    ) -> Result<Trial, Fault> {
        caller.require_operator()?;
        check_name(&self.inner.config, name.as_deref())?;
        self.computing(move |inner| inner.try_search_model(kind, name))
            .await
    }

    /// Chooses a model, the built-in way without a name, and asks for a new
    /// start, in which it is in force.
    pub async fn choose_search_model(
        &self,
        caller: &Caller,
        kind: ModelKind,
        name: Option<String>,
    ) -> Result<(), Fault> {
        caller.require_operator()?;
        check_name(&self.inner.config, name.as_deref())?;
        self.computing(move |inner| {
            let (naming, setting) = inner.naming(kind, name.clone())?;
            if inner.fixed.names(kind) {
                let setting = setting.replace('_', "-");
                let message =
                    format!("the setting {setting} names the model: change it there, or remove it");
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
            match &name {
                None => inner.store.remove_setting(setting)?,
                Some(file) => {
                    opened(&naming, kind)?;
                    inner.store.set_setting(setting, file)?;
                }
            }
            tracing::info!(setting, ?name, "another search model was chosen");
            inner.restart.send_replace(true);
            Ok(())
        })
        .await
    }

    /// Is done when somebody asked for a new start.
    pub async fn restart_wanted(&self) {
        let mut wanted = self.inner.restart.subscribe();
        // The sender lives as long as the service.
        let _ = wanted.wait_for(|wanted| *wanted).await;
    }
}

/// An error unless it names something that is in the folder of models itself.
fn check_name(config: &Config, name: Option<&str>) -> Result<(), Fault> {
    let Some(name) = name else {
        return Ok(());
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        let message = "name: it must have only letters, digits and . _ - +, and not begin with .";
        return Err(Fault::invalid(message).about("name"));
    }
    match config.models().join(name).exists() {
        true => Ok(()),
        false => {
            let message = format!("no model \"{name}\" is installed");
            Err(Fault::new(ErrorKind::NotFound, message))
        }
    }
}

impl Inner {
    /// The settings with this model, and where the choice of it is kept.
    fn naming(
        &self,
        kind: ModelKind,
        name: Option<String>,
    ) -> Result<(Config, &'static str), Fault> {
        let mut config = self.config.clone();
        let (key, named) = setting(&mut config, kind)?;
        *named = name;
        Ok((config, key))
    }

    fn try_search_model(&self, kind: ModelKind, name: Option<String>) -> Result<Trial, Fault> {
        let (config, _) = self.naming(kind, name)?;
        let keys = self.store.indexed_chunk_keys()?;
        let sampled = keys.len().min(SAMPLED);
        let entries = self.store.index_entries(&keys[..sampled])?;
        let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
        // Without documents any words do.
        let texts = match texts.is_empty() {
            true => vec!["The quick brown fox jumps over the lazy dog."; SAMPLED],
            false => texts,
        };
        if kind != ModelKind::Embedding {
            return try_pairs(&config, kind, &texts);
        }
        let embedder = embedders::embedder(&config, &self.encoder)?;
        let began = Instant::now();
        embedder.embed_passages(&texts)?;
        let seconds = began.elapsed().as_secs_f64() / texts.len() as f64;
        // Vectors that it made before are still there.
        let passages = self.store.count_without_vector(embedder.fingerprint())?;
        Ok(Trial {
            name: embedder.name().to_owned(),
            passages,
            seconds: seconds * passages as f64,
            dimensions: Some(embedder.dimensions()),
        })
    }
}

/// What a model would cost that reads each text together with another.
fn try_pairs(config: &Config, kind: ModelKind, texts: &[&str]) -> Result<Trial, Fault> {
    let unnamed =
        |what: &str| Fault::invalid(format!("name: {what} has to be named")).about("name");
    let (name, count, took) = if kind == ModelKind::Entailment {
        let model = embedders::entailment(config)?;
        let model = model.ok_or_else(|| unnamed("an entailment model"))?;
        let claim = "This is what the document says about it.";
        let pairs: Vec<(&str, &str)> = texts.iter().map(|text| (*text, claim)).collect();
        let began = Instant::now();
        model.infer(&pairs)?;
        (model.name().to_owned(), JUDGED, began.elapsed())
    } else {
        let reranker = embedders::reranker(config)?;
        let reranker = reranker.ok_or_else(|| unnamed("a reranking model"))?;
        let began = Instant::now();
        reranker.scores("What is this about?", texts)?;
        (reranker.name().to_owned(), RERANKED, began.elapsed())
    };
    Ok(Trial {
        name,
        passages: count as u64,
        seconds: took.as_secs_f64() / texts.len() as f64 * count as f64,
        dimensions: None,
    })
}
