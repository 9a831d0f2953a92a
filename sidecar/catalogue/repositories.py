"""What the hub tells of a repository, made into entries, variants and what a prediction needs. Pure.

Names and texts are a stranger's: they are shown as text and believed in nothing that could be checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import structs

from sidecar.catalogue import fitting
from sidecar.catalogue.entries import ListedModel
from sidecar.catalogue.remote import Snapshot
from sidecar.hub import choosing
from sidecar.hub.choosing import FileSet
from sidecar.hub.listing import Repository
from sidecar.registry.inspect import types_of
from sidecar.registry.shape import Shape, first, shape_of
from sidecar.runtime.outlook import Candidate, Outlook
from sidecar.types import CatalogueEntry, FileFormat, ModelType, Suitability, Variant

# The hub's words for what we serve; the first of a task's is what most such models have.
TASKS: dict[ModelType, tuple[str, ...]] = {
    "text_generation": ("text-generation", "text2text-generation", "summarization"),
    "classification": ("text-classification", "zero-shot-classification"),
    "translation": ("translation",),
    "embedding": ("sentence-similarity", "feature-extraction"),
    "reranking": ("text-ranking",),
}
ENGINES: dict[FileFormat, str] = {"gguf": "llamacpp", "safetensors": "transformers", "pickle": "transformers"}
UNITS = {"m": 10**6, "b": 10**9}
FLOAT32_BYTES, USUAL_GGUF_BYTES = 4.0, 0.62  # of a weight; the latter is that of Q4_K_M
BY_NAME = "Judged by the size in its name alone; open it for more."
WITHOUT_CONTEXT = "What its context takes comes on top: its sizes are not published beside its files."
_PARAMETERS = re.compile(r"(?<![A-Za-z0-9.])(\d{1,4}(?:\.\d{1,3})?)([BM])(?![A-Za-z0-9])", re.IGNORECASE)


def task_of(repository: Repository) -> ModelType | None:
    """What it does, if that is served here: told by its architecture where that is known, else by the hub's word."""
    word = next((task for task, words in TASKS.items() if repository.task in words), None)
    match repository.config.get("architectures"):
        case [str(architecture), *_]:
            possible = types_of(architecture, sentences=repository.library == "sentence-transformers")
            return word if word in possible or not possible else possible[0]
    return word


def formats(repository: Repository) -> list[FileFormat]:
    names = [file.path for file in repository.files]
    found: list[FileFormat] = []
    if any(name.endswith(".safetensors") for name in names) or "safetensors" in repository.tags:
        found.append("safetensors")
    if any(name.endswith(".gguf") for name in names) or "gguf" in repository.tags:
        found.append("gguf")
    return found or (["pickle"] if "pytorch" in repository.tags or any(name.endswith(".bin") for name in names) else [])


def entry(repository: Repository, task: ModelType, suits: Suitability, installed: Mapping[str, str]) -> CatalogueEntry:
    found = formats(repository)
    return CatalogueEntry(
        id=repository.id,
        name=repository.id.rpartition("/")[2],
        task=task,
        suitability=suits,
        licence=repository.licence,
        gated=repository.gated,
        parameters=repository.parameters or named_parameters(repository.id),
        formats=found,
        installed=repository.id in installed,
        downloads=repository.downloads,
        engine=ENGINES[found[0]] if found else None,
        revision=repository.revision,
        model_id=installed.get(repository.id),
    )


def at_a_glance(repository: Repository, task: ModelType, outlook: Outlook) -> Suitability:
    """Of a search result, of which little is known: by its parameters, else by the size in its name."""
    parameters, found = repository.parameters or named_parameters(repository.id), formats(repository)
    if not parameters or not found:
        return fitting.suitability(None, 0, outlook)
    size = USUAL_GGUF_BYTES if found[0] == "gguf" else FLOAT32_BYTES
    guess = _candidate(found[0], task, "", parameters, int(parameters * size), Snapshot(repository))
    suits = fitting.suitability(guess, guess.file_bytes, outlook)
    suits.reason = f"{suits.reason} {BY_NAME}"
    return suits


