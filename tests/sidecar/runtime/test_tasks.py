from __future__ import annotations

from typing import Any

import pytest

from sidecar.config import Settings
from sidecar.errors import InvalidRequest
from sidecar.runtime.devices import check_device
from sidecar.runtime.tasks import model_for, task_body
from sidecar.types import InferenceRequest, ModelType, TaskRequest


@pytest.mark.parametrize(
    ("kind", "data", "body"),
    [
        ("text_generation", "a", {"prompt": "a"}),
        ("text_generation", ["a", "b"], {"prompts": ["a", "b"]}),
        ("classification", "a", {"text": "a"}),
        ("classification", ["a"], {"texts": ["a"]}),
        ("embedding", "a", {"texts": ["a"]}),
        ("embedding", ["a"], {"texts": ["a"]}),
        ("translation", {"text": "a", "target_lang": "de"}, {"text": "a", "target_lang": "de"}),
    ],
)
def test_bare_texts_are_put_where_the_task_expects_them(kind: ModelType, data: Any, body: dict[str, Any]) -> None:
    assert task_body(TaskRequest(task_type=kind, model_name="m", task_data=data), None) == body


def test_the_keep_alive_of_the_data_wins_over_the_tasks() -> None:
    request = TaskRequest(task_type="embedding", model_name="m", task_data={"texts": ["a"], "keep_alive": 1})
    assert task_body(request, 60)["keep_alive"] == 1
    assert task_body(TaskRequest(task_type="embedding", model_name="m", task_data="a"), 60)["keep_alive"] == 60


def test_a_request_without_a_model_uses_the_settings() -> None:
    settings = Settings(default_classification_model="mine")
    assert model_for(InferenceRequest("classification", {}), settings) == "mine"
    assert model_for(InferenceRequest("classification", {}, "other"), settings) == "other"


@pytest.mark.parametrize("name", ["auto", "cpu", "gpu", "cuda", "cuda:0", "cuda:12", "xpu:1", "mps"])
def test_device_names_are_accepted(name: str) -> None:
    assert check_device(name) == name


@pytest.mark.parametrize("name", ["", "CPU", "cuda:", "cuda:x", "cpu:0", "toaster", "cuda:0 "])
def test_other_device_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="device"):
        check_device(name)
