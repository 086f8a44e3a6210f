//! Datasets and documents: listing, changing, deleting, and watching how far
//! their ingestion is.

use super::upload::{self, DEFAULT_DATASET};
use super::{Caller, Inner, Service};
use crate::error::{ErrorKind, Fault};
use crate::jobs::is_ours;
use crate::store::{DocumentFilter, DocumentPage};
use crate::types::{
    Dataset, DatasetId, Document, DocumentId, DocumentMetadata, DocumentProgress, DocumentStatus,
    TenantId, Viewer, Visibility,
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

/// What is to change of a dataset.
#[derive(Debug, Clone, Default)]
pub struct DatasetChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub visibility: Option<Visibility>,
}

/// What is to change of a document.
#[derive(Debug, Clone, Default)]
pub struct DocumentChange {
    /// The dataset to put it into.
    pub dataset: Option<DatasetId>,
    pub filename: Option<String>,
    /// Goes over what there is.
    pub metadata: Option<DocumentMetadata>,
}

impl Service {
    /// The datasets that the caller sees, the built-in ones last.
    pub async fn datasets(&self, caller: &Caller) -> Result<Vec<Dataset>, Fault> {
        let viewer = caller.viewer();
        self.blocking(move |inner| Ok(inner.store.datasets(&viewer)?))
            .await
    }

    /// Makes a dataset.
    pub async fn create_dataset(
        &self,
        caller: &Caller,
        name: &str,
        description: &str,
        visibility: Visibility,
    ) -> Result<Dataset, Fault> {
        let name = valid_name(name)?;
        let description = valid_description(description)?;
        check_visibility(caller, visibility, &name)?;
        let caller = caller.clone();
        self.blocking(move |inner| {
            let owner = Some((&caller.user_id, visibility));
            let id = inner.store.insert_owned_dataset(
                &caller.tenant_id,
                &name,
                &description,
                false,
                owner,
            )?;
            inner.dataset(&caller.viewer(), &id)
        })
        .await
    }

