//! What a search may see: ids and metadata turned into row keys, and how much
//! of it has text.

use super::{Store, StoreError, json_list};
use crate::types::{Coverage, DatasetId, DocumentId, SearchScope};
use rusqlite::{ToSql, named_params};

/// A [`SearchScope`] as row keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScopeKeys {
    /// The datasets in scope; empty: nothing is.
    pub datasets: Vec<u64>,
    /// If present, only these documents are in scope.
    pub documents: Option<Vec<u64>>,
}

const CONDITION: &str = "d.tenant_id = :tenant
    AND (:datasets IS NULL OR d.id IN (SELECT value FROM json_each(:datasets)))
    AND (:documents IS NULL OR x.id IN (SELECT value FROM json_each(:documents)))
    AND (:module IS NULL OR x.module = :module)
    AND (:chapter IS NULL OR x.chapter = :chapter)";

impl Store {
    /// The row keys that `scope` allows. Ids of other tenants match nothing.
    pub fn scope_keys(&self, scope: &SearchScope) -> Result<ScopeKeys, StoreError> {
        let restricted =
            !scope.documents.is_empty() || scope.module.is_some() || scope.chapter.is_some();
        with_scope(scope, |parameters| {
            self.read(|connection| {
                let sql = "SELECT key FROM datasets d WHERE d.tenant_id = :tenant
                    AND (:datasets IS NULL OR d.id IN (SELECT value FROM json_each(:datasets)))";
                let mut statement = connection.prepare_cached(sql)?;
                let rows = statement.query_map(&parameters[..2], |row| row.get(0))?;
                let datasets = rows.collect::<Result<Vec<u64>, _>>()?;
                if !restricted {
                    return Ok(ScopeKeys {
                        datasets,
                        documents: None,
                    });
                }
                let sql = format!(
                    "SELECT x.key FROM documents x JOIN datasets d ON d.key = x.dataset_key
                     WHERE {CONDITION} ORDER BY x.key"
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
                     FROM documents x JOIN datasets d ON d.key = x.dataset_key WHERE {CONDITION}"
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

/// Calls `work` with the named parameters of [`CONDITION`].
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
        ":tenant": scope.tenant_id.as_str(),
        ":datasets": list(&datasets)?,
        ":documents": list(&documents)?,
        ":module": scope.module,
        ":chapter": scope.chapter,
    })
}
