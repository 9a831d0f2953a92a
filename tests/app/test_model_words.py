"""Models in words."""

import pytest

from app.model_words import parameters, size


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, ""), (820, "820"), (124_000_000, "124M"), (3_930_000, "3.93M"), (7_240_000_000, "7.24B")],
)
def test_parameters_are_told_as_models_are_named(count, words):
    assert parameters(count) == words


@pytest.mark.parametrize(
    ("megabytes", "words"), [(0, "–"), (0.2, "205 kB"), (4.6, "4.6 MB"), (91, "91 MB"), (5017, "4.9 GB")]
)
def test_files_have_a_size_that_reads_easily(megabytes, words):
    assert size(megabytes) == words
