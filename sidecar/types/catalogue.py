"""Models that could be fetched: what they are, what is in them, whether they fit, how quick they would be."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sidecar.types.common import CountFromZero, ModelType, Request, Response
from sidecar.types.prediction import Prediction, Range
from sidecar.types.service import SystemInfo

Verdict = Literal["fits", "tight", "too_large", "unknown"]
Severity = Literal["refused", "ask", "note"]
FileFormat = Literal["safetensors", "gguf", "pickle"]


class RemoteFile(Response):
    """A file of a repository. `sha256` of large files, `git_id` (of its blob) of the others; null where not known."""

    path: str
    bytes: int
    sha256: str | None = None
    git_id: str | None = None


class Suitability(Response):
    """Whether it fits this machine, and why. `tight`: only after other models are unloaded, or with little room left.

    The speed is that of one answer's further tokens, or of texts for models that read; null while it cannot be predicted.
    """

    verdict: Verdict
    reason: str
    needed_mb: float | None = None
    tokens_per_second: Range | None = None
    texts_per_second: Range | None = None


class SafetyFinding(Response):
    """`refused`: not fetched, or never used. `ask`: only with the user's permission for this model, under `permission`."""

    severity: Severity
    kind: Literal["pickle", "custom_code", "auto_map", "template", "name", "format"]
    message: str
    files: list[str] = []
    permission: str | None = None


class Variant(Response):
    """One way to have a model: the files an engine needs, of one precision. `explanation` says in plain words what it gains."""

    name: str
    format: FileFormat
    explanation: str
    bytes: int
    files: list[str]
    suitability: Suitability
    recommended: bool = False


class CatalogueEntry(Response):
    """A model of the built-in list or of the hub. `id`: the repository's; `key`: the short name of small models.

    `curated`: from the built-in list; `why` is then the reason it is there. `gated`: its licence must be accepted first.
    `tags`: what it is for, such as chat, zero-shot or en-de. `engine`: what would load its files as they are.
    `revision` and `variant`: what to fetch of it on this machine; the latter null where its files were not looked at yet.
    `model_id`: its name here, null unless `installed`.
    """

    id: str
    name: str
    task: ModelType
    suitability: Suitability
    licence: str | None = None
    gated: bool = False
    parameters: int | None = None
    bytes: int | None = None
    formats: list[FileFormat] = []
    summary: str = ""
    why: str = ""
    key: str | None = None
    curated: bool = False
    installed: bool = False
    downloads: int | None = None
    tags: list[str] = []
    engine: str | None = None
    revision: str = "main"
    variant: str | None = None
    model_id: str | None = None


class CataloguePage(Response):
    """`offline`: the hub was not asked, or could not be reached; `notice` says why, and what is shown instead."""

    entries: list[CatalogueEntry]
    total: int
    offline: bool = False
    notice: str | None = None


class CatalogueDetail(Response):
    """One model. `commit`: what `revision` stood for. `card`: the model card's Markdown. `read_at`: Unix seconds, when the
    hub told this."""

    entry: CatalogueEntry
    revision: str
    commit: str
    files: list[RemoteFile]
    variants: list[Variant]
    safety: list[SafetyFinding]
    prediction: Prediction | None
    card: str
    read_at: float
    offline: bool = False
    access: Literal["open", "needs_token", "needs_acceptance"] = "open"
    access_url: str | None = None


class CatalogueQuery(Request):
    """`GET /catalogue`: without `query` the built-in list alone; with it the hub is searched too."""

    query: str = ""
    task: ModelType | None = None
    library: Literal["transformers", "gguf"] | None = None
    licence: str | None = None
    fits: Annotated[bool, Meta(description="Only what fits this machine.")] = False
    largest_mb: Annotated[
        CountFromZero, Meta(description="Only files up to so many MB together; 0 does not limit.")
    ] = 0
    gated: Annotated[bool | None, Meta(description="Only gated models, or only others.")] = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Recommendation(Response):
    """The one model that suits this machine best for a task."""

    task: ModelType
    entry: CatalogueEntry
    variant: str | None
    reason: str


class LightweightModel(Response):
    """A small model. `id`: its repository; `model_id`: its name here, null until it is downloaded. `size_mb`: its weights."""

    id: str
    model_id: str | None
    name: str
    description: str
    task: ModelType
    size_mb: float
    parameters: int | None
    licence: str | None
    tags: list[str]
    is_downloaded: bool
    is_loaded: bool
    suitability: Suitability


class LightweightModels(Response):
    """`GET /lightweight/models`: the small models by key; `downloaded`, `loaded` and `recommended` are keys."""

    models: dict[str, LightweightModel]
    downloaded: list[str]
    loaded: list[str]
    recommended: str | None


class LightweightDownload(Response):
    """`POST /lightweight/models/{key}/download`. `model`: its repository; `job_id` of the download, null when it is here."""

    status: Literal["downloaded", "queued"]
    model: str
    job_id: str | None = None


class LightweightStartRequest(Request):
    """`POST /lightweight/start`. Without `port` the next free one after the service's own."""

    port: Annotated[int, Meta(ge=0, le=65535, description="0 takes any free one.")] | None = None


class LightweightStarted(Response):
    status: Literal["started", "running"]
    port: int
    url: str


class LightweightStatus(Response):
    """`GET /lightweight/status`. `loaded_models`: ids of the small models in memory."""

    running: bool
    port: int | None
    loaded_models: list[str]
    system_info: SystemInfo
