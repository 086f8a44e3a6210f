//! Bytes to pages of text, and pages to chunks.
