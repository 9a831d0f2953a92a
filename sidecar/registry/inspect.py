"""What a model folder is, learned from its files without loading it: task, engine, sizes, capabilities, version.

It reads small JSON files and the headers of the weights, nothing else, and runs no code of the folder. Everything here
blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sidecar import decoding
from sidecar.errors import InvalidRequest
from sidecar.registry import exported, gguf_model
from sidecar.registry.fingerprint import fingerprint, version_files
from sidecar.registry.gguf_model import VISION
from sidecar.registry.shape import Shape, first, positive, shape_of, with_family
from sidecar.registry.weights import Weights, read_weights
from sidecar.types import GenerationDefaults, ModelType

MAX_JSON_BYTES = 64_000_000
MAX_CARD_BYTES = 1_000_000
DESCRIPTION_LENGTH = 300
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model", "source.spm",
                   "sentencepiece.bpe.model", "spm.model")  # fmt: skip
TRANSLATORS = ("MarianMTModel", "M2M100ForConditionalGeneration", "MBartForConditionalGeneration")
FIELDS_OF_GENERATION = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")


class Inspection(Struct, frozen=True):
    """The facts of a folder. `types`: what the architecture can do, its own purpose first.

    `companion_bytes`: what is loaded beside it: adapters and a draft model that were chosen, whose cache counts as the
    model's, and the projector with which it sees images.
    """

    architecture: str
    engine: str
    types: tuple[ModelType, ...]
    version: str
    weights: Weights = field(default_factory=Weights)
    shape: Shape = field(default_factory=Shape)
    file_bytes: int = 0
    context_length: int | None = None
    cache_bytes_per_token: int = 0
    companion_bytes: int = 0
    projector: Path | None = None
    capabilities: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    multi_label: bool = False
    defaults: GenerationDefaults = field(default_factory=GenerationDefaults)
    description: str = ""


def inspect(folder: Path) -> Inspection:
    """Look at `folder`, or at a GGUF file. Raises InvalidRequest that says which file is missing or wrong."""
    try:
        if gguf_model.is_gguf(folder):
            return _llamacpp(folder)
        if not folder.is_dir():
            raise InvalidRequest(reason=f"{folder} is not a folder on this machine")
        if (folder / exported.MANIFEST).is_file():
            return _exported(folder)
        config = with_family(_json(folder / "config.json"))
        return _echo(folder, config) if config.get("model_type") == "echo" else _transformers(folder, config)
    except OSError as error:
        raise InvalidRequest(reason=f"{folder} cannot be read: {error.strerror or error}") from error


def _echo(folder: Path, config: dict[str, Any]) -> Inspection:
    """The engine for tests does every task and has no weights."""
    types: tuple[ModelType, ...] = ("text_generation", "classification", "translation", "embedding")
    return Inspection(
        architecture="Echo",
        engine="echo",
        types=types,
        version=fingerprint(version_files(folder)),
        file_bytes=_total_bytes(folder),
        context_length=positive(config, "context_length"),
        capabilities=(
            "generate",
            "chat",
            "classify",
            "translate",
            "embed",
            *((VISION,) if config.get("vision") else ()),
        ),
    )


def _llamacpp(path: Path) -> Inspection:
    files = gguf_model.gguf_files(path)
    facts = gguf_model.read_facts(files)
    return Inspection(
        architecture=facts.architecture,
        engine="llamacpp",
        types=facts.types,
        version=fingerprint(version_files(path)),
        weights=facts.weights,
        shape=facts.shape,
        file_bytes=sum(file.stat().st_size for file in files.all),
        context_length=facts.context_length,
        cache_bytes_per_token=facts.cache_bytes_per_token,
        companion_bytes=facts.projector.held_bytes if facts.projector else 0,
        projector=facts.projector.file if facts.projector else None,
        capabilities=facts.capabilities,
        defaults=_sound_defaults(facts.sampling),
        description=facts.description[:DESCRIPTION_LENGTH],
    )


def without_projector(seen: Inspection) -> Inspection:
    """The same model where the user wants it not to see."""
    can = tuple(one for one in seen.capabilities if one != VISION)
    return replace(seen, projector=None, companion_bytes=0, capabilities=can) if seen.projector else seen


def _exported(folder: Path) -> Inspection:
    manifest = exported.read_manifest(folder)
    weights = exported.read_weights(folder / manifest.program)
    _require_tokenizer(folder)
    types: tuple[ModelType, ...] = (manifest.task,)
    labels = tuple(manifest.labels)
    return Inspection(
        architecture=exported.ARCHITECTURE,
        engine="transformers",
        types=types,
        version=fingerprint(version_files(folder)),
        weights=weights,
        file_bytes=_total_bytes(folder),
        context_length=manifest.max_length,
        capabilities=_capabilities(folder, types, labels),
        labels=labels,
        multi_label=manifest.multi_label,
        description=manifest.description[:DESCRIPTION_LENGTH],
    )


def _require_tokenizer(folder: Path) -> None:
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise InvalidRequest(reason=f"{folder} has no tokenizer ({', '.join(TOKENIZER_FILES[:4])} or the like)")


def _transformers(folder: Path, config: dict[str, Any]) -> Inspection:
    architecture = _architecture(folder, config)
    types = types_of(architecture, sentences=(folder / "modules.json").is_file())
    if not types:
        raise InvalidRequest(
            reason=f"{folder} holds a {architecture}, which does none of the tasks that are served here"
        )
    weights = read_weights(weight_files(folder))
    _require_tokenizer(folder)
    labels = _labels(config) if "classification" in types else ()
    return Inspection(
        architecture=architecture,
        engine="transformers",
        types=types,
        version=fingerprint(version_files(folder)),
        weights=weights,
        shape=shape_of(config),
        file_bytes=_total_bytes(folder),
        context_length=_context_length(config),
        cache_bytes_per_token=_cache_bytes_per_token(config, types),
        capabilities=_capabilities(folder, types, labels),
        labels=labels,
        multi_label=config.get("problem_type") == "multi_label_classification",
        defaults=_generation_defaults(folder),
        description=_description(folder),
    )


def _architecture(folder: Path, config: dict[str, Any]) -> str:
    match config.get("architectures"):
        case [str(name), *_]:
            return name
        case _:
            raise InvalidRequest(
                reason=f"{folder / 'config.json'} names no architecture, so what the model does is unknown"
            )


def types_of(architecture: str, *, sentences: bool = False) -> tuple[ModelType, ...]:
    """What an architecture's head computes; nothing for one that is not served. The same trunk under another head is another
    task. `sentences`: it comes with sentence-transformers' list of pooling and normalising steps."""
    if sentences:
        return ("embedding",)
    if architecture in TRANSLATORS:
        return ("translation",)
    if architecture.endswith("ForSequenceClassification"):
        return ("classification",)
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return ("text_generation",)
    if architecture.endswith("ForConditionalGeneration"):
        return ("text_generation", "translation")
    return ("embedding",) if architecture.endswith(("Model", "ForMaskedLM")) else ()


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files, complete. Raises InvalidRequest when some are missing or there are only pickles."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return _sharded(folder, _json(index))
    single = folder / "model.safetensors"
    if files := [single] if single.is_file() else sorted(folder.glob("*.safetensors")):
        return files
    pickled = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLED)
    if pickled:
        raise InvalidRequest(
            reason=f"{folder} has its weights only as pickle files ({', '.join(pickled[:3])}), which can run code when"
            " they are opened; get or convert the model in safetensors format"
        )
    raise InvalidRequest(reason=f"{folder} has no weights: a model.safetensors file is missing")


