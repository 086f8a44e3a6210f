//! Writes the tiny chat model of the tests to a file: `tiny_model FILE.gguf`.

use satchel::engine::decoder::{Architecture, write_tiny_model};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("tiny_model: the name of a file is needed");
        return ExitCode::FAILURE;
    };
    match write_tiny_model(&path, Architecture::Llama, 7) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tiny_model: {error}");
            ExitCode::FAILURE
        }
    }
}
