"""Models that come and go without the hub, and what they take on the disk."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sidecar.types.common import ModelType, Request, Response

Origin = Literal["builtin", "downloaded", "imported", "in_place", "hub_cache"]


class ImportRequest(Request):
    """`POST /imports`: a folder, a GGUF file, an exported bundle, or the store of Ollama or LM Studio."""

    path: Annotated[str, Meta(description="Absolute path on this machine.")]
    name: str | None = None
    model_type: ModelType | None = None
    in_place: Annotated[bool, Meta(description="Use the files where they are instead of copying them.")] = False
    models: Annotated[list[str] | None, Meta(description="Of a store with several models: only these.")] = None
    allow: list[Literal["pickle"]] = []


class FromUrlRequest(Request):
    """`POST /models/from-url`: an https address of one GGUF file, or of a repository on the hub."""

    url: str
    name: str | None = None
    model_type: ModelType | None = None
    sha256: Annotated[str | None, Meta(description="What the file has to be.")] = None


class ExportRequest(Request):
    """`POST /models/{id}/export`: one file for a machine without network."""

    path: Annotated[str, Meta(description="The file to write, or a folder to write it into.")]


class Importable(Response):
    """A model found in another program's store. `bytes` that a copy would take."""

    name: str
    path: str
    source: Literal["ollama", "lm_studio", "hugging_face"]
    bytes: int
    model_type: ModelType | None
    installed: bool = False
    problem: str | None = None


class StoredModel(Response):
    """`bytes`: of its files; `shared_bytes`: those that another model here uses too. Deleting it frees `freed_bytes`."""

    id: str
    path: str
    origin: Origin
    bytes: int
    shared_bytes: int
    freed_bytes: int
    last_used_at: float | None
    derived_bytes: int = 0


class StorageInfo(Response):
    """What takes space. `trash_bytes`: deleted and not yet gone; `partial_bytes`: of downloads that are not done."""

    folder: str
    free_bytes: int
    models: list[StoredModel]
    trash_bytes: int
    partial_bytes: int
    derived_bytes: int


class TrashedModel(Response):
    id: str
    name: str
    bytes: int
    deleted_at: float


class MoveRequest(Request):
    """`POST /storage/move`: put the folder for models elsewhere; a job."""

    folder: str
