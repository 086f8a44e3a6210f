//! The forward pass against candle-transformers' models with the same made-up
//! weights, from a publisher's folder and from GGUF.

use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::GgmlDType;
use serde_json::json;

use super::forward::Scratch;
use super::made_models::*;
use super::*;

/// The least cosine of a token's vector with the reference's.
fn agreement(model: &Model, reference: &Hidden, text: &Framed) -> f32 {
    let ids = Tensor::new(text.ids.as_slice(), &Device::Cpu).unwrap();
    let hidden = reference(&ids.unsqueeze(0).unwrap()).squeeze(0).unwrap();
    let hidden: Vec<Vec<f32>> = hidden.to_vec2().unwrap();
    let mut scratch = Scratch::default();
    let rows = model.forward(&[text], &mut scratch);
    let rows = rows.chunks_exact(model.width());
    assert_eq!(rows.len(), hidden.len());
    let cosines = rows.zip(&hidden).map(|(ours, theirs)| {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(ours, theirs) / (dot(ours, ours) * dot(theirs, theirs)).sqrt()
    });
    cosines.fold(1.0, f32::min)
}

fn check_folder(made: &Made, pair: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    write_folder(folder.path(), made, pair);
    let model = Model::open(folder.path()).unwrap();
    // Short, and longer than the queries that attention takes at once.
    for count in [1, 5, 70, 300] {
        let text = model.tokens.framed(&words(count), 400).unwrap();
        assert_eq!(text.ids.len(), count + 2);
        let agreement = agreement(&model, &made.reference, &text);
        assert!(agreement > 0.999_9, "{count} words: {agreement}");
    }
}

#[test]
fn bert_agrees_with_the_reference() {
    check_folder(&bert_model(), &BERT_PAIR);
}

#[test]
fn xlm_roberta_agrees_with_the_reference() {
    check_folder(&xlm_model(), &XLM_PAIR);
}

#[test]
fn jina_bert_agrees_with_the_reference() {
    check_folder(&jina_model(), &BERT_PAIR);
}

#[test]
fn nomic_bert_agrees_with_the_reference() {
    check_folder(&nomic_model(), &BERT_PAIR);
}

#[test]
fn modern_bert_agrees_with_the_reference() {
    check_folder(&modern_model(), &BERT_PAIR);
}

#[test]
fn every_architecture_is_read_from_gguf_too() {
    let cases = [
        ("bert", bert_model()),
        ("bert", xlm_model()),
        ("jina-bert-v2", jina_model()),
        ("nomic-bert", nomic_model()),
        ("modern-bert", modern_model()),
    ];
    for (architecture, made) in cases {
        for (kind, least) in [(GgmlDType::F32, 0.999_9), (GgmlDType::Q8_0, 0.99)] {
            let bytes = write_gguf(&made, architecture, kind);
            let model = Model::of_bytes(Cow::Owned(bytes), None).unwrap();
            assert_eq!(model.pooling, Some(Pooling::First));
            let text = model.tokens.framed(&words(70), 400).unwrap();
            assert_eq!(text.ids.len(), 72);
            let agreement = agreement(&model, &made.reference, &text);
            println!("{architecture} {kind:?}: {agreement}");
            assert!(agreement > least, "{architecture} {kind:?}: {agreement}");
        }
    }
}

