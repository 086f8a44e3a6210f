//! The network in full precision on the CPU against the models that the inference
//! library has, which take weights as their authors publish them.

use super::*;
use crate::decoder::{Architecture, WeightFormat, write_tiny_model_as};
use candle_nn::VarBuilder;
use candle_transformers::models::{gemma2, gemma3, llama, phi3, qwen2, qwen3, smol::smollm3};
use serde_json::{Value, json};
use std::collections::HashMap;

mod batches;

const CONTEXT: usize = 512;

/// What tests run on: the CPU, and a GPU where there is one.
pub(in crate::decoder) fn devices() -> Vec<Device> {
    let mut devices = vec![Device::Cpu];
    match gpu() {
        Ok(gpu) => devices.push(gpu),
        Err(reason) => eprintln!("run on the CPU alone: {reason}"),
    }
    devices
}

#[cfg(feature = "cuda")]
fn gpu() -> Result<Device, String> {
    open_gpu().map(|(device, _)| device)
}

#[cfg(not(feature = "cuda"))]
fn gpu() -> Result<Device, String> {
    Err("built without the feature `cuda`".to_owned())
}

struct Tiny {
    file: ModelFile,
    shape: Shape,
    _folder: tempfile::TempDir,
}

fn tiny(architecture: Architecture, format: WeightFormat) -> Tiny {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    write_tiny_model_as(&path, architecture, format, 3).unwrap();
    let file = ModelFile::open(&path).unwrap();
    let shape = Shape::read(&file, architecture).unwrap();
    Tiny {
        file,
        shape,
        _folder: folder,
    }
}

impl Tiny {
    fn network(&self, precision: Precision, device: &Device) -> AcceleratedNetwork {
        let room = CacheRoom {
            context: CONTEXT,
            tokens: 2 * CONTEXT,
        };
        let shape = self.shape.clone();
        AcceleratedNetwork::load(&self.file, shape, room, device, precision).unwrap()
    }

    fn logits(&self, tokens: &[u32]) -> Vec<Vec<f32>> {
        let mut network = self.network(Precision::Full, &Device::Cpu);
        read(&mut network, tokens, 0)
    }

    /// The weights under their authors' names, permuted and shifted as they
    /// were before the conversion to GGUF.
    fn published(&self) -> VarBuilder<'static> {
        let architecture = self.shape.architecture;
        let is_gemma = matches!(architecture, Architecture::Gemma2 | Architecture::Gemma3);
        let is_permuted = matches!(architecture, Architecture::Llama | Architecture::SmolLm3);
        let mut tensors = HashMap::new();
        for name in self.file.content.tensor_infos.keys() {
            let Some(published) = published_name(name, architecture) else {
                continue;
            };
            let mut reader = self.file.reader.get_ref();
            let tensor = self.file.content.tensor(&mut reader, name, &Device::Cpu);
            let mut tensor = tensor.unwrap().dequantize(&Device::Cpu).unwrap();
            if is_gemma && name.contains("norm") {
                tensor = (tensor - 1.0).unwrap();
            }
            if is_permuted && (name.contains("attn_q.") || name.contains("attn_k.")) {
                let (rows, columns) = tensor.dims2().unwrap();
                let half = self.shape.key_length / 2;
                let heads = rows / (2 * half);
                let by_pairs = tensor.reshape((heads, half, 2, columns)).unwrap();
                let by_halves = by_pairs.transpose(1, 2).unwrap().contiguous().unwrap();
                tensor = by_halves.reshape((rows, columns)).unwrap();
            }
            tensors.insert(published, tensor);
        }
        VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)
    }

    /// The configuration as authors publish it.
    fn configuration(&self) -> Value {
        let shape = &self.shape;
        json!({
            "attention_bias": false,
            "head_dim": shape.key_length,
            "hidden_act": "silu",
            "hidden_activation": "gelu_pytorch_tanh",
            "hidden_size": shape.hidden,
            "intermediate_size": shape.feed_forward,
            "max_position_embeddings": CONTEXT,
            "max_window_layers": 0,
            "num_attention_heads": shape.heads,
            "num_hidden_layers": shape.layers.len(),
            "num_key_value_heads": shape.layers[0].kv_heads,
            "rms_norm_eps": shape.norm_epsilon,
            "rope_theta": shape.rope.base,
            "sliding_window": null,
            "tie_word_embeddings": shape.tied_output,
            "use_sliding_window": false,
            "vocab_size": shape.vocabulary,
        })
    }

    /// Compares the logits after some of the tokens.
    fn agrees(&self, mut theirs: impl FnMut(&Tensor) -> CandleResult<Tensor>) {
        let tokens = tokens(60);
        let ours = self.logits(&tokens);
        for length in [1, 2, 17, 60] {
            let input = Tensor::new(&tokens[..length], &Device::Cpu).unwrap();
            let theirs = theirs(&input.unsqueeze(0).unwrap()).unwrap();
            let theirs = theirs.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let cosine = cosine(&ours[length - 1], &theirs);
            assert!(cosine > 0.99999, "after {length} tokens: {cosine}");
        }
    }
}

