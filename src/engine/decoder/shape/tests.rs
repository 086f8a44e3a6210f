use super::*;
use crate::decoder::rope::{RopeFactors, Yarn};
use candle_core::quantized::gguf_file;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use std::fs::File;

const LAYERS: usize = 8;

/// A file that has metadata, and a column of each tensor it needs.
struct Draft {
    architecture: Architecture,
    metadata: Vec<(String, Value)>,
    tensors: Vec<(String, QTensor)>,
}

impl Draft {
    fn new(architecture: Architecture) -> Self {
        let mut draft = Self {
            architecture,
            metadata: Vec::new(),
            tensors: Vec::new(),
        };
        for (name, number) in [
            ("block_count", LAYERS as u32),
            ("context_length", 32_768),
            ("embedding_length", 64),
            ("feed_forward_length", 160),
            ("attention.head_count", 4),
            ("attention.head_count_kv", 2),
        ] {
            draft = draft.with(name, Value::U32(number));
        }
        draft
            .with("attention.layer_norm_rms_epsilon", Value::F32(1e-5))
            .with_tensor("token_embd.weight", &[0.5; 100 * 64], &[100, 64])
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        let key = format!("{}.{name}", self.architecture.name());
        self.metadata.retain(|(known, _)| *known != key);
        self.metadata.push((key, value));
        self
    }

    fn without(mut self, name: &str) -> Self {
        let key = format!("{}.{name}", self.architecture.name());
        self.metadata.retain(|(known, _)| *known != key);
        self
    }

    fn with_tensor(mut self, name: &str, numbers: &[f32], dimensions: &[usize]) -> Self {
        let tensor = Tensor::from_slice(numbers, dimensions, &Device::Cpu).unwrap();
        let tensor = QTensor::quantize(&tensor, GgmlDType::F32).unwrap();
        self.tensors.push((name.to_owned(), tensor));
        self
    }

    fn with_tensors(self, names: &[&str]) -> Self {
        names
            .iter()
            .fold(self, |draft, name| draft.with_tensor(name, &[1.0], &[1]))
    }

    fn read(self) -> Result<Shape, DecoderError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shape.gguf");
        let metadata: Vec<_> = self.metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let tensors: Vec<_> = self.tensors.iter().map(|(k, v)| (k.as_str(), v)).collect();
        gguf_file::write(&mut File::create(&path).unwrap(), &metadata, &tensors).unwrap();
        Shape::read(&ModelFile::open(&path).unwrap(), self.architecture)
    }
}

fn near(left: f32, right: f32) -> bool {
    (left - right).abs() <= 1e-5 * right.abs().max(1e-6)
}

fn windows(shape: &Shape) -> Vec<bool> {
    shape
        .layers
        .iter()
        .map(|layer| layer.window.is_some())
        .collect()
}

#[test]
fn llama_has_interleaved_rope_and_nothing_special() {
    let shape = Draft::new(Architecture::Llama).read().unwrap();
    assert_eq!(
        (shape.hidden, shape.feed_forward, shape.vocabulary),
        (64, 160, 100)
    );
    assert_eq!(
        (shape.heads, shape.key_length, shape.value_length),
        (4, 16, 16)
    );
    assert_eq!(shape.context, 32_768);
    assert_eq!(
        shape.layers,
        [LayerShape {
            kv_heads: 2,
            window: None,
            rotary: true
        }; LAYERS]
    );
    assert_eq!(shape.rope.layout, RopeLayout::Interleaved);
    assert_eq!((shape.rope.dimensions, shape.rope.base), (16, 10_000.0));
    assert_eq!(shape.rope.factors, RopeFactors::None);
    assert_eq!(shape.activation, Activation::Silu);
    assert_eq!(shape.attention_scale, 0.25);
    assert_eq!(shape.norm_epsilon, 1e-5);
    assert_eq!(
        (shape.attention_soft_cap, shape.final_soft_cap),
        (None, None)
    );
    assert_eq!(shape.embedding_scale, None);
    assert!(shape.tied_output);
    assert!(!shape.post_norms && !shape.query_key_norms && !shape.qkv_biases);
    assert!(!shape.fused_qkv && !shape.fused_gate_up && !shape.logit_bias);
}

