//! What a made-up model of any supported architecture consists of: its metadata
//! and its tensors, under the names and in the order that converters use. Says
//! nothing about the numbers in them.

use super::Architecture;
use super::weight_format::Role;
use candle_core::quantized::gguf_file::Value;
use std::f32::consts::TAU;

/// The size of a model.
#[derive(Debug, Clone)]
pub(super) struct Blueprint {
    pub(super) name: String,
    pub(super) architecture: Architecture,
    pub(super) context: usize,
    pub(super) layers: usize,
    pub(super) hidden: usize,
    pub(super) feed_forward: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    /// Width of a head.
    pub(super) head: usize,
    /// How much of a head positions turn.
    pub(super) rotated: usize,
    pub(super) rope_base: f32,
    pub(super) stretched: Stretched,
    pub(super) window: Option<usize>,
    pub(super) norm_epsilon: f32,
    /// The embedding is the output, too.
    pub(super) tied: bool,
}

/// How a model's positions were made to reach further.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stretched {
    No,
    /// As Llama 3.1 and later: the longest waves by `factor`.
    Llama3 {
        factor: f32,
        original_context: usize,
    },
    /// As Phi 3: one set of divisors for short contexts, one for long.
    ByContext {
        original_context: usize,
    },
}

/// A tensor to be made.
#[derive(Debug, Clone)]
pub(super) struct PlannedTensor {
    pub(super) name: String,
    /// Rows, then columns.
    pub(super) dimensions: Vec<usize>,
    pub(super) role: Role,
    pub(super) layer: usize,
    /// The numbers themselves where they must be these.
    pub(super) numbers: Option<Vec<f32>>,
}

impl Blueprint {
    /// The metadata of the architecture.
    pub(super) fn metadata(&self) -> Vec<(String, Value)> {
        let prefix = self.architecture.name();
        let number = |number: usize| Value::U32(number as u32);
        let mut metadata = vec![
            ("context_length", number(self.context)),
            ("embedding_length", number(self.hidden)),
            ("block_count", number(self.layers)),
            ("feed_forward_length", number(self.feed_forward)),
            ("attention.head_count", number(self.heads)),
            ("attention.head_count_kv", number(self.kv_heads)),
            ("attention.key_length", number(self.head)),
            ("attention.value_length", number(self.head)),
            (
                "attention.layer_norm_rms_epsilon",
                Value::F32(self.norm_epsilon),
            ),
            ("rope.dimension_count", number(self.rotated)),
            ("rope.freq_base", Value::F32(self.rope_base)),
        ];
        if let Some(window) = self.window {
            metadata.push(("attention.sliding_window", number(window)));
        }
        if self.architecture == Architecture::Gemma2 {
            metadata.push(("attn_logit_softcapping", Value::F32(50.0)));
            metadata.push(("final_logit_softcapping", Value::F32(30.0)));
        }
        if let Stretched::ByContext { original_context } = self.stretched {
            let longer = self.context as f32 / original_context as f32;
            let factor = (1.0 + longer.ln() / (original_context as f32).ln()).sqrt();
            metadata.push((
                "rope.scaling.original_context_length",
                number(original_context),
            ));
            metadata.push(("rope.scaling.attn_factor", Value::F32(factor)));
        }
        metadata
            .into_iter()
            .map(|(key, value)| (format!("{prefix}.{key}"), value))
            .collect()
    }

    /// The tensors for so many tokens.
    pub(super) fn tensors(&self, vocabulary: usize) -> Vec<PlannedTensor> {
        let mut plan = Plan::default();
        let role = match self.tied {
            true => Role::Output,
            false => Role::Embedding,
        };
        plan.matrix("token_embd", vocabulary, self.hidden, role);
        plan.vector("output_norm.weight", self.hidden, Role::Norm);
        if !self.tied {
            plan.matrix("output", vocabulary, self.hidden, Role::Output);
        }
        self.plan_rope_factors(&mut plan);
        for layer in 0..self.layers {
            plan.layer = layer;
            plan.prefix = format!("blk.{layer}.");
            self.plan_attention(&mut plan);
            self.plan_feed_forward(&mut plan);
        }
        plan.tensors
    }

