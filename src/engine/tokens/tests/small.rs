//! What small vocabularies of our own show about each kind of tokenizer.

use super::{byte_pair, key, metadata, sentence_piece, take, texts};
use crate::tokens::{ChatMessage, ChatTemplate, RenderOptions, Tokenizer, TokensError};
use candle_core::quantized::gguf_file::Value;
use satchel_types::Role;
use satchel_types::error::{ErrorKind, Kind};
use std::collections::HashMap;

fn with(mut metadata: HashMap<String, Value>, more: &[(&str, Value)]) -> HashMap<String, Value> {
    metadata.extend(more.iter().map(|(name, value)| (key(name), value.clone())));
    metadata
}

fn encode(tokenizer: &Tokenizer, text: &str) -> String {
    texts(tokenizer, &tokenizer.encode(text).unwrap()).join("|")
}

#[test]
fn words_are_merged_by_rank_and_never_across_their_borders() {
    let merges = ["a b", "b a", "Ġ ab", "ab ab"];
    let tokenizer = take(byte_pair("gpt-2", &merges, &[]));
    assert_eq!(encode(&tokenizer, "abab ab bab"), "abab|Ġab|Ġ|b|ab");
    assert_eq!(encode(&tokenizer, "ab\nab"), "ab|Ċ|ab");
}

#[test]
fn rule_with_whole_words_prefers_them_to_merges() {
    let merges = ["a b"];
    let further = [("abc", 1)];
    for (rule, expected) in [("gpt-2", "ab|c"), ("llama-bpe", "abc"), ("tekken", "abc")] {
        let tokenizer = take(byte_pair(rule, &merges, &further));
        assert_eq!(encode(&tokenizer, "abc"), expected, "{rule}");
    }
}

#[test]
fn composed_and_decomposed_characters_are_the_same_to_qwen() {
    let tokenizer = take(byte_pair("qwen2", &[], &[]));
    assert_eq!(
        tokenizer.encode("e\u{301}").unwrap(),
        tokenizer.encode("é").unwrap()
    );
    let other = take(byte_pair("llama-bpe", &[], &[]));
    assert_ne!(
        other.encode("e\u{301}").unwrap(),
        other.encode("é").unwrap()
    );
}

#[test]
fn rule_that_is_not_known_is_replaced_by_the_nearest() {
    for (rule, architecture, text, expected) in [
        ("qwen9", "llama", "12", "1|2"),
        ("", "qwen3", "12", "1|2"),
        ("novel", "llama", "1234", "123|4"),
    ] {
        let merges = ["1 2", "12 3", "123 4"];
        let mut metadata = byte_pair(rule, &merges, &[]);
        let architecture = Value::String(architecture.to_owned());
        metadata.insert("general.architecture".to_owned(), architecture);
        assert_eq!(encode(&take(metadata), text), expected, "{rule}");
    }
}

#[test]
fn merges_that_lead_nowhere_are_left_out() {
    let mut metadata = byte_pair("gpt-2", &["a b"], &[]);
    let merges = ["a b", "ab c", "x yz"].map(|merge| Value::String(merge.to_owned()));
    metadata.insert(key("merges"), Value::Array(merges.into()));
    assert_eq!(encode(&take(metadata), "abc"), "ab|c");
}

