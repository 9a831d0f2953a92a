"""Pickled checkpoints: read without running code, written as safetensors, compared bit by bit."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sidecar.engines.transformers.pickled import convert
from sidecar.errors import PreparationFailed


class Evil:
    """What unpickling it would run."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.proof,)


def converted(folder: Path, value: object) -> dict[str, torch.Tensor]:
    torch.save(value, folder / "pytorch_model.bin")
    convert("org/model", folder, lambda stage, done: None)
    return load_file(folder / "model.safetensors")


def test_names_types_shapes_and_bits_stay_also_of_shared_weights(tmp_path: Path) -> None:
    shared = torch.tensor([[1.0, float("nan")], [-0.0, 3.0]], dtype=torch.bfloat16)
    tensors = {"a": shared, "b": shared, "c": shared.t(), "d": torch.arange(4), "e": torch.tensor(True)}
    made = converted(tmp_path, tensors)
    assert set(made) == set(tensors)
    assert all(
        made[name].dtype == tensor.dtype and made[name].shape == tensor.shape for name, tensor in tensors.items()
    )
    assert torch.equal(made["c"].view(torch.int16), shared.t().contiguous().view(torch.int16))


def test_code_in_it_never_runs_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    with pytest.raises(PreparationFailed, match="more than weights"):
        convert("org/model", tmp_path, lambda stage, done: None)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pytorch_model.bin"]


def test_what_is_not_a_table_of_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PreparationFailed, match="not a plain table"):
        converted(tmp_path, {"state": {"a": torch.zeros(1)}})
