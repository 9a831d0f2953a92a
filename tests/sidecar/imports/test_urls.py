"""What an address means, and which are not fetched."""

from __future__ import annotations

import pytest

from sidecar.errors import InvalidRequest
from sidecar.imports.urls import Elsewhere, OnHub, understood

HUB = "https://huggingface.co"
MEANT: dict[str, OnHub | Elsewhere] = {
    "https://huggingface.co/org/name": OnHub("org/name"),
    "https://huggingface.co/org/name/tree/v2": OnHub("org/name", "v2"),
    "https://huggingface.co/org/name/blob/main/sub/x.gguf": OnHub("org/name", files=("sub/x.gguf",)),
    "https://huggingface.co/org/name/resolve/abc/x.gguf?download=true": OnHub("org/name", "abc", files=("x.gguf",)),
    "https://hf.co/org/name/blob/main/x-00002-of-00002.gguf": OnHub(
        "org/name", files=("x-00001-of-00002.gguf", "x-00002-of-00002.gguf")
    ),
    "hf.co/org/name:Q4_K_M": OnHub("org/name", variant="Q4_K_M"),
    "org/name:Q8_0": OnHub("org/name", variant="Q8_0"),
    "org/name": OnHub("org/name"),
    "https://models.example/a%20b/x.gguf?key=1": Elsewhere("https://models.example/a%20b/x.gguf?key=1", "x.gguf"),
    "http://127.0.0.1:9/x.GGUF": Elsewhere("http://127.0.0.1:9/x.GGUF", "x.GGUF"),
}
REFUSED = {
    "llama3.2": "Ollama",
    "llama3.2:1b": "Ollama",
    "ollama.com/library/llama3.2": "Ollama",
    "https://registry.ollama.ai/v2/library/llama3.2": "Ollama",
    "http://models.example/x.gguf": "only https",
    "http://10.0.0.1/x.gguf": "only https",
    "ftp://models.example/x.gguf": "only https",
    "file:///etc/x.gguf": "not an address",
    "https://me:secret@models.example/x.gguf": "password",
    "https://models.example/x.zip": "not the address of a GGUF file",
    "https://models.example/..%5Cx.gguf": "not the address of a GGUF file",
    "https://models.example/x-00001-of-00002.gguf": "several parts",
    "https://huggingface.co/org/name/blob/main/model.bin": "one file of a model",
    "https://huggingface.co/org": "names no repository",
    "https://huggingface.co/../../x": "names no repository",
    "https://huggingface.co/org/name/discussions/1": "neither a repository nor a file",
    "https://[": "not an address",
    "https://models example/x.gguf": "not an address",
    "https://models.example:99999/x.gguf": "not an address",
    "https:///x.gguf": "not an address",
}


@pytest.mark.parametrize("text", MEANT)
def test_an_address_means_a_repository_a_file_of_it_or_a_file_elsewhere(text: str) -> None:
    assert understood(text, HUB) == MEANT[text]


@pytest.mark.parametrize("text", REFUSED)
def test_any_other_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidRequest, match=REFUSED[text]):
        understood(text, HUB)


def test_the_hub_in_use_is_the_hub_whatever_its_address() -> None:
    assert understood("http://127.0.0.1:80/org/name", "http://127.0.0.1:80") == OnHub("org/name")
