"""The worker channel: the frames that travel over a worker's stdin and stdout.

A frame is a 4-byte big-endian length and that many bytes of msgpack, a tagged union of the Structs below. Requests are
known by an integer id that the parent chooses. This module knows neither processes nor engines, so both sides import it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from sidecar.types import (
    Adapter,
    FinishReason,
    GemmRate,
    Message,
    ModelType,
    Preparation,
    Sampling,
    TokenLogprob,
    ToolCall,
    TranslationOptions,
)

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 1 << 30
HEADER = struct.Struct(">I")


# ---- down: parent to worker -----------------------------------------------------------------------------------------


class Load(Struct, tag="load"):
    """The first frame. `threads` 0 leaves the choice to the engine; `max_sequences` bounds how many are stepped together.

    `prefix_cache_mb`: of ended sequences kept for those that continue them. `context_length` is the longest context, prompt
    and answer, that memory allows; 0 is as long as the model knows. `cache_tokens`: what the caches of all answers may hold
    together, for engines that take it at once; 0 leaves it to them.
    """

    model: str
    path: str
    task: ModelType
    device: str = "auto"
    threads: int = 0
    max_sequences: int = 8
    batch_tokens: int = 4096
    quantization: str = "auto"
    prefix_cache_mb: int = 256
    context_length: int = 0
    cache_tokens: int = 0
    adapters: list[Adapter] = []
    draft_model: str | None = None
    projector: str | None = None  # the file with which the model sees images
    prepared: str | None = None  # the folder with what an engine made of the model beforehand
    derived: str | None = None  # the folder where an engine may keep what it makes of the model while loading it


class Prepare(Struct, tag="prepare"):
    """The first frame of a worker that converts a model instead of loading it. `folder` must not exist; it gets the result.

    `precisions` are tried in order until one passes the verification.
    """

    model: str
    path: str
    task: ModelType
    folder: str
    precisions: list[str]
    threads: int = 0


class Convert(Struct, tag="convert"):
    """The first frame of a worker that makes safetensors of the pickled weights in `folder`, beside them."""

    model: str
    folder: str


class Calibrate(Struct, tag="calibrate"):
    """The first frame instead of Load: measure the machine and end. `file`: one to measure reading with, or empty."""

    threads: int = 0
    file: str = ""


class Generate(Struct, tag="generate"):
    """One sequence: exactly one of `prompt` and `messages`. `sampling` has the model's defaults already filled in.

    The last fields shape or explain the answer; not every engine can (see `SHAPING`).
    """

    id: int
    prompt: str | None
    messages: list[Message] | None
    sampling: Sampling
    truncate: bool = False
    json_schema: dict[str, Any] | None = None
    grammar: str | None = None
    logprobs: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str = "auto"


SHAPING = ("json_schema", "grammar", "logprobs", "tools")


class Classify(Struct, tag="classify"):
    id: int
    texts: list[str]
    labels: list[str] | None = None
    truncate: bool = False


class Embed(Struct, tag="embed"):
    id: int
    texts: list[str]
    normalize: bool = True
    dimensions: int | None = None
    truncate: bool = False


class Translate(Struct, tag="translate"):
    id: int
    texts: list[str]
    source_lang: str | None = None
    target_lang: str | None = None
    truncate: bool = False
    options: TranslationOptions = msgspec.field(default_factory=TranslationOptions)


class Decide(Struct, tag="decide"):
    """The probabilities of the labels as the answer: exactly one of `prompt` and `messages`."""

    id: int
    labels: list[str]
    prompt: str | None
    messages: list[Message] | None


class Rerank(Struct, tag="rerank"):
    id: int
    query: str
    documents: list[str]
    truncate: bool = False


class Cancel(Struct, tag="cancel"):
    id: int


class Shutdown(Struct, tag="shutdown"):
    """Finish nothing more and exit with status 0."""


# ---- up: worker to parent -------------------------------------------------------------------------------------------


class Hello(Struct, tag="hello"):
    """Sent once the engine's libraries are imported: the worker is ready for `Load`."""

    protocol: int
    engine: str
    pid: int


class ModelFacts(Struct):
    """What loading taught about a model. `memory_bytes` is the worker's resident memory once loaded."""

    engine: str
    device: str
    precision: str
    parameters: int
    memory_bytes: int
    context_length: int | None = None
    capabilities: list[str] = []
    labels: list[str] = []
    multi_label: bool = False
    languages: list[str] = []
    dimensions: int | None = None
    warnings: list[str] = []


class Loaded(Struct, tag="loaded"):
    facts: ModelFacts
    load_ms: float


class Progress(Struct, tag="progress"):
    """How far a preparation is: what is being done, and the share of the whole from 0 to 1."""

    stage: str
    done: float


class Prepared(Struct, tag="prepared"):
    """The end of a preparation, whether it passed or not."""

    preparation: Preparation


class Converted(Struct, tag="converted"):
    """The weights lie there as safetensors, and every value is the same."""


class Calibrated(Struct, tag="calibrated"):
    """What the machine can do; the fields are explained in `sidecar.types.Calibration`. 0 or None: not measured."""

    threads: int
    gemm: list[GemmRate]
    memory_gb_s: float = 0.0
    operation_us: float = 0.0
    rounding_mweights_s: float | None = None
    disk_mb_s: float | None = None
    cached_mb_s: float | None = None
    rounding_int4_mweights_s: float | None = None
    fresh_mb_s: float | None = None
    others_share: float = 0.0


