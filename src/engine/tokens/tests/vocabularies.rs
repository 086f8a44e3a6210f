//! Whole vocabularies: the tokens are those that llama.cpp gives.

use super::shared;
use crate::tokens::Tokenizer;
use candle_core::quantized::gguf_file::Content;
use std::fs::File;
use std::io::BufReader;

#[test]
fn tokens_of_a_gpt2_vocabulary_are_those_of_llama_cpp() {
    compare("gpt-2", true);
}

#[test]
fn tokens_of_a_sentencepiece_vocabulary_are_those_of_llama_cpp() {
    compare("llama-spm", true);
}

#[test]
fn tokens_of_a_wordpiece_vocabulary_are_those_of_llama_cpp() {
    compare("bert-bge", false);
}

/// `keeps_all`: the tokens can be turned back into the text.
fn compare(name: &str, keeps_all: bool) {
    let Some(path) = shared(&format!("vocab/{name}.gguf")) else {
        return;
    };
    let beside = |ending: &str| {
        let path = path.with_extension(format!("gguf.{ending}"));
        std::fs::read_to_string(path).unwrap()
    };
    let mut file = BufReader::new(File::open(&path).unwrap());
    let mut content = Content::read(&mut file).unwrap();
    let tokenizer = Tokenizer::take(&mut content.metadata).unwrap();
    let (texts, expected) = (beside("inp"), beside("out"));
    let mut compared = 0;
    for (text, line) in texts.split("\n__ggml_vocab_test__\n").zip(expected.lines()) {
        let wanted: Vec<u32> = line
            .split_whitespace()
            .map(|id| id.parse().unwrap())
            .collect();
        let tokens = tokenizer.encode(text).unwrap();
        assert_eq!(tokens, wanted, "{text:?}");
        if keeps_all {
            let bytes = tokens.iter().flat_map(|token| tokenizer.bytes_of(*token));
            let back = String::from_utf8(bytes.collect()).unwrap();
            let space = if tokenizer.starts_with_space() {
                " "
            } else {
                ""
            };
            let back = back.strip_prefix(space).unwrap_or(&back);
            assert_eq!(back, text);
        }
        compared += 1;
    }
    assert_eq!(compared, 46);
}
