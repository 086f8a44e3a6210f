//! Table `sign_ins`: which browsers and programs a user is signed in with. One
//! row a sign-in; the refresh tokens of its family live and end with it.

use super::{Store, StoreError};
use crate::types::{Time, UserId};
use rusqlite::{Transaction, params};

/// A sign-in that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSignIn {
    pub id: String,
    pub started_at: Time,
    /// When its access token was renewed last.
    pub used_at: Time,
    pub expires_at: Time,
    /// Where it came from.
    pub address: Option<String>,
    /// What the client called itself.
    pub client: Option<String>,
}

/// Where a sign-in comes from, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    pub address: Option<String>,
    pub client: Option<String>,
}

impl Store {
    /// A user's sign-ins, latest used first.
    pub fn sign_ins(&self, user: &UserId) -> Result<Vec<StoredSignIn>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, started_at, used_at, expires_at, address, client FROM sign_ins
                 WHERE user_id = ?1 AND expires_at >= ?2 ORDER BY used_at DESC, id",
            )?;
            let now = Time::now().millis();
            let rows = statement.query_map(params![user.as_str(), now], |row| {
                Ok(StoredSignIn {
                    id: row.get(0)?,
                    started_at: Time::from_millis(row.get(1)?),
                    used_at: Time::from_millis(row.get(2)?),
                    expires_at: Time::from_millis(row.get(3)?),
                    address: row.get(4)?,
                    client: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Ends one of a user's sign-ins.
    pub fn end_sign_in_of(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let owner = "SELECT count(*) FROM sign_ins WHERE id = ?1 AND user_id = ?2";
            let own: u64 =
                transaction.query_row(owner, params![id, user.as_str()], |row| row.get(0))?;
            match own {
                0 => Err(StoreError::Missing("the sign-in")),
                _ => end(transaction, id),
            }
        })
    }

    /// Ends all that a user is signed in with: sign-ins and access tokens.
    pub fn end_all_sign_ins(&self, user: &UserId) -> Result<(), StoreError> {
        self.write(|transaction| end_all(transaction, user))
    }
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    id: &str,
    user: &UserId,
    expires_at: Time,
    origin: &Origin,
) -> Result<(), StoreError> {
    let now = Time::now().millis();
    transaction.execute("DELETE FROM sign_ins WHERE expires_at < ?1", [now])?;
    transaction.execute(
        "INSERT INTO sign_ins (id, user_id, started_at, used_at, expires_at, address, client)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)",
        params![
            id,
            user.as_str(),
            now,
            expires_at.millis(),
            origin.address,
            origin.client
        ],
    )?;
    Ok(())
}

/// Ends a sign-in, whosever it is.
pub(super) fn end(transaction: &Transaction<'_>, id: &str) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM refresh_tokens WHERE family = ?1", [id])?;
    transaction.execute("DELETE FROM sign_ins WHERE id = ?1", [id])?;
    Ok(())
}

/// Ends all sign-ins and all access tokens of a user.
pub(super) fn end_all(transaction: &Transaction<'_>, user: &UserId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM refresh_tokens WHERE user_id = ?1",
        "DELETE FROM sign_ins WHERE user_id = ?1",
    ] {
        transaction.execute(sql, [user.as_str()])?;
    }
    transaction.execute(
        "UPDATE users SET generation = generation + 1, valid_after = ?2 WHERE id = ?1",
        params![user.as_str(), Time::now().seconds()],
    )?;
    Ok(())
}
