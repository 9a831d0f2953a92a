"""The stores of other programs in their true layout, filled with the tiny models."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

KIND = "application/vnd.ollama.image."
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def ollama_blob(store: Path, content: bytes) -> str:
    """The digest of a content that is now among the store's blobs."""
    digest = hashlib.sha256(content).hexdigest()
    (store / "blobs").mkdir(parents=True, exist_ok=True)
    (store / "blobs" / f"sha256-{digest}").write_bytes(content)
    return f"sha256:{digest}"


def ollama_layer(store: Path, part: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": KIND + part, "digest": ollama_blob(store, content), "size": len(content)}


def ollama_manifest(store: Path, **parts: bytes) -> dict[str, Any]:
    config = {"model_format": "gguf", "model_family": "llama", "file_type": "F32"}
    described = ollama_layer(store, "config", json.dumps(config).encode())
    described["mediaType"] = "application/vnd.docker.container.image.v1+json"
    layers = [ollama_layer(store, part, content) for part, content in parts.items()]
    return {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": layers}


def ollama_model(store: Path, name: str, model: Path | bytes, **parts: bytes) -> Path:
    """`host/namespace/model/tag` in the store; returns its manifest."""
    content = model if isinstance(model, bytes) else model.read_bytes()
    return write_manifest(store / "manifests" / name, ollama_manifest(store, model=content, **parts))


def write_manifest(file: Path, manifest: dict[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(manifest), "utf-8")
    return file


def lm_studio_model(store: Path, name: str, *files: Path) -> Path:
    """`publisher/repository` in the store with these files; returns its folder."""
    folder = store / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder)
    return folder


def hub_cache_model(cache: Path, name: str, folder: Path, commit: str = "0a" * 20) -> Path:
    """A snapshot in the cache of the hub's library, of links into its blobs; returns its folder."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot, blobs = repository / "snapshots" / commit, repository / "blobs"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for file in sorted(file for file in folder.iterdir() if file.is_file()):
        content = file.read_bytes()
        large = file.suffix in {".safetensors", ".gguf"}
        digest = (hashlib.sha256 if large else hashlib.sha1)(content).hexdigest()
        (blobs / digest).write_bytes(content)
        (snapshot / file.name).symlink_to(Path("../../blobs") / digest)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit, "utf-8")
    return snapshot
