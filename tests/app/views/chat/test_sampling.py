import pytest

from app.views.chat.sampling import PRESETS, parameters, preset_names, preset_of, with_preset
from sidecar.types import GenerateRequest


def test_a_preset_is_recognised_by_its_values():
    assert {name: preset_of(values) for name, values in PRESETS.items()} == {name: name for name in PRESETS}


def test_a_mixture_of_ones_own_is_no_preset():
    assert preset_of({"temperature": 0.33}) is None


def test_choosing_a_preset_keeps_length_seed_and_stop_texts():
    values = with_preset({"top_k": 5, "seed": 7, "max_new_tokens": 50, "stop": ["END"]}, "precise")
    assert values == {"temperature": 0.2, "top_p": 0.9, "seed": 7, "max_new_tokens": 50, "stop": ["END"]}


def test_every_preset_has_a_name():
    assert preset_names().keys() == PRESETS.keys()


@pytest.mark.parametrize("parameter", parameters(), ids=lambda parameter: parameter.key)
def test_every_parameter_is_one_the_service_takes(parameter):
    assert parameter.key in GenerateRequest.__struct_fields__


def test_whole_numbers_are_sent_as_integers():
    top_k = next(parameter for parameter in parameters() if parameter.key == "top_k")
    assert isinstance(top_k.number(40.0), int)
