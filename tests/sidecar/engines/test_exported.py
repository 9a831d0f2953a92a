"""Exported programs: the answers of the original, and nothing of a stranger's archive that runs."""

from __future__ import annotations

import io
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

from sidecar.engines.base import Model
from sidecar.engines.transformers.exported.program import open_program
from sidecar.errors import LoadFailed
from sidecar.registry.exported import MANIFEST
from sidecar.runtime.protocol import Classify, Embed
from tests.helpers.exported import changed, changed_graph, exported_classifier, exported_decoder, exported_embedder
from tests.helpers.models import tiny
from tests.helpers.worker import classify, embed, load

TEXTS = ["good sun", "bad rain and bad tea, what does it think", "a", "good", "what does it think of rain"]


def scores(model: Model, texts: list[str] = TEXTS) -> np.ndarray:
    return np.array(classify(model, Classify(1, texts)).scores)


def vectors(model: Model) -> np.ndarray:
    return embed(model, Embed(1, TEXTS))


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (2, 32)])
def test_a_program_classifies_like_the_model_it_was_made_of(rows: int, columns: int) -> None:
    model = load(exported_classifier(rows, columns), "classification")
    assert model.facts.labels == ["negative", "neutral", "positive"]
    assert model.facts.context_length == (columns or 48)
    np.testing.assert_allclose(scores(model), scores(load(tiny("bert-single"), "classification")), atol=1e-5)


def test_a_program_embeds_like_the_model_it_was_made_of() -> None:
    model = load(exported_embedder(), "embedding")
    assert model.facts.dimensions == 32
    np.testing.assert_allclose(vectors(model), vectors(load(tiny("embed-mean"), "embedding")), atol=1e-5)


def test_a_decoder_with_rotary_positions_embeds_by_its_last_token() -> None:
    model = load(exported_decoder(), "embedding")
    source = tiny("llama-base")
    original, tokenizer = AutoModel.from_pretrained(source), AutoTokenizer.from_pretrained(source)
    with torch.inference_mode():
        states = [original(**tokenizer(text, return_tensors="pt"))[0][0, -1] for text in TEXTS]
    np.testing.assert_allclose(vectors(model), normalize(torch.stack(states)).numpy(), atol=1e-5)


def test_weights_and_constants_follow_the_program_to_another_device() -> None:
    moved = open_program(exported_classifier() / "program.pt2", torch.device("meta"))
    tensors = [*moved.state_dict.values(), *moved.constants.values()]
    assert tensors
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_what_was_exported_is_not_rounded() -> None:
    (warning,) = load(exported_classifier(), "classification", quantization="int8").facts.warnings
    assert "not rounded" in warning


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('labels = ["a", "b"]', "names 2 labels"),
        ('inputs = ["input_ids", "attention_mask", "token_type_ids"]', r"takes 2 inputs \(input_ids, attention_mask\)"),
        ('inputs = ["input_ids", "attention_mask", "more"]', "takes 2 inputs"),
        ('inputs = ["attention_mask", "strange"]', "makes no strange"),
        ("output = 3", "gives no output 3"),
    ],
)
def test_a_manifest_that_the_program_contradicts_is_told(tmp_path: Path, line: str, complaint: str) -> None:
    folder = shutil.copytree(exported_classifier(), tmp_path / "m")
    old = [one for one in (folder / MANIFEST).read_text().splitlines() if one.split()[0] != line.split()[0]]
    (folder / MANIFEST).write_text("\n".join([*old, line]))
    with pytest.raises(LoadFailed, match=complaint):
        load(folder, "classification")


# ---- strangers' archives ----------------------------------------------------------------------------------------------


