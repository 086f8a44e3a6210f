//! Table `datasets`.

use super::{Store, StoreError, is_duplicate};
use crate::types::{Dataset, DatasetId, TenantId, Time};
use rusqlite::{OptionalExtension, Row, params};

const SELECT: &str = "
    SELECT d.key, d.id, d.tenant_id, d.name, d.description, d.builtin, d.created_at,
           count(x.key), coalesce(sum(x.pages), 0), coalesce(sum(x.pages_without_text), 0),
           coalesce(sum(x.chunks), 0)
    FROM datasets d LEFT JOIN documents x ON x.dataset_key = d.key";

impl Store {
    /// The tenant's datasets: its own by name, then the built-in ones.
    pub fn datasets(&self, tenant: &TenantId) -> Result<Vec<Dataset>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "{SELECT} WHERE d.tenant_id = ?1 GROUP BY d.key ORDER BY d.builtin, d.name"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([tenant.as_str()], dataset)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One dataset of a tenant.
    pub fn dataset(
        &self,
        tenant: &TenantId,
        id: &DatasetId,
    ) -> Result<Option<Dataset>, StoreError> {
        self.one_dataset("d.id = ?2", tenant, id.as_str())
    }

    /// The tenant's dataset of this name, whatever its case.
    pub fn dataset_by_name(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<Dataset>, StoreError> {
        self.one_dataset("d.name = ?2", tenant, name)
    }

    fn one_dataset(
        &self,
        condition: &str,
        tenant: &TenantId,
        value: &str,
    ) -> Result<Option<Dataset>, StoreError> {
        self.read(|connection| {
            let sql = format!("{SELECT} WHERE d.tenant_id = ?1 AND {condition} GROUP BY d.key");
            let found = connection
                .prepare_cached(&sql)?
                .query_row(params![tenant.as_str(), value], dataset)
                .optional()?;
            Ok(found)
        })
    }

    /// Makes a dataset; a name that is taken is a [`StoreError::Duplicate`].
    pub fn insert_dataset(
        &self,
        tenant: &TenantId,
        name: &str,
        description: &str,
        builtin: bool,
    ) -> Result<DatasetId, StoreError> {
        let id = DatasetId::generate();
        self.write(|transaction| {
            transaction
                .execute(
                    "INSERT INTO datasets (id, tenant_id, name, description, builtin, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        id.as_str(),
                        tenant.as_str(),
                        name,
                        description,
                        builtin,
                        Time::now().millis()
                    ],
                )
                .map_err(|error| name_taken(error, name))?;
            Ok(())
        })?;
        Ok(id)
    }

    /// Renames or describes a dataset that is not built in; `None` keeps what is there.
    pub fn update_dataset(
        &self,
        tenant: &TenantId,
        id: &DatasetId,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction
                .execute(
                    "UPDATE datasets SET name = coalesce(?3, name),
                     description = coalesce(?4, description)
                     WHERE tenant_id = ?1 AND id = ?2 AND NOT builtin",
                    params![tenant.as_str(), id.as_str(), name, description],
                )
                .map_err(|error| name_taken(error, name.unwrap_or_default()))?;
            match changed {
                0 => Err(StoreError::Missing("the dataset")),
                _ => Ok(()),
            }
        })
    }

    /// Deletes a dataset's row with all that hangs on it.
    pub fn delete_dataset(&self, tenant: &TenantId, id: &DatasetId) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "DELETE FROM datasets WHERE tenant_id = ?1 AND id = ?2",
                params![tenant.as_str(), id.as_str()],
            )?;
            match changed {
                0 => Err(StoreError::Missing("the dataset")),
                _ => Ok(()),
            }
        })
    }
}

fn name_taken(error: rusqlite::Error, name: &str) -> StoreError {
    if is_duplicate(&error) {
        StoreError::Duplicate(format!("there is a dataset named {name:?} already"))
    } else {
        error.into()
    }
}

fn dataset(row: &Row<'_>) -> rusqlite::Result<Dataset> {
    Ok(Dataset {
        key: row.get(0)?,
        id: row.get::<_, String>(1)?.into(),
        tenant_id: row.get::<_, String>(2)?.into(),
        name: row.get(3)?,
        description: row.get(4)?,
        builtin: row.get(5)?,
        created_at: Time::from_millis(row.get(6)?),
        documents: row.get(7)?,
        pages: row.get(8)?,
        pages_without_text: row.get(9)?,
        chunks: row.get(10)?,
    })
}
