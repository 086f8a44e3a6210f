//! The index on disk: opening, writing, reading keys. Building queries is not
//! done here.

use super::{
    Filter, Hit, LexicalDocument, LexicalError, Result, Subject, Wording, analysis, pieces, query,
    wording,
};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use tantivy::collector::TopDocs;
use tantivy::columnar::Column;
use tantivy::indexer::IndexWriterOptions;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term};

/// Memory that documents may fill before they are written out; the least that
/// tantivy takes.
const WRITER_BYTES: usize = 15_000_000;

/// The fields of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) chunk: Field,
    pub(super) document: Field,
    pub(super) dataset: Field,
    pub(super) title: Field,
    pub(super) headings: Field,
    pub(super) text: Field,
    /// Pieces of the text's words, where its language has compounds.
    pub(super) pieces: Field,
}

/// A BM25 index of chunks. Searches and writes may overlap; a search sees what
/// was committed when it began.
pub struct Lexical {
    directory: PathBuf,
    fields: Fields,
    analyzer: TextAnalyzer,
    piece_analyzer: TextAnalyzer,
    opened: RwLock<Opened>,
    /// Made by the first write; holds the folder's lock and a thread.
    writer: Mutex<Option<IndexWriter>>,
}

struct Opened {
    index: Index,
    reader: IndexReader,
}

impl Lexical {
    /// Opens the index in `directory`. One that is damaged or was made by
    /// another version is thrown away and begun anew, which shows in [`Self::len`].
    pub fn open(directory: &Path) -> Result<Self> {
        let (schema, fields) = schema();
        let opened = Opened::open(directory, schema.clone()).or_else(|error| {
            tracing::warn!(%error, "the keyword index is begun anew");
            Opened::begin(directory, schema)
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            fields,
            analyzer: analysis::analyzer(),
            piece_analyzer: pieces::analyzer(),
            opened: RwLock::new(opened),
            writer: Mutex::new(None),
        })
    }

