//! The models that a collection is measured with, in place of the built-in ones:
//! so two are compared before one is chosen. Nothing is downloaded here.

use crate::config::Config;
use crate::engine::encoder::{Encoder, Reranker};
use crate::service::model_named;
use anyhow::{Context, Result, anyhow};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// By default the product's own: the bundled embedding model, and late
/// interaction in place of a reranking model.
#[derive(Clone, Default)]
pub struct Models {
    embedder: Option<Arc<Encoder>>,
    pub(super) reranker: Option<Arc<Reranker>>,
}

impl Models {
    /// Those of these names: a file or folder, or a model that is installed.
    pub fn open(config: &Config, embedder: Option<&str>, reranker: Option<&str>) -> Result<Self> {
        let bundled = Encoder::bundled()?;
        let other = embedder.filter(|name| !name.eq_ignore_ascii_case(bundled.name()));
        let embedder = other.map(|name| {
            let path = found(config, name, "--embedder")?;
            let query = config.embedding_query_prefix.clone();
            let passage = config.embedding_passage_prefix.clone();
            let model = Encoder::open(&path).map_err(|error| anyhow!("--embedder: {error}"))?;
            anyhow::Ok(Arc::new(model.with_prompts(query, passage)))
        });
        let reranker = reranker.map(|name| {
            let path = found(config, name, "--reranker")?;
            let model = Reranker::open(&path).map_err(|error| anyhow!("--reranker: {error}"))?;
            anyhow::Ok(Arc::new(model))
        });
        Ok(Self {
            embedder: embedder.transpose()?,
            reranker: reranker.transpose()?,
        })
    }

    pub(super) fn embedder(&self) -> Option<&str> {
        self.embedder.as_deref().map(Encoder::name)
    }

    pub(super) fn reranker(&self) -> Option<&str> {
        self.reranker.as_deref().map(Reranker::name)
    }

    pub(super) fn embedder_or(&self, bundled: &Arc<Encoder>) -> Arc<Encoder> {
        Arc::clone(self.embedder.as_ref().unwrap_or(bundled))
    }

    /// Where a collection that is kept lies for these models: vectors of another
    /// model are made in a folder of their own.
    pub fn folder(&self, collection: &Path) -> PathBuf {
        match &self.embedder {
            None => collection.to_owned(),
            Some(embedder) => {
                let mut name = collection.as_os_str().to_owned();
                name.push(format!("-{}", embedder.fingerprint()));
                PathBuf::from(name)
            }
        }
    }

    /// Says which models are measured, where they are not the built-in ones.
    pub(super) fn print(&self, out: &mut dyn Write) -> Result<()> {
        if let Some(embedder) = &self.embedder {
            let (name, dimensions) = (embedder.name(), embedder.dimensions());
            writeln!(out, "embedding model: {name}, {dimensions} dimensions")?;
        }
        if let Some(name) = self.reranker() {
            writeln!(out, "reranking model: {name}")?;
        }
        Ok(())
    }
}

fn found(config: &Config, name: &str, option: &str) -> Result<PathBuf> {
    model_named(config, name).with_context(|| {
        format!(
            "{option} {name:?}: there is no such file or folder, nor such a model in {}; \
             `satchel models pull` downloads one",
            config.models().display()
        )
    })
}
