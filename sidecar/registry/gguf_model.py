"""What a GGUF model is: its shards, its projector, and the facts that its headers tell. Loads nothing.

A model is one `.gguf` file, or a folder that holds one; a sharded model is any of its shards or their folder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from sidecar.errors import InvalidRequest
from sidecar.registry.gguf import MAGIC, GgufHeader, read_header
from sidecar.registry.projector import Projector, read_projector
from sidecar.registry.shape import Shape
from sidecar.registry.weights import Weights
from sidecar.types import REPETITION, ModelType

SUFFIX = ".gguf"
MAX_SHARDS = 999
MAX_LAYERS = 1024
MAX_CONTEXT = (1 << 31) - 1
FLOAT32 = "f32"
VISION = "vision"  # the capability of a model that takes images in messages
ENCODERS = ("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3",
            "eurobert", "t5encoder", "gemma-embedding")  # fmt: skip
# How the model's makers sample from it, by our names.
SAMPLING = {"temperature": "temp", "top_k": "top_k", "top_p": "top_p", "min_p": "min_p",
            "repetition_penalty": "penalty_repeat"}  # fmt: skip
RANK = 4  # llama.cpp's pooling of models that judge a text against a query
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")


class GgufFiles(Struct, frozen=True):
    """The files of one model, in order; the first is what the engine is given.

    A projector lets the model see images; see `projector`.
    """

    shards: tuple[Path, ...]
    projector: Path | None = None

    @property
    def first(self) -> Path:
        return self.shards[0]

    @property
    def all(self) -> tuple[Path, ...]:
        return (*self.shards, self.projector) if self.projector else self.shards


class GgufFacts(Struct, frozen=True):
    """What the headers tell. `cache_bytes_per_token`: keys and values of one token, 0 for encoders.

    They are kept in 16 bits, and beside weights in full float32 in 32 bits: who keeps those wants no rounding.
    `projector` is there where the model can see with it. `sampling`: what the file says of it, unchecked.
    """

    architecture: str
    types: tuple[ModelType, ...]
    capabilities: tuple[str, ...]
    weights: Weights
    shape: Shape
    quantization: str
    context_length: int | None
    cache_bytes_per_token: int
    end_id: int | None
    description: str
    projector: Projector | None = None
    sampling: dict[str, Any] = field(default_factory=dict)


class Companions(Struct, frozen=True):
    """What goes beside a model, adapters and a draft model: their weights, and the draft's cache of one token."""

    stored_bytes: int = 0
    cache_bytes_per_token: int = 0


def is_gguf(path: Path) -> bool:
    """Whether `path` is a GGUF file, by its name or its first bytes, or a folder with GGUF files and no other weights."""
    if path.is_file():
        return path.suffix.lower() == SUFFIX or _begins_as_gguf(path)
    return path.is_dir() and bool(_gguf_files(path)) and not any(path.glob("*.safetensors"))


def gguf_files(path: Path) -> GgufFiles:
    """The files of the model at `path`. Raises InvalidRequest when they are not complete or not one model, OSError.

    Of several projectors, which usually are one in several precisions, the smallest is taken.
    """
    folder = path if path.is_dir() else path.parent
    projectors = [file for file in _gguf_files(folder) if _is_projector(file)]
    projector = min(projectors, key=lambda file: file.stat().st_size, default=None)
    return GgufFiles(_shards(path if path.is_file() else _only_model(folder)), projector)


def read_facts(files: GgufFiles) -> GgufFacts:
    """Read the headers of all files. Raises InvalidRequest that names the file when one is not sound, OSError."""
    headers = [read_header(file) for file in files.shards]
    projector = read_projector(files.projector) if files.projector else None
    first = headers[0]
    if not first.architecture or first.architecture == "clip":
        raise InvalidRequest(reason=f"{files.first} names no architecture of a language model")
    _check_sizes(files.first, first)
    types = _types(first)
    weights = _weights(headers)
    capabilities = _capabilities(first, types)
    sees = projector is not None and "chat" in capabilities
    return GgufFacts(
        architecture=first.architecture,
        types=types,
        capabilities=(*capabilities, VISION) if sees else capabilities,
        weights=weights,
        shape=_shape(headers),
        quantization=weights.commonest,
        context_length=first.own("context_length"),
        cache_bytes_per_token=_cache_bytes_per_token(first, weights) if "text_generation" in types else 0,
        end_id=first.number("tokenizer.ggml.eos_token_id"),
        description=first.text("general.description"),
        projector=projector if sees else None,
        sampling={ours: first.metadata.get(f"general.sampling.{theirs}") for ours, theirs in SAMPLING.items()},
    )