#[test]
fn plain_frequencies_fall_from_one_by_powers_of_the_base() {
    let table = Draft::new(Architecture::Llama)
        .read()
        .unwrap()
        .rope_frequencies(0, 4096)
        .unwrap();
    assert_eq!(table.attention_factor, 1.0);
    assert_eq!(table.inverse.len(), 8);
    for (pair, frequency) in table.inverse.iter().enumerate() {
        assert!(near(*frequency, 10_000_f32.powf(-(pair as f32) / 8.0)));
    }
}

#[test]
fn llama_3_divides_frequencies_by_its_tensor() {
    let factors = [1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 8.0, 8.0];
    let plain = Draft::new(Architecture::Llama).with("rope.freq_base", Value::F32(5e5));
    let plain = plain.read().unwrap().rope_frequencies(0, 4096).unwrap();
    let scaled = Draft::new(Architecture::Llama)
        .with("rope.freq_base", Value::F32(5e5))
        .with_tensor("rope_freqs.weight", &factors, &[8])
        .with_tensor("output.weight", &[1.0], &[1])
        .read()
        .unwrap();
    assert!(!scaled.tied_output);
    assert_eq!(scaled.rope.factors, RopeFactors::Always(factors.to_vec()));
    let scaled = scaled.rope_frequencies(0, 4096).unwrap();
    let pairs = scaled.inverse.iter().zip(&plain.inverse).zip(&factors);
    for ((scaled, plain), factor) in pairs {
        assert!(near(*scaled, plain / factor));
    }
}

#[test]
fn linear_scaling_slows_all_frequencies_alike() {
    for name in ["rope.scaling.factor", "rope.scale_linear"] {
        let shape = Draft::new(Architecture::Llama)
            .with(name, Value::F32(4.0))
            .read()
            .unwrap();
        let table = shape.rope_frequencies(0, 4096).unwrap();
        assert_eq!((shape.rope.scale, table.inverse[0]), (0.25, 0.25));
        assert_eq!(table.attention_factor, 1.0);
    }
    let off = Draft::new(Architecture::Llama)
        .with("rope.scaling.type", Value::String("none".to_owned()))
        .with("rope.scaling.factor", Value::F32(4.0));
    assert_eq!(off.read().unwrap().rope.scale, 1.0);
}

#[test]
fn yarn_keeps_high_frequencies_and_stretches_low_ones() {
    let shape = Draft::new(Architecture::Qwen2)
        .with("attention.key_length", Value::U32(128))
        .with("attention.value_length", Value::U32(128))
        .with("rope.freq_base", Value::F32(1e6))
        .with("rope.scaling.type", Value::String("yarn".to_owned()))
        .with("rope.scaling.factor", Value::F32(4.0))
        .with("rope.scaling.original_context_length", Value::U32(32_768))
        .read()
        .unwrap();
    let yarn = Yarn {
        extrapolation: 1.0,
        beta_fast: 32.0,
        beta_slow: 1.0,
    };
    assert_eq!(shape.rope.yarn, Some(yarn));
    let table = shape.rope_frequencies(0, 131_072).unwrap();
    // Qwen's YaRN: pairs up to floor(23.6) are kept, from ceil(39.7) on stretched.
    let plain = |pair: usize| 1e6_f32.powf(-(pair as f32) / 64.0);
    assert!(near(table.inverse[23], plain(23)));
    assert!(near(table.inverse[40], plain(40) / 4.0));
    let along = 8.0 / 17.0;
    let between = plain(31) * (1.0 - along + along / 4.0);
    assert!(near(table.inverse[31], between));
    assert!(near(table.attention_factor, 1.0 + 0.1 * 4_f32.ln()));
}

#[test]
fn qwen2_has_biases_and_rope_in_halves() {
    let shape = Draft::new(Architecture::Qwen2)
        .with("attention.sliding_window", Value::U32(4096))
        .with_tensors(&["blk.0.attn_q.bias"])
        .read()
        .unwrap();
    assert_eq!(shape.rope.layout, RopeLayout::Halves);
    assert!(shape.qkv_biases && !shape.query_key_norms);
    assert_eq!(windows(&shape), [false; LAYERS]);
}

#[test]
fn qwen3_has_norms_of_heads_of_their_own_width() {
    let shape = Draft::new(Architecture::Qwen3)
        .with("attention.key_length", Value::U32(32))
        .with("attention.value_length", Value::U32(32))
        .read()
        .unwrap();
    assert!(shape.query_key_norms && !shape.post_norms);
    assert_eq!((shape.key_length, shape.rope.dimensions), (32, 32));
    assert!(near(shape.attention_scale, 1.0 / 32_f32.sqrt()));
}

