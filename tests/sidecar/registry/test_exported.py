"""Exported programs at registration: what a manifest may say, and archives that are none. Written byte by byte, without torch."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from sidecar.errors import InvalidRequest
from sidecar.registry.inspect import inspect

MANIFEST = 'task = "classification"\nmax_length = 32\nlabels = ["good", "bad"]\ndescription = "Tells good from bad."\n'
WEIGHT = {
    "path_name": "weight_0",
    "use_pickle": False,
    "tensor_meta": {"dtype": 7, "sizes": [{"as_int": 3}, {"as_int": 4}]},
}
GRAPH, TABLE = "m/models/model.json", "m/data/weights/model_weights_config.json"


def folder(
    tmp_path: Path, manifest: str = MANIFEST, weight: object = WEIGHT, compression: int = 0, **more: str
) -> Path:
    (tmp_path / "inglenook.toml").write_text(manifest)
    (tmp_path / "tokenizer.json").write_text("{}")
    with zipfile.ZipFile(tmp_path / "program.pt2", "w", compression) as archive:
        parts = {GRAPH: "{}", TABLE: json.dumps({"config": {"w": weight}})}
        for name, content in {**parts, **more}.items():
            archive.writestr(name, content)
    return tmp_path


def test_a_program_is_known_by_its_manifest(tmp_path: Path) -> None:
    seen = inspect(folder(tmp_path))
    assert (seen.engine, seen.types, seen.labels) == ("transformers", ("classification",), ("good", "bad"))
    assert (seen.weights.elements, seen.context_length, seen.capabilities) == ({"F32": 12}, 32, ("classify",))
    assert seen.description == "Tells good from bad."


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ("task = classification", "not valid TOML"),
        ('task = "text_generation"\nmax_length = 32', r"Invalid enum value 'text_generation' - at `\$\.task`"),
        ('task = "embedding"', "missing required field `max_length`"),
        (MANIFEST + "max_lenght = 3", "unknown field `max_lenght`"),
        (MANIFEST + 'program = "../else.pt2"', "not the name of a .pt2 file"),
        (MANIFEST + 'inputs = ["input_ids"]', "lacks attention_mask"),
        (MANIFEST + 'pooling = "mean"', "pooling is for embeddings"),
        ('task = "classification"\nmax_length = 32', "labels is missing"),
        ('task = "classification"\nmax_length = 32\nlabels = ["a", "a"]', "one label twice"),
    ],
)
def test_a_manifest_that_is_wrong_is_told_where(tmp_path: Path, manifest: str, complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        inspect(folder(tmp_path, manifest))


def test_archives_that_are_none_of_a_program_are_refused(tmp_path: Path) -> None:
    file = folder(tmp_path) / "program.pt2"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(InvalidRequest, match="damaged"):
        inspect(tmp_path)
    file.unlink()
    with pytest.raises(InvalidRequest, match="missing"):
        inspect(tmp_path)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"m/data/aotinductor/model/a.so": ""}, "machine code"),
        ({"weight": WEIGHT | {"use_pickle": True}}, "pickled weights"),
        ({"weight": WEIGHT | {"tensor_meta": {"dtype": 7, "sizes": [{"as_expr": "s0"}]}}}, "impossible shape"),
        ({"weight": 3}, "unknown kind"),
        ({TABLE: "{"}, "not readable"),
        ({"compression": zipfile.ZIP_DEFLATED}, "compressed"),
    ],
)
def test_an_archive_with_other_things_in_it_is_refused(
    tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        inspect(folder(tmp_path, **changes))  # type: ignore[arg-type]


def test_a_program_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    (folder(tmp_path) / "tokenizer.json").unlink()
    with pytest.raises(InvalidRequest, match="no tokenizer"):
        inspect(tmp_path)
