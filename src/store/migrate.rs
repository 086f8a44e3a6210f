//! Brings a database to the present schema, one numbered script at a time.

use super::StoreError;
use rusqlite::{Connection, TransactionBehavior};

/// The scripts in order; the schema's version is how many of them have run.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_api_keys.sql"),
    include_str!("migrations/0003_conversations.sql"),
    include_str!("migrations/0004_people.sql"),
    include_str!("migrations/0005_feedback.sql"),
    include_str!("migrations/0006_chats.sql"),
];

/// Runs the scripts that the database has not seen, each in a transaction.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len() as u32;
    if version > known {
        return Err(StoreError::TooNew {
            found: version,
            known,
        });
    }
    for (number, script) in MIGRATIONS.iter().enumerate().skip(version as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "user_version", number as u32 + 1)?;
        transaction.commit()?;
        tracing::info!(version = number + 1, "database migrated");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::store::{Store, StoreError};

    #[test]
    fn database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("satchel.db");
        drop(Store::open(&path).unwrap());
        let raw = rusqlite::Connection::open(&path).unwrap();
        raw.pragma_update(None, "user_version", 99).unwrap();
        drop(raw);
        assert!(matches!(
            Store::open(&path),
            Err(StoreError::TooNew { found: 99, .. })
        ));
    }

    #[test]
    fn reopened_database_keeps_its_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("satchel.db");
        Store::open(&path).unwrap().set_setting("a", "1").unwrap();
        let again = Store::open(&path).unwrap();
        assert_eq!(again.setting("a").unwrap().as_deref(), Some("1"));
    }
}
