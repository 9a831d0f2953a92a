"""A fuzz of the API as its own document describes it: whatever comes, no fault of ours, and nothing undocumented."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import status_code_conformance

from sidecar.openapi import document
from sidecar.routes.table import ROUTES
from sidecar.types import ModelType, RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.service import RunningService, running_service

pytestmark = pytest.mark.alone  # its tests have one name, and would be taken for one

# What does not end by itself, ends the service, keeps all threads busy for seconds or moves folders has tests of its own.
LEFT_OUT = ["/events", "/shutdown", "/settings", "/system/calibrate", "/storage/move"]
MODELS: dict[str, ModelType] = {
    "generate": "text_generation",
    "classify": "classification",
    "translate": "translation",
    "embed": "embedding",
}

schema = schemathesis.openapi.from_dict(document(ROUTES)).exclude(path=LEFT_OUT)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service of its own, with a model for each task under the task's name."""
    folder = tmp_path_factory.mktemp("fuzz")
    with running_service(folder, max_loaded_models=20, offline=True) as service:
        for name, model_type in MODELS.items():
            path = str(echo_model(folder / name))
            asyncio.run(register(service, RegisterRequest(name=name, model_type=model_type, model_path=path)))
        yield service


async def register(service: RunningService, request: RegisterRequest) -> None:
    async with service.client() as client:
        await client.register(request)


@schema.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_no_answer_is_undocumented_or_a_fault_of_ours(case: schemathesis.Case, fuzzed: RunningService) -> None:
    if isinstance(case.body, dict):
        case.body.pop("num_workers", None)  # dozens of processes would only test this machine
    action = case.operation.path.rpartition("/")[2]
    if action in MODELS:
        case.path_parameters = {"model_id": action}  # any other name is only a 404
    answer = case.call(base_url=fuzzed.url, headers=fuzzed.headers, timeout=60)
    assert answer.status_code != 500
    case.validate_response(answer, checks=[status_code_conformance])
