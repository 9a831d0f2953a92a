"""The tasks: what is asked of a model and what it answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from sidecar.types.common import (
    LARGEST,
    Count,
    FinishReason,
    ModelType,
    Request,
    Response,
    Role,
    Seconds,
    Texts,
    Truncate,
)


class ToolCall(Struct):
    """A call that the model asks for. `arguments` is a JSON object as text, as the model wrote it."""

    name: str
    arguments: str
    id: str = ""


class TokenLogprob(Struct):
    """A token of the answer, the natural logarithm of its probability, and the likeliest tokens in its place."""

    token: str
    logprob: float
    top: dict[str, float] = {}


class TextPart(Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    text: str


class ImageUrl(Request):
    """An image as a `data:` URL in base64, PNG, JPEG or GIF (its first picture). Nothing is fetched from elsewhere."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Struct, tag_field="type", tag="image_url", forbid_unknown_fields=True):
    image_url: ImageUrl


class CalledFunction(Struct, forbid_unknown_fields=True):
    """`arguments` is a JSON object as text."""

    name: Annotated[str, Meta(min_length=1)]
    arguments: str


class FunctionCall(Struct, tag_field="type", tag="function", forbid_unknown_fields=True):
    """A call that the assistant asked for, sent back to it. Its result follows in a message with this `id`."""

    id: Annotated[str, Meta(min_length=1)]
    function: CalledFunction


class Message(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """`content` is a text, or parts in their order; images go to models with the capability `vision`.

    Only the assistant has `tool_calls`, and may then say nothing. A message of the role `tool` is what a function gave:
    `tool_call_id` names the call, and `name` the function where there is no id.
    """

    role: Role
    content: str | Annotated[list[TextPart | ImagePart], Meta(min_length=1)] | None = None
    tool_calls: list[FunctionCall] = []
    tool_call_id: str | None = None
    name: str | None = None

    @property
    def parts(self) -> list[TextPart | ImagePart]:
        if isinstance(self.content, str):
            return [TextPart(self.content)]
        return self.content or []

    @property
    def text(self) -> str:
        """What is said, without the images."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def images(self) -> list[ImageUrl]:
        return [part.image_url for part in self.parts if isinstance(part, ImagePart)]


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
    json_schema: Annotated[dict[str, Any], Meta(description="The answer is JSON that this schema allows.")] | None = (
        None
    )
    grammar: Annotated[str, Meta(description="The answer follows this grammar, in GBNF.")] | None = None
    logprobs: (
        Annotated[int, Meta(ge=0, le=20, description="Log-probability of each token, and of so many others.")] | None
    ) = None
    tools: (
        Annotated[
            list[dict[str, Any]], Meta(min_length=1, max_length=128, description="Functions the model may ask to call.")
        ]
        | None
    ) = None
    tool_choice: Annotated[
        Literal["auto", "required", "none"], Meta(description="Whether the model may, must or must not call one.")
    ] = "auto"


class Usage(Response):
    """Tokens. `cached_tokens`: those of the prompt that were kept from an earlier request and not computed again."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0


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
    tool_calls: list[ToolCall] = []
    logprobs: list[TokenLogprob] = []


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
    tool_calls: list[ToolCall] = []
    logprobs: list[TokenLogprob] = []


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
    execution: Execution
    multi_label: bool = False
    warnings: list[str] = []


class Classification(Response, omit_defaults=True):
    """One text's probabilities. `truncated`: it was longer than the model reads, and its end was cut off."""

    classifications: dict[str, float]
    truncated: bool = False


class ClassifyBatchResponse(Response, omit_defaults=True):
    results: list[Classification]
    execution_time_ms: float
    execution: Execution
    multi_label: bool = False
    warnings: list[str] = []


class TranslationOptions(Request):
    """How a translation is searched for. Greedy where nothing is given."""

    num_beams: Annotated[int, Meta(ge=1, le=32, description="Beams to search; 1 is greedy. Default 1.")] | None = None
    length_penalty: (
        Annotated[float, Meta(ge=-5, le=5, description="With beams: above 1 favours longer texts, below shorter.")]
        | None
    ) = None
    no_repeat_ngram_size: (
        Annotated[int, Meta(ge=0, le=LARGEST, description="No so many tokens in a row occur twice; 0 is off.")] | None
    ) = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=10, description="1 is off. Default: the model's.")] | None = None
    max_new_tokens: (
        Annotated[int, Meta(ge=1, le=LARGEST, description="Of each piece. Default: the model's.")] | None
    ) = None
    min_new_tokens: (
        Annotated[
            int,
            Meta(ge=0, le=LARGEST, description="Of each piece, its end not counted. Default: the model's; 0 is off."),
        ]
        | None
    ) = None
    num_hypotheses: (
        Annotated[int, Meta(ge=1, le=32, description="With beams, at most as many: so many translations, best first.")]
        | None
    ) = None
    temperature: Annotated[float, Meta(ge=0, le=5, description="0 does not sample. Default 0.")] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1, description="With a temperature. Default 1.")] | None = None
    top_k: Annotated[int, Meta(ge=0, le=LARGEST, description="With a temperature. 0 is off.")] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="With a temperature.")] | None = None


