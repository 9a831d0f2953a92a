"""Ollama's store as it is laid out: names, layers, newer manifests, and what is broken in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.imports import ollama
from sidecar.types import GenerationDefaults
from tests.helpers.stores import (
    KIND,
    MANIFEST,
    ollama_blob,
    ollama_layer,
    ollama_manifest,
    ollama_model,
    write_manifest,
)

CONTENT = b"GGUF of no matter"
USUAL = "registry.ollama.ai/library"


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (f"{USUAL}/llama3/latest", "llama3"),
        (f"{USUAL}/llama3/8b", "llama3:8b"),
        ("registry.ollama.ai/me/mine/latest", "me/mine"),
        ("hf.co/org/name-GGUF/Q4_K_M", "hf.co/org/name-GGUF:Q4_K_M"),
    ],
)
def test_a_model_has_the_name_that_ollama_gives_it(tmp_path: Path, place: str, name: str) -> None:
    ollama_model(tmp_path, place, CONTENT)
    assert [one.name for one in ollama.read(tmp_path)] == [name]


def test_every_layer_is_used_or_told(tmp_path: Path) -> None:
    params = b'{"temperature": 0.5, "top_k": 30, "repeat_penalty": 1.1, "top_p": 7, "num_ctx": 4096}'
    ollama_model(
        tmp_path, f"{USUAL}/m/latest", CONTENT, params=params, template=b"{{ .Prompt }}", system=b"Be kind.",
        license=b"MIT", projector=b"GGUF of a projector", adapter=b"GGUF of an adapter",
    )  # fmt: skip
    (found,) = ollama.read(tmp_path)
    assert [file.path for file in found.files] == ["model.gguf", "mmproj.gguf", "adapter.gguf", "LICENSE"]
    assert all(file.sha256 and file.place.name == f"sha256-{file.sha256}" for file in found.files)
    assert found.defaults == GenerationDefaults(temperature=0.5, top_k=30, repetition_penalty=1.1)
    assert (found.adapters, found.usable_at) == (("adapter.gguf",), found.files[0].place)
    told = " ".join(found.notes)
    assert all(word in told for word in ("system prompt", "chat template", "images", "num_ctx, top_p"))


def test_a_newer_manifest_is_a_link_and_may_stand_for_several_runners(tmp_path: Path) -> None:
    child = ollama_manifest(tmp_path, model=CONTENT)
    digest = ollama_blob(tmp_path, json.dumps(child).encode())
    listed = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.ollama.manifest.list.v2+json",
        "manifests": [
            {"mediaType": MANIFEST, "runner": "mlx", "digest": "sha256:" + "0" * 64},
            {"mediaType": MANIFEST, "runner": "ollama", "digest": digest},
        ],
    }
    blob = ollama_blob(tmp_path, json.dumps(listed).encode()).replace(":", "-")
    link = tmp_path / "manifests-v2" / USUAL / "m" / "latest"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "blobs" / blob)
    ollama_model(tmp_path, f"{USUAL}/m/latest", b"GGUF of an older one")
    (found,) = ollama.read(tmp_path)
    assert (found.problem, found.bytes) == (None, len(CONTENT))


@pytest.mark.parametrize("broken", ["gone", "short", "digest", "json", "no-model"])
def test_what_is_broken_is_listed_with_its_problem(tmp_path: Path, broken: str) -> None:
    file = ollama_model(tmp_path, f"{USUAL}/m/latest", CONTENT)
    blob = ollama.read_one(file).files[0].place
    if broken == "gone":
        blob.unlink()
    elif broken == "short":
        blob.write_bytes(CONTENT[:-1])
    elif broken == "json":
        file.write_text("{", "utf-8")
    else:
        layer = {"mediaType": f"{KIND}model", "digest": "sha256:../../../etc/passwd", "size": 1}
        tensor = ollama_layer(tmp_path, "tensor; name=a", b"x")
        write_manifest(file, {"schemaVersion": 2, "layers": [layer if broken == "digest" else tensor]})
    (found,) = ollama.read(tmp_path)
    assert found.problem
    assert found.files == ()
