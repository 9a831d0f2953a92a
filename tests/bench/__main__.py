"""`make bench`: speed, side by side with the peers in one run. `make bench ROW=NAME` runs one.

The machine may be shared and noisy, so what counts are ratios of figures taken in turn, and their spread.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.bench import chat, front, loading, prediction
from tests.bench.report import Row, print_table

ROWS: dict[str, Callable[[], list[Row]]] = {
    "front-overhead": front.overhead,
    "front-memory": front.memory,
    "front-start": front.start,
    "load-spare": loading.spare_worker,
    "chat-1": chat.one_stream,
    "chat-8": chat.eight_streams,
    "prediction": prediction.benchmark_models,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--row", choices=ROWS, action="append", help="only this row; may be repeated")
    names = parser.parse_args().row or list(ROWS)
    rows: list[Row] = []
    for name in names:
        print(f"measuring {name}", file=sys.stderr)
        rows += ROWS[name]()
    print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
