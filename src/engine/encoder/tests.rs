//! The bundled model against vectors that an independent runtime computed.

use std::io::Cursor;
use std::sync::LazyLock;

use candle_core::Device;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file;
use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::gguf_file::Value;

use super::forward::Scratch;
use super::*;
use crate::kernels::Instructions;
use crate::kernels::Level;

static ENCODER: LazyLock<Encoder> = LazyLock::new(|| Encoder::bundled().unwrap());
static REFERENCE: &str = include_str!("../../../tests/fixtures/embedding_reference.json");

#[derive(Deserialize)]
struct Reference {
    entries: Vec<Entry>,
}

/// A text, its ids, and its vector as base64 of little-endian f16.
#[derive(Deserialize)]
struct Entry {
    text: String,
    ids: Vec<u32>,
    vector: String,
}

fn reference() -> Vec<Entry> {
    serde_json::from_str::<Reference>(REFERENCE)
        .unwrap()
        .entries
}

fn decode(base64: &str) -> Vec<f32> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bytes: Vec<u8> = base64
        .as_bytes()
        .chunks_exact(4)
        .flat_map(|quad| {
            let bits = quad
                .iter()
                .fold(0u32, |bits, byte| bits << 6 | u32::from(digit(*byte)));
            [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]
        })
        .collect();
    let halves = bytes.chunks_exact(2);
    halves
        .map(|pair| half::f16::from_le_bytes([pair[0], pair[1]]).to_f32())
        .collect()
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

#[test]
fn vectors_match_an_independent_runtime() {
    let entries = reference();
    assert!(entries.len() >= 50);
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    let vectors = ENCODER.embed(&texts).unwrap();
    let mut cosines: Vec<f32> = Vec::new();
    for (entry, vector) in entries.iter().zip(&vectors) {
        let cosine = cosine(vector, &decode(&entry.vector));
        assert!(cosine >= 0.999, "{cosine} for {:?}", entry.text);
        cosines.push(cosine);
    }
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    println!(
        "least cosine {}, mean {mean}",
        cosines.iter().copied().fold(1.0, f32::min)
    );
}

#[test]
fn tokens_match_the_published_tokenizer() {
    for entry in reference() {
        let mut ids = ENCODER.model.tokens.ids(&entry.text).unwrap();
        assert_eq!(ids.len(), ENCODER.count_tokens(&entry.text));
        ids.truncate(ENCODER.window() - 2);
        assert_eq!(ids, entry.ids, "{:?}", entry.text);
    }
}

#[test]
fn every_instruction_set_gives_the_same_vectors() {
    let text = "The pump must be switched off before the filter is taken out.";
    let best = ENCODER.embed(&[text]).unwrap().remove(0);
    let framed = ENCODER.framed(text).unwrap();
    for instructions in Instructions::available() {
        for level in Level::available() {
            let mut scratch = Scratch::default();
            (scratch.workers.instructions, scratch.workers.level) = (instructions, level);
            let rows = ENCODER.model.forward(&[&framed], &mut scratch);
            let cosine = cosine(&ENCODER.pool(rows), &best);
            assert!(cosine > 0.999_9, "{instructions:?} {level:?} {cosine}");
        }
    }
}

/// The same weights as plain floats, which meet float activations.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut reader = Cursor::new(bytes);
    let content = Content::read(&mut reader).unwrap();
    let tensors: Vec<(String, QTensor)> = content
        .tensor_infos
        .keys()
        .map(|name| {
            let stored = content.tensor(&mut reader, name, &Device::Cpu).unwrap();
            let plain = stored.dequantize(&Device::Cpu).unwrap();
            let plain = QTensor::quantize(&plain, GgmlDType::F32).unwrap();
            (name.clone(), plain)
        })
        .collect();
    let metadata: Vec<(&str, &Value)> = content
        .metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let mut written = Cursor::new(Vec::new());
    gguf_file::write(&mut written, &metadata, &tensors).unwrap();
    written.into_inner()
}

#[test]
fn unpacked_weights_give_the_same_vectors() {
    let unpacked = Encoder::from_gguf(&unpacked(BUNDLED)).unwrap();
    assert_ne!(unpacked.fingerprint(), ENCODER.fingerprint());
    let entries = reference();
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    let pairs = unpacked.embed(&texts).unwrap().into_iter();
    for (unpacked, ours) in pairs.zip(ENCODER.embed(&texts).unwrap()) {
        assert!(cosine(&unpacked, &ours) > 0.999_9);
    }
}

