//! Table `chunks`: the passages that are embedded and indexed.

use super::{Store, StoreError, json_list};
use crate::types::{Chunk, DatasetId, Neighbour, NewChunk, Placement};
use rusqlite::{Row, Transaction, params};

/// A chunk with what is needed to show it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredChunk {
    pub chunk: Chunk,
    pub dataset_id: DatasetId,
    pub external_id: Option<String>,
    pub filename: String,
    pub title: Option<String>,
    /// Whether `chunk.page` is a page of the original.
    pub paged: bool,
    /// Its section is that of the metadata, else the innermost heading.
    pub placement: Placement,
}

/// A chunk with what the keyword index wants of it.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexEntry {
    pub chunk: u64,
    pub document: u64,
    pub dataset: u64,
    /// Title and file name of the document.
    pub title: String,
    pub headings: String,
    pub text: String,
}

/// Where a chunk belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkPlace {
    pub chunk: u64,
    pub document: u64,
    pub dataset: u64,
}

impl From<&IndexEntry> for ChunkPlace {
    fn from(entry: &IndexEntry) -> Self {
        Self {
            chunk: entry.chunk,
            document: entry.document,
            dataset: entry.dataset,
        }
    }
}

const SELECT: &str = "
    SELECT c.key, c.document_key, x.dataset_key, x.id, c.position, c.page, c.start, c.end,
           c.heading_path, c.text, d.id, x.external_id, x.filename,
           json_extract(x.metadata, '$.title'), x.paged, x.module, x.chapter,
           json_extract(x.metadata, '$.section'), json_extract(x.metadata, '$.page_url')
    FROM chunks c JOIN documents x ON x.key = c.document_key
    JOIN datasets d ON d.key = x.dataset_key";