#[test]
fn gemma2_slides_on_every_even_layer_and_caps_its_scores() {
    let draft = || Draft::new(Architecture::Gemma2);
    let shape = draft().read().unwrap();
    assert_eq!(
        windows(&shape),
        [true, false, true, false, true, false, true, false]
    );
    assert_eq!(shape.layers[0].window, Some(4096));
    assert_eq!(
        (shape.attention_soft_cap, shape.final_soft_cap),
        (Some(50.0), Some(30.0))
    );
    assert_eq!(shape.embedding_scale, Some(8.0));
    assert_eq!(shape.activation, Activation::GeluTanh);
    assert!(shape.post_norms && !shape.query_key_norms);
    assert_eq!(shape.attention_scale, 0.25);
    let shape = draft()
        .with("attn_logit_softcapping", Value::F32(0.0))
        .with("final_logit_softcapping", Value::F32(20.0))
        .read()
        .unwrap();
    assert_eq!(
        (shape.attention_soft_cap, shape.final_soft_cap),
        (None, Some(20.0))
    );
    let largest = draft()
        .with("block_count", Value::U32(46))
        .with("attention.key_length", Value::U32(32));
    assert_eq!(largest.read().unwrap().attention_scale, 0.25);
}

#[test]
fn gemma3_slides_on_five_layers_of_six_with_another_base() {
    let shape = Draft::new(Architecture::Gemma3)
        .with("attention.sliding_window", Value::U32(512))
        .with("rope.freq_base", Value::F32(1e6))
        .with("rope.scaling.factor", Value::F32(8.0))
        .read()
        .unwrap();
    assert_eq!(
        windows(&shape),
        [true, true, true, true, true, false, true, true]
    );
    assert_eq!(shape.layers[0].window, Some(512));
    assert!(shape.post_norms && shape.query_key_norms);
    assert_eq!(
        (shape.attention_soft_cap, shape.final_soft_cap),
        (None, None)
    );
    let local = shape.rope_frequencies(0, 4096).unwrap();
    let global = shape.rope_frequencies(5, 4096).unwrap();
    assert!(near(local.inverse[4], 10_000_f32.powf(-0.5)));
    assert!(near(global.inverse[4], 1e6_f32.powf(-0.5) / 8.0));
}

#[test]
fn a_given_pattern_says_which_layers_slide() {
    let draft = || Draft::new(Architecture::Gemma3).with("attention.sliding_window", Value::U32(8));
    let name = "attention.sliding_window_pattern";
    let shape = draft().with(name, Value::U32(4)).read().unwrap();
    assert_eq!(
        windows(&shape),
        [true, true, true, false, true, true, true, false]
    );
    let flags = [true, false, false, true, false, false, true, false];
    let array = Value::Array(flags.map(Value::Bool).to_vec());
    assert_eq!(windows(&draft().with(name, array).read().unwrap()), flags);
    let short = Value::Array(vec![Value::Bool(true)]);
    let error = draft().with(name, short).read().unwrap_err();
    assert!(
        error.to_string().contains("yes or no for each layer"),
        "{error}"
    );
}

#[test]
fn phi3_is_fused_partially_rotated_and_chooses_its_factors_by_context() {
    let shape = Draft::new(Architecture::Phi3)
        .with("rope.dimension_count", Value::U32(12))
        .with("rope.scaling.original_context_length", Value::U32(4096))
        .with("rope.scaling.attn_factor", Value::F32(1.19))
        .with("attention.sliding_window", Value::U32(2047))
        .with_tensors(&["blk.0.attn_qkv.weight", "blk.0.ffn_up.weight"])
        .with_tensor("rope_factors_short.weight", &[1.5; 6], &[6])
        .with_tensor("rope_factors_long.weight", &[8.0; 6], &[6])
        .read()
        .unwrap();
    assert!(shape.fused_qkv && shape.fused_gate_up);
    assert_eq!(windows(&shape), [true; LAYERS]);
    let short = shape.rope_frequencies(0, 4096).unwrap();
    let long = shape.rope_frequencies(0, 4097).unwrap();
    assert_eq!(short.inverse.len(), 6);
    assert!(near(short.inverse[0], 1.0 / 1.5) && near(long.inverse[0], 1.0 / 8.0));
    assert!(near(short.attention_factor, 1.19));
}