#[test]
fn a_text_has_the_same_vector_alone_and_in_a_batch() {
    let entries = reference();
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    let together = ENCODER.encode(&texts).unwrap();
    for (text, encoding) in texts.iter().zip(&together).step_by(7) {
        let alone = ENCODER.encode(&[text]).unwrap().remove(0);
        assert_eq!(&alone, encoding, "{text:?}");
    }
}

#[test]
fn token_vectors_leave_out_the_special_tokens_and_have_length_one() {
    let text = "The filter may be removed.";
    let encoding = ENCODER.encode(&[text]).unwrap().remove(0);
    assert_eq!(encoding.tokens.len(), ENCODER.count_tokens(text));
    assert_eq!(encoding.tokens.dimensions(), ENCODER.dimensions());
    for row in encoding.tokens.rows() {
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((length - 1.0).abs() < 1e-5);
    }
    assert!((late_interaction(&encoding.tokens, &encoding.tokens) - 1.0).abs() < 1e-5);
}

#[test]
fn late_interaction_prefers_the_sentence_that_answers() {
    let texts = [
        "When must the rent be paid?",
        "Rent is due on the first working day of each month.",
        "The keys are handed over at the office.",
    ];
    let encodings = ENCODER.encode(&texts).unwrap();
    let score = |n: usize| late_interaction(&encodings[0].tokens, &encodings[n].tokens);
    assert!(score(1) > score(2) + 0.1);
}

#[test]
fn what_lies_beyond_the_window_does_not_change_the_vector() {
    let long = "word ".repeat(400);
    let longer = format!("{long} and something else");
    assert_eq!(
        ENCODER.embed(&[&long]).unwrap(),
        ENCODER.embed(&[&longer]).unwrap()
    );
    let tokens = ENCODER.encode(&[&long]).unwrap().remove(0).tokens;
    assert_eq!(tokens.len(), ENCODER.window() - 2);
}

#[test]
fn text_without_tokens_and_no_text_at_all_are_fine() {
    assert!(ENCODER.embed(&[]).unwrap().is_empty());
    let empty = ENCODER.encode(&[""]).unwrap().remove(0);
    assert!(empty.tokens.is_empty());
    assert_eq!(empty.pooled.len(), ENCODER.dimensions());
}

#[test]
fn fingerprint_is_that_of_the_file_and_the_manifest_is_true() {
    let loaded = Encoder::from_gguf(BUNDLED).unwrap();
    assert_eq!(ENCODER.fingerprint(), loaded.fingerprint());
    let manifest: toml::Table = toml::from_str(MANIFEST).unwrap();
    let model = &manifest["embedding"];
    assert_eq!(model["name"].as_str(), Some(ENCODER.name()));
    assert_eq!(
        model["dimensions"].as_integer(),
        Some(ENCODER.dimensions() as i64)
    );
    assert_eq!(model["window"].as_integer(), Some(ENCODER.window() as i64));
}

#[test]
fn known_texts_are_not_read_again() {
    let mut known = Known::default();
    let other = ENCODER.encode(&["something else"]).unwrap().remove(0);
    known.add("a lamp", other.clone());
    let texts = ["a keeper", "a lamp", "a keeper"];
    let found = ENCODER.encode_with(&texts, &mut known).unwrap();
    let keeper = ENCODER.encode(&["a keeper"]).unwrap().remove(0);
    assert_eq!(found, [&keeper, &other, &keeper]);
    assert!(known.has("a keeper") && !known.has("something else"));
}

#[test]
fn damaged_files_are_refused() {
    assert!(Encoder::from_gguf(b"").is_err());
    assert!(Encoder::from_gguf(b"GGUF").is_err());
    for length in [100, 5_000, BUNDLED.len() / 2, BUNDLED.len() - 1] {
        assert!(Encoder::from_gguf(&BUNDLED[..length]).is_err(), "{length}");
    }
    let mut other = BUNDLED.to_vec();
    let at = other.windows(4).position(|bytes| bytes == b"bert").unwrap();
    other[at..at + 4].copy_from_slice(b"grtb");
    let error = Encoder::from_gguf(&other).err().unwrap();
    assert!(matches!(error, EncoderError::Unsupported(_)));
    let mut unaligned = BUNDLED.to_vec();
    let key = b"general.alignment";
    let at = unaligned
        .windows(key.len())
        .position(|bytes| bytes == key)
        .unwrap();
    unaligned[at + key.len() + 4..][..4].fill(0);
    assert!(Encoder::from_gguf(&unaligned).is_err());
}
