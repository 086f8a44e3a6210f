//! The product from the outside: a real server on a free port over a folder of
//! its own, asked over HTTP. One module a feature, and the rule of the layers.

// The lints' exception for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub)]

mod auth;
mod chat_model;
mod command_line;
mod crash;
mod datasets;
mod documents;
mod edge;
mod embedding_models;
mod hub;
mod keys;
mod layering;
mod models;
mod openai;
mod rag_chat;
mod real_documents;
mod support;
