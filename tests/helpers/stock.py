"""A test hub that has every model of the built-in list, with files of the announced sizes whose content is zeros."""

from __future__ import annotations

import hashlib

from sidecar.catalogue import entries
from sidecar.catalogue.repositories import TASKS
from tests.helpers.hub import Blob, HubServer

CARD = b"# A model of the list\n\nIt does what it is listed for.\n"


def blob_of_size(name: str, size: int) -> Blob:
    """A large file that is told of and never fetched."""
    return Blob(None, size, hashlib.sha256(name.encode()).hexdigest(), "0" * 40, True)


def stock(hub: HubServer) -> None:
    """Put them on the shelves."""
    for model in entries.read():
        files: dict[str, bytes | Blob] = {"README.md": CARD, "config.json": b"{}", "tokenizer.json": b"{}"}
        for weights in model.variants:
            for file in weights.files:
                files[file] = blob_of_size(f"{model.id}/{file}", weights.bytes // len(weights.files))
        info = {"pipeline_tag": TASKS[model.task][0], "tags": [model.format, f"license:{model.licence}"]}
        hub.add(model.id, files, info=info)
