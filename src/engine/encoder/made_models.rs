//! Small models of each architecture with made-up weights: candle-transformers'
//! own, and the files that such a model comes in. For tests alone.

use std::path::Path;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file;
use candle_core::quantized::gguf_file::Value;
use candle_nn::Module;
use candle_nn::VarBuilder;
use candle_nn::VarMap;
use candle_transformers::models::bert;
use candle_transformers::models::jina_bert;
use candle_transformers::models::modernbert;
use candle_transformers::models::nomic_bert;
use candle_transformers::models::xlm_roberta;
use serde_json::json;

pub(super) const WORDS: usize = 60;
pub(super) const SPECIAL: [&str; 4] = ["[CLS]", "[PAD]", "[SEP]", "[UNK]"];

pub(super) type Hidden = Box<dyn Fn(&Tensor) -> Tensor>;

/// A made-up model: settings, weights, and the reference over them.
pub(super) struct Made {
    pub(super) config: serde_json::Value,
    pub(super) weights: VarMap,
    pub(super) reference: Hidden,
}

/// Replaces what the library drew by numbers that are the same each time.
pub(super) fn fill(weights: &VarMap) {
    let data = weights.data().lock().unwrap();
    let mut names: Vec<&String> = data.keys().collect();
    names.sort();
    for name in names {
        let variable = &data[name];
        let mut state = name.bytes().fold(7u64, |state, byte| {
            state.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        let mut draw = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let is_norm = name.to_lowercase().contains("norm") || name.contains("emb_ln");
        let (middle, wide) = match name.ends_with(".weight") {
            true if is_norm => (1.0, 0.4),
            true if name.contains("embeddings") => (0.0, 1.0),
            true => (0.0, 0.3),
            false => (0.0, 0.2),
        };
        let values: Vec<f32> = (0..variable.elem_count())
            .map(|_| middle + wide * draw())
            .collect();
        let values = Tensor::from_vec(values, variable.dims(), &Device::Cpu).unwrap();
        variable.set(&values).unwrap();
    }
}

pub(super) fn made(
    config: serde_json::Value,
    build: impl FnOnce(VarBuilder<'_>, serde_json::Value) -> Hidden,
) -> Made {
    let weights = VarMap::new();
    let builder = VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu);
    let reference = build(builder, config.clone());
    fill(&weights);
    Made {
        config,
        weights,
        reference,
    }
}

pub(super) fn bert_config() -> serde_json::Value {
    json!({
        "model_type": "bert", "vocab_size": WORDS, "hidden_size": 128,
        "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 192,
        "hidden_act": "gelu", "hidden_dropout_prob": 0.0, "max_position_embeddings": 400,
        "type_vocab_size": 2, "initializer_range": 0.02, "layer_norm_eps": 1e-12,
        "pad_token_id": 0, "position_embedding_type": "absolute",
    })
}

pub(super) fn bert_model() -> Made {
    made(bert_config(), |builder, config| {
        let config: bert::Config = serde_json::from_value(config).unwrap();
        let model = bert::BertModel::load(builder, &config).unwrap();
        Box::new(move |ids| {
            model
                .forward(ids, &ids.zeros_like().unwrap(), None)
                .unwrap()
        })
    })
}

pub(super) fn xlm_config() -> serde_json::Value {
    let mut config = bert_config();
    config["model_type"] = json!("xlm-roberta");
    config["type_vocab_size"] = json!(1);
    config["pad_token_id"] = json!(1);
    config["attention_probs_dropout_prob"] = json!(0.0);
    config
}

pub(super) fn xlm_model() -> Made {
    made(xlm_config(), |builder, config| {
        let config: xlm_roberta::Config = serde_json::from_value(config).unwrap();
        let model = xlm_roberta::XLMRobertaModel::new(&config, builder).unwrap();
        Box::new(move |ids| {
            let (ones, zeros) = (ids.ones_like().unwrap(), ids.zeros_like().unwrap());
            let found = model.forward(ids, &ones, &zeros, None, None, None);
            found.unwrap()
        })
    })
}

/// An XLM-R that scores so many classes.
pub(super) fn classifier(classes: usize) -> Made {
    made(xlm_config(), |builder, config| {
        let config: xlm_roberta::Config = serde_json::from_value(config).unwrap();
        let model =
            xlm_roberta::XLMRobertaForSequenceClassification::new(classes, &config, builder);
        let model = model.unwrap();
        Box::new(move |ids| {
            let (ones, zeros) = (ids.ones_like().unwrap(), ids.zeros_like().unwrap());
            model.forward(ids, &ones, &zeros).unwrap()
        })
    })
}

pub(super) fn jina_model() -> Made {
    let mut config = bert_config();
    config["position_embedding_type"] = json!("alibi");
    // Not a power of two.
    (config["hidden_size"], config["num_attention_heads"]) = (json!(96), json!(3));
    made(config, |builder, config| {
        let config: jina_bert::Config = serde_json::from_value(config).unwrap();
        let model = jina_bert::BertModel::new(builder, &config).unwrap();
        Box::new(move |ids| model.forward(ids).unwrap())
    })
}

pub(super) fn nomic_model() -> Made {
    let config = json!({
        "model_type": "nomic_bert", "vocab_size": WORDS, "n_embd": 128, "n_head": 2,
        "n_layer": 3, "n_inner": 192, "n_positions": 400, "type_vocab_size": 2,
        "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000.0, "activation_function": "swiglu",
    });
    made(config, |builder, config| {
        let config: nomic_bert::Config = serde_json::from_value(config).unwrap();
        let model = nomic_bert::NomicBertModel::load(builder, &config).unwrap();
        Box::new(move |ids| model.forward(ids, None, None).unwrap())
    })
}

pub(super) fn modern_model() -> Made {
    let config = json!({
        "model_type": "modernbert", "vocab_size": WORDS, "hidden_size": 128,
        "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 192,
        "max_position_embeddings": 400, "layer_norm_eps": 1e-5, "pad_token_id": 1,
        "global_attn_every_n_layers": 3, "global_rope_theta": 160_000.0,
        "local_attention": 32, "local_rope_theta": 10_000.0, "hidden_activation": "gelu",
    });
    made(config, |builder, config| {
        let config: modernbert::Config = serde_json::from_value(config).unwrap();
        let model = modernbert::ModernBert::load(builder, &config).unwrap();
        Box::new(move |ids| model.forward(ids, &ids.ones_like().unwrap()).unwrap())
    })
}

/// A tokenizer of words `w4`, `w5`, …, with the given marks around texts.
pub(super) fn tokenizer(pair: &[&str]) -> serde_json::Value {
    let piece = |name: &&str| match *name {
        "A" | "B" => json!({"Sequence": {"id": name, "type_id": 0}}),
        mark => json!({"SpecialToken": {"id": mark, "type_id": 0}}),
    };
    let marks: serde_json::Map<String, serde_json::Value> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, mark)| {
            let one = json!({"id": mark, "ids": [id], "tokens": [mark]});
            ((*mark).to_owned(), one)
        })
        .collect();
    let mut vocabulary: serde_json::Map<String, serde_json::Value> = (SPECIAL.len()..WORDS)
        .map(|id| (format!("w{id}"), json!(id)))
        .collect();
    vocabulary.extend(
        SPECIAL
            .iter()
            .enumerate()
            .map(|(id, mark)| ((*mark).to_owned(), json!(id))),
    );
    let single: Vec<serde_json::Value> = ["[CLS]", "A", "[SEP]"].iter().map(piece).collect();
    let pair: Vec<serde_json::Value> = pair.iter().map(piece).collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": [], "decoder": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": pair,
            "special_tokens": marks,
        },
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    })
}

