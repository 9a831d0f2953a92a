"""Which files of a model go into a bundle, and what the bundle says of it. What was derived of a model stays here."""

from __future__ import annotations

import time
from pathlib import Path

from sidecar import decoding
from sidecar.errors import Conflict, InvalidRequest, LoadFailed
from sidecar.hub.safety import ALLOWED, bad_name
from sidecar.imports import bundles, folders
from sidecar.imports.bundles import Contents
from sidecar.imports.source import SourceFile, model_id
from sidecar.registry.gguf_model import SUFFIX, gguf_files, is_gguf
from sidecar.registry.manifest import Manifest, Manifests
from sidecar.registry.store import Model
from sidecar.types import GenerationDefaults


def prepared(model: Model, manifests: Manifests) -> tuple[Contents, list[SourceFile]]:
    """What the bundle of `model` begins with, and its files in order. Raises LoadFailed when they cannot be read, OSError."""
    if model.inspection is None:
        raise LoadFailed(model=model.id, reason=model.problem or "its files cannot be read")
    root, manifest = manifests.find(model.path) or (model.path, None)
    files = _gguf(model, root, manifest) if is_gguf(model.path) else _folder(model.path, manifest)
    defaults = {name: getattr(model.options, name) for name in GenerationDefaults.__struct_fields__}
    contents = Contents(
        format=bundles.FORMAT,
        version=bundles.VERSION,
        name=model.id,
        model_type=model.model_type,
        files=bundles.declared(files),
        entry=files[0].path if is_gguf(model.path) else None,
        defaults=decoding.convert(defaults, GenerationDefaults),
        licence=manifest.licence if manifest else None,
        repository=manifest.repository if manifest else "",
        commit=manifest.commit if manifest else "",
        facts={
            "architecture": model.inspection.architecture,
            "parameters": model.inspection.weights.parameters,
            "context_length": model.inspection.context_length,
            "description": model.inspection.description,
        },
        made_at=time.time(),
    )
    return contents, files


def target(path: Path, name: str, models_dir: Path) -> Path:
    """The file to write: `path`, or one named after the model in the folder `path`.

    Raises InvalidRequest, and Conflict when it is there already.
    """
    if not path.is_absolute():
        raise InvalidRequest(reason=f"path: give the whole path, not {path}")
    file = path / f"{model_id(name).replace('/', '--')}{bundles.SUFFIX}" if path.is_dir() else path
    if file.suffix != bundles.SUFFIX:
        file = file.with_name(file.name + bundles.SUFFIX)
    if not file.parent.is_dir():
        raise InvalidRequest(reason=f"path: there is no folder {file.parent}")
    if file.resolve().is_relative_to(models_dir.resolve()):
        raise InvalidRequest(reason=f"path: {models_dir} is the folder for models; write the bundle elsewhere")
    if file.exists():
        raise Conflict(f"{file} is there already. Choose another name.", reason="the file is there")
    return file


def _gguf(model: Model, root: Path, manifest: Manifest | None) -> list[SourceFile]:
    """The file to load first, then the rest; one that its store names by its hash gets a name that says what it is."""
    files = gguf_files(model.path)
    main = [_described(root, file, _gguf_name(file, model.id), manifest) for file in files.all]
    return [*main, *(file for file in _known(root, manifest) if file.place not in files.all)]


def _folder(folder: Path, manifest: Manifest | None) -> list[SourceFile]:
    if manifest is not None:
        return _known(folder, manifest)
    kept = [file for file in folders.listed(folder).files if Path(file.path).suffix.lower() in ALLOWED]
    return [SourceFile(file.path, folder / file.path, file.bytes) for file in kept if not bad_name(file.path)]


def _known(root: Path, manifest: Manifest | None) -> list[SourceFile]:
    """The files that the manifest names."""
    found = manifest.files if manifest else []
    return [SourceFile(file.path, root / file.path, file.bytes, file.sha256) for file in found]


def _described(root: Path, file: Path, name: str, manifest: Manifest | None) -> SourceFile:
    known = manifest.file(file.relative_to(root).as_posix()) if manifest and file.is_relative_to(root) else None
    return SourceFile(name, file, file.stat().st_size, known.sha256 if known else None)


def _gguf_name(file: Path, name: str) -> str:
    return file.name if file.suffix.lower() == SUFFIX else f"{model_id(name).replace('/', '--')}{SUFFIX}"
