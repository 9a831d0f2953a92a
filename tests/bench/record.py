"""Keeps the newest result of every row in results.json, and writes BENCHMARKS.md from it.

A run of one row renews that row alone; every line says when and on what it was measured.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec

from tests.bench.report import Row, machine

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "BENCHMARKS.md"
HEAD = """# Benchmarks

Written by `make bench`; `make bench ROW=NAME` renews one row. Ours and the peer take turns in one run, because machines are shared
and noisy: a ratio is the median over the rounds, the figures are medians with their spread. Models have the named shapes with random
weights (the cost is that of trained ones; quality is not measured here) unless a row says otherwise.
"""


class Result(msgspec.Struct):
    """The rows that one name of the bench gave, where and when."""

    measured: str
    machine: str
    rows: list[Row]


def keep(name: str, rows: list[Row], order: list[str]) -> None:
    """Take in new rows and write both files. `order`: all names, as the page lists them."""
    results = _kept()
    results[name] = Result(datetime.datetime.now(datetime.UTC).date().isoformat(), machine(), rows)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    PAGE.write_text(page({known: results[known] for known in order if known in results}), "utf-8")


def page(results: dict[str, Result]) -> str:
    """BENCHMARKS.md."""
    lines = [
        HEAD,
        "| row | what | ours | against | peer | ratio | target | reached |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(name, row) for name, result in results.items() for row in result.rows]
    lines += ["", "## How each was measured", ""]
    for name, result in results.items():
        lines.append(f"- **{name}** ({result.measured}; {result.machine})")
        for row in result.rows:
            lines += [f"  - {row.what}: {row.how}", *(f"    - {note}" for note in row.notes)]
    return "\n".join(lines) + "\n"


def _kept() -> dict[str, Result]:
    return msgspec.json.decode(RESULTS.read_bytes(), type=dict[str, Result]) if RESULTS.exists() else {}


def _line(name: str, row: Row) -> str:
    cells = (name, row.what, str(row.ours), row.against or "–", str(row.peer or "–"), row.ratio_text, row.target_text)
    return "| " + " | ".join((*cells, row.verdict)) + " |"
