"""Models on their way here: what was asked for, how far it is, and what went wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sidecar.types.common import ModelName, Request, Response
from sidecar.types.inference import ErrorBody

DownloadState = Literal["queued", "checking", "downloading", "verifying", "paused", "done", "failed", "cancelled"]
FileState = Literal["waiting", "downloading", "verifying", "done", "failed"]


class DownloadRequest(Request):
    """`POST /downloads`. Without `files` and `variant` the files that the best engine here needs."""

    model: Annotated[str, Meta(description="The repository's id, such as org/name.")]
    revision: Annotated[
        str, Meta(description="Branch, tag or commit; the commit it stands for now is what is fetched.")
    ] = "main"
    files: Annotated[list[str] | None, Meta(description="Exactly these files.")] = None
    variant: Annotated[str | None, Meta(description="A variant that the catalogue names, such as Q4_K_M.")] = None
    name: Annotated[ModelName | None, Meta(description="The model's name here; the repository's id without it.")] = None
    allow: Annotated[
        list[Literal["pickle", "custom_code"]], Meta(description="What the user permits for this model.")
    ] = []
    priority: Annotated[int, Meta(description="Higher ones go first.", ge=-100, le=100)] = 0


class DownloadFile(Response):
    """`reused`: bytes that were here already, from another model or an earlier attempt. The hashes are those the hub told."""

    path: str
    bytes: int
    done: int
    state: FileState = "waiting"
    reused: int = 0
    error: str | None = None
    sha256: str | None = None
    git_id: str | None = None


class DownloadInfo(Response):
    """`commit`: null until the hub was asked. `speed`: bytes a second over the last seconds; `eta_s`: seconds left.

    `model_id`: the model as it is known here, once it is done. `message` says in words how it stands.
    """

    job_id: str
    model: str
    revision: str
    state: DownloadState
    bytes_done: int = 0
    bytes_total: int = 0
    speed: float | None = None
    eta_s: float | None = None
    commit: str | None = None
    variant: str | None = None
    files: list[DownloadFile] = []
    priority: int = 0
    created_at: float = 0.0
    finished_at: float | None = None
    attempts: int = 0
    retry_at: float | None = None
    message: str = ""
    error: ErrorBody | None = None
    model_id: str | None = None
    warnings: list[str] = []


class DownloadUpdate(Request):
    """`PUT /downloads/{job}`."""

    priority: Annotated[int, Meta(description="Higher ones go first.", ge=-100, le=100)]


class DownloadStarted(Response):
    job_id: str


class VerifyResponse(Response):
    """`damaged`: files whose hash is not that of the manifest; they were set aside. `missing`: files that are gone.

    `job_id`: the download that fetches them again; null where none does.
    """

    model: str
    verified: int
    damaged: list[str] = []
    missing: list[str] = []
    message: str = ""
    job_id: str | None = None


class Connection(Response):
    """One outbound connection: to whom, why, and how many bytes came. `at` in Unix seconds."""

    at: float
    host: str
    reason: str
    method: str
    status: int | None
    bytes: int


class HubAccount(Response):
    """Whether a hub token is kept, and where. The token itself is never told."""

    has_token: bool
    kept_in: Literal["keyring", "environment", "file", "nowhere"]
    user: str | None = None


class HubToken(Request):
    """`PUT /hub/token`. An empty one forgets it."""

    token: Annotated[str, Meta(pattern=r"^[!-~]*$", max_length=500)]
