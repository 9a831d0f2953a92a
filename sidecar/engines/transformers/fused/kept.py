"""Rounded weights on disk, beside the preparations of the version: rounding and trying a model once is enough.

A file is one of safetensors with a record of what it was made from, and its hash beside it. It appears by one rename, is
mapped instead of read, and counts as none as soon as anything about it does not fit. Nothing here is needed: without it models load more slowly.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
import transformers
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sidecar import decoding
from sidecar.engines.transformers.device import HALF_TYPES
from sidecar.engines.transformers.fused.building import Tensors
from sidecar.engines.transformers.fused.linear import Precision
from sidecar.engines.transformers.fused.trial import Agreement
from sidecar.registry.derived import rounded_weights
from sidecar.registry.sealing import is_whole, remove, seal

log = logging.getLogger(__name__)

FORMAT = 3  # 3: weights in seven bits, inputs in eight
SPARE_DISK = 1 << 30  # bytes that must stay free


class Record(Struct, kw_only=True):
    """What was made, and how it did in the trial. `source` is that of `identity`."""

    source: str
    agreement: Agreement


@dataclass(frozen=True)
class Kept:
    """`tensors` are views of the file, read when they are used; none where only the trial's outcome was worth keeping."""

    agreement: Agreement
    tensors: Tensors

    @property
    def bytes(self) -> int:
        """That computing takes into memory; of the table of words only what is looked up."""
        return sum(tensor.nbytes for name, tensor in self.tensors.items() if name != "embedding")


class Shelf:
    """What is kept of one model, one file for each precision. `folder` None: nothing is."""

    def __init__(self, folder: str | None, model: Path) -> None:
        self._folder = Path(folder) if folder else None
        self._model = model

    def find(self, precision: Precision) -> Kept | None:
        """What was kept of exactly these files, by this release on this kind of processor."""
        file = self._file(precision)
        if file is None or not file.is_file():
            return None
        if not is_whole(file):
            log.warning("%s is not what was written and will be made again", file)
            return None
        return _read(file, identity(self._model))

    def put(self, agreement: Agreement, tensors: Tensors) -> None:
        """Keep tensors, or with none of them only the trial's outcome. A disk that is full or read-only is no error."""
        if (file := self._file(agreement.precision)) is None:
            return
        tensors = _compact(tensors)
        record = Record(source=identity(self._model), agreement=agreement)
        try:
            _make_sure_of_room(file.parent, _size(tensors))
            _write(file, record, tensors)
        except (OSError, SafetensorError) as error:
            log.warning("what was rounded is not kept in %s: %s", file, error)

    def warnings(self, precision: Precision, tensors: Tensors) -> list[str]:
        """That these could not be kept if they were `put` now."""
        if (file := self._file(precision)) is None:
            return []
        try:
            _make_sure_of_room(file.parent, _size(tensors) - _saved(tensors))
        except OSError as error:
            reason = error.strerror or str(error)
            return [
                f"Every load takes as long as this one: rounded weights cannot be kept in {file.parent} ({reason})."
            ]
        return []

    def _file(self, precision: Precision) -> Path | None:
        return rounded_weights(self._folder, precision) if self._folder else None


def identity(model: Path) -> str:
    """Changes with the model's files, with the libraries, and with the processor's kernels, on which 4 bits depend."""
    files = [(file.name, file.stat()) for file in sorted([*model.glob("*.safetensors"), model / "config.json"])]
    made_of = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in files]
    made_by = (FORMAT, torch.__version__, transformers.__version__, torch.backends.cpu.get_cpu_capability())
    return hashlib.sha256(repr((made_of, made_by)).encode()).hexdigest()


def _read(file: Path, source: str) -> Kept | None:
    try:
        with safe_open(file, framework="pt") as content:
            record = decoding.from_json((content.metadata() or {})["record"], Record)
            if record.source != source:
                return None
            names = set(content.keys())
        # A file stays mapped, and counts as memory, as long as one tensor of it lives: those that packing uses up live apart.
        used_up = {name for name in names if name.endswith(".int8")}
        return Kept(record.agreement, _mapped(file, used_up) | _mapped(file, names - used_up))
    except (OSError, SafetensorError, KeyError, msgspec.MsgspecError) as error:
        log.warning("%s is not usable and will be made again: %s", file, error)
        return None


def _mapped(file: Path, names: set[str]) -> Tensors:
    with safe_open(file, framework="pt") as content:
        return {name: content.get_tensor(name) for name in names}


def _compact(tensors: Tensors) -> Tensors:
    """The table of words in half its bytes where nothing is lost: where the model's files had it so."""
    table = tensors.get("embedding")
    for half in HALF_TYPES:
        if table is not None and torch.equal(table.to(half).float(), table):
            return tensors | {"embedding": table.to(half)}
    return tensors


def _size(tensors: Tensors) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


def _saved(tensors: Tensors) -> int:
    """At most, by keeping them compact."""
    return tensors["embedding"].nbytes // 2 if "embedding" in tensors else 0


def _make_sure_of_room(folder: Path, size: int) -> None:
    """Raises OSError where the folder cannot be made, or its disk would be too full; a trial's outcome alone is a few bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    if size and shutil.disk_usage(folder).free < (needed := size + SPARE_DISK):
        raise OSError(errno.ENOSPC, f"{needed / 1e9:.1f} GB must be free on its disk")


def _write(file: Path, record: Record, tensors: Tensors) -> None:
    half = file.with_name(f"{file.name}.{os.getpid()}.making")  # another process may be at the same
    try:
        save_file(tensors, half, metadata={"record": msgspec.json.encode(record).decode()})
        with half.open("rb+") as stream:
            os.fsync(stream.fileno())  # or a power cut could leave a file of the right size without its content
        remove(file)
        half.replace(file)
        seal(file)
    finally:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
