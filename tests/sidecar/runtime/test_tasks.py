from __future__ import annotations

from typing import Any

import pytest

from sidecar.config import Settings
from sidecar.errors import InvalidRequest
from sidecar.runtime.devices import check_device
from sidecar.runtime.tasks import model_for, task_body
from sidecar.types import EmbedRequest, EmbedResponse, InferenceRequest, ModelType, TaskRequest

from .conftest import AddEcho, OpenManager


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


async def test_inference_uses_the_default_model_of_its_type(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager(default_embedding_model="echo")
    await add_echo(manager, "echo", model_type="embedding")
    answer = await manager.inference(InferenceRequest("embedding", {"texts": ["a"]}), caller="owner")
    direct = await manager.embed("echo", EmbedRequest(texts=["a"]), caller="owner")
    assert isinstance(answer, EmbedResponse)
    assert answer.embeddings == direct.embeddings
    with pytest.raises(InvalidRequest, match="default_translation_model"):
        await manager.inference(InferenceRequest("translation", {"text": "a"}), caller="owner")
    with pytest.raises(InvalidRequest, match="txts"):
        await manager.inference(InferenceRequest("embedding", {"txts": ["a"]}), caller="owner")


async def test_the_python_interface_does_a_task_and_releases_the_model(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    await add_echo(manager, "echo")
    loaded = await manager.task(task_type="embedding", model_name="echo", num_workers=2, device="cpu", keep_alive=3)
    assert loaded.data == {
        "preloaded": True,
        "model_name": "echo",
        "workers": 2,
        "device": "cpu",
        "keep_alive_minutes": 3.0,
    }
    result = await manager.task(task_data=["a", "b"], task_type="embedding", model_name="echo")
    assert result.success
    assert result.data is not None
    assert result.data["cached"] == 0
    assert [len(row) for row in result.data["embeddings"]] == [8, 8]
    assert manager.model("echo").num_workers == 2
    released = await manager.release_model("echo")
    assert released.success
    assert not manager.model("echo").is_loaded


@pytest.mark.parametrize(
    ("task_type", "data", "field", "expected"),
    [
        ("text_generation", "hello", "generated_text", "hello"),
        ("text_generation", {"prompt": "hello"}, "generated_text", "hello"),
        ("translation", "hello", "translated_text", "[de] hello"),
    ],
)
async def test_task_data_may_be_a_text_or_the_body_of_the_tasks_route(
    open_manager: OpenManager, add_echo: AddEcho, task_type: str, data: object, field: str, expected: str
) -> None:
    manager = await open_manager()
    await add_echo(manager, "echo")
    result = await manager.task(task_data=data, task_type=task_type, model_name="echo", keep_alive=0)
    assert result.data is not None
    assert result.data[field] == expected
    assert not manager.model("echo").is_loaded


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"model_name": "nobody", "task_type": "embedding"}, "model_not_found"),
        ({"model_name": "echo", "task_type": "dancing"}, "invalid_request"),
        ({"model_name": "echo", "task_type": "embedding", "num_workers": 0}, "invalid_request"),
        ({"model_name": "echo", "task_type": "embedding", "task_data": {"nonsense": 1}}, "invalid_request"),
    ],
)
async def test_what_goes_wrong_with_a_task_is_in_its_result(
    open_manager: OpenManager, add_echo: AddEcho, fields: dict[str, object], code: str
) -> None:
    manager = await open_manager()
    await add_echo(manager, "echo")
    result = await manager.task(**fields)
    assert not result.success
    assert result.error is not None
    assert result.error.code == code
