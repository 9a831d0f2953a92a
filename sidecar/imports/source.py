"""What could be imported: one model as it was found, with its files, before anything is copied."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from sidecar.types import GenerationDefaults, ImportSource, ModelType

LONGEST_NAME = 96  # of each of its two parts
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class SourceFile:
    """`path`: its name in the model's folder here, with slashes; `place`: where it lies; `sha256`: what its store says it is.

    A file that is `ours` is linked instead of copied.
    """

    path: str
    place: Path
    bytes: int
    sha256: str | None = None
    ours: bool = False


@dataclass(frozen=True)
class Source:
    """One model. `path` names it alone; `usable_at` is what an engine is given when it is used where it is, None where
    that cannot be. `entry`: the file to load where that is not the folder. `notes`: what is lost or worth knowing.

    With a `problem` it cannot be imported; while only `pickled` weights are there, it needs permission. `address`: where
    it came from, if not from this machine.
    """

    kind: ImportSource
    name: str
    path: Path
    files: tuple[SourceFile, ...] = ()
    entry: str | None = None
    usable_at: Path | None = None
    model_type: ModelType | None = None
    defaults: GenerationDefaults = field(default_factory=GenerationDefaults)
    adapters: tuple[str, ...] = ()
    licence: str | None = None
    notes: tuple[str, ...] = ()
    pickled: bool = False
    problem: str | None = None
    address: str = ""

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def unusable(self, problem: str) -> Source:
        return replace(self, problem=problem)


def model_id(name: str) -> str:
    """A name that a model may have here, made of any words."""
    parts = [_STRANGE.sub("-", part).strip("-._") for part in name.replace("\\", "/").split("/")]
    kept = [part[:LONGEST_NAME] for part in parts if part][-2:]
    return "/".join(kept) or "model"
