"""`make bench`: speed, side by side with the peers in one run. `make bench ROW=NAME` runs one. Results go to BENCHMARKS.md.

The machine may be shared and noisy, so what counts are ratios of figures taken in turn, and their spread. Rows named gpu-… are left
out where there is no GPU that PyTorch computes on with CUDA.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable

from tests.bench import chat, converted, front, gguf_chat, loading, prediction, window
from tests.bench.record import keep
from tests.bench.report import Row, print_table

ROWS: dict[str, Callable[[], list[Row]]] = {
    "front-overhead": front.overhead,
    "front-memory": front.memory,
    "front-start": front.start,
    "window": window.shown,
    "load-spare": loading.spare_worker,
    "unload": loading.unload,
    "chat-1": chat.one_stream,
    "chat-8": chat.eight_streams,
    "classify-1": converted.classify_1,
    "classify-1-ct2": converted.classify_1_ct2,
    "classify-1000": converted.classify_1000,
    "classify-32-clients": converted.classify_32_clients,
    "embed": converted.embed,
    "embed-cached": converted.embed_cached,
    "translate-1": converted.translate_1,
    "translate-1-ct2": converted.translate_1_ct2,
    "translate-32": converted.translate_32,
    "gguf-chat-1": gguf_chat.one_stream,
    "gguf-chat-8": gguf_chat.eight_streams,
    "gguf-prefix": gguf_chat.prefix,
    "prediction": prediction.benchmark_models,
    "gpu-chat-8": chat.gpu_eight_streams,
    "gpu-chat-64": chat.gpu_64_streams,
}

GPU = "gpu-"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--row", choices=ROWS, action="append", help="only this row; may be repeated")
    asked = parser.parse_args().row
    names = asked or list(ROWS)
    here = [name for name in names if not name.startswith(GPU)]
    if here != names and not has_gpu():
        if asked:
            parser.exit(1, f"No usable GPU (CUDA) is here, which the rows named {GPU}… need.\n")
        names = here
    rows: list[Row] = []
    for name in names:
        print(f"measuring {name}", file=sys.stderr)
        measured = ROWS[name]()
        keep(name, measured, list(ROWS))
        rows += measured
    print_table(rows)
    return 0


def has_gpu() -> bool:
    """Whether this environment's PyTorch can compute on one. It is not imported here, where others are measured."""
    line = [sys.executable, "-c", "import sys, torch; sys.exit(not torch.cuda.is_available())"]
    return subprocess.run(line, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
