//! Table `document_versions`: what documents were before their content was
//! replaced, as facts. The content in force stands in the document's own row.
//! Must never hold what a content said.

use super::{Store, StoreError};
use crate::types::{DocumentVersion, TenantId, Time, UserId};
use rusqlite::{Row, Transaction, params};

/// Earlier versions of a document that are remembered; of a file that changes
/// all day the oldest are forgotten.
const MOST: u32 = 1_000;

impl Store {
    /// What a document is and was, the content in force first.
    pub fn document_versions(&self, document_key: u64) -> Result<Vec<DocumentVersion>, StoreError> {
        self.read(|connection| {
            // One statement, so that no replacement comes in between.
            let mut statement = connection.prepare_cached(
                "SELECT version, filename, bytes, sha256,
                        iif(status IN ('queued', 'extracting'), NULL, pages),
                        iif(status IN ('queued', 'extracting'), NULL, chunks),
                        nullif(coalesce(content_by, user_id), ''),
                        coalesce(content_at, created_at), NULL
                 FROM documents WHERE key = ?1
                 UNION ALL
                 SELECT number, filename, bytes, sha256, pages, chunks, user_id, came_at,
                        replaced_at
                 FROM document_versions WHERE document_key = ?1
                 ORDER BY 1 DESC",
            )?;
            let rows = statement.query_map([document_key], version)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Takes what somebody who is gone brought out of the past of documents that
    /// others still have; the content in force stays theirs, without the name.
    pub fn forget_in_versions(&self, tenant: &TenantId, user: &UserId) -> Result<(), StoreError> {
        self.write(|transaction| {
            let parameters = params![tenant.as_str(), user.as_str()];
            transaction.execute(
                "DELETE FROM document_versions
                 WHERE user_id = ?2 AND document_key IN
                     (SELECT x.key FROM documents x JOIN datasets d ON d.key = x.dataset_key
                      WHERE d.tenant_id = ?1)",
                parameters,
            )?;
            transaction.execute(
                "UPDATE documents SET content_by = ''
                 WHERE content_by = ?2
                   AND dataset_key IN (SELECT key FROM datasets WHERE tenant_id = ?1)",
                parameters,
            )?;
            Ok(())
        })
    }
}

/// Remembers what a document is, before a content of this hash takes the place
/// of what it has; the same content is no other version.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    document_key: u64,
    sha256: &str,
    now: i64,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO document_versions (document_key, number, filename, bytes, sha256, pages,
             chunks, user_id, came_at, replaced_at)
         SELECT key, version, filename, bytes, sha256,
                iif(status IN ('queued', 'extracting'), NULL, pages),
                iif(status IN ('queued', 'extracting'), NULL, chunks),
                nullif(coalesce(content_by, user_id), ''),
                coalesce(content_at, created_at), ?3
         FROM documents WHERE key = ?1 AND sha256 <> ?2",
        params![document_key, sha256, now],
    )?;
    transaction.execute(
        "DELETE FROM document_versions
         WHERE document_key = ?1
           AND number + ?2 <= (SELECT version FROM documents WHERE key = ?1)",
        params![document_key, MOST],
    )?;
    Ok(())
}

fn version(row: &Row<'_>) -> rusqlite::Result<DocumentVersion> {
    Ok(DocumentVersion {
        number: row.get(0)?,
        filename: row.get(1)?,
        bytes: row.get(2)?,
        sha256: row.get(3)?,
        pages: row.get(4)?,
        chunks: row.get(5)?,
        user_id: row.get::<_, Option<String>>(6)?.map(Into::into),
        since: Time::from_millis(row.get(7)?),
        until: row.get::<_, Option<i64>>(8)?.map(Time::from_millis),
    })
}

#[cfg(test)]
mod tests {
    use super::MOST;
    use crate::store::{Insertion, NewContent, NewDocument, NewText, Store, StoreError};
    use crate::types::{
        Document, DocumentId, DocumentMetadata, DocumentVersion, Page, PageOutcome, TenantId,
        UserId, Viewer,
    };

    struct Fixture {
        store: Store,
        tenant: TenantId,
        dataset: u64,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("satchel.db")).unwrap();
            let tenant = TenantId::from("one");
            store.ensure_tenant(&tenant, "One").unwrap();
            let id = store
                .insert_dataset(&tenant, "Documents", "", false)
                .unwrap();
            let viewer = Viewer::whole_tenant(tenant.clone());
            let dataset = store.dataset(&viewer, &id).unwrap().unwrap().key;
            Self {
                store,
                tenant,
                dataset,
                _folder: folder,
            }
        }

        /// A document that `ada` added.
        fn add(&self, sha256: &str) -> u64 {
            let new = NewDocument {
                id: DocumentId::generate(),
                dataset_key: self.dataset,
                user_id: UserId::from("ada"),
                external_id: None,
                filename: format!("{sha256}.txt"),
                bytes: 7,
                sha256: sha256.to_owned(),
                metadata: DocumentMetadata::default(),
            };
            match self.store.insert_documents(&[new]).unwrap()[..] {
                [Insertion::Inserted { key }] => key,
                _ => panic!("{sha256} was used before"),
            }
        }

        fn replace(&self, key: u64, sha256: &str, user: &str) -> Result<(), StoreError> {
            let new = NewContent {
                user_id: UserId::from(user),
                filename: format!("{sha256}.txt"),
                bytes: 8,
                sha256: sha256.to_owned(),
                metadata: DocumentMetadata::default(),
            };
            self.store.replace_content(key, &new)
        }

