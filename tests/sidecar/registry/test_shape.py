from __future__ import annotations

from typing import Any

import pytest

from sidecar.registry.shape import Shape, shape_of, with_family


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


BERT_TINY = {
    "hidden_size": 128, "hidden_act": "gelu", "initializer_range": 0.02, "vocab_size": 30522, "hidden_dropout_prob": 0.1,
    "num_attention_heads": 2, "type_vocab_size": 2, "max_position_embeddings": 512, "num_hidden_layers": 2,
    "intermediate_size": 512, "attention_probs_dropout_prob": 0.1,
}  # fmt: skip


def test_sizes_alone_are_those_of_the_first_bert_models() -> None:
    named = with_family(BERT_TINY)
    assert (named["model_type"], named["architectures"]) == ("bert", ["BertModel"])
    assert shape_of(named) == Shape("bert", 2, 0, 128, 30522, tied=True)


@pytest.mark.parametrize("config", [{}, BERT_TINY | {"model_type": "electra"}, BERT_TINY | {"embedding_size": 64}])
def test_no_family_is_made_up(config: dict[str, Any]) -> None:
    assert with_family(config) == config
