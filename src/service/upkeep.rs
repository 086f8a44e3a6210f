//! Bringing what is stored in order: the indexes made anew, and what an
//! examination finds repaired as far as it can be.

use super::authenticity::OriginalFault;
use super::{Caller, Inner, Service};
use crate::error::Fault;

pub use crate::jobs::Reindexing;

/// How far the indexes are.
#[derive(Debug, Clone)]
pub struct IndexProgress {
    /// `None`: they are not being made anew.
    pub running: Option<Reindexing>,
    /// Passages that wait for their vector.
    pub unembedded: u64,
}

/// What was repaired.
#[derive(Debug, Clone, Default)]
pub struct Repair {
    /// Entries and files of an index that were missing, too many, or not as they
    /// should be.
    pub index_entries: usize,
    /// Whether the indexes within the database were made again.
    pub database: bool,
    /// Rows of the database that belonged to nothing and were removed.
    pub orphans: usize,
    /// Documents that are being read anew, by name.
    pub documents: Vec<String>,
    /// What nothing here can repair, and what a person can do.
    pub left: Vec<String>,
}

impl Service {
    /// Makes both indexes anew in the background; searches go on. With
    /// `embeddings` the vectors are computed anew too.
    pub async fn begin_reindexing(
        &self,
        caller: &Caller,
        embeddings: bool,
    ) -> Result<IndexProgress, Fault> {
        caller.require_operator()?;
        self.blocking(move |inner| {
            inner.jobs.pipeline().begin_reindexing(embeddings)?;
            inner.jobs.wake();
            inner.index_progress()
        })
        .await
    }

    /// How far that is.
    pub async fn index_progress(&self, caller: &Caller) -> Result<IndexProgress, Fault> {
        caller.require_operator()?;
        self.blocking(|inner| inner.index_progress()).await
    }

    /// Repairs what an examination would find.
    pub async fn repair(&self, caller: &Caller) -> Result<Repair, Fault> {
        caller.require_operator()?;
        self.blocking(|inner| inner.repair()).await
    }
}

impl Inner {
    fn index_progress(&self) -> Result<IndexProgress, Fault> {
        Ok(IndexProgress {
            running: self.jobs.pipeline().reindexing()?,
            unembedded: self.jobs.pipeline().unembedded()?,
        })
    }

    fn repair(&self) -> Result<Repair, Fault> {
        let mut repair = Repair::default();
        self.repair_database(&mut repair)?;
        self.read_faulty_anew(&mut repair)?;
        repair.index_entries = self.jobs.pipeline().repair_indexes()?;
        self.jobs.wake();
        Ok(repair)
    }

    /// The database can make its own indexes again and do without rows that belong
    /// to nothing, and nothing else of itself.
    fn repair_database(&self, repair: &mut Repair) -> Result<(), Fault> {
        if !self.store.integrity_faults()?.is_empty() {
            repair.database = self.store.rebuild_indexes().is_ok();
        }
        // What belongs to what is looked up in those indexes: damaged, they would
        // make orphans of sound rows.
        let is_sound = self.store.integrity_faults()?.is_empty();
        if is_sound && !self.store.foreign_key_faults()?.is_empty() {
            repair.orphans = self.store.remove_orphans()?;
        }
        let mut left = self.store.integrity_faults()?;
        left.extend(self.store.foreign_key_faults()?);
        repair.left.extend(left.into_iter().map(|fault| {
            format!(
                "the database: {fault}; restore a backup, or add the documents to a new data folder"
            )
        }));
        Ok(())
    }

    /// Documents whose passages are wrong, or that nobody works on although
    /// they are not ready, are read anew; that takes the original that was added.
    fn read_faulty_anew(&self, repair: &mut Repair) -> Result<(), Fault> {
        let unfit = self.original_faults(true)?;
        let faulty = self.store.faulty_documents()?;
        for &key in &faulty {
            let Some(document) = self.store.document_by_key(key)? else {
                continue;
            };
            if let Some((_, fault)) = unfit.iter().find(|(one, _)| one.key == key) {
                repair.left.push(format!(
                    "{}: its passages are wrong and {}; replace it by the file",
                    document.filename,
                    fault.text()
                ));
                continue;
            }
            self.store.requeue_document(key)?;
            self.announce(key)?;
            repair.documents.push(document.filename);
        }
        for (document, fault) in &unfit {
            if faulty.contains(&document.key) {
                continue;
            }
            let left = match fault {
                OriginalFault::Missing => "it can be asked, but not opened",
                OriginalFault::Changed => "its passages are still those of that file",
            };
            repair.left.push(format!(
                "{}: {}; {left}: replace it by the file",
                document.filename,
                fault.text()
            ));
        }
        Ok(())
    }
}
