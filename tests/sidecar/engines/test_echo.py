"""The echo engine's answers are predictable, so that tests can rely on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sidecar.errors import LoadFailed
from sidecar.runtime.protocol import Classify, Embed, Failed, Generate
from sidecar.types import Message, Sampling
from tests.helpers.models import echo_model
from tests.helpers.worker import answer, classify, drive, embed, load


def test_it_repeats_the_prompt_as_often_as_configured(tmp_path: Path) -> None:
    model = load(echo_model(tmp_path, repeat=2), engine="echo")
    assert answer(model, Generate(1, " a  b\nc", None, Sampling()))[1][0] == " a  b\nc a  b\nc"


def test_it_answers_a_chat_with_the_last_message(tmp_path: Path) -> None:
    model = load(echo_model(tmp_path), engine="echo")
    messages = [Message("user", "first"), Message("user", "second")]
    assert answer(model, Generate(1, None, messages, Sampling()))[1][0] == "second"


def test_it_stops_at_limits_and_stop_strings(tmp_path: Path) -> None:
    model = load(echo_model(tmp_path), engine="echo")
    assert answer(model, Generate(1, "a b c", None, Sampling(max_new_tokens=2)))[1][0] == "a b"
    assert answer(model, Generate(1, "a b c", None, Sampling(stop=" c")))[1][0] == "a b"


def test_a_prompt_longer_than_the_context_is_cut_only_when_allowed(tmp_path: Path) -> None:
    model = load(echo_model(tmp_path, context_length=4), engine="echo")
    assert isinstance(drive(model, Generate(1, "a b c d e f", None, Sampling()))[1], Failed)
    text, result = answer(model, Generate(1, "a b c d e f", None, Sampling(), truncate=True))[1]
    assert text == " d"
    assert result.warnings


def test_equal_texts_have_equal_probabilities_and_vectors(tmp_path: Path) -> None:
    model = load(echo_model(tmp_path), engine="echo")
    scores = classify(model, Classify(1, ["a", "b", "a"], ["x", "y"])).scores
    vectors = embed(model, Embed(2, ["a", "b", "a"], dimensions=4))
    assert scores[0] == scores[2] != scores[1]
    assert sum(scores[0]) == pytest.approx(1)
    assert vectors.shape == (3, 4)
    assert (vectors[0] == vectors[2]).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


def test_another_models_folder_is_refused(tmp_path: Path) -> None:
    folder = echo_model(tmp_path)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(LoadFailed, match="llama"):
        load(folder, engine="echo")
