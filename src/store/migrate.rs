//! Brings a database to the present schema, one numbered script at a time.

use super::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::HashMap;

/// The scripts in order; the schema's version is how many of them have run.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_api_keys.sql"),
    include_str!("migrations/0003_conversations.sql"),
    include_str!("migrations/0004_people.sql"),
    include_str!("migrations/0005_feedback.sql"),
    include_str!("migrations/0006_chats.sql"),
    include_str!("migrations/0007_branches.sql"),
    include_str!("migrations/0008_traces.sql"),
    include_str!("migrations/0009_unfinished.sql"),
    include_str!("migrations/0010_judgements.sql"),
    include_str!("migrations/0011_versions.sql"),
    include_str!("migrations/0012_answer_records.sql"),
    include_str!("migrations/0013_watched_folders.sql"),
    include_str!("migrations/0014_chat_search.sql"),
    include_str!("migrations/0015_document_counts.sql"),
    include_str!("migrations/0016_unanswerable.sql"),
];

/// Runs the scripts that the database has not seen, each in a transaction.
/// Meanwhile rows may refer to nothing, so that a table can be made anew; at the
/// end of each script no more of them do than before it. Those that did already
/// are for `satchel doctor --repair`, which needs the database open.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len() as u32;
    if version > known {
        return Err(StoreError::TooNew {
            found: version,
            known,
        });
    }
    connection.pragma_update(None, "foreign_keys", false)?;
    for (number, script) in MIGRATIONS.iter().enumerate().skip(version as usize) {
        step(connection, number as u32 + 1, script)?;
    }
    Ok(connection.pragma_update(None, "foreign_keys", true)?)
}

fn step(connection: &mut Connection, number: u32, script: &str) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = dangling(&transaction)?;
    transaction.execute_batch(script)?;
    let after = dangling(&transaction)?;
    let more =
        |(table, rows): &(&String, &usize)| **rows > before.get(*table).copied().unwrap_or(0);
    if let Some((table, _)) = after.iter().find(more) {
        let message = format!("after migration {number} a row of {table} refers to nothing");
        return Err(StoreError::Value(message));
    }
    transaction.pragma_update(None, "user_version", number)?;
    transaction.commit()?;
    tracing::info!(version = number, "database migrated");
    Ok(())
}

/// How many rows of each table refer to nothing; tables without such are left out.
fn dangling(transaction: &Transaction<'_>) -> Result<HashMap<String, usize>, StoreError> {
    let mut counts = HashMap::new();
    let mut check = transaction.prepare("PRAGMA foreign_key_check")?;
    for table in check.query_map([], |row| row.get::<_, String>(0))? {
        *counts.entry(table?).or_default() += 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::{MIGRATIONS, run};
    use crate::store::{Store, StoreError};
    use rusqlite::Connection;

    #[test]
    fn database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("satchel.db");
        drop(Store::open(&path).unwrap());
        let raw = Connection::open(&path).unwrap();
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

    #[test]
    fn datasets_of_an_older_database_keep_their_documents_and_their_keys() {
        let mut old = Connection::open_in_memory().unwrap();
        for script in &MIGRATIONS[..5] {
            old.execute_batch(script).unwrap();
        }
        old.pragma_update(None, "user_version", 5).unwrap();
        old.execute_batch(
            "INSERT INTO tenants (id, name, created_at) VALUES ('one', 'One', 0);
             INSERT INTO datasets (id, tenant_id, name, created_at)
                 VALUES ('a', 'one', 'Kept', 0), ('b', 'one', 'Gone', 0);
             INSERT INTO documents (id, dataset_key, user_id, filename, bytes, sha256, status,
                 created_at, updated_at) VALUES ('d', 1, 'u', 'f', 1, 's', 'ready', 0, 0);
             DELETE FROM datasets WHERE id = 'b';",
        )
        .unwrap();
        run(&mut old).unwrap();
        let one = |sql: &str| old.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
        let joined = "SELECT count(*) FROM documents x JOIN datasets d ON d.key = x.dataset_key";
        assert_eq!(one(joined), 1);
        assert_eq!(one("SELECT documents FROM document_counts"), 1);
        old.execute_batch(
            "INSERT INTO datasets (id, tenant_id, name, created_at) VALUES ('c', 'one', 'New', 0)",
        )
        .unwrap();
        assert_eq!(
            one("SELECT key FROM datasets WHERE id = 'c'"),
            3,
            "2 was used"
        );
        old.execute_batch("DELETE FROM datasets WHERE id = 'a'")
            .unwrap();
        assert_eq!(one("SELECT count(*) FROM documents"), 0, "they go with it");
    }

    #[test]
    fn row_that_referred_to_nothing_before_does_not_stop_a_migration() {
        let mut old = Connection::open_in_memory().unwrap();
        for script in &MIGRATIONS[..15] {
            old.execute_batch(script).unwrap();
        }
        old.execute_batch(
            "PRAGMA user_version = 15;
             PRAGMA foreign_keys = off;
             INSERT INTO datasets (id, tenant_id, name, created_at) VALUES ('a', 'gone', 'A', 0);",
        )
        .unwrap();
        run(&mut old).unwrap();
        let kept = "SELECT count(*) FROM datasets";
        assert_eq!(
            old.query_row(kept, [], |row| row.get::<_, u64>(0)).unwrap(),
            1
        );
    }

    #[test]
    fn judgements_of_an_older_database_are_kept() {
        let mut old = Connection::open_in_memory().unwrap();
        for script in &MIGRATIONS[..15] {
            old.execute_batch(script).unwrap();
        }
        old.pragma_update(None, "user_version", 15).unwrap();
        // Nothing that they refer to is needed to see that the rows are moved.
        old.execute_batch(
            "INSERT INTO tenants (id, name, created_at) VALUES ('one', 'One', 0);
             INSERT INTO datasets (id, tenant_id, name, created_at) VALUES ('a', 'one', 'A', 0);
             INSERT INTO documents (id, dataset_key, user_id, filename, bytes, sha256, status,
                 created_at, updated_at) VALUES ('d', 1, 'u', 'f', 1, 's', 'ready', 0, 0);
             INSERT INTO sessions (id, tenant_id, user_id, created_at, updated_at)
                 VALUES ('s', 'one', 'u', 0, 0);
             INSERT INTO messages (id, session_key, role, content, created_at)
                 VALUES ('m', 1, 'assistant', 'It is.', 0);
             INSERT INTO judgements (id, answer_key, document_key, page, start, end, sha256,
                 created_at) VALUES ('j', 1, 1, 1, 0, 9, 'hash', 7);",
        )
        .unwrap();
        run(&mut old).unwrap();
        let all = "SELECT count(*) FROM judgements WHERE id = 'j' AND document_key = 1
            AND page = 1 AND start = 0 AND end = 9 AND sha256 = 'hash' AND created_at = 7";
        let kept = old.query_row(all, [], |row| row.get::<_, u64>(0)).unwrap();
        assert_eq!(kept, 1);
        let without = "INSERT INTO judgements (id, answer_key, created_at) VALUES (?1, 1, 0)";
        old.execute(without, ["k"]).unwrap();
        assert!(old.execute(without, ["l"]).is_err(), "once an answer");
    }
}
