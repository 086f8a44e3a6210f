//! Table `refresh_tokens`. Only hashes are stored; a token is used once and
//! replaced. A spent token that comes back was stolen from one side or the
//! other, so the whole sign-in (its family) ends.

use super::sign_ins::{self, Origin};
use super::{Store, StoreError};
use crate::types::{Time, UserId};
use rusqlite::{OptionalExtension, params};

/// How an attempt to use a refresh token ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Refresh {
    /// It was valid and is now replaced; its sign-in goes on.
    Rotated { user: UserId, sign_in: String },
    /// It is unknown or expired.
    Unknown,
    /// It was used before; its sign-in has been ended.
    Replayed,
}

/// Two tabs that refresh at the same moment are not a theft: a spent token is
/// still good for this long.
const GRACE_MILLIS: i64 = 10_000;

impl Store {
    /// Stores the first token of a new sign-in.
    pub fn insert_refresh_token(
        &self,
        hash: &[u8],
        family: &str,
        user: &UserId,
        expires_at: Time,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            sign_ins::insert(transaction, family, user, expires_at, origin)?;
            transaction.execute(
                "DELETE FROM refresh_tokens WHERE expires_at < ?1",
                [Time::now().millis()],
            )?;
            transaction.execute(
                "INSERT INTO refresh_tokens (hash, family, user_id, expires_at)
                 VALUES (?1, ?2, ?3, ?4)",
                params![hash, family, user.as_str(), expires_at.millis()],
            )?;
            Ok(())
        })
    }

    /// Spends the token `old` and stores `new` in its family.
    pub fn rotate_refresh_token(
        &self,
        old: &[u8],
        new: &[u8],
        expires_at: Time,
    ) -> Result<Refresh, StoreError> {
        let now = Time::now().millis();
        self.write(|transaction| {
            let found: Option<(String, String, Option<i64>)> = transaction
                .query_row(
                    "SELECT family, user_id, spent_at FROM refresh_tokens
                     WHERE hash = ?1 AND expires_at >= ?2",
                    params![old, now],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()?;
            let Some((family, user, spent_at)) = found else {
                return Ok(Refresh::Unknown);
            };
            if spent_at.is_some_and(|at| at + GRACE_MILLIS < now) {
                sign_ins::end(transaction, &family)?;
                return Ok(Refresh::Replayed);
            }
            transaction.execute(
                "UPDATE refresh_tokens SET spent_at = coalesce(spent_at, ?2) WHERE hash = ?1",
                params![old, now],
            )?;
            transaction.execute(
                "INSERT INTO refresh_tokens (hash, family, user_id, expires_at)
                 VALUES (?1, ?2, ?3, ?4)",
                params![new, family, user, expires_at.millis()],
            )?;
            transaction.execute(
                "UPDATE sign_ins SET used_at = ?2, expires_at = ?3 WHERE id = ?1",
                params![family, now, expires_at.millis()],
            )?;
            Ok(Refresh::Rotated {
                user: user.into(),
                sign_in: family,
            })
        })
    }

    /// Ends the sign-in that `hash` belongs to; whose it was.
    pub fn end_sign_in(&self, hash: &[u8]) -> Result<Option<UserId>, StoreError> {
        self.write(|transaction| {
            let found: Option<(String, String)> = transaction
                .query_row(
                    "SELECT family, user_id FROM refresh_tokens WHERE hash = ?1",
                    [hash],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let Some((family, user)) = found else {
                return Ok(None);
            };
            sign_ins::end(transaction, &family)?;
            Ok(Some(user.into()))
        })
    }
}
