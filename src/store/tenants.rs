//! Table `tenants`, and what a tenant uses of the disk.

use super::{Store, StoreError, is_duplicate};
use crate::types::{TenantId, Time};
use rusqlite::{OptionalExtension, Row, params};

/// What a tenant may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TenantLimits {
    /// `None`: as the settings say; 0: without a limit.
    pub requests_per_minute: Option<u32>,
    /// `None`: without a limit.
    pub disk_quota_bytes: Option<u64>,
}

/// A tenant and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub limits: TenantLimits,
    pub created_at: Time,
    pub users: u64,
    pub documents: u64,
    /// Size of all originals.
    pub bytes: u64,
}

const SELECT: &str = "
    SELECT t.id, t.name, t.requests_per_minute, t.disk_quota_bytes, t.created_at,
           (SELECT count(*) FROM users u WHERE u.tenant_id = t.id),
           (SELECT count(*) FROM documents x JOIN datasets d ON d.key = x.dataset_key
            WHERE d.tenant_id = t.id),
           (SELECT coalesce(sum(x.bytes), 0) FROM documents x
            JOIN datasets d ON d.key = x.dataset_key WHERE d.tenant_id = t.id)
    FROM tenants t";

impl Store {
    /// Makes a tenant unless it is there.
    pub fn ensure_tenant(&self, id: &TenantId, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO tenants (id, name, created_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO NOTHING",
                params![id.as_str(), name, Time::now().millis()],
            )?;
            Ok(())
        })
    }

    /// Makes a tenant; an id that is taken is a [`StoreError::Duplicate`].
    pub fn insert_tenant(
        &self,
        id: &TenantId,
        name: &str,
        limits: TenantLimits,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let done = transaction.execute(
                "INSERT INTO tenants (id, name, requests_per_minute, disk_quota_bytes, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    id.as_str(),
                    name,
                    limits.requests_per_minute,
                    limits.disk_quota_bytes,
                    Time::now().millis()
                ],
            );
            match done {
                Ok(_) => Ok(()),
                Err(error) if is_duplicate(&error) => {
                    let message = format!("there is a tenant {:?} already", id.as_str());
                    Err(StoreError::Duplicate(message))
                }
                Err(error) => Err(error.into()),
            }
        })
    }

    /// All tenants, oldest first.
    pub fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.read(|connection| {
            let sql = format!("{SELECT} ORDER BY t.created_at, t.id");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([], tenant)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One tenant.
    pub fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.read(|connection| {
            let sql = format!("{SELECT} WHERE t.id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row([id.as_str()], tenant).optional()?)
        })
    }

    /// Sets a tenant's name and limits.
    pub fn update_tenant(
        &self,
        id: &TenantId,
        name: &str,
        limits: TenantLimits,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE tenants SET name = ?2, requests_per_minute = ?3, disk_quota_bytes = ?4
                 WHERE id = ?1",
                params![
                    id.as_str(),
                    name,
                    limits.requests_per_minute,
                    limits.disk_quota_bytes
                ],
            )?;
            found(changed)
        })
    }

    /// Deletes a tenant with its users, chats and datasets. Its documents must
    /// have been deleted before: their vectors and originals are not here.
    pub fn delete_tenant(&self, id: &TenantId) -> Result<(), StoreError> {
        self.write(|transaction| {
            let sql = "DELETE FROM tenants WHERE id = ?1";
            found(transaction.execute(sql, [id.as_str()])?)
        })
    }

    /// Size of all originals of a tenant.
    pub fn tenant_bytes(&self, id: &TenantId) -> Result<u64, StoreError> {
        self.read(|connection| {
            let sql = "SELECT coalesce(sum(x.bytes), 0) FROM documents x
                       JOIN datasets d ON d.key = x.dataset_key WHERE d.tenant_id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([id.as_str()], |row| row.get(0))?)
        })
    }
}

fn found(changed: usize) -> Result<(), StoreError> {
    match changed {
        0 => Err(StoreError::Missing("the tenant")),
        _ => Ok(()),
    }
}

fn tenant(row: &Row<'_>) -> rusqlite::Result<Tenant> {
    Ok(Tenant {
        id: row.get::<_, String>(0)?.into(),
        name: row.get(1)?,
        limits: TenantLimits {
            requests_per_minute: row.get(2)?,
            disk_quota_bytes: row.get(3)?,
        },
        created_at: Time::from_millis(row.get(4)?),
        users: row.get(5)?,
        documents: row.get(6)?,
        bytes: row.get(7)?,
    })
}
