//! The product's own manual as a dataset, so that the first question has
//! something to answer from. It follows the executable: an update replaces it.

use super::{DEFAULT_TENANT, FIRST_USER, Inner};
use crate::error::Fault;
use crate::jobs::JobsError;
use crate::service::tokens::hex;
use crate::store::{DocumentFilter, Insertion, NewDocument};
use crate::types::{
    DatasetId, Document, DocumentId, DocumentMetadata, SearchScope, TenantId, UserId, Viewer,
};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::time::{Duration, Instant};

const DATASET: &str = "Handbook";
const DESCRIPTION: &str = "How to use satchel: the product's own manual";

/// How long a start waits for new chapters at most.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[derive(RustEmbed)]
#[folder = "static/handbook/"]
#[include = "*.md"]
struct Chapters;

impl Inner {
    /// Makes the handbook dataset hold exactly the chapters of this executable.
    pub(super) fn preload_handbook(&self) -> Result<(), Fault> {
        let tenant = TenantId::from(DEFAULT_TENANT);
        let viewer = Viewer::whole_tenant(tenant.clone());
        let builtin = self.store.datasets(&viewer)?;
        let dataset = match builtin.into_iter().find(|dataset| dataset.builtin) {
            Some(dataset) => dataset,
            None => {
                let id = self
                    .store
                    .insert_dataset(&tenant, DATASET, DESCRIPTION, true)?;
                self.dataset(&viewer, &id)?
            }
        };
        let chapters: Vec<(String, Vec<u8>, String)> = Chapters::iter()
            .filter_map(|name| {
                let content = Chapters::get(&name)?.data.into_owned();
                let hash = hex(&Sha256::digest(&content));
                Some((name.into_owned(), content, hash))
            })
            .collect();
        let everything = DocumentFilter {
            dataset: Some(dataset.id.clone()),
            limit: 10_000,
            ..DocumentFilter::default()
        };
        let stored = self.store.documents(&viewer, &everything)?.documents;
        let wanted: HashSet<&str> = chapters.iter().map(|(_, _, hash)| hash.as_str()).collect();
        let is_old = |document: &Document| !wanted.contains(document.sha256.as_str());
        let old: Vec<DocumentId> = stored
            .iter()
            .filter(|document| is_old(document))
            .map(|document| document.id.clone())
            .collect();
        self.jobs.pipeline().delete(&tenant, &old)?;
        let present: HashSet<&str> = stored.iter().map(|one| one.sha256.as_str()).collect();
        for (filename, content, sha256) in &chapters {
            if !present.contains(sha256.as_str()) {
                self.add_chapter(dataset.key, filename, content, sha256)?;
            }
        }
        self.wait_for_chapters(&tenant, &dataset.id)
    }

    /// Waits until new chapters can be asked: the first question often comes
    /// within a second of the first start.
    fn wait_for_chapters(&self, tenant: &TenantId, dataset: &DatasetId) -> Result<(), Fault> {
        let mut scope = SearchScope::tenant(tenant.clone());
        scope.datasets = vec![dataset.clone()];
        let began = Instant::now();
        while self.store.coverage(&scope)?.documents_pending > 0 && began.elapsed() < PATIENCE {
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn add_chapter(
        &self,
        dataset_key: u64,
        filename: &str,
        content: &[u8],
        sha256: &str,
    ) -> Result<(), Fault> {
        let originals = &self.jobs.pipeline().originals;
        let id = DocumentId::generate();
        originals.put(&id, content).map_err(JobsError::Files)?;
        let inserted = self.store.insert_documents(&[NewDocument {
            id: id.clone(),
            dataset_key,
            user_id: UserId::from(FIRST_USER),
            external_id: None,
            filename: filename.to_owned(),
            bytes: content.len() as u64,
            sha256: sha256.to_owned(),
            metadata: DocumentMetadata::default(),
        }])?;
        // Two chapters with the same words are one document.
        if !matches!(inserted.as_slice(), [Insertion::Inserted { .. }]) {
            originals.remove(&id).map_err(JobsError::Files)?;
        }
        self.jobs.wake();
        Ok(())
    }
}
