from __future__ import annotations

from typing import Any

import pytest

from sidecar.registry.shape import Shape, shape_of


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 8, "vocab_size": 9},
            Shape("llama", 2, 0, 8, 9, tied=False),
        ),
        (
            {"model_type": "qwen2", "num_hidden_layers": 2, "hidden_size": 8, "tie_word_embeddings": True},
            Shape("qwen2", 2, 0, 8, 0, tied=True),
        ),
        (
            {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "vocab_size": 50257},
            Shape("gpt2", 12, 0, 768, 50257, tied=True),
        ),
        (
            {"model_type": "distilbert", "n_layers": 6, "dim": 768, "vocab_size": 30522},
            Shape("distilbert", 6, 0, 768, 30522, tied=True),
        ),
        (
            {"model_type": "marian", "is_encoder_decoder": True, "encoder_layers": 6, "decoder_layers": 4, "d_model": 512},
            Shape("marian", 4, 6, 512, 0, tied=True),
        ),
        (
            {"model_type": "t5", "is_encoder_decoder": True, "num_layers": 6, "num_decoder_layers": 3, "d_model": 512},
            Shape("t5", 3, 6, 512, 0, tied=True),
        ),
        ({"num_hidden_layers": "many", "hidden_size": -1, "vocab_size": True}, Shape(tied=True)),
    ],
)  # fmt: skip
def test_every_family_tells_its_sizes_in_its_own_words(config: dict[str, Any], expected: Shape) -> None:
    assert shape_of(config) == expected
