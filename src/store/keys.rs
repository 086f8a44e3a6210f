//! Table `api_keys`. Only hashes are stored; a key goes with its user.

use super::users::{self, User};
use super::{Store, StoreError};
use crate::types::{KeyId, TenantId, Time, UserId};
use rusqlite::{OptionalExtension, Row, params};

/// How exact the time of the last use is: not every request is a write.
const USE_MILLIS: i64 = 60_000;

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiKey {
    pub id: KeyId,
    /// How the key begins.
    pub prefix: String,
    /// What its owner calls it.
    pub name: String,
    pub user_id: UserId,
    pub username: String,
    pub created_at: Time,
    /// When it was used last, to the minute.
    pub used_at: Option<Time>,
}

/// An API key to be stored.
#[derive(Debug, Clone)]
pub struct NewApiKey<'a> {
    pub hash: &'a [u8],
    pub prefix: &'a str,
    pub name: &'a str,
    pub user: &'a User,
}

const COLUMNS: &str = "api_keys.id, api_keys.prefix, api_keys.name, api_keys.user_id,
    users.username, api_keys.created_at, api_keys.used_at";

impl Store {
    /// Stores a key.
    pub fn insert_api_key(&self, new: &NewApiKey<'_>) -> Result<ApiKey, StoreError> {
        let key = ApiKey {
            id: KeyId::generate(),
            prefix: new.prefix.to_owned(),
            name: new.name.to_owned(),
            user_id: new.user.id.clone(),
            username: new.user.username.clone(),
            created_at: Time::now(),
            used_at: None,
        };
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO api_keys (id, hash, prefix, name, user_id, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    key.id.as_str(),
                    new.hash,
                    key.prefix,
                    key.name,
                    key.user_id.as_str(),
                    key.created_at.millis()
                ],
            )?;
            Ok(())
        })?;
        Ok(key)
    }

    /// The keys of a tenant, or those of one of its users, oldest first.
    pub fn api_keys(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
    ) -> Result<Vec<ApiKey>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM api_keys JOIN users ON users.id = api_keys.user_id
                 WHERE users.tenant_id = ?1 AND (?2 IS NULL OR users.id = ?2)
                 ORDER BY api_keys.created_at, api_keys.id"
            ))?;
            let user = user.map(UserId::as_str);
            let rows = statement.query_map(params![tenant.as_str(), user], api_key)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Deletes a key of a tenant; with a user, only if it is that user's.
    pub fn delete_api_key(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        id: &KeyId,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "DELETE FROM api_keys WHERE id = ?1 AND user_id IN
                 (SELECT id FROM users WHERE tenant_id = ?2 AND (?3 IS NULL OR id = ?3))",
                params![id.as_str(), tenant.as_str(), user.map(UserId::as_str)],
            )?;
            match changed {
                0 => Err(StoreError::Missing("the API key")),
                _ => Ok(()),
            }
        })
    }

    /// Whose key has this hash. Notes that it was used.
    pub fn user_of_api_key(&self, hash: &[u8]) -> Result<Option<User>, StoreError> {
        let now = Time::now().millis();
        let found = self.read(|connection| {
            let sql = format!(
                "SELECT {}, api_keys.used_at FROM users JOIN api_keys ON api_keys.user_id = users.id
                 WHERE api_keys.hash = ?1",
                users::COLUMNS
            );
            let row = |row: &Row<'_>| {
                Ok((
                    users::user(row),
                    row.get::<_, Option<i64>>(users::COLUMN_COUNT)?,
                ))
            };
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row([hash], row).optional()?)
        })?;
        let Some((user, used_at)) = found else {
            return Ok(None);
        };
        if used_at.is_none_or(|at| at + USE_MILLIS <= now) {
            self.write(|transaction| {
                transaction.execute(
                    "UPDATE api_keys SET used_at = ?2 WHERE hash = ?1",
                    params![hash, now],
                )?;
                Ok(())
            })?;
        }
        user.map(Some)
    }
}

fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get::<_, String>(0)?.into(),
        prefix: row.get(1)?,
        name: row.get(2)?,
        user_id: row.get::<_, String>(3)?.into(),
        username: row.get(4)?,
        created_at: Time::from_millis(row.get(5)?),
        used_at: row.get::<_, Option<i64>>(6)?.map(Time::from_millis),
    })
}

#[cfg(test)]
mod tests {
    use super::NewApiKey;
    use crate::store::{NewUser, Store, User, UserRole};
    use crate::types::TenantId;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("satchel.db")).unwrap();
        (folder, store)
    }

    fn user(store: &Store, tenant: &TenantId, username: &str) -> User {
        store.ensure_tenant(tenant, "A tenant").unwrap();
        let new = NewUser {
            tenant_id: tenant,
            username,
            password_hash: None,
            role: UserRole::User,
        };
        store.insert_user(&new).unwrap()
    }

    fn key<'a>(user: &'a User, hash: &'a [u8]) -> NewApiKey<'a> {
        NewApiKey {
            hash,
            prefix: "sk-1",
            name: "mine",
            user,
        }
    }

    #[test]
    fn key_finds_its_user_and_its_use_is_noted() {
        let (_folder, store) = store();
        let tenant = TenantId::from("one");
        let ada = user(&store, &tenant, "ada");
        let made = store.insert_api_key(&key(&ada, b"h1")).unwrap();
        assert_eq!(made.used_at, None);
        let found = store.user_of_api_key(b"h1").unwrap();
        assert_eq!(found.unwrap().id, ada.id);
        let listed = store.api_keys(&tenant, None).unwrap();
        assert!(listed[0].used_at.is_some());
        assert_eq!(store.user_of_api_key(b"h2").unwrap(), None);
    }

    #[test]
    fn keys_of_others_are_neither_listed_nor_deleted() {
        let (_folder, store) = store();
        let (tenant, other) = (TenantId::from("one"), TenantId::from("two"));
        let (ada, bob) = (user(&store, &tenant, "ada"), user(&store, &tenant, "bob"));
        let made = store.insert_api_key(&key(&ada, b"h1")).unwrap();
        assert!(store.api_keys(&tenant, Some(&bob.id)).unwrap().is_empty());
        assert!(store.api_keys(&other, None).unwrap().is_empty());
        assert!(
            store
                .delete_api_key(&tenant, Some(&bob.id), &made.id)
                .is_err()
        );
        assert!(store.delete_api_key(&other, None, &made.id).is_err());
        assert!(store.delete_api_key(&tenant, None, &made.id).is_ok());
        assert_eq!(store.user_of_api_key(b"h1").unwrap(), None);
    }

    #[test]
    fn key_goes_with_its_user() {
        let (_folder, store) = store();
        let tenant = TenantId::from("one");
        let ada = user(&store, &tenant, "ada");
        store.insert_api_key(&key(&ada, b"h1")).unwrap();
        store.delete_user(&tenant, &ada.id).unwrap();
        assert_eq!(store.user_of_api_key(b"h1").unwrap(), None);
    }
}
