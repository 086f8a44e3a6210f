//! What the tensors of a model are called, in GGUF and in the folders that
//! publishers give their models in. Must not read any.

/// Names; those of a layer stand behind `block` and its number.
pub(super) struct Names {
    /// What may stand before all names.
    pub(super) prefixes: &'static [&'static str],
    pub(super) tokens: &'static str,
    pub(super) positions: &'static str,
    pub(super) kinds: &'static str,
    pub(super) embedding_norm: &'static str,
    pub(super) block: &'static str,
    /// Query, key and value, side by side or together; what is there counts.
    pub(super) attention: &'static [&'static [&'static str]],
    pub(super) attention_output: &'static str,
    pub(super) attention_norm: &'static str,
    /// The gate, if there is one, and the first map.
    pub(super) up: &'static [&'static [&'static str]],
    pub(super) down: &'static str,
    pub(super) feed_forward_norm: &'static str,
    pub(super) final_norm: &'static str,
    /// The maps that score classes by a text's first token: the first of them
    /// is followed by tanh and need not be there.
    pub(super) head: &'static [HeadNames],
}

/// The maps of a classification head, outside of the prefix.
pub(super) struct HeadNames {
    pub(super) dense: &'static str,
    pub(super) output: &'static str,
}

/// The names of a GGUF file; `norms_first` models call their norms otherwise.
pub(super) fn gguf(norms_first: bool) -> Names {
    Names {
        prefixes: &[""],
        tokens: "token_embd",
        positions: "position_embd",
        kinds: "token_types",
        embedding_norm: "token_embd_norm",
        block: "blk.",
        attention: &[&["attn_qkv"], &["attn_q", "attn_k", "attn_v"]],
        attention_output: "attn_output",
        attention_norm: if norms_first {
            "attn_norm"
        } else {
            "attn_output_norm"
        },
        up: &[&["ffn_gate", "ffn_up"], &["ffn_up"]],
        down: "ffn_down",
        feed_forward_norm: if norms_first {
            "ffn_norm"
        } else {
            "layer_output_norm"
        },
        final_norm: "output_norm",
        head: if norms_first {
            &[]
        } else {
            &[HeadNames {
                dense: "cls",
                output: "cls.output",
            }]
        },
    }
}

/// BERT, RoBERTa and XLM-R.
pub(super) const BERT: Names = Names {
    prefixes: &["", "bert.", "roberta."],
    tokens: "embeddings.word_embeddings",
    positions: "embeddings.position_embeddings",
    kinds: "embeddings.token_type_embeddings",
    embedding_norm: "embeddings.LayerNorm",
    block: "encoder.layer.",
    attention: &[&[
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ]],
    attention_output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: &[&["intermediate.dense"]],
    down: "output.dense",
    feed_forward_norm: "output.LayerNorm",
    final_norm: "",
    head: &[
        HeadNames {
            dense: "classifier.dense",
            output: "classifier.out_proj",
        },
        HeadNames {
            dense: "bert.pooler.dense",
            output: "classifier",
        },
    ],
};

/// BERT with ALiBi and gated layers.
pub(super) const JINA: Names = Names {
    positions: "",
    up: &[&["mlp.gated_layers"]],
    down: "mlp.wo",
    feed_forward_norm: "mlp.layernorm",
    ..BERT
};

/// BERT with rotation and SwiGLU. Its second map of the input is the gate.
pub(super) const NOMIC: Names = Names {
    positions: "",
    embedding_norm: "emb_ln",
    block: "encoder.layers.",
    attention: &[&["attn.Wqkv"]],
    attention_output: "attn.out_proj",
    attention_norm: "norm1",
    up: &[&["mlp.fc12", "mlp.fc11"]],
    down: "mlp.fc2",
    feed_forward_norm: "norm2",
    ..BERT
};

/// ModernBERT.
pub(super) const MODERN: Names = Names {
    prefixes: &["", "model."],
    tokens: "embeddings.tok_embeddings",
    positions: "",
    kinds: "",
    embedding_norm: "embeddings.norm",
    block: "layers.",
    attention: &[&["attn.Wqkv"]],
    attention_output: "attn.Wo",
    attention_norm: "attn_norm",
    up: &[&["mlp.Wi"]],
    down: "mlp.Wo",
    feed_forward_norm: "mlp_norm",
    final_norm: "final_norm",
    head: &[],
};
