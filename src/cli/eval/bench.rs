//! A collection in an instance of its own: ingested by the same jobs, searched
//! by the same retriever as the product's, in a folder of its own.

use super::{Collection, Models};
use crate::engine::encoder::Encoder;
use crate::jobs::{Jobs, Originals, Pipeline};
use crate::lexical::Lexical;
use crate::retrieve::Retriever;
use crate::store::{Insertion, NewDocument, Store};
use crate::types::{DocumentId, DocumentMetadata, SearchScope, TenantId, UserId};
use crate::vectors::Vectors;
use anyhow::{Context, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const DATASET: &str = "evaluation";

/// How often the queue is looked at while it is worked off.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A searchable collection.
pub(super) struct Bench {
    pub(super) retriever: Retriever,
    pub(super) encoder: Arc<Encoder>,
    pub(super) scope: SearchScope,
    /// Ids in the order of the collection's documents.
    documents: Vec<DocumentId>,
}

impl Bench {
    /// Ingests the collection into `folder`. What an earlier run ingested there
    /// is used again.
    pub(super) fn build(folder: &Path, collection: &Collection, models: &Models) -> Result<Self> {
        let tenant = TenantId::from(DATASET);
        let store = Arc::new(Store::open(&folder.join("evaluation.db"))?);
        let encoder = Arc::new(Encoder::bundled()?);
        let embedder = models.embedder_or(&encoder);
        let lexical = Arc::new(Lexical::open(&folder.join("lexical"))?);
        let vectors = Arc::new(Vectors::open(
            &folder.join("vectors"),
            embedder.dimensions(),
            embedder.fingerprint(),
        )?);
        let originals = Originals::open(&folder.join("originals"))?;
        store.ensure_tenant(&tenant, DATASET)?;
        if store.dataset_by_name(&tenant, DATASET)?.is_none() {
            store_documents(&store, &originals, &tenant, collection)?;
        }
        let jobs = Jobs::start(Pipeline::new(
            Arc::clone(&store),
            Arc::clone(&lexical),
            Arc::clone(&vectors),
            Arc::clone(&embedder),
            originals,
        ))?;
        while store.pending_jobs()? > 0 {
            std::thread::sleep(LOOK_EVERY);
        }
        jobs.stop();
        Ok(Self {
            documents: store.document_ids(&tenant, None)?,
            retriever: Retriever::new(store, lexical, vectors, Arc::clone(&encoder))
                .with_embedder(embedder)?
                .with_reranker(models.reranker.clone()),
            encoder,
            scope: SearchScope::tenant(tenant),
        })
    }
}

impl Bench {
    /// Everything but the collection's documents at these places.
    pub(super) fn scope_without(&self, places: &[usize]) -> SearchScope {
        let all = self.documents.iter().enumerate();
        let kept = all.filter(|(place, _)| !places.contains(place));
        SearchScope {
            documents: kept.map(|(_, id)| id.clone()).collect(),
            ..self.scope.clone()
        }
    }
}

/// Stores each document as a line of a `.jsonl` file is stored.
fn store_documents(
    store: &Store,
    originals: &Originals,
    tenant: &TenantId,
    collection: &Collection,
) -> Result<()> {
    store.insert_dataset(tenant, DATASET, "", false)?;
    let dataset = store
        .dataset_by_name(tenant, DATASET)?
        .context("the dataset was just made")?;
    let mut new = Vec::with_capacity(collection.documents.len());
    for document in &collection.documents {
        let id = DocumentId::generate();
        originals.put(&id, document.text.as_bytes())?;
        new.push(NewDocument {
            id,
            dataset_key: dataset.key,
            user_id: UserId::from(DATASET),
            external_id: Some(document.id.clone()),
            filename: format!("{}.txt", collection.name),
            bytes: document.text.len() as u64,
            sha256: document.id.clone(),
            metadata: DocumentMetadata {
                title: Some(document.title.clone()),
                ..DocumentMetadata::default()
            },
        });
    }
    let stored = store.insert_documents(&new)?;
    let is_stored = |insertion: &Insertion| matches!(insertion, Insertion::Inserted { .. });
    anyhow::ensure!(
        stored.iter().all(is_stored),
        "two documents of {} have the same id",
        collection.name
    );
    Ok(())
}