def _sharded(folder: Path, index: dict[str, Any]) -> list[Path]:
    weight_map = index.get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
        raise InvalidRequest(reason=f"{folder}: the index of the weights has no usable weight_map")
    names = sorted(set(weight_map.values()))
    strangers = [name for name in names if Path(name).name != name or not name.endswith(".safetensors")]
    if strangers:
        raise InvalidRequest(
            reason=f"{folder}: the index of the weights names {strangers[0]!r}, which is not a file beside it"
        )
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InvalidRequest(
            reason=f"{folder} is incomplete: {len(missing)} of {len(names)} weight files are missing ({missing[0]})"
        )
    return [folder / name for name in names]


def _context_length(config: dict[str, Any]) -> int | None:
    for key in ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length", "seq_length"):
        if (value := positive(config, key)) is not None:
            return value
    return None


def _cache_bytes_per_token(config: dict[str, Any], types: tuple[ModelType, ...]) -> int:
    """Bytes of keys and values that one token keeps in memory at float32; 0 for encoders, which keep none."""
    if "text_generation" not in types and "translation" not in types:
        return 0
    layers = first(config, "num_hidden_layers", "decoder_layers", "num_decoder_layers", "num_layers", "n_layer")
    heads = first(config, "num_attention_heads", "decoder_attention_heads", "num_heads", "n_head")
    width = first(config, "hidden_size", "d_model", "n_embd")
    head_width = positive(config, "head_dim") or positive(config, "d_kv") or width // max(heads, 1)
    return 2 * layers * (positive(config, "num_key_value_heads") or heads) * head_width * 4


