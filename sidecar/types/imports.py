"""Models that come from this machine or an address instead of the hub's catalogue, and models that leave as one file."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sidecar.types.common import ModelName, ModelType, Request, Response

ImportSource = Literal["folder", "gguf", "bundle", "ollama", "lm_studio", "hugging_face"]
PathName = Annotated[str, Meta(min_length=1, max_length=4096)]


class ImportRequest(Request):
    """`POST /imports`: a folder, a GGUF file, an exported bundle, or the store of Ollama, LM Studio or the hub's library."""

    path: Annotated[PathName, Meta(description="Absolute path on this machine.")]
    name: Annotated[ModelName | None, Meta(description="The model's name here; its own without it.")] = None
    model_type: Annotated[ModelType | None, Meta(description="Where it can do several tasks.")] = None
    in_place: Annotated[bool, Meta(description="Use the files where they are instead of copying them.")] = False
    models: Annotated[
        list[str] | None, Meta(description="Of a store with several models: those of these names; '*' for all.")
    ] = None
    allow: Annotated[list[Literal["pickle"]], Meta(description="What the user permits for this model.")] = []


class FoundQuery(Request):
    """`GET /imports/found`. Without `path` the stores of other programs are looked through."""

    path: Annotated[PathName, Meta(description="What importing this path would bring.")] | None = None


class Importable(Response):
    """A model that could be imported; `path` alone names it for `POST /imports`. `bytes` that a copy would take.

    `model_id`: the model here that has the same files. `permission`: what must be allowed. With a `problem` it cannot be
    imported. `in_place`: whether it can be used where it is.
    """

    name: str
    path: str
    source: ImportSource
    bytes: int
    model_type: ModelType | None = None
    model_id: str | None = None
    in_place: bool = True
    permission: Literal["pickle"] | None = None
    problem: str | None = None
    notes: list[str] = []


class FromUrlRequest(Request):
    """`POST /models/from-url`: an https address of one GGUF file, or of a repository on the hub."""

    url: Annotated[str, Meta(min_length=1, max_length=4096)]
    name: Annotated[ModelName | None, Meta(description="The model's name here.")] = None
    model_type: ModelType | None = None
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}$", description="What the file has to be.")] | None = None


class FromUrlStarted(Response):
    """A repository of the hub comes as a `download`, any other file as a `job`: `GET /downloads/{id}`, `GET /jobs/{id}`."""

    kind: Literal["download", "job"]
    job_id: str


class ExportRequest(Request):
    """`POST /models/{id}/export`: one file for a machine without network."""

    path: Annotated[PathName, Meta(description="The file to write, or a folder to write it into.")]
