//! The product from the outside: a real server on a free port over a folder of
//! its own, asked over HTTP. One module a feature, and the rule of the layers.

// The lints' exception for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub)]

mod audit;
mod auth;
mod backups;
mod branches;
mod chat_model;
mod chat_module;
mod chat_store;
mod chats;
mod command_line;
mod conversations;
mod crash;
mod crash_chats;
mod credentials;
mod custody;
mod datasets;
mod doctor;
mod documents;
mod edge;
mod embedding_models;
mod evaluation;
mod failing_steps;
mod feedback;
mod first_token;
mod follow_ups;
mod formats;
mod gold;
mod hub;
mod isolation;
mod issuers;
mod keys;
mod layering;
mod library;
mod licences;
mod login_cost;
mod model_files;
mod models;
mod monitoring;
mod mutants;
mod openai;
mod orchestration;
mod overviews;
mod rag_chat;
mod real_documents;
mod replacing;
mod replay;
mod running_answers;
mod selected_text;
mod soft_deletion;
mod streams;
mod support;
mod tenants;
mod upkeep;
mod watch;
mod watched_folders;
mod whole_documents;
