"""Loads a GGUF file with llama.cpp and puts the parts for its task together."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import xllamacpp

from sidecar.engines.base import Model
from sidecar.engines.llamacpp.embedding import Embedder
from sidecar.engines.llamacpp.parameters import Sizes, parameters, sizes, uses_gpu
from sidecar.engines.llamacpp.prompts import Prompts
from sidecar.engines.llamacpp.reranking import Reranker
from sidecar.engines.llamacpp.side_door import SideDoor
from sidecar.engines.llamacpp.slots import Slots
from sidecar.errors import InglenookError, LoadFailed
from sidecar.registry.gguf_model import GgufFacts, GgufFiles, gguf_files, read_facts
from sidecar.runtime.protocol import SHAPING, Decide, Generate, Load, ModelFacts

_ERROR = re.compile(r"^\S+ E .*?: (?P<reason>.+)$", re.MULTILINE)  # time, level, function, reason


def load(frame: Load) -> Model:
    """Check the headers, then load. Raises LoadFailed."""
    try:
        files = gguf_files(Path(frame.path))
        facts = read_facts(files)
    except InglenookError as error:
        raise LoadFailed(model=frame.model, reason=error.details.get("reason", error.message)) from error
    room = sizes(frame, facts)
    door = SideDoor()
    server = _start(frame, files, facts, room, door)
    door.listens_at(server.listening_address)
    return _assemble(frame, facts, room, server, door)


def _start(frame: Load, files: GgufFiles, facts: GgufFacts, room: Sizes, door: SideDoor) -> xllamacpp.Server:
    try:
        return xllamacpp.Server(parameters(frame, files, facts, room, door))
    except RuntimeError as error:
        door.close()
        reason = _reason(lambda: _start_anew(frame, files, facts, room))
        raise LoadFailed(model=frame.model, reason=reason or str(error)) from error


def _start_anew(frame: Load, files: GgufFiles, facts: GgufFacts, room: Sizes) -> None:
    door = SideDoor()
    try:
        xllamacpp.Server(parameters(frame, files, facts, room, door))
    finally:
        door.close()


def _assemble(frame: Load, facts: GgufFacts, room: Sizes, server: xllamacpp.Server, door: SideDoor) -> Model:
    told = _facts(frame, facts, room)
    if facts.types == ("embedding",):
        return Model(frame.model, told, embedder=Embedder(server, door, room.context))
    if facts.types == ("reranking",):
        return Model(frame.model, told, reranker=Reranker(server, door, room.context))
    prompts = Prompts(frame.model, door, room.context, chats="chat" in facts.capabilities)
    slots = Slots(server, prompts, places=frame.max_sequences, cells=room.cells, end_id=facts.end_id)
    return Model(frame.model, told, self_scheduling=slots, serves=(Generate, Decide), shaping=frozenset(SHAPING))


def _facts(frame: Load, facts: GgufFacts, room: Sizes) -> ModelFacts:
    return ModelFacts(
        engine="llamacpp",
        device="gpu" if uses_gpu(frame) else "cpu",
        precision=facts.quantization,
        parameters=facts.weights.parameters,
        memory_bytes=psutil.Process().memory_info().rss,
        context_length=room.context,
        capabilities=list(facts.capabilities),
        dimensions=facts.dimensions if "embed" in facts.capabilities else None,
        warnings=room.warnings,
    )


def _reason(attempt: Callable[[], None]) -> str:
    """Why an attempt that failed before fails again: the library raises without a reason, but writes one to stderr.

    The first attempt leaves stderr alone, so that the parent sees what is written before a crash.
    """
    with tempfile.TemporaryFile() as log:
        kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            with contextlib.suppress(RuntimeError):
                attempt()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        log.seek(0)
        found = _ERROR.search(log.read().decode("utf-8", "replace"))
    return found["reason"].strip() if found else ""
