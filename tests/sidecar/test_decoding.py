"""Threads that read a type for the first time at the same moment. Without the lock this ends the process, so it has one of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
THREADS = """
import sys, threading, types
from sidecar import decoding

sys.setswitchinterval(1e-6)
module = sys.modules["declared"] = types.ModuleType("declared")
words = "from __future__ import annotations\\nfrom msgspec import Struct\\n"
for kind in range(60):
    words += f"class Leaf{kind}(Struct):\\n    names: list[str] = []\\n"
    for level in range(10):
        inner = f"Level{kind}_{level - 1}" if level else f"Leaf{kind}"
        words += f"class Level{kind}_{level}(Struct):\\n    inner: {inner} | None = None\\n"
exec(words, module.__dict__)

def read(kind, together):
    together.wait()
    decoding.convert({"inner": {"inner": None}}, kind)
    decoding.from_json(b'{"inner": null}', kind)

for kind in range(60):
    together = threading.Barrier(3)
    threads = [threading.Thread(target=read, args=(getattr(module, f"Level{kind}_9"), together)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("all read")
"""


def test_threads_may_read_a_type_for_the_first_time_together() -> None:
    ended = subprocess.run([sys.executable, "-c", THREADS], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "all read\n"), ended.stderr
