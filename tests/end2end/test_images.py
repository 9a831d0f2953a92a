"""Images in chats through the whole service: asked over HTTP, refused with a word, switched off for a model."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import Client
from sidecar.errors import InvalidRequest, Unsupported, WorkerCrashed
from sidecar.types import (
    DecideRequest,
    GenerateRequest,
    GenerateResponse,
    ImagePart,
    ImageUrl,
    Message,
    RegisterRequest,
    TextPart,
    UpdateRequest,
)
from tests.helpers.gguf_models import gguf_model, write_projector
from tests.helpers.images import about, png
from tests.helpers.models import tiny
from tests.helpers.service import RunningService, running_service

PICTURE = png(30, 20)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service")) as running:
        asyncio.run(_register(running))
        yield running


async def _register(running: RunningService) -> None:
    async with running.client() as client:
        for name, path in (("seeing", gguf_model("llama-seeing")), ("blind", tiny("llama-chat"))):
            await client.register(RegisterRequest(name=name, model_type="text_generation", model_path=str(path)))


async def say(client: Client, *messages: Message, model: str = "seeing") -> GenerateResponse:
    answer = await client.generate(model, GenerateRequest(messages=list(messages), temperature=0, max_new_tokens=8))
    assert isinstance(answer, GenerateResponse)
    return answer


async def test_an_image_is_answered_counted_and_remembered(client: Client) -> None:
    plain, seen = await say(client, Message("user", "what is this")), await say(client, about("what is this", PICTURE))
    assert seen.generated_text != plain.generated_text
    assert seen.usage.prompt_tokens == plain.usage.prompt_tokens + 4
    assert (await say(client, about("what is this", PICTURE))).usage.cached_tokens >= seen.usage.prompt_tokens - 4


async def test_a_stream_takes_images_too(client: Client) -> None:
    request = GenerateRequest(messages=[about("and this", PICTURE)], temperature=0, max_new_tokens=8, stream=True)
    pieces = [chunk.text async for chunk in client.stream("seeing", request)]
    assert "".join(pieces) == (await say(client, about("and this", PICTURE))).generated_text


async def test_a_model_that_does_not_see_names_those_that_do(client: Client) -> None:
    with pytest.raises(Unsupported, match="does not see images; those that do: seeing"):
        await say(client, about("what is this", PICTURE), model="blind")


async def test_parts_of_text_are_taken_by_every_model(client: Client) -> None:
    parts = Message("user", [TextPart("tea or"), TextPart("coffee")])
    joined = await say(client, Message("user", "tea or\ncoffee"), model="blind")
    assert (await say(client, parts, model="blind")).generated_text == joined.generated_text


async def test_an_address_is_not_fetched_and_labels_are_not_decided_on_images(client: Client) -> None:
    with pytest.raises(InvalidRequest, match="nothing is fetched"):
        await say(client, Message("user", [ImagePart(ImageUrl("https://example.org/a.png"))]))
    with pytest.raises(Unsupported, match="decided on text"):
        await client.decide("seeing", DecideRequest(labels=["a", "b"], messages=[about("which", PICTURE)]))


async def test_a_projector_that_kills_its_worker_costs_only_the_questions_about_images(
    client: Client, tmp_path: Path
) -> None:
    shutil.copy(gguf_model("llama-chat"), tmp_path / "a.gguf")
    write_projector(tmp_path / "mmproj-a.gguf", without="mm.0.bias")  # for the library a null pointer
    await client.register(
        RegisterRequest(name="broken", model_type="text_generation", model_path=str(tmp_path / "a.gguf"))
    )
    with pytest.raises(WorkerCrashed):
        await say(client, about("what is this", PICTURE), model="broken")
    assert (await say(client, Message("user", "tea"), model="broken")).generated_text
    await client.remove("broken")


async def test_seeing_can_be_switched_off_and_on_for_a_model(client: Client) -> None:
    before = await client.model("seeing")
    assert (before.projector, "vision" in before.capabilities) == ("mmproj-f32.gguf", True)
    off = await client.update("seeing", UpdateRequest(use_projector=False))
    assert (off.projector, off.use_projector, "vision" in off.capabilities) == (None, False, False)
    with pytest.raises(Unsupported, match=r"no model here does\. GGUF models do with a projector"):
        await say(client, about("what is this", PICTURE))
    assert (await say(client, Message("user", "tea"))).generated_text
    await client.update("seeing", UpdateRequest(use_projector=True))
    assert (await say(client, about("what is this", PICTURE))).usage.prompt_tokens