class Delta(Struct, array_like=True):
    """New text of one sequence; `tokens` counts those generated so far. The text may be empty while a character is incomplete."""

    id: int
    text: str
    tokens: int


class Step(Struct, tag="step"):
    """One decode iteration: what every running sequence gained."""

    deltas: list[Delta]


class Generated(Struct, tag="generated"):
    """A finished sequence; its text went up in Steps. Times in milliseconds."""

    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    queue_ms: float
    prefill_ms: float
    decode_ms: float
    padding: int = 0
    warnings: list[str] = []
    cached_tokens: int = 0
    tool_calls: list[ToolCall] = []
    logprobs: list[TokenLogprob] = []


class Classified(Struct, tag="classified"):
    """`scores[i][j]`: probability of label j for text i. `cut`: the texts of which the end was not read."""

    labels: list[str]
    scores: list[list[float]]
    multi_label: bool
    tokens: int
    queue_ms: float = 0.0
    padding: int = 0
    warnings: list[str] = []
    cut: list[int] = []


class Embedded(Struct, tag="embedded"):
    """`vectors`: float32 in the machine's byte order, shape (count, dimensions), row-major.

    `cut`: the texts of which only the first `limit` tokens were read.
    """

    vectors: bytes
    dimensions: int
    tokens: int
    queue_ms: float = 0.0
    padding: int = 0
    warnings: list[str] = []
    cut: list[int] = []
    limit: int = 0


class Translated(Struct, tag="translated"):
    """`hypotheses[i]`: of text i, the best first; empty where the request did not ask for them."""

    texts: list[str]
    prompt_tokens: int
    completion_tokens: int
    queue_ms: float = 0.0
    padding: int = 0
    warnings: list[str] = []
    hypotheses: list[list[str]] = []


class Decided(Struct, tag="decided"):
    """`probabilities[i]`: of label i; they sum to one."""

    probabilities: list[float]
    tokens: int
    queue_ms: float = 0.0
    padding: int = 0
    warnings: list[str] = []


class Reranked(Struct, tag="reranked"):
    """`scores[i]`: of document i, higher is better."""

    scores: list[float]
    tokens: int
    queue_ms: float = 0.0
    padding: int = 0
    warnings: list[str] = []


# `padding`: tokens that were computed beside those of the texts, where an engine makes a batch as wide as its longest.
Outcome = Generated | Classified | Embedded | Translated | Decided | Reranked


class Finished(Struct, tag="finished"):
    id: int
    outcome: Outcome


class Failed(Struct, tag="failed"):
    """A request failed, or with id 0 the load did. The fields are those of `InglenookError.to_wire`."""

    id: int
    code: str
    message: str
    details: dict[str, Any] = {}


class Stats(Struct, tag="stats"):
    """A sign of life, about once a second while there is work. `steps` grows with every iteration."""

    running: int
    waiting: int
    steps: int
    memory_bytes: int


Down = (
    Load | Prepare | Convert | Calibrate | Generate | Classify | Embed | Translate | Decide | Rerank | Cancel | Shutdown
)
Up = Hello | Loaded | Progress | Prepared | Converted | Calibrated | Step | Finished | Failed | Stats

_encoder = msgspec.msgpack.Encoder()
_down: msgspec.msgpack.Decoder[Down] = msgspec.msgpack.Decoder(Down)
_up: msgspec.msgpack.Decoder[Up] = msgspec.msgpack.Decoder(Up)


class ProtocolError(Exception):
    """The other side sent what is not a frame; the channel cannot be used any more."""


def encode(frame: Down | Up) -> bytes:
    """Header and payload. Raises ProtocolError when the payload is larger than MAX_FRAME_BYTES."""
    payload = _encoder.encode(frame)
    if len(payload) > MAX_FRAME_BYTES:
        raise ProtocolError(f"a frame of {len(payload)} bytes is over the limit")
    return HEADER.pack(len(payload)) + payload


def payload_length(header: bytes | bytearray) -> int:
    """Bytes that follow `header`. Raises ProtocolError when that cannot be."""
    (length,) = HEADER.unpack(header)
    if length > MAX_FRAME_BYTES:
        raise ProtocolError(f"a frame of {length} bytes is over the limit")
    return int(length)


def decode_down(payload: bytes) -> Down:
    try:
        return _down.decode(payload)
    except msgspec.MsgspecError as error:
        raise ProtocolError(str(error)) from error


def decode_up(payload: bytes | memoryview) -> Up:
    try:
        return _up.decode(payload)
    except msgspec.MsgspecError as error:
        raise ProtocolError(str(error)) from error


class Frames:
    """Cuts what comes up a channel, piece by piece, into frames."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, data: bytes) -> None:
        self._bytes += data

    def take(self) -> Iterator[Up]:
        """The frames that are whole, each once. Raises ProtocolError."""
        while len(self._bytes) >= HEADER.size:
            end = HEADER.size + payload_length(self._bytes[: HEADER.size])
            if len(self._bytes) < end:
                return
            with memoryview(self._bytes)[HEADER.size : end] as payload:
                frame = decode_up(payload)
            del self._bytes[:end]
            yield frame


def read_down(stream: BinaryIO) -> Down | None:
    """The next frame from a blocking stream, None at its end. Raises ProtocolError."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    payload = stream.read(payload_length(header))
    return decode_down(payload)
