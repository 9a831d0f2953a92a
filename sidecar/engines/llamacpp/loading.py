"""Loads a GGUF file with llama.cpp and puts the parts for its task together."""

from __future__ import annotations

import os
import tempfile
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

LOG_LINES = 3


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
        reason = _said(lambda: xllamacpp.Server(parameters(frame, files, facts, room, door)))
        raise LoadFailed(model=frame.model, reason=reason or str(error)) from error


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


def _said(attempt: object) -> str:
    """What the library writes to stderr while it fails once more: it raises without a reason."""
    with tempfile.TemporaryFile() as log:
        kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            attempt()  # type: ignore[operator]
        except RuntimeError:
            pass
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        log.seek(0)
        lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines()]
    return " ".join(dict.fromkeys(filter(None, lines[-LOG_LINES:])))
