"""What a `config.json` tells of a model, its family and its sizes, wherever that file comes from. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

BERT = ("hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "type_vocab_size", "vocab_size")
UNTIED = ("llama", "mistral", "mixtral", "qwen2", "qwen3", "phi", "phi3", "olmo2")  # where their files say nothing


class Shape(Struct, frozen=True):
    """`family`: the configuration's model_type. `layers` of the part that answers, `encoder_layers` of one before it.
    `tied`: the table of words also makes the scores. Sizes that the file does not tell are 0."""

    family: str = ""
    layers: int = 0
    encoder_layers: int = 0
    width: int = 0
    vocabulary: int = 0
    tied: bool = False


def with_family(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration, its family named. The first BERT models had no name for theirs, nor for what they compute: Google's
    files have nothing but sizes, and small models are still published with them. ALBERT's have an `embedding_size` too."""
    if "model_type" in config or "embedding_size" in config or not all(key in config for key in BERT):
        return config
    return {"architectures": ["BertModel"], **config, "model_type": "bert"}


def shape_of(config: dict[str, Any]) -> Shape:
    """Older families name the same sizes in their own ways."""
    in_two_parts = config.get("is_encoder_decoder") is True
    layers = first(config, "num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers")
    encoder = first(config, "encoder_layers", "num_layers", "num_hidden_layers") if in_two_parts else 0
    decoder = first(config, "decoder_layers", "num_decoder_layers") if in_two_parts else 0
    return Shape(
        family=str(config.get("model_type", "")),
        layers=decoder or layers,
        encoder_layers=encoder,
        width=first(config, "hidden_size", "d_model", "n_embd", "dim"),
        vocabulary=first(config, "vocab_size"),
        tied=config.get("tie_word_embeddings", config.get("model_type") not in UNTIED) is True,
    )


def positive(config: dict[str, Any], key: str) -> int | None:
    """The value of `key` where it is a sensible count."""
    value = config.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40 else None


def first(config: dict[str, Any], *keys: str) -> int:
    """The first of the keys that has a sensible count, else 0."""
    return next((value for key in keys if (value := positive(config, key)) is not None), 0)
