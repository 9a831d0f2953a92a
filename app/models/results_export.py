"""Writes results as CSV: row, text, label, probability and every label's own probability; `cut` where any was. In short turns.

The file appears whole or not at all: it is written beside its place and moved there at the end.
"""

import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from app.models.pacing import Pacer
from app.models.result_list import ResultList
from app.models.results_table import ResultsTable

WRITE_CHARACTERS = 256 * 1024
Progress = Callable[[int, int], object]


async def export_csv(path: Path, table: ResultsTable, rows: Sequence[int], progress: Progress) -> int:
    """Write these rows of the table's list; returns how many. Raises OSError and then leaves no file behind.

    UTF-8 with a byte order mark, which spreadsheets need to see that it is UTF-8.
    """
    draft = path.with_name(path.name + ".part")
    file = await asyncio.to_thread(draft.open, "wb")
    try:
        await _write(file, table, rows, progress)
        await asyncio.to_thread(file.close)
        await asyncio.to_thread(draft.replace, path)
    except BaseException:
        file.close()
        draft.unlink(missing_ok=True)
        raise
    return len(rows)


async def _write(file: BinaryIO, table: ResultsTable, rows: Sequence[int], progress: Progress) -> None:
    labels = table.results.labels
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    any_cut = bool(table.results.cut)
    writer.writerow(["row", "text", "label", "probability", *labels, *(["cut"] if any_cut else [])])
    pacer = Pacer()
    for count, row in enumerate(rows, 1):
        cut = ["yes" if row in table.results.cut else ""] if any_cut else []
        writer.writerow([*_cells(table, row, labels), *cut])
        await pacer.breathe()
        if buffer.tell() > WRITE_CHARACTERS:
            await asyncio.to_thread(file.write, buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()
            progress(count, len(rows))
    await asyncio.to_thread(file.write, buffer.getvalue().encode())


def _cells(table: ResultsTable, row: int, labels: Sequence[str]) -> list[str]:
    results: ResultList = table.results
    chances = results.probabilities(row)
    top = f"{results.top(row):.4f}" if chances else ""
    each = [f"{chances[label]:.4f}" if chances else "" for label in labels]
    return [f"{results.source.numbers[row]}", results.source.texts[row], table.label_text(row), top, *each]
