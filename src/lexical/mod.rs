//! BM25 search: the only module that names tantivy.
