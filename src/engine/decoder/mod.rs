//! The chat model.
