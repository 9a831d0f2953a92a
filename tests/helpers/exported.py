"""Tiny models as exported programs, the way the README tells developers to export theirs, and archives with parts changed."""

from __future__ import annotations

import functools
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoModelForSequenceClassification

from sidecar.registry.exported import MANIFEST
from tests.helpers.models import session_folder, tiny

LONGEST = 48
GRAPH = "models/model.json"


class Scores(torch.nn.Module):
    """What of a library's model is exported: one tensor from two."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask)[0]
        return scores


def exported_classifier(rows: int = 0, columns: int = 0) -> Path:
    """The tiny "bert-single" as a program; sizes other than 0 are fixed."""
    manifest = f'task = "classification"\nmax_length = {LONGEST}\nlabels = ["negative", "neutral", "positive"]\n'
    return _exported("bert-single", AutoModelForSequenceClassification, manifest, rows, columns)


def exported_embedder() -> Path:
    """The tiny "embed-mean" as a program that gives the vectors of the tokens."""
    return _exported("embed-mean", AutoModel, f'task = "embedding"\nmax_length = {LONGEST}\npooling = "mean"\n', 0, 0)


def exported_decoder() -> Path:
    """The tiny "llama-base" without its head: a text's vector is that of its last token."""
    return _exported(
        "llama-base", AutoModel, f'task = "embedding"\nmax_length = {LONGEST}\npooling = "lasttoken"\n', 0, 0
    )


@functools.cache
def _exported(name: str, kind: Any, manifest: str, rows: int, columns: int) -> Path:
    source, folder = tiny(name), session_folder() / f"exported-{name}-{rows}-{columns}"
    folder.mkdir()
    for file in source.glob("tokenizer*"):
        shutil.copy(file, folder)
    ids, mask = (torch.ones(rows or 2, columns or 7, dtype=torch.long) for _ in range(2))
    sizes: dict[int, Any] = {} if rows else {0: torch.export.Dim("rows", min=1, max=64)}
    sizes |= {} if columns else {1: torch.export.Dim("columns", min=1, max=LONGEST)}
    model = Scores(kind.from_pretrained(source)).eval()
    program = torch.export.export(model, (ids, mask), dynamic_shapes=(sizes, sizes))
    torch.export.save(program, folder / "program.pt2")
    (folder / MANIFEST).write_text(manifest, "utf-8")
    return folder


def changed(source: Path, target: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of a program's folder with one part of its archive replaced; a part that is not there is added."""
    shutil.copytree(source, target)
    with zipfile.ZipFile(source / "program.pt2") as old, zipfile.ZipFile(target / "program.pt2", "w") as new:
        root = old.namelist()[0].partition("/")[0]
        if f"{root}/{member}" not in old.namelist():
            new.writestr(f"{root}/{member}", change(b""))
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, change(content) if info.filename == f"{root}/{member}" else content)
    return target


def changed_graph(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    def apply(text: bytes) -> bytes:
        program = json.loads(text)
        change(program)
        return json.dumps(program).encode()

    return changed(source, target, GRAPH, apply)
