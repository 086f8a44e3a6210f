//! satchel: your documents, a model to ask them and the page to ask on, in one
//! executable. `src/ARCHITECTURE.md` is the map; `tests/it/layering.rs` holds
//! the rule which module may name which.

pub mod answer;
pub mod cli;
pub mod config;
pub mod extract;
pub mod http;
pub mod jobs;
pub mod lexical;
pub mod retrieve;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod vectors;

pub use satchel_engine as engine;
pub use satchel_types as types;
pub use satchel_types::error;
