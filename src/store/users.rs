//! Tables `users` and `deleted_subjects`: our own people, and those for whom an
//! outside issuer vouches.

use super::sign_ins;
use super::{Store, StoreError, is_duplicate};
use crate::types::{TenantId, Time, UserId};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::collections::HashMap;

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
    /// Access tokens of another generation are no good.
    pub generation: u64,
    /// Tokens of an outside issuer from before (Unix seconds) are no good.
    pub valid_after: i64,
    /// The outside issuer that vouches for the user.
    pub issuer: Option<String>,
}

/// Who an outside issuer says somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
    pub tenant_id: &'a TenantId,
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
    "users.id, users.tenant_id, users.username, users.password_hash, users.role, users.created_at,
     users.generation, users.valid_after, users.issuer";

/// How many columns that are.
pub(super) const COLUMN_COUNT: usize = 9;

impl Store {
    /// Makes a user; a name that is taken is a [`StoreError::Duplicate`].
    pub fn insert_user(&self, new: &NewUser<'_>) -> Result<User, StoreError> {
        self.write(|transaction| insert(transaction, new, None))
    }

    /// Makes a user for whom an outside issuer vouches. A name that is taken,
    /// or a subject that is there, is a [`StoreError::Duplicate`].
    pub fn insert_outside_user(
        &self,
        username: &str,
        role: UserRole,
        subject: &Subject<'_>,
    ) -> Result<User, StoreError> {
        let new = NewUser {
            tenant_id: subject.tenant_id,
            username,
            password_hash: None,
            role,
        };
        self.write(|transaction| insert(transaction, &new, Some(subject)))
    }

    /// The user whom an outside issuer means.
    pub fn outside_user(&self, subject: &Subject<'_>) -> Result<Option<User>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM users WHERE issuer = ?1 AND subject = ?2 AND tenant_id = ?3"
            );
            connection
                .prepare_cached(&sql)?
                .query_row(
                    params![subject.issuer, subject.subject, subject.tenant_id.as_str()],
                    |row| Ok(user(row)),
                )
                .optional()?
                .transpose()
        })
    }

    /// When the user of an outside issuer was deleted (Unix seconds), if it was.
    pub fn subject_deleted_at(&self, subject: &Subject<'_>) -> Result<Option<i64>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT deleted_at FROM deleted_subjects
                 WHERE issuer = ?1 AND subject = ?2 AND tenant_id = ?3",
            )?;
            let parameters = params![subject.issuer, subject.subject, subject.tenant_id.as_str()];
            Ok(statement
                .query_row(parameters, |row| row.get(0))
                .optional()?)
        })
    }

    /// The user with this id, unless the sign-in that is named has ended.
    pub fn signed_in_user(
        &self,
        id: &UserId,
        sign_in: Option<&str>,
    ) -> Result<Option<User>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM users WHERE id = ?1 AND (?2 IS NULL OR EXISTS
                 (SELECT 1 FROM sign_ins WHERE sign_ins.id = ?2 AND sign_ins.user_id = users.id))"
            );
            connection
                .prepare_cached(&sql)?
                .query_row(params![id.as_str(), sign_in], |row| Ok(user(row)))
                .optional()?
                .transpose()
        })
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

    /// When each user of a tenant was active last, by a sign-in or an API key.
    pub fn last_seen(&self, tenant: &TenantId) -> Result<HashMap<UserId, Time>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT user_id, max(used_at) FROM
                 (SELECT user_id, used_at FROM sign_ins UNION ALL
                  SELECT user_id, used_at FROM api_keys WHERE used_at IS NOT NULL)
                 JOIN users ON users.id = user_id WHERE tenant_id = ?1 GROUP BY user_id",
            )?;
            let rows = statement.query_map([tenant.as_str()], |row| {
                let id: String = row.get(0)?;
                Ok((UserId::from(id), Time::from_millis(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Sets the role of a tenant's user and ends all that it is signed in with.
    pub fn set_role(
        &self,
        tenant: &TenantId,
        id: &UserId,
        role: UserRole,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE users SET role = ?3 WHERE id = ?1 AND tenant_id = ?2",
                params![id.as_str(), tenant.as_str(), role.as_str()],
            )?;
            match changed {
                0 => Err(StoreError::Missing("the user")),
                _ => sign_ins::end_all(transaction, id),
            }
        })
    }

    /// Notes what an outside issuer says that a user may do. Its tokens go on:
    /// each of them says it anew.
    pub fn note_role(&self, id: &UserId, role: UserRole) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE users SET role = ?2 WHERE id = ?1",
                params![id.as_str(), role.as_str()],
            )?;
            Ok(())
        })
    }

    /// Sets a user's password hash and ends all that it is signed in with.
    pub fn set_password_hash(&self, id: &UserId, hash: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE users SET password_hash = ?2 WHERE id = ?1",
                params![id.as_str(), hash],
            )?;
            if changed == 0 {
                return Err(StoreError::Missing("the user"));
            }
            sign_ins::end_all(transaction, id)
        })
    }

    /// Deletes a user of a tenant with its chats; its documents stay with the tenant.
    pub fn delete_user(&self, tenant: &TenantId, id: &UserId) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO deleted_subjects (issuer, subject, tenant_id, deleted_at)
                 SELECT issuer, subject, tenant_id, ?3 FROM users
                 WHERE id = ?1 AND tenant_id = ?2 AND issuer IS NOT NULL",
                params![id.as_str(), tenant.as_str(), Time::now().seconds()],
            )?;
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

fn insert(
    transaction: &Transaction<'_>,
    new: &NewUser<'_>,
    subject: Option<&Subject<'_>>,
) -> Result<User, StoreError> {
    let user = User {
        id: UserId::generate(),
        tenant_id: new.tenant_id.clone(),
        username: new.username.to_owned(),
        password_hash: new.password_hash.map(str::to_owned),
        role: new.role,
        created_at: Time::now(),
        generation: 0,
        valid_after: 0,
        issuer: subject.map(|subject| subject.issuer.to_owned()),
    };
    let done = transaction.execute(
        "INSERT INTO users (id, tenant_id, username, password_hash, role, created_at, issuer,
         subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            user.id.as_str(),
            user.tenant_id.as_str(),
            user.username,
            user.password_hash,
            user.role.as_str(),
            user.created_at.millis(),
            user.issuer,
            subject.map(|subject| subject.subject)
        ],
    );
    match done {
        Ok(_) => Ok(user),
        Err(error) if is_duplicate(&error) => Err(StoreError::Duplicate(format!(
            "the user name {:?} is taken",
            new.username
        ))),
        Err(error) => Err(error.into()),
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
        generation: row.get(6)?,
        valid_after: row.get(7)?,
        issuer: row.get(8)?,
    })
}