    /// Changes a dataset; what is `None` stays. How far it is seen is changed
    /// by its owner or an administrator.
    pub async fn update_dataset(
        &self,
        caller: &Caller,
        id: &DatasetId,
        change: DatasetChange,
    ) -> Result<Dataset, Fault> {
        let name = change.name.as_deref().map(valid_name).transpose()?;
        let description = change.description.as_deref().map(valid_description);
        let description = description.transpose()?;
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let dataset = inner.own_dataset(&caller, &id)?;
            let tenant = &caller.tenant_id;
            let visibility = change.visibility.unwrap_or(dataset.visibility);
            let called = name.as_deref().unwrap_or(&dataset.name);
            if visibility != dataset.visibility || name.is_some() {
                check_visibility(&caller, visibility, called)?;
            }
            if visibility != dataset.visibility
                && !caller.is_admin()
                && dataset.owner_id.as_ref() != Some(&caller.user_id)
            {
                let message = "only who made the dataset or an administrator may say who sees it";
                return Err(Fault::new(ErrorKind::Forbidden, message));
            }
            inner
                .store
                .update_dataset(tenant, &id, name.as_deref(), description.as_deref())?;
            if visibility != dataset.visibility {
                inner
                    .store
                    .set_visibility(tenant, &id, visibility, &caller.user_id)?;
            }
            inner.dataset(&caller.viewer(), &id)
        })
        .await
    }

    /// Deletes a dataset with its documents.
    pub async fn delete_dataset(&self, caller: &Caller, id: &DatasetId) -> Result<(), Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            inner.own_dataset(&caller, &id)?;
            inner.check_is_not_kept(&id)?;
            let tenant = &caller.tenant_id;
            let ids = inner.documents_of(tenant, &id)?;
            inner.jobs.pipeline().delete(tenant, &ids)?;
            Ok(inner.store.delete_dataset(tenant, &id)?)
        })
        .await
    }

    /// Lists documents, newest first.
    pub async fn documents(
        &self,
        caller: &Caller,
        filter: DocumentFilter,
    ) -> Result<DocumentPage, Fault> {
        let viewer = caller.viewer();
        self.blocking(move |inner| Ok(inner.store.documents(&viewer, &filter)?))
            .await
    }

    /// One document.
    pub async fn document(&self, caller: &Caller, id: &DocumentId) -> Result<Document, Fault> {
        let (viewer, id) = (caller.viewer(), id.clone());
        self.blocking(move |inner| inner.document(&viewer, &id))
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

    /// Why a document that failed could not be read: its own fault, or ours.
    pub fn not_read(&self, document: &Document) -> Fault {
        let reason = document.error.as_deref().unwrap_or("no reason is known");
        let message = format!("{} could not be read: {reason}", document.filename);
        match is_ours(reason) {
            true => Fault::new(ErrorKind::Storage, message),
            false => Fault::invalid(message),
        }
    }

    /// What happens from now on to the documents of the tenant that the caller sees.
    pub fn progress(&self, caller: &Caller) -> impl Stream<Item = DocumentProgress> + use<> {
        let viewer = caller.viewer();
        let steps = BroadcastStream::new(self.inner.jobs.pipeline().watch());
        steps.filter_map(move |step| {
            // A watcher that fell behind goes on with what is newest.
            let own = step.ok().filter(|step| match &step.private_to {
                Some(owner) => viewer.sees_private(&step.tenant_id, owner),
                None => step.tenant_id == viewer.tenant_id,
            });
            std::future::ready(own)
        })
    }

    /// Deletes a document: its rows, vectors, postings and its original.
    pub async fn delete_document(&self, caller: &Caller, id: &DocumentId) -> Result<(), Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let document = inner.document(&caller.viewer(), &id)?;
            inner.own_dataset(&caller, &document.dataset_id)?;
            Ok(inner.jobs.pipeline().delete(&caller.tenant_id, &[id])?)
        })
        .await
    }

    /// Deletes several documents, or none if one of them is not the caller's to delete.
    pub async fn delete_documents(
        &self,
        caller: &Caller,
        ids: Vec<DocumentId>,
    ) -> Result<(), Fault> {
        let caller = caller.clone();
        self.blocking(move |inner| {
            for id in &ids {
                let document = inner.document(&caller.viewer(), id)?;
                inner.own_dataset(&caller, &document.dataset_id)?;
            }
            Ok(inner.jobs.pipeline().delete(&caller.tenant_id, &ids)?)
        })
        .await
    }

    /// Changes a document; what is `None` stays. Another dataset must be the
    /// caller's to change too.
    pub async fn update_document(
        &self,
        caller: &Caller,
        id: &DocumentId,
        change: DocumentChange,
    ) -> Result<Document, Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        let name = change.filename.as_deref().map(valid_filename);
        let name = name.transpose()?;
        self.blocking(move |inner| {
            let document = inner.document(&caller.viewer(), &id)?;
            inner.own_dataset(&caller, &document.dataset_id)?;
            let pipeline = inner.jobs.pipeline();
            let to = match &change.dataset {
                Some(dataset) => Some(inner.own_dataset(&caller, dataset)?.key),
                None => None,
            };
            if name.is_some() || change.metadata.is_some() {
                check_is_described(&document)?;
                let metadata = change.metadata.unwrap_or_default();
                pipeline.describe(&document, name.as_deref(), metadata)?;
            }
            if let Some(to) = to.filter(|to| *to != document.dataset_key) {
                pipeline.relocate(&document, to)?;
            }
            inner.document(&caller.viewer(), &id)
        })
        .await
    }

    /// Reads a document anew from its original, as a newer version or another
    /// setting may read it better.
    pub async fn reindex_document(
        &self,
        caller: &Caller,
        id: &DocumentId,
    ) -> Result<Document, Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let document = inner.document(&caller.viewer(), &id)?;
            inner.own_dataset(&caller, &document.dataset_id)?;
            if !document.status.is_final() {
                let message = format!("{} is being read already", document.filename);
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
            inner.store.requeue_document(document.key)?;
            inner.announce(document.key)?;
            inner.jobs.wake();
            inner.document(&caller.viewer(), &id)
        })
        .await
    }

    /// Ingests a failed document again.
    pub async fn retry_document(
        &self,
        caller: &Caller,
        id: &DocumentId,
    ) -> Result<Document, Fault> {
        let (caller, id) = (caller.clone(), id.clone());
        self.blocking(move |inner| {
            let document = inner.document(&caller.viewer(), &id)?;
            inner.own_dataset(&caller, &document.dataset_id)?;
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
            inner.document(&caller.viewer(), &id)
        })
        .await
    }
}

