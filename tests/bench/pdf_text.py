#!/usr/bin/env python3
"""What satchel reads from PDF files, page by page, beside poppler's pdftotext.

    apt install poppler-utils qpdf groff fonts-dejavu-core fonts-droid-fallback
    pip install rapidfuzz reportlab fpdf2 uharfbuzz
    cargo build --release
    python3 tests/bench/pdf_text.py ../shared/data/pdf
    python3 tests/bench/pdf_text.py --make FOLDER      # makes PDFs whose text is known

A server on a data folder of its own is started, each file is added, and every
page of its ledger is asked for: its outcome (`text`, `no_text`, `failed` with
the reason) and its text. A page that satchel did not read though pdftotext
finds text on it, and a page that the ledger lacks, are listed.

Before texts are compared they are folded: compatibility forms (NFKC: ligatures,
wide characters), white space, hyphens between letters, leaders, bullets of
symbol fonts. Running heads and page numbers, which satchel takes out on
purpose, are taken out of the reference and counted: lines near the top or the
bottom of a page that stand there on other pages too, apart from their numbers.
So are words whose type is too small to be seen. Rows of tables repeat the names
of their columns, also on purpose: of ours the repetitions are taken out, so that
the names stand once above their values, as in the file.

    error   edit distance of the characters, in parts of the reference's
    words   characters of words that one side has and the other lacks, in any
            order, in parts of the reference's: `-layout` puts the lines of
            columns side by side, so its order is not that of reading

The reference is `pdftotext -layout`; `flow` is `error` against plain
`pdftotext`, which follows columns. For a made file the reference is what was
written into it, and pdftotext is measured against that as well.
"""

import argparse
import collections
import html
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata
import urllib.error
import urllib.request
import uuid

from rapidfuzz.distance import Levenshtein

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).parent.parent.parent

# Type of less height, in points, is not to be seen.
VISIBLE = 2.0
# A running line stands among so many lines of a page's top or bottom.
EDGE_LINES = 4
# And on so many pages, or on half of the pages of a short file.
EDGE_PAGES = 3


