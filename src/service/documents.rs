//! Datasets and documents: listing, changing, deleting, and watching how far
//! their ingestion is.

use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault};
use crate::store::{DocumentFilter, DocumentPage};
use crate::types::{
    Dataset, DatasetId, Document, DocumentId, DocumentProgress, DocumentStatus, TenantId,
};
use futures_util::{Stream, StreamExt};
use std::time::Duration;
use tokio_stream::wrappers::BroadcastStream;

/// Longest name of a dataset, in characters.
const MAX_NAME_CHARS: usize = 100;

/// Longest description of a dataset, in characters.
const MAX_DESCRIPTION_CHARS: usize = 2_000;

/// How often a document is looked at by those who wait for it, in case that an
/// event was missed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Service {
    /// The tenant's datasets, its own first.
    pub async fn datasets(&self, caller: &Caller) -> Result<Vec<Dataset>, Fault> {
        let tenant = caller.tenant_id.clone();
        self.blocking(move |inner| Ok(inner.store.datasets(&tenant)?))
            .await
    }

    /// Makes a dataset.
    pub async fn create_dataset(
        &self,
        caller: &Caller,
        name: &str,
        description: &str,
    ) -> Result<Dataset, Fault> {
        let name = valid_name(name)?;
        let description = valid_description(description)?;
        let tenant = caller.tenant_id.clone();
        self.blocking(move |inner| {
            let id = inner
                .store
                .insert_dataset(&tenant, &name, &description, false)?;
            inner.dataset(&tenant, &id)
        })
        .await
    }

    /// Renames or describes a dataset; `None` keeps what is there.
    pub async fn update_dataset(
        &self,
        caller: &Caller,
        id: &DatasetId,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<Dataset, Fault> {
        let name = name.map(valid_name).transpose()?;
        let description = description.map(valid_description).transpose()?;
        let (tenant, id) = (caller.tenant_id.clone(), id.clone());
        self.blocking(move |inner| {
            inner.own_dataset(&tenant, &id)?;
            inner
                .store
                .update_dataset(&tenant, &id, name.as_deref(), description.as_deref())?;
            inner.dataset(&tenant, &id)
        })
        .await
    }

    /// Deletes a dataset with its documents.
    pub async fn delete_dataset(&self, caller: &Caller, id: &DatasetId) -> Result<(), Fault> {
        let (tenant, id) = (caller.tenant_id.clone(), id.clone());
        self.blocking(move |inner| {
            inner.own_dataset(&tenant, &id)?;
            let everything = DocumentFilter {
                dataset: Some(id.clone()),
                limit: i32::MAX as usize,
                ..DocumentFilter::default()
            };
            let documents = inner.store.documents(&tenant, &everything)?.documents;
            let ids: Vec<DocumentId> = documents.into_iter().map(|one| one.id).collect();
            inner.jobs.pipeline().delete(&tenant, &ids)?;
            Ok(inner.store.delete_dataset(&tenant, &id)?)
        })
        .await
    }

    /// Lists documents, newest first.
    pub async fn documents(
        &self,
        caller: &Caller,
        filter: DocumentFilter,
    ) -> Result<DocumentPage, Fault> {
        let tenant = caller.tenant_id.clone();
        self.blocking(move |inner| Ok(inner.store.documents(&tenant, &filter)?))
            .await
    }

    /// One document.
    pub async fn document(&self, caller: &Caller, id: &DocumentId) -> Result<Document, Fault> {
        let (tenant, id) = (caller.tenant_id.clone(), id.clone());
        self.blocking(move |inner| inner.document(&tenant, &id))
            .await
    }

    /// Waits until a document's text is there, or its ingestion failed.
    pub async fn extracted(&self, caller: &Caller, id: &DocumentId) -> Result<Document, Fault> {
        // Watching begins before looking, so that nothing happens unseen in between.
        let mut steps = std::pin::pin!(self.progress(caller));
        loop {
            let document = self.document(caller, id).await?;
            if !matches!(
                document.status,
                DocumentStatus::Queued | DocumentStatus::Extracting
            ) {
                return Ok(document);
            }
            let of_this = async {
                while let Some(step) = steps.next().await {
                    if step.document_id == *id {
                        return;
                    }
                }
                std::future::pending::<()>().await;
            };
            // Whether an event or the time ended the wait: the document is looked at again.
            let _ = tokio::time::timeout(LOOK_EVERY, of_this).await;
        }
    }

    /// What happens to the tenant's documents from now on.
    pub fn progress(&self, caller: &Caller) -> impl Stream<Item = DocumentProgress> + use<> {
        let tenant = caller.tenant_id.clone();
        let steps = BroadcastStream::new(self.inner.jobs.pipeline().watch());
        steps.filter_map(move |step| {
            // A watcher that fell behind goes on with what is newest.
            let own = step.ok().filter(|step| step.tenant_id == tenant);
            std::future::ready(own)
        })
    }

    /// Deletes a document: its rows, vectors, postings and its original.
    pub async fn delete_document(&self, caller: &Caller, id: &DocumentId) -> Result<(), Fault> {
        let (tenant, id) = (caller.tenant_id.clone(), id.clone());
        self.blocking(move |inner| {
            let document = inner.document(&tenant, &id)?;
            inner.own_dataset(&tenant, &document.dataset_id)?;
            Ok(inner.jobs.pipeline().delete(&tenant, &[id])?)
        })
        .await
    }

    /// Ingests a failed document again.
    pub async fn retry_document(
        &self,
        caller: &Caller,
        id: &DocumentId,
    ) -> Result<Document, Fault> {
        let (tenant, id) = (caller.tenant_id.clone(), id.clone());
        self.blocking(move |inner| {
            let document = inner.document(&tenant, &id)?;
            if document.status != DocumentStatus::Failed {
                let message = format!(
                    "{} is {}: only a failed document can be tried again",
                    document.filename,
                    document.status.as_str()
                );
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
            inner.store.requeue_document(document.key)?;
            inner.announce(document.key)?;
            inner.jobs.wake();
            inner.document(&tenant, &id)
        })
        .await
    }
}

impl Inner {
    /// A document of the tenant.
    pub(super) fn document(&self, tenant: &TenantId, id: &DocumentId) -> Result<Document, Fault> {
        let document = self.store.document(tenant, id)?;
        document.ok_or_else(|| Fault::not_found("the document does not exist"))
    }

    /// A dataset that its tenant may change.
    fn own_dataset(&self, tenant: &TenantId, id: &DatasetId) -> Result<Dataset, Fault> {
        let dataset = self.dataset(tenant, id)?;
        match dataset.builtin {
            false => Ok(dataset),
            true => Err(Fault::new(
                ErrorKind::Forbidden,
                "the handbook is part of satchel and cannot be changed or deleted",
            )),
        }
    }
}

fn valid_name(name: &str) -> Result<String, Fault> {
    let name = name.trim();
    let chars = name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&chars) || name.chars().any(char::is_control) {
        return Err(Fault::invalid(format!(
            "name: 1 to {MAX_NAME_CHARS} printable characters are needed"
        )));
    }
    Ok(name.to_owned())
}

fn valid_description(description: &str) -> Result<String, Fault> {
    let description = description.trim();
    match description.chars().count() {
        0..=MAX_DESCRIPTION_CHARS => Ok(description.to_owned()),
        chars => Err(Fault::invalid(format!(
            "description: it has {chars} characters, at most {MAX_DESCRIPTION_CHARS} are allowed"
        ))),
    }
}
