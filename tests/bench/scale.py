#!/usr/bin/env python3
"""How satchel grows: one data folder with ten thousand, then a hundred
thousand, then a million chunks, asked through the server as a user asks.

    pip install numpy
    tests/bench/scale.py --satchel target/release/satchel --data DATA [--chunks 10000,100000,1000000]

DATA holds `xquad` and `cranfield`. Their texts are ingested in earnest; the rest
is made from them and written into the database as ingestion would: a chunk is a
mixture of two texts' words, its vector the same mixture of their vectors with
noise, so that neighbours are as close as in a real collection. The server then
makes both indexes at its start. Asked are XQuAD's questions and identifiers that
stand in one chunk each. The exact neighbours are computed from all vectors.

Times are those that the server says: of the whole search, and of each index alone
(embedding the question and reading the best passage are in the whole, and take the
same at every size). A hybrid search asks both indexes.
"""

import argparse
import hashlib
import json
import pathlib
import random
import re
import sqlite3
import sys
import tempfile
import time

import numpy as np

sys.dont_write_bytecode = True

from server import Server

WORDS, PER_DOCUMENT, WIDTH = 60, 20, 384
QUESTIONS = 200


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--satchel", default="target/release/satchel")
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--chunks", default="10000,100000,1000000")
    parser.add_argument("--folder", type=pathlib.Path, help="where the data folder is kept")
    parser.add_argument("--out", help="write all figures here, as JSON")
    return parser.parse_args()


