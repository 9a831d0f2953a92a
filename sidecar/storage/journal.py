"""What the service has to know of a move of the models folder that it did not live to finish. Blocks on the disk."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from sidecar import decoding


class Journal(Struct):
    """One move. `made`: the target did not exist before. Once it is `switched` the target is the models folder."""

    source: str
    target: str
    made: bool
    by_rename: bool = False
    switched: bool = False

    def has_switched(self) -> bool:
        """Whether the target is the models folder. A rename happened or did not: then one of the two is not there."""
        renamed = self.by_rename and not Path(self.source).exists() and Path(self.target).is_dir()
        return self.switched or renamed


def read(file: Path) -> Journal | None:
    """The move that is under way, if one is. Raises OSError, msgspec.MsgspecError when it cannot be known."""
    return decoding.from_json(file.read_bytes(), Journal) if file.exists() else None


def write(file: Path, journal: Journal) -> None:
    """It is on the disk when this returns. Raises OSError."""
    draft = file.with_suffix(".new")
    with draft.open("wb") as stream:
        stream.write(msgspec.json.encode(journal))
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
