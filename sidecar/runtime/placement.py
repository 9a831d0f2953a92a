"""Does a model fit into memory? Arithmetic on numbers that others measured; nothing here looks at the machine.

All sizes are bytes. The estimate is made before a load, from the headers of the files; afterwards the measured size of
the worker takes its place.
"""

from __future__ import annotations

import math

from msgspec import Struct

from sidecar.errors import DoesNotFit

MB = 1024 * 1024
DEFAULT_SHARE = 0.8
# Measured: a process that has imported the engine and loaded a model of almost no size.
ENGINE_BASE = {"transformers": 360 * MB, "ctranslate2": 110 * MB, "llamacpp": 60 * MB, "echo": 40 * MB}
IN_FILE_TYPE = ("llamacpp",)  # engines that hold weights as they are stored
UNKNOWN_BASE = 360 * MB
SANE_CONTEXT = 1024
DEFAULT_CONTEXT = 512
WORKSPACE_BASE = 64 * MB
WORKSPACE_SHARE = 0.05
FLOAT32_BYTES = 4
CELLS_PER_ANSWER = 2048
MAX_SLOTS = 64  # answers at once; llama.cpp itself allows 256
CACHE_SHARE = 0.25  # of the memory limit: a context is made shorter rather than leave no room for other models
OWN_CACHE_SHARE = 0.1  # of the memory limit: up to that, every answer gets a cache of full length for itself
SHORTEST_CONTEXT = 512
KEPT_TOKENS = (
    8192  # of ended conversations: a token of a model of 8 billion parameters takes ten times one of half a billion
)
KEPT_SHARE = 0.05  # of the memory limit, at most for these
LEAST_KEPT_MB = 64


class Estimate(Struct, frozen=True):
    """What one replica of a model takes: weights as the engine holds them, cache, workspace, and the process itself."""

    weights: int
    cache: int
    workspace: int
    process: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.workspace + self.process


class Room(Struct, frozen=True):
    """`limit`: what models may use together. `used`: what the resident ones do. `available`: what the machine has free."""

    limit: int
    used: int
    available: int

    @property
    def free(self) -> int:
        return min(self.limit - self.used, self.available)


def limit_bytes(setting_mb: int, total: int) -> int:
    """The memory limit: the setting, or 80 % of the machine where it is 0."""
    return setting_mb * MB if setting_mb else int(total * DEFAULT_SHARE)


def estimate(
    *,
    engine: str,
    parameters: int,
    stored_bytes: int,
    on_cpu: bool,
    cache_bytes_per_token: int,
    context_length: int | None,
    max_sequences: int,
    limit: int,
    prepared_bytes: int = 0,
    companion_bytes: int = 0,
    prefix_cache_mb: int = 0,
) -> Estimate:
    """One replica's memory. On a CPU the weights are held as float32 whatever type the files have, unless the engine
    computes with that type; those of a prepared model (`prepared_bytes`) as they are.

    The cache is reckoned for `max_sequences` answers at a usual length, not at the longest context there could be:
    that would refuse models that in use never come near it. An engine that reads GGUF files takes all of its cache at the
    load; beside the model it holds adapters and a draft model (`companion_bytes`) and keeps ended conversations.
    """
    as_stored = engine in IN_FILE_TYPE
    weights = prepared_bytes or (parameters * FLOAT32_BYTES if on_cpu and not as_stored else stored_bytes)
    weights += companion_bytes
    context = context_length or DEFAULT_CONTEXT
    cells = (
        cache_cells(context, cache_bytes_per_token, max_sequences, limit)
        if as_stored
        else min(context, SANE_CONTEXT) * max_sequences
    )
    kept = prefix_cache_mb * MB if as_stored and cache_bytes_per_token else 0
    return Estimate(
        weights=weights,
        cache=cache_bytes_per_token * cells + kept,
        workspace=(WORKSPACE_BASE + int(weights * WORKSPACE_SHARE)) if weights else 0,
        process=ENGINE_BASE.get(engine, UNKNOWN_BASE),
    )


def cache_cells(context_length: int, cache_bytes_per_token: int, max_sequences: int, limit: int) -> int:
    """Tokens that the caches of all answers hold: full length for each where memory is plenty, else what they share.

    A shared cache is slower the more answers run, because each looks past the others' tokens.
    """
    own = context_length * min(max_sequences, MAX_SLOTS)
    plenty = own * cache_bytes_per_token <= limit * OWN_CACHE_SHARE
    return own if plenty else shared_cells(context_length, max_sequences)


def shared_cells(context_length: int, max_sequences: int) -> int:
    """Tokens in a cache that answers share: one of full length, or as many as there can be of a usual one."""
    return max(context_length, min(context_length, CELLS_PER_ANSWER) * min(max_sequences, MAX_SLOTS))


def fitting_context(trained: int, cache_bytes_per_token: int, max_sequences: int, limit: int) -> int:
    """The longest context, up to what the model was trained for, whose shared cache keeps to its share of the limit."""
    room = int(limit * CACHE_SHARE)
    context = trained
    while context > SHORTEST_CONTEXT and shared_cells(context, max_sequences) * cache_bytes_per_token > room:
        context = max(SHORTEST_CONTEXT, context // 2)
    return context


def prefix_cache_mb(setting_mb: int, cache_bytes_per_token: int, limit: int) -> int:
    """MB for ended conversations of one model: the setting, or what suits the model where that is negative."""
    if setting_mb >= 0:
        return setting_mb
    return max(LEAST_KEPT_MB, int(min(KEPT_TOKENS * cache_bytes_per_token, limit * KEPT_SHARE)) // MB)


def replica_devices(asked: str, actual: str, count: int, gpus: int) -> list[str]:
    """Where the replicas of a model go: on a processor as many as asked, on GPUs at most one for each.

    `asked` is the model's device, `actual` the one that its first replica found, or several with a plus between, which
    leave none for another.
    """
    if actual in ("cpu", "auto"):
        return [asked] * count
    if ":" in asked or "+" in actual or not actual.startswith("cuda"):
        return [asked]
    return [f"cuda:{index}" for index in range(max(1, min(count, gpus)))]


def does_not_fit(model: str, needed: int, room: Room, held: str = "") -> DoesNotFit:
    """The refusal with its numbers; `held` says what keeps the rest occupied."""
    by_limit = room.limit - room.used <= room.available
    reason = (
        f"the limit is {_mb(room.limit)} MB and loaded models use {_mb(room.used)} MB"
        if by_limit
        else "the machine has no more free"
    )
    return DoesNotFit(
        model=model,
        needed_mb=_mb(needed),
        available_mb=max(_mb(room.free, down=True), 0),
        reason=f"{reason}; {held}" if held else reason,
        limit_mb=_mb(room.limit),
        used_mb=_mb(room.used),
    )


def _mb(count: int, *, down: bool = False) -> int:
    return count // MB if down else math.ceil(count / MB)