impl Inner {
    /// The ids of all documents of a dataset.
    pub(super) fn documents_of(
        &self,
        tenant: &TenantId,
        dataset: &DatasetId,
    ) -> Result<Vec<DocumentId>, Fault> {
        let everything = DocumentFilter {
            dataset: Some(dataset.clone()),
            limit: i32::MAX as usize,
            ..DocumentFilter::default()
        };
        let viewer = Viewer::whole_tenant(tenant.clone());
        let documents = self.store.documents(&viewer, &everything)?.documents;
        Ok(documents.into_iter().map(|one| one.id).collect())
    }

    /// A document that the viewer sees.
    pub(super) fn document(&self, viewer: &Viewer, id: &DocumentId) -> Result<Document, Fault> {
        let document = self.store.document(viewer, id)?;
        document.ok_or_else(|| Fault::not_found("the document does not exist"))
    }

    /// A dataset that the caller may change: one of its tenant.
    pub(super) fn own_dataset(&self, caller: &Caller, id: &DatasetId) -> Result<Dataset, Fault> {
        let dataset = self.dataset(&caller.viewer(), id)?;
        if dataset.tenant_id != caller.tenant_id {
            let message = "this dataset belongs to others: it can be read, and not be changed";
            return Err(Fault::new(ErrorKind::Forbidden, message));
        }
        match dataset.builtin {
            false => Ok(dataset),
            true => Err(Fault::new(
                ErrorKind::Forbidden,
                "the handbook is part of satchel and cannot be changed or deleted",
            )),
        }
    }
}

/// While a document is read, its metadata are being made.
fn check_is_described(document: &Document) -> Result<(), Fault> {
    match document.status {
        DocumentStatus::Queued | DocumentStatus::Extracting => {
            let message = format!(
                "{} is being read; its name and metadata can be changed after that",
                document.filename
            );
            Err(Fault::new(ErrorKind::Conflict, message))
        }
        _ => Ok(()),
    }
}

/// Who may see a dataset of this name so far, if the caller says so.
fn check_visibility(caller: &Caller, visibility: Visibility, name: &str) -> Result<(), Fault> {
    match visibility {
        Visibility::Public if !caller.is_admin() => Err(Fault::new(
            ErrorKind::Forbidden,
            "only an administrator may show a dataset to people who have not signed in",
        )),
        Visibility::Private if name.eq_ignore_ascii_case(DEFAULT_DATASET) => {
            let message = format!(
                "visibility: the dataset {DEFAULT_DATASET:?} takes what is added without \
                 naming one, so all of the tenant sees it"
            );
            Err(Fault::invalid(message).about("visibility"))
        }
        _ => Ok(()),
    }
}

fn valid_filename(name: &str) -> Result<String, Fault> {
    let name = name.trim();
    match upload::valid_name(name) {
        Ok(clean) if clean == name => Ok(clean),
        _ => {
            let most = upload::MAX_NAME_CHARS;
            let message = format!("filename: 1 to {most} printable characters, and no folder");
            Err(Fault::invalid(message).about("filename"))
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
