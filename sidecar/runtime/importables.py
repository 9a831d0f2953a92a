"""What is told of a model that could be imported, and whether it is here already. It looks at files: call it in a thread."""

from __future__ import annotations

from pathlib import Path

from sidecar.imports.source import Source, SourceFile
from sidecar.registry.manifest import Manifest, ManifestFile, Manifests
from sidecar.registry.store import located
from sidecar.types import Importable


def told(sources: list[Source], known: dict[str, Path], manifests: Manifests) -> list[Importable]:
    """Each of the sources; `known`: where the models here lie, by id."""
    found = {name: one[1] for name, place in known.items() if (one := manifests.find(place))}
    return [_told(source, _used_here(source, known) or _copied_here(source, found)) for source in sources]


def _told(source: Source, here: str | None) -> Importable:
    return Importable(
        name=source.name,
        path=str(source.path),
        source=source.kind,
        bytes=source.bytes,
        model_type=source.model_type,
        model_id=here,
        in_place=source.usable_at is not None and not source.pickled,
        permission="pickle" if source.pickled else None,
        problem=source.problem,
        notes=list(source.notes),
    )


def _used_here(source: Source, known: dict[str, Path]) -> str | None:
    """The model that uses these files where they are."""
    place = located(source.usable_at) if source.usable_at is not None else None
    return next((name for name, path in known.items() if path == place), None)


def _copied_here(source: Source, manifests: dict[str, Manifest]) -> str | None:
    """The model that has the source's largest file: the same hash, or where that is not known, the same name and size."""
    largest = max(source.files, key=lambda file: file.bytes, default=None)
    if largest is None:
        return None
    return next((name for name, one in manifests.items() if any(_same(file, largest) for file in one.files)), None)


def _same(entry: ManifestFile, file: SourceFile) -> bool:
    if entry.bytes != file.bytes:
        return False
    return entry.sha256 == file.sha256 if file.sha256 else entry.path == file.path
