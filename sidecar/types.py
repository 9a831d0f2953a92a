"""The public request and response types of the native dialect, one Struct each.

The routes decode bodies into them, the client builds and reads them, the window shows them, and `/openapi.json` is
generated from them. They hold no behaviour. Unknown fields in a request are an error that names them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

ModelType = Literal["text_generation", "classification", "translation", "embedding"]
FinishReason = Literal["stop", "length", "cancelled"]
Role = Literal["system", "user", "assistant", "tool"]

LARGEST = 2**31 - 1  # of any count: larger ones do not travel to a worker
Count = Annotated[int, Meta(ge=1, le=LARGEST)]
CountFromZero = Annotated[int, Meta(ge=0, le=LARGEST)]

Texts = Annotated[list[str], Meta(min_length=1, max_length=100_000)]
Truncate = Annotated[bool, Meta(description="Cut what is too long, with a warning, instead of refusing it.")]
Seconds = Annotated[
    float, Meta(description="Seconds to stay in memory afterwards; 0 unloads at once, negative never unloads.")
]


class Request(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A request body: an unknown field is refused by name."""


class Response(Struct):
    """A response body: a newer service may add fields, an older client ignores them."""


# ---- inference ------------------------------------------------------------------------------------------------------


class Message(Struct, forbid_unknown_fields=True):
    role: Role
    content: str


class Sampling(Request):
    """How the next token is chosen. A field left out falls back to the model's default, then to the one named here."""

    max_length: Annotated[int, Meta(ge=1, le=LARGEST, description="Prompt and answer together, in tokens.")] | None = (
        None
    )
    max_new_tokens: (
        Annotated[
            int,
            Meta(ge=1, le=LARGEST, description="The answer, in tokens; default: to the context's end, at most 1024."),
        ]
        | None
    ) = None
    temperature: Annotated[float, Meta(ge=0, le=5, description="0 is greedy. Default 0.7.")] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1, description="Default 1.")] | None = None
    top_k: Annotated[int, Meta(ge=0, le=LARGEST, description="0 is off. Default 0.")] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1, description="Default 0.")] | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=10, description="1 is off. Default 1.")] | None = None
    stop: str | list[str] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None


class GenerateRequest(Sampling):
    """`POST /models/{id}/generate`: exactly one of prompt, prompts, messages."""

    prompt: str | None = None
    prompts: Texts | None = None
    messages: Annotated[list[Message], Meta(min_length=1)] | None = None
    stream: bool = False
    truncate: Truncate = False
    keep_alive: Seconds | None = None


class Usage(Response):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Timings(Response):
    """Milliseconds, and the rates that follow from them."""

    queue_ms: float
    prefill_ms: float
    decode_ms: float
    time_to_first_token_ms: float
    tokens_per_second: float


class Execution(Response):
    """What computed the answer."""

    engine: str
    device: str
    precision: str


class GenerateResponse(Response):
    generated_text: str
    finish_reason: FinishReason
    usage: Usage
    execution_time_ms: float
    timings: Timings
    model: str
    context_length: int
    execution: Execution
    warnings: list[str] = []


class GenerateBatchResponse(Response):
    """The answers to `prompts`, in their order."""

    results: list[GenerateResponse]
    execution_time_ms: float


class GenerateChunk(Response, omit_defaults=True):
    """One server-sent event of a stream. The last has `done` true and carries the final figures, or `error`."""

    text: str = ""
    done: bool = False
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    execution_time_ms: float | None = None
    timings: Timings | None = None
    model: str | None = None
    context_length: int | None = None
    execution: Execution | None = None
    warnings: list[str] = []
    error: ErrorBody | None = None


class ClassifyRequest(Request):
    """`POST /models/{id}/classify`: exactly one of text, texts."""

    text: str | None = None
    texts: Texts | None = None
    top_k: Count | None = None
    labels: (
        Annotated[
            list[str], Meta(min_length=1, max_length=100, description="Free labels, for models that can do zero-shot.")
        ]
        | None
    ) = None
    truncate: Truncate = False
    keep_alive: Seconds | None = None


class ClassifyResponse(Response, omit_defaults=True):
    """Probability per label, highest first. Multi-label models' probabilities do not sum to one."""

    classifications: dict[str, float]
    execution_time_ms: float
    multi_label: bool = False
    warnings: list[str] = []


class Classification(Response):
    classifications: dict[str, float]


class ClassifyBatchResponse(Response, omit_defaults=True):
    results: list[Classification]
    execution_time_ms: float
    multi_label: bool = False
    warnings: list[str] = []


class TranslateRequest(Request):
    """`POST /models/{id}/translate`: exactly one of text, texts. Languages as the model names them or as ISO 639 codes."""

    source_lang: str | None = None
    target_lang: str | None = None
    text: str | None = None
    texts: Texts | None = None
    truncate: Truncate = False
    keep_alive: Seconds | None = None


class TranslateResponse(Response, omit_defaults=True):
    translated_text: str
    execution_time_ms: float
    warnings: list[str] = []


class Translation(Response):
    translated_text: str


class TranslateBatchResponse(Response, omit_defaults=True):
    results: list[Translation]
    execution_time_ms: float
    warnings: list[str] = []