def variants(snapshot: Snapshot, task: ModelType, outlook: Outlook) -> list[Variant]:
    """Every way to have it that an engine here can use, the recommended one first."""
    return [
        Variant(
            name=chosen.name,
            format=chosen.format,
            explanation=chosen.explanation,
            bytes=chosen.bytes,
            files=[file.path for file in chosen.files],
            suitability=suitability(snapshot, chosen, task, outlook),
            recommended=chosen.recommended,
        )
        for chosen in choosing.variants(snapshot.repository)
    ]


def suitability(snapshot: Snapshot, chosen: FileSet, task: ModelType, outlook: Outlook) -> Suitability:
    found = candidate(snapshot, chosen, task)
    suits = fitting.suitability(found, chosen.bytes, outlook)
    if found is not None and not found.shape.layers:
        suits.reason = f"{suits.reason} {WITHOUT_CONTEXT}"
    return suits


def candidate(snapshot: Snapshot, chosen: FileSet, task: ModelType) -> Candidate | None:
    """The repository with these files as it would be loaded; None where its parameters cannot be told."""
    weights = sum(file.bytes for file in chosen.files if file.path.endswith((".safetensors", ".gguf", ".bin")))
    told = snapshot.repository
    parameters = told.parameters or snapshot.parameters or named_parameters(told.id)
    if parameters is None and chosen.format == "pickle":
        parameters = int(weights / FLOAT32_BYTES)
    if parameters is None:
        return None
    return _candidate(chosen.format, task, _precision(snapshot, chosen), parameters, weights, snapshot)


def sized(snapshot: Snapshot, model: ListedModel) -> Snapshot:
    """With the sizes of the built-in list where the repository tells none, as those of GGUF files do."""
    if snapshot.config or model.shape is None:
        return structs.replace(snapshot, parameters=model.parameters)
    sizes = model.shape
    config = {
        "model_type": sizes.family,
        "num_hidden_layers": sizes.layers,
        "hidden_size": sizes.width,
        "vocab_size": sizes.vocabulary,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.kv_heads,
        "head_dim": sizes.head_width or sizes.width // sizes.heads,
        "max_position_embeddings": model.context,
        "tie_word_embeddings": sizes.tied,
    }
    return structs.replace(snapshot, config=config, parameters=model.parameters)


def named_parameters(name: str) -> int | None:
    """The size in a name such as Qwen3-4B or SmolLM2-135M; None without one."""
    found = _PARAMETERS.search(name.rpartition("/")[2])
    return int(float(found[1]) * UNITS[found[2].lower()]) if found else None


def _candidate(
    format_: FileFormat, task: ModelType, precision: str, parameters: int, weights: int, snapshot: Snapshot
) -> Candidate:
    config = snapshot.config
    heads = first(config, "num_attention_heads", "decoder_attention_heads", "num_heads", "n_head")
    width = first(config, "hidden_size", "d_model", "n_embd")
    head_width = first(config, "head_dim", "d_kv") or (width // heads if heads else 0)
    return Candidate(
        engine=ENGINES[format_],
        task=task,
        precision=precision,
        parameters=parameters,
        file_bytes=weights,
        shape=shape_of(config) if config else Shape(),
        kept_width=(first(config, "num_key_value_heads") or heads) * head_width,
        context=first(config, "max_position_embeddings", "n_positions", "n_ctx") or None,
    )


def _precision(snapshot: Snapshot, chosen: FileSet) -> str:
    if chosen.format == "gguf":
        return chosen.name.lower()
    elements = snapshot.repository.elements
    commonest = max(elements, key=lambda dtype: elements[dtype], default="F32")
    return {"BF16": "bfloat16", "F16": "float16"}.get(commonest, "float32")
