"""Images in chats with GGUF models that have a projector: read, counted, remembered, and never mistaken for another."""

from __future__ import annotations

import itertools
import os
import queue
from pathlib import Path
from typing import Any

import pytest

from sidecar.engines.base import Working
from sidecar.engines.llamacpp import seeing as library
from sidecar.registry.projector import Projector
from sidecar.runtime.protocol import Decide, Decided, Failed, Finished, Generate, Generated, Up
from sidecar.types import Message, Sampling
from tests.helpers.gguf_models import gguf_model
from tests.helpers.images import GIF, about, jpeg, png, png_of
from tests.helpers.worker import WorkerProcess, ends, text_of

from .conftest import Start

PICTURE, OTHER = png(seed=1), png(seed=2)
TOGETHER = ((PICTURE, OTHER), (OTHER, PICTURE), (GIF, jpeg(41, 17)))
IMAGE_TOKENS = 4
_ids = itertools.count(1)


@pytest.fixture(scope="module")
def strangers_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a program on the path writes when it is run with an image that the library does not know."""
    folder = tmp_path_factory.mktemp("path")
    program = folder / "ffprobe"
    program.write_text(f"#!/bin/sh\ntouch {folder}/was-run\n")
    program.chmod(0o755)
    return folder / "was-run"


@pytest.fixture(scope="module")
def seeing(start: Start, strangers_program: Path) -> WorkerProcess:
    file = gguf_model("llama-seeing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(strangers_program.parent), prepend=os.pathsep)
        return start(file, projector=str(file.with_name("mmproj-f32.gguf")), max_sequences=2)


@pytest.fixture(scope="module")
def blind(start: Start) -> WorkerProcess:
    return start(gguf_model("llama-seeing"), max_sequences=2)


def ask(worker: WorkerProcess, *messages: Message, prompt: str | None = None, **more: Any) -> tuple[str, Any]:
    """The text, and the outcome or the failure."""
    shaping = {key: more.pop(key) for key in ("truncate", "json_schema", "logprobs", "tools") if key in more}
    sampling = Sampling(**({"temperature": 0, "max_new_tokens": 8} | more))
    request = Generate(next(_ids), prompt, list(messages) or None, sampling, **shaping)
    worker.send(request)
    return answer_in(worker.receive_ends(request.id), request.id)


def answer_in(frames: list[Up], request_id: int) -> tuple[str, Any]:
    end = ends(frames)[request_id]
    return text_of(frames, request_id), end.outcome if isinstance(end, Finished) else end


def test_an_image_changes_the_answer_and_is_counted(seeing: WorkerProcess) -> None:
    without, plain = ask(seeing, Message("user", "what is this"))
    with_one, seen = ask(seeing, about("what is this", PICTURE))
    with_other, _ = ask(seeing, about("what is this", OTHER))
    assert len({without, with_one, with_other}) == 3
    assert isinstance(seen, Generated)
    assert seen.prompt_tokens == plain.prompt_tokens + IMAGE_TOKENS


def test_the_same_image_is_not_read_again_and_another_always_is(seeing: WorkerProcess) -> None:
    first, _ = ask(seeing, about("and now this", PICTURE))
    again, seen = ask(seeing, about("and now this", PICTURE))
    assert again == first
    assert seen.cached_tokens >= seen.prompt_tokens - 4
    other, read = ask(seeing, about("and now this", OTHER))
    assert other != first
    assert read.prompt_tokens - read.cached_tokens >= IMAGE_TOKENS


def test_images_of_the_same_bytes_in_another_shape_are_two(seeing: WorkerProcess) -> None:
    wide, tall = (png_of(w, h, (b"\0" + b"\x40\x80\xc0" * w) * h) for w, h in ((200, 100), (100, 200)))
    ask(seeing, about("a plane", wide))
    _, read = ask(seeing, about("a plane", tall))
    assert read.prompt_tokens - read.cached_tokens >= IMAGE_TOKENS


def test_several_images_and_requests_at_once_keep_apart(seeing: WorkerProcess) -> None:
    alone = [ask(seeing, about("look", *images))[0] for images in TOGETHER]
    requests = [
        Generate(next(_ids), None, [about("look", *images)], Sampling(temperature=0, max_new_tokens=8))
        for images in TOGETHER
    ]
    seeing.send(*requests)
    frames = seeing.receive_ends(*(one.id for one in requests))
    assert [answer_in(frames, one.id)[0] for one in requests] == alone


def test_text_is_answered_with_a_projector_as_without(seeing: WorkerProcess, blind: WorkerProcess) -> None:
    for asked in ({"prompt": "the small model reads"}, {"prompt": "rain " * 400, "truncate": True}):
        assert ask(seeing, **asked)[0] == ask(blind, **asked)[0]
    question = Message("user", "what do you think about rain")
    assert ask(seeing, question)[0] == ask(blind, question)[0]


def test_labels_are_weighed_with_a_projector_as_without(seeing: WorkerProcess, blind: WorkerProcess) -> None:
    def weighed(worker: WorkerProcess) -> list[float]:
        request = Decide(next(_ids), ["tea", "coffee", "teapot"], "the small", None)
        worker.send(request)
        end = ends(worker.receive_ends(request.id))[request.id]
        assert isinstance(end, Finished), end
        assert isinstance(end.outcome, Decided)
        return end.outcome.probabilities

    assert weighed(seeing) == pytest.approx(weighed(blind), abs=1e-4)


def test_answers_about_images_take_a_schema_and_tell_probabilities(seeing: WorkerProcess) -> None:
    schema = {"enum": ["tea", "coffee"]}
    text, _ = ask(seeing, about("which", PICTURE), json_schema=schema, max_new_tokens=30)
    assert text in ('"tea"', '"coffee"')
    _, told = ask(seeing, about("which", PICTURE), logprobs=2, max_new_tokens=3)
    assert len(told.logprobs) >= 2


def test_a_damaged_image_is_the_senders_fault_and_runs_no_other_program(
    seeing: WorkerProcess, strangers_program: Path
) -> None:
    _, fault = ask(seeing, about("what is this", PICTURE[:300]))
    assert isinstance(fault, Failed)
    assert (fault.code, "cannot be decoded" in fault.message) == ("invalid_request", True)
    assert isinstance(ask(seeing, about("and this", PICTURE))[1], Generated)
    assert not strangers_program.exists()


def test_turns_with_images_go_when_the_context_is_full_but_the_last_is_never_cut(seeing: WorkerProcess) -> None:
    turns = [one for number in range(20) for one in (about("look", png(seed=number)), Message("assistant", "tea " * 8))]
    _, seen = ask(seeing, *turns, about("and this", PICTURE), truncate=True)
    assert "messages were dropped" in seen.warnings[0]
    _, fault = ask(seeing, about("rain " * 400, PICTURE), truncate=True)
    assert fault.code == "context_exceeded"


def test_detail_that_is_not_used_is_said(seeing: WorkerProcess) -> None:
    assert "detail" in ask(seeing, about("what", PICTURE, detail="high"))[1].warnings[0]


def test_a_request_shows_that_it_lives_until_the_library_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "PULSE_S", 0.01)
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with library.signs_of_life(7, told.put) as heard:
        assert told.get(timeout=60) == Working(7)
        heard()
    assert told.empty() or told.get() == Working(7)


def test_only_projectors_that_grow_with_the_image_are_held_to_fewer_tokens() -> None:
    growing, fixed = (Projector(Path("mmproj.gguf"), kind, 0, 0) for kind in ("qwen2vl_merger", "gemma3"))
    told = [
        library.image_tokens(growing, context, on_cpu=cpu)
        for context, cpu in ((8192, True), (8192, False), (600, True))
    ]
    assert told == [1024, 4096, 300]
    assert library.image_tokens(fixed, 8192, on_cpu=True) is None
    assert "at most 1024 tokens" in library.warnings(growing, 8192, on_cpu=True)[0]