impl Store {
    /// Chunks of documents that are being embedded and have no vector yet. One that
    /// has all its vectors counts as one until it is in the indexes too.
    pub fn unembedded_chunks(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT coalesce(sum(max(chunks - embedded, 1)), 0) FROM documents
                 WHERE status = 'embedding'",
            )?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }

    /// The chunks with these keys, in the order of `keys`; those that are gone are left out.
    pub fn chunks_by_key(&self, keys: &[u64]) -> Result<Vec<StoredChunk>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "{SELECT} JOIN json_each(?1) wanted ON wanted.value = c.key ORDER BY wanted.key"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([json_list(keys)?], |row| Ok(stored_chunk(row)))?;
            rows.map(|row| row?).collect()
        })
    }

    /// All chunks of a document, or those of one of its pages, in order.
    pub fn document_chunks(
        &self,
        document_key: u64,
        page: Option<u32>,
    ) -> Result<Vec<StoredChunk>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "{SELECT} WHERE c.document_key = ?1 AND (?2 IS NULL OR c.page = ?2)
                 ORDER BY c.position"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows =
                statement.query_map(params![document_key, page], |row| Ok(stored_chunk(row)))?;
            rows.map(|row| row?).collect()
        })
    }

    /// The chunk of a document at a position, 0 for the first.
    pub fn chunk_at(
        &self,
        document_key: u64,
        position: u32,
    ) -> Result<Option<StoredChunk>, StoreError> {
        self.read(|connection| {
            let sql = format!("{SELECT} WHERE c.document_key = ?1 AND c.position = ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement
                .query_map(params![document_key, position], |row| Ok(stored_chunk(row)))?;
            rows.next().map(|row| row?).transpose()
        })
    }

    /// What stands right before and behind the chunks with these keys, in their
    /// order: on the same page, so that both are one span of it, and under the
    /// same headings.
    pub fn neighbours(&self, keys: &[u64]) -> Result<Vec<Neighbour>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT n.key, c.key, n.position < c.position,
                        CASE WHEN n.position < c.position
                             THEN substr(p.text, n.start + 1, c.start - n.start)
                             ELSE substr(p.text, c.end + 1, n.end - c.end) END
                 FROM json_each(?1) wanted JOIN chunks c ON c.key = wanted.value
                 JOIN chunks n ON n.document_key = c.document_key
                  AND n.position IN (c.position - 1, c.position + 1)
                  AND n.page = c.page AND n.heading_path = c.heading_path
                 JOIN pages p ON p.document_key = c.document_key AND p.number = c.page
                 ORDER BY wanted.key, n.position",
            )?;
            let rows = statement.query_map([json_list(keys)?], |row| {
                Ok(Neighbour {
                    chunk_key: row.get(0)?,
                    beside: row.get(1)?,
                    is_before: row.get(2)?,
                    text: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keys of all chunks that belong into the indexes (of documents that are
    /// ready), in rising order.
    pub fn indexed_chunk_keys(&self) -> Result<Vec<u64>, StoreError> {
        self.chunk_keys_of(&["ready"])
    }

    /// The chunks of documents that are being read or embedded, rising: of
    /// those that are read anew the indexes have the old ones until then.
    pub fn unfinished_chunk_keys(&self) -> Result<Vec<u64>, StoreError> {
        self.chunk_keys_of(&["queued", "extracting", "embedding"])
    }

    fn chunk_keys_of(&self, statuses: &[&str]) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            // From the documents to their chunks by the index, which holds keys alone:
            // the table would have to be read with all texts in it.
            let mut statement = connection.prepare_cached(
                "SELECT key FROM chunks WHERE document_key IN
                 (SELECT key FROM documents
                  WHERE status IN (SELECT value FROM json_each(?1)))",
            )?;
            let rows = statement.query_map([json_list(statuses)?], |row| row.get(0))?;
            let mut keys = rows.collect::<Result<Vec<u64>, _>>()?;
            keys.sort_unstable();
            Ok(keys)
        })
    }

    /// What the keyword index wants of these chunks.
    pub fn index_entries(&self, keys: &[u64]) -> Result<Vec<IndexEntry>, StoreError> {
        let chunks = self.chunks_by_key(keys)?;
        Ok(chunks.into_iter().map(IndexEntry::from).collect())
    }

    /// Where these chunks belong; those that are gone are left out.
    pub fn chunk_places(&self, keys: &[u64]) -> Result<Vec<ChunkPlace>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT c.key, c.document_key, x.dataset_key FROM json_each(?1) wanted
                 JOIN chunks c ON c.key = wanted.value JOIN documents x ON x.key = c.document_key",
            )?;
            let rows = statement.query_map([json_list(keys)?], |row| {
                Ok(ChunkPlace {
                    chunk: row.get(0)?,
                    document: row.get(1)?,
                    dataset: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many chunks there are in all.
    pub fn chunk_count(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let sql = "SELECT count(*) FROM chunks";
            Ok(connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))?)
        })
    }
}

impl From<StoredChunk> for IndexEntry {
    fn from(stored: StoredChunk) -> Self {
        let title = match stored.title {
            Some(title) if title != stored.filename => format!("{title} {}", stored.filename),
            _ => stored.filename,
        };
        Self {
            chunk: stored.chunk.key,
            document: stored.chunk.document_key,
            dataset: stored.chunk.dataset_key,
            title,
            headings: stored.chunk.heading_path.join(" "),
            text: stored.chunk.text,
        }
    }
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    document_key: u64,
    chunks: &[NewChunk],
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO chunks (document_key, position, page, start, end, heading_path, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (position, chunk) in chunks.iter().enumerate() {
        statement.execute(params![
            document_key,
            position,
            chunk.page,
            chunk.start,
            chunk.end,
            json_list(&chunk.heading_path)?,
            chunk.text
        ])?;
    }
    Ok(())
}

fn stored_chunk(row: &Row<'_>) -> Result<StoredChunk, StoreError> {
    let headings: String = row.get(8)?;
    let heading_path: Vec<String> =
        serde_json::from_str(&headings).map_err(|error| StoreError::Value(error.to_string()))?;
    let section: Option<String> = row.get(17)?;
    let placement = Placement {
        module: row.get(15)?,
        chapter: row.get(16)?,
        section: section.or_else(|| heading_path.last().cloned()),
        page_url: row.get(18)?,
    };
    Ok(StoredChunk {
        chunk: Chunk {
            key: row.get(0)?,
            document_key: row.get(1)?,
            dataset_key: row.get(2)?,
            document_id: row.get::<_, String>(3)?.into(),
            index: row.get(4)?,
            page: row.get(5)?,
            start: row.get(6)?,
            end: row.get(7)?,
            heading_path,
            text: row.get(9)?,
        },
        dataset_id: row.get::<_, String>(10)?.into(),
        external_id: row.get(11)?,
        filename: row.get(12)?,
        title: row.get(13)?,
        paged: row.get(14)?,
        placement,
    })
}

#[cfg(test)]
mod tests {
    use crate::store::{Insertion, NewDocument, NewText, Store};
    use crate::types::{
        DocumentId, DocumentMetadata, Neighbour, NewChunk, Page, PageOutcome, TenantId, UserId,
        Viewer, char_len,
    };

