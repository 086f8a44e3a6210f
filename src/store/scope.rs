//! What a search may see: ids and metadata turned into row keys, and how much
//! of it has text.

use super::{Store, StoreError, json_list};
use crate::types::{Coverage, DatasetId, DocumentId, SearchScope, UserId, Viewer};
use rusqlite::{ToSql, named_params};

/// A [`SearchScope`] as row keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScopeKeys {
    /// The datasets in scope; empty: nothing is.
    pub datasets: Vec<u64>,
    /// If present, only these documents are in scope.
    pub documents: Option<Vec<u64>>,
}

/// Whether the dataset `d` exists for the viewer `:tenant`, `:user`.
pub(super) const VISIBLE: &str = "(
    (d.tenant_id = :tenant
        AND (d.visibility <> 'private' OR :user IS NULL OR d.owner_id = :user))
    OR (d.visibility = 'public' AND :tenant = 'public'))";

/// Which datasets are in scope, beside [`VISIBLE`].
const DATASETS: &str = "
    (:datasets IS NULL OR d.id IN (SELECT value FROM json_each(:datasets)))";

/// Which documents are in scope, beside [`VISIBLE`] and [`DATASETS`].
const CONDITION: &str = "
    (:documents IS NULL OR x.id IN (SELECT value FROM json_each(:documents)))
    AND (:module IS NULL OR x.module = :module)
    AND (:chapter IS NULL OR x.chapter = :chapter)";

/// How much a viewer sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VisibleCounts {
    pub documents: u64,
    pub chunks: u64,
    /// Documents whose ingestion is not done.
    pub jobs_pending: u64,
}

