"""What the service sees of the installed engines, with real models."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable

import pytest

from sidecar.engines import ENGINES
from sidecar.errors import LoadFailed
from sidecar.runtime.choosing import LIBRARIES
from sidecar.runtime.manager import ModelManager
from sidecar.types import RegisterRequest
from tests.helpers.gguf_models import gguf_model

OpenManager = Callable[..., Awaitable[ModelManager]]


def test_every_engine_that_has_a_library_names_its_package() -> None:
    assert {"echo", *LIBRARIES} == set(ENGINES)


async def test_without_llama_cpp_a_gguf_model_is_refused_before_a_worker_starts(
    open_manager: OpenManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # as where it is not installed
    manager = await open_manager()
    file = gguf_model("llama-chat")
    await manager.register(RegisterRequest(name="gguf", model_type="text_generation", model_path=str(file)))
    with pytest.raises(LoadFailed, match="pip install xllamacpp"):
        await manager.load("gguf")
