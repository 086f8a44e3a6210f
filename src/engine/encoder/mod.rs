//! The embedding model.
