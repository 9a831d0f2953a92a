"""The library's parameters for one load: sizes, threads, caches, devices. Starts nothing.

Proposing tokens from what a conversation repeats is off unless asked for. On two AVX2 cores (135M, Q8_0) a step of one
token took 28 ms, one that also checks 15 proposed tokens 132 ms, 48 of them 440 ms: copied text comes 3.3 times as
quickly, but a proposal of 15 that is wrong costs four steps, and answers with a seed are no longer the same. The
library's proposals from all requests together (ngram-mod) halved the speed of a sampled chat, and would let the timing
of one caller's answer tell of another's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import xllamacpp

from sidecar.engines.llamacpp.devices import Device
from sidecar.engines.llamacpp.seeing import set_projector
from sidecar.engines.llamacpp.side_door import SideDoor
from sidecar.engines.threads import computing_threads
from sidecar.registry.gguf_model import FLOAT32, GgufFacts, GgufFiles
from sidecar.registry.projector import Projector
from sidecar.runtime.placement import MAX_SLOTS, shared_cells
from sidecar.runtime.protocol import Load
from sidecar.types import REPETITION

# Of prompts: between two such steps a request can be cancelled and shows that it lives. Those of small models are as short in
# time when they are longer, and eight prompts of 100 tokens that come together are then read in one, 7 % sooner.
STEP_TOKENS, STEP_TOKENS_OF_SMALL = 512, 1024
SMALL_PARAMETERS = 200_000_000
UNKNOWN_CONTEXT = 2048
TEXTS_AT_ONCE = 16
ALL_LAYERS = 999
SIMILAR_ENOUGH = 0.5  # share of a prompt that a slot must hold already to be preferred over the longest idle one
REPEATED_TOKENS = 12  # of the conversation's end that must have stood in it before, for what followed to be proposed
PROPOSED_TOKENS = 15
ERRORS_ONLY = 1


@dataclass(frozen=True)
class Sizes:
    """`context`: tokens of one conversation at most. `cells`: tokens of all together. `places`: conversations at once."""

    context: int
    cells: int
    places: int
    warnings: list[str] = field(default_factory=list)

    @property
    def shared(self) -> bool:
        """Whether conversations share one cache because there is not enough for each to have its own."""
        return self.cells < self.context * self.places


def sizes(frame: Load, facts: GgufFacts) -> Sizes:
    """As long as the model was trained for, or what fits where that is less; then it is said.

    A text that is read as a whole must fit into one batch, whose memory grows faster than its length.
    """
    reads = "text_generation" not in facts.types
    trained = facts.context_length or UNKNOWN_CONTEXT
    context = min(trained, frame.context_length or trained, frame.batch_tokens if reads else trained)
    warnings = []
    if context < trained:
        limit = "a batch holds" if reads else "memory allows"
        warnings.append(f"The context is {context} tokens instead of {trained}: {limit} no more.")
    if reads:
        return Sizes(context, frame.batch_tokens, TEXTS_AT_ONCE, warnings)
    cells = max(context, frame.cache_tokens or shared_cells(context, frame.max_sequences))
    return Sizes(context, cells, min(frame.max_sequences, MAX_SLOTS), warnings)


def parameters(
    frame: Load,
    files: GgufFiles,
    facts: GgufFacts,
    room: Sizes,
    device: Device,
    projector: Projector | None,
    door: SideDoor,
) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(files.first)
    params.verbosity = ERRORS_ONLY
    params.warmup = False
    params.fit_params = False
    _lock_up(params, door)
    _set_threads(params, computing_threads(frame.threads))
    _set_device(params, device)
    if "text_generation" in facts.types:
        _set_for_answers(params, frame, facts, room)
        _set_precision(params, facts)
        if projector:
            set_projector(params, projector, room.context, on_cpu=device.gpu is None)
            params.n_threads_http = room.places + 1  # decisions take the side door, and must not keep others from it
    else:
        _set_for_reading(params, facts, room)
    return params


def _lock_up(params: xllamacpp.CommonParams, door: SideDoor) -> None:
    params.hostnames = [door.host]
    params.port = door.port
    params.api_keys = [door.key]
    params.ui = False
    params.n_threads_http = 1
    params.endpoint_slots = True


def _set_device(params: xllamacpp.CommonParams, device: Device) -> None:
    """The library counts the number of a GPU only where nothing is split: it spreads layers over all GPUs by itself."""
    params.n_gpu_layers = 0 if device.gpu is None else ALL_LAYERS
    params.main_gpu = device.gpu or 0
    if device.alone:
        params.split_mode = xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_NONE


def _set_threads(params: xllamacpp.CommonParams, threads: int) -> None:
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads


def _set_for_answers(params: xllamacpp.CommonParams, frame: Load, facts: GgufFacts, room: Sizes) -> None:
    params.n_ctx = room.cells
    params.n_parallel = room.places
    params.kv_unified = room.shared  # one conversation may use what the others leave, but each looks past their tokens
    params.kv_unified_per_slot = room.context
    params.cache_idle_slots = room.shared  # else they would be copied at every request, and free nothing
    params.n_batch = STEP_TOKENS_OF_SMALL if facts.weights.parameters <= SMALL_PARAMETERS else STEP_TOKENS
    params.n_ubatch = STEP_TOKENS
    params.cache_prompt = True
    params.cache_ram_mib = frame.prefix_cache_mb  # for conversations that no slot holds any more
    params.slot_prompt_similarity = SIMILAR_ENOUGH
    params.use_jinja = True
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(one.path, one.scale) for one in frame.adapters]
    _set_proposals(params, frame.draft_model)


def _set_proposals(params: xllamacpp.CommonParams, draft_model: str | None) -> None:
    """Where tokens come from that the model only checks: a smaller model, the conversation itself, or nowhere."""
    kinds = xllamacpp.common_speculative_type
    if draft_model == REPETITION:
        params.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
        params.speculative.ngram_simple.size_n = REPEATED_TOKENS
        params.speculative.ngram_simple.size_m = PROPOSED_TOKENS
    elif draft_model:
        params.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
        params.speculative.draft.mparams.path = draft_model


def _set_precision(params: xllamacpp.CommonParams, facts: GgufFacts) -> None:
    """Flash attention rounds to 16 bits, as the cache does by default: too coarse beside weights in full precision."""
    if facts.quantization == FLOAT32:
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32


def _set_for_reading(params: xllamacpp.CommonParams, facts: GgufFacts, room: Sizes) -> None:
    """The texts of a batch are read together, in one step."""
    params.embedding = True
    params.n_parallel = room.places
    params.kv_unified = True
    params.n_ctx = params.n_batch = params.n_ubatch = room.cells
    if "reranking" in facts.types:
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
