"""Loading: what is refused, what is ignored, and in which precision and on which device a model ends up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sidecar.engines import load_engine
from sidecar.engines.model_folder import without_code
from sidecar.engines.transformers.device import choose_device, choose_dtype, set_threads
from sidecar.engines.transformers.loading import stored_dtype
from sidecar.engines.transformers.spread import Card, cards, spread
from sidecar.errors import LoadFailed
from sidecar.runtime.protocol import Generate
from sidecar.types import Sampling
from tests.helpers.models import tiny
from tests.helpers.worker import answer, load

CPU = torch.device("cpu")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(tiny("llama-chat"), tmp_path / "copy")


def change_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_code_that_comes_with_a_model_is_never_run(copy: Path) -> None:
    (copy / "evil.py").write_text("raise SystemExit('ran')")
    auto_map = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model", "AutoTokenizer": ["evil.T", None]}
    change_config(copy, auto_map=auto_map)
    settings = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps(settings | {"auto_map": auto_map}))
    request = Generate(1, "good", None, Sampling(temperature=0.0, max_new_tokens=5))
    assert answer(load(copy), request)[1][0] == answer(load(tiny("llama-chat")), request)[1][0]


def test_private_keys_and_code_references_are_dropped_at_every_depth() -> None:
    raw = {
        "auto_map": {},
        "_attn_implementation": "x/y",
        "a": 1,
        "text_config": {"_kernel": 1, "b": [{"_c": 2, "d": 3}]},
    }
    assert without_code(raw) == {"a": 1, "text_config": {"b": [{"d": 3}]}}


def test_pickled_weights_are_not_read(copy: Path) -> None:
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(LoadFailed, match="no safetensors"):
        load(copy)


def test_an_architecture_that_is_not_known_is_named(copy: Path) -> None:
    change_config(copy, model_type="frobnicator")
    with pytest.raises(LoadFailed, match="'frobnicator'"):
        load(copy)


def test_a_folder_without_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match=r"config\.json"):
        load(tmp_path)


def test_weights_that_are_missing_are_not_replaced_by_random_ones(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(LoadFailed, match=r"layers\.1\.mlp\.up_proj"):
        load(copy)


def test_a_model_without_a_head_for_the_task_is_refused() -> None:
    with pytest.raises(LoadFailed, match="no model for classification"):
        load(tiny("embed-mean"), "classification")


def test_a_damaged_weights_file_is_an_error(copy: Path) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(Exception, match=r"(?i)header|safetensor"):
        load(copy)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_files_are_recognised(tmp_path: Path, half: torch.dtype) -> None:
    save_file({"small": torch.zeros(1), "large": torch.zeros(50, dtype=half)}, tmp_path / "model.safetensors")
    assert stored_dtype(tmp_path / "model.safetensors") is half


def test_half_types_become_float32_on_a_processor_without_hardware_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    assert choose_dtype(CPU, torch.bfloat16) is torch.float32
    assert choose_dtype(CPU, torch.float16) is torch.float32


def test_bfloat16_stays_on_a_processor_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: True)
    assert choose_dtype(CPU, torch.bfloat16) is torch.bfloat16
    assert choose_dtype(CPU, torch.float32) is torch.float32


@pytest.mark.parametrize(
    ("capability", "stored", "chosen"),
    [
        ((8, 0), torch.bfloat16, torch.bfloat16),
        ((7, 5), torch.bfloat16, torch.float16),
        ((9, 0), torch.float16, torch.float16),
        ((9, 0), torch.float32, torch.float32),
    ],
)
def test_a_gpu_computes_in_the_half_type_it_has(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], stored: torch.dtype, chosen: torch.dtype
) -> None:
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: capability)
    assert choose_dtype(torch.device("cuda", 0), stored) is chosen


def test_a_gpu_that_is_not_there_is_a_warning_when_any_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.xpu.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    device, warnings = choose_device("m", "gpu")
    assert device == CPU
    assert "No GPU" in warnings[0]
    assert choose_device("m", "auto") == (CPU, [])


@pytest.mark.parametrize("asked", ["cuda:7", "cuda", "xpu", "xpu:1", "mps", "tpu", "cuda:x"])
def test_a_device_that_was_named_and_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.xpu.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(LoadFailed):
        choose_device("m", asked)


def test_intels_gpu_is_taken_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.xpu.is_available", lambda: True)
    monkeypatch.setattr("torch.xpu.device_count", lambda: 2)
    assert choose_device("m", "auto") == (torch.device("xpu", 0), [])
    assert choose_device("m", "xpu:1") == (torch.device("xpu", 1), [])
    with pytest.raises(LoadFailed, match="2 XPU devices"):
        choose_device("m", "xpu:2")


@pytest.mark.parametrize(
    ("has_bf16", "stored", "chosen"),
    [
        (True, torch.bfloat16, torch.bfloat16),
        (False, torch.bfloat16, torch.float16),
        (True, torch.float16, torch.float16),
        (True, torch.float32, torch.float32),
    ],
)
def test_intels_gpu_computes_in_the_half_type_it_has(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, stored: torch.dtype, chosen: torch.dtype
) -> None:
    monkeypatch.setattr("torch.xpu.is_bf16_supported", lambda: has_bf16)
    assert choose_dtype(torch.device("xpu", 0), stored) is chosen


GB = 1 << 30


@pytest.mark.parametrize(
    ("free", "room"),
    [
        ([], None),
        ([8], None),
        ([24, 24], None),  # one is enough
        ([12, 12], {0: 12, 1: 12}),
        ([2, 24], {0: 2, 1: 24}),  # the first is taken by something else
        ([8, 8, 8], {0: 8, 1: 8, 2: 8}),
    ],
)
def test_a_model_is_spread_only_where_one_gpu_has_no_room_for_it(free: list[int], room: dict[int, int] | None) -> None:
    found = spread("m", 14 * GB, [Card(index, size * GB) for index, size in enumerate(free)])
    assert found == (room and {index: int(size * GB * 0.9) for index, size in room.items()})


def test_a_model_that_all_gpus_together_cannot_hold_is_refused_with_the_numbers() -> None:
    with pytest.raises(LoadFailed, match=r"about 16486 MB, and its 2 GPUs have 14745 MB"):
        spread("m", 14 * GB, [Card(0, 8 * GB), Card(1, 8 * GB)])


@pytest.mark.parametrize(("asked", "count"), [("auto", 2), ("gpu", 2), ("cuda", 2), ("cuda:0", 0), ("cpu", 0)])
def test_who_names_one_gpu_gets_that_one(monkeypatch: pytest.MonkeyPatch, asked: str, count: int) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda index: (index + 1, 9))
    device = torch.device("cpu") if asked == "cpu" else torch.device("cuda", 0)
    assert cards(asked, device) == [Card(0, 1), Card(1, 2)][:count]


def test_a_model_that_is_spread_answers_as_one_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's placing and its hooks between layers, with the processor's memory for the cards'."""
    request = Generate(1, "good", None, Sampling(temperature=0.0, max_new_tokens=5))
    expected = answer(load(tiny("gpt2")), request)[1][0]
    monkeypatch.setattr("sidecar.engines.transformers.loading.spread", lambda model, size, found: {"cpu": GB})
    model = load(tiny("gpt2"))
    assert answer(model, request)[1][0] == expected
    assert model.facts.device == "cpu"


def test_threads_are_as_many_as_asked() -> None:
    before = torch.get_num_threads()
    try:
        set_threads(3)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_an_engine_that_does_not_exist_is_not_imported() -> None:
    with pytest.raises(ValueError, match="echo, ctranslate2, llamacpp, transformers"):
        load_engine("base")