pub(super) const BERT_PAIR: [&str; 5] = ["[CLS]", "A", "[SEP]", "B", "[SEP]"];
pub(super) const XLM_PAIR: [&str; 6] = ["[CLS]", "A", "[SEP]", "[SEP]", "B", "[SEP]"];

/// Writes a publisher's folder.
pub(super) fn write_folder(folder: &Path, made: &Made, pair: &[&str]) {
    let file = |name: &str, value: &serde_json::Value| {
        std::fs::write(folder.join(name), value.to_string()).unwrap();
    };
    file("config.json", &made.config);
    file("tokenizer.json", &tokenizer(pair));
    made.weights.save(folder.join("model.safetensors")).unwrap();
}

pub(super) fn words(count: usize) -> String {
    let word = |n: usize| format!("w{}", 4 + (n * 17 + n / 7) % (WORDS - 4));
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

/// How llama.cpp's converter calls the tensors of these models.
pub(super) const GGUF_NAMES: [(&str, &str); 36] = [
    ("roberta.", ""),
    ("classifier.dense", "cls"),
    ("classifier.out_proj", "cls.output"),
    ("model.embeddings.tok_embeddings", "token_embd"),
    ("model.embeddings.norm", "token_embd_norm"),
    ("model.final_norm", "output_norm"),
    ("model.layers.", "blk."),
    ("mlp_norm", "ffn_norm"),
    ("mlp.Wi", "ffn_up"),
    ("mlp.Wo", "ffn_down"),
    ("attn.Wo", "attn_output"),
    ("embeddings.word_embeddings", "token_embd"),
    ("embeddings.position_embeddings", "position_embd"),
    ("embeddings.token_type_embeddings", "token_types"),
    ("embeddings.LayerNorm", "token_embd_norm"),
    ("emb_ln", "token_embd_norm"),
    ("encoder.layers.", "blk."),
    ("encoder.layer.", "blk."),
    ("attn.Wqkv", "attn_qkv"),
    ("attn.out_proj", "attn_output"),
    ("attention.self.query", "attn_q"),
    ("attention.self.key", "attn_k"),
    ("attention.self.value", "attn_v"),
    ("attention.output.dense", "attn_output"),
    ("attention.output.LayerNorm", "attn_output_norm"),
    ("norm1", "attn_output_norm"),
    ("norm2", "layer_output_norm"),
    ("mlp.fc11", "ffn_up"),
    ("mlp.fc12", "ffn_gate"),
    ("mlp.fc2", "ffn_down"),
    ("mlp.wo", "ffn_down"),
    ("mlp.layernorm", "layer_output_norm"),
    ("mlp.gated_layers", "ffn_gate_up"),
    ("intermediate.dense", "ffn_up"),
    ("output.dense", "ffn_down"),
    ("output.LayerNorm", "layer_output_norm"),
];

/// The tensors under their names in GGUF, as that converter shapes them.
pub(super) fn gguf_tensors(made: &Made) -> Vec<(String, Tensor)> {
    let offset = match made.config["model_type"] == "xlm-roberta" {
        true => 2,
        false => 0,
    };
    let mut tensors = Vec::new();
    for (name, variable) in made.weights.data().lock().unwrap().iter() {
        let name = GGUF_NAMES
            .iter()
            .fold(name.clone(), |name, (from, to)| name.replace(from, to));
        let tensor = variable.as_tensor().clone();
        if name.starts_with("position_embd") {
            let rows = tensor.dim(0).unwrap() - offset;
            tensors.push((
                name,
                tensor
                    .narrow(0, offset, rows)
                    .unwrap()
                    .force_contiguous()
                    .unwrap(),
            ));
        } else if name.contains("ffn_gate_up") {
            for (half, part) in tensor
                .chunk(2, 0)
                .unwrap()
                .iter()
                .zip(["ffn_gate", "ffn_up"])
            {
                tensors.push((
                    name.replace("ffn_gate_up", part),
                    half.force_contiguous().unwrap(),
                ));
            }
        } else {
            tensors.push((name, tensor));
        }
    }
    tensors
}

pub(super) fn metadata(made: &Made, architecture: &str) -> Vec<(String, Value)> {
    let config = &made.config;
    let number = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| config[name].as_u64());
        Value::U32(found.unwrap() as u32)
    };
    let own = |key: &str, value: Value| (format!("{architecture}.{key}"), value);
    let texts = (0..WORDS).map(|id| match SPECIAL.get(id) {
        Some(mark) => (*mark).to_owned(),
        None => format!("\u{2581}w{id}"),
    });
    let kinds = (0..WORDS).map(|id| Value::I32(if id < SPECIAL.len() { 3 } else { 1 }));
    let plain = |key: &str, value: Value| (format!("tokenizer.ggml.{key}"), value);
    let epsilon = ["layer_norm_eps", "layer_norm_epsilon"];
    let epsilon = epsilon.iter().find_map(|name| config[name].as_f64());
    let base = ["global_rope_theta", "rotary_emb_base"];
    let base = base.iter().find_map(|name| config[name].as_f64());
    let Value::U32(mut longest) = number(["max_position_embeddings", "n_positions"]) else {
        unreachable!()
    };
    if config["model_type"] == "xlm-roberta" {
        longest -= 2;
    }
    vec![
        (
            "general.architecture".into(),
            Value::String(architecture.into()),
        ),
        ("general.name".into(), Value::String("made up".into())),
        own("context_length", Value::U32(longest)),
        own("embedding_length", number(["hidden_size", "n_embd"])),
        own(
            "feed_forward_length",
            number(["intermediate_size", "n_inner"]),
        ),
        own(
            "attention.head_count",
            number(["num_attention_heads", "n_head"]),
        ),
        own("block_count", number(["num_hidden_layers", "n_layer"])),
        own(
            "attention.layer_norm_epsilon",
            Value::F32(epsilon.unwrap() as f32),
        ),
        own("attention.sliding_window", Value::U32(32)),
        own(
            "rope.freq_base",
            Value::F32(base.unwrap_or_default() as f32),
        ),
        own("pooling_type", Value::U32(2)),
        plain("model", Value::String("bert".into())),
        plain("tokens", Value::Array(texts.map(Value::String).collect())),
        plain("token_type", Value::Array(kinds.collect())),
        plain("cls_token_id", Value::U32(0)),
        plain("seperator_token_id", Value::U32(2)),
        plain("unknown_token_id", Value::U32(3)),
    ]
}

pub(super) fn write_gguf(made: &Made, architecture: &str, kind: GgmlDType) -> Vec<u8> {
    write_gguf_with(made, architecture, kind, &[])
}

/// A file that also says what the classes of a classifier are called; none: it
/// does not.
pub(super) fn write_gguf_with(
    made: &Made,
    architecture: &str,
    kind: GgmlDType,
    labels: &[&str],
) -> Vec<u8> {
    let tensors: Vec<(String, QTensor)> = gguf_tensors(made)
        .into_iter()
        .map(|(name, tensor)| {
            let kind = if tensor.rank() == 2 {
                kind
            } else {
                GgmlDType::F32
            };
            (name, QTensor::quantize(&tensor, kind).unwrap())
        })
        .collect();
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let mut metadata = metadata(made, architecture);
    if !labels.is_empty() {
        let text = |label: &&str| Value::String((*label).to_owned());
        let labels = Value::Array(labels.iter().map(text).collect());
        // Before the long lists of the tokenizer, as the converter has it.
        let key = format!("{architecture}.classifier.output_labels");
        metadata.insert(1, (key, labels));
    }
    let metadata: Vec<(&str, &Value)> = metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let mut file = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
    file.into_inner()
}
