//! Tables `embedders` and `vectors`: the truth that the vector index is made
//! from. A vector belongs to the fingerprint of the model that made it; widths
//! that happen to agree never mix.

use super::{Store, StoreError};
use half::f16;
use half::slice::HalfFloatSliceExt;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The vectors of an embedder for a list of chunks. The order of a cross join is
/// kept: left to choose, SQLite goes through all vectors and for each of them
/// through the list.
const OF_CHUNKS: &str = "
    SELECT v.chunk_key, v.vector FROM json_each(?2) wanted
    CROSS JOIN vectors v ON v.embedder_key = ?1 AND v.chunk_key = wanted.value";

impl Store {
    /// Stores vectors of one document's chunks and counts them as embedded.
    /// Chunks that were deleted meanwhile are passed over.
    pub fn insert_vectors(
        &self,
        fingerprint: &str,
        document_key: u64,
        vectors: &[(u64, Vec<f32>)],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let embedder = ensure_embedder(transaction, fingerprint)?;
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO vectors (embedder_key, chunk_key, vector)
                 SELECT ?1, key, ?3 FROM chunks WHERE key = ?2",
            )?;
            for (chunk, vector) in vectors {
                insert.execute(params![embedder, chunk, encode(vector)])?;
            }
            count(transaction, fingerprint, document_key)
        })
    }

    /// Discards the vectors that a model made of these chunks.
    pub fn discard_vectors(&self, fingerprint: &str, chunks: &[u64]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut delete = transaction.prepare_cached(
                "DELETE FROM vectors WHERE chunk_key = ?1
                 AND embedder_key = (SELECT key FROM embedders WHERE fingerprint = ?2)",
            )?;
            for chunk in chunks {
                delete.execute(params![chunk, fingerprint])?;
            }
            Ok(())
        })
    }

    /// The first chunks of a document that have no vector of this model yet, at
    /// most so many: key and text.
    pub fn chunks_without_vector(
        &self,
        fingerprint: &str,
        document_key: u64,
        most: usize,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT c.key, c.text FROM chunks c WHERE c.document_key = ?1
                 AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.chunk_key = c.key
                   AND v.embedder_key = (SELECT key FROM embedders WHERE fingerprint = ?2))
                 ORDER BY c.position LIMIT ?3",
            )?;
            let rows = statement.query_map(params![document_key, fingerprint, most], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many chunks of all documents have no vector of this model.
    pub fn count_without_vector(&self, fingerprint: &str) -> Result<u64, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT count(*) FROM chunks c WHERE NOT EXISTS
                 (SELECT 1 FROM vectors v WHERE v.chunk_key = c.key
                  AND v.embedder_key = (SELECT key FROM embedders WHERE fingerprint = ?1))",
            )?;
            Ok(statement.query_row([fingerprint], |row| row.get(0))?)
        })
    }

    /// The fingerprints of all models that vectors are kept of, the one that came
    /// last first.
    pub fn embedders(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT fingerprint FROM embedders ORDER BY key DESC";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Removes up to `most` vectors of one model that is not among `kept`, and the
    /// model with the last of them; `false` if there is no such model.
    pub fn remove_vectors_but(&self, kept: &[String], most: usize) -> Result<bool, StoreError> {
        let kept = super::json_list(kept)?;
        self.write(|transaction| {
            let former: Option<u64> = transaction
                .prepare_cached(
                    "SELECT key FROM embedders
                     WHERE fingerprint NOT IN (SELECT value FROM json_each(?1)) LIMIT 1",
                )?
                .query_row([kept], |row| row.get(0))
                .optional()?;
            let Some(former) = former else {
                return Ok(false);
            };
            let removed = transaction
                .prepare_cached(
                    "DELETE FROM vectors WHERE embedder_key = ?1 AND chunk_key IN
                     (SELECT chunk_key FROM vectors WHERE embedder_key = ?1 LIMIT ?2)",
                )?
                .execute(params![former, most])?;
            if removed == 0 {
                transaction.execute("DELETE FROM embedders WHERE key = ?1", [former])?;
            }
            Ok(true)
        })
    }

    /// The vectors of these chunks, as far as they exist.
    pub fn vectors_of(
        &self,
        fingerprint: &str,
        chunks: &[u64],
    ) -> Result<Vec<(u64, Vec<f32>)>, StoreError> {
        let list = super::json_list(chunks)?;
        self.read(|connection| {
            let Some(embedder) = embedder_key(connection, fingerprint)? else {
                return Ok(Vec::new());
            };
            let mut statement = connection.prepare_cached(OF_CHUNKS)?;
            let rows = statement.query_map(params![embedder, list], |row| {
                Ok((row.get(0)?, decode(row.get_ref(1)?.as_blob()?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Notes how many of a document's chunks have a vector of this model.
pub(super) fn count(
    transaction: &Transaction<'_>,
    fingerprint: &str,
    document_key: u64,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "UPDATE documents SET embedded =
             (SELECT count(*) FROM chunks c JOIN vectors v ON v.chunk_key = c.key
              AND v.embedder_key = (SELECT key FROM embedders WHERE fingerprint = ?2)
              WHERE c.document_key = ?1) WHERE key = ?1",
        )?
        .execute(params![document_key, fingerprint])?;
    Ok(())
}

/// Removes the vectors of a document's chunks that this model made.
pub(super) fn discard(
    transaction: &Transaction<'_>,
    fingerprint: &str,
    document_key: u64,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "DELETE FROM vectors
             WHERE embedder_key = (SELECT key FROM embedders WHERE fingerprint = ?1)
             AND chunk_key IN (SELECT key FROM chunks WHERE document_key = ?2)",
        )?
        .execute(params![fingerprint, document_key])?;
    Ok(())
}

fn embedder_key(connection: &Connection, fingerprint: &str) -> Result<Option<u64>, StoreError> {
    let key = connection
        .prepare_cached("SELECT key FROM embedders WHERE fingerprint = ?1")?
        .query_row([fingerprint], |row| row.get(0))
        .optional()?;
    Ok(key)
}

fn ensure_embedder(transaction: &Transaction<'_>, fingerprint: &str) -> Result<u64, StoreError> {
    if let Some(key) = embedder_key(transaction, fingerprint)? {
        return Ok(key);
    }
    transaction.execute(
        "INSERT INTO embedders (fingerprint) VALUES (?1)",
        [fingerprint],
    )?;
    Ok(transaction.last_insert_rowid() as u64)
}

fn encode(vector: &[f32]) -> Vec<u8> {
    let mut halves = vec![f16::ZERO; vector.len()];
    halves.convert_from_f32_slice(vector);
    halves.iter().flat_map(|half| half.to_le_bytes()).collect()
}

fn decode(bytes: &[u8]) -> Vec<f32> {
    let halves: Vec<f16> = bytes
        .chunks_exact(2)
        .map(|pair| f16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let mut vector = vec![0.0; halves.len()];
    halves.convert_to_f32_slice(&mut vector);
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_looked_up_and_not_searched_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("satchel.db")).unwrap();
        let plan: Vec<String> = store
            .read(|connection| {
                let mut statement =
                    connection.prepare(&format!("EXPLAIN QUERY PLAN {OF_CHUNKS}"))?;
                let steps = statement.query_map(params![1, "[1]"], |row| row.get(3))?;
                Ok(steps.collect::<Result<_, _>>()?)
            })
            .unwrap();
        let last = plan.last().unwrap();
        assert!(last.contains("embedder_key=? AND chunk_key=?"), "{plan:?}");
    }

    #[test]
    fn chunks_without_a_vector_are_listed_as_many_as_are_wanted_and_none_twice() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("satchel.db")).unwrap();
        let rows = "
            INSERT INTO tenants (id, name, created_at) VALUES ('t', 'T', 0);
            INSERT INTO datasets (key, id, tenant_id, name, created_at) VALUES (1, 'd', 't', 'D', 0);
            INSERT INTO documents (key, id, dataset_key, user_id, filename, bytes, sha256, status,
                chunks, created_at, updated_at)
            VALUES (1, 'x', 1, 'u', 'x.md', 1, 'h', 'embedding', 5, 0, 0);
            INSERT INTO chunks (key, document_key, position, page, start, end, heading_path, text)
            SELECT value + 10, 1, value, 1, 0, 1, '[]', 'text ' || value
            FROM json_each('[4, 0, 1, 2, 3]');";
        store
            .write(|rows_of| Ok(rows_of.execute_batch(rows)?))
            .unwrap();
        let list = |most| {
            let chunks = store.chunks_without_vector("model", 1, most).unwrap();
            chunks.into_iter().map(|(key, _)| key).collect::<Vec<u64>>()
        };
        let embed = |keys: &[u64]| {
            let vectors: Vec<_> = keys.iter().map(|&key| (key, vec![1.0, 0.0])).collect();
            store.insert_vectors("model", 1, &vectors).unwrap();
        };
        assert_eq!(list(2), [10, 11]);
        embed(&[11, 14]);
        assert_eq!(list(2), [10, 12]);
        embed(&[10, 12]);
        assert_eq!(list(2), [13]);
        embed(&[13]);
        assert_eq!(list(2), [0_u64; 0]);
        store
            .insert_vectors("another", 1, &[(10, vec![1.0])])
            .unwrap();
        let embedders = store.embedders().unwrap();
        assert_eq!(embedders, ["another", "model"]);
        let kept = ["another".to_owned()];
        // Three, two, and the model itself.
        for is_left in [true, true, true, false] {
            assert_eq!(store.remove_vectors_but(&kept, 3).unwrap(), is_left);
        }
        assert_eq!(store.embedders().unwrap(), kept);
        assert_eq!(store.vectors_of("another", &[10]).unwrap().len(), 1);
    }
}
