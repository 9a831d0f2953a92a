"""A preparation from model folder to record, in this process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from sidecar.engines.ctranslate2.manifest import read
from sidecar.engines.ctranslate2.preparing import RESULT, prepare
from sidecar.errors import Unsupported
from sidecar.runtime.protocol import Prepare
from sidecar.types import ModelType, Preparation
from tests.helpers.models import tiny


def prepared(name: str, task: ModelType, folder: Path, *precisions: str) -> tuple[Preparation, list[tuple[str, float]]]:
    told: list[tuple[str, float]] = []
    frame = Prepare(name, str(tiny(name)), task, str(folder), list(precisions), threads=1)
    return prepare(frame, lambda stage, done: told.append((stage, done))), told


def test_what_passes_lies_there_with_its_record(tmp_path: Path) -> None:
    made, told = prepared("nllb", "translation", tmp_path / "out", "float32")
    assert made.passed
    assert made.measures["chrf"] == pytest.approx(100, abs=1)
    assert set(made.libraries) == {"ctranslate2", "transformers", "torch"}
    assert made.samples > 10  # three directions
    record = msgspec.json.decode((tmp_path / "out" / RESULT).read_bytes(), type=Preparation)
    assert record == made
    assert (tmp_path / "out" / "model.bin").is_file()
    assert [stage for stage, _ in told] == [
        "loading",
        "asking the original",
        "converting to float32",
        "verifying float32",
    ]


@pytest.mark.parametrize("name", ["llama-chat", "gpt-bigcode", "gptj", "codegen", "falcon", "falcon-alibi"])
def test_a_generator_is_prepared_too(name: str, tmp_path: Path) -> None:
    made, _ = prepared(name, "text_generation", tmp_path / "out", "float32")
    assert made.passed, made.reason


def test_what_does_not_pass_leaves_only_the_record(tmp_path: Path) -> None:
    made, _ = prepared("bert-single", "classification", tmp_path / "out", "int8")
    assert not made.passed
    assert "same label" in made.reason
    assert [file.name for file in (tmp_path / "out").iterdir()] == [RESULT]


def test_the_second_precision_keeps_the_models_own_generation_config(tmp_path: Path) -> None:
    made, _ = prepared("mbart25", "translation", tmp_path / "out", "int8", "float32")
    assert made.precision == "float32"
    manifest = read("mbart25", tmp_path / "out")
    assert (manifest.max_length, manifest.forced_end) == (24, True)


def test_a_head_that_is_not_known_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="gpt2"):
        prepared("gpt2-classifier", "classification", tmp_path / "out", "int8")
    assert not (tmp_path / "out").exists()


def test_falcons_second_architecture_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="Falcon"):
        prepared("falcon-new", "text_generation", tmp_path / "out", "float32")
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_is_the_systems_error(tmp_path: Path) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    try:
        with pytest.raises(OSError, match="No space left"):
            prepared("bert-single", "classification", folder / "out", "float32")
        assert not (folder / "out" / RESULT).exists()
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)