class TranslateRequest(TranslationOptions, kw_only=True):
    """`POST /models/{id}/translate`: exactly one of text, texts. Languages as the model names them or as ISO 639 codes."""

    source_lang: str | None = None
    target_lang: str | None = None
    text: str | None = None
    texts: Texts | None = None
    truncate: Truncate = False
    keep_alive: Seconds | None = None


class TranslateResponse(Response, omit_defaults=True):
    """`hypotheses`: where `num_hypotheses` asks for them, the best first, which is the translated text."""

    translated_text: str
    execution_time_ms: float
    execution: Execution
    warnings: list[str] = []
    hypotheses: list[str] = []


class Translation(Response, omit_defaults=True):
    """Of one text, as in a `TranslateResponse`."""

    translated_text: str
    hypotheses: list[str] = []


class TranslateBatchResponse(Response, omit_defaults=True):
    results: list[Translation]
    execution_time_ms: float
    execution: Execution
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
    """`embeddings`: one vector of `dimensions` floats per text, in order. `cached`: how many came from the cache.

    `execution` is null where all of them did: nothing was computed.
    """

    embeddings: list[list[float]]
    dimensions: int
    execution_time_ms: float
    cached: int = 0
    execution: Execution | None = None
    warnings: list[str] = []


class DecideRequest(Request):
    """`POST /models/{id}/decide`: which of the labels the model would answer; exactly one of prompt, messages."""

    labels: Annotated[list[str], Meta(min_length=2, max_length=100)]
    prompt: str | None = None
    messages: Annotated[list[Message], Meta(min_length=1)] | None = None
    keep_alive: Seconds | None = None


class DecideResponse(Response):
    """Probability per label, highest first; they sum to one: the model has to answer with one of them."""

    probabilities: dict[str, float]
    execution_time_ms: float
    execution: Execution
    warnings: list[str] = []


class RerankRequest(Request):
    """`POST /models/{id}/rerank`: how well each document answers the query."""

    query: str
    documents: Texts
    top_k: Count | None = None
    truncate: Truncate = False
    keep_alive: Seconds | None = None


class Ranked(Response):
    """A document by its position in the request. `score`: the model's own, higher is better."""

    index: int
    score: float


class RerankResponse(Response):
    """The documents, best first."""

    results: list[Ranked]
    execution_time_ms: float
    execution: Execution
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


# Of `POST /inference`: the answer that the task's own route would give.
InferenceResponse = (
    GenerateResponse
    | GenerateBatchResponse
    | ClassifyResponse
    | ClassifyBatchResponse
    | TranslateResponse
    | TranslateBatchResponse
    | EmbedResponse
    | RerankResponse
)