def read_companions(engine: str, adapters: Sequence[str], draft_model: str | None) -> Companions:
    """Look at the files that shall be used beside a model. Raises InvalidRequest that says why one cannot."""
    if engine != "llamacpp" and (adapters or draft_model):
        raise InvalidRequest(reason="adapters and draft_model go with GGUF models only")
    headers = [_companion(Path(path)) for path in adapters]
    for path, header in zip(adapters, headers, strict=True):
        if header.text("general.type") != "adapter":
            raise InvalidRequest(reason=f"adapters: {path} is not a LoRA adapter")
    if draft_model in (None, "", REPETITION):
        return Companions(_weights(headers).stored_bytes)
    draft = _companion(Path(str(draft_model)))
    if draft.text("general.type") == "adapter" or _types(draft) != ("text_generation",):
        raise InvalidRequest(reason=f"draft_model: {draft_model} does not generate text")
    _check_sizes(Path(str(draft_model)), draft)
    return Companions(_weights([*headers, draft]).stored_bytes, _cache_bytes_per_token(draft, _weights([draft])))


def _companion(path: Path) -> GgufHeader:
    if not path.is_absolute() or not path.is_file():
        raise InvalidRequest(reason=f"{path} is not a file on this machine; give its whole path")
    try:
        return read_header(path)
    except OSError as error:
        raise InvalidRequest(reason=f"{path} cannot be read: {error.strerror or error}") from error


# ---- files ----------------------------------------------------------------------------------------------------------


def _begins_as_gguf(file: Path) -> bool:
    """Stores that name contents by their hash give them no ending."""
    with file.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def _gguf_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() == SUFFIX and file.is_file())


def _is_projector(file: Path) -> bool:
    return file.name.lower().startswith("mmproj")


def _only_model(folder: Path) -> Path:
    models = [file for file in _gguf_files(folder) if not _is_projector(file) and not _is_later_shard(file)]
    if len(models) != 1:
        names = ", ".join(file.name for file in models[:3]) or "none"
        raise InvalidRequest(reason=f"{folder} holds {len(models)} GGUF models ({names}); give the path of one file")
    return models[0]


def _is_later_shard(file: Path) -> bool:
    shard = _SHARD.fullmatch(file.name)
    return shard is not None and int(shard["number"]) != 1


def _shards(file: Path) -> tuple[Path, ...]:
    shard = _SHARD.fullmatch(file.name)
    if shard is None:
        return (file,)
    count = int(shard["count"])
    if not 1 <= count <= MAX_SHARDS:
        raise InvalidRequest(reason=f"{file} claims to be one of {count} shards")
    shards = tuple(file.with_name(f"{shard['stem']}-{n:05}-of-{count:05}.gguf") for n in range(1, count + 1))
    missing = [one.name for one in shards if not one.is_file()]
    if missing:
        raise InvalidRequest(
            reason=f"{file} is incomplete: {len(missing)} of {count} shards are missing ({missing[0]})"
        )
    return shards


# ---- facts ----------------------------------------------------------------------------------------------------------


def _check_sizes(file: Path, header: GgufHeader) -> None:
    """Those with which the library aborts or hangs instead of saying what is wrong. Raises InvalidRequest."""
    for key, most in (("block_count", MAX_LAYERS), ("context_length", MAX_CONTEXT)):
        size = header.own(key)
        if size is not None and not 1 <= size <= most:
            raise InvalidRequest(reason=f"{file} is not a sound GGUF file: its {key} is {size}")


def _types(header: GgufHeader) -> tuple[ModelType, ...]:
    pooling = header.own("pooling_type")
    if pooling == RANK:
        return ("reranking",)
    if pooling or header.architecture in ENCODERS:
        return ("embedding",)
    return ("text_generation",)


def _capabilities(header: GgufHeader, types: tuple[ModelType, ...]) -> tuple[str, ...]:
    if types == ("reranking",):
        return ("rerank",)
    if types == ("embedding",):
        return ("embed",)
    chats = bool(header.text("tokenizer.chat_template"))
    return ("generate", "chat", "decide") if chats else ("generate", "decide")


def _weights(headers: list[GgufHeader]) -> Weights:
    elements: Counter[str] = Counter()
    for header in headers:
        for tensor in header.tensors:
            elements[tensor.dtype] += tensor.elements
    return Weights(dict(elements))


def _shape(headers: list[GgufHeader]) -> Shape:
    first, tensors = headers[0], {tensor.name: tensor for header in headers for tensor in header.tensors}
    width = first.own("embedding_length") or 0
    table = tensors["token_embd.weight"].elements if "token_embd.weight" in tensors else 0
    return Shape(
        family=first.architecture,
        layers=first.own("block_count") or 0,
        width=width,
        vocabulary=table // width if width else 0,
        tied="output.weight" not in tensors,
    )


def _cache_bytes_per_token(header: GgufHeader, weights: Weights) -> int:
    """Layers times keys and values of the key-value heads. Models without attention claim none."""
    layers, width = header.own("block_count") or 0, header.own("embedding_length") or 0
    heads = header.own("attention.head_count") or 0
    kv_heads = header.own("attention.head_count_kv")
    kv_heads = heads if kv_heads is None else kv_heads
    head_width = width // heads if heads else 0
    key = header.own("attention.key_length") or head_width
    value = header.own("attention.value_length") or head_width
    return layers * kv_heads * (key + value) * (4 if weights.commonest == FLOAT32 else 2)