#[test]
fn smollm3_leaves_every_fourth_layer_without_positions() {
    let shape = Draft::new(Architecture::SmolLm3).read().unwrap();
    assert_eq!(shape.rope.layout, RopeLayout::Interleaved);
    let rotated: Vec<bool> = (0..LAYERS)
        .map(|layer| shape.rope_frequencies(layer, 4096).is_some())
        .collect();
    assert_eq!(rotated, [true, true, true, false, true, true, true, false]);
}

#[test]
fn mistral_slides_everywhere_if_its_file_says_so() {
    let draft = Draft::new(Architecture::Llama).with("attention.sliding_window", Value::U32(16));
    assert_eq!(windows(&draft.read().unwrap()), [true; LAYERS]);
}

#[test]
fn key_heads_may_differ_from_layer_to_layer() {
    let kv_heads = [1, 2, 4, 2, 1, 2, 4, 2];
    let array = Value::Array(kv_heads.map(Value::I32).to_vec());
    let draft = Draft::new(Architecture::Llama).with("attention.head_count_kv", array);
    let shape = draft.read().unwrap();
    let found: Vec<i32> = shape
        .layers
        .iter()
        .map(|layer| layer.kv_heads as i32)
        .collect();
    assert_eq!(found, kv_heads);
    let without = Draft::new(Architecture::Llama).without("attention.head_count_kv");
    assert_eq!(without.read().unwrap().layers[0].kv_heads, 4);
}

#[test]
fn other_architectures_are_refused_with_the_list_of_those_that_are_not() {
    assert_eq!(Architecture::parse("mamba"), None);
    let error = DecoderError::UnsupportedArchitecture {
        file: "a.gguf".to_owned(),
        found: "mamba".to_owned(),
    };
    let sentence = error.to_string();
    for architecture in Architecture::ALL {
        assert!(sentence.contains(architecture.name()), "{sentence}");
        assert_eq!(Architecture::parse(architecture.name()), Some(architecture));
    }
}

#[test]
fn impossible_metadata_is_refused_in_a_sentence() {
    let draft = || Draft::new(Architecture::Llama);
    let number = Value::U32;
    for (drafted, said) in [
        (draft().with("block_count", number(0)), "0 layers"),
        (
            draft().with("block_count", Value::U64(u64::MAX)),
            "layers are impossible",
        ),
        (
            draft().with("attention.head_count", number(0)),
            "head_count is 0",
        ),
        (
            draft().with("attention.head_count_kv", number(3)),
            "cannot share 3",
        ),
        (
            draft().with("attention.head_count", number(5)),
            "do not share a width",
        ),
        (
            draft().with("feed_forward_length", Value::U64(1 << 40)),
            "feed_forward_length is",
        ),
        (
            draft().with("embedding_length", number(32)),
            "instead of 32 wide",
        ),
        (draft().with("context_length", number(0)), "context of 0"),
        (
            draft().with("rope.dimension_count", number(18)),
            "cannot be rotated",
        ),
        (
            draft().with("rope.dimension_count", number(7)),
            "cannot be rotated",
        ),
        (
            draft().with("rope.freq_base", Value::F32(f32::NAN)),
            "freq_base is NaN",
        ),
        (
            draft().with("rope.scaling.factor", Value::F32(-1.0)),
            "stretched by -1",
        ),
        (
            draft().with("attention.layer_norm_rms_epsilon", Value::F32(f32::NAN)),
            "is NaN",
        ),
        (
            draft().with_tensor("rope_freqs.weight", &[1.0; 4], &[4]),
            "4 numbers instead of 8",
        ),
        (
            draft().with_tensor("rope_freqs.weight", &[0.0; 8], &[8]),
            "divide nothing",
        ),
        (
            draft().with("expert_count", number(8)),
            "mixture of experts",
        ),
        (
            draft().with("rope.scaling.type", Value::String("odd".to_owned())),
            "\"odd\"",
        ),
        (
            draft().without("feed_forward_length"),
            "lacks llama.feed_forward_length",
        ),
        (
            draft().without("attention.layer_norm_rms_epsilon"),
            "lacks llama.attention.layer",
        ),
    ] {
        let sentence = drafted.read().unwrap_err().to_string();
        assert!(sentence.contains(said), "{said}: {sentence}");
    }
}
