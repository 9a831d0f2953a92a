"""What a row of the benchmark says, and the table that is printed of all of them."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import psutil
from rich.console import Console
from rich.table import Table

from sidecar.hardware import instruction_sets, processor_name

LIBRARIES = ("torch", "transformers", "ctranslate2", "xllamacpp", "aiohttp")
# What decides which kernels the libraries choose.
TELLING = frozenset({"avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})


@dataclass(frozen=True)
class Sample:
    """Several measurements of one figure, in `unit`."""

    values: Sequence[float]
    unit: str

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"{self.median:.3g} {self.unit}"
        return f"{self.median:.3g} {self.unit} ({min(self.values):.3g} to {max(self.values):.3g})"


@dataclass(frozen=True)
class Row:
    """One line: what was measured, ours, what it is held against, and the target.

    `ratio` is the median over the rounds of ours divided by the peer's of the same round. `higher_is_better` tells which
    way `target` bounds the ratio, or the figure itself where there is no peer.
    """

    what: str
    ours: Sample
    target: float | None
    how: str
    against: str = ""
    peer: Sample | None = None
    higher_is_better: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        if self.peer is None:
            return None
        return statistics.median(ours / peer for ours, peer in zip(self.ours.values, self.peer.values, strict=True))

    @property
    def figure(self) -> float:
        return self.ours.median if self.ratio is None else self.ratio

    @property
    def reached(self) -> bool | None:
        if self.target is None:
            return None
        return self.figure >= self.target if self.higher_is_better else self.figure <= self.target

    @property
    def ratio_text(self) -> str:
        return "–" if self.ratio is None else f"{self.ratio:.2f}"

    @property
    def target_text(self) -> str:
        return "–" if self.target is None else f"{'≥' if self.higher_is_better else '≤'} {self.target:.3g}"

    @property
    def verdict(self) -> str:
        return {None: "–", True: "yes", False: "no"}[self.reached]


def machine() -> str:
    """One line about where this was measured."""
    memory = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    cores = f"{psutil.cpu_count(logical=False)} cores, {psutil.cpu_count()} threads"
    sets = ", ".join(name for name in instruction_sets() if name in TELLING)
    return (
        f"{platform.system()} {platform.machine()}, {processor_name()} ({sets}), {cores}, {memory:.0f} GiB;"
        f" Python {platform.python_version()}, {libraries}"
    )


def print_table(rows: list[Row]) -> None:
    """The rows with ratio, spread and target, then how each was measured."""
    console = Console(width=170)
    table = Table(title=machine(), title_justify="left", title_style="")
    for column in ("what", "ours", "against", "peer", "ratio", "target", "reached"):
        table.add_column(column, overflow="fold")
    for row in rows:
        cells = (row.what, str(row.ours), row.against or "–", str(row.peer or "–"))
        table.add_row(*cells, row.ratio_text, row.target_text, row.verdict)
    console.print(table)
    for row in rows:
        console.print(f"{row.what}: {row.how}")
        for note in row.notes:
            console.print(f"    {note}")
