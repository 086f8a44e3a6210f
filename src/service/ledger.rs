//! What is stored of a document: its text, pages, chunks and original.

use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault};
use crate::types::{Chunk, Document, DocumentId, DocumentVersion, Page, PageSummary};
use std::path::PathBuf;

/// One page with all that is known about it.
#[derive(Debug, Clone)]
pub struct PageView {
    pub document: Document,
    pub page: Page,
    pub chunks: Vec<Chunk>,
}

impl Service {
    /// A document with its whole text.
    pub async fn document_text(
        &self,
        caller: &Caller,
        id: &DocumentId,
    ) -> Result<(Document, String), Fault> {
        self.of_document(caller, id, |inner, document| {
            let text = inner.store.document_text(document.key)?;
            Ok((document, text))
        })
        .await
    }

    /// A document with one of its chunks, 0 for the first.
    pub async fn chunk(
        &self,
        caller: &Caller,
        id: &DocumentId,
        index: u32,
    ) -> Result<(Document, Chunk), Fault> {
        self.of_document(caller, id, move |inner, document| {
            let stored = inner.store.chunk_at(document.key, index)?;
            let stored = stored.ok_or_else(|| Fault::not_found("the chunk does not exist"))?;
            Ok((document, stored.chunk))
        })
        .await
    }

    /// One page of a document, 1 for the first.
    pub async fn page(
        &self,
        caller: &Caller,
        id: &DocumentId,
        number: u32,
    ) -> Result<PageView, Fault> {
        self.of_document(caller, id, move |inner, document| {
            let page = inner.store.page(document.key, number)?;
            let page = page.ok_or_else(|| Fault::not_found("the page does not exist"))?;
            let stored = inner.store.document_chunks(document.key, Some(number))?;
            Ok(PageView {
                document,
                page,
                chunks: stored.into_iter().map(|stored| stored.chunk).collect(),
            })
        })
        .await
    }

    /// What became of each page of a document.
    pub async fn page_summaries(
        &self,
        caller: &Caller,
        id: &DocumentId,
    ) -> Result<(Document, Vec<PageSummary>), Fault> {
        self.of_document(caller, id, |inner, document| {
            let pages = inner.store.page_summaries(document.key)?;
            Ok((document, pages))
        })
        .await
    }

    /// What a document is and was, the content in force first.
    pub async fn document_versions(
        &self,
        caller: &Caller,
        id: &DocumentId,
    ) -> Result<Vec<DocumentVersion>, Fault> {
        self.of_document(caller, id, |inner, document| {
            Ok(inner.store.document_versions(document.key)?)
        })
        .await
    }

    /// Where the original of a document is.
    pub async fn original(
        &self,
        caller: &Caller,
        id: &DocumentId,
    ) -> Result<(Document, PathBuf), Fault> {
        self.of_document(caller, id, |inner, document| {
            let path = inner.jobs.pipeline().originals.path(&document.id);
            match path.is_file() {
                true => Ok((document, path)),
                false => Err(Fault::new(
                    ErrorKind::Storage,
                    "the original file is missing from the data folder",
                )),
            }
        })
        .await
    }

    async fn of_document<T: Send + 'static>(
        &self,
        caller: &Caller,
        id: &DocumentId,
        work: impl FnOnce(&Inner, Document) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (viewer, id) = (caller.viewer(), id.clone());
        self.blocking(move |inner| {
            let document = inner.document(&viewer, &id)?;
            work(inner, document)
        })
        .await
    }
}