def texts_of(data):
    """Passages of both collections, and XQuAD's questions."""
    articles = json.loads((data / "xquad" / "xquad.en.json").read_text())["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    passages = [paragraph["context"] for paragraph in paragraphs]
    questions = [one["question"] for paragraph in paragraphs for one in paragraph["qas"]]
    abstracts = (data / "cranfield" / "cran.all.1400.xml").read_text(errors="replace")
    passages += [" ".join(text.split()) for text in re.findall(r"<text>(.*?)</text>", abstracts, re.S)]
    draw = random.Random(11)
    return [text for text in passages if len(text) > 200], draw.sample(questions, QUESTIONS)


def ingest(given, folder, passages):
    files = folder.parent / "files"
    files.mkdir()
    for number, text in enumerate(passages):
        (files / f"passage-{number}.txt").write_text(text)
    server = Server(given.satchel, folder)
    server.command("ingest", str(files))
    server.wait_until_idle()
    server.stop()


def connect(folder):
    database = sqlite3.connect(next(folder.glob("*.db")))
    database.execute("PRAGMA foreign_keys = ON")
    return database


def vectors_in(database):
    rows = database.execute("SELECT chunk_key, vector FROM vectors ORDER BY chunk_key").fetchall()
    keys = np.array([key for key, _ in rows])
    return keys, np.frombuffer(b"".join(vector for _, vector in rows), np.float16).reshape(len(rows), -1)


def grow(folder, wanted):
    """Fills the database up to so many chunks; gives back new identifiers."""
    database = connect(folder)
    have = database.execute("SELECT count(*) FROM chunks").fetchone()[0]
    seeds = database.execute(
        "SELECT c.text, v.vector FROM chunks c JOIN vectors v ON v.chunk_key = c.key"
        " JOIN documents d ON d.key = c.document_key WHERE d.filename LIKE 'passage-%' ORDER BY c.key"
    ).fetchall()
    words = [text.split() for text, _ in seeds]
    seed_vectors = np.stack([np.frombuffer(vector, np.float16).astype(np.float32) for _, vector in seeds])
    dataset, user, embedder = database.execute(
        "SELECT d.dataset_key, d.user_id, v.embedder_key FROM documents d JOIN chunks c ON c.document_key = d.key"
        " JOIN vectors v ON v.chunk_key = c.key WHERE d.filename LIKE 'passage-%' LIMIT 1"
    ).fetchone()
    draw, numbers, identifiers = random.Random(wanted), np.random.default_rng(wanted), []
    for first in range(have, wanted, PER_DOCUMENT):
        count = min(PER_DOCUMENT, wanted - first)
        pairs = numbers.integers(len(seeds), size=(count, 2))
        share = numbers.uniform(0.55, 0.95, size=(count, 1)).astype(np.float32)
        noise = numbers.normal(size=(count, WIDTH)).astype(np.float32) * (0.35 / np.sqrt(WIDTH))
        mixed = share * seed_vectors[pairs[:, 0]] + (1 - share) * seed_vectors[pairs[:, 1]] + noise
        mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
        texts = []
        for (one, other), part in zip(pairs, share[:, 0]):
            mine = round(WORDS * part)
            text = draw.choices(words[one], k=mine) + draw.choices(words[other], k=WORDS - mine)
            texts.append(" ".join(text))
        if draw.random() < 400 / max(wanted - have, 400):
            name = f"{draw.choice('ABCDEFGH')}{draw.choice('KLMNP')}-{draw.randrange(10**6, 10**7)}-{draw.randrange(10, 99)}"
            identifiers.append(name)
            texts[0] += f" as described under {name}"
        write(database, (dataset, user, embedder), f"made-{first}", texts, mixed.astype(np.float16))
    database.commit()
    database.close()
    return identifiers


def write(database, owner, name, texts, vectors):
    dataset, user, embedder = owner
    page = "\n\n".join(texts)
    document = database.execute(
        "INSERT INTO documents (id, dataset_key, user_id, filename, file_type, bytes, sha256, status, pages, characters,"
        " chunks, embedded, created_at, updated_at) VALUES (?, ?, ?, ?, 'txt', ?, ?, 'ready', 1, ?, ?, ?, 0, 0)",
        (name, dataset, user, f"{name}.txt", len(page), hashlib.sha256(name.encode()).hexdigest(), len(page), len(texts), len(texts)),
    ).lastrowid
    database.execute("INSERT INTO pages VALUES (?, 1, ?, 'text', NULL, ?)", (document, len(page), page))
    at = 0
    for position, (text, vector) in enumerate(zip(texts, vectors)):
        chunk = database.execute(
            "INSERT INTO chunks (document_key, position, page, start, end, heading_path, text) VALUES (?, ?, 1, ?, ?, '[]', ?)",
            (document, position, at, at + len(text), text),
        ).lastrowid
        database.execute("INSERT INTO vectors VALUES (?, ?, ?)", (embedder, chunk, vector.tobytes()))
        at += len(text) + 2


def exact(folder, queries):
    """The keys of the ten nearest chunks of each query."""
    database = connect(folder)
    keys, vectors = vectors_in(database)
    best = []
    queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    cosines = np.concatenate([block.astype(np.float32) @ queries.T for block in np.array_split(vectors, max(1, len(vectors) // 50_000))])
    for column in cosines.T:
        nearest = np.argpartition(-column, 10)[:10]
        best.append({int(key) for key in keys[nearest]})
    places = dict(
        (((document, position), key) for key, document, position in database.execute(
            "SELECT c.key, d.id, c.position FROM chunks c JOIN documents d ON d.key = c.document_key"))
    )
    database.close()
    return best, places


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def median_and_p95(values):
    return [round(quantile(values, share), 1) for share in (0.5, 0.95)]


def search(server, query, search_type, k=10):
    wanted = {"search_type": search_type, "k": k, "score_threshold": 0.0}
    return server.ask("/api/search", {"query": query, "search_options": wanted})


def vectors_of(server, texts):
    model = server.ask("/v1/models")["data"][-1]["id"]
    made = server.ask("/v1/embeddings", {"model": model, "input": texts})
    return np.array([one["embedding"] for one in made["data"]], np.float32)


def measure(server, folder, questions, identifiers):
    """Latencies by kind of search, recall of the ten nearest, identifiers in first place."""
    figures = {}
    found = {}
    for search_type in ("SIMILARITY", "HYBRID"):
        for question in questions[:10]:
            search(server, question, search_type)
        answers = [search(server, question, search_type) for question in questions]
        figures[f"{search_type.lower()} ms"] = median_and_p95([answer["took_ms"] for answer in answers])
        found[search_type] = answers
    for step in answers[0]["times"]:
        figures[step.replace("_", " ")] = median_and_p95([answer["times"][step] for answer in answers])
    nearest, places = exact(folder, vectors_of(server, questions))
    right = 0
    for answer, wanted in zip(found["SIMILARITY"], nearest):
        keys = {places[(hit["document_id"], hit["chunk_index"])] for hit in answer["results"]}
        right += len(keys & wanted)
    figures["recall@10"] = right / (10 * len(nearest))
    asked = identifiers[:200]
    first = [search(server, f"what is said of {name}?", "HYBRID", 1)["results"] for name in asked]
    hits = [hits and name in hits[0]["text"] for name, hits in zip(asked, first)]
    figures["identifiers first"] = f"{sum(map(bool, hits))} of {len(asked)}"
    return figures


def run(given, folder):
    passages, questions = texts_of(given.data)
    ingest(given, folder, passages)
    figures, identifiers = {}, []
    for wanted in map(int, given.chunks.split(",")):
        identifiers += grow(folder, wanted)
        first = Server(given.satchel, folder)
        began = time.perf_counter()
        first.wait_until_idle()
        linked_s = time.perf_counter() - began
        first.stop()
        server = Server(given.satchel, folder)
        begun = server.memory()
        figures[wanted] = {
            "indexes made s": round(first.started_s, 1),
            "graph made s": round(linked_s, 1),
            "restart s": round(server.started_s, 2),
            "MiB after the restart": begun["VmRSS"],
            **measure(server, folder, questions, identifiers),
            "MiB after the searches": server.memory(),
            "on disk MiB": {
                part: round(sum(f.stat().st_size for f in (folder / part).rglob("*")) / 2**20)
                for part in ("lexical", "vectors")
            },
        }
        server.stop()
        print(wanted, json.dumps(figures[wanted]), file=sys.stderr, flush=True)
    if given.out:
        pathlib.Path(given.out).write_text(json.dumps(figures, indent=1))
    return figures


def main():
    given = options()
    given.satchel = str(pathlib.Path(given.satchel).resolve())
    with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
        folder = pathlib.Path(temporary) / "data"
        folder.mkdir()
        print(json.dumps(run(given, folder), indent=1))


if __name__ == "__main__":
    main()
