"""An installation whose models lie in its models folder: the manager with everything behind it, in this process."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.config import Settings
from sidecar.paths import Paths
from sidecar.runtime.manager import ModelManager
from sidecar.types import GenerateRequest, GenerateResponse, RegisterRequest
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import echo_model

OpenManager = Callable[..., Awaitable[ModelManager]]


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models"


@pytest.fixture
async def open_manager(tmp_path: Path) -> AsyncIterator[OpenManager]:
    """`await open_manager(setting=value, …)`: a manager that ends with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(**settings: Any) -> ModelManager:
            made = Settings(spare_worker=False, calibrate=False, offline=True, **settings)
            return await stack.enter_async_context(ModelManager.open(made, Paths.in_folder(tmp_path / "data")))

        yield opened


@pytest.fixture
async def manager(open_manager: OpenManager) -> ModelManager:
    return await open_manager()


async def add_echo(manager: ModelManager, folder: Path, name: str = "echo", weights: int = 1000) -> str:
    """Make a model of the echo engine known that has so many bytes beside its config."""
    (echo_model(folder) / "model.safetensors").write_bytes(b"w" * weights)
    await known(manager, folder, name)
    return name


async def add_gguf(manager: ModelManager, file: Path, name: str) -> str:
    """Make a copy of a small chat model known that really answers."""
    place(file)
    await known(manager, file, name)
    return name


def place(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(gguf_model("llama-chat"), file)


async def known(manager: ModelManager, path: Path, name: str) -> None:
    await manager.register(RegisterRequest(name=name, model_type="text_generation", model_path=str(path)))


async def answer(manager: ModelManager, model: str) -> str:
    """What the model says, always the same."""
    request = GenerateRequest(prompt="Hello", max_new_tokens=4, temperature=0)
    said = await manager.generate(model, request, caller="owner")
    assert isinstance(said, GenerateResponse)
    return said.generated_text
