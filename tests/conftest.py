"""Fixtures that tests of several packages share."""

from __future__ import annotations

import os

os.environ |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "HF_HOME": "/nonexistent/hub-cache"}
os.environ.pop("HF_TOKEN", None)  # nothing of the developer's own is read or written

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from app.garbage import collect_due
from sidecar.client import Client
from sidecar.types import ModelType, RegisterRequest
from tests.helpers.disks import MAY_MOUNT
from tests.helpers.models import echo_model
from tests.helpers.service import RunningService, running_service

# How quickly examples are made says something of the machine, not of what they test.
hypothesis.settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("shared machine")

# The echo models of the shared service. `endless` repeats its prompt until it is stopped.
ECHO_MODELS: dict[str, tuple[ModelType, dict[str, object]]] = {
    "echo": ("text_generation", {}),
    "org/echo": ("text_generation", {}),
    "endless": ("text_generation", {"repeat": 0, "delay_ms": 5, "context_length": 1_000_000}),
    "classifier": ("classification", {}),
    "translator": ("translation", {}),
    "embedder": ("embedding", {}),
}


def pytest_report_header() -> str:
    """What of the suite this user cannot run is said, not passed over."""
    return "tests that fill a disk: " + ("run" if MAY_MOUNT else "LEFT OUT, only root may mount one")


@pytest.fixture(scope="session", autouse=True)
def collected_by_nobody_else() -> Iterator[None]:
    """As in the window: no other thread destroys what belongs to Qt, also not what an earlier test left."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def collected_in_this_thread() -> Iterator[None]:
    yield
    assert not gc.isenabled(), "other threads collect from here on, and may destroy what belongs to Qt"
    collect_due()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One real service for all tests that leave it as they found it, with the models of ECHO_MODELS."""
    folder = tmp_path_factory.mktemp("service")
    with running_service(
        folder, max_loaded_models=20, max_body_mb=1, allowed_origins="https://page.example"
    ) as running:
        asyncio.run(_register(running, folder))
        yield running


@pytest.fixture
async def client(service: RunningService) -> AsyncIterator[Client]:
    """A client of the shared service."""
    async with service.client() as client:
        yield client


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[..., RunningService]]:
    """`start_service("--port", "0", queue_limit=1)`: a real service of one's own, ended with the test."""
    with ExitStack() as stack:
        yield lambda *words, **settings: stack.enter_context(running_service(tmp_path / "data", *words, **settings))


@pytest.fixture
def nothing_blocks() -> Iterator[BlockBuster]:
    """Fails what blocks the event loop of this process."""
    with blockbuster_ctx("sidecar") as blockbuster:
        for function in blockbuster.functions.values():  # Qt's bindings look at the source of whoever imports anything
            function.can_block_in("shibokensupport/feature.py", "_mod_uses_pyside")
        yield blockbuster


async def _register(service: RunningService, folder: Path) -> None:
    async with service.client() as client:
        requests = [
            RegisterRequest(
                name=name,
                model_type=model_type,
                model_path=str(echo_model(folder / "echo" / name, **knobs)),
                keep_alive=-1,
            )
            for name, (model_type, knobs) in ECHO_MODELS.items()
        ]
        await asyncio.gather(*map(client.register, requests))
