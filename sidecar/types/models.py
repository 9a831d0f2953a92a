"""The models: making them known, loading them, what is told about them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from sidecar.types.common import Count, CountFromZero, ModelName, ModelType, Request, Response, Seconds

EngineChoice = Annotated[
    Literal["auto", "transformers", "ctranslate2", "llamacpp"],
    Meta(description="auto takes the quickest that is verified."),
]

REPETITION = "repetition"  # instead of a draft model: tokens are proposed from what the conversation itself repeats
Origin = Literal["builtin", "downloaded", "imported", "in_place", "hub_cache"]


class GenerationDefaults(Request):
    """A model's own defaults, used where a request says nothing."""

    max_length: Count | None = None
    max_new_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=5)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_k: CountFromZero | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None


Quantization = Annotated[
    Literal["auto", "none", "int8", "int4"],
    Meta(
        description="How weights are rounded; auto rounds large models to int8 where a trial shows that answers stay the"
        " same. int4 takes less memory, is slower and coarser; where the trial fails it is int8 or none, with a warning."
    ),
]


UseProjector = Annotated[
    bool, Meta(description="Load the multimodal projector beside a GGUF model, with which it sees images.")
]


class Adapter(Request):
    """A LoRA adapter in a GGUF file of its own, applied to every answer of the model."""

    path: str
    scale: float = 1.0


Adapters = Annotated[list[Adapter], Meta(max_length=16, description="LoRA adapters, for GGUF models.")]
DraftModel = Annotated[
    str,
    Meta(
        description="A small GGUF file of the same vocabulary that proposes tokens, or the word repetition:"
        " tokens are proposed where the conversation repeats itself, which helps with rewriting and editing."
    ),
]


class RegisterRequest(GenerationDefaults, kw_only=True):
    """`POST /models`: make a model folder, or a GGUF file, on this machine known under a name, and load it."""

    name: ModelName
    model_type: ModelType
    model_path: str
    device: str = "auto"
    quantization: Quantization | None = None
    engine: EngineChoice = "auto"
    num_workers: Annotated[int, Meta(ge=1, le=64)] = 1
    keep_alive: Seconds | None = None
    adapters: Adapters = []
    use_projector: UseProjector = True
    draft_model: DraftModel | None = None


class UpdateRequest(Request):
    """`PUT /models/{id}`: change what is given, keep the rest; null returns a field to the general default.

    What a model is loaded with (device, num_workers and all from engine on) holds from its next load. One that is in memory
    leaves it for that, unless it is answering.
    """

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
    engine: EngineChoice | UnsetType = UNSET
    quantization: Quantization | UnsetType | None = UNSET
    use_projector: UseProjector | UnsetType = UNSET
    adapters: Adapters | UnsetType = UNSET
    draft_model: DraftModel | UnsetType | None = UNSET


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


class PrepareRequest(Request):
    """`POST /models/{id}/prepare`; every field may be left out. `auto` takes int8 where it verifies, else float32."""

    precision: Literal["auto", "int8", "float32"] = "auto"


class Preparation(Response):
    """What became of converting a model for a quicker engine, and how it compares with the reference on sample texts.

    `measures` and `thresholds` have the same keys: agreement (share of equal labels), max_deviation (of a probability),
    cosine (the lowest), chrf (0 to 100). Unless `passed` it is not used, and `reason` says why.
    """

    engine: str
    task: ModelType
    precision: str
    passed: bool
    reason: str = ""
    samples: int = 0
    measures: dict[str, float] = {}
    thresholds: dict[str, float] = {}
    libraries: dict[str, str] = {}
    size_mb: float = 0.0
    seconds: float = 0.0
    prepared_at: float = 0.0


class ModelInfo(Response):
    """One row of `GET /models`. Memory in MB, keep-alive in seconds; sizes are null until the model was loaded once.

    `engine_choice` and `device_choice` are the options; `engine` and `device` what it runs with, or would.
    `preparable`: `POST /models/{id}/prepare` can convert it for a quicker engine here. `projector`: the file with which it
    sees images; null where there is none, or `use_projector` is off. `origin`: how it came here; the files of one that is
    "in_place" or of the "hub_cache" belong to another program or the user.
    """

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
    engine_choice: str = "auto"
    device_choice: str = "auto"
    engine_reason: str = ""
    precision: str | None = None
    preparation: Preparation | None = None
    preparable: bool = False
    projector: str | None = None
    use_projector: bool = True
    origin: Origin = "in_place"
    adapters: list[Adapter] = []
    draft_model: str | None = None


class ModelsSummary(Response):
    total: int
    loaded: int
    by_type: dict[str, int]
    memory_usage_mb: float
