"""Reads a model folder's small files: configuration and tokenizer. Runs no code from it; reads no weights, imports no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, AutoTokenizer

from sidecar.errors import LoadFailed
from sidecar.registry.shape import with_family


def weights_folder(folder: Path) -> Path:
    """Where the transformer lies: the folder itself, or the one that older sentence-transformers models put it in."""
    nested = folder / "0_Transformer"
    return nested if nested.is_dir() and not (folder / "config.json").exists() else folder


def read_config(name: str, folder: Path) -> Any:
    """The configuration without anything that points to code. Raises LoadFailed."""
    raw = read_json(folder / "config.json")
    if raw is None:
        raise LoadFailed(model=name, reason=f"there is no readable config.json in {folder}.")
    raw = with_family(raw)
    model_type = raw.get("model_type")
    if model_type not in CONFIG_MAPPING:
        raise LoadFailed(model=name, reason=f"its architecture {model_type!r} is not known to this engine.")
    return CONFIG_MAPPING[model_type].from_dict(without_code(raw))


def read_tokenizer(folder: Path, config: Any) -> Any:
    """The library's own tokenizer for the folder. Raises what the library raises for damaged files."""
    return AutoTokenizer.from_pretrained(folder, config=config, local_files_only=True, trust_remote_code=False)


def read_json(file: Path) -> Any:
    """The file's content, None where there is no file. Raises ValueError when it is not JSON."""
    return json.loads(file.read_text("utf-8")) if file.is_file() else None


def without_code(value: Any) -> Any:
    """A copy without `auto_map` and private keys: they name code, kernels or repositories to fetch."""
    if isinstance(value, list):
        return [without_code(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: without_code(item) for key, item in value.items() if key != "auto_map" and not key.startswith("_")}
