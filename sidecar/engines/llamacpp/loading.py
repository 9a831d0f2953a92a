"""Loads a GGUF file with llama.cpp and puts the parts for its task together."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import xllamacpp

from sidecar.engines.base import Model
from sidecar.engines.llamacpp.devices import Device, choose
from sidecar.engines.llamacpp.embedding import Embedder
from sidecar.engines.llamacpp.parameters import Sizes, parameters, sizes
from sidecar.engines.llamacpp.prompts import Prompts
from sidecar.engines.llamacpp.reranking import Reranker
from sidecar.engines.llamacpp.seeing import warnings
from sidecar.engines.llamacpp.side_door import SideDoor
from sidecar.engines.llamacpp.slots import Slots
from sidecar.engines.openmp import shared_cores
from sidecar.errors import InglenookError, LoadFailed
from sidecar.registry.gguf_model import VISION, GgufFacts, GgufFiles, gguf_files, read_companions, read_facts
from sidecar.registry.projector import Projector, read_projector
from sidecar.runtime.protocol import SHAPING, Decide, Generate, Load, ModelFacts

_ERROR = re.compile(r"^\S+ E .*?: (?P<reason>.+)$", re.MULTILINE)  # time, level, function, reason


def load(frame: Load) -> Model:
    """Check the headers of all files, which may be others than those that were registered, then load. Raises LoadFailed."""
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # the library would start a debugger, for half a minute, to abort
    try:
        files = gguf_files(Path(frame.path))
        facts = read_facts(files)
        read_companions("llamacpp", [adapter.path for adapter in frame.adapters], frame.draft_model)
        projector = read_projector(Path(frame.projector)) if frame.projector else None
    except InglenookError as error:
        raise LoadFailed(model=frame.model, reason=error.details.get("reason", error.message)) from error
    model = _assembled(frame, files, facts, projector)
    return replace(model, cores=shared_cores(frame.threads))


def _assembled(frame: Load, files: GgufFiles, facts: GgufFacts, projector: Projector | None) -> Model:
    room, device = sizes(frame, facts), choose(frame.model, frame.device)
    server, door = _start(frame.model, partial(parameters, frame, files, facts, room, device, projector))
    told = _facts(facts, room, device, projector)
    if facts.types == ("embedding",):
        embedder = Embedder(server, door, room.context)
        told.dimensions = embedder.dimensions
        return Model(frame.model, told, embedder=embedder)
    if facts.types == ("reranking",):
        return Model(frame.model, told, reranker=Reranker(server, door, room.context))
    prompts = Prompts(frame.model, door, room.context, chats="chat" in facts.capabilities, sees=projector is not None)
    slots = Slots(server, prompts, places=room.places, cells=room.cells, end_id=facts.end_id)
    return Model(frame.model, told, self_scheduling=slots, serves=(Generate, Decide), shaping=frozenset(SHAPING))


def _start(model: str, configured: Callable[[SideDoor], xllamacpp.CommonParams]) -> tuple[xllamacpp.Server, SideDoor]:
    """The library with the model loaded, and the door to it. `configured` makes the parameters for a door."""
    try:
        return _attempt(configured)
    except RuntimeError as error:
        raise LoadFailed(model=model, reason=_reason(lambda: _attempt(configured)) or str(error)) from error


def _attempt(configured: Callable[[SideDoor], xllamacpp.CommonParams]) -> tuple[xllamacpp.Server, SideDoor]:
    door = SideDoor()
    try:
        server = xllamacpp.Server(configured(door))
    except RuntimeError:
        door.close()
        raise
    door.listens_at(server.listening_address)
    return server, door


def _facts(facts: GgufFacts, room: Sizes, device: Device, projector: Projector | None) -> ModelFacts:
    seeing = warnings(projector, room.context, on_cpu=device.gpu is None) if projector else []
    return ModelFacts(
        engine="llamacpp",
        device=device.name,
        precision=facts.quantization,
        parameters=facts.weights.parameters,
        memory_bytes=psutil.Process().memory_info().rss,
        context_length=room.context,
        capabilities=[one for one in facts.capabilities if one != VISION],  # an option of the model, told from there
        warnings=[*room.warnings, *device.warnings, *seeing],
    )


def _reason(attempt: Callable[[], object]) -> str:
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
