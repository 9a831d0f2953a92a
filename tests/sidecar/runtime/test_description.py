from __future__ import annotations

from typing import Any

import pytest

from sidecar.engines.transformers.fused import building, encoder, rounding, seq2seq
from sidecar.registry.shape import Shape
from sidecar.runtime.description import (
    AS_WIDE_AS_MODEL,
    ENCODER_FAMILIES,
    FUSED_FAMILIES,
    ROUNDED_FROM,
    SEQ2SEQ_FAMILIES,
    Description,
    describe,
)
from sidecar.runtime.prediction import Surroundings, held_bytes

LLAMA = Shape("llama", layers=30, width=576, vocabulary=49_152, tied=True)


def described(**changes: Any) -> Description:
    values: dict[str, Any] = {
        "engine": "transformers",
        "task": "text_generation",
        "shape": LLAMA,
        "parameters": 134_500_000,
        "file_bytes": 538_000_000,
    }
    return describe(**{**values, **changes})


def test_what_is_expected_of_the_engine_is_what_the_engine_does() -> None:
    assert FUSED_FAMILIES == building.FAMILIES
    assert set(SEQ2SEQ_FAMILIES) == set(seq2seq.NORM_FIRST)
    assert set(ENCODER_FAMILIES) == set(encoder.PLACES)
    assert ROUNDED_FROM == rounding.WORTHWHILE_PARAMETERS


@pytest.mark.parametrize(
    ("changes", "way", "precision"),
    [
        ({}, "fused", "int8"),
        ({"parameters": 5_000_000}, "fused", "float32"),
        ({"quantization": "none"}, "fused", "float32"),
        ({"parameters": 5_000_000, "quantization": "int8"}, "fused", "int8"),
        ({"quantization": "int4"}, "fused", "int4"),
        ({"precision": "float32"}, "fused", "float32"),  # the trial of the last load said no
        ({"quantization": "int8", "precision": "float32"}, "fused", "int8"),  # asked for since
        ({"can_round": False}, "fused", "float32"),
        ({"shape": Shape("gpt2", layers=12)}, "library", "int8"),
        ({"shape": Shape("gpt2", layers=12), "quantization": "int4"}, "library", "int8"),
        ({"shape": Shape("gpt2", layers=12), "quantization": "none"}, "library", "float32"),
        ({"task": "classification"}, "library", "int8"),
        ({"task": "classification", "parameters": 5_000_000}, "library", "float32"),
        ({"task": "classification", "precision": "float32"}, "library", "float32"),
        ({"task": "classification", "shape": Shape("roberta", layers=6)}, "encoder", "int8"),
        ({"task": "embedding", "shape": Shape("mpnet", layers=6), "quantization": "none"}, "encoder", "float32"),
        ({"task": "embedding", "shape": Shape("bert", layers=6), "half": True}, "library", "bfloat16"),
        ({"half": True}, "fused", "int8"),
        ({"half": True, "parameters": 5_000_000}, "library", "bfloat16"),
        ({"half": True, "quantization": "none"}, "library", "bfloat16"),
        ({"half": True, "precision": "bfloat16"}, "library", "bfloat16"),  # the trial of the last load said no
        ({"half": True, "shape": Shape("gpt2", layers=12)}, "library", "bfloat16"),
        ({"half": True, "shape": Shape("gpt2", layers=12), "quantization": "int8"}, "library", "int8"),
        ({"task": "translation", "shape": Shape("marian", layers=6)}, "seq2seq", "int8"),
        ({"shape": Shape("bart", layers=6)}, "seq2seq", "int8"),
        ({"task": "translation", "shape": Shape("marian", layers=6), "half": True}, "library", "bfloat16"),
        ({"task": "embedding", "shape": Shape("bart", layers=6)}, "library", "int8"),
        ({"task": "translation", "shape": Shape("t5", layers=6)}, "library", "int8"),
        ({"task": "embedding", "shape": Shape(), "stored": "f32", "exported": True}, "library", "float32"),
        ({"task": "embedding", "shape": Shape(), "exported": True, "quantization": "int8"}, "library", "float32"),
        ({"task": "embedding", "shape": Shape(), "stored": "f16", "exported": True}, "library", "float16"),
        ({"task": "embedding", "shape": Shape(), "stored": "bf16", "exported": True}, "library", "bfloat16"),
        ({"engine": "echo"}, "native", "none"),
        ({"engine": "llamacpp", "stored": "q4_k"}, "native", "q4_k"),
        ({"engine": "ctranslate2"}, "native", "int8_float32"),
    ],
)
def test_how_a_model_will_be_computed(changes: dict[str, Any], way: str, precision: str) -> None:
    found = described(**changes)
    assert (found.way, found.precision) == (way, precision)


def test_a_tied_table_is_looked_up_and_makes_the_scores() -> None:
    table = 49_152 * 576
    tied, untied = described(), described(shape=Shape("llama", 30, 0, 576, 49_152, tied=False))
    assert (tied.body, tied.head) == (134_500_000 - table, table)
    assert (untied.body, untied.head) == (134_500_000 - 2 * table, table)
    assert described(task="embedding").head == 0


def test_rounded_weights_are_packed_and_the_table_stays_exact() -> None:
    table = 49_152 * 576
    padded = 1024 / 576  # in pieces of 512 inputs
    body, head = (134_500_000 - table) * (1 + AS_WIDE_AS_MODEL * (padded - 1)), table * padded
    assert described().held_bytes == int(body + head + 4 * table)
    assert described(shape=Shape("llama", 30, 0, 1024, 49_152, tied=True)).held_bytes == 134_500_000 + 4 * 49_152 * 1024
    assert described(quantization="none").held_bytes == 4 * 134_500_000
    assert described(engine="llamacpp", precision="Q4_0", weight_bytes=80_000_000).held_bytes == 80_000_000


@pytest.mark.parametrize(
    ("changes", "kernel"),
    [
        ({"engine": "llamacpp", "stored": "q4_k", "weight_bytes": int(134_500_000 * 0.57)}, "q4_0"),
        ({"engine": "llamacpp", "stored": "q6_k", "weight_bytes": int(134_500_000 * 0.82)}, "q8_0"),
        ({"engine": "ctranslate2"}, "int8"),
        ({"quantization": "none"}, "float32"),
    ],
)
def test_a_precision_that_is_not_measured_itself_is_as_quick_as_its_like(changes: dict[str, Any], kernel: str) -> None:
    assert described(**changes).kernel == kernel


def test_room_that_is_taken_at_the_load_counts_as_held() -> None:
    few, many = (described(engine="llamacpp", stored="q8_0", reserved_bytes=count) for count in (0, 1_000_000))
    assert held_bytes(many, Surroundings()) - held_bytes(few, Surroundings()) == 1_000_000


def test_a_kept_table_of_words_is_read_word_by_word() -> None:
    first, later = (held_bytes(described(), Surroundings(rounded_before=before)) for before in (False, True))
    assert first - later == 4 * 49_152 * 576
