#!/usr/bin/env python3
"""How fast a fresh satchel ingests, and where the time goes.

    tests/bench/ingest.py --satchel target/release/satchel FILE_OR_FOLDER...

Prints pages and chunks a second from the first upload to the last document that
is ready, and the share of each step (steps run side by side, so that their sum
may exceed the time that passed). Needs nothing but Python.
"""

import argparse
import pathlib
import re
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from server import Server


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--satchel", default="target/release/satchel")
    parser.add_argument("files", nargs="+")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "data"
        folder.mkdir()
        server = Server(str(pathlib.Path(given.satchel).resolve()), folder)
        began = time.perf_counter()
        server.command("ingest", *given.files)
        while server.ask("/api/status")["jobs_pending"]:
            time.sleep(0.1)
        took = time.perf_counter() - began
        text = server.get("/metrics")
        memory = server.memory()
        server.stop()
    figures = dict(re.findall(r"^satchel_(inges\S+) (\S+)$", text, re.M))
    steps = {name: float(value) for name, value in figures.items() if "step" in name}
    pages, chunks = float(figures["ingested_pages_total"]), float(figures["ingested_chunks_total"])
    print(f"{pages:.0f} pages, {chunks:.0f} chunks in {took:.1f} s: {pages / took:.1f} pages/s, {chunks / took:.1f} chunks/s")
    for name, seconds in steps.items():
        step = re.search(r'"(\w+)"', name)[1]
        print(f"{step:8} {seconds:8.2f} s {100 * seconds / sum(steps.values()):5.1f} %")
    print(f"resident at the end: {memory['VmRSS']} MiB")


if __name__ == "__main__":
    main()
