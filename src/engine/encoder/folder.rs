//! Reads an encoder from a folder as its publisher gives it: `config.json`,
//! `model.safetensors`, `tokenizer.json`, and the files of sentence-transformers
//! that say how to pool and what to put before a text.

use std::path::Path;

use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use super::bytes::Bytes;
use super::error::EncoderError;
use super::model::Model;
use super::model::hexadecimal;
use super::names;
use super::names::Names;
use super::prompts::Prompts;
use super::shape::Activation;
use super::shape::LARGEST;
use super::shape::Local;
use super::shape::Pooling;
use super::shape::Positions;
use super::shape::Shape;
use super::tensors::Tensors;
use super::tokens::Tokens;
use super::weights;

/// Largest file of settings that is read.
const LARGEST_SETTINGS: u64 = 16 << 20;

/// Reads a model.
pub(super) fn open(folder: &Path) -> Result<Model, EncoderError> {
    let config = settings(folder, "config.json")?
        .ok_or_else(|| EncoderError::Unsupported("it has no config.json".into()))?;
    let weights_file = folder.join("model.safetensors");
    if !weights_file.is_file() {
        return Err(EncoderError::Unsupported(
            "it has no model.safetensors; weights in several files or in other formats are not read"
                .into(),
        ));
    }
    let tokenizer = folder.join("tokenizer.json");
    if !tokenizer.is_file() {
        return Err(EncoderError::Unsupported("it has no tokenizer.json".into()));
    }
    let own = settings(folder, "sentence_bert_config.json")?;
    let config = Config(config);
    let (names, first_position) = config.family()?;
    let mut shape = config.shape(first_position)?;
    if let Some(own) = own.and_then(|own| own["max_seq_length"].as_u64()) {
        let own = usize::try_from(own).unwrap_or(shape.window);
        shape.window = shape.window.min(own);
    }
    let shape = shape.checked()?;
    let mut hasher = Sha256::new();
    let bytes = Bytes::open(&weights_file)?;
    bytes.hash(&mut hasher)?;
    Bytes::open(&tokenizer)?.hash(&mut hasher)?;
    let tensors = Tensors::of_safetensors(bytes)?;
    let head = weights::read_head(&tensors, &names, shape.hidden, config.labels())?;
    let pooling = pooling(folder)?;
    let weights = weights::read(&tensors, &names, shape, first_position)?;
    let tokens = Tokens::of_folder(&tokenizer)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let prompts = prompts(folder, &name)?;
    let hash = hexadecimal(hasher);
    Model::join(
        name.into_owned(),
        hash,
        weights,
        tokens,
        Some(pooling),
        head,
        prompts,
    )
}

/// A file of settings; nothing if it is not there.
fn settings(folder: &Path, name: &str) -> Result<Option<Value>, EncoderError> {
    let path = folder.join(name);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() && found.len() <= LARGEST_SETTINGS => {}
        Ok(_) => return Err(EncoderError::Damaged(format!("{name} is no such file"))),
        Err(_) => return Ok(None),
    }
    let found = serde_json::from_slice(&std::fs::read(path)?);
    let damaged = |error| EncoderError::Damaged(format!("{name}: {error}"));
    found.map(Some).map_err(damaged)
}

/// How the model pools: as its modules say, else by the mean.
fn pooling(folder: &Path) -> Result<Pooling, EncoderError> {
    let mut place = "1_Pooling".to_owned();
    let modules = settings(folder, "modules.json")?.unwrap_or_default();
    for module in modules.as_array().into_iter().flatten() {
        let kind = module["type"].as_str().unwrap_or_default();
        match kind.rsplit('.').next().unwrap_or_default() {
            "Pooling" => place = module["path"].as_str().unwrap_or(&place).to_owned(),
            "Transformer" | "Normalize" => {}
            other => {
                return Err(EncoderError::Unsupported(format!(
                    "it has a module {other:?} behind its layers"
                )));
            }
        }
    }
    let Some(file) = settings(&folder.join(place), "config.json")? else {
        return Ok(Pooling::Mean);
    };
    let modes: Vec<&str> = file
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| key.starts_with("pooling_mode_") && **value == Value::Bool(true))
        .map(|(key, _)| key.as_str())
        .collect();
    match modes[..] {
        ["pooling_mode_mean_tokens"] => Ok(Pooling::Mean),
        ["pooling_mode_cls_token"] => Ok(Pooling::First),
        ["pooling_mode_lasttoken"] => Ok(Pooling::Last),
        _ => Err(EncoderError::Unsupported(format!(
            "it pools by {}; supported are the mean, the first token and the last",
            modes.join(" and ")
        ))),
    }
}

/// What stands before texts: as the folder says, else as the name is known for.
fn prompts(folder: &Path, name: &str) -> Result<Prompts, EncoderError> {
    let file = settings(folder, "config_sentence_transformers.json")?.unwrap_or_default();
    let said = |names: &[&str]| {
        let mut found = names
            .iter()
            .filter_map(|name| file["prompts"][name].as_str());
        found.find(|text| !text.is_empty()).map(str::to_owned)
    };
    let known = Prompts::known(name);
    Ok(Prompts {
        query: said(&["query"]).unwrap_or(known.query),
        passage: said(&["document", "passage"]).unwrap_or(known.passage),
    })
}

/// The settings of the model itself.
struct Config(Value);