#[test]
fn folder_says_how_to_pool_how_far_to_read_and_what_to_put_before() {
    let folder = tempfile::tempdir().unwrap();
    let made = bert_model();
    write_folder(folder.path(), &made, &BERT_PAIR);
    let file = |name: &str, value: serde_json::Value| {
        std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    };
    let plain = Encoder::open(folder.path()).unwrap();
    assert!(plain.fingerprint().ends_with("-mean-l2"));
    std::fs::create_dir(folder.path().join("1_Pooling")).unwrap();
    file(
        "1_Pooling/config.json",
        json!({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}),
    );
    file("sentence_bert_config.json", json!({"max_seq_length": 32}));
    file(
        "config_sentence_transformers.json",
        json!({"prompts": {"query": "w4 ", "document": "w5 "}}),
    );
    let other = Encoder::open(folder.path()).unwrap();
    assert_eq!(other.window(), 32);
    assert!(other.fingerprint().contains("-cls-l2-"));
    let text = "w9 w10";
    assert_eq!(
        other.embed_query(text).unwrap(),
        other.embed(&["w4 w9 w10"]).unwrap()[0]
    );
    assert_eq!(
        other.embed_passages(&[text]).unwrap(),
        other.embed(&["w5 w9 w10"]).unwrap()
    );
    let bare = other.with_prompts(Some(String::new()), Some(String::new()));
    assert_eq!(
        bare.embed_passages(&[text]).unwrap(),
        bare.embed(&[text]).unwrap()
    );
    file(
        "modules.json",
        json!([{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]),
    );
    let error = Encoder::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("Dense"), "{error}");
}

#[test]
fn what_cannot_be_run_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |made: &Made| {
        write_folder(folder.path(), made, &BERT_PAIR);
        let error = Encoder::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains(&folder.path().display().to_string()));
        error
    };
    let mut made = bert_model();
    made.config["model_type"] = json!("mpnet");
    assert!(refusal(&made).contains("\"mpnet\""));
    made.config["model_type"] = json!("bert");
    made.config["hidden_act"] = json!("relu");
    assert!(refusal(&made).contains("\"relu\""));
    made.config["hidden_act"] = json!("gelu");
    made.config["num_attention_heads"] = json!(8);
    assert!(refusal(&made).contains("multiples of 32"));
    made.config["num_attention_heads"] = json!(4);
    made.config["num_hidden_layers"] = json!(5);
    assert!(refusal(&made).contains("encoder.layer.3"));
    let missing = Encoder::open(&folder.path().join("nothing.gguf"));
    assert!(matches!(missing, Err(EncoderError::Missing(_))));
    let weights = folder.path().join("model.safetensors");
    std::fs::write(&weights, [255; 20]).unwrap();
    assert!(Encoder::open(folder.path()).is_err());
}

#[test]
fn reranker_agrees_with_the_reference() {
    let mut pairs: Vec<Framed> = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    let made = classifier(1);
    write_folder(folder.path(), &made, &XLM_PAIR);
    let reranker = Reranker::open(folder.path()).unwrap();
    let passages: Vec<String> = [3, 20, 60, 500].map(words).to_vec();
    let passages: Vec<&str> = passages.iter().map(String::as_str).collect();
    let scores = reranker.scores("w7 w8 w9", &passages).unwrap();
    let tokens = &reranker.model_tokens();
    for passage in &passages {
        let ids = [
            tokens.ids("w7 w8 w9").unwrap(),
            tokens.ids(passage).unwrap(),
        ];
        pairs.push(tokens.framed_pair(ids, 398));
    }
    assert_eq!(pairs[0].ids, [0, 7, 8, 9, 2, 2, 4, 21, 38, 2]);
    assert_eq!(pairs[0].second, 6);
    assert_eq!(pairs[3].ids.len(), 398, "cut at the window");
    for (pair, score) in pairs.iter().zip(&scores) {
        let ids = Tensor::new(pair.ids.as_slice(), &Device::Cpu).unwrap();
        let theirs = (made.reference)(&ids.unsqueeze(0).unwrap());
        let theirs: f32 = theirs.flatten_all().unwrap().to_vec1().unwrap()[0];
        assert!((theirs - score).abs() < 1e-3, "{theirs} {score}");
    }
    assert!(scores.iter().any(|score| (score - scores[0]).abs() > 0.01));
}

#[test]
fn a_model_without_a_head_is_no_reranker() {
    let folder = tempfile::tempdir().unwrap();
    write_folder(folder.path(), &bert_model(), &BERT_PAIR);
    let error = Reranker::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("no reranker"), "{error}");
}
