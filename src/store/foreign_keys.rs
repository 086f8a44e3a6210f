//! Rows that name a row of another table which is not there. SQLite lets no such
//! row come about; a damaged file, or another program that wrote to it, may.

use super::{Store, StoreError};
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;

/// A reference of one table to another, by one column.
struct Reference {
    table: String,
    column: String,
    parent: String,
    parent_column: String,
    /// What becomes of the row when the other is deleted.
    on_delete: String,
}

impl Store {
    /// Which tables have such rows, and how many.
    pub fn foreign_key_faults(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
            let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(2)?));
            let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
            for found in statement.query_map([], pair)? {
                *counts.entry(found?).or_default() += 1;
            }
            let told = counts
                .into_iter()
                .map(|((table, parent), count)| match count {
                    1 => format!("a row of {table} belongs to no row of {parent}"),
                    _ => format!("{count} rows of {table} belong to no row of {parent}"),
                });
            Ok(told.collect())
        })
    }

    /// Does to such rows what would have been done to them when the others were
    /// deleted; gives back how many there were.
    pub fn remove_orphans(&self) -> Result<usize, StoreError> {
        self.write(|transaction| {
            let references = references(transaction)?;
            let mut all = 0;
            // What is removed may leave others alone.
            loop {
                let mut removed = 0;
                for reference in &references {
                    if let Some(sql) = reference.remedy() {
                        removed += transaction.execute(&sql, [])?;
                    }
                }
                if removed == 0 {
                    return Ok(all);
                }
                all += removed;
            }
        })
    }
}

impl Reference {
    fn remedy(&self) -> Option<String> {
        let Self {
            table,
            column,
            parent,
            parent_column,
            on_delete,
        } = self;
        let alone = format!(
            "WHERE \"{column}\" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \"{parent}\" p
             WHERE p.\"{parent_column}\" = \"{table}\".\"{column}\")"
        );
        match on_delete.as_str() {
            "CASCADE" => Some(format!("DELETE FROM \"{table}\" {alone}")),
            "SET NULL" => Some(format!(
                "UPDATE \"{table}\" SET \"{column}\" = NULL {alone}"
            )),
            // Vectors are made again from their chunks.
            _ if table == "vectors" => Some(format!("DELETE FROM \"{table}\" {alone}")),
            _ => None,
        }
    }
}

fn references(connection: &Connection) -> Result<Vec<Reference>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT t.name, f.\"from\", f.\"table\", f.\"to\", f.on_delete
         FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Reference {
            table: row.get(0)?,
            column: row.get(1)?,
            parent: row.get(2)?,
            parent_column: row.get(3)?,
            on_delete: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_names_one_column_and_has_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("satchel.db")).unwrap();
        let references = store.read(references).unwrap();
        assert!(references.len() > 15);
        let several = "SELECT count(*) FROM sqlite_schema t
                       JOIN pragma_foreign_key_list(t.name) f WHERE f.seq > 0";
        let several: u64 = store
            .read(|connection| Ok(connection.query_row(several, [], |row| row.get(0))?))
            .unwrap();
        assert_eq!(several, 0);
        for reference in &references {
            let Reference { table, column, .. } = reference;
            assert!(reference.remedy().is_some(), "{table}.{column}");
        }
        assert!(store.foreign_key_faults().unwrap().is_empty());
        assert_eq!(store.remove_orphans().unwrap(), 0);
    }
}
