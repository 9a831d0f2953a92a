"""What was made of models: converted weights with the record of their verification, in folders by version and task.

It owns its folder and nothing else. A preparation appears there by one rename, so half a one is never found. Everything
here blocks on the disk: call it in a thread; only `preparation` and `folder` do not.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Container
from pathlib import Path

import msgspec

from sidecar import decoding
from sidecar.errors import EnvironmentFault
from sidecar.types import ModelType, Preparation

log = logging.getLogger(__name__)

RESULT = "verification.json"
HALF_MADE = ".making"


class Derived:
    """The preparations that there are in the folder `root`, mirrored in memory by version and task."""

    def __init__(self, root: Path, engine: str = "ctranslate2") -> None:
        self.root = root
        self._engine = engine
        self._known: dict[tuple[str, str], Preparation] = {}

    def read(self) -> None:
        """Look at the folder: learn what is there, and delete what a crash left half made."""
        for half in self.root.glob(f"*/*/*{HALF_MADE}"):
            _remove(half)
        for file in self.root.glob(f"*/{self._engine}/*/{RESULT}"):
            if (found := _read(file)) is not None:
                self._known[(file.parents[2].name, file.parent.name)] = found

    def preparation(self, version: str, task: ModelType) -> Preparation | None:
        return self._known.get((version, task))

    def folder(self, version: str, task: ModelType) -> Path:
        return self.root / version / self._engine / task

    def of(self, version: str) -> Path:
        """The folder of all that was made of a version; it need not exist."""
        return self.root / version

    def strays(self, versions: Container[str]) -> list[Path]:
        """The folders of versions that are none of these."""
        here = self.root.iterdir() if self.root.is_dir() else ()
        return [folder for folder in here if folder.name not in versions]

    def own_folder(self, version: str, engine: str) -> Path:
        """Where an engine's workers keep what they make while loading, in files of their own; it need not exist."""
        return self.root / version / engine

    def rounded(self, version: str) -> list[Path]:
        """The files in which engines keep weights that they have rounded."""
        return sorted(self.root.glob(f"{version}/*/*.safetensors"))

    def making(self, version: str, task: ModelType) -> Path:
        """Where one is made; its parent exists afterwards. Raises EnvironmentFault."""
        folder = self.folder(version, task)
        half = folder.with_name(folder.name + HALF_MADE)
        try:
            shutil.rmtree(half, ignore_errors=True)
            half.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentFault(f"{half.parent} cannot be written: {error}.", path=str(half.parent)) from error
        return half

    def keep(self, version: str, task: ModelType, made: Preparation) -> None:
        """Put what was made in the place of an earlier one. Raises OSError."""
        folder = self.folder(version, task)
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(folder.name + HALF_MADE).rename(folder)
        self._known[(version, task)] = made

    def discard(self, version: str, task: ModelType) -> None:
        """Delete what is half made."""
        folder = self.folder(version, task)
        shutil.rmtree(folder.with_name(folder.name + HALF_MADE), ignore_errors=True)
        _remove_empty(folder.parent, self.root)

    def delete(self, version: str) -> None:
        """Forget all that was made of a version."""
        self._known = {key: made for key, made in self._known.items() if key[0] != version}
        shutil.rmtree(self.root / version, ignore_errors=True)


def rounded_weights(own_folder: Path, precision: str) -> Path:
    """The file in which an engine keeps weights that it has rounded; it need not exist."""
    return own_folder / f"{precision}.safetensors"


def _read(file: Path) -> Preparation | None:
    """A record of another release's shape counts as none: preparing again writes it anew."""
    try:
        return decoding.from_json(file.read_bytes(), Preparation)
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("the record %s is not readable: %s", file, error)
        return None


def _remove(half: Path) -> None:
    if half.is_dir():
        shutil.rmtree(half, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            half.unlink()


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
