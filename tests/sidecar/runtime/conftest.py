"""A manager on a folder of its own, with real workers and the echo engine; blocking calls in the event loop fail."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from sidecar.config import Settings
from sidecar.paths import Paths
from sidecar.runtime.manager import ModelManager
from sidecar.types import ModelType, RegisterRequest
from tests.helpers.models import echo_model

OpenManager = Callable[..., Awaitable[ModelManager]]
AddEcho = Callable[..., Awaitable[str]]


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    with blockbuster_ctx("sidecar"):
        yield


@pytest.fixture
async def open_manager(tmp_path: Path) -> AsyncIterator[OpenManager]:
    """`await open_manager(setting=value, …)`: a manager that ends with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(**settings: Any) -> ModelManager:
            values = {"spare_worker": False, "calibrate": False, **settings}
            return await stack.enter_async_context(
                ModelManager.open(Settings(**values), Paths.in_folder(tmp_path / "data"))
            )

        yield opened


@pytest.fixture
def add_echo(tmp_path: Path) -> AddEcho:
    """`await add_echo(manager, name, …)`: a model of the echo engine; `options` as in a registration, the rest its knobs."""

    async def added(
        manager: ModelManager,
        name: str,
        *,
        model_type: ModelType = "text_generation",
        options: dict[str, Any] | None = None,
        **knobs: Any,
    ) -> str:
        folder = echo_model(tmp_path / "folders" / name, **knobs)
        await manager.register(
            RegisterRequest(name=name, model_type=model_type, model_path=str(folder), **(options or {}))
        )
        return name

    return added