    const PAGE: &str = "Première. Deuxième: où? Troisième. Quatrième!";

    /// A chunk of [`PAGE`] on the page with this number.
    fn chunk(page: u32, text: &str, heading: &str) -> NewChunk {
        let start = char_len(&PAGE[..PAGE.find(text).unwrap()]);
        NewChunk {
            page,
            start,
            end: start + char_len(text),
            heading_path: vec![heading.to_owned()],
            text: text.to_owned(),
            tokens: 1,
        }
    }

    /// A store with one document of two pages; the keys of its chunks.
    fn stored(folder: &tempfile::TempDir, chunks: &[NewChunk]) -> (Store, Vec<u64>) {
        let store = Store::open(&folder.path().join("satchel.db")).unwrap();
        let tenant = TenantId::from("one");
        store.ensure_tenant(&tenant, "One").unwrap();
        let id = store.insert_dataset(&tenant, "Set", "", false).unwrap();
        let viewer = Viewer::whole_tenant(tenant);
        let new = NewDocument {
            id: DocumentId::generate(),
            dataset_key: store.dataset(&viewer, &id).unwrap().unwrap().key,
            user_id: UserId::from("ada"),
            external_id: None,
            filename: "book.pdf".to_owned(),
            bytes: 7,
            sha256: "abc".to_owned(),
            metadata: DocumentMetadata::default(),
        };
        let inserted = store.insert_documents(&[new]).unwrap();
        let [Insertion::Inserted { key }] = inserted[..] else {
            unreachable!("the store was empty");
        };
        let page = |number| Page {
            number,
            text: PAGE.to_owned(),
            outcome: PageOutcome::Text,
        };
        let text = NewText {
            file_type: "pdf",
            paged: true,
            language: None,
            metadata: &DocumentMetadata::default(),
            pages: &[page(1), page(2)],
            chunks,
        };
        let job = store.take_extract_job().unwrap().unwrap();
        store.store_extraction(&job, &text).unwrap();
        let chunks = store.document_chunks(key, None).unwrap().into_iter();
        let keys = chunks.map(|stored| stored.chunk.key).collect();
        (store, keys)
    }

    #[test]
    fn neighbours_have_what_the_page_has_beside_a_chunk() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = [
            "Première. Deuxième: où?",
            "Deuxième: où? Troisième.",
            "Quatrième!",
        ];
        let chunks = chunks.map(|text| chunk(1, text, "Livre"));
        let (store, keys) = stored(&folder, &chunks);
        let neighbour = |chunk: usize, beside: usize, text: &str| Neighbour {
            chunk_key: keys[chunk],
            beside: keys[beside],
            is_before: chunk < beside,
            text: text.to_owned(),
        };
        // In the order of the keys that are given.
        let found = store.neighbours(&[keys[1], keys[0]]).unwrap();
        let expected = [
            neighbour(0, 1, "Première. "),
            neighbour(2, 1, " Quatrième!"),
            neighbour(1, 0, " Troisième."),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn chunks_of_other_pages_and_other_sections_are_no_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = [
            chunk(1, "Première.", "Un"),
            chunk(1, "Troisième.", "Deux"),
            chunk(2, "Troisième.", "Deux"),
        ];
        let (store, keys) = stored(&folder, &chunks);
        assert!(store.neighbours(&keys).unwrap().is_empty());
    }
}
