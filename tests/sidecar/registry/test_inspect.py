from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import InvalidRequest
from sidecar.registry.inspect import inspect

from .conftest import LLAMA, safetensors, write_model


def test_a_language_model_is_known_by_its_files(llama: Path) -> None:
    seen = inspect(llama)
    assert (seen.engine, seen.types, seen.architecture) == ("transformers", ("text_generation",), "LlamaForCausalLM")
    assert seen.context_length == 256
    assert seen.weights.parameters == 35
    assert seen.cache_bytes_per_token == 2 * 2 * 2 * 8 * 4
    assert seen.capabilities == ("generate",)
    assert seen.file_bytes > 134


@pytest.mark.parametrize(
    ("architecture", "types"),
    [
        ("Qwen2ForCausalLM", ("text_generation",)),
        ("GPT2LMHeadModel", ("text_generation",)),
        ("DistilBertForSequenceClassification", ("classification",)),
        ("MarianMTModel", ("translation",)),
        ("M2M100ForConditionalGeneration", ("translation",)),
        ("T5ForConditionalGeneration", ("text_generation", "translation")),
        ("BertModel", ("embedding",)),
        ("BertForMaskedLM", ("embedding",)),
    ],
)
def test_the_architecture_decides_what_a_model_can_do(
    tmp_path: Path, architecture: str, types: tuple[str, ...]
) -> None:
    folder = write_model(tmp_path / "m", {"architectures": [architecture]})
    assert inspect(folder).types == types


def test_a_sentence_transformer_embeds_whatever_its_trunk_is(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", {"architectures": ["Qwen3ForCausalLM"]}, modules__json="[]")
    assert inspect(folder).types == ("embedding",)


@pytest.mark.parametrize(
    "files", [{"chat_template__jinja": "{{ x }}"}, {"tokenizer_config__json": json.dumps({"chat_template": "{{ x }}"})}]
)
def test_a_chat_template_makes_a_model_chat(tmp_path: Path, files: dict[str, str]) -> None:
    assert inspect(write_model(tmp_path / "m", LLAMA, **files)).capabilities == ("generate", "chat")


def test_labels_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    config = {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"10": "k", "2": "c", "0": "entailment"},
        "problem_type": "multi_label_classification",
    }
    seen = inspect(write_model(tmp_path / "m", config))
    assert seen.labels == ("entailment", "c", "k")
    assert seen.multi_label
    assert "zero-shot" in seen.capabilities


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        ({"do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 20}, (0.6, 0.9, 20)),
        ({"do_sample": False, "temperature": 0.6}, (0.0, None, None)),
        ({"temperature": 0.6, "top_k": 50}, (None, None, 50)),
        ({"do_sample": True, "temperature": 99, "top_p": "much", "top_k": -4}, (None, None, None)),
    ],
)
def test_the_makers_sampling_is_the_default(
    tmp_path: Path, generation: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    folder = write_model(tmp_path / "m", LLAMA, generation_config__json=json.dumps(generation))
    defaults = inspect(folder).defaults
    assert (defaults.temperature, defaults.top_p, defaults.top_k) == expected


def test_the_description_is_the_model_cards_first_paragraph(tmp_path: Path) -> None:
    card = "---\nlicense: mit\n---\n\n# A title\n\nA small\nmodel.\n\nMore.\n"
    assert inspect(write_model(tmp_path / "m", LLAMA, README__md=card)).description == "A small model."


def test_the_version_changes_when_a_file_does(llama: Path) -> None:
    before = inspect(llama).version
    assert inspect(llama).version == before
    (llama / "tokenizer.json").write_text('{"a": 1}')
    assert inspect(llama).version != before


MODULES = json.dumps([{"path": ""}, {"path": "1_Pooling"}, {"path": "../aside"}, "odd", {"path": 7}, {}])


@pytest.mark.parametrize("name", ["modules.json", "1_Pooling/config.json", "1_Pooling/more.safetensors"])
def test_the_version_changes_when_a_module_does(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path / "m", {"architectures": ["BertModel"]}, modules__json=MODULES)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "mean"}')
    before = inspect(folder).version
    (folder / name).write_text("[1]")
    assert inspect(folder).version != before


@pytest.mark.parametrize("name", ["m/inglenook-manifest.json", "m/onnx/model.onnx", "aside/config.json"])
def test_the_version_stays_when_another_file_changes(tmp_path: Path, name: str) -> None:
    """Our own record of what was verified, what lies in a folder that is no module, and outside."""
    folder = write_model(tmp_path / "m", {"architectures": ["BertModel"]}, modules__json=MODULES)
    before = inspect(folder).version
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("{}")
    assert inspect(folder).version == before


def test_shards_are_summed_and_a_missing_one_is_named(llama: Path) -> None:
    (llama / "model.safetensors").rename(llama / "model-1.safetensors")
    (llama / "model-2.safetensors").write_bytes(safetensors({"c": ("F32", [2], 8)}))
    index = {"weight_map": {"w": "model-1.safetensors", "c": "model-2.safetensors"}}
    (llama / "model.safetensors.index.json").write_text(json.dumps(index))
    assert inspect(llama).weights.parameters == 37
    (llama / "model-2.safetensors").unlink()
    with pytest.raises(InvalidRequest, match=r"incomplete.*model-2\.safetensors"):
        inspect(llama)


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "weights.bin"])
def test_an_index_that_points_elsewhere_is_refused(llama: Path, name: str) -> None:
    (llama / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": name}}))
    with pytest.raises(InvalidRequest, match="not a file beside it"):
        inspect(llama)


def test_a_folder_with_pickles_only_is_refused(llama: Path) -> None:
    (llama / "model.safetensors").rename(llama / "pytorch_model.bin")
    with pytest.raises(InvalidRequest, match="pickle"):
        inspect(llama)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [("config.json", "no config.json"), ("model.safetensors", "no weights"), ("tokenizer.json", "no tokenizer")],
)
def test_a_missing_file_is_named(llama: Path, missing: str, reason: str) -> None:
    (llama / missing).unlink()
    with pytest.raises(InvalidRequest, match=reason):
        inspect(llama)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("[1]", "not a JSON object"),
        ("{", "not valid JSON"),
        ("{}", "no architecture"),
        ('{"architectures": ["ViTFor"]}', "none"),
    ],
)
def test_an_unusable_config_is_refused(llama: Path, config: str, reason: str) -> None:
    (llama / "config.json").write_text(config)
    with pytest.raises(InvalidRequest, match=reason):
        inspect(llama)


def test_what_is_not_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="not a folder"):
        inspect(tmp_path / "nowhere")
