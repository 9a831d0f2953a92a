import pytest

from app.views.chat.trouble import explain, technical
from sidecar import errors


def all_errors(cls=errors.InglenookError):
    return [cls, *(found for child in cls.__subclasses__() for found in all_errors(child))]


@pytest.mark.parametrize("code", sorted({error.code for error in all_errors()}))
def test_every_error_has_a_title_advice_and_something_to_do(code):
    trouble = explain(code, {})
    assert trouble.title
    assert trouble.advice
    assert trouble.remedies


def test_a_full_context_offers_to_drop_the_oldest_turns_and_names_the_numbers():
    trouble = explain("context_exceeded", {"prompt_tokens": 9000, "context_tokens": 8192})
    assert trouble.remedies[0] == "truncate"
    assert "9,000" in trouble.title
    assert "8,192" in trouble.title


def test_a_missing_model_offers_another_one_only():
    assert explain("model_not_found", {}).remedies == ("model",)


def test_the_details_hold_code_message_and_numbers():
    text = technical("worker_crashed", "It ended.", {"exit": 3})
    assert text.startswith("worker_crashed: It ended.")
    assert '"exit": 3' in text
