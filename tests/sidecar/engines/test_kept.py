"""Rounded weights that are kept on disk: the next load uses them, and anything wrong with them only makes it slower."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sidecar.engines import transformers as engine
from sidecar.engines.base import Model
from sidecar.engines.transformers.fused import kept, settling, trial
from sidecar.engines.transformers.fused.generator import FusedGenerator
from sidecar.engines.transformers.fused.linear import Int8
from sidecar.engines.transformers.loading import load_model, load_skeleton
from sidecar.registry.sealing import seal
from sidecar.runtime.protocol import Generate, Load
from sidecar.types import Sampling
from tests.helpers.models import tiny
from tests.helpers.rounding import allow_int4
from tests.helpers.worker import answer, frame, load

FILE = "int8.safetensors"
ASKED = Generate(1, "the small model", None, Sampling(temperature=0.0, max_new_tokens=20))


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "PATIENCE_S", 0.0)
    allow_int4(monkeypatch)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder that a test may change."""
    return Path(shutil.copytree(tiny("llama-chat"), tmp_path / "model"))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Load]:
    """The frames for which a model's own weights were read."""
    read: list[Load] = []

    def counting(asked: Load, device: torch.device) -> Any:
        read.append(asked)
        return load_model(asked, device)

    monkeypatch.setattr(engine, "load_model", counting)
    return read


def settled(folder: Path, derived: Path, quantization: str = "int8") -> Model:
    """The model loaded, its weights packed and kept."""
    loaded = load(folder, quantization=quantization, derived=str(derived))
    assert isinstance(loaded.generator, FusedGenerator)
    if loaded.generator.settling:
        loaded.generator.settling.join()
    return loaded


def text(loaded: Model) -> str:
    return answer(loaded, ASKED)[1][0]


@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_the_second_load_reads_what_the_first_kept_and_answers_the_same(
    tmp_path: Path, counted: list[Load], quantization: str
) -> None:
    first, second = (settled(tiny("llama-chat"), tmp_path, quantization) for _ in range(2))
    assert len(counted) == 1
    assert text(first) == text(second)
    for name in ("precision", "parameters", "context_length", "capabilities", "warnings"):
        assert getattr(first.facts, name) == getattr(second.facts, name), name


def test_each_precision_is_kept_apart(tmp_path: Path) -> None:
    settled(tiny("llama-chat"), tmp_path, "int8")
    settled(tiny("llama-chat"), tmp_path, "int4")
    assert sorted(file.name for file in tmp_path.glob("*.safetensors")) == ["int4.safetensors", FILE]


def test_a_copy_of_the_whole_folder_is_used_after_a_look_at_its_hash(tmp_path: Path, counted: list[Load]) -> None:
    settled(tiny("llama-chat"), tmp_path)
    os.utime(tmp_path / FILE, ns=(1, 1))
    settled(tiny("llama-chat"), tmp_path)
    assert len(counted) == 1


def test_changed_weights_are_rounded_anew(tmp_path: Path, model: Path, counted: list[Load]) -> None:
    settled(model, tmp_path)
    os.utime(model / "model.safetensors", ns=(1, 1))
    settled(model, tmp_path)
    settled(model, tmp_path)
    assert len(counted) == 2


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def lose_a_tensor(file: Path) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    del tensors["1.feed_out.scales"]
    save_file(tensors, file, metadata=metadata(file))


def swap_two_products(file: Path) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    tensors["0.feed_in.int8"] = tensors["0.attention_out.int8"].clone()
    save_file(tensors, file, metadata=metadata(file))


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1000] ^= 1
    file.write_bytes(content)


def lose_the_seal(file: Path) -> None:
    file.with_name(f"{FILE}.seal").unlink()


