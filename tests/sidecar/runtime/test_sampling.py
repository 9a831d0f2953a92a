from __future__ import annotations

from sidecar.runtime.sampling import effective, filled
from sidecar.types import GenerateRequest, GenerationDefaults, Sampling


def test_a_request_wins_over_the_model_and_the_model_over_the_general_default() -> None:
    request = GenerateRequest(prompt="x", temperature=0.1, stop=["a"], seed=7)
    full = filled(request, GenerationDefaults(temperature=0.5, top_k=3), GenerationDefaults(top_k=9, top_p=0.8))
    assert (full.temperature, full.top_k, full.top_p, full.min_p, full.repetition_penalty) == (0.1, 3, 0.8, 0.0, 1.0)
    assert (full.stop, full.seed) == (["a"], 7)
    assert type(full) is Sampling


def test_zero_is_a_value_and_not_an_absence() -> None:
    assert filled(GenerateRequest(temperature=0), GenerationDefaults(temperature=0.5)).temperature == 0


def test_a_length_in_the_request_replaces_both_of_the_models() -> None:
    full = filled(GenerateRequest(max_length=100), GenerationDefaults(max_new_tokens=5, max_length=7))
    assert (full.max_length, full.max_new_tokens) == (100, None)


def test_without_a_length_in_the_request_the_models_apply() -> None:
    full = filled(GenerateRequest(), GenerationDefaults(max_new_tokens=5))
    assert (full.max_length, full.max_new_tokens) == (None, 5)


def test_what_no_one_chose_stays_open_in_the_models_own_defaults() -> None:
    own = effective(GenerationDefaults(top_k=4), GenerationDefaults(top_k=5, top_p=0.9))
    assert (own.top_k, own.top_p, own.temperature) == (4, 0.9, None)