fn published_name(name: &str, architecture: Architecture) -> Option<String> {
    let is_gemma = matches!(architecture, Architecture::Gemma2 | Architecture::Gemma3);
    let plain = |name: &str| match name {
        "token_embd.weight" => Some("model.embed_tokens.weight".to_owned()),
        "output_norm.weight" => Some("model.norm.weight".to_owned()),
        "output.weight" => Some("lm_head.weight".to_owned()),
        _ => None,
    };
    let Some(rest) = name.strip_prefix("blk.") else {
        return plain(name);
    };
    let (layer, part) = rest.split_once('.')?;
    let (part, kind) = part.rsplit_once('.')?;
    let part = match part {
        "attn_norm" => "input_layernorm",
        "ffn_norm" if is_gemma => "pre_feedforward_layernorm",
        "ffn_norm" => "post_attention_layernorm",
        "post_attention_norm" => "post_attention_layernorm",
        "post_ffw_norm" => "post_feedforward_layernorm",
        "attn_q" => "self_attn.q_proj",
        "attn_k" => "self_attn.k_proj",
        "attn_v" => "self_attn.v_proj",
        "attn_qkv" => "self_attn.qkv_proj",
        "attn_output" => "self_attn.o_proj",
        "attn_q_norm" => "self_attn.q_norm",
        "attn_k_norm" => "self_attn.k_norm",
        "ffn_gate" => "mlp.gate_proj",
        "ffn_up" if architecture == Architecture::Phi3 => "mlp.gate_up_proj",
        "ffn_up" => "mlp.up_proj",
        "ffn_down" => "mlp.down_proj",
        other => panic!("{other}"),
    };
    Some(format!("model.layers.{layer}.{part}.{kind}"))
}

fn tokens(count: usize) -> Vec<u32> {
    (0..count as u32).map(|index| index * 7919 % 250).collect()
}