    fn plan_rope_factors(&self, plan: &mut Plan) {
        let pairs = self.rotated / 2;
        match self.stretched {
            Stretched::No => {}
            Stretched::Llama3 {
                factor,
                original_context,
            } => {
                let divisors = self.llama3_divisors(factor, original_context as f32);
                plan.given("rope_freqs.weight", divisors);
            }
            Stretched::ByContext { .. } => {
                let rising = |step: f32| (0..pairs).map(|pair| 1.0 + step * pair as f32).collect();
                plan.given("rope_factors_long.weight", rising(0.5));
                plan.given("rope_factors_short.weight", rising(0.02));
            }
        }
    }

    fn plan_attention(&self, plan: &mut Plan) {
        let (mixed, keys) = (self.heads * self.head, self.kv_heads * self.head);
        plan.vector("attn_norm.weight", self.hidden, Role::Norm);
        if self.architecture == Architecture::Phi3 {
            let rows = mixed + 2 * keys;
            plan.matrix("attn_qkv", rows, self.hidden, Role::QueryKeyValue);
        } else {
            plan.matrix("attn_q", mixed, self.hidden, Role::OtherMatrix);
            plan.matrix("attn_k", keys, self.hidden, Role::OtherMatrix);
            plan.matrix("attn_v", keys, self.hidden, Role::Value);
        }
        plan.matrix("attn_output", self.hidden, mixed, Role::OtherMatrix);
        if self.architecture == Architecture::Qwen2 {
            plan.vector("attn_q.bias", mixed, Role::Bias);
            plan.vector("attn_k.bias", keys, Role::Bias);
            plan.vector("attn_v.bias", keys, Role::Bias);
        }
        if matches!(
            self.architecture,
            Architecture::Qwen3 | Architecture::Gemma3
        ) {
            plan.vector("attn_q_norm.weight", self.head, Role::Norm);
            plan.vector("attn_k_norm.weight", self.head, Role::Norm);
        }
        if self.is_gemma() {
            plan.vector("post_attention_norm.weight", self.hidden, Role::Norm);
        }
    }

    fn plan_feed_forward(&self, plan: &mut Plan) {
        plan.vector("ffn_norm.weight", self.hidden, Role::Norm);
        if self.architecture == Architecture::Phi3 {
            let rows = 2 * self.feed_forward;
            plan.matrix("ffn_up", rows, self.hidden, Role::OtherMatrix);
        } else {
            plan.matrix(
                "ffn_gate",
                self.feed_forward,
                self.hidden,
                Role::OtherMatrix,
            );
            plan.matrix("ffn_up", self.feed_forward, self.hidden, Role::OtherMatrix);
        }
        plan.matrix("ffn_down", self.hidden, self.feed_forward, Role::Down);
        if self.is_gemma() {
            plan.vector("post_ffw_norm.weight", self.hidden, Role::Norm);
        }
    }

    fn is_gemma(&self) -> bool {
        matches!(
            self.architecture,
            Architecture::Gemma2 | Architecture::Gemma3
        )
    }

    /// Waves that fit four times into the original context keep their length,
    /// those that do not fit once are stretched, with a smooth passage between.
    fn llama3_divisors(&self, factor: f32, original_context: f32) -> Vec<f32> {
        (0..self.rotated / 2)
            .map(|pair| {
                let exponent = 2.0 * pair as f32 / self.rotated as f32;
                let fits = original_context / (TAU * self.rope_base.powf(exponent));
                let kept = ((fits - 1.0) / 3.0).clamp(0.0, 1.0);
                1.0 / ((1.0 - kept) / factor + kept)
            })
            .collect()
    }
}

#[derive(Default)]
struct Plan {
    prefix: String,
    layer: usize,
    tensors: Vec<PlannedTensor>,
}

impl Plan {
    fn push(&mut self, name: &str, dimensions: Vec<usize>, role: Role, numbers: Option<Vec<f32>>) {
        self.tensors.push(PlannedTensor {
            name: format!("{}{name}", self.prefix),
            dimensions,
            role,
            layer: self.layer,
            numbers,
        });
    }

    fn matrix(&mut self, name: &str, rows: usize, columns: usize, role: Role) {
        self.push(&format!("{name}.weight"), vec![rows, columns], role, None);
    }

    fn vector(&mut self, name: &str, length: usize, role: Role) {
        self.push(name, vec![length], role, None);
    }

    fn given(&mut self, name: &str, numbers: Vec<f32>) {
        let dimensions = vec![numbers.len()];
        self.push(name, dimensions, Role::RopeFactors, Some(numbers));
    }
}
