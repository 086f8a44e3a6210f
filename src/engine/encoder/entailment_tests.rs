//! The entailment model against references, and what is refused as one.

use std::path::PathBuf;

use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::GgmlDType;
use serde_json::json;

use super::forward::Scratch;
use super::made_models::*;
use super::*;

const NLI: [&str; 3] = ["contradiction", "entailment", "neutral"];

/// A folder with a GGUF file of the model in it.
fn written(made: &Made, labels: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judge.gguf");
    let bytes = write_gguf_with(made, "bert", GgmlDType::F32, labels);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn opened(made: &Made, labels: &[&str]) -> Entailment {
    Entailment::open(&written(made, labels).1).unwrap()
}

fn refusal(made: &Made, labels: &[&str]) -> String {
    let (_folder, path) = written(made, labels);
    let error = Entailment::open(&path).err().unwrap().to_string();
    assert!(error.contains("judge.gguf"), "{error}");
    error
}

fn numbers(made: &Made, name: &str) -> Vec<f32> {
    let data = made.weights.data().lock().unwrap();
    let flat = data[name].as_tensor().flatten_all().unwrap();
    flat.to_vec1().unwrap()
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    let sum: f32 = scores.iter().map(|score| score.exp()).sum();
    scores.iter().map(|score| score.exp() / sum).collect()
}

/// `weight · input + bias`, number by number.
fn map(made: &Made, name: &str, input: &[f32]) -> Vec<f32> {
    let weight = numbers(made, &format!("{name}.weight"));
    let bias = numbers(made, &format!("{name}.bias"));
    let rows = weight.chunks_exact(input.len()).zip(bias);
    rows.map(|(row, bias)| row.iter().zip(input).map(|(a, b)| a * b).sum::<f32>() + bias)
        .collect()
}

#[track_caller]
fn assert_near(inference: Inference, wanted: [f32; 3]) {
    let found = [
        inference.contradiction,
        inference.entailment,
        inference.neutral,
    ];
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-3, "{inference:?} {wanted:?}");
    }
}

#[test]
fn probabilities_are_the_softmax_of_two_maps_over_the_first_token() {
    let made = classifier(3);
    let model = opened(&made, &NLI);
    let pairs = [
        (words(3), words(5)),
        (words(60), words(9)),
        (words(500), words(7)),
    ];
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let found = model.infer(&pairs).unwrap();
    let reader = model.reader();
    for ((premise, hypothesis), found) in pairs.iter().zip(found) {
        let ids = [
            reader.ids(premise).unwrap(),
            reader.ids(hypothesis).unwrap(),
        ];
        let window = reader.model.weights.shape.window;
        let pair = reader.model.tokens.framed_pair(ids, window);
        let mut scratch = Scratch::default();
        let first = reader.model.forward(&[&pair], &mut scratch)[..128].to_vec();
        let mut inner = map(&made, "classifier.dense", &first);
        inner.iter_mut().for_each(|value| *value = value.tanh());
        let wanted = softmax(&map(&made, "classifier.out_proj", &inner));
        assert_near(found, [wanted[0], wanted[1], wanted[2]]);
        let ids = Tensor::new(pair.ids.as_slice(), &Device::Cpu).unwrap();
        let theirs = (made.reference)(&ids.unsqueeze(0).unwrap());
        let theirs: Vec<f32> = theirs.flatten_all().unwrap().to_vec1().unwrap();
        let wanted = softmax(&theirs);
        assert_near(found, [wanted[0], wanted[1], wanted[2]]);
        let sum = found.entailment + found.neutral + found.contradiction;
        assert!((sum - 1.0).abs() < 1e-5, "{found:?}");
    }
}

#[test]
fn order_of_the_labels_says_which_probability_is_which() {
    let made = classifier(3);
    let pair = [("w7 w8 w9", "w8 w10")];
    let one = opened(&made, &NLI).infer(&pair).unwrap()[0];
    let turned = ["ENTAILMENT", "Neutral", "contradiction"];
    let other = opened(&made, &turned).infer(&pair).unwrap()[0];
    assert_eq!(other.entailment, one.contradiction);
    assert_eq!(other.neutral, one.entailment);
    assert_eq!(other.contradiction, one.neutral);
    assert!((one.entailment - one.contradiction).abs() > 1e-3, "{one:?}");
}

#[test]
fn model_of_two_classes_tells_entailment_from_all_else() {
    let made = classifier(2);
    let pair = [("w7 w8 w9", "w8 w10")];
    let one = opened(&made, &["entailment", "not_entailment"]);
    let one = one.infer(&pair).unwrap()[0];
    let other = opened(&made, &["not-entailment", "entailment"]);
    let other = other.infer(&pair).unwrap()[0];
    assert_eq!(one.contradiction, 0.0);
    assert!((one.entailment + one.neutral - 1.0).abs() < 1e-5);
    assert_eq!(one.entailment, other.neutral);
}

#[test]
fn publishers_folder_names_its_classes_by_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = classifier(3);
    made.config["id2label"] = json!({"2": "neutral", "0": "contradiction", "1": "entailment"});
    write_folder(folder.path(), &made, &XLM_PAIR);
    let of_folder = Entailment::open(folder.path()).unwrap();
    assert_eq!(of_folder.fingerprint().len(), 64);
    let tokens = &of_folder.reader().model.tokens;
    let pair = tokens.framed_pair([vec![7, 8], vec![9]], 100);
    assert_eq!(pair.ids, [0, 7, 8, 2, 2, 9, 2]);
    let found = of_folder.infer(&[("w7 w8", "w9")]).unwrap()[0];
    let ids = Tensor::new(pair.ids.as_slice(), &Device::Cpu).unwrap();
    let theirs = (made.reference)(&ids.unsqueeze(0).unwrap());
    let wanted = softmax(&theirs.flatten_all().unwrap().to_vec1().unwrap());
    assert_near(found, [wanted[0], wanted[1], wanted[2]]);
}

