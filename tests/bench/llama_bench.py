#!/usr/bin/env python3
"""Compares satchel's engine with llama.cpp's (or ik_llama.cpp's) `llama-bench`.

Both read the same file with random weights, in the same run, with as many
threads; their rounds alternate, and medians are compared. llama-bench is built
elsewhere and named here:

    tests/bench/llama_bench.py --llama-bench PATH [--shapes qwen2.5-1.5b,...]
        [--quantizations Q4_K_M,Q8_0,Q4_0] [--threads 2] [--rounds 3] [--serving]

With --repack, llama-bench runs a second time with its weights repacked at load
(-rtr 1), and its better figure counts. Prints a Markdown table and, with --out,
writes all figures as JSON. Needs nothing but Python.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

SHAPES = "qwen2.5-0.5b,qwen2.5-1.5b,llama-3.2-1b"


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--satchel", default="target/release/satchel")
    parser.add_argument("--llama-bench", required=True)
    parser.add_argument("--shapes", default=SHAPES)
    parser.add_argument("--quantizations", default="Q4_K_M,Q8_0,Q4_0")
    parser.add_argument("--prompt", default="128,512,2048")
    parser.add_argument("--decode", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repack", action="store_true")
    parser.add_argument("--serving", action="store_true")
    parser.add_argument("--folder", help="where the model files are kept")
    parser.add_argument("--out", help="write all figures here, as JSON")
    return parser.parse_args()


def printed(command):
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{run.stderr[-2000:]}")
    return json.loads(run.stdout)


def satchel(given, model, file, serving):
    command = [given.satchel, "bench", "--synthetic", model, "--keep", file, "--json"]
    command += ["--prompt", given.prompt, "--decode", given.decode, "--threads", given.threads]
    found = printed(command + (["--serving"] if serving else []))
    figures = {f"pp{one['tokens']}": one["tokens_per_s"] for one in found["prefill"]}
    for one in found["decode"]:
        figures["tg" if one["streams"] == 1 else f"tg x{one['streams']}"] = one["tokens_per_s"]
    figures["repeating"] = found["decode_repeating_tokens_per_s"]
    figures["packed GB/s"] = found["file_bytes"] / 1e9 / found["weights_s"]
    figures["memory / file"] = (found["resident_bytes"] or 0) / found["file_bytes"]
    if found.get("serving"):
        follow_up, arrival = found["serving"]["follow_up"], found["serving"]["arrival"]
        figures["follow-up %"] = 100 * follow_up["follow_up_s"] / follow_up["first_turn_s"]
        figures["gap ms"] = 1000 * arrival["longest_gap_s"]
    return figures


def llama(given, file, repack):
    command = [given.llama_bench, "-m", file, "-p", given.prompt, "-n", given.decode]
    command += ["-t", given.threads, "-r", 1, "-o", "json", "-rtr" if repack else "-w", 1]
    figures = {}
    for one in printed(command):
        name = f"pp{one['n_prompt']}" if one["n_prompt"] else "tg"
        figures[name] = one["avg_ts"]
    return figures


def medians(rounds):
    return {name: statistics.median(one[name] for one in rounds if name in one)
            for name in dict.fromkeys(name for one in rounds for name in one)}


def compare(given, model, folder):
    file = os.path.join(folder, model.replace(":", "-") + ".gguf")
    ours, theirs = [], []
    for number in range(given.rounds):
        ours.append(satchel(given, model, file, given.serving and number == 0))
        both = [llama(given, file, repack) for repack in [False] + [True] * given.repack]
        theirs.append({name: max(one[name] for one in both) for name in both[0]})
    if not given.folder:
        os.remove(file)
    return {"model": model, "satchel": medians(ours), "llama": medians(theirs)}


def cell(found, name):
    ours, theirs = found["satchel"].get(name), found["llama"].get(name)
    if ours is None:
        return ""
    shown = f"{ours:.0f}" if ours >= 100 else f"{ours:.1f}" if ours >= 10 else f"{ours:.2f}"
    return f"{shown} ({ours / theirs:.2f}x)" if theirs else shown


def main():
    given = options()
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for shape in given.shapes.split(","):
            for quantization in given.quantizations.split(","):
                found = compare(given, f"{shape}:{quantization}", given.folder or temporary)
                results.append(found)
                if len(results) == 1:
                    names = list(found["satchel"])
                    print("| tokens/s (of llama-bench's) | " + " | ".join(names) + " |")
                    print("|---" * (len(names) + 1) + "|")
                row = " | ".join(cell(found, name) for name in names)
                print(f"| {found['model']} | {row} |", flush=True)
    if given.out:
        with open(given.out, "w") as out:
            json.dump(results, out, indent=1)


if __name__ == "__main__":
    main()