def metadata(file: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(file, framework="pt") as content:
        return dict(content.metadata())


DAMAGES = [truncate, lose_a_tensor, swap_two_products, flip_a_bit, lose_the_seal, lambda file: file.write_bytes(b"")]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_not_used_and_made_again(
    tmp_path: Path, counted: list[Load], damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    whole = settled(tiny("llama-chat"), tmp_path)
    damage(tmp_path / FILE)
    with caplog.at_level("CRITICAL"):
        again = settled(tiny("llama-chat"), tmp_path)
    assert text(again) == text(whole)
    settled(tiny("llama-chat"), tmp_path)
    assert len(counted) == 2


@pytest.mark.parametrize("damage", [lose_a_tensor, swap_two_products])
def test_a_sealed_file_of_another_model_is_not_used(
    tmp_path: Path, counted: list[Load], damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    settled(tiny("llama-chat"), tmp_path)
    damage(tmp_path / FILE)
    seal(tmp_path / FILE)
    with caplog.at_level("CRITICAL"):
        settled(tiny("llama-chat"), tmp_path)
    assert len(counted) == 2


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level("CRITICAL"):
        loaded = settled(tiny("llama-chat"), tmp_path / "file" / "below")
    assert loaded.facts.precision == "int8"
    assert any("cannot be kept" in warning for warning in loaded.facts.warnings)
    assert text(loaded)


def test_nothing_is_kept_when_the_disk_would_be_too_full_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "SPARE_DISK", 1 << 62)
    loaded = settled(tiny("llama-chat"), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert [warning for warning in loaded.facts.warnings if "GB must be free" in warning]
    assert text(loaded)


def test_the_outcome_of_a_trial_alone_finds_room_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Load]
) -> None:
    monkeypatch.setattr(kept, "SPARE_DISK", 1 << 62)
    monkeypatch.setattr(engine.assembly.rounding, "WORTHWHILE_PARAMETERS", 1)
    monkeypatch.setitem(trial.LARGEST_DIVERGENCE, "int8", 0.0)
    for _ in range(2):
        settled(tiny("llama-chat"), tmp_path, "auto")
    assert [asked.quantization for asked in counted] == ["auto", "none", "none"]


def test_nothing_is_said_where_rounded_weights_are_kept_or_are_not_to_be(tmp_path: Path) -> None:
    before = load(tiny("llama-chat"), quantization="int8", derived=None).facts.warnings
    assert settled(tiny("llama-chat"), tmp_path).facts.warnings == before


def test_that_rounding_is_too_coarse_is_found_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Load]
) -> None:
    monkeypatch.setattr(engine.assembly.rounding, "WORTHWHILE_PARAMETERS", 1)
    monkeypatch.setitem(trial.LARGEST_DIVERGENCE, "int8", 0.0)
    first, second = (settled(tiny("llama-chat"), tmp_path, "auto") for _ in range(2))
    assert [asked.quantization for asked in counted] == ["auto", "none", "none"]
    assert first.facts.warnings == second.facts.warnings
    assert second.facts.precision == "float32"


def test_a_model_answers_the_same_before_and_after_its_weights_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "PATIENCE_S", 60.0)
    loaded = load(tiny("llama-chat"), quantization="int8")
    generator = loaded.generator
    assert isinstance(generator, FusedGenerator)
    products = [product for product in generator._decoder.products() if isinstance(product, Int8)]
    assert not any(product.packed for product in products)
    before = text(loaded)
    assert generator.settling
    generator.settling.join()
    assert all(product.packed for product in products)
    assert text(loaded) == before


@pytest.mark.parametrize("own_file", [True, False])
def test_a_model_without_weights_is_configured_like_one_with_them(model: Path, own_file: bool) -> None:
    if not own_file:
        (model / "generation_config.json").unlink()
    asked, device = frame(model), torch.device("cpu")
    bare, whole = load_skeleton(asked, device).model, load_model(asked, device).model
    assert bare.generation_config.to_dict() == whole.generation_config.to_dict()


def test_a_table_that_was_stored_in_half_precision_is_kept_so() -> None:
    exact, halved = torch.tensor([[1.0, 1 / 3]]), torch.tensor([[1.0, 0.5]])
    assert kept._compact({"embedding": exact})["embedding"].dtype == torch.float32
    assert kept._compact({"embedding": halved})["embedding"].dtype == torch.float16
