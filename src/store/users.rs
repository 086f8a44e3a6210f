//! Tables `tenants` and `users`.

use super::{Store, StoreError, is_duplicate};
use crate::types::{TenantId, Time, UserId};
use rusqlite::{OptionalExtension, Row, params};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserRole {
    User,
    Admin,
    /// May act for any user of the tenant.
    Service,
}

impl UserRole {
    /// The word used in the database and on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::Admin, Self::Service]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// A user; its password hash stays in here and in `service::auth`.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub id: UserId,
    pub tenant_id: TenantId,
    pub username: String,
    /// argon2id in PHC form; `None` until a password is set.
    pub password_hash: Option<String>,
    pub role: UserRole,
    pub created_at: Time,
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    pub tenant_id: &'a TenantId,
    pub username: &'a str,
    pub password_hash: Option<&'a str>,
    pub role: UserRole,
}

/// What [`user`] reads.
pub(super) const COLUMNS: &str =
    "users.id, users.tenant_id, users.username, users.password_hash, users.role, users.created_at";

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

    /// Makes a user; a name that is taken is a [`StoreError::Duplicate`].
    pub fn insert_user(&self, new: &NewUser<'_>) -> Result<User, StoreError> {
        let user = User {
            id: UserId::generate(),
            tenant_id: new.tenant_id.clone(),
            username: new.username.to_owned(),
            password_hash: new.password_hash.map(str::to_owned),
            role: new.role,
            created_at: Time::now(),
        };
        self.write(|transaction| {
            let done = transaction.execute(
                "INSERT INTO users (id, tenant_id, username, password_hash, role, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    user.id.as_str(),
                    user.tenant_id.as_str(),
                    user.username,
                    user.password_hash,
                    user.role.as_str(),
                    user.created_at.millis()
                ],
            );
            match done {
                Ok(_) => Ok(()),
                Err(error) if is_duplicate(&error) => Err(StoreError::Duplicate(format!(
                    "the user name {:?} is taken",
                    new.username
                ))),
                Err(error) => Err(error.into()),
            }
        })?;
        Ok(user)
    }

    /// The user with this name, whatever its case.
    pub fn user_by_name(&self, username: &str) -> Result<Option<User>, StoreError> {
        self.one_user("username = ?1", username)
    }

    /// The user with this id.
    pub fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.one_user("id = ?1", id.as_str())
    }

    fn one_user(&self, condition: &str, value: &str) -> Result<Option<User>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM users WHERE {condition}");
            connection
                .prepare_cached(&sql)?
                .query_row([value], |row| Ok(user(row)))
                .optional()?
                .transpose()
        })
    }

    /// All users of a tenant, by name.
    pub fn users(&self, tenant: &TenantId) -> Result<Vec<User>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM users WHERE tenant_id = ?1 ORDER BY username");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([tenant.as_str()], |row| Ok(user(row)))?;
            rows.map(|row| row?).collect()
        })
    }

    /// Sets a user's password hash and ends all of its sign-ins.
    pub fn set_password_hash(&self, id: &UserId, hash: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE users SET password_hash = ?2 WHERE id = ?1",
                params![id.as_str(), hash],
            )?;
            if changed == 0 {
                return Err(StoreError::Missing("the user"));
            }
            transaction.execute(
                "DELETE FROM refresh_tokens WHERE user_id = ?1",
                [id.as_str()],
            )?;
            Ok(())
        })
    }

    /// Deletes a user of a tenant with its chats; its documents stay with the tenant.
    pub fn delete_user(&self, tenant: &TenantId, id: &UserId) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "DELETE FROM users WHERE id = ?1 AND tenant_id = ?2",
                params![id.as_str(), tenant.as_str()],
            )?;
            if changed == 0 {
                return Err(StoreError::Missing("the user"));
            }
            transaction.execute(
                "DELETE FROM sessions WHERE user_id = ?1 AND tenant_id = ?2",
                params![id.as_str(), tenant.as_str()],
            )?;
            Ok(())
        })
    }
}

pub(super) fn user(row: &Row<'_>) -> Result<User, StoreError> {
    let role: String = row.get(4)?;
    Ok(User {
        id: row.get::<_, String>(0)?.into(),
        tenant_id: row.get::<_, String>(1)?.into(),
        username: row.get(2)?,
        password_hash: row.get(3)?,
        role: UserRole::parse(&role).ok_or(StoreError::Value(role))?,
        created_at: Time::from_millis(row.get(5)?),
    })
}
