"""The error tree: every class can be raised, sent and restored."""

import inspect
import string

import pytest

from sidecar import errors
from sidecar.errors import InglenookError, from_wire

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, InglenookError)]
CONCRETE = [cls for cls in CLASSES if not cls.__subclasses__()]


def example(cls: type[InglenookError]) -> InglenookError:
    fields = [name for _, name, _, _ in string.Formatter().parse(cls.template) if name]
    return cls(**dict.fromkeys(fields, 7))


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.__name__)
def test_an_error_survives_the_wire_as_the_same_class(cls: type[InglenookError]) -> None:
    error = example(cls)
    restored = from_wire(**error.to_wire())
    assert type(restored) is cls
    assert (restored.message, restored.details) == (error.message, error.details)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_docstring_draws_every_class(cls: type[InglenookError]) -> None:
    assert cls.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.__name__)
def test_the_drawn_status_is_the_real_one(cls: type[InglenookError]) -> None:
    line = next(line for line in (errors.__doc__ or "").splitlines() if f" {cls.__name__} " in f"{line} ")
    assert str(cls.status) in line


def test_an_unknown_code_keeps_its_message() -> None:
    error = from_wire("of_the_future", "Something new.", {"field": 1})
    assert type(error) is InglenookError
    assert str(error) == "Something new."


def test_codes_are_unique_among_concrete_classes() -> None:
    codes = [cls.code for cls in CONCRETE]
    assert len(codes) == len(set(codes))