impl Store {
    /// How much `viewer` sees.
    pub fn visible_counts(&self, viewer: &Viewer) -> Result<VisibleCounts, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT coalesce(sum(n.documents), 0), coalesce(sum(n.chunks), 0),
                        (SELECT count(*) FROM jobs j JOIN documents x ON x.key = j.document_key
                         JOIN datasets d ON d.key = x.dataset_key WHERE {VISIBLE})
                 FROM document_counts n JOIN datasets d ON d.key = n.dataset_key
                 WHERE {VISIBLE}"
            );
            let parameters = named_params! {
                ":tenant": viewer.tenant_id.as_str(),
                ":user": viewer.user_id.as_ref().map(UserId::as_str),
            };
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row(parameters, |row| {
                Ok(VisibleCounts {
                    documents: row.get(0)?,
                    chunks: row.get(1)?,
                    jobs_pending: row.get(2)?,
                })
            })?)
        })
    }

    /// The row keys that `scope` allows. What its viewer may not see matches nothing.
    pub fn scope_keys(&self, scope: &SearchScope) -> Result<ScopeKeys, StoreError> {
        let restricted = restricts_documents(scope);
        with_scope(scope, |parameters| {
            self.read(|connection| {
                let sql = format!("SELECT key FROM datasets d WHERE {VISIBLE} AND {DATASETS}");
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map(&parameters[..3], |row| row.get(0))?;
                let datasets = rows.collect::<Result<Vec<u64>, _>>()?;
                if !restricted {
                    return Ok(ScopeKeys {
                        datasets,
                        documents: None,
                    });
                }
                let sql = format!(
                    "SELECT x.key FROM documents x JOIN datasets d ON d.key = x.dataset_key
                     WHERE {VISIBLE} AND {DATASETS} AND {CONDITION} ORDER BY x.key"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map(parameters, |row| row.get(0))?;
                Ok(ScopeKeys {
                    datasets,
                    documents: Some(rows.collect::<Result<_, _>>()?),
                })
            })
        })
    }

    /// The keys of the documents in scope that can be searched, and how many chunks
    /// each has; in the order of adding, `most` at most.
    pub fn ready_documents(
        &self,
        scope: &SearchScope,
        most: usize,
    ) -> Result<Vec<(u64, usize)>, StoreError> {
        with_scope(scope, |parameters| {
            self.read(|connection| {
                let sql = format!(
                    "SELECT x.key, x.chunks FROM documents x JOIN datasets d ON d.key = x.dataset_key
                     WHERE x.status = 'ready' AND {VISIBLE} AND {DATASETS} AND {CONDITION}
                     ORDER BY x.key LIMIT {most}"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
        })
    }

    /// How much of what `scope` allows can be searched, and how much of it is there
    /// and cannot; `took_ms` is left at zero.
    pub fn coverage(&self, scope: &SearchScope) -> Result<Coverage, StoreError> {
        with_scope(scope, |parameters| {
            self.read(|connection| {
                // A search that is not for some documents alone has them counted already.
                let (counted, parameters) = match restricts_documents(scope) {
                    true => (
                        format!(
                            "(SELECT x.status, 1 AS documents, x.pages, x.pages_without_text
                              FROM documents x JOIN datasets d ON d.key = x.dataset_key
                              WHERE {VISIBLE} AND {DATASETS} AND {CONDITION})"
                        ),
                        parameters,
                    ),
                    false => (
                        format!(
                            "(SELECT n.status, n.documents, n.pages, n.pages_without_text
                              FROM document_counts n JOIN datasets d ON d.key = n.dataset_key
                              WHERE {VISIBLE} AND {DATASETS})"
                        ),
                        &parameters[..3],
                    ),
                };
                // A document fails when none of its pages has text, or on the way
                // to be searched: either way its pages are there and unread.
                let sql = format!(
                    "SELECT coalesce(sum(documents) FILTER (WHERE status = 'ready'), 0),
                            coalesce(sum(pages) FILTER (WHERE status IN ('ready', 'failed')), 0),
                            coalesce(sum(CASE status WHEN 'ready' THEN pages_without_text
                                WHEN 'failed' THEN pages ELSE 0 END), 0),
                            coalesce(sum(documents) FILTER (WHERE status NOT IN ('ready', 'failed')), 0)
                     FROM {counted}"
                );
                let coverage = connection
                    .prepare_cached(&sql)?
                    .query_row(parameters, |row| {
                        Ok(Coverage {
                            documents: row.get(0)?,
                            pages: row.get(1)?,
                            pages_without_text: row.get(2)?,
                            documents_pending: row.get(3)?,
                            took_ms: 0.0,
                        })
                    })?;
                Ok(coverage)
            })
        })
    }
}

/// Whether only some documents of the datasets are in scope.
fn restricts_documents(scope: &SearchScope) -> bool {
    !scope.documents.is_empty() || scope.module.is_some() || scope.chapter.is_some()
}

/// Calls `work` with the named parameters of [`VISIBLE`], [`DATASETS`] and [`CONDITION`].
fn with_scope<T>(
    scope: &SearchScope,
    work: impl FnOnce(&[(&str, &dyn ToSql)]) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let datasets: Vec<&str> = scope.datasets.iter().map(DatasetId::as_str).collect();
    let documents: Vec<&str> = scope.documents.iter().map(DocumentId::as_str).collect();
    let list = |ids: &[&str]| match ids {
        [] => Ok(None),
        ids => json_list(ids).map(Some),
    };
    work(named_params! {
        ":tenant": scope.viewer.tenant_id.as_str(),
        ":user": scope.viewer.user_id.as_ref().map(UserId::as_str),
        ":datasets": list(&datasets)?,
        ":documents": list(&documents)?,
        ":module": scope.module,
        ":chapter": scope.chapter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TenantId;

    const COUNTED: &str = "
        SELECT dataset_key, status, documents, pages, pages_without_text, chunks
        FROM document_counts WHERE documents > 0 ORDER BY 1, 2";
    const AS_THEY_ARE: &str = "
        SELECT dataset_key, status, count(*), sum(pages), sum(pages_without_text), sum(chunks)
        FROM documents GROUP BY 1, 2 ORDER BY 1, 2";

    /// What can happen to documents, one after the other.
    const CHANGES: &[&str] = &[
        "INSERT INTO tenants (id, name, created_at) VALUES ('one', 'One', 0)",
        "INSERT INTO datasets (key, id, tenant_id, name, created_at)
            VALUES (101, 'a', 'one', 'A', 0), (102, 'b', 'one', 'B', 0)",
        "INSERT INTO documents (id, dataset_key, user_id, filename, bytes, sha256, status,
            pages, pages_without_text, chunks, created_at, updated_at)
            SELECT 'd' || value, 101 + value % 2, 'u', 'f', 1, 's' || value, 'queued', 0, 0, 0, 0, 0
            FROM json_each('[1, 2, 3, 4, 5, 6]')",
        "UPDATE documents SET pages = 10, pages_without_text = 2, chunks = 7,
            status = 'embedding' WHERE id < 'd5'",
        "UPDATE documents SET status = 'ready' WHERE id < 'd4'",
        "UPDATE documents SET embedded = 7, updated_at = 1",
        "UPDATE documents SET status = 'failed', pages = 0, chunks = 0 WHERE id = 'd2'",
        "UPDATE documents SET status = 'failed' WHERE id = 'd3'",
        "UPDATE documents SET dataset_key = 102 WHERE id = 'd4'",
        "DELETE FROM documents WHERE id = 'd1'",
        "DELETE FROM datasets WHERE id = 'a'",
    ];

    fn rows(connection: &rusqlite::Connection, sql: &str) -> Vec<(u64, String, [u64; 4])> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            let numbers = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
            Ok((row.get(0)?, row.get(1)?, numbers))
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// Documents of one dataset: two that were read, one of scans alone, one that
    /// failed while it was embedded, one that could not be opened, one that waits.
    const READ_AND_UNREAD: &str = "
        INSERT INTO tenants (id, name, created_at) VALUES ('one', 'One', 0);
        INSERT INTO datasets (key, id, tenant_id, name, owner_id, visibility, created_at)
            VALUES (101, 'a', 'one', 'A', NULL, 'tenant', 0), (102, 'b', 'one', 'B', 'ann', 'private', 0);
        INSERT INTO documents (id, dataset_key, user_id, filename, bytes, sha256, status,
            pages, pages_without_text, chunks, created_at, updated_at)
            VALUES ('read', 101, 'u', 'f', 1, '1', 'ready', 10, 0, 9, 0, 0),
                   ('half', 101, 'u', 'f', 1, '2', 'ready', 4, 2, 2, 0, 0),
                   ('scans', 101, 'u', 'f', 1, '3', 'failed', 20, 20, 0, 0, 0),
                   ('broken', 101, 'u', 'f', 1, '4', 'failed', 5, 1, 4, 0, 0),
                   ('locked', 101, 'u', 'f', 1, '5', 'failed', 0, 0, 0, 0, 0),
                   ('waits', 101, 'u', 'f', 1, '6', 'embedding', 7, 1, 6, 0, 0),
                   ('hers', 102, 'u', 'f', 1, '7', 'failed', 30, 30, 0, 0, 0);";

    #[test]
    fn pages_of_documents_that_failed_are_unread_and_not_missing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("satchel.db")).unwrap();
        store
            .write(|transaction| Ok(transaction.execute_batch(READ_AND_UNREAD)?))
            .unwrap();
        let mut scope = SearchScope::tenant(TenantId::from("one"));
        scope.viewer.user_id = Some(UserId::from("bob"));
        let seen = Coverage {
            documents: 2,
            pages: 39,
            pages_without_text: 27,
            documents_pending: 1,
            took_ms: 0.0,
        };
        assert_eq!(store.coverage(&scope).unwrap(), seen);
        let of = |scope: &SearchScope, documents: &[&str]| {
            let documents = documents.iter().map(|id| DocumentId::from(*id)).collect();
            let scope = SearchScope {
                documents,
                ..scope.clone()
            };
            let coverage = store.coverage(&scope).unwrap();
            (
                coverage.documents,
                coverage.pages,
                coverage.pages_without_text,
            )
        };
        assert_eq!(of(&scope, &["half", "scans"]), (1, 24, 22));
        // What is another's stays so, read or not.
        assert_eq!(of(&scope, &["hers"]), (0, 0, 0));
        scope.viewer.user_id = Some(UserId::from("ann"));
        assert_eq!(of(&scope, &["hers"]), (0, 30, 30));
    }

    #[test]
    fn documents_are_counted_through_every_change() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("satchel.db")).unwrap();
        let scope = SearchScope::tenant(TenantId::from("one"));
        for change in CHANGES {
            store
                .write(|transaction| Ok(transaction.execute_batch(change)?))
                .unwrap();
            let (counted, as_they_are) = store
                .read(|connection| {
                    let as_they_are = rows(connection, AS_THEY_ARE);
                    Ok((rows(connection, COUNTED), as_they_are))
                })
                .unwrap();
            assert_eq!(counted, as_they_are, "{change}");
            let one_by_one = SearchScope {
                documents: (1..=6).map(|n| format!("d{n}").as_str().into()).collect(),
                ..scope.clone()
            };
            let coverage = store.coverage(&scope).unwrap();
            assert_eq!(coverage, store.coverage(&one_by_one).unwrap(), "{change}");
        }
    }
}