class Server:
    """A server on a data folder that goes with it."""

    def __init__(self, executable):
        self.folder = tempfile.TemporaryDirectory()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        common = ["--data-dir", self.folder.name]
        command = [executable, "serve", "--listen", self.address, "--rate-limit", "0",
                   "--handbook", "false", "--threads", "1", "--max-upload-mib", "500", *common]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.token = self.wait_for_token([executable, "token", *common])

    def wait_for_token(self, command):
        """A token, as soon as the server can be reached: from then on it answers."""
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit(f"the server ended with {self.process.returncode}")
            time.sleep(0.1)
            try:
                with socket.create_connection(self.address.split(":")):
                    done = subprocess.run(command, capture_output=True, text=True)
            except OSError:
                continue
            if done.returncode == 0:
                return done.stdout.strip()
        sys.exit(f"the server gives no token: {done.stderr.strip()}")

    def ask(self, path, body=None, kind=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        if kind:
            headers["Content-Type"] = kind
        request = urllib.request.Request(f"http://{self.address}{path}", body, headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def read(self, path):
        """The pages of the ledger, or the reason why there are none."""
        border = uuid.uuid4().hex
        head = (f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
                "Content-Type: application/pdf\r\n\r\n")
        body = head.encode() + path.read_bytes() + f"\r\n--{border}--\r\n".encode()
        try:
            document = self.ask("/documents/upload", body, f"multipart/form-data; boundary={border}")
        except urllib.error.HTTPError as error:
            return error.read().decode()
        key = document["id"] if "id" in document else document["document_id"]
        pages = self.ask(f"/documents/{key}/pages")["pages"]
        read = [self.ask(f"/documents/{key}/pages/{page['number']}") for page in pages]
        # Its vectors are not waited for.
        delete = urllib.request.Request(f"http://{self.address}/documents/{key}", method="DELETE",
                                        headers={"Authorization": f"Bearer {self.token}"})
        urllib.request.urlopen(delete).close()
        return read

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def pdftotext(path, *options):
    """The text of each page, or None where the file cannot be opened."""
    done = subprocess.run(["pdftotext", *options, str(path), "-"], capture_output=True)
    if done.returncode:
        return None
    return done.stdout.decode("utf-8", "replace").split("\f")[:-1]


def without_hidden(path, pages):
    """The pages without words too small to be seen, and how many these are."""
    boxes = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, text=True).stdout
    pattern = r'<word xMin="[^"]*" yMin="([^"]*)" xMax="[^"]*" yMax="([^"]*)">(.*?)</word>'
    kept, count = [], 0
    for page, box in zip(pages, boxes.split("<page ")[1:]):
        for top, bottom, word in re.findall(pattern, box):
            if abs(float(bottom) - float(top)) < VISIBLE:
                page = page.replace(html.unescape(word), "", 1)
                count += 1
        kept.append(page)
    return kept, count


def plain(text):
    """Compatibility forms, invisible characters, leaders and bullets folded."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u0640]", "", text)
    text = re.sub("[\u2010-\u2012\u2212]", "-", text)
    text = re.sub("[\ue000-\uf8ff\u2022\u25cf\u25aa\u25a0]", "\u2022", text)
    return re.sub(r"(?:[._](?:[ \t]*)){4,}", " ", text)


def characters(text):
    """What the edit distance is taken of: neither white space nor hyphens."""
    return re.sub(r"[\s-]+", "", plain(text))


def words(text):
    return collections.Counter(re.split(r"\s+", plain(text).strip()) if text.strip() else [])


def join_pieces(ours, theirs):
    """Takes words out of both that one side cuts in two: at a line end, at an
    indent or between the letters of a spaced word."""
    for one, other in ((ours, theirs), (theirs, ours)):
        whole = {word.replace("-", ""): word for word in one}
        for first in list(other):
            for second in list(other):
                found = whole.get((first + second).replace("-", ""))
                while found and one[found] > 0 and other[first] > 0 and other[second] > (first == second):
                    for counter, word in ((one, found), (other, first), (other, second)):
                        counter[word] -= 1


def word_error(ours, theirs):
    """Characters of the words that only one side has; also these words."""
    ours, theirs = words(ours), words(theirs)
    total = sum(len(word) * count for word, count in theirs.items())
    left, lost = ours - theirs, theirs - ours
    if len(left) + len(lost) < 3000:
        join_pieces(left, lost)
    left, lost = +left, +lost
    wrong = max(sum(len(w) * c for w, c in side.items()) for side in (left, lost))
    return wrong / max(total, 1), left, lost


def character_error(ours, theirs):
    ours, theirs = characters(ours), characters(theirs)
    return Levenshtein.distance(ours, theirs) / max(len(theirs), 1)


def shape(line):
    """A line apart from its white space and its numbers."""
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", re.sub(r"\s+", "", plain(line)).lower())


def edges(page):
    """Numbers of the lines at the top and the bottom of a page."""
    filled = [index for index, line in enumerate(page) if line.strip()]
    return set(filled[:EDGE_LINES] + filled[-EDGE_LINES:])


def without_running(pages, ours):
    """The reference without the running lines that satchel took out, and those."""
    pages = [page.split("\n") for page in pages]
    seen = collections.Counter()
    for page in pages:
        seen.update({shape(page[index]) for index in edges(page)})
    needed = min(EDGE_PAGES, max(2, len(pages) // 2))
    kept, taken = [], []
    for page, text in zip(pages, ours):
        here, there = characters(text), characters("\n".join(page))
        away = {index for index in edges(page)
                if seen[shape(page[index])] >= needed and not is_kept(page[index], here, there)}
        taken += [page[index].strip() for index in sorted(away)]
        kept.append("\n".join(line for index, line in enumerate(page) if index not in away))
    return kept, taken


def is_kept(line, ours, theirs):
    """Whether a running line is still there: a long part of it as often as in
    the reference, or the whole line at either end of the text."""
    for cell in re.split(r"\s{2,}", line.strip()):
        cell = characters(cell)
        if len(cell) > 8 and ours.count(cell) >= theirs.count(cell):
            return True
    line = characters(line)
    return line in ours[:len(line) + 200] or line in ours[-len(line) - 200:]


def without_repeated_names(text):
    """Our text with the names of a table's columns once, above all its rows."""
    out, names, rows = [], [], []

    def end():
        if rows:
            out.append("\t".join(names))
            out.extend("\t".join(row) for row in rows)
        names.clear()
        rows.clear()

    for line in text.split("\n"):
        cells = [cell.removesuffix(";") for cell in line.split("\t")]
        is_row = ";\t" in line and ": " in line
        if not is_row and not any(line.startswith(f"{name}: ") for name in names):
            end()
            out.append(line)
            continue
        row = []
        for cell in cells:
            name, mark, value = cell.partition(": ")
            # A long row goes on in a line that begins with its first cell again.
            row.append(value if mark else cell)
            if mark and name not in names:
                names.append(name)
        rows.append(row)
    end()
    return "\n".join(out)


def compare(path, read, truth):
    """Rows of one file's pages."""
    layout, flow = pdftotext(path, "-layout"), pdftotext(path)
    if isinstance(read, str):
        print(f"{path.name}: not read: {read}; pdftotext: {'opens it' if layout is not None else 'neither'}")
        return []
    for page in read:
        page["text"] = without_repeated_names(page["text"])
    ours = [page["text"] for page in read]
    layout, hidden = without_hidden(path, layout)
    flow, _ = without_hidden(path, flow)
    number_of = [page["page_number"] for page in read]
    expected = layout if truth is None else truth
    if number_of != list(range(1, len(expected) + 1)):
        print(f"{path.name}: THE LEDGER HAS PAGES {number_of}, the file has {len(expected)}")
    reference, taken = without_running(expected, ours)
    flowing, _ = without_running(flow, ours)
    rows = []
    for page, theirs, flown, raw in zip(read, reference, flowing, layout):
        wrong, left, lost = word_error(page["text"], theirs)
        row = {"file": path.name, "page": page["page_number"], "outcome": page["outcome"],
               "reason": page["reason"], "characters": len(characters(theirs)),
               "error": character_error(page["text"], theirs),
               "flow": character_error(page["text"], flown), "words": wrong,
               "only_ours": dict(left), "only_theirs": dict(lost)}
        if truth is not None:
            row["pdftotext"] = character_error(raw, theirs)
            row["pdftotext_flow"] = character_error(flown, theirs)
        rows.append(row)
    print_file(path.name, rows, taken, hidden)
    return rows


def weighted(rows, key):
    return sum(row[key] * max(row["characters"], 1) for row in rows) / max(1, sum(max(row["characters"], 1) for row in rows))


def print_file(name, rows, taken, hidden):
    outcomes = collections.Counter(row["outcome"] for row in rows)
    print(f"\n{name}: {len(rows)} pages, " + ", ".join(f"{count} {kind}" for kind, count in outcomes.items()))
    print("  " + ", ".join(f"{key} {100 * weighted(rows, key):.2f} %"
                           for key in ("error", "flow", "words", "pdftotext", "pdftotext_flow") if key in rows[0]))
    over = sum(row["error"] > 0.02 for row in rows), sum(min(row["error"], row["flow"]) > 0.02 for row in rows)
    print(f"  pages over 2 %: {over[0]} by error, {over[1]} by the better of error and flow, "
          f"{sum(row['words'] > 0.02 for row in rows)} by words; "
          f"running lines taken out: {len(taken)}; words too small to be seen: {hidden}")
    for row in rows:
        if row["outcome"] != "text":
            text = "" if row["characters"] == 0 else f"; THE REFERENCE HAS {row['characters']} CHARACTERS"
            print(f"  page {row['page']}: {row['outcome']} ({row['reason'] or 'nothing on it'}){text}")


def print_worst(rows, count):
    print(f"\n{'file':24} {'page':>5} {'chars':>6} {'error':>8} {'flow':>8} {'words':>8}  only in ours | only in theirs")
    for row in sorted(rows, key=lambda row: -min(row["error"], row["flow"]))[:count]:
        shown = " | ".join(" ".join(list(row[side])[:8])[:60] for side in ("only_ours", "only_theirs"))
        print(f"{row['file'][:24]:24} {row['page']:5} {row['characters']:6} {100 * row['error']:7.2f}% "
              f"{100 * row['flow']:7.2f}% {100 * row['words']:7.2f}%  {shown}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=pathlib.Path, help="PDF files and folders of them")
    parser.add_argument("--make", type=pathlib.Path, metavar="FOLDER", help="make PDFs of known text there and compare them")
    parser.add_argument("--satchel", default=str(ROOT / "target/release/satchel"), help="the executable")
    parser.add_argument("--worst", type=int, default=30, help="pages to list, worst first")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every page's row")
    parser.add_argument("--texts", type=pathlib.Path, help="folder for satchel's text of every page")
    options = parser.parse_args()
    files = [(file, None) for path in options.paths
             for file in (sorted(path.glob("**/*.pdf")) if path.is_dir() else [path])]
    if options.make:
        import pdf_made
        files += pdf_made.make(options.make)
    if not files:
        parser.error("name files, folders or --make")
    rows = []
    server = Server(options.satchel)
    try:
        for path, truth in files:
            read = server.read(path)
            if options.texts and not isinstance(read, str):
                options.texts.mkdir(parents=True, exist_ok=True)
                pages = "\f".join(page["text"] for page in read)
                (options.texts / f"{path.stem}.txt").write_text(pages)
            rows += compare(path, read, truth)
    finally:
        server.stop()
    print_worst(rows, options.worst)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
