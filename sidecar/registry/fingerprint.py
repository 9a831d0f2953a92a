"""The files that make a model what it is, and twelve hex digits that change when they do.

Everything here blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from sidecar.registry import gguf_model
from sidecar.registry.manifest import NAME

FINGERPRINT_BYTES = 1 << 20
MODULES = "modules.json"


def version_files(path: Path) -> dict[str, Path]:
    """By name within the folder: its own files and those of the modules that its `modules.json` lists; of a GGUF model its
    shards and its projector. Our own manifest is none of them. Raises InvalidRequest for GGUF files that are not whole, OSError."""
    if gguf_model.is_gguf(path):
        return {file.name: file for file in gguf_model.gguf_files(path).all}
    folders = [path, *_module_folders(path)]
    files = (file for folder in folders for file in sorted(folder.iterdir()) if file.is_file())
    return {file.relative_to(path).as_posix(): file for file in files if file.name != NAME}


def fingerprint(files: Mapping[str, Path]) -> str:
    """Of names, sizes, and the first megabyte of each. A whole hash of the weights would read gigabytes at every start."""
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(FINGERPRINT_BYTES))
    return digest.hexdigest()[:12]


def _module_folders(folder: Path) -> list[Path]:
    """Where sentence-transformers' pooling, dense and normalizing modules lie; whether the list is sound is not its concern."""
    try:
        modules = json.loads((folder / MODULES).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return []
    listed = modules if isinstance(modules, list) else []
    names = {str(module["path"]) for module in listed if isinstance(module, dict) and module.get("path")}
    return [folder / name for name in sorted(names) if _is_child(folder, name)]


def _is_child(folder: Path, name: str) -> bool:
    return Path(name).name == name and name != ".." and (folder / name).is_dir()