impl Config {
    /// A number under one of the names that it goes by.
    fn number(&self, names: &[&str]) -> Result<usize, EncoderError> {
        let found = names.iter().find_map(|name| self.0[name].as_u64());
        let number = found.filter(|number| *number <= LARGEST);
        number.map(|number| number as usize).ok_or_else(|| {
            let name = names.first().copied().unwrap_or_default();
            EncoderError::Unsupported(format!("its config.json does not say its {name}"))
        })
    }

    fn float(&self, names: &[&str]) -> Option<f32> {
        let found = names.iter().find_map(|name| self.0[name].as_f64());
        found.map(|number| number as f32)
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    /// What the classes of a classifier are called, by their numbers.
    fn labels(&self) -> Vec<String> {
        let named = self.0["id2label"].as_object().into_iter().flatten();
        let mut named: Vec<(usize, &str)> = named
            .filter_map(|(number, label)| Some((number.parse().ok()?, label.as_str()?)))
            .collect();
        named.sort_unstable();
        named
            .into_iter()
            .map(|(_, label)| label.to_owned())
            .collect()
    }

    /// What its tensors are called, and the row of its first position.
    fn family(&self) -> Result<(Names, usize), EncoderError> {
        let unsupported = |what: String| Err(EncoderError::Unsupported(what));
        match self.text("model_type") {
            "bert" => match self.text("position_embedding_type") {
                "" | "absolute" => Ok((names::BERT, 0)),
                "alibi" => Ok((names::JINA, 0)),
                other => unsupported(format!("its positions are of the kind {other:?}")),
            },
            "roberta" | "xlm-roberta" | "camembert" => {
                // Positions are counted behind that of the filling token.
                let filling = self.number(&["pad_token_id"]).unwrap_or(1);
                Ok((names::BERT, filling + 1))
            }
            "nomic_bert" => Ok((names::NOMIC, 0)),
            "modernbert" => Ok((names::MODERN, 0)),
            other => unsupported(format!(
                "its model_type is {other:?}; supported are bert, roberta, xlm-roberta, \
                 camembert, nomic_bert and modernbert"
            )),
        }
    }

    fn activation(&self) -> Result<Activation, EncoderError> {
        let kind = self.text("model_type");
        let said = match kind {
            "nomic_bert" => self.text("activation_function"),
            "modernbert" => self.text("hidden_activation"),
            _ => self.text("hidden_act"),
        };
        let gated = kind == "modernbert" || self.text("position_embedding_type") == "alibi";
        match (kind, said) {
            ("nomic_bert", "" | "swiglu" | "silu") => Ok(Activation::SiluGate),
            (kind, "" | "gelu") if kind != "nomic_bert" => Ok(match gated {
                true => Activation::GeluGate,
                false => Activation::Gelu,
            }),
            (_, other) => Err(EncoderError::Unsupported(format!(
                "its activation is {other:?}"
            ))),
        }
    }

    fn positions(&self) -> Result<Positions, EncoderError> {
        let base = |name: &str, other: &str, usual: f32| {
            let parameters = &self.0["rope_parameters"];
            let nested = parameters[other]["rope_theta"].as_f64();
            let said = nested.or_else(|| parameters["rope_theta"].as_f64());
            self.float(&[name])
                .or_else(|| said.map(|base| base as f32))
                .unwrap_or(usual)
        };
        match self.text("model_type") {
            "nomic_bert" => {
                let whole = self.float(&["rotary_emb_fraction"]).unwrap_or(1.0) == 1.0;
                if !whole || self.0["rotary_emb_interleaved"] == true || self.0["prenorm"] == true {
                    return Err(EncoderError::Unsupported(
                        "its rotation or its norms are of another kind than nomic-embed-text's"
                            .into(),
                    ));
                }
                let base = base("rotary_emb_base", "full_attention", 1_000.0);
                Ok(Positions::Rotary { base })
            }
            "modernbert" => {
                let base = base("global_rope_theta", "full_attention", 160_000.0);
                Ok(Positions::Rotary { base })
            }
            _ if self.text("position_embedding_type") == "alibi" => Ok(Positions::Slopes),
            _ => Ok(Positions::Learned),
        }
    }

    fn shape(&self, first_position: usize) -> Result<Shape, EncoderError> {
        let norms_first = self.text("model_type") == "modernbert";
        let longest = self.number(&["max_position_embeddings", "n_positions"])?;
        let local_base = self.0["rope_parameters"]["sliding_attention"]["rope_theta"].as_f64();
        let local = match norms_first {
            true => Some(Local {
                reach: self.number(&["local_attention"])? / 2,
                global_every: self.number(&["global_attn_every_n_layers"])?,
                base: self
                    .float(&["local_rope_theta"])
                    .or(local_base.map(|base| base as f32))
                    .unwrap_or(10_000.0),
            }),
            false => None,
        };
        let epsilon = ["layer_norm_eps", "layer_norm_epsilon", "norm_eps"];
        Ok(Shape {
            hidden: self.number(&["hidden_size", "n_embd"])?,
            inner: self.number(&["intermediate_size", "n_inner"])?,
            heads: self.number(&["num_attention_heads", "n_head"])?,
            layers: self.number(&["num_hidden_layers", "n_layer"])?,
            window: longest.saturating_sub(first_position),
            epsilon: self.float(&epsilon).unwrap_or(1e-12),
            positions: self.positions()?,
            activation: self.activation()?,
            norms_first,
            local,
        })
    }
}
