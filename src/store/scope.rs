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

/// What is in scope, beside [`VISIBLE`].
const CONDITION: &str = "
    (:datasets IS NULL OR d.id IN (SELECT value FROM json_each(:datasets)))
    AND (:documents IS NULL OR x.id IN (SELECT value FROM json_each(:documents)))
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
                "SELECT count(*), coalesce(sum(x.chunks), 0), count(j.id)
                 FROM documents x JOIN datasets d ON d.key = x.dataset_key
                 LEFT JOIN jobs j ON j.document_key = x.key WHERE {VISIBLE}"
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
        let restricted =
            !scope.documents.is_empty() || scope.module.is_some() || scope.chapter.is_some();
        with_scope(scope, |parameters| {
            self.read(|connection| {
                let sql = format!(
                    "SELECT key FROM datasets d WHERE {VISIBLE} AND (:datasets IS NULL
                     OR d.id IN (SELECT value FROM json_each(:datasets)))"
                );
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
                     WHERE {VISIBLE} AND {CONDITION} ORDER BY x.key"
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

    /// How much of what `scope` allows can be searched; `took_ms` is left at zero.
    pub fn coverage(&self, scope: &SearchScope) -> Result<Coverage, StoreError> {
        with_scope(scope, |parameters| {
            self.read(|connection| {
                let sql = format!(
                    "SELECT count(*) FILTER (WHERE x.status = 'ready'),
                            coalesce(sum(x.pages) FILTER (WHERE x.status = 'ready'), 0),
                            coalesce(sum(x.pages_without_text) FILTER (WHERE x.status = 'ready'), 0),
                            count(*) FILTER (WHERE x.status NOT IN ('ready', 'failed'))
                     FROM documents x JOIN datasets d ON d.key = x.dataset_key
                     WHERE {VISIBLE} AND {CONDITION}"
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

/// Calls `work` with the named parameters of [`VISIBLE`] and [`CONDITION`].
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