/// Reads tokens of a sequence in the first blocks; the logits of each.
fn read(network: &mut AcceleratedNetwork, tokens: &[u32], position: usize) -> Vec<Vec<f32>> {
    let blocks: Vec<u32> = (0..16).collect();
    let segment = Segment {
        tokens,
        position,
        blocks: &blocks,
        logits: tokens.len(),
    };
    let vocabulary = network.shape().vocabulary;
    let logits = network.forward(&[segment]).unwrap();
    logits.chunks(vocabulary).map(<[f32]>::to_vec).collect()
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |left: &[f32], right: &[f32]| -> f64 {
        assert_eq!(left.len(), right.len());
        let products = left
            .iter()
            .zip(right)
            .map(|(l, r)| f64::from(*l) * f64::from(*r));
        products.sum()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

fn with(mut configuration: Value, changes: Value) -> Value {
    let (Value::Object(all), Value::Object(changes)) = (&mut configuration, changes) else {
        panic!("not objects");
    };
    all.extend(changes);
    configuration
}

fn parsed<T: serde::de::DeserializeOwned>(configuration: Value) -> T {
    serde_json::from_value(configuration).unwrap()
}

#[test]
fn llama_agrees_with_its_published_form() {
    let tiny = tiny(Architecture::Llama, WeightFormat::Q8_0);
    let scaling = json!({"rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 256,
    }});
    let configuration: llama::LlamaConfig = parsed(with(tiny.configuration(), scaling));
    let configuration = configuration.into_config(false);
    let model = llama::Llama::load(tiny.published(), &configuration).unwrap();
    tiny.agrees(|input| {
        let mut cache = llama::Cache::new(true, DType::F32, &configuration, &Device::Cpu)?;
        model.forward(input, 0, &mut cache)
    });
}

#[test]
fn qwen2_agrees_with_its_published_form() {
    let tiny = tiny(Architecture::Qwen2, WeightFormat::Q4_0);
    let window = json!({"sliding_window": 32_768});
    let configuration: qwen2::Config = parsed(with(tiny.configuration(), window));
    let mut model = qwen2::ModelForCausalLM::new(&configuration, tiny.published()).unwrap();
    tiny.agrees(|input| {
        model.clear_kv_cache();
        model.forward(input, 0)
    });
}

#[test]
fn qwen3_agrees_with_its_published_form() {
    let tiny = tiny(Architecture::Qwen3, WeightFormat::Q6K);
    let configuration: qwen3::Config = parsed(tiny.configuration());
    let mut model = qwen3::ModelForCausalLM::new(&configuration, tiny.published()).unwrap();
    tiny.agrees(|input| {
        model.clear_kv_cache();
        model.forward(input, 0)
    });
}

#[test]
fn gemma2_agrees_with_its_published_form() {
    let mut tiny = tiny(Architecture::Gemma2, WeightFormat::Q5_0);
    // The library's model slides on all layers, or on none.
    for layer in &mut tiny.shape.layers {
        layer.window = None;
    }
    let caps = json!({
        "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
        "query_pre_attn_scalar": tiny.shape.key_length,
    });
    let configuration: gemma2::Config = parsed(with(tiny.configuration(), caps));
    let mut model = gemma2::Model::new(false, &configuration, tiny.published()).unwrap();
    tiny.agrees(|input| {
        model.clear_kv_cache();
        model.forward(input, 0)
    });
}

#[test]
fn gemma3_agrees_with_its_published_form() {
    let tiny = tiny(Architecture::Gemma3, WeightFormat::Q4K);
    let window = tiny.shape.layers[0].window;
    let more = json!({
        "query_pre_attn_scalar": tiny.shape.key_length, "rope_local_base_freq": 10_000.0,
        "sliding_window": window, "sliding_window_pattern": 6,
    });
    let configuration: gemma3::Config = parsed(with(tiny.configuration(), more));
    let mut model = gemma3::Model::new(false, &configuration, tiny.published()).unwrap();
    tiny.agrees(|input| {
        // The library's model cannot read several tokens at once on a CPU.
        model.clear_kv_cache();
        let mut logits = None;
        for position in 0..input.dim(1)? {
            logits = Some(model.forward(&input.narrow(1, position, 1)?, position)?);
        }
        Ok(logits.unwrap())
    });
}

#[test]
fn phi3_agrees_with_its_published_form() {
    let mut tiny = tiny(Architecture::Phi3, WeightFormat::F16);
    // The library's model has no window, and leaves the scaling out that the
    // divisors of frequencies come with; it multiplies instead of dividing.
    for layer in &mut tiny.shape.layers {
        layer.window = None;
    }
    tiny.shape.rope.attention_factor = 1.0;
    let crate::decoder::rope::RopeFactors::ByContext { short, .. } = &tiny.shape.rope.factors
    else {
        panic!("no divisors");
    };
    let multipliers: Vec<f32> = short.iter().map(|divisor| 1.0 / divisor).collect();
    let scaling = json!({
        "partial_rotary_factor": 0.75,
        "rope_scaling": {
            "type": "longrope", "short_factor": multipliers, "long_factor": multipliers,
        },
    });
    let configuration: phi3::Config = parsed(with(tiny.configuration(), scaling));
    let mut model = phi3::Model::new(&configuration, tiny.published()).unwrap();
    tiny.agrees(|input| {
        model.clear_kv_cache();
        model.forward(input, 0)
    });
}

#[test]
fn smollm3_agrees_with_its_published_form() {
    let tiny = tiny(Architecture::SmolLm3, WeightFormat::BF16);
    let interval = json!({"no_rope_layer_interval": 4});
    let configuration: smollm3::Config = parsed(with(tiny.configuration(), interval));
    let mut model = smollm3::ModelForCausalLM::new(&configuration, tiny.published()).unwrap();
    tiny.agrees(|input| {
        model.clear_kv_cache();
        model.forward(input, 0)
    });
}

#[test]
fn window_hides_what_is_behind_it() {
    let mut tiny = tiny(Architecture::Gemma2, WeightFormat::Q8_0);
    for layer in &mut tiny.shape.layers {
        layer.window = Some(4);
    }
    // Three layers that see three tokens back each reach nine tokens back.
    let mut tokens = tokens(20);
    let before = tiny.logits(&tokens);
    tokens[2] += 1;
    let after = tiny.logits(&tokens);
    assert_eq!(before[12..], after[12..]);
    assert_ne!(before[11], after[11]);
    assert_eq!(before[..2], after[..2]);
}

#[test]
fn tensor_of_another_size_is_refused_by_name() {
    let mut tiny = tiny(Architecture::Qwen2, WeightFormat::Q8_0);
    tiny.shape.feed_forward += 32;
    let shape = tiny.shape.clone();
    let room = CacheRoom {
        context: CONTEXT,
        tokens: CONTEXT,
    };
    let (device, precision) = (Device::Cpu, Precision::Full);
    let loaded = AcceleratedNetwork::load(&tiny.file, shape, room, &device, precision);
    let sentence = loaded.err().unwrap();
    assert!(sentence.contains("blk.0.ffn_gate.weight is"), "{sentence}");
}