class EmbedRequest(Request):
    texts: Texts
    normalize: Annotated[bool, Meta(description="Scale each vector to length 1.")] = True
    dimensions: (
        Annotated[int, Meta(ge=1, le=LARGEST, description="Keep the first so many components (then normalise again).")]
        | None
    ) = None
    truncate: Truncate = False
    keep_alive: Seconds | None = None


class EmbedResponse(Response):
    """`embeddings`: one vector of `dimensions` floats per text, in order. `cached`: how many came from the cache."""

    embeddings: list[list[float]]
    dimensions: int
    execution_time_ms: float
    cached: int = 0
    warnings: list[str] = []


class InferenceRequest(Request):
    """`POST /inference`: `data` is the body of the task's own route; without `model`, the one deployed for the type."""

    model_type: ModelType
    data: dict[str, Any]
    model: str | None = None


class TaskRequest(Request):
    """`POST /tasks`: load what is needed, run, keep. `task_data` null only loads."""

    task_type: ModelType
    model_name: str
    task_data: dict[str, Any] | list[str] | str | None = None
    num_workers: Annotated[int, Meta(ge=1, le=64)] = 1
    device: str = "auto"
    keep_alive: Annotated[float, Meta(description="Minutes; 0 unloads at once, negative never.")] | None = None


class ReleaseRequest(Request):
    model_name: str


class ErrorBody(Response):
    code: str
    message: str
    details: dict[str, Any] = {}


class ErrorResponse(Response):
    """The native dialect's error. `detail` repeats the message for older clients."""

    error: ErrorBody
    detail: str


class Result(Response):
    """What `POST /tasks` and `ModelManager.task` return: data when it worked, error when it did not."""

    success: bool
    data: dict[str, Any] | None = None
    error: ErrorBody | None = None


# ---- models ---------------------------------------------------------------------------------------------------------


class GenerationDefaults(Request):
    """A model's own defaults, used where a request says nothing."""

    max_length: Count | None = None
    max_new_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=5)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_k: CountFromZero | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None


class RegisterRequest(GenerationDefaults, kw_only=True):
    """`POST /models`: make a model folder on this machine known under a name, and load it."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$", max_length=200)]
    model_type: ModelType
    model_path: str
    device: str = "auto"
    quantization: Literal["none"] | None = None
    num_workers: Annotated[int, Meta(ge=1, le=64)] = 1
    keep_alive: Seconds | None = None


class UpdateRequest(Request):
    """`PUT /models/{id}`: change what is given, keep the rest; null returns a field to the general default."""

    max_length: Count | UnsetType | None = UNSET
    max_new_tokens: Count | UnsetType | None = UNSET
    temperature: Annotated[float, Meta(ge=0, le=5)] | UnsetType | None = UNSET
    top_p: Annotated[float, Meta(gt=0, le=1)] | UnsetType | None = UNSET
    top_k: CountFromZero | UnsetType | None = UNSET
    min_p: Annotated[float, Meta(ge=0, le=1)] | UnsetType | None = UNSET
    repetition_penalty: Annotated[float, Meta(gt=0, le=10)] | UnsetType | None = UNSET
    device: str | UnsetType = UNSET
    num_workers: Annotated[int, Meta(ge=1, le=64)] | UnsetType = UNSET
    keep_alive: Seconds | UnsetType | None = UNSET
    pinned: bool | UnsetType = UNSET


class LoadRequest(Request):
    """`POST /models/{id}/load`; every field may be left out."""

    device: str | None = None
    num_workers: Annotated[int, Meta(ge=1, le=64)] | None = None
    keep_alive: Seconds | None = None


class LoadResponse(Response):
    model_id: str
    status: Literal["loaded"] = "loaded"
    load_time_ms: float = 0.0
    warnings: list[str] = []


class StatusResponse(Response):
    """`{"status": "unloaded"}`, `{"status": "removed"}` and the like."""

    status: str


class ModelInfo(Response):
    """One row of `GET /models`. Memory in MB, keep-alive in seconds; sizes are null until the model was loaded once."""

    id: str
    name: str
    model_type: ModelType
    model_path: str
    tokenizer_path: str
    device: str
    dtype: str | None
    max_length: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    is_loaded: bool
    memory_usage_mb: float | None
    parameters_count: int | None
    version: str
    engine: str
    capabilities: list[str]
    description: str = ""
    state: Literal["unloaded", "loading", "loaded"] = "unloaded"
    context_length: int | None = None
    size_mb: float = 0.0
    labels: list[str] = []
    multi_label: bool = False
    languages: list[str] = []
    pinned: bool = False
    builtin: bool = False
    keep_alive: float | None = None
    num_workers: int = 1
    active_requests: int = 0
    expires_in_s: float | None = None
    last_used_at: float | None = None
    quantization: str | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    max_new_tokens: int | None = None


class ModelsSummary(Response):
    total: int
    loaded: int
    by_type: dict[str, int]
    memory_usage_mb: float


# ---- service --------------------------------------------------------------------------------------------------------


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
    """This machine. Memory and disk in MB."""

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


class Event(Response, omit_defaults=True):
    """One server-sent event of `GET /events`.

    `type` "model": `model`, `state` (loading, loaded, unloaded, failed, registered, removed, changed), `message`;
    `type` "system": `memory_used_mb`, `memory_total_mb`, `cpu_percent`, `models_loaded`, `models_memory_mb`, `active_requests`;
    `type` "settings": something in the table changed.
    """

    type: Literal["model", "system", "settings"]
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
