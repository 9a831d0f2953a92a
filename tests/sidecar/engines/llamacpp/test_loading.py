"""Files beside a GGUF model that were replaced after the registration: refused in words, and never the end of a worker."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.runtime.protocol import Failed
from sidecar.types import Adapter
from tests.helpers.gguf_models import gguf_model, write_adapter, write_projector
from tests.helpers.worker import WorkerProcess


def text_only(file: Path) -> None:
    file.write_text("not a model")


def cut_adapter(file: Path) -> None:
    write_adapter(file)
    file.write_bytes(file.read_bytes()[:-500])


def another_model(file: Path) -> None:
    shutil.copy(gguf_model("llama-chat"), file)


def reading_model(file: Path) -> None:
    shutil.copy(gguf_model("embed-mean"), file)


def endless_model(file: Path) -> None:
    """One with two thousand million layers."""
    content, key = bytearray(gguf_model("llama-chat").read_bytes()), b"llama.block_count"
    at = content.index(key) + len(key) + 4
    content[at : at + 4] = struct.pack("<I", 2_000_000_000)
    file.write_bytes(content)


def cut_projector(file: Path) -> None:
    write_projector(file)
    file.write_bytes(file.read_bytes()[:-3000])


def wrong_patches(file: Path) -> None:
    write_projector(file, patch_size=7)


def nothing(file: Path) -> None:
    """The file is gone."""


@pytest.mark.parametrize(
    ("option", "replaced", "reason"),
    [
        ("adapters", text_only, "does not begin with GGUF"),
        ("adapters", cut_adapter, "cut short"),
        ("adapters", another_model, "is not a LoRA adapter"),
        ("adapters", nothing, "is not a file on this machine"),
        ("draft_model", text_only, "does not begin with GGUF"),
        ("draft_model", endless_model, "block_count is 2000000000"),
        ("draft_model", reading_model, "does not generate text"),
        ("draft_model", nothing, "is not a file on this machine"),
        ("projector", cut_projector, "cut short"),
        ("projector", wrong_patches, "patches of 7 pixels"),
        ("projector", another_model, "is not a multimodal projector"),
    ],
)
def test_a_file_beside_the_model_that_was_replaced_is_refused_in_words(
    tmp_path: Path, option: str, replaced: Callable[[Path], None], reason: str
) -> None:
    file = tmp_path / "replaced.gguf"
    replaced(file)
    beside: dict[str, Any] = {option: [Adapter(str(file))] if option == "adapters" else str(file)}
    with WorkerProcess("llamacpp") as worker:
        refused = worker.load(gguf_model("llama-chat"), **beside)
        assert isinstance(refused, Failed), refused
        assert refused.code == "load_failed"
        assert reason in refused.message
        assert str(file) in refused.message
        worker.close()
        assert worker.wait() == 0  # it ended as asked: the library did not end it
