"""Embeddings, compared with pooling written out by hand on the library's hidden states."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from sidecar.engines.transformers.pooling import MODES
from sidecar.errors import LoadFailed
from sidecar.registry.inspect import inspect
from sidecar.registry.shape import BERT
from sidecar.runtime.protocol import Embed, Failed
from tests.helpers.models import tiny
from tests.helpers.tokenizers import word_piece_tokenizer
from tests.helpers.worker import drive, embed, load

TEXTS = ["good sun", "bad rain and bad tea, what does it think", "a"]


def hidden(name: str, text: str) -> torch.Tensor:
    """The library's hidden states of one text without padding, shape (tokens, size)."""
    folder = tiny(name)
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        states: torch.Tensor = AutoModel.from_pretrained(folder)(**inputs).last_hidden_state[0]
    return states


def test_mean_pooling_is_the_mean_of_the_tokens_and_normalised() -> None:
    vectors = embed(load(tiny("embed-mean"), "embedding"), Embed(1, TEXTS))
    means = np.stack([hidden("embed-mean", text).mean(0).numpy() for text in TEXTS])
    np.testing.assert_allclose(vectors, means / np.linalg.norm(means, axis=1, keepdims=True), atol=1e-5)


def test_cls_pooling_is_the_first_token() -> None:
    vectors = embed(load(tiny("embed-cls"), "embedding"), Embed(1, TEXTS, normalize=False))
    expected = np.stack([hidden("embed-cls", text)[0].numpy() for text in TEXTS])
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_a_dense_module_follows_the_pooling() -> None:
    vectors = embed(load(tiny("embed-dense"), "embedding"), Embed(1, TEXTS, normalize=False))
    weights = load_file(tiny("embed-dense") / "2_Dense" / "model.safetensors")
    means = torch.stack([hidden("embed-dense", text).mean(0) for text in TEXTS])
    expected = torch.tanh(means @ weights["linear.weight"].T + weights["linear.bias"])
    np.testing.assert_allclose(vectors, expected.numpy(), atol=1e-5)


def test_a_normalize_module_holds_whatever_the_request_says() -> None:
    vectors = embed(load(tiny("embed-mean"), "embedding"), Embed(1, TEXTS, normalize=False))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_model_without_configuration_is_mean_pooled_and_says_so() -> None:
    model = load(tiny("embed-plain"), "embedding")
    expected = np.stack([hidden("embed-plain", text).mean(0).numpy() for text in TEXTS])
    np.testing.assert_allclose(embed(model, Embed(1, TEXTS, normalize=False)), expected, atol=1e-5)
    assert "pool" in model.facts.warnings[0]


def test_fewer_dimensions_are_cut_off_and_normalised_again() -> None:
    model = load(tiny("embed-cls"), "embedding")
    whole = embed(model, Embed(1, TEXTS, normalize=False))[:, :8]
    short = embed(model, Embed(1, TEXTS, dimensions=8))
    np.testing.assert_allclose(short, whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-5)


def test_more_dimensions_than_there_are_are_refused() -> None:
    end = drive(load(tiny("embed-cls"), "embedding"), Embed(1, TEXTS, dimensions=33))[1]
    assert isinstance(end, Failed)
    assert "33" in end.message


def test_many_texts_of_mixed_length_keep_their_order() -> None:
    model = load(tiny("embed-mean"), "embedding")
    texts = ["sun " * (1 + i % 7) + "rain" * (i % 3) for i in range(60)]
    together = embed(model, Embed(1, texts))
    alone = np.concatenate([embed(model, Embed(1, [text])) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_sequence_length_of_the_sentence_transformers_files_is_the_limit() -> None:
    facts = load(tiny("embed-mean"), "embedding").facts
    assert (facts.context_length, facts.dimensions) == (32, 32)


def test_an_unknown_module_is_refused_rather_than_left_out(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("embed-mean"), tmp_path / "model")
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 9, "name": "9", "path": "", "type": "sentence_transformers.models.LSTM"})
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(LoadFailed, match="LSTM"):
        load(folder, "embedding")


def test_every_pooling_mode_ignores_padding() -> None:
    states = torch.randn(2, 5, 4)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    for mode, pool in MODES.items():
        torch.testing.assert_close(pool(states, mask)[:1], pool(states[:1, :3], mask[:1, :3]), msg=mode)


def test_later_tokens_weigh_more_in_the_weighted_mean() -> None:
    states = torch.tensor([[[1.0], [4.0]]])
    assert MODES["weightedmean"](states, torch.ones(1, 2, dtype=torch.long)).item() == pytest.approx(3.0)


def test_the_last_token_is_the_last_that_is_not_padding() -> None:
    states = torch.arange(5.0).reshape(1, 5, 1)
    assert MODES["lasttoken"](states, torch.tensor([[1, 1, 1, 0, 0]])).item() == 2.0


def test_a_bert_whose_config_has_nothing_but_sizes_embeds(tmp_path: Path) -> None:
    folder, sizes = shutil.copytree(tiny("embed-plain"), tmp_path / "bert"), tmp_path / "bert" / "config.json"
    config = json.loads(sizes.read_text())
    sizes.write_text(json.dumps({key: config[key] for key in (*BERT, "max_position_embeddings", "hidden_act")}))
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).unlink(missing_ok=True)
    (folder / "vocab.txt").write_text(
        "\n".join(word_piece_tokenizer().convert_ids_to_tokens(range(config["vocab_size"])))
    )
    assert inspect(folder).types == ("embedding",)
    expected = embed(load(tiny("embed-plain"), "embedding"), Embed(1, TEXTS))
    np.testing.assert_allclose(embed(load(folder, "embedding"), Embed(1, TEXTS)), expected, atol=1e-6)