#[test]
fn file_whose_classes_are_unknown_or_others_is_refused_with_what_it_says() {
    let made = classifier(3);
    let unnamed = refusal(&made, &[]);
    assert!(unnamed.contains("does not say what it calls"), "{unnamed}");
    let dummies = refusal(&made, &["LABEL_0", "LABEL_1", "LABEL_2"]);
    assert!(dummies.contains("LABEL_0, LABEL_1, LABEL_2"), "{dummies}");
    assert!(dummies.contains("contradiction"), "{dummies}");
    let moods = refusal(&made, &["negative", "neutral", "positive"]);
    assert!(moods.contains("positive"), "{moods}");
    let twice = refusal(&made, &["entailment", "entailment", "neutral"]);
    assert!(twice.contains("its classes are entailment, entailment"));
    let fewer = refusal(&made, &["entailment", "not_entailment"]);
    assert!(fewer.contains("names 2 classes and scores 3"), "{fewer}");
    let encoder = refusal(&bert_model(), &NLI);
    assert!(encoder.contains("no entailment model"), "{encoder}");
}

#[test]
fn head_whose_probabilities_would_be_others_than_it_learnt_is_refused() {
    let without = |part: &str| {
        let made = classifier(3);
        let mut data = made.weights.data().lock().unwrap();
        data.retain(|name, _| !name.contains(part));
        drop(data);
        refusal(&made, &NLI)
    };
    let of_bert = without("classifier.dense");
    assert!(of_bert.contains("converter leaves out"), "{of_bert}");
    let of_distilbert = without("token_type_embeddings");
    assert!(of_distilbert.contains("DistilBERT"), "{of_distilbert}");
}

#[test]
fn entailment_model_is_no_reranker_and_no_embedding_model() {
    let (_folder, path) = written(&classifier(3), &NLI);
    let error = Reranker::open(&path).err().unwrap().to_string();
    assert!(error.contains("scores 3 classes and not one"), "{error}");
    let error = Encoder::open(&path).err().unwrap().to_string();
    assert!(error.contains("no embedding model"), "{error}");
    let (_folder, path) = written(&classifier(1), &["LABEL_0"]);
    let error = Entailment::open(&path).err().unwrap().to_string();
    assert!(error.contains("its classes are LABEL_0"), "{error}");
}

#[test]
fn file_is_known_for_an_entailment_model_without_being_read_whole() {
    let told = |made: &Made, labels: &[&str]| {
        let (_folder, path) = written(made, labels);
        assert!(is_encoder(&path));
        is_entailment(&path)
    };
    assert!(told(&classifier(3), &NLI));
    assert!(told(&classifier(2), &["entailment", "not_entailment"]));
    assert!(!told(&classifier(1), &["LABEL_0"]));
    assert!(!told(&bert_model(), &[]));
    let (_folder, path) = written(&classifier(3), &NLI);
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..400 {
        std::fs::write(&path, &bytes[..length]).unwrap();
        is_entailment(&path);
    }
}

/// A classifier for which the word w5 in either text denies, w6 bears out, and
/// all else is open: attention spreads the words' vectors, which are but one
/// number each, to the first token, and the head reads these numbers.
fn by_words() -> Made {
    let made = classifier(3);
    let width = 128;
    let diagonal = |value: f32| {
        let at = |n: usize| if n / width == n % width { value } else { 0.0 };
        (0..width * width).map(at).collect::<Vec<f32>>()
    };
    let some = |length: usize, some: &[(usize, f32)]| {
        let mut values = vec![0.0; length];
        some.iter().for_each(|(at, value)| values[*at] = *value);
        values
    };
    for (name, variable) in made.weights.data().lock().unwrap().iter() {
        let length = variable.elem_count();
        let values = match name
            .rsplit_once("layer.")
            .map_or(name.as_str(), |(_, own)| own)
        {
            own if own.ends_with("LayerNorm.weight") => vec![1.0; length],
            "roberta.embeddings.word_embeddings.weight" => {
                some(length, &[(5 * width, 1.0), (6 * width + 1, 1.0)])
            }
            own if own.ends_with("self.value.weight")
                || own.ends_with("attention.output.dense.weight") =>
            {
                diagonal(1.0)
            }
            "classifier.dense.weight" => diagonal(0.1),
            "classifier.out_proj.weight" => some(length, &[(0, 20.0), (width + 1, 10.0)]),
            "classifier.out_proj.bias" => vec![0.0, 0.0, 3.0],
            _ => vec![0.0; length],
        };
        let values = Tensor::from_vec(values, variable.dims(), &Device::Cpu).unwrap();
        variable.set(&values).unwrap();
    }
    made
}

#[test]
fn classifier_that_decides_by_a_known_rule_decides_by_it() {
    let model = opened(&by_words(), &NLI);
    let pairs = [
        ("w10 w11 w12", "w10 w5 w12"),
        ("w10 w6 w11", "w10 w11"),
        ("w10 w11 w12", "w13 w14"),
    ];
    let found = model.infer(&pairs).unwrap();
    assert!(found[0].contradiction > 0.9, "{found:?}");
    assert!(found[1].entailment > 0.9, "{found:?}");
    assert!(found[2].neutral > 0.8, "{found:?}");
}
