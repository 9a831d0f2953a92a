"""What the service tells of the disk, as rows and words. Pure; knows no widget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.figures import ago, file_size
from app.model_names import readable
from app.model_words import origin, task
from app.models.stored import Entry
from sidecar.types import StorageInfo, StoredModel, TrashedModel

DAY = 24 * 3600.0


@dataclass(frozen=True)
class Cleanable:
    """Something that may go: the field of the request that names it, what it is, and its bytes."""

    name: str
    title: str
    note: str
    bytes: int


def model_entry(model: StoredModel) -> Entry:
    """A model's row."""
    shared = _tr("{0} shared").format(file_size(model.shared_bytes)) if model.shared_bytes else ""
    used = ago(model.last_used_at) if model.last_used_at else _tr("never")
    return Entry(
        key=model.id,
        title=readable(model.id),
        note=f"{task(model.model_type)} · {origin(model.origin)}",
        size=model.bytes + model.derived_bytes,
        frees=model.freed_bytes,
        size_note=shared,
        moment=model.last_used_at or model.created_at,
        when=used,
        when_note="" if model.last_used_at else _tr("added {0}").format(ago(model.created_at)),
        kept=_tr("It came with Inglenook, and stays.") if model.origin == "builtin" else "",
    )


def trash_entry(trashed: TrashedModel) -> Entry:
    """The row of a removed model."""
    until = _tr("until {0}").format(_day(trashed.expires_at)) if trashed.expires_at else _tr("until it is emptied")
    return Entry(
        key=trashed.id,
        title=readable(trashed.model),
        note=task(trashed.model_type),
        size=trashed.bytes,
        frees=trashed.bytes,
        size_note="",
        moment=trashed.deleted_at,
        when=ago(trashed.deleted_at),
        when_note=until,
    )


def unused(models: Sequence[StoredModel], days: int) -> list[StoredModel]:
    """Those that were not used for so many days, nor came within them; what came with Inglenook is not meant."""
    before = time.time() - days * DAY
    return [
        model for model in models if model.origin != "builtin" and (model.last_used_at or model.created_at) < before
    ]


def cleanables(info: StorageInfo) -> list[Cleanable]:
    """What could be cleaned, the empty left out."""
    found = [
        Cleanable("trash", _tr("Trash"), _tr("removed models"), info.trash_bytes),
        Cleanable("partial", _tr("Parts of downloads"), _tr("of downloads that are gone"), info.stray_partial_bytes),
        Cleanable("quarantine", _tr("Damaged files"), _tr("set aside when they were noticed"), info.quarantine_bytes),
        Cleanable("derived", _tr("Converted weights"), _tr("of models that are gone"), info.stray_derived_bytes),
    ]
    return [one for one in found if one.bytes]


def chosen(entries: Sequence[Entry]) -> str:
    """What is chosen, and what deleting it frees: 3 models · 1.2 GB."""
    if not entries:
        return ""
    count = _tr("1 model") if len(entries) == 1 else _tr("{0} models").format(len(entries))
    frees = sum(entry.frees for entry in entries)
    return f"{count} · {file_size(frees) if frees else _tr('the files stay')}"


def _day(moment: float) -> str:
    return f"{int(time.strftime('%d', time.localtime(moment)))} {time.strftime('%b', time.localtime(moment))}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("StorageView", text)