def node(program: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = program["graph_module"]["graph"]["nodes"][0]
    return found


def run(command: str) -> Callable[[dict[str, Any]], None]:
    """An operator that is a function of Python's."""

    def change(program: dict[str, Any]) -> None:
        node(program)["target"] = "torch.os.system"
        node(program)["inputs"] = [{"name": "", "arg": {"as_string": command}, "kind": 1}]

    return change


def size(text: str) -> Callable[[dict[str, Any]], None]:
    def change(program: dict[str, Any]) -> None:
        values = program["graph_module"]["graph"]["tensor_values"]
        next(iter(values.values()))["sizes"] = [{"as_expr": {"expr_str": text, "hint": None}}]

    return change


def renamed(program: dict[str, Any]) -> None:
    node(program)["name"] = "x = 1; import os"


def opens_a_file(program: dict[str, Any]) -> None:
    node(program)["target"] = "torch.ops.aten.from_file.default"


def calls_another_library(program: dict[str, Any]) -> None:
    node(program)["target"] = "torch.ops.inductor.anything.default"


def nested_strangely(program: dict[str, Any]) -> None:
    context = json.dumps({"__enum__": True, "fqn": "evil:E", "name": "A"})
    tree = {"type": "builtins.dict", "context": context, "children_spec": []}
    program["graph_module"]["module_call_graph"][0]["signature"]["out_spec"] = json.dumps([1, tree])


def deep(program: dict[str, Any]) -> None:
    value: list[Any] = []
    for _ in range(900):
        value = [value]
    program["graph_module"]["deep"] = value


HOSTILE: dict[str, Callable[[dict[str, Any]], None]] = {
    "no operator": run("touch ran"),
    "no arithmetic": size("__import__('os').system('touch ran')"),
    "is no arithmetic of integers": size("Symbol('s0').func.__globals__"),
    "is no plain name": renamed,
    "from_file": opens_a_file,
    "inductor": calls_another_library,
    "no list of names": nested_strangely,
}


@pytest.mark.parametrize("complaint", HOSTILE)
def test_a_graph_that_is_more_than_arithmetic_is_refused(
    tmp_path: Path, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = changed_graph(exported_classifier(), tmp_path / "m", HOSTILE[complaint])
    with pytest.raises(LoadFailed, match=complaint):
        load(folder, "classification")
    assert not (tmp_path / "ran").exists()


class Evil:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.proof,)


def pickled_weight(text: bytes) -> bytes:
    table = json.loads(text)
    next(iter(table["config"].values()))["use_pickle"] = True
    return json.dumps(table).encode()


@pytest.mark.parametrize("member", ["data/weights/model.pt", "data/constants/model.pt"])
def test_pickles_of_older_releases_are_refused(tmp_path: Path, member: str) -> None:
    folder = changed(exported_classifier(), tmp_path / "m", member, lambda _: pickle.dumps(Evil(tmp_path / "ran")))
    with pytest.raises(LoadFailed, match="pickled"):
        load(folder, "classification")
    assert not (tmp_path / "ran").exists()


def test_a_pickled_weight_is_refused(tmp_path: Path) -> None:
    table = "data/weights/model_weights_config.json"
    folder = changed(exported_classifier(), tmp_path / "m", table, pickled_weight)
    with pytest.raises(LoadFailed, match="pickled"):
        load(folder, "classification")


def test_pickled_sample_inputs_and_guards_are_not_looked_at(tmp_path: Path) -> None:
    evil = io.BytesIO()
    torch.save(Evil(tmp_path / "ran"), evil)
    folder = changed(exported_classifier(), tmp_path / "m", "data/sample_inputs/model.pt", lambda _: evil.getvalue())
    guarded = changed_graph(
        folder, tmp_path / "guarded", lambda program: program.update(guards_code=["open('ran', 'w')"])
    )
    assert scores(load(guarded, "classification")).shape == (len(TEXTS), 3)
    assert not (tmp_path / "ran").exists()
    assert not Path("ran").exists()


@pytest.mark.parametrize("end", [0, 100, 30_000])
def test_a_damaged_archive_is_a_clear_error(tmp_path: Path, end: int) -> None:
    folder = shutil.copytree(exported_classifier(), tmp_path / "m")
    (folder / "program.pt2").write_bytes((folder / "program.pt2").read_bytes()[:end])
    with pytest.raises(LoadFailed, match="is damaged"):
        load(folder, "classification")


def test_a_graph_of_endless_depth_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match=r"program\.pt2"):
        load(changed_graph(exported_classifier(), tmp_path / "m", deep), "classification")
