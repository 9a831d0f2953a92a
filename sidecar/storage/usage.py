"""How much each model takes on the disk, what of it is shared, and what deleting it would free.

Contents count by what they are on the disk: a file with two names counts once, and is freed only with its last name.
Everything here blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from sidecar.registry.derived import Derived
from sidecar.registry.store import Model
from sidecar.storage import files
from sidecar.types import StoredModel

Identity = tuple[int, int]  # device and number of a content on it


class Content(Struct, frozen=True):
    """What lies behind one or more names: its size, and how many names it has on the disk."""

    bytes: int
    names: int


def measure(models_dir: Path, derived: Derived, models: Sequence[Model]) -> list[StoredModel]:
    """Every model, the one that was not used for longest first."""
    places = {model.id: files.needed(model) for model in models}
    contents = {model_id: _contents(found) for model_id, found in places.items()}
    users = Counter(identity for found in contents.values() for identity in found)
    versions = Counter(model.version for model in models)
    measured = []
    for model in models:
        others = {model_id: found for model_id, found in places.items() if model_id != model.id}
        going = files.removable(models_dir, model, others)
        made = files.weight([derived.of(model.version)]) if model.version else 0
        stored = StoredModel(
            id=model.id,
            model_type=model.model_type,
            path=str(model.path),
            origin=model.origin,
            bytes=sum(content.bytes for content in contents[model.id].values()),
            shared_bytes=_shared(contents[model.id], users, places[model.id]),
            freed_bytes=_freed(going.files) + (made if versions[model.version] == 1 else 0),
            derived_bytes=made,
            created_at=model.created_at,
            last_used_at=model.last_used_at,
        )
        measured.append(stored)
    return sorted(measured, key=lambda one: one.last_used_at or one.created_at)


def _contents(places: Iterable[Path], *, follow: bool = True) -> dict[Identity, Content]:
    found = {}
    for place in places:
        try:
            status = place.stat() if follow else place.lstat()
        except OSError:  # a link that leads nowhere, or a file that went away
            continue
        if not stat.S_ISDIR(status.st_mode):
            found[(status.st_dev, status.st_ino)] = Content(status.st_size, status.st_nlink)
    return found


def _shared(contents: dict[Identity, Content], users: Counter[Identity], places: Iterable[Path]) -> int:
    """Bytes that another model reads too, or that have a name somewhere else."""
    own = _names(places)
    return sum(
        content.bytes
        for identity, content in contents.items()
        if users[identity] > 1 or content.names > own.get(identity, content.names)
    )


def _freed(places: Iterable[Path]) -> int:
    """Bytes of the contents all of whose names are among the `places`."""
    own, contents = _names(places), _contents(places, follow=False)
    return sum(content.bytes for identity, content in contents.items() if content.names <= own[identity])


def _names(places: Iterable[Path]) -> Counter[Identity]:
    """How many of the places are names of each content."""
    found: Counter[Identity] = Counter()
    for place in places:
        try:
            status = place.lstat()
        except OSError:
            continue
        found[(status.st_dev, status.st_ino)] += 1
    return found