        /// Reads the waiting document as text of some language.
        fn read(&self, language: Option<&str>) {
            let job = self.store.take_extract_job().unwrap().unwrap();
            let page = |number| Page {
                number,
                text: "words".to_owned(),
                outcome: PageOutcome::Text,
            };
            let text = NewText {
                file_type: "text",
                paged: false,
                language,
                metadata: &DocumentMetadata::default(),
                pages: &[page(1), page(2)],
                chunks: &[],
            };
            assert!(self.store.store_extraction(&job, &text).unwrap());
        }

        fn document(&self, key: u64) -> Document {
            self.store.document_by_key(key).unwrap().unwrap()
        }
    }

    #[test]
    fn replaced_document_remembers_what_it_was_and_who_brought_it() {
        let fixture = Fixture::new();
        let key = fixture.add("a");
        fixture.read(None);
        let one = fixture.store.document_versions(key).unwrap();
        assert_eq!((one.len(), one[0].number, one[0].until), (1, 1, None));
        fixture.replace(key, "b", "bob").unwrap();
        assert_eq!(fixture.document(key).version, 2);
        let versions = fixture.store.document_versions(key).unwrap();
        let [now, before] = &versions[..] else {
            panic!("{versions:?}");
        };
        assert_eq!((now.number, before.number), (2, 1));
        assert_eq!((&*now.sha256, &*before.sha256), ("b", "a"));
        assert_eq!((&*now.filename, &*before.filename), ("b.txt", "a.txt"));
        assert_eq!((now.bytes, before.bytes), (8, 7));
        assert_eq!((now.pages, before.pages), (None, Some(2)), "one is unread");
        let by = |version: &DocumentVersion| version.user_id.clone();
        assert_eq!(
            (by(now), by(before)),
            (Some("bob".into()), Some("ada".into()))
        );
        assert_eq!(before.since, fixture.document(key).created_at);
        assert_eq!((before.until, now.until), (Some(now.since), None));
    }

    #[test]
    fn version_that_was_replaced_before_it_was_read_has_no_pages_of_another() {
        let fixture = Fixture::new();
        let key = fixture.add("a");
        fixture.read(None);
        fixture.replace(key, "b", "ada").unwrap();
        fixture.replace(key, "c", "ada").unwrap();
        let versions = fixture.store.document_versions(key).unwrap();
        let pages: Vec<_> = versions.iter().map(|one| one.pages).collect();
        assert_eq!(pages, [None, None, Some(2)]);
    }

    #[test]
    fn same_content_or_a_refused_one_is_no_version() {
        let fixture = Fixture::new();
        let key = fixture.add("a");
        fixture.add("taken");
        fixture.replace(key, "a", "bob").unwrap();
        let refused = fixture.replace(key, "taken", "bob").unwrap_err();
        assert!(matches!(refused, StoreError::Duplicate(_)), "{refused}");
        let versions = fixture.store.document_versions(key).unwrap();
        assert_eq!(versions.len(), 1);
        assert_eq!(versions[0].user_id, Some("ada".into()));
    }

    #[test]
    fn versions_go_with_their_document() {
        let fixture = Fixture::new();
        let key = fixture.add("a");
        fixture.replace(key, "b", "bob").unwrap();
        let id = fixture.document(key).id;
        fixture.store.delete_document(&fixture.tenant, &id).unwrap();
        assert!(fixture.store.document_versions(key).unwrap().is_empty());
    }

    #[test]
    fn erased_user_is_in_no_version_of_what_others_have() {
        let fixture = Fixture::new();
        let key = fixture.add("a");
        fixture.replace(key, "b", "bob").unwrap();
        fixture.replace(key, "c", "bob").unwrap();
        let elsewhere = TenantId::from("other");
        let versions = |tenant: &TenantId| {
            let store = &fixture.store;
            store.forget_in_versions(tenant, &"bob".into()).unwrap();
            let all = store.document_versions(key).unwrap().into_iter();
            all.map(|one| (one.number, one.user_id)).collect::<Vec<_>>()
        };
        assert_eq!(versions(&elsewhere).len(), 3);
        let left = [(3, None), (1, Some("ada".into()))];
        assert_eq!(versions(&fixture.tenant), left);
    }

    #[test]
    fn file_that_changes_all_day_has_a_history_that_ends() {
        let fixture = Fixture::new();
        let key = fixture.add("0");
        let changes = MOST + 2;
        for n in 1..=changes {
            fixture.replace(key, &n.to_string(), "ada").unwrap();
        }
        let versions = fixture.store.document_versions(key).unwrap();
        assert_eq!(versions.len(), MOST as usize + 1);
        assert_eq!(versions[0].number, changes + 1);
        assert_eq!(versions.last().unwrap().number, changes + 1 - MOST);
    }

    #[test]
    fn language_is_that_of_the_text_that_was_read_last() {
        let fixture = Fixture::new();
        let key = fixture.add("a");
        assert_eq!(fixture.document(key).language, None);
        fixture.read(Some("de"));
        assert_eq!(fixture.document(key).language.as_deref(), Some("de"));
        fixture.add("b");
        fixture.read(Some("en"));
        let viewer = Viewer::whole_tenant(fixture.tenant.clone());
        let languages = || {
            fixture.store.datasets(&viewer).unwrap()[0]
                .languages
                .clone()
        };
        let known = |one: &str| (one.to_owned(), 1);
        assert_eq!(languages(), [known("de"), known("en")].into());
        fixture.replace(key, "c", "ada").unwrap();
        fixture.read(None);
        assert_eq!(fixture.document(key).language, None);
        assert_eq!(languages(), [known("en")].into());
    }
}
