"""What the library is told for a load; on GPUs too, which these tests need none of."""

from __future__ import annotations

from pathlib import Path

import pytest
import xllamacpp

from sidecar.engines.llamacpp.devices import choose
from sidecar.engines.llamacpp.parameters import ALL_LAYERS, parameters, sizes
from sidecar.engines.llamacpp.side_door import SideDoor
from sidecar.engines.threads import physical_cores
from sidecar.errors import LoadFailed
from sidecar.registry.gguf_model import REPETITION, gguf_files, read_facts
from sidecar.runtime.protocol import Load
from tests.helpers.gguf_models import gguf_model

TWO_GPUS = [{"type": "CPU"}, {"type": "GPU"}, {"type": "IGPU"}]


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xllamacpp, "get_device_info", lambda: TWO_GPUS)


def told(**options: object) -> xllamacpp.CommonParams:
    """The parameters of a load with these options."""
    frame = Load("m", str(gguf_model("llama-chat")), "text_generation", **options)  # type: ignore[arg-type]
    files = gguf_files(Path(frame.path))
    facts = read_facts(files)
    door = SideDoor()
    try:
        return parameters(frame, files, facts, sizes(frame, facts), choose("m", frame.device), None, door)
    finally:
        door.close()


def test_threads_are_the_physical_cores_unless_told() -> None:
    assert told().cpuparams.n_threads == told().cpuparams_batch.n_threads == physical_cores()
    assert told(threads=3).cpuparams.n_threads == 3


@pytest.mark.parametrize(("asked", "number"), [("auto", 0), ("gpu", 0), ("cuda:1", 1)])
def test_a_gpu_takes_all_layers(two_gpus: None, asked: str, number: int) -> None:
    params = told(device=asked)
    assert (params.n_gpu_layers, params.main_gpu) == (ALL_LAYERS, number)


@pytest.mark.parametrize("asked", ["cuda:0", "cuda:1"])
def test_a_model_stays_on_the_gpu_that_is_named(two_gpus: None, asked: str) -> None:
    assert told(device=asked).split_mode == xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_NONE


@pytest.mark.parametrize("asked", ["auto", "gpu", "cuda"])
def test_layers_are_spread_over_all_gpus_where_none_is_named(two_gpus: None, asked: str) -> None:
    assert told(device=asked).split_mode == xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_LAYER


def test_on_the_processor_no_layer_leaves_it(two_gpus: None) -> None:
    assert told(device="cpu").n_gpu_layers == 0


def test_a_gpu_beyond_those_that_are_there_is_an_error_with_their_number(two_gpus: None) -> None:
    with pytest.raises(LoadFailed, match="sees 2 GPUs"):
        choose("m", "cuda:2")


def test_tokens_are_proposed_only_where_that_was_asked_for() -> None:
    kinds = xllamacpp.common_speculative_type
    assert list(told().speculative.types) == [kinds.COMMON_SPECULATIVE_TYPE_NONE]
    assert list(told(draft_model=REPETITION).speculative.types) == [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    drafted = told(draft_model="/models/small.gguf").speculative
    assert list(drafted.types) == [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
    assert drafted.draft.mparams.path == "/models/small.gguf"
