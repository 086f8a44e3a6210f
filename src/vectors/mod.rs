//! Vector search: the only module that names usearch.
