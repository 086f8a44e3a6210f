"""A satchel that serves a data folder, for the benchmarks written in Python."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request


class Server:
    """Serves from when it is made until `stop`; asked with an API key."""

    def __init__(self, satchel, folder):
        self.satchel, self.folder = satchel, folder
        self.printed = folder.parent / "server.log"
        command = [satchel, "serve", "--listen", "127.0.0.1:0", "--data-dir", str(folder)]
        command += ["--rate-limit", "0", "--handbook", "false"]
        began = time.perf_counter()
        with open(self.printed, "w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.origin = self.wait_until_it_serves()
        self.started_s = time.perf_counter() - began
        self.key = self.command("keys", "add", f"bench-{time.time_ns()}").strip()

    def wait_until_it_serves(self):
        while self.process.poll() is None:
            printed = self.printed.read_text()
            origin = re.search(r"http://127\.0\.0\.1:\d+", printed)
            if origin and "Stop" in printed:
                return origin[0]
            time.sleep(0.02)
        sys.exit("the server did not start:\n" + self.printed.read_text())

    def command(self, *arguments):
        """What a command of the executable prints."""
        command = [self.satchel, *arguments, "--data-dir", str(self.folder)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{run.stderr[-2000:]}")
        return run.stdout

    def get(self, path, body=None):
        request = urllib.request.Request(self.origin + path)
        request.add_header("Authorization", f"Bearer {self.key}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        # Whatever proxy there is, the server is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request) as answer:
            return answer.read().decode()

    def ask(self, path, body=None):
        return json.loads(self.get(path, body))

    def memory(self):
        """MiB: all that is resident, the process's own, and mapped files."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        kib = {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("VmRSS", "RssAnon", "RssFile")}
        return {name: round(size / 1024) for name, size in kib.items()}

    def processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_idle(self):
        """Until two seconds pass in which next to nothing is computed."""
        while True:
            before = self.processor_seconds()
            time.sleep(2)
            if self.processor_seconds() - before < 0.1 and self.ask("/api/status")["jobs_pending"] == 0:
                return

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
