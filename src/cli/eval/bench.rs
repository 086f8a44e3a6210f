//! A collection in an instance of its own: the same database, indexes and
//! encoder that serve, in a folder of their own.

use super::Collection;
use crate::engine::encoder::Encoder;
use crate::lexical::{Lexical, LexicalDocument};
use crate::retrieve::Retriever;
use crate::store::{DocumentFilter, Insertion, NewDocument, Store};
use crate::types::{
    Document, DocumentId, DocumentMetadata, DocumentStatus, NewChunk, Page, PageOutcome,
    SearchScope, TenantId, UserId, char_len,
};
use crate::vectors::{VectorEntry, Vectors};
use anyhow::{Context, Result};
use std::path::Path;
use std::sync::Arc;

const DATASET: &str = "evaluation";

/// Texts that go through the encoder at once, and chunks that are indexed at once.
const BATCH: usize = 64;

/// A searchable collection.
pub(super) struct Bench {
    pub(super) retriever: Retriever,
    pub(super) scope: SearchScope,
}

impl Bench {
    /// Indexes the collection in `folder`. What an earlier run stored and
    /// embedded there is used again.
    pub(super) fn build(folder: &Path, collection: &Collection) -> Result<Self> {
        let tenant = TenantId::from(DATASET);
        let store = Arc::new(Store::open(&folder.join("evaluation.db"))?);
        let encoder = Arc::new(Encoder::bundled()?);
        let lexical = Arc::new(Lexical::open(&folder.join("lexical"))?);
        let vectors = Arc::new(Vectors::open(
            &folder.join("vectors"),
            encoder.dimensions(),
            encoder.fingerprint(),
        )?);
        store.ensure_tenant(&tenant, DATASET)?;
        if store.dataset_by_name(&tenant, DATASET)?.is_none() {
            store_documents(&store, &tenant, collection)?;
        }
        let everything = DocumentFilter {
            limit: collection.documents.len(),
            ..DocumentFilter::default()
        };
        embed(
            &store,
            &encoder,
            &store.documents(&tenant, &everything)?.documents,
        )?;
        index(&store, &encoder, &lexical, &vectors)?;
        Ok(Self {
            retriever: Retriever::new(store, lexical, vectors, encoder),
            scope: SearchScope::tenant(tenant),
        })
    }
}

/// Stores each document as one page and one chunk.
fn store_documents(store: &Store, tenant: &TenantId, collection: &Collection) -> Result<()> {
    store.insert_dataset(tenant, DATASET, "", false)?;
    let dataset = store
        .dataset_by_name(tenant, DATASET)?
        .context("the dataset was just made")?;
    let new: Vec<NewDocument> = collection
        .documents
        .iter()
        .map(|document| NewDocument {
            id: DocumentId::generate(),
            dataset_key: dataset.key,
            user_id: UserId::from(DATASET),
            external_id: Some(document.id.clone()),
            filename: format!("{}.txt", document.id),
            bytes: document.text.len() as u64,
            sha256: document.id.clone(),
            metadata: DocumentMetadata {
                title: Some(document.title.clone()),
                ..DocumentMetadata::default()
            },
        })
        .collect();
    let inserted = store.insert_documents(&new)?;
    for (insertion, document) in inserted.into_iter().zip(&collection.documents) {
        let Insertion::Inserted { key } = insertion else {
            continue;
        };
        let row = store.document_by_key(key)?.context("it was just stored")?;
        let page = Page {
            number: 1,
            text: document.text.clone(),
            outcome: PageOutcome::Text,
        };
        let chunk = NewChunk {
            page: 1,
            start: 0,
            end: char_len(&document.text),
            heading_path: Vec::new(),
            text: document.text.clone(),
            tokens: 0,
        };
        store.store_extraction(&row, "plain", false, &row.metadata, &[page], &[chunk])?;
    }
    Ok(())
}

fn embed(store: &Store, encoder: &Encoder, documents: &[Document]) -> Result<()> {
    for batch in documents.chunks(BATCH) {
        let mut missing = Vec::new();
        for document in batch {
            for (chunk, text) in store.chunks_without_vector(encoder.fingerprint(), document.key)? {
                missing.push((document.key, chunk, text));
            }
        }
        let texts: Vec<&str> = missing.iter().map(|(_, _, text)| text.as_str()).collect();
        let vectors = encoder.embed(&texts)?;
        for ((document, chunk, _), vector) in missing.iter().zip(vectors) {
            store.insert_vectors(encoder.fingerprint(), *document, &[(*chunk, vector)])?;
        }
        for document in batch {
            store.set_document_status(document.key, DocumentStatus::Ready, None)?;
        }
    }
    Ok(())
}

fn index(store: &Store, encoder: &Encoder, lexical: &Lexical, vectors: &Vectors) -> Result<()> {
    lexical.clear()?;
    vectors.clear();
    for keys in store.indexed_chunk_keys()?.chunks(BATCH) {
        let entries = store.index_entries(keys)?;
        let documents: Vec<LexicalDocument<'_>> = entries
            .iter()
            .map(|entry| LexicalDocument {
                chunk: entry.chunk,
                document: entry.document,
                dataset: entry.dataset,
                title: &entry.title,
                headings: &entry.headings,
                text: &entry.text,
            })
            .collect();
        lexical.add(&documents)?;
        let stored = store.vectors_of(encoder.fingerprint(), keys)?;
        let embedded: Vec<VectorEntry<'_>> = stored
            .iter()
            .filter_map(|(chunk, vector)| {
                let entry = entries.iter().find(|entry| entry.chunk == *chunk)?;
                Some(VectorEntry {
                    chunk: *chunk,
                    document: entry.document,
                    dataset: entry.dataset,
                    vector,
                })
            })
            .collect();
        vectors.add(&embedded)?;
    }
    lexical.commit()?;
    Ok(())
}