#[test]
fn endless_spaces_are_cut_in_no_time() {
    let tokenizer = take(byte_pair("qwen2", &["Ġ Ġ", "ĠĠ ĠĠ"], &[]));
    let begun = std::time::Instant::now();
    let tokens = tokenizer.encode(&format!("a{}b", " ".repeat(1 << 18)));
    assert!(tokens.unwrap().len() >= 1 << 16);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn sentence_piece_writes_in_bytes_what_no_token_covers() {
    let pieces = [("\u{2581}a", 1), ("b", 1), ("\u{2581}", 1), ("a", 1)];
    let tokenizer = take(sentence_piece(&pieces));
    assert_eq!(
        encode(&tokenizer, "ab é"),
        "\u{2581}a|b|\u{2581}|<0xC3>|<0xA9>"
    );
    assert!(tokenizer.starts_with_space());
}

#[test]
fn space_before_the_text_is_a_matter_of_the_file() {
    let pieces = [("\u{2581}a", 1), ("a", 1), ("\u{2581}", 1)];
    let bare = [("add_space_prefix", Value::Bool(false))];
    let tokenizer = take(with(sentence_piece(&pieces), &bare));
    assert_eq!(encode(&tokenizer, "a a"), "a|\u{2581}a");
    assert!(!tokenizer.starts_with_space());
}

#[test]
fn user_defined_pieces_are_matched_before_the_text_is_joined() {
    let pieces = [("ab", 1), ("a", 1), ("b", 1), ("\n\n", 4), ("\u{2581}", 1)];
    let bare = [("add_space_prefix", Value::Bool(false))];
    let tokenizer = take(with(sentence_piece(&pieces), &bare));
    assert_eq!(encode(&tokenizer, "ab\n\nab\n"), "ab|\n\n|ab|<0x0A>");
}

#[test]
fn phi3_swallows_line_ends_behind_its_marks() {
    let pieces = [("a", 1), ("<|user|>", 3), ("<|end|>", 3), ("\u{2581}", 1)];
    let mut metadata = sentence_piece(&pieces);
    let prompt = |metadata: HashMap<String, Value>| {
        let tokenizer = take(metadata);
        let template = ChatTemplate::choose(
            Some("<|user|>\n{{ messages[0].content }}<|end|>\n"),
            &tokenizer,
        );
        let messages = [ChatMessage::new(Role::User, "a")];
        let prompt = tokenizer.prompt(&template, &messages, &RenderOptions::default());
        texts(&tokenizer, &prompt.unwrap().tokens).join(" ")
    };
    assert!(prompt(metadata.clone()).contains("<0x0A>"));
    let architecture = Value::String("phi3".to_owned());
    metadata.insert("general.architecture".to_owned(), architecture);
    assert_eq!(prompt(metadata), "<s> <|user|> \u{2581} a <|end|>");
}

#[test]
fn prompt_starts_with_bos_once() {
    let pieces = [("a", 1), ("\u{2581}", 1)];
    for (adds, source, expected) in [
        (true, "<s>{{ messages[0].content }}", 1),
        (true, "{{ messages[0].content }}", 1),
        (false, "<s>{{ messages[0].content }}", 1),
        (false, "{{ messages[0].content }}", 0),
    ] {
        let flag = [("add_bos_token", Value::Bool(adds))];
        let tokenizer = take(with(sentence_piece(&pieces), &flag));
        let template = ChatTemplate::choose(Some(source), &tokenizer);
        let messages = [ChatMessage::new(Role::User, "a")];
        let options = RenderOptions::default();
        let prompt = tokenizer.prompt(&template, &messages, &options).unwrap();
        let starts = prompt.tokens.iter().filter(|token| **token == 1).count();
        assert_eq!(starts, expected, "{adds} {source}");
    }
}

#[test]
fn passage_for_an_encoder_stands_between_its_marks() {
    let words = [
        ("[UNK]", 2),
        ("[CLS]", 3),
        ("[SEP]", 3),
        ("\u{2581}em", 1),
        ("bed", 1),
        ("ding", 1),
        ("\u{2581},", 1),
    ];
    let ids = [
        ("unknown_token_id", Value::U32(0)),
        ("cls_token_id", Value::U32(1)),
        ("seperator_token_id", Value::U32(2)),
    ];
    let tokenizer = take(with(metadata("bert", &words), &ids));
    let passage = tokenizer.encode_passage("Émbedding, nothing").unwrap();
    assert_eq!(
        texts(&tokenizer, &passage).join("|"),
        "[CLS]|\u{2581}em|bed|ding|\u{2581},|[UNK]|[SEP]"
    );
}

#[test]
fn unigram_takes_the_likeliest_pieces() {
    let pieces = [
        ("<unk>", 2, 0.0),
        ("<s>", 3, 0.0),
        ("</s>", 3, 0.0),
        ("\u{2581}", 1, -3.0),
        ("\u{2581}ab", 1, -2.0),
        ("abc", 1, -2.5),
        ("c", 1, -4.0),
    ];
    let scores = pieces.iter().map(|(.., score)| Value::F32(*score));
    let tokens = pieces.map(|(text, kind, _)| (text, kind));
    let more = [
        ("scores", Value::Array(scores.collect())),
        ("unknown_token_id", Value::U32(0)),
        ("bos_token_id", Value::U32(1)),
        ("eos_token_id", Value::U32(2)),
        ("add_bos_token", Value::Bool(true)),
        ("add_eos_token", Value::Bool(true)),
    ];
    let tokenizer = take(with(metadata("t5", &tokens), &more));
    assert_eq!(encode(&tokenizer, "abc  ab"), "\u{2581}|abc|\u{2581}ab");
    assert_eq!(encode(&tokenizer, "<s>"), "\u{2581}|<unk>");
    let passage = tokenizer.encode_passage("c").unwrap();
    assert_eq!(texts(&tokenizer, &passage).join("|"), "<s>|\u{2581}|c|</s>");
}

#[test]
fn prompt_knows_whether_the_model_thinks_already() {
    let tokenizer = take(byte_pair("qwen2", &[], &[("<think>", 4), ("</think>", 4)]));
    let source = "{{ messages[0].content }}{% if enable_thinking is not false %}<think>\n{% else %}<think>\n\n</think>{% endif %}";
    let template = ChatTemplate::choose(Some(source), &tokenizer);
    assert!(template.thinking().unwrap().can_switch_off);
    let messages = [ChatMessage::new(Role::User, "Why? <think>")];
    for (enable_thinking, expected) in [(None, true), (Some(true), true), (Some(false), false)] {
        let options = RenderOptions {
            enable_thinking,
            ..RenderOptions::default()
        };
        let prompt = tokenizer.prompt(&template, &messages, &options).unwrap();
        assert_eq!(prompt.is_thinking, expected);
    }
}

#[test]
fn marks_of_thinking_are_seen_even_if_they_are_control_tokens() {
    let tokenizer = take(byte_pair("tekken", &[], &[("[THINK]", 3), ("[INST]", 3)]));
    let bytes = |text: &str| tokenizer.bytes_of(tokenizer.id_of(text).unwrap());
    assert_eq!(bytes("[THINK]"), b"[THINK]");
    assert_eq!(bytes("[INST]"), b"");
    assert_eq!(tokenizer.bytes_of(9_999_999), b"");
}

#[test]
fn end_tokens_are_known_by_their_texts() {
    let further = [
        ("<|im_end|>", 4),
        ("<|endoftext|>", 1),
        ("</s>", 4),
        ("end", 1),
    ];
    let tokenizer = take(byte_pair("qwen2", &[], &further));
    let ends = |text: &str| tokenizer.is_end(tokenizer.id_of(text).unwrap());
    assert!(ends("<|im_end|>") && ends("<|endoftext|>"));
    // Struck-out text in the vocabulary of Gemma.
    assert!(!ends("</s>") && !ends("end"));
}

fn failure(mut metadata: HashMap<String, Value>) -> TokensError {
    Tokenizer::take(&mut metadata).err().unwrap()
}

#[test]
fn what_cannot_be_used_is_named() {
    let error = failure(metadata("rwkv", &[("a", 1)]));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("rwkv"));
    let mut pairs = byte_pair("gpt-2", &["a b"], &[]);
    pairs.insert(key("merges"), Value::Array(vec![Value::U8(1)]));
    assert!(failure(pairs.clone()).to_string().contains("merges"));
    let merges = Value::Array(vec![Value::String("ab".to_owned())]);
    pairs.insert(key("merges"), merges);
    assert!(failure(pairs.clone()).to_string().contains("pair"));
    pairs.remove(&key("merges"));
    assert!(matches!(failure(pairs), TokensError::Missing(_)));
    let few = [("scores", Value::Array(vec![Value::F32(1.0)]))];
    let error = failure(with(sentence_piece(&[]), &few));
    assert!(error.to_string().contains("scores"), "{error}");
    assert!(matches!(
        failure(metadata("gpt2", &[])),
        TokensError::Damaged(_)
    ));
    let table = [(
        "precompiled_charsmap",
        Value::Array(vec![Value::U8(255); 9]),
    )];
    let scores = [("scores", Value::Array(vec![Value::F32(0.0)]))];
    let ids = [("unknown_token_id", Value::U32(0))];
    let unigram = with(
        metadata("t5", &[("<unk>", 2)]),
        &[&table[..], &scores, &ids].concat(),
    );
    assert!(failure(unigram).to_string().contains("table"));
}
