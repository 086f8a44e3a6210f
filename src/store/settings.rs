//! Table `settings`: named values of the instance.

use super::{Store, StoreError};
use rusqlite::{OptionalExtension, params};

impl Store {
    /// The value of `name`, if it was ever set.
    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT value FROM settings WHERE name = ?1";
            let value = connection
                .prepare_cached(sql)?
                .query_row([name], |row| row.get(0))
                .optional()?;
            Ok(value)
        })
    }

    /// Sets `name` to `value`.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO settings (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value],
            )?;
            Ok(())
        })
    }

    /// Forgets `name`.
    pub fn remove_setting(&self, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM settings WHERE name = ?1", params![name])?;
            Ok(())
        })
    }
}
