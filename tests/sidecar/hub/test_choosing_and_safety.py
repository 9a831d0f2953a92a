"""Which files of a repository are fetched, and which are refused: pure decisions on lists of names."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.errors import InvalidRequest, UnsafeFiles
from sidecar.hub import choosing, safety
from sidecar.hub.listing import Repository
from sidecar.types import RemoteFile


def repository(*paths: str, **fields: Any) -> Repository:
    return Repository("org/model", "main", "c" * 40, 0.0, [RemoteFile(path, 10, "a" * 64) for path in paths], **fields)


def test_only_what_an_engine_needs_is_chosen() -> None:
    paths = ["config.json", "tokenizer.json", "model.safetensors", "README.md", "1_Pooling/config.json", "spm.model"]
    others = ["pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "flax_model.msgpack", "model.py", ".gitattributes",
              "training_args.bin", "runs/events.out"]  # fmt: skip
    chosen = choosing.choose(repository(*paths, *others))
    assert {file.path for file in chosen.files} == set(paths)


def test_quantisations_are_told_apart_and_the_usual_one_is_recommended() -> None:
    found = choosing.variants(repository("m-Q8_0.gguf", "m-Q4_K_M.gguf", "m.IQ2_XS.gguf", "mmproj-F16.gguf"))
    assert found[0].name == "Q4_K_M"
    assert {one.name for one in found} == {"Q4_K_M", "Q8_0", "IQ2_XS"}
    assert "clearly worse" in next(one for one in found if one.name == "IQ2_XS").explanation


def test_the_projector_comes_with_every_variant_in_one_precision() -> None:
    files = (
        "A-Q8_0.gguf",
        "A-Q4_0.gguf",
        "mmproj-BF16.gguf",
        "mmproj-A-f16.gguf",
        "mmproj-f32.gguf",
        "x/mmproj-Q8_0.gguf",
    )
    found = choosing.variants(repository(*files))
    assert {one.name: [file.path for file in one.files] for one in found} == {
        name: [f"A-{name}.gguf", "mmproj-A-f16.gguf"] for name in ("Q8_0", "Q4_0")
    }
    assert choosing.choose(repository(*files), files=["mmproj-BF16.gguf", "A-Q8_0.gguf"]).entry == "A-Q8_0.gguf"


def test_shards_are_one_variant_and_incomplete_ones_none() -> None:
    whole = [f"q/m-Q4_0-0000{number}-of-00002.gguf" for number in (1, 2)]
    found = choosing.variants(repository(*whole, "m-Q8_0-00001-of-00003.gguf"))
    assert [(one.name, one.entry, len(one.files)) for one in found] == [("Q4_0", whole[0], 2)]


def test_a_variant_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InvalidRequest, match="it has Q4_0"):
        choosing.choose(repository("m-Q4_0.gguf"), "Q9")


@pytest.mark.parametrize(
    "path",
    ["../evil.json", "a/../../b.json", "..\\evil.json", "C:evil.json", "/etc/passwd", "con.json", "a/NUL", "x:stream.txt",
     "trailing./a.json", "space /a.json", "a//b.json", "line\nbreak.json", "~/x.json"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(path: str) -> None:
    files = repository("config.json", "model.safetensors", path)
    assert any(one.kind == "name" and path in one.files for one in safety.findings(files))
    with pytest.raises(UnsafeFiles, match="refused"):
        safety.check(files, choosing.choose(files, files=["model.safetensors", path]), [])


def test_pickles_need_a_permission_and_programs_are_never_fetched() -> None:
    pickled = repository("config.json", "pytorch_model.bin")
    with pytest.raises(UnsafeFiles, match="permission 'pickle'"):
        safety.check(pickled, choosing.choose(pickled), [])
    safety.check(pickled, choosing.choose(pickled), ["pickle"])
    code = repository("model.safetensors", "modeling.py")
    with pytest.raises(UnsafeFiles, match="of a kind"):
        safety.check(code, choosing.choose(code, files=["modeling.py"]), ["pickle", "custom_code"])


def test_a_model_that_names_code_of_its_own_needs_a_permission() -> None:
    files = repository("config.json", "model.safetensors", "modeling.py", config={"auto_map": {"AutoModel": "x"}})
    with pytest.raises(UnsafeFiles, match="custom_code"):
        safety.check(files, choosing.choose(files), ["pickle"])
    safety.check(files, choosing.choose(files), ["custom_code"])


def test_names_that_differ_only_in_case_are_refused() -> None:
    files = repository("config.json", "model.safetensors", "Config.json")
    with pytest.raises(UnsafeFiles, match="same file"):
        safety.check(files, choosing.choose(files, files=["config.json", "Config.json"]), [])


def test_a_repository_without_usable_weights_is_refused() -> None:
    files = repository("config.json", "tf_model.h5")
    assert safety.findings(files)[0].kind == "format"
    with pytest.raises(UnsafeFiles, match="no weights"):
        choosing.choose(files)
