"""The service itself: its state, history, settings, events and the discovery file."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from sidecar.types.common import Request, Response
from sidecar.types.downloads import DownloadInfo
from sidecar.types.inference import ErrorBody
from sidecar.types.prediction import Calibration


class RootResponse(Response):
    service: str
    version: str
    status: str
    models_loaded: int


class Health(Response, omit_defaults=True):
    """Without a key only `status`; with one the rest too."""

    status: str
    models_loaded: int | None = None
    memory_usage_mb: float | None = None
    cpu_percent: float | None = None
    disk_free_mb: float | None = None
    uptime_s: float | None = None
    queue_depth: int | None = None
    gpu: str | None = None


class SystemInfo(Response):
    """This machine. Memory and disk in MB. `calibration_reason` says why there is no calibration yet."""

    platform: str
    processor: str
    physical_cores: int
    logical_cores: int
    instruction_sets: list[str]
    memory_total_mb: float
    memory_available_mb: float
    memory_limit_mb: float
    disk_total_mb: float
    disk_free_mb: float
    models_dir: str
    gpu: str | None
    python: str
    version: str
    calibration: Calibration | None = None
    calibration_reason: str | None = None


class HistoryEntry(Response):
    """One inference. Times in Unix seconds and milliseconds; texts only where the settings keep them."""

    id: int
    time: float
    model: str
    version: str
    kind: str
    key: str
    outcome: str
    inputs: int
    prompt_tokens: int
    completion_tokens: int
    queue_ms: float
    total_ms: float
    error_code: str | None = None
    error_message: str | None = None
    input_text: str | None = None
    output_text: str | None = None


class HistoryPage(Response):
    entries: list[HistoryEntry]
    total: int
    next_before: int | None = None


class DeletedResponse(Response):
    deleted: int


class SettingInfo(Response):
    """One row of the settings table, with where its value came from."""

    key: str
    section: str
    type: str
    value: Any
    default: Any
    description: str
    source: Literal["default", "file", "environment", "flag"]
    restart: bool
    choices: list[str] = []
    minimum: float | None = None
    maximum: float | None = None


class ChangeSettingsRequest(Request):
    """`PUT /settings`: null returns a setting to its default."""

    values: dict[str, Any]


class Discovery(Struct):
    """The discovery file `runtime.json`. `started_at` in Unix seconds."""

    url: str
    pid: int
    version: str
    token: str
    started_at: float


JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class JobInfo(Response):
    """A long task. `progress` from 0 to 1; `stage` what is being done; `message` how it ended. Times in Unix seconds.

    `bytes_done` and `bytes_total` where files are moved; `models`: what came of an import, by id; `path`: the file that an
    export wrote; `warnings`: what is worth knowing of it.
    """

    id: str
    kind: str
    model: str
    state: JobState
    progress: float = 0.0
    stage: str = ""
    message: str = ""
    error: ErrorBody | None = None
    created_at: float = 0.0
    finished_at: float | None = None
    bytes_done: int | None = None
    bytes_total: int | None = None
    models: list[str] = []
    warnings: list[str] = []
    path: str | None = None


class JobStarted(Response):
    """A job has begun: follow it at `GET /jobs/{job_id}` or among the events."""

    job_id: str


class Event(Response, omit_defaults=True):
    """One server-sent event of `GET /events`.

    `type` "model": `model`, `state` (loading, loaded, unloaded, failed, registered, removed, changed), `message`;
    `type` "system": `memory_used_mb`, `memory_total_mb`, `cpu_percent`, `models_loaded`, `models_memory_mb`, `active_requests`;
    `type` "job": `job` with its new state or progress;
    `type` "download": `download` with its new state or progress;
    `type` "settings": something in the table changed;
    `type` "storage": what lies on the disk changed: see `GET /storage` again.
    """

    type: Literal["model", "system", "settings", "job", "download", "storage"]
    time: float
    model: str | None = None
    state: str | None = None
    message: str | None = None
    memory_used_mb: float | None = None
    memory_total_mb: float | None = None
    cpu_percent: float | None = None
    models_loaded: int | None = None
    models_memory_mb: float | None = None
    active_requests: int | None = None
    job: JobInfo | None = None
    download: DownloadInfo | None = None
