"""Which files a model is read from, and which of them would go with it: those of ours that no other model needs.

Nothing outside the models folder is ever named as one that may go: not what a link leads to, not a model that is used
where another program keeps it. Everything here blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from sidecar.errors import InvalidRequest
from sidecar.registry import gguf_model
from sidecar.registry.manifest import NAME, owning_folder
from sidecar.registry.store import Model


class Removable(Struct, frozen=True):
    """What goes with a model: the `files` in its folder `root`, and whether they are the folder as a `whole`.

    `kept` are those of its own that other models, the `keepers`, need. Without `root` nothing of it is ours.
    """

    files: frozenset[Path] = frozenset()
    root: Path | None = None
    whole: bool = False
    kept: frozenset[Path] = frozenset()
    keepers: tuple[str, ...] = ()

    @property
    def moved(self) -> list[Path]:
        """What to rename, to move all of it."""
        return [self.root] if self.root and self.whole else sorted(self.files)


def needed(model: Model) -> set[Path]:
    """What the model is read from: its place, the files there, adapters and draft model."""
    beside = [adapter.path for adapter in model.options.adapters] + [model.options.draft_model or ""]
    companions = {path.resolve() for path in map(Path, beside) if path.is_absolute()}
    place = model.path.resolve()
    return {place} | companions | _read_from(place)


def removable(models_dir: Path, model: Model, others: Mapping[str, set[Path]]) -> Removable:
    """What would go with `model`, while the `others` by their names need what they need."""
    target, inside = owning_folder(models_dir, model.path).resolve(), models_dir.resolve()
    if target == inside or not target.is_relative_to(inside) or target.relative_to(inside).parts[0].startswith("."):
        return Removable()
    own = frozenset(_read_from(target))
    kept = own.intersection(frozenset().union(*others.values()))
    keepers = tuple(name for name, needs in others.items() if needs & own)
    whole = target.is_dir() and not any(place.is_relative_to(target) for needs in others.values() for place in needs)
    gone = own - kept - ({target / NAME} if kept else set())  # the manifest stays with what it tells of
    return Removable(gone, target, whole, kept, keepers)


def walk(folder: Path) -> Iterator[Path]:
    """Every file and every link in the folder; links are not followed."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in files)
        yield from (place for name in folders if (place := Path(parent, name)).is_symlink())


def weight(places: Iterable[Path]) -> int:
    """Bytes of files and folders together; a content with several names counts once."""
    found: dict[tuple[int, int], int] = {}
    for place in places:
        for file in walk(place) if place.is_dir() and not place.is_symlink() else [place]:
            try:
                status = file.lstat()
            except OSError:  # it went away meanwhile
                continue
            found[(status.st_dev, status.st_ino)] = status.st_size
    return sum(found.values())


def prune(folder: Path, root: Path) -> None:
    """Delete `folder` and its parents below `root` as far as they are empty."""
    while folder != root and folder.is_relative_to(root):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _read_from(path: Path) -> set[Path]:
    if path.is_dir():
        return set(walk(path))
    try:
        return set(gguf_model.gguf_files(path).all)
    except (InvalidRequest, OSError):  # a shard is missing
        return {path} if path.is_file() else set()
