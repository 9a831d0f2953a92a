"""A translator's last layer is stored so that the library packs it; what it answers is compared in test_translation.py."""

from __future__ import annotations

import pytest

from tests.sidecar.engines.ctranslate2.conftest import ConvertedFolder


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize(("name", "shares"), [("marian", True), ("t5", True), ("t5-second", False)])
def test_the_last_layer_has_the_name_that_is_packed(
    name: str, shares: bool, precision: str, converted_folder: ConvertedFolder
) -> None:
    file = (converted_folder(name, "translation", precision) / "model.bin").read_bytes()

    weights = "decoder/embeddings/weight" if shares else "decoder/projection/weight"

    assert _text("decoder/dense/weight") + _text(weights) in file


def _text(words: str) -> bytes:
    return (len(words) + 1).to_bytes(2, "little") + words.encode() + b"\0"