    /// Names how words are taken from texts and questions: two that differ find
    /// other words in the same text.
    pub fn analysis() -> &'static str {
        analysis::NAME
    }

    /// Adds chunks, in place of earlier ones of the same keys. Found after the
    /// next [`Self::commit`].
    pub fn add(&self, documents: &[LexicalDocument<'_>]) -> Result<()> {
        let fields = self.fields;
        self.write(|writer| {
            for document in documents {
                writer.delete_term(Term::from_field_u64(fields.chunk, document.chunk));
                let mut entry = TantivyDocument::new();
                entry.add_u64(fields.chunk, document.chunk);
                entry.add_u64(fields.document, document.document);
                entry.add_u64(fields.dataset, document.dataset);
                entry.add_text(fields.title, document.title);
                entry.add_text(fields.headings, document.headings);
                entry.add_text(fields.text, document.text);
                entry.add_text(fields.pieces, document.text);
                writer.add_document(entry)?;
            }
            Ok(())
        })
    }

    /// Removes chunks; in effect after the next [`Self::commit`].
    pub fn remove(&self, chunks: &[u64]) -> Result<()> {
        self.delete(self.fields.chunk, chunks)
    }

    /// Removes all chunks of a document; in effect after the next [`Self::commit`].
    pub fn remove_document(&self, document: u64) -> Result<()> {
        self.delete(self.fields.document, &[document])
    }

    /// Makes all writes so far durable and visible. Takes about 100 ms: once
    /// for many writes.
    pub fn commit(&self) -> Result<()> {
        let mut writer = self.lock_writer();
        let Some(open) = writer.as_mut() else {
            return Ok(());
        };
        if let Err(error) = open.commit() {
            *writer = None;
            return Err(error.into());
        }
        self.reload()
    }

    /// The best chunks for a question in a person's words, best first. Nothing
    /// in `question` is syntax except that quotation marks hold a phrase together.
    pub fn search(&self, question: &str, filter: &Filter, limit: usize) -> Result<Vec<Hit>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let searcher = self.searcher();
        let mut analyzer = self.analyzer.clone();
        let terms = query::terms(question, &mut analyzer, &searcher, self.fields)?;
        let mut analyzer = self.piece_analyzer.clone();
        let pieces = query::pieces(question, &mut analyzer, &searcher, self.fields)?;
        let chunks = searcher.num_docs();
        let Some(query) = query::build(&terms, pieces, chunks, filter, self.fields) else {
            return Ok(Vec::new());
        };
        let best = searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        let keys = key_columns(&searcher)?;
        let mut hits: Vec<Hit> = best
            .into_iter()
            .filter_map(|(score, address)| {
                let column = keys.get(address.segment_ord as usize)?;
                let chunk = column.first(address.doc_id)?;
                Some(Hit { chunk, score })
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
        Ok(hits)
    }

    /// For each text the share of the question's terms that it holds, 0-1,
    /// rare terms counting for more.
    pub fn coverage(&self, question: &str, texts: &[&str]) -> Result<Vec<f32>> {
        let mut analyzer = self.analyzer.clone();
        let terms = query::terms(question, &mut analyzer, &self.searcher(), self.fields)?;
        Ok(texts
            .iter()
            .map(|text| query::coverage(&terms, text, &mut analyzer))
            .collect())
    }

    /// How each text has the question's words, also against the other texts; with it
    /// the bytes of its sentences.
    pub fn wordings(
        &self,
        question: &str,
        texts: &[(&str, Vec<Range<usize>>)],
    ) -> Result<Vec<Wording>> {
        let mut analyzer = self.analyzer.clone();
        let terms = query::terms(question, &mut analyzer, &self.searcher(), self.fields)?;
        Ok(wording::wordings(question, &terms, texts, &mut analyzer))
    }

    /// The words of the question that carry a subject, and whether `text` has
    /// each. Identifiers are listed whole and in parts.
    pub fn subjects(&self, question: &str, text: &str) -> Vec<Subject> {
        query::subjects(question, text, &mut self.analyzer.clone())
    }

    /// Keys of all committed chunks, in rising order.
    pub fn chunk_keys(&self) -> Result<Vec<u64>> {
        let searcher = self.searcher();
        let mut keys = Vec::with_capacity(searcher.num_docs() as usize);
        for (segment, column) in searcher
            .segment_readers()
            .iter()
            .zip(key_columns(&searcher)?)
        {
            let alive = segment.doc_ids_alive();
            keys.extend(alive.filter_map(|document| column.first(document)));
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// How many chunks are committed.
    pub fn len(&self) -> usize {
        self.searcher().num_docs() as usize
    }

    /// Whether no chunk is committed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Throws everything away, also what is not committed.
    pub fn clear(&self) -> Result<()> {
        let mut writer = self.lock_writer();
        *writer = None;
        let fresh = Opened::begin(&self.directory, schema().0)?;
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Lets the writer and its threads go after the merges that it began; the
    /// next write makes a new one. Writes that were not committed are lost.
    pub fn release_writer(&self) -> Result<()> {
        match self.lock_writer().take() {
            Some(writer) => Ok(writer.wait_merging_threads()?),
            None => Ok(()),
        }
    }

    fn delete(&self, field: Field, values: &[u64]) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        self.write(|writer| {
            for &value in values {
                writer.delete_term(Term::from_field_u64(field, value));
            }
            Ok(())
        })
    }

    pub(super) fn make_writer(&self) -> Result<IndexWriter> {
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_BYTES)
            .num_merge_threads(1)
            .build();
        self.read(|opened| Ok(opened.index.writer_with_options(options)?))
    }

    /// Lets searches see what was committed.
    pub(super) fn reload(&self) -> Result<()> {
        self.read(|opened| Ok(opened.reader.reload()?))
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn write(
        &self,
        work: impl FnOnce(&IndexWriter) -> tantivy::Result<()>,
    ) -> Result<()> {
        let mut writer = self.lock_writer();
        if writer.is_none() {
            *writer = Some(self.make_writer()?);
        }
        let outcome = writer.as_ref().map_or(Ok(()), work);
        if outcome.is_err() {
            // A writer that failed stays dead: the next write makes another.
            *writer = None;
        }
        Ok(outcome?)
    }

    pub(super) fn lock_writer(&self) -> MutexGuard<'_, Option<IndexWriter>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many terms an index of so many chunks is searched for, in all fields.
    #[cfg(test)]
    pub(super) fn clauses(&self, question: &str, chunks: u64) -> usize {
        let mut analyzer = self.analyzer.clone();
        let terms = query::terms(question, &mut analyzer, &self.searcher(), self.fields);
        let query = query::build(
            &terms.unwrap(),
            Vec::new(),
            chunks,
            &Filter::default(),
            self.fields,
        );
        let mut count = 0;
        tantivy::query::Query::query_terms(&query.unwrap(), &mut |_, _| count += 1);
        count
    }

    fn read<T>(&self, work: impl FnOnce(&Opened) -> Result<T>) -> Result<T> {
        work(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn searcher(&self) -> Searcher {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.reader.searcher()
    }
}

impl Opened {
    /// Opens what is in `directory` and makes sure that it is whole.
    fn open(directory: &Path, schema: Schema) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let index = Self::index(directory, schema)?;
        // Before there is a reader: what this maps is let go of again.
        let damaged = index.validate_checksum()?;
        match damaged.iter().next() {
            None => Self::of(index),
            Some(file) => Err(LexicalError::Damaged(file.display().to_string())),
        }
    }

    /// Begins an empty index in place of what is in `directory`.
    fn begin(directory: &Path, schema: Schema) -> Result<Self> {
        if directory.exists() {
            std::fs::remove_dir_all(directory)?;
        }
        std::fs::create_dir_all(directory)?;
        Self::of(Self::index(directory, schema)?)
    }

    fn index(directory: &Path, schema: Schema) -> Result<Index> {
        let place = tantivy::directory::MmapDirectory::open(directory)
            .map_err(tantivy::TantivyError::from)?;
        let index = Index::builder()
            .schema(schema)
            .tokenizers(analysis::tokenizers())
            .open_or_create(place)?;
        Ok(index)
    }

    fn of(index: Index) -> Result<Self> {
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(1)
            .try_into()?;
        Ok(Self { index, reader })
    }
}

/// The key column of each segment.
fn key_columns(searcher: &Searcher) -> tantivy::Result<Vec<Column<u64>>> {
    let segments = searcher.segment_readers().iter();
    segments
        .map(|segment| segment.fast_fields().u64("chunk"))
        .collect()
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = |option| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(analysis::NAME)
            .set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    // Neither how often a chunk has a piece nor how long it is: a collection in
    // several languages has many chunks without any, so that a mean says nothing.
    let parts = TextFieldIndexing::default()
        .set_tokenizer(pieces::NAME)
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    let fields = Fields {
        chunk: builder.add_u64_field("chunk", INDEXED | FAST),
        document: builder.add_u64_field("document", INDEXED),
        dataset: builder.add_u64_field("dataset", INDEXED),
        title: builder.add_text_field("title", words(IndexRecordOption::WithFreqs)),
        headings: builder.add_text_field("headings", words(IndexRecordOption::WithFreqs)),
        text: builder.add_text_field("text", words(IndexRecordOption::WithFreqsAndPositions)),
        pieces: builder
            .add_text_field("pieces", TextOptions::default().set_indexing_options(parts)),
    };
    (builder.build(), fields)
}