def _capabilities(folder: Path, types: tuple[ModelType, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    if "text_generation" in types:
        found.append("generate")
        found += ["chat"] if _has_chat_template(folder) else []
    if "classification" in types:
        found.append("classify")
        found += ["zero-shot"] if any(label.lower() == "entailment" for label in labels) else []
    if "translation" in types:
        found.append("translate")
    if "embedding" in types:
        found.append("embed")
    return tuple(found)


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    tokenizer = folder / "tokenizer_config.json"
    return tokenizer.is_file() and bool(_json(tokenizer).get("chat_template"))


def _labels(config: dict[str, Any]) -> tuple[str, ...]:
    names = config.get("id2label")
    if not isinstance(names, dict) or not all(str(key).isdecimal() for key in names):
        return ()
    return tuple(str(names[key]) for key in sorted(names, key=int))


def _generation_defaults(folder: Path) -> GenerationDefaults:
    """How the model's makers sample from it."""
    file = folder / "generation_config.json"
    config = _json(file) if file.is_file() else {}
    values = {key: config.get(key) for key in FIELDS_OF_GENERATION}
    if config.get("do_sample") is False:
        values["temperature"] = 0
    elif config.get("do_sample") is not True:
        values.pop("temperature", None)
    return _sound_defaults(values)


def _sound_defaults(values: dict[str, Any]) -> GenerationDefaults:
    """Values that make no sense are left to the general defaults."""
    sound = {key: value for key, value in values.items() if _is_number(value) and _in_range(key, value)}
    return decoding.convert(sound, GenerationDefaults, strict=False)


def _description(folder: Path) -> str:
    """The first paragraph of the model card, without its table of metadata and its headings."""
    card = folder / "README.md"
    if not card.is_file() or card.stat().st_size > MAX_CARD_BYTES:
        return ""
    text = card.read_text("utf-8", "replace")
    if text.startswith("---\n"):
        text = text[4:].partition("\n---\n")[2]
    paragraphs = (
        " ".join(part.split()) for part in text.split("\n\n") if not part.lstrip().startswith(("#", "<", "|"))
    )
    return next(filter(None, paragraphs), "")[:DESCRIPTION_LENGTH]


def _in_range(key: str, value: float) -> bool:
    low, high = {"temperature": (0, 5), "top_p": (1e-9, 1), "top_k": (0, 1 << 31), "min_p": (0, 1)}.get(key, (1e-9, 10))
    return low <= value <= high


def _total_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise InvalidRequest(reason=f"{file.parent} has no {file.name}, so it is not a model folder")
    if file.stat().st_size > MAX_JSON_BYTES:
        raise InvalidRequest(reason=f"{file} is too large to be a configuration")
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(reason=f"{file} is not valid JSON") from error
    if not isinstance(value, dict):
        raise InvalidRequest(reason=f"{file} is not a JSON object")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
