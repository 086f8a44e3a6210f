//! Table `datasets`.

use super::scope::VISIBLE;
use super::{Store, StoreError, is_duplicate};
use crate::types::{Dataset, DatasetId, TenantId, Time, UserId, Viewer, Visibility};
use rusqlite::{OptionalExtension, Row, named_params, params};

const SELECT: &str = "
    SELECT d.key, d.id, d.tenant_id, d.name, d.description, d.builtin, d.created_at,
           count(x.key), coalesce(sum(x.pages), 0), coalesce(sum(x.pages_without_text), 0),
           coalesce(sum(x.chunks), 0), d.owner_id, d.visibility,
           (SELECT json_group_object(language, count) FROM
               (SELECT language, count(*) AS count FROM documents
                WHERE dataset_key = d.key AND language IS NOT NULL GROUP BY language))
    FROM datasets d LEFT JOIN documents x ON x.dataset_key = d.key";

/// Why a private dataset cannot be shown to others under its name.
const OTHER_OF_THIS_NAME: &str = "there is another dataset of this name: give it another one first";

impl Store {
    /// The datasets that exist for the viewer: by name, then the built-in ones.
    pub fn datasets(&self, viewer: &Viewer) -> Result<Vec<Dataset>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "{SELECT} WHERE {VISIBLE} GROUP BY d.key ORDER BY d.builtin, d.name, d.key"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let parameters = named_params! {
                ":tenant": viewer.tenant_id.as_str(),
                ":user": viewer.user_id.as_ref().map(UserId::as_str),
            };
            let rows = statement.query_map(parameters, |row| Ok(dataset(row)))?;
            rows.map(|row| row?).collect()
        })
    }

    /// One dataset, if it exists for the viewer.
    pub fn dataset(&self, viewer: &Viewer, id: &DatasetId) -> Result<Option<Dataset>, StoreError> {
        self.one_dataset("d.id = :value", viewer, id.as_str())
    }

    /// The tenant's dataset of this name, whatever its case; a private one is not meant.
    pub fn dataset_by_name(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<Dataset>, StoreError> {
        let viewer = Viewer::whole_tenant(tenant.clone());
        let shared = "d.tenant_id = :tenant AND d.name = :value AND d.visibility <> 'private'";
        self.one_dataset(shared, &viewer, name)
    }

    fn one_dataset(
        &self,
        condition: &str,
        viewer: &Viewer,
        value: &str,
    ) -> Result<Option<Dataset>, StoreError> {
        self.read(|connection| {
            let sql = format!("{SELECT} WHERE {VISIBLE} AND {condition} GROUP BY d.key");
            let parameters = named_params! {
                ":tenant": viewer.tenant_id.as_str(),
                ":user": viewer.user_id.as_ref().map(UserId::as_str),
                ":value": value,
            };
            connection
                .prepare_cached(&sql)?
                .query_row(parameters, |row| Ok(dataset(row)))
                .optional()?
                .transpose()
        })
    }

    /// Makes a dataset that all of the tenant sees; a name that is taken is a
    /// [`StoreError::Duplicate`].
    pub fn insert_dataset(
        &self,
        tenant: &TenantId,
        name: &str,
        description: &str,
        builtin: bool,
    ) -> Result<DatasetId, StoreError> {
        self.insert_owned_dataset(tenant, name, description, builtin, None)
    }

    /// The same for a dataset that `owner` made and that is seen as far as it says.
    pub fn insert_owned_dataset(
        &self,
        tenant: &TenantId,
        name: &str,
        description: &str,
        builtin: bool,
        owner: Option<(&UserId, Visibility)>,
    ) -> Result<DatasetId, StoreError> {
        let id = DatasetId::generate();
        self.write(|transaction| {
            transaction
                .execute(
                    "INSERT INTO datasets (id, tenant_id, name, description, builtin, created_at,
                     owner_id, visibility) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        id.as_str(),
                        tenant.as_str(),
                        name,
                        description,
                        builtin,
                        Time::now().millis(),
                        owner.map(|(user, _)| user.as_str()),
                        owner.map_or(Visibility::Tenant, |(_, seen)| seen).as_str()
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

    /// Sets how far a dataset that is not built in is seen; one without an
    /// owner gets `owner`.
    pub fn set_visibility(
        &self,
        tenant: &TenantId,
        id: &DatasetId,
        visibility: Visibility,
        owner: &UserId,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction
                .execute(
                    "UPDATE datasets SET visibility = ?3, owner_id = coalesce(owner_id, ?4)
                     WHERE tenant_id = ?1 AND id = ?2 AND NOT builtin",
                    params![
                        tenant.as_str(),
                        id.as_str(),
                        visibility.as_str(),
                        owner.as_str()
                    ],
                )
                .map_err(|error| match is_duplicate(&error) {
                    true => StoreError::Duplicate(OTHER_OF_THIS_NAME.to_owned()),
                    false => error.into(),
                })?;
            match changed {
                0 => Err(StoreError::Missing("the dataset")),
                _ => Ok(()),
            }
        })
    }

    /// Takes the name of somebody who is gone from what all of the tenant sees.
    pub fn disown_datasets(&self, tenant: &TenantId, owner: &UserId) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE datasets SET owner_id = NULL
                 WHERE tenant_id = ?1 AND owner_id = ?2 AND visibility <> 'private'",
                params![tenant.as_str(), owner.as_str()],
            )?;
            Ok(())
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

fn dataset(row: &Row<'_>) -> Result<Dataset, StoreError> {
    let visibility: String = row.get(12)?;
    let languages: String = row.get(13)?;
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
        owner_id: row.get::<_, Option<String>>(11)?.map(Into::into),
        visibility: Visibility::parse(&visibility).ok_or(StoreError::Value(visibility))?,
        languages: serde_json::from_str(&languages)
            .map_err(|error| StoreError::Value(error.to_string()))?,
    })
}
